//! Rows that a command reads at once, where it then goes through many of them one by one: a round of reading for all of
//! them, and not one for each.

use std::sync::Arc;

use crossdock_model::time::Millis;
use crossdock_rules::lane::DeliveryState;

use super::lanes::{RELEASED_AT_ONCE, release_key};
use crate::database::{Question, ReadSet};
use crate::delivery::AWAITS_IN_FLIGHT_WRITE;
use crate::keys::EntityKey;
use crate::state::{Decision, State};

/// An awaited key, and the connector whose deliveries are meant; none: every one.
pub(super) type Awaited = (Arc<str>, Option<Arc<str>>);

impl State<'_> {
    /// Reads what the return of these deliveries to their lanes looks at.
    pub(super) fn read_ahead_lanes(&self, deliveries: &[i64]) -> Decision<()> {
        let mut wanted = ReadSet::default();
        for id in deliveries {
            let delivery = self.delivery(*id)?;
            wanted.questions.insert(Question::Lane(delivery.lane_key()));
            wanted.entities.insert(delivery.entity_key());
        }
        self.want(wanted);
        self.read_ahead_waits(deliveries)
    }

    /// Reads what is decided by about those of the deliveries that await in-flight writes.
    pub(super) fn read_ahead_waits(&self, deliveries: &[i64]) -> Decision<()> {
        self.want(ReadSet { deliveries: deliveries.iter().copied().collect(), ..ReadSet::default() });
        let mut waiting = Vec::new();
        for id in deliveries {
            let delivery = self.delivery(*id)?;
            if delivery.state == DeliveryState::Waiting && delivery.reason_is(AWAITS_IN_FLIGHT_WRITE) {
                waiting.push(delivery);
            }
        }
        let waits = waiting.iter().map(|delivery| delivery.id).collect();
        self.want(ReadSet { in_flight_waits: waits, ..ReadSet::default() });
        let mut wanted = ReadSet::default();
        for delivery in waiting {
            let Some(wait) = self.in_flight_waits(&delivery.id)? else { continue };
            wanted.outbound_writes.insert(EntityKey::new(Arc::clone(&wait.source), Arc::clone(&wait.entity)));
            wanted.entities.insert(delivery.entity_key());
            wanted.questions.insert(Question::Lane(delivery.lane_key()));
            wanted.questions.insert(Question::Awaiting {
                key: Arc::clone(&delivery.entity),
                connector: Some(Arc::clone(&delivery.connector)),
                limit: RELEASED_AT_ONCE,
            });
        }
        self.want(wanted);
        Ok(())
    }

    /// Where the books of the orders are that deliveries await, and what the deliveries' connectors know of those orders.
    pub(super) fn read_ahead_owners(&self, deliveries: &[i64]) -> Decision<()> {
        let mut wanted = ReadSet::default();
        for id in deliveries {
            let delivery = self.delivery(*id)?;
            wanted.pins.insert(Arc::clone(&delivery.lane));
            wanted
                .entities
                .insert(EntityKey::new(Arc::clone(&delivery.connector), Arc::clone(&delivery.lane)));
        }
        self.want(wanted);
        Ok(())
    }

    /// Releases what awaits one of several keys. A bounded number is released at once; the rest is noted, and follows by
    /// itself. Answers how many were released.
    pub(super) fn release_all(&mut self, keys: &[Awaited], now: Millis) -> Decision<u64> {
        let question = |(key, connector): &Awaited| Question::Awaiting {
            key: Arc::clone(key),
            connector: connector.clone(),
            limit: RELEASED_AT_ONCE,
        };
        let release = |(key, connector): &Awaited| release_key(key, connector.as_ref());
        self.want(ReadSet {
            questions: keys.iter().map(question).collect(),
            releases: keys.iter().map(release).collect(),
            ..ReadSet::default()
        });
        let mut awaiting = Vec::new();
        for (key, connector) in keys {
            let (waiting, _) = self.awaiting(key, connector.as_ref(), RELEASED_AT_ONCE)?;
            awaiting.extend(waiting.into_iter().take(RELEASED_AT_ONCE as usize).map(|delivery| delivery.id));
        }
        awaiting.truncate(RELEASED_AT_ONCE as usize);
        self.read_ahead_lanes(&awaiting)?;
        let mut released = 0;
        for (key, connector) in keys {
            let left = u64::from(RELEASED_AT_ONCE).saturating_sub(released);
            let is_awaited = !self.awaiting(key, connector.as_ref(), RELEASED_AT_ONCE)?.0.is_empty();
            if left > 0 {
                released += self.release(key, connector.as_ref(), now)?.1;
            } else if is_awaited {
                self.release_later(key, connector.as_ref())?;
            }
        }
        Ok(released)
    }
}
