//! Events: stored once, each under its key, and enqueued for their targets.

use std::sync::Arc;

use crossdock_model::common::Personal;
use crossdock_model::event::Fact;
use crossdock_model::time::Millis;
use crossdock_rules::attributes::{Attribute, Fingerprints};
use crossdock_rules::key::{Collision, collide, distinct};

use crate::applied::{Admitted, Applied};
use crate::changes::Append;
use crate::command::{Admit, CursorMove, NewEvent};
use crate::error::Error;
use crate::rows::{EventRow, InboundRow, InboundState, KeyRow};
use crate::state::{Decision, State};
use crate::view::Cursor;

impl State<'_> {
    pub(super) fn admit(&mut self, admit: &Admit) -> Decision<Applied> {
        let inbound = match admit.inbound {
            Some(inbound) => Some((inbound, self.pending(inbound)?)),
            None => None,
        };
        if let Some(cursor) = &admit.cursor {
            self.move_cursor(cursor, admit.now)?;
        }
        if let Some((id, row)) = inbound {
            self.set_inbound(id, Some(InboundRow { state: InboundState::Read, leased: false, ..row }));
        }
        if let Some(entries) = &admit.outbox {
            self.store_outbox(entries)?;
        }
        let mut admitted = Admitted::default();
        for new in &admit.events {
            match self.key_of(new)? {
                Ok(key) => {
                    let (id, personal) = self.store_event(new, key, admit)?;
                    admitted.events.push(id);
                    self.enqueue(id, new, &personal, admit.now, &mut admitted)?;
                }
                Err(known) => {
                    admitted.events.push(known);
                    admitted.duplicates += 1;
                }
            }
        }
        admitted.ready = self.take_ready();
        Ok(Applied::Admitted(admitted))
    }

    /// Moves a cursor, if it is where the caller expects it to be.
    fn move_cursor(&mut self, cursor: &CursorMove, now: Millis) -> Decision<()> {
        let connector: Arc<str> = cursor.connector.as_str().into();
        let present = self.cursors(&connector)?.map(|present| present.cursor.clone());
        if present != cursor.from {
            return Err(Error::CursorMoved { connector: cursor.connector.clone() }.into());
        }
        self.set_cursor(connector, Some(Cursor { cursor: cursor.to.clone(), at: now }));
        Ok(())
    }

    /// The key under which an event is stored, or the event that is the same fact.
    fn key_of(&self, new: &NewEvent) -> Decision<Result<Arc<str>, i64>> {
        let incoming = &new.incoming;
        let key: Arc<str> = incoming.key.as_str().into();
        let Some(known) = self.event_keys(&key)? else { return Ok(Ok(key)) };
        let other = match collide(incoming.effect, &incoming.key, &known.digest, &incoming.digest) {
            Collision::Distinct(other) => other,
            Collision::Duplicate if self.safeguards().dedupe() => return Ok(Err(known.event)),
            Collision::Duplicate => {
                // Where this safeguard is off, a test stores it again: under a key that no other copy has.
                return Ok(Ok(self.unused_key(&key, &incoming.digest)?));
            }
        };
        let other: Arc<str> = other.into();
        Ok(match self.event_keys(&other)? {
            Some(known) if self.safeguards().dedupe() => Err(known.event),
            Some(_) => Ok(self.unused_key(&other, &incoming.digest)?),
            None => Ok(other),
        })
    }

    fn unused_key(&self, key: &str, digest: &str) -> Decision<Arc<str>> {
        for copy in 1.. {
            let key: Arc<str> = format!("{}{copy}", distinct(key, digest)).into();
            if self.event_keys(&key)?.is_none() {
                return Ok(key);
            }
        }
        Ok(key.into())
    }

    /// Stores an event. Answers its number, and fingerprints of the personal values it reports.
    fn store_event(&mut self, new: &NewEvent, key: Arc<str>, admit: &Admit) -> Decision<(i64, Fingerprints)> {
        let incoming = &new.incoming;
        let mut fingerprints = Fingerprints::default();
        if let (Some(personal), Fact::Order(_)) = (&new.personal, &new.event.fact) {
            fingerprints = self.personal_fingerprints(personal)?;
        }
        let id = self.next_event()?;
        let digest: Arc<str> = incoming.digest.as_str().into();
        let row = Arc::new(EventRow {
            id,
            key: Arc::clone(&key),
            event: Arc::clone(&new.event),
            personal: new.personal.clone(),
            source: new.source.as_str().into(),
            entity: incoming.entity.as_str().into(),
            root: incoming.lane.as_str().into(),
            stamp: incoming.stamp,
            effect: incoming.effect,
            digest: Arc::clone(&digest),
            inbound: admit.inbound,
            subject: new.event.subject().to_string().into(),
            trace: new.trace.as_str().into(),
            recorded_at: admit.now,
        });
        self.set_event_key(key, Some(KeyRow { event: id, digest }));
        // A refund that goes nowhere is no report that another one could repeat.
        if !new.targets.is_empty() {
            self.remember_refund(&row)?;
        }
        self.set_event(id, Some(Arc::clone(&row)));
        self.append(Append::Event(row));
        Ok((id, fingerprints))
    }

    /// Fingerprints of what an order reports of a person: the note apart from the rest, since others write notes.
    fn personal_fingerprints(&self, personal: &Personal) -> Decision<Fingerprints> {
        let mut fingerprints = Fingerprints::default();
        let note = Attribute::OrderNote.normal(personal.note.as_deref().unwrap_or_default());
        fingerprints.set(Attribute::OrderNote, self.fingerprint(note.as_bytes()));
        let rest = serde_json::to_vec(&Personal { note: None, ..personal.clone() });
        let rest = rest
            .map_err(|error| Error::Unreadable { what: "personal data".into(), reason: error.to_string() })?;
        fingerprints.set(Attribute::OrderPersonal, self.fingerprint(&rest));
        Ok(fingerprints)
    }
}
