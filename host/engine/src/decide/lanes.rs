//! Lanes: which delivery goes next, what leaves its lane, and what comes back into it.

use std::sync::Arc;

use crossdock_model::connector::Problem;
use crossdock_model::time::Millis;
use crossdock_rules::admission::is_contained_in;
use crossdock_rules::code;
use crossdock_rules::effect::Effect;
use crossdock_rules::lane::{DeliveryState, Ending, Sent, next_ready};
use crossdock_rules::version::Moment;

use crate::delivery::{AWAITS_IN_FLIGHT_WRITE, Delivery};
use crate::keys::{EntityKey, LaneKey};
use crate::mapping::EVERY_CONNECTOR;
use crate::state::{Decision, State};

/// How many deliveries an arrival releases at once; [`Command::ReleaseAwaiting`](crate::Command) does the rest.
pub(super) const RELEASED_AT_ONCE: u32 = 256;

/// A reason of this code.
pub(super) fn reason(code: &str, message: impl Into<String>) -> Option<Problem> {
    Some(Problem { code: code.to_owned(), message: message.into(), field: None })
}

/// What is noted of an awaited key that has more to release: at a connector, or at every one.
pub(super) fn release_key(key: &Arc<str>, connector: Option<&Arc<str>>) -> (Arc<str>, Arc<str>) {
    (connector.cloned().unwrap_or_else(|| EVERY_CONNECTOR.into()), Arc::clone(key))
}

/// True for a delivery in its lane that is not claimed.
fn is_to_be_sent(delivery: &Delivery) -> bool {
    matches!(delivery.state, DeliveryState::Queued | DeliveryState::Ready)
}

/// How a delivery ends that a newer state makes needless, and why: an older state would undo that one, and a difference
/// that it contains would be applied twice.
fn made_needless(effect: Effect, moment: Moment, newest: Moment) -> Option<(Ending, Option<Problem>)> {
    if effect.is_snapshot() && newest.compare(&moment).is_gt() {
        Some((Ending::Stale, reason("stale", "a newer state was admitted while it waited")))
    } else if is_contained_in(effect, moment, newest) {
        let why = "a state that was admitted while it waited contains it";
        Some((Ending::Joined, reason("overtaken", why)))
    } else {
        None
    }
}

