//! Doing what was decided about an event: its delivery, and what it changes in others.

use std::collections::BTreeSet;
use std::sync::Arc;

use crossdock_model::connector::Problem;
use crossdock_model::time::Millis;
use crossdock_rules::admission::{Admission, Effect, Incoming};
use crossdock_rules::lane::{DeliveryState, Ending};
use crossdock_rules::outcome::code;
use crossdock_rules::told::Marks;

use super::batch::Batch;
use super::delivery::{Delivery, Purpose};
use super::echo::HELD;
use super::landscape::{Held, Telling};
use super::memory::Place;
use crate::Result;
use crate::command::{Admitted, Raised, Target};

/// An event and one that it is owed to.
pub(super) struct Case<'c> {
    pub event: i64,
    pub incoming: &'c Incoming,
    /// The connector, and the lane that a delivery stands in.
    pub place: Place,
    /// What a delivery is of.
    pub entity: &'c Arc<str>,
    /// What the event is of, by which it is known what was admitted before.
    pub known_as: &'c Arc<str>,
    pub what: &'c Telling,
}

impl Case<'_> {
    fn known(&self) -> Place {
        (Arc::clone(&self.place.0), Arc::clone(self.known_as))
    }
}

impl Batch<'_> {
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
        let incoming = case.incoming;
        let due_at = target.due_at.unwrap_or(now).0;
        Delivery {
            holds: target.posted,
            ..Delivery::new(purpose, incoming.effect, incoming.stamp.at, due_at, now)
        }
    }

    /// A delivery will carry the event: it is kept in memory until then.
    fn will_carry(&mut self, event: i64) {
        if let Some(fresh) = self.fresh.get_mut(&event) {
            fresh.owed += 1;
        }
    }

    /// The day was closed before it came: a person decides.
    pub(super) fn decided_late(
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
        let lane = row.lane.to_string();
        self.add(row);
        to.raised.push(Raised { delivery: id, connector: case.place.0.to_string(), lane, problem });
        Ok((id, "exception"))
    }

    /// What is on its way to its source at this moment may be what it tells of: that is waited for.
    pub(super) fn decided_held(
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
    pub(super) fn decided(
        &mut self,
        case: &Case<'_>,
        admission: Admission,
        target: &Target,
        now: Millis,
    ) -> Result<(i64, &'static str)> {
        let (incoming, event, lane) = (case.incoming, case.event, &case.place);
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
            Admission::Join { delivery, effect, superseded, retries } => {
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
                let late = carrier.reason_is(code::DAY_CLOSED);
                if retries && carrier.state == DeliveryState::Exception && !late {
                    carrier.attempt = 0;
                    carrier.failures = 0;
                    self.requeue(delivery, now)?;
                    let carrier = self.change(delivery)?;
                    carrier.due_at = carrier.due_at.max(target.due_at.unwrap_or(now).0);
                }
                if let Some(held) = self.memory.landscape.held.get_mut(&delivery) {
                    held.what = case.what.clone();
                    self.dirty_held.insert(delivery);
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
        let incoming = case.incoming;
        if !incoming.effect.advances() {
            return;
        }
        let place = case.known();
        let known = self.memory.entities.entry(place.clone()).or_default();
        let stamp = incoming.stamp;
        if incoming.effect == Effect::Once
            || known.newest.as_ref().is_none_or(|(newest, _)| newest.place(&stamp).is_le())
        {
            let owed_before = known.owed_at().unwrap_or(i64::MIN);
            known.owed = Some(if owed { stamp.at } else { owed_before });
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

fn settled(row: &mut Delivery, ending: Ending, reason: Option<Problem>) {
    row.state = DeliveryState::Settled;
    row.ending = Some(ending);
    row.reason = reason;
}

fn reason(code: &str, message: String) -> Option<Problem> {
    Some(Problem { code: code.to_owned(), message, field: None })
}
