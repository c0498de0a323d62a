//! Claims: the due heads of lanes are handed out, durably as maybe sent where they are to be sent and not looked up.

use std::sync::Arc;

use crossdock_model::common::Reference;
use crossdock_rules::lane::{DeliveryState, Sent};
use crossdock_rules::lookup::{BeforeSending, next_call};

use crate::applied::{Applied, Claimed};
use crate::command::Claim;
use crate::database::Question;
use crate::delivery::Delivery;
use crate::error::Error;
use crate::keys::EntityKey;
use crate::rows::EventRow;
use crate::state::{Decision, State};

impl State<'_> {
    pub(super) fn claim(&mut self, claim: &Claim) -> Decision<Applied> {
        let connector: Arc<str> = claim.connector.as_str().into();
        if claim.limit == 0 || self.pauses(&connector)?.is_some() {
            return Ok(Applied::Claimed(Vec::new()));
        }
        let lease_until = claim.now.plus(claim.lease);
        let mut claimed = Vec::new();
        for id in self.due_heads(&connector, claim)? {
            let before = self.delivery(id)?;
            let (sent, sent_at) = (before.sent, before.sent_at);
            // A target that honours keys is sent again what another one is asked about.
            let next = next_call(sent, before.look_up, claim.keys, self.safeguards());
            let look_up = before.look_up && next != BeforeSending::Send;
            // From here on it may be in flight: this is written before anything leaves the host.
            let may_be_sent = !look_up && self.safeguards().claim_record();
            let serial = match before.serial {
                Some(serial) => serial,
                None => self.next_serial(&connector)?,
            };
            self.change(id, |delivery| {
                delivery.state = DeliveryState::Sending;
                delivery.fence += 1;
                delivery.lease_until = lease_until;
                delivery.serial = Some(serial);
                delivery.look_up = look_up;
                if may_be_sent {
                    if delivery.sent == Sent::No {
                        // What the target said of an earlier try, it did not say of this one.
                        delivery.early_answer = None;
                    }
                    delivery.sent = delivery.sent.claimed();
                }
            })?;
            claimed.push(self.claimed(id, sent, sent_at)?);
        }
        Ok(Applied::Claimed(claimed))
    }

    fn next_serial(&mut self, connector: &Arc<str>) -> Decision<u64> {
        let serial = self.serials(connector)?.copied().unwrap_or_default().saturating_add(1);
        self.set_serial(Arc::clone(connector), Some(serial));
        Ok(serial)
    }

    /// The heads that are due, those due longest first: of the database, and of what the unit has changed since.
    pub(super) fn due_heads(&self, connector: &Arc<str>, claim: &Claim) -> Decision<Vec<i64>> {
        let limit = claim.limit;
        let question = Question::Heads { connector: Arc::clone(connector), now: claim.now, limit };
        let stored = self.ask_deliveries(question)?;
        // Heads that the unit has taken or moved leave room for others that were not read.
        let taken = stored.iter().filter(|id| self.is_changed(**id)).count();
        let taken = u32::try_from(taken).unwrap_or(u32::MAX);
        let stored = match taken {
            0 => stored,
            _ => self.ask_deliveries(Question::Heads {
                connector: Arc::clone(connector),
                now: claim.now,
                limit: limit.saturating_add(taken.next_power_of_two().max(16)),
            })?,
        };
        let is_due = |row: &Delivery| row.state == DeliveryState::Ready && row.due_at <= claim.now;
        let mut due: Vec<_> = self
            .changed_deliveries(connector)
            .filter(|row| is_due(row))
            .map(|row| (row.due_at, row.id))
            .collect();
        for id in stored.into_iter().filter(|id| !self.is_changed(*id)) {
            due.push((self.delivery(id)?.due_at, id));
        }
        due.sort_unstable();
        due.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(due.into_iter().map(|(_, id)| id).collect())
    }

    /// What the caller gets for a delivery that it has claimed.
    fn claimed(&self, id: i64, sent: Sent, sent_at: crossdock_model::time::Millis) -> Decision<Claimed> {
        let delivery = self.delivery(id)?;
        let own = self.content(delivery.event)?;
        let carried = self.content(delivery.carries)?;
        let mut event = (*carried.event).clone();
        if let Some(personal) = &carried.personal {
            event.put_personal((**personal).clone());
        }
        let event = self.with_sum(delivery, event)?;
        let is_child = delivery.entity != delivery.lane || event.parent.is_some();
        let parent = EntityKey::new(Arc::clone(&delivery.connector), Arc::clone(&delivery.lane));
        Ok(Claimed {
            delivery: id,
            fence: delivery.fence,
            connector: delivery.connector.to_string(),
            key: key_of_generation(&own.key, delivery.generation),
            serial: delivery.serial.unwrap_or_default(),
            attempts: delivery.attempts,
            failures: delivery.failures,
            finds: delivery.finds,
            sent,
            sent_at,
            look_up: delivery.look_up,
            waiting_since: delivery.waiting_since,
            until_posted: delivery.until_posted,
            resume: delivery.resume.as_deref().map(str::to_owned),
            lease_until: delivery.lease_until,
            lane: delivery.lane.to_string(),
            event_id: delivery.carries,
            references: self.references_of(&delivery.entity_key())?,
            parent_references: if is_child { self.references_of(&parent)? } else { Vec::new() },
            trace: own.trace.to_string(),
            recorded_at: own.recorded_at,
            event,
        })
    }

    fn content(&self, event: i64) -> Decision<&Arc<EventRow>> {
        let unknown = || Error::Unknown { what: "event", id: event.to_string() };
        Ok(self.events(&event)?.ok_or_else(unknown)?)
    }

    fn references_of(&self, key: &EntityKey) -> Decision<Vec<Reference>> {
        Ok(self.references(key)?.cloned().unwrap_or_default())
    }
}

/// The key that a target gets: posting again on purpose needs one of its own.
pub(crate) fn key_of_generation(key: &str, generation: u32) -> String {
    match generation {
        0 => key.to_owned(),
        _ => format!("{key}+{generation}"),
    }
}
