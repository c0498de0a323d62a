//! Keeping what arrives: requests, events, and what is owed for them.

use std::collections::BTreeSet;
use std::sync::Arc;

use crossdock_model::common::Personal;
use crossdock_model::connector::Problem;
use crossdock_model::event::{Event, Fact};
use crossdock_model::time::Millis;
use crossdock_rules::admission::{Admission, Effect, Incoming, Known, admit};
use crossdock_rules::key::{Collision, collide, distinct};
use crossdock_rules::lane::{DeliveryState, Ending};
use crossdock_rules::outcome::code;
use crossdock_rules::ownership::Verdict;
use crossdock_rules::told::{Attribute, Marks};
use crossdock_rules::{day, stock};

use super::batch::{Batch, Fresh};
use super::delivery::{Delivery, Purpose};
use super::echo::HELD;
use super::landscape::{Held, Telling};
use super::memory::Place;
use super::prepare::{carries_personal, mark};
use super::sql::{Cells, execute, fetch};
use crate::command::{
    Accept, Accepted, Admit, Admitted, Applied, CursorMove, NewEvent, Owed, Raised, Request, Target,
};
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
        let marks = match &personal {
            Some(personal) if matches!(event.fact, Fact::Order(_)) => self.personal_marks(personal)?,
            _ => Marks::default(),
        };
        if let Some(personal) = personal {
            let plain = serde_json::to_vec(&personal).map_err(unwritable)?;
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
    fn personal_marks(&self, personal: &Personal) -> Result<Marks> {
        let mut rest = personal.clone();
        let note = Attribute::OrderNote.normal(&rest.note.take().unwrap_or_default());
        let rest = serde_json::to_vec(&rest)
            .map_err(|error| Error::Unreadable { what: "personal data".into(), why: error.to_string() })?;
        let mut marks = Marks::default();
        marks.set(Attribute::OrderNote, self.vault.mark(note.as_bytes())?);
        marks.set(Attribute::OrderPersonal, self.vault.mark(&rest)?);
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

    /// Decides what the event's targets are owed. `personal` marks what it tells of a person.
    async fn owe(
        &mut self,
        event: i64,
        new: &NewEvent,
        personal: &Marks,
        now: Millis,
        to: &mut Admitted,
    ) -> Result<()> {
        let incoming = &new.incoming;
        let closed_at = match &incoming.day {
            Some(day) => self.day_of(event, day).await?,
            None => None,
        };
        let first = self.first_told(new).await?;
        self.confirmed(new, now, to).await?;
        if new.targets.is_empty() {
            return Ok(());
        }
        let own: Arc<str> = incoming.lane.as_str().into();
        // What belongs to a sale that another told first goes with that one.
        let lane = first.clone().unwrap_or_else(|| Arc::clone(&own));
        let same_sale = first.as_deref().filter(|_| incoming.entity == incoming.lane);
        let entity: Arc<str> = incoming.entity.as_str().into();
        if new.targets.iter().any(|target| target.pin) {
            self.load_pins([Arc::clone(&lane)]).await?;
        }
        let source: Place = (new.source.as_str().into(), Arc::clone(&entity));
        self.load_written([source.clone()]).await?;
        let what = Self::telling(event, new, personal);
        let mut told: Vec<Arc<str>> = Vec::new();
        for target in &new.targets {
            let (connector, record) = self.home(&lane, target);
            if told.contains(&connector) {
                continue;
            }
            told.push(Arc::clone(&connector));
            if let Some(first) = same_sale {
                let place = (Arc::clone(&connector), Arc::clone(&own));
                let case = Case { event, new, place, entity: &entity, known_as: &entity, what: &what };
                let decided = Admission::same_sale(first);
                let (delivery, what) = self.decided(&case, decided, target, now)?;
                to.owed.push(Owed { event, delivery, connector: connector.to_string(), what: what.into() });
                continue;
            }
            if record {
                self.memory.pins.insert(Arc::clone(&lane), Some(Arc::clone(&connector)));
                self.piles.pin.row(|args| {
                    args.add(Arc::clone(&lane)).add(Arc::clone(&connector));
                });
            }
            let known = self.known(&connector, &entity, target).await?;
            let place_of = target.sum.as_deref().zip(incoming.stock.as_ref());
            let sum: Option<Arc<str>> =
                place_of.map(|(place, counted)| stock::lane(&counted.sku, place).into());
            let place = (Arc::clone(&connector), sum.clone().unwrap_or_else(|| Arc::clone(&lane)));
            self.load_lanes([place.clone()]).await?;
            let parent = match &incoming.parent {
                None => None,
                Some(_) => Some(self.known(&connector, &lane, target).await?),
            };
            let open: Vec<_> = self
                .memory
                .lanes
                .get(&place)
                .into_iter()
                .flatten()
                .filter_map(|id| self.memory.deliveries.get(id))
                .map(Delivery::open)
                .collect();
            let decided = match (&sum, &first) {
                (None, None) => admit(incoming, &known, parent.as_ref(), &open, self.safeguards),
                (sum, first) => {
                    let moved = moved(incoming, sum.as_deref(), first.as_deref());
                    admit(&moved, &known, parent.as_ref(), &open, self.safeguards)
                }
            };
            let verdict = self.verdict(&source, &what, known.told.as_ref());
            let late = incoming.day.as_ref().and_then(|day| day::late(day, closed_at.as_deref(), &known));
            let undecided = matches!(decided, Admission::Enqueue)
                && late.is_none()
                && sum.is_none()
                && !what.marks.is_empty()
                && !matches!(verdict, Verdict::Echo | Verdict::Repeated);
            let flights = if undecided { self.flights_to(&source.0, new, &lane) } else { BTreeSet::new() };
            let row_entity = sum.as_ref().unwrap_or(&entity);
            let case = Case { event, new, place, entity: row_entity, known_as: &entity, what: &what };
            let (delivery, became) = if flights.is_empty() {
                let decided = decided.judged(&verdict);
                if !matches!(decided, Admission::Stale { .. }) {
                    self.note_conflict(&source, &what, &verdict, now);
                }
                match (decided, late) {
                    (Admission::Enqueue | Admission::Wait { .. }, Some(problem)) => {
                        self.decided_late(&case, problem, target, now, to)?
                    }
                    (decided, _) => self.decided(&case, decided, target, now)?,
                }
            } else {
                self.decided_held(&case, flights, &source, known.told, target, now)?
            };
            if let (Some(place), "ready" | "queued" | "joined" | "waiting") = (&target.sum, became) {
                self.keep_level(new, place);
            }
            match became {
                "echo" => to.echoes += 1,
                "conflict" => to.conflicts += 1,
                _ => {}
            }
            let connector = connector.to_string();
            to.owed.push(Owed { event, delivery, connector, what: became.to_owned() });
        }
        Ok(())
    }

    /// What is known of an entity. One that comes from the connector's own system is there anyway.
    pub(super) async fn known(
        &mut self,
        connector: &Arc<str>,
        entity: &str,
        target: &Target,
    ) -> Result<Known> {
        let place = (Arc::clone(connector), Arc::from(entity));
        self.load_entities([place.clone()]).await?;
        let mut known = self.memory.entities.get(&place).cloned().unwrap_or_default();
        known.exists |= target
            .system
            .as_deref()
            .is_some_and(|system| entity.strip_prefix(system).is_some_and(|rest| rest.starts_with('/')));
        Ok(known)
    }

    /// A delivery for the case, and its place among the deliveries.
    fn delivery_for(&mut self, case: &Case<'_>, target: &Target, now: Millis) -> Delivery {
        let id = self.memory.ids.delivery + 1;
        self.memory.ids.delivery = id;
        let purpose = Purpose {
            id,
            event: case.event,
            generation: 0,
            place: case.place.clone(),
            entity: Arc::clone(case.entity),
        };
        let incoming = &case.new.incoming;
        let due_at = target.due_at.unwrap_or(now).0;
        Delivery::new(purpose, incoming.effect, incoming.stamp.at, due_at, now)
    }

    /// A delivery will carry the event: it is kept in memory until then.
    fn will_carry(&mut self, event: i64) {
        if let Some(fresh) = self.fresh.get_mut(&event) {
            fresh.owed += 1;
        }
    }

    /// The day was closed before it came: a person decides.
    fn decided_late(
        &mut self,
        case: &Case<'_>,
        problem: Problem,
        target: &Target,
        now: Millis,
        to: &mut Admitted,
    ) -> Result<(i64, &'static str)> {
        let mut row = self.delivery_for(case, target, now);
        let id = row.id;
        self.advance(case, true);
        self.will_carry(case.event);
        self.clear_annulled(&case.known());
        row.state = DeliveryState::Exception;
        row.reason = Some(problem.clone());
        self.add(row);
        to.raised.push(Raised { delivery: id, connector: case.place.0.to_string(), problem });
        Ok((id, "exception"))
    }

    /// What is on its way to its source at this moment may be what it tells of: that is waited for.
    fn decided_held(
        &mut self,
        case: &Case<'_>,
        flights: BTreeSet<i64>,
        source: &Place,
        before: Option<Marks>,
        target: &Target,
        now: Millis,
    ) -> Result<(i64, &'static str)> {
        let mut row = self.delivery_for(case, target, now);
        let id = row.id;
        self.advance(case, false);
        self.will_carry(case.event);
        self.clear_annulled(&case.known());
        row.state = DeliveryState::Waiting;
        row.reason = reason(HELD, "may only tell what is being written there at this moment".to_owned());
        let (source, entity) = (Arc::clone(&source.0), Arc::clone(&source.1));
        let held = Held { flights, source, entity, what: case.what.clone(), before };
        row.due_at = self.hold(id, held).max(now.0);
        self.add(row);
        Ok((id, "waiting"))
    }

    /// Does what admission decided, and says which delivery came of it and what it is.
    fn decided(
        &mut self,
        case: &Case<'_>,
        admission: Admission,
        target: &Target,
        now: Millis,
    ) -> Result<(i64, &'static str)> {
        let (incoming, event, lane) = (&case.new.incoming, case.event, &case.place);
        let place = case.known();
        let mut row = self.delivery_for(case, target, now);
        let id = row.id;
        match &admission {
            Admission::Stale { .. } => {}
            Admission::End { ending: Ending::SameSale, .. } => {}
            Admission::End { .. } => self.advance(case, false),
            // Whether that is owed is said when what is on its way has landed.
            Admission::Join { delivery, .. } if self.memory.landscape.held.contains_key(delivery) => {
                self.advance(case, false);
            }
            _ => self.advance(case, true),
        }
        if matches!(admission, Admission::Enqueue | Admission::Wait { .. } | Admission::Join { .. }) {
            self.will_carry(event);
        }
        match admission {
            Admission::Enqueue => {
                self.clear_annulled(&place);
                self.add(row);
                Ok((id, if self.promote(lane, now)? == Some(id) { "ready" } else { "queued" }))
            }
            Admission::Wait { referent } => {
                self.clear_annulled(&place);
                row.state = DeliveryState::Waiting;
                // Nothing wakes it but its referent, or the limit of waiting.
                row.due_at = i64::MAX;
                row.waiting_since = Some(now.0);
                row.reason = reason("not-yet", format!("not yet: {referent}"));
                row.waits_for = Some(referent.into());
                self.add(row);
                Ok((id, "waiting"))
            }
            Admission::Stale { reason: why } => {
                settled(&mut row, Ending::Stale, reason("stale", why));
                self.add(row);
                Ok((id, "stale"))
            }
            Admission::End { ending, reason: why } => {
                settled(&mut row, ending, reason(ending.as_str(), why));
                self.add(row);
                Ok((id, ending.as_str()))
            }
            Admission::Join { delivery, effect, superseded } => {
                self.clear_annulled(&place);
                settled(&mut row, Ending::Joined, None);
                row.joined_to = Some(delivery);
                self.add(row);
                for other in superseded {
                    self.retire(other, Ending::Joined, None, now)?;
                    self.change(other)?.joined_to = Some(delivery);
                }
                let carrier = self.change(delivery)?;
                carrier.payload_event = event;
                carrier.effect = effect;
                carrier.at = incoming.stamp.at;
                // A newer state of a sale of a closed day is as late as the one before.
                if carrier.state == DeliveryState::Exception && !carrier.reason_is(code::DAY_CLOSED) {
                    carrier.attempt = 0;
                    carrier.failures = 0;
                    self.requeue(delivery, now)?;
                    let carrier = self.change(delivery)?;
                    carrier.due_at = carrier.due_at.max(target.due_at.unwrap_or(now).0);
                }
                if let Some(held) = self.memory.landscape.held.get_mut(&delivery) {
                    held.what = case.what.clone();
                }
                self.promote(lane, now)?;
                Ok((id, "joined"))
            }
            Admission::Annul { deliveries } => {
                let why = || reason("annulled", "the order was cancelled before it was sent".to_owned());
                settled(&mut row, Ending::Annulled, why());
                self.add(row);
                for other in deliveries {
                    self.retire(other, Ending::Annulled, why(), now)?;
                }
                self.memory.entities.entry(lane.clone()).or_default().annulled = true;
                self.dirty_entities.insert(lane.clone());
                self.promote(lane, now)?;
                Ok((id, "annulled"))
            }
        }
    }

    /// Remembers the newest state of an entity, and whether it is owed. The gate is off in tests of the tests
    /// only; even then the memory does not go back.
    fn advance(&mut self, case: &Case<'_>, owed: bool) {
        let incoming = &case.new.incoming;
        if !incoming.effect.advances() {
            return;
        }
        let place = case.known();
        let known = self.memory.entities.entry(place.clone()).or_default();
        let stamp = incoming.stamp;
        if incoming.effect == Effect::Once || known.newest.as_ref().is_none_or(|(newest, _)| *newest <= stamp)
        {
            let owed_before = known.owed_at().unwrap_or(i64::MIN);
            known.owed = Some(if owed { stamp.at.max(owed_before) } else { owed_before });
            known.newest = Some((stamp, incoming.digest.clone()));
            if !case.what.marks.is_empty() {
                known.told = Some(case.what.marks.clone());
            }
            self.dirty_entities.insert(place);
        }
    }

    fn clear_annulled(&mut self, place: &Place) {
        if let Some(known) = self.memory.entities.get_mut(place)
            && known.annulled
        {
            known.annulled = false;
            self.dirty_entities.insert(place.clone());
        }
    }
}

/// An event and one that it is owed to.
struct Case<'c> {
    event: i64,
    new: &'c NewEvent,
    /// The connector, and the lane that a delivery stands in.
    place: Place,
    /// What a delivery is of.
    entity: &'c Arc<str>,
    /// What the event is of, by which it is known what was admitted before.
    known_as: &'c Arc<str>,
    what: &'c Telling,
}

impl Case<'_> {
    fn known(&self) -> Place {
        (Arc::clone(&self.place.0), Arc::clone(self.known_as))
    }
}

/// The event as admission has to see it when it stands in another lane than its own: that of a sum, or that
/// of the order which told its sale first.
fn moved(incoming: &Incoming, sum: Option<&str>, first: Option<&str>) -> Incoming {
    let mut moved = incoming.clone();
    if let Some(lane) = sum {
        (moved.lane, moved.entity) = (lane.to_owned(), lane.to_owned());
    } else if let Some(first) = first {
        if moved.parent.as_deref() == Some(moved.lane.as_str()) {
            moved.parent = Some(first.to_owned());
        }
        moved.lane = first.to_owned();
    }
    moved
}

fn settled(row: &mut Delivery, ending: Ending, reason: Option<Problem>) {
    row.state = DeliveryState::Settled;
    row.ending = Some(ending);
    row.reason = reason;
}

fn reason(code: &str, message: String) -> Option<Problem> {
    Some(Problem { code: code.to_owned(), message, field: None })
}