impl State<'_> {
    /// Gives a lane a head where it has none. Answers which delivery became ready.
    pub(super) fn promote(&mut self, lane: &LaneKey, now: Millis) -> Decision<Option<i64>> {
        let entries = self.lane(lane)?.into_iter().map(|delivery| delivery.as_entry());
        let next = match self.safeguards().lane_head() {
            true => next_ready(entries),
            false => next_ready(entries.filter(|entry| entry.state == DeliveryState::Queued)),
        };
        let Some(id) = next else { return Ok(None) };
        self.change(id, |delivery| {
            delivery.state = DeliveryState::Ready;
            delivery.due_at = delivery.due_at.max(now);
            delivery.since = now;
        })?;
        self.note_ready(&lane.connector);
        Ok(Some(id))
    }

    /// Settles a delivery. The lane goes on with [`Self::promote`].
    pub(super) fn retire(
        &mut self,
        id: i64,
        ending: Ending,
        reason: Option<Problem>,
        now: Millis,
    ) -> Decision<()> {
        self.stop_waiting_for_writes(id)?;
        self.change(id, |delivery| {
            delivery.awaits = None;
            delivery.state = DeliveryState::Settled;
            delivery.ending = Some(ending);
            delivery.reason = reason;
            delivery.lease_until = Millis(0);
            delivery.since = now;
        })
    }

    /// A delivery awaits no in-flight write any more.
    pub(super) fn stop_waiting_for_writes(&mut self, id: i64) -> Decision<()> {
        let delivery = self.delivery(id)?;
        if delivery.state == DeliveryState::Waiting && delivery.reason_is(AWAITS_IN_FLIGHT_WRITE) {
            self.set_in_flight_wait(id, None);
        }
        Ok(())
    }

    /// Makes an exception of a delivery: a person must decide. It goes on awaiting its parent only when the
    /// parent's absence is the problem, so that the parent's arrival can still release it.
    pub(super) fn raise(&mut self, id: i64, code: &str, given: Option<Problem>, now: Millis) -> Decision<()> {
        self.stop_waiting_for_writes(id)?;
        self.change(id, |delivery| {
            if code != code::REFERENT_MISSING {
                delivery.awaits = None;
            }
            delivery.state = DeliveryState::Exception;
            delivery.lease_until = Millis(0);
            delivery.since = now;
            let given = given.or_else(|| delivery.reason.take());
            delivery.reason = match given {
                Some(problem) => Some(Problem { code: code.to_owned(), ..problem }),
                None => reason(code, code.replace('-', " ")),
            };
        })
    }

    /// Releases deliveries of a connector that await a key; of every connector, where none is given. Answers the
    /// deliveries that became ready, and how many were released. A bounded number is released at once; the rest
    /// is noted, and follows by itself.
    pub(super) fn release(
        &mut self,
        key: &Arc<str>,
        connector: Option<&Arc<str>>,
        now: Millis,
    ) -> Decision<(Vec<i64>, u64)> {
        self.release_some(key, connector, RELEASED_AT_ONCE, now)
    }

    /// As [`Self::release`], at most so many.
    pub(super) fn release_some(
        &mut self,
        key: &Arc<str>,
        connector: Option<&Arc<str>>,
        limit: u32,
        now: Millis,
    ) -> Decision<(Vec<i64>, u64)> {
        let (awaiting, more) = self.awaiting(key, connector, limit)?;
        let waiting: Vec<(i64, LaneKey)> = awaiting
            .into_iter()
            .filter(|delivery| delivery.is_released_by_arrival())
            .map(|delivery| (delivery.id, delivery.lane_key()))
            .collect();
        if more {
            self.release_later(key, connector)?;
        }
        let ids: Vec<i64> = waiting.iter().map(|(id, _)| *id).collect();
        self.read_ahead_lanes(&ids)?;
        let (mut ready, mut count) = (Vec::new(), 0);
        for (id, lane) in waiting {
            self.return_to_lane(id, now)?;
            ready.extend(self.promote(&lane, now)?);
            count += 1;
        }
        Ok((ready, count))
    }

    /// Notes that there is more to release.
    pub(super) fn release_later(&mut self, key: &Arc<str>, connector: Option<&Arc<str>>) -> Decision<()> {
        let release = release_key(key, connector);
        self.releases(&release)?;
        self.set_release(release, Some(()));
        Ok(())
    }

    /// Returns a delivery to its lane, unless a newer enqueued state makes it needless. What was sent and kept its lane
    /// blocked was not overtaken: newer states stand behind it.
    pub(super) fn return_to_lane(&mut self, id: i64, now: Millis) -> Decision<()> {
        let delivery = self.delivery(id)?;
        let (effect, moment) = (delivery.effect, delivery.moment);
        let can_be_overtaken = delivery.sent == Sent::No || !delivery.occupies_lane();
        let entity = delivery.entity_key();
        let newest = self.entities(&entity)?.and_then(|state| state.enqueued_at());
        let newest = newest.filter(|_| can_be_overtaken && self.safeguards().version_gate());
        match newest.and_then(|newest| made_needless(effect, moment, newest)) {
            Some((ending, why)) => {
                let lane = self.delivery(id)?.lane_key();
                self.retire(id, ending, why, now)?;
                if effect.is_snapshot() { self.nothing_comes(&lane, &entity, now) } else { Ok(()) }
            }
            None => self.requeue(id, now),
        }
    }

    /// A state has reached the target: what it makes needless is done. That is what stands in its lane, and of what a
    /// person would have to decide the differences that it contains. A state further back in the lane was admitted after
    /// it, so it is not older, whatever its source's clock says.
    pub(super) fn end_needless(&mut self, id: i64, now: Millis) -> Decision<()> {
        let state = self.delivery(id)?;
        if !state.effect.is_snapshot() || !self.safeguards().version_gate() {
            return Ok(());
        }
        let (entity, lane, moment) = (Arc::clone(&state.entity), state.lane_key(), state.moment);
        let needless: Vec<_> = self
            .lane(&lane)?
            .into_iter()
            .filter(|other| other.entity == entity && (other.id < id || !other.effect.is_snapshot()))
            .filter(|other| {
                let is_undecided = other.state == DeliveryState::Exception;
                is_to_be_sent(other) || (is_undecided && other.effect == Effect::Difference)
            })
            .filter_map(|other| Some((other.id, made_needless(other.effect, other.moment, moment)?)))
            .collect();
        for (other, (ending, why)) in needless {
            self.retire(other, ending, why, now)?;
        }
        Ok(())
    }

    /// Returns a delivery to its lane, with nothing against its being sent.
    pub(super) fn requeue(&mut self, id: i64, now: Millis) -> Decision<()> {
        self.stop_waiting_for_writes(id)?;
        self.change(id, |delivery| {
            delivery.awaits = None;
            delivery.state = DeliveryState::Queued;
            delivery.due_at = delivery.not_before.max(now);
            delivery.lease_until = Millis(0);
            delivery.reason = None;
            delivery.waiting_since = None;
            delivery.since = now;
        })
    }

    /// Notes that the connector's system has an entity, by a delivery of this lane, and releases what awaits it there.
    pub(super) fn arrived(&mut self, key: &EntityKey, lane: &LaneKey, now: Millis) -> Decision<Vec<i64>> {
        if let Some(state) = self.entities(key)?.filter(|state| !state.exists).cloned() {
            let state = crossdock_rules::entity_state::EntityState { exists: true, ..state };
            self.set_entity(key.clone(), Some(state));
        }
        if !self.safeguards().release() {
            return Ok(Vec::new());
        }
        if lane.lane == key.entity {
            self.end_wait_in_lane(lane)?;
        }
        Ok(self.release(&key.entity, Some(&key.connector), now)?.0)
    }

    /// What awaited the order and is in its lane again, to be tried, awaits it no longer: should the target
    /// still not know the order, the time to wait begins anew.
    fn end_wait_in_lane(&mut self, lane: &LaneKey) -> Decision<()> {
        let awaits = |delivery: &&Delivery| delivery.awaits.as_ref() == Some(&lane.lane);
        let deliveries = self.lane(lane)?.into_iter().filter(|delivery| is_to_be_sent(delivery));
        let ids: Vec<i64> = deliveries.filter(awaits).map(|delivery| delivery.id).collect();
        for id in ids {
            self.change(id, |delivery| (delivery.awaits, delivery.waiting_since) = (None, None))?;
        }
        Ok(())
    }

    /// Releases what awaits an entity whose delivery ended without the entity's being there, unless another
    /// state of it has yet to be sent: the target then says itself what it makes of the rest.
    pub(super) fn ended(
        &mut self,
        lane: &LaneKey,
        entity: &Arc<str>,
        ending: Ending,
        now: Millis,
    ) -> Decision<Vec<i64>> {
        if !ending.releases_waiting() || self.has_state_to_come(lane, entity)? {
            return Ok(Vec::new());
        }
        Ok(self.release(entity, Some(&lane.connector), now)?.0)
    }

    /// A state of an entity ended unsent otherwise than by an answer. Releases what awaits the entity, as
    /// [`Self::ended`] does, where the last answer left that to this state.
    pub(super) fn nothing_comes(&mut self, lane: &LaneKey, key: &EntityKey, now: Millis) -> Decision<()> {
        let exists = self.entities(key)?.is_some_and(|state| state.exists);
        if !exists && !self.has_state_to_come(lane, &key.entity)? {
            self.release(&key.entity, Some(&lane.connector), now)?;
        }
        Ok(())
    }

    fn has_state_to_come(&self, lane: &LaneKey, entity: &Arc<str>) -> Decision<bool> {
        let lane = self.lane(lane)?;
        Ok(lane.into_iter().any(|delivery| delivery.effect.is_snapshot() && delivery.entity == *entity))
    }
}
