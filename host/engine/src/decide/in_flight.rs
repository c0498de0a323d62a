//! Deliveries that may be echoes of a write that is in flight: whether they are is decided once that write has
//! been resolved.

use std::sync::Arc;

use crossdock_model::common::EntityKind;
use crossdock_model::time::Millis;
use crossdock_rules::entity_state::EntityState;
use crossdock_rules::lane::{DeliveryState, Ending};
use crossdock_rules::ownership::Verdict;

use super::lanes::reason;
use crate::command::NewEvent;
use crate::database::{Answer, Question, ReadSet};
use crate::delivery::{AWAITS_IN_FLIGHT_WRITE, InFlight};
use crate::keys::EntityKey;
use crate::rows::InFlightWait;
use crate::state::{Decision, State};

/// How long after a claim's end a delivery awaits it at most, in milliseconds: as long as it takes to look up
/// what a killed host had sent, in a system that shows late what it has.
const MAX_WAIT_AFTER_LEASE_MS: i64 = 90_000;

/// How many of the deliveries that await an in-flight write are decided about with its answer.
const DECIDED_AT_ONCE: usize = 256;

impl State<'_> {
    /// The deliveries in flight to the event's own source that may be what it reports: of the same order, or of
    /// the same kind of thing where orders have nothing to do with it.
    pub(super) fn in_flight_candidates(
        &self,
        source: &Arc<str>,
        new: &NewEvent,
        lane: &str,
    ) -> Decision<Vec<InFlight>> {
        if !self.safeguards().await_in_flight() {
            return Ok(Vec::new());
        }
        let kinds: &[&str] = match new.event.entity.kind {
            EntityKind::Stock => &["stock"],
            // Shops report a price with the article.
            EntityKind::Product | EntityKind::ListPrice => &["product", "list-price"],
            _ => &[],
        };
        let of_kind = |lane: &str| {
            let mut parts = lane.split('/');
            let (system, kind) = (parts.next(), parts.nth(1));
            // The lane of a sum begins with what it is of.
            [system, kind].into_iter().flatten().any(|part| kinds.contains(&part))
        };
        let mut all = self.in_flight(source)?;
        all.retain(|one| *one.lane == *lane || of_kind(&one.lane));
        Ok(all)
    }

    /// Lets a delivery wait until in-flight deliveries are resolved. Answers until when at most.
    pub(super) fn await_in_flight(
        &mut self,
        id: i64,
        in_flight: &[InFlight],
        wait: InFlightWait,
        now: Millis,
    ) -> Decision<Millis> {
        // Between two calls a delivery has no claim, and is looked up as late as one whose claim ends now.
        let mut until = now;
        for one in in_flight {
            if !self.delivery(one.delivery)?.awaited {
                self.change(one.delivery, |delivery| delivery.awaited = true)?;
            }
            until = until.max(one.lease_until);
        }
        self.set_in_flight_wait(id, Some(wait));
        Ok(Millis(until.0.saturating_add(MAX_WAIT_AFTER_LEASE_MS)))
    }

    /// A delivery is resolved: decides about those that awaited it and nothing else. Answers which became ready.
    pub(super) fn resolve_in_flight(&mut self, id: i64, now: Millis) -> Decision<Vec<i64>> {
        let delivery = self.delivery(id)?;
        if !delivery.awaited || delivery.is_in_flight() {
            return Ok(Vec::new());
        }
        let waiting = self.waiting_on(id)?;
        let all = || waiting.iter().copied();
        self.want(ReadSet {
            deliveries: all().collect(),
            in_flight_waits: all().collect(),
            ..ReadSet::default()
        });
        self.read_ahead_waits(&all().take(DECIDED_AT_ONCE).collect::<Vec<_>>())?;
        self.change(id, |delivery| delivery.awaited = false)?;
        let (mut ready, mut decided) = (Vec::new(), 0);
        for other in waiting {
            let Some(mut wait) = self.in_flight_waits(&other)?.cloned() else { continue };
            wait.in_flight.retain(|one| *one != id);
            if wait.in_flight.is_empty() && decided < DECIDED_AT_ONCE {
                decided += 1;
                self.set_in_flight_wait(other, None);
                ready.extend(self.decide_waiting(other, &wait, now)?);
            } else {
                if wait.in_flight.is_empty() {
                    // The expiry of waits does the rest.
                    self.change(other, |delivery| delivery.due_at = now)?;
                }
                self.set_in_flight_wait(other, Some(wait));
            }
        }
        Ok(ready)
    }

    fn waiting_on(&self, id: i64) -> Decision<Vec<i64>> {
        let mut waiting = match self.ask(Question::WaitsOn(id))? {
            Answer::Numbers(numbers) => numbers.clone(),
            _ => Vec::new(),
        };
        // Those that began to wait in this very unit are not in the database yet.
        let added = self.changed_waits().filter(|(_, wait)| wait.in_flight.contains(&id)).map(|(id, _)| id);
        waiting.extend(added);
        waiting.sort_unstable();
        waiting.dedup();
        Ok(waiting)
    }

    /// Decides about a delivery that awaited in-flight writes, or awaited them long enough: an echo, a conflict, or
    /// news that goes on. Answers whether its lane goes on with another.
    pub(super) fn decide_waiting(
        &mut self,
        id: i64,
        wait: &InFlightWait,
        now: Millis,
    ) -> Decision<Option<i64>> {
        let delivery = self.delivery(id)?;
        if delivery.state != DeliveryState::Waiting || !delivery.reason_is(AWAITS_IN_FLIGHT_WRITE) {
            return Ok(None);
        }
        let (lane, moment, entity) = (delivery.lane_key(), delivery.moment, delivery.entity_key());
        let source = EntityKey::new(Arc::clone(&wait.source), Arc::clone(&wait.entity));
        let verdict = self.classify(&source, &wait.report, wait.before.as_ref())?;
        self.take_report(&source, &wait.report, wait.before.as_ref(), &verdict, now)?;
        match verdict {
            Verdict::Echo | Verdict::Repeated => {
                let why = reason("echo", "it only reports what Crossdock wrote there");
                self.retire(id, Ending::Echo, why, now)?;
                self.nothing_comes(&lane, &entity, now)?;
            }
            Verdict::Conflict { .. } => {
                let why = reason("conflict", "reported by a system that does not own the attribute");
                self.retire(id, Ending::Conflict, why, now)?;
                self.nothing_comes(&lane, &entity, now)?;
            }
            Verdict::News { .. } => {
                if let Some(state) = self.entities(&entity)?.cloned() {
                    self.set_entity(entity, Some(EntityState { enqueued: Some(moment), ..state }));
                }
                self.return_to_lane(id, now)?;
            }
        }
        self.promote(&lane, now)
    }
}
