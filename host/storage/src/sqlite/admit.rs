//! Keeping what arrives: requests, and the events that are read from them.

use std::sync::Arc;

use crossdock_model::common::Personal;
use crossdock_model::event::{Event, Fact};
use crossdock_model::time::Millis;
use crossdock_rules::key::{Collision, collide, distinct};
use crossdock_rules::told::{Attribute, Marks};

use super::batch::{Batch, Fresh};
use super::prepare::{carries_personal, mark};
use super::sql::{Cells, execute, fetch};
use crate::command::{Accept, Accepted, Admit, Admitted, Applied, CursorMove, NewEvent, Request};
use crate::vault::{Bound, Sealer};
use crate::{Error, Result};

/// The request as it is sealed: the length of its head, the head as JSON, the body as it came.
pub(super) fn pack(request: &Request) -> Result<Vec<u8>> {
    let head =
        serde_json::to_vec(&(&request.method, &request.query, &request.headers, &request.file)).map_err(
            |error| Error::Unreadable { what: "the head of a request".into(), why: error.to_string() },
        )?;
    let mut packed = Vec::with_capacity(4 + head.len() + request.body.len());
    packed.extend_from_slice(&u32::try_from(head.len()).unwrap_or(u32::MAX).to_be_bytes());
    packed.extend_from_slice(&head);
    packed.extend_from_slice(&request.body);
    Ok(packed)
}

/// The head of a packed request. The name of the file came later than the rest.
#[derive(serde::Deserialize)]
struct Head(String, String, Vec<(String, String)>, #[serde(default)] Option<String>);

/// The request that was packed.
pub(super) fn unpack(packed: &[u8]) -> Result<Request> {
    let wrong = |why: &str| Error::Unreadable { what: "a kept request".into(), why: why.into() };
    let (length, rest) = packed.split_first_chunk::<4>().ok_or_else(|| wrong("it is too short"))?;
    let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| wrong("its head is too long"))?;
    let (head, body) = rest.split_at_checked(length).ok_or_else(|| wrong("its head is cut off"))?;
    let Head(method, query, headers, file) =
        serde_json::from_slice(head).map_err(|error| wrong(&error.to_string()))?;
    Ok(Request { method, query, headers, body: body.to_vec(), file })
}

impl<'a> Batch<'a> {
    pub(super) fn accept(&mut self, accept: &Accept) -> Result<Applied> {
        let mark = mark(accept);
        if self.safeguards.dedupe()
            && let Some(inbound) = self.seen.get(&mark)
        {
            return Ok(Applied::Accepted(Accepted { inbound: *inbound, duplicate: true }));
        }
        let id = self.memory.ids.inbound + 1;
        let day = accept.received_at.day();
        let sealed = self.day(day)?.seal(Bound::Inbound(id), &pack(&accept.request)?)?;
        self.memory.ids.inbound = id;
        self.memory.pending.insert(id);
        self.piles.inbound.row(|args| {
            args.add(id)
                .add(accept.connector.as_str())
                .add(accept.received_at.0)
                .add(0)
                .add(accept.trace.as_str());
        });
        self.piles.body.row(|args| {
            args.add(id).add(day).add(sealed);
        });
        if self.seen.insert(mark, id).is_none() {
            self.piles.seen.row(|args| {
                args.add(mark.to_vec()).add(id);
            });
        }
        Ok(Applied::Accepted(Accepted { inbound: id, duplicate: false }))
    }

    /// The key of a day. Days that are over and not remembered are looked up by [`Self::load_days`].
    pub(super) fn day(&mut self, day: i64) -> Result<Sealer> {
        if let Some(sealer) = self.memory.days.get(&day) {
            return Ok(sealer.clone());
        }
        let (sealer, wrapped) = self.vault.make(Bound::DayKey(day))?;
        self.piles.day_key.row(|args| {
            args.add(day).add(wrapped);
        });
        self.memory.days.insert(day, sealer.clone());
        Ok(sealer)
    }

    /// Reads the keys of days that are not remembered.
    pub(super) async fn load_days(&mut self, days: impl IntoIterator<Item = i64>) -> Result<()> {
        for day in days {
            if self.memory.days.contains_key(&day) {
                continue;
            }
            let text = "SELECT wrapped FROM day_key WHERE day = ?";
            let rows = fetch(self.connection, "reading a day's key", text, |args| {
                args.add(day);
            });
            for row in rows.await? {
                let sealer = self.vault.unwrap(Bound::DayKey(day), Cells::of(&row).next()?)?;
                self.memory.days.insert(day, sealer);
            }
        }
        Ok(())
    }

    pub(super) async fn admit(&mut self, admit: &'a Admit) -> Result<Applied> {
        if let Some(inbound) = admit.inbound
            && !self.memory.pending.contains(&inbound)
        {
            return Err(self.why_not_pending(inbound).await?);
        }
        if let Some(handed) = &admit.handed {
            self.may_hand_over(handed).await?;
        }
        if let Some(cursor) = &admit.cursor {
            self.move_cursor(cursor, admit.now).await?;
        }
        if let Some(inbound) = admit.inbound {
            self.memory.pending.remove(&inbound);
            self.piles.read.row(|args| {
                args.add(inbound);
            });
        }
        if let Some(handed) = &admit.handed {
            self.hand_over(handed)?;
        }
        let mut admitted = Admitted::default();
        for (at, new) in admit.events.iter().enumerate() {
            let key = match self.key(new).await? {
                Ok(key) => key,
                Err(known) => {
                    admitted.events.push(known);
                    admitted.duplicates += 1;
                    continue;
                }
            };
            let (id, personal) = self.keep(new, key, admit, at)?;
            admitted.events.push(id);
            self.owe(id, new, &personal, admit.now, &mut admitted).await?;
        }
        admitted.ready = self.take_ready();
        Ok(Applied::Admitted(admitted))
    }

    /// Whether the inbound is unknown or has been read before.
    pub(super) async fn why_not_pending(&mut self, inbound: i64) -> Result<Error> {
        let text = "SELECT state FROM inbound WHERE id = ?";
        let rows = fetch(self.connection, "looking for an inbound", text, |args| {
            args.add(inbound);
        });
        Ok(match rows.await?.first() {
            None => Error::Unknown { what: "inbound", id: inbound.to_string() },
            Some(row) => Error::WrongState {
                what: "inbound",
                id: inbound,
                state: if Cells::of(row).next::<i64>()? == 2 { "quarantined" } else { "read" }.into(),
            },
        })
    }

    /// Moves a cursor, if it is where the caller believes it is.
    async fn move_cursor(&mut self, cursor: &CursorMove, now: Millis) -> Result<()> {
        let text = "INSERT INTO cursor (connector, cursor, at) SELECT ?1, ?2, ?3 \
                    WHERE (SELECT cursor FROM cursor WHERE connector = ?1) IS ?4 \
                    ON CONFLICT (connector) DO UPDATE SET cursor = excluded.cursor, at = excluded.at";
        let moved = execute(self.connection, "moving a cursor", text, |args| {
            args.add(cursor.connector.as_str())
                .add(cursor.to.as_str())
                .add(now.0)
                .add(cursor.from.as_deref());
        });
        match moved.await? {
            0 => Err(Error::CursorMoved { connector: cursor.connector.clone() }),
            _ => Ok(()),
        }
    }

    /// The key under which the event is kept, or the event that is the same fact.
    async fn key(&mut self, new: &NewEvent) -> Result<std::result::Result<Arc<str>, i64>> {
        let incoming = &new.incoming;
        let Some((known, digest)) = self.keys.get(incoming.key.as_str()).cloned() else {
            return Ok(Ok(incoming.key.as_str().into()));
        };
        let other = match collide(incoming.effect, &incoming.key, &digest, &incoming.digest) {
            Collision::Distinct(other) => other,
            Collision::Duplicate if self.safeguards.dedupe() => return Ok(Err(known)),
            Collision::Duplicate => {
                let again = format!("{}{}", incoming.digest, self.memory.ids.event);
                return Ok(Ok(distinct(&incoming.key, &again).into()));
            }
        };
        if !self.keys.contains_key(other.as_str()) {
            self.load_keys([other.as_str()]).await?;
        }
        Ok(match self.keys.get(other.as_str()) {
            Some((known, _)) if self.safeguards.dedupe() => Err(*known),
            _ => Ok(other.into()),
        })
    }

    /// Writes an event down. Answers its id, and marks of what it tells of a person.
    fn keep(&mut self, new: &'a NewEvent, key: Arc<str>, admit: &Admit, at: usize) -> Result<(i64, Marks)> {
        let (event, incoming) = (&new.event, &new.incoming);
        let id = self.memory.ids.event + 1;
        let unwritable = |error: serde_json::Error| Error::Unreadable {
            what: format!("event {}", incoming.key),
            why: error.to_string(),
        };
        let mut bare = None;
        let mut personal = new.personal.clone();
        if carries_personal(event) {
            let mut copy: Event = event.clone();
            personal = copy.take_personal().or(personal);
            bare = Some(copy);
        }
        let body = serde_json::to_string(bare.as_ref().unwrap_or(event)).map_err(unwritable)?;
        let subject = new.subject();
        let mut marks = Marks::default();
        if let Some(personal) = personal {
            let plain = serde_json::to_vec(&personal).map_err(unwritable)?;
            if matches!(event.fact, Fact::Order(_)) {
                marks = self.personal_marks(&personal, &plain)?;
            }
            let (subject, sealer) = self.subject(&subject)?;
            let sealed = sealer.seal(Bound::Personal(id), &plain)?;
            self.subject_of.insert(id, Some((subject, Some(sealer))));
            self.piles.personal.row(|args| {
                args.add(id).add(subject).add(sealed);
            });
        } else {
            self.subject_of.insert(id, None);
        }
        self.memory.ids.event = id;
        self.piles.event_body.row(|args| {
            args.add(id).add(body);
        });
        self.piles.event.row(|args| {
            args.add(id)
                .add(Arc::clone(&key))
                .add(event.fact.kind())
                .add(incoming.entity.as_str())
                .add((incoming.lane != incoming.entity).then_some(incoming.lane.as_str()))
                .add(event.occurred_at.as_str())
                .add(admit.now.0)
                .add(incoming.stamp.at)
                .add(incoming.stamp.sequence.map(u64::cast_signed))
                .add(incoming.stamp.progress)
                .add(incoming.effect.as_str())
                .add(incoming.digest.as_str())
                .add(admit.inbound)
                .add((subject != incoming.lane).then_some(subject))
                .add(new.trace.as_str());
        });
        self.keys.insert(Arc::clone(&key), (id, incoming.digest.as_str().into()));
        let place = (self.at, at);
        self.fresh.insert(id, Fresh { new, key, recorded_at: admit.now.0, owed: 0, place });
        Ok((id, marks))
    }

    /// Marks of what an order tells of a person: the note apart from the rest, since others write notes.
    /// `plain` is all of it as JSON.
    fn personal_marks(&self, personal: &Personal, plain: &[u8]) -> Result<Marks> {
        let mut marks = Marks::default();
        let note = Attribute::OrderNote.normal(personal.note.as_deref().unwrap_or_default());
        marks.set(Attribute::OrderNote, self.vault.mark(note.as_bytes()));
        let rest = match personal.note {
            None => self.vault.mark(plain),
            Some(_) => {
                let rest = serde_json::to_vec(&Personal { note: None, ..personal.clone() });
                self.vault.mark(&rest.map_err(|error| Error::Unreadable {
                    what: "personal data".into(),
                    why: error.to_string(),
                })?)
            }
        };
        marks.set(Attribute::OrderPersonal, rest);
        Ok(marks)
    }

    /// The live key of a subject, made where there is none. What there is has been read.
    fn subject(&mut self, subject: &str) -> Result<(i64, Sealer)> {
        if let Some(known) = self.memory.subjects.get(subject) {
            return Ok(known.clone());
        }
        let id = self.memory.ids.subject + 1;
        let (sealer, wrapped) = self.vault.make(Bound::SubjectKey(id))?;
        self.memory.ids.subject = id;
        self.piles.subject_key.row(|args| {
            args.add(id).add(subject).add(wrapped);
        });
        self.memory.subjects.insert(subject.into(), (id, sealer.clone()));
        Ok((id, sealer))
    }
}
