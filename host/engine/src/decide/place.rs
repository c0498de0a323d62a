//! Carrying out what was decided about an event: its delivery, and what it changes in others.

use std::sync::Arc;

use crossdock_model::connector::Problem;
use crossdock_model::time::Millis;
use crossdock_rules::admission::{Admission, Incoming};
use crossdock_rules::attributes::Fingerprints;
use crossdock_rules::code;
use crossdock_rules::effect::Effect;
use crossdock_rules::lane::{DeliveryState, Ending};
use crossdock_rules::version::Moment;

use super::lanes::reason;
use crate::applied::{Admitted, Raised};
use crate::command::Target;
use crate::delivery::{AWAITS_IN_FLIGHT_WRITE, Delivery, InFlight, NEVER, Purpose};
use crate::keys::{EntityKey, LaneKey};
use crate::rows::{InFlightWait, Report};
use crate::state::{Decision, State};

/// An event and one connector that it goes to.
pub(super) struct Placement<'p> {
    pub event: i64,
    pub incoming: &'p Incoming,
    /// The connector, and the lane that a delivery stands in.
    pub lane: LaneKey,
    /// The entity of a delivery: that of the event, or the sum that the event is a part of.
    pub entity: &'p Arc<str>,
    /// The event's own entity, under which its admitted state is known.
    pub known_as: &'p Arc<str>,
    pub report: &'p Report,
    pub target: &'p Target,
    pub now: Millis,
}

impl Placement<'_> {
    fn state_key(&self) -> EntityKey {
        EntityKey::new(Arc::clone(&self.lane.connector), Arc::clone(self.known_as))
    }

    fn not_before(&self) -> Millis {
        self.target.due_at.unwrap_or(Millis(0))
    }
}

/// A delivery and its state, in the words of [`AdmittedDelivery`](crate::AdmittedDelivery).
pub(super) type Placed = (i64, &'static str);

impl State<'_> {
    fn new_delivery(&mut self, placement: &Placement<'_>) -> Decision<Delivery> {
        let purpose = Purpose {
            id: self.next_delivery()?,
            event: placement.event,
            generation: 0,
            lane: placement.lane.clone(),
            entity: Arc::clone(placement.entity),
            effect: placement.incoming.effect,
            moment: placement.incoming.stamp.moment(),
        };
        let delivery = Delivery::new(purpose, placement.not_before(), placement.now);
        let (follows_books, until_posted) = (placement.target.can_own_books(), placement.target.posted);
        Ok(Delivery { follows_books, until_posted, ..delivery })
    }

    /// The day was closed before the event arrived: a person decides.
    pub(super) fn place_after_closing(
        &mut self,
        placement: &Placement<'_>,
        problem: Problem,
        to: &mut Admitted,
    ) -> Decision<Placed> {
        let mut delivery = self.new_delivery(placement)?;
        let id = delivery.id;
        self.advance(placement, true)?;
        self.clear_annulled(&placement.state_key())?;
        delivery.state = DeliveryState::Exception;
        delivery.reason = Some(problem.clone());
        let (connector, lane) = (delivery.connector.to_string(), delivery.lane.to_string());
        self.add(delivery);
        to.raised.push(Raised { delivery: id, connector, lane, problem });
        Ok((id, "exception"))
    }

    /// The event may be the echo of a write that is in flight: decide once that write has been resolved.
    pub(super) fn place_until_resolved(
        &mut self,
        placement: &Placement<'_>,
        in_flight: &[InFlight],
        source: &EntityKey,
        before: Option<Fingerprints>,
    ) -> Decision<Placed> {
        let mut delivery = self.new_delivery(placement)?;
        let id = delivery.id;
        self.advance(placement, false)?;
        self.clear_annulled(&placement.state_key())?;
        let wait = InFlightWait {
            in_flight: in_flight.iter().map(|one| one.delivery).collect(),
            source: Arc::clone(&source.connector),
            entity: Arc::clone(&source.entity),
            report: placement.report.clone(),
            before,
        };
        delivery.due_at = self.await_in_flight(id, in_flight, wait, placement.now)?;
        delivery.state = DeliveryState::Waiting;
        delivery.reason = reason(AWAITS_IN_FLIGHT_WRITE, "may be the echo of a write that is in flight");
        self.add(delivery);
        Ok((id, "waiting"))
    }

    /// Carries out what admission decided.
    pub(super) fn place(&mut self, placement: &Placement<'_>, admission: Admission) -> Decision<Placed> {
        let state_key = placement.state_key();
        let now = placement.now;
        let mut delivery = self.new_delivery(placement)?;
        let id = delivery.id;
        match &admission {
            Admission::Stale { .. } | Admission::End { ending: Ending::SameSale, .. } => {}
            Admission::End { .. } => self.advance(placement, false)?,
            // Whether it is enqueued is decided once the in-flight write has been resolved.
            Admission::Join { delivery, .. } if self.waits_for_write(*delivery)? => {
                self.advance(placement, false)?;
            }
            _ => self.advance(placement, true)?,
        }
        match admission {
            Admission::Enqueue => {
                self.clear_annulled(&state_key)?;
                self.add(delivery);
                let ready = self.promote(&placement.lane, now)? == Some(id);
                Ok((id, if ready { "ready" } else { "queued" }))
            }
            Admission::AwaitParent { parent } => {
                self.clear_annulled(&state_key)?;
                delivery.state = DeliveryState::Waiting;
                // Only its parent moves it, or the limit of waiting.
                delivery.due_at = NEVER;
                delivery.waiting_since = Some(now);
                delivery.reason = reason("not-yet", format!("not yet: {parent}"));
                delivery.awaits = Some(parent.into());
                self.add(delivery);
                Ok((id, "waiting"))
            }
            Admission::Stale { reason: why } => {
                settle(&mut delivery, Ending::Stale, reason("stale", why));
                self.add(delivery);
                Ok((id, "stale"))
            }
            Admission::End { ending, reason: why } => {
                settle(&mut delivery, ending, reason(ending.into(), why));
                self.add(delivery);
                Ok((id, ending.into()))
            }
            Admission::Join { delivery: carrier, effect, superseded, retries } => {
                self.clear_annulled(&state_key)?;
                settle(&mut delivery, Ending::Joined, None);
                delivery.joined_to = Some(carrier);
                self.add(delivery);
                for other in superseded {
                    self.retire(other, Ending::Joined, None, now)?;
                    self.change(other, |other| other.joined_to = Some(carrier))?;
                }
                self.join(placement, carrier, effect, retries)?;
                self.promote(&placement.lane, now)?;
                Ok((id, "joined"))
            }
            Admission::Annul { deliveries } => {
                let why = || reason("annulled", "the order was cancelled before it was sent");
                settle(&mut delivery, Ending::Annulled, why());
                self.add(delivery);
                for other in deliveries {
                    self.retire(other, Ending::Annulled, why(), now)?;
                }
                let order =
                    EntityKey::new(Arc::clone(&placement.lane.connector), Arc::clone(&placement.lane.lane));
                let mut state = self.entities(&order)?.cloned().unwrap_or_default();
                state.annulled = true;
                self.set_entity(order, Some(state));
                self.promote(&placement.lane, now)?;
                Ok((id, "annulled"))
            }
        }
    }

    /// An unsent delivery carries a newer state from here on.
    fn join(
        &mut self,
        placement: &Placement<'_>,
        carrier: i64,
        effect: Effect,
        retries: bool,
    ) -> Decision<()> {
        let (event, moment) = (placement.event, placement.incoming.stamp.moment());
        self.change(carrier, |carrier| {
            carrier.carries = event;
            carrier.effect = effect;
            carrier.moment = moment;
        })?;
        let row = self.delivery(carrier)?;
        // A newer state of a sale of a closed day is as late as the one before.
        let retries = retries && row.state == DeliveryState::Exception && !row.reason_is(code::DAY_CLOSED);
        if self.waits_for_write(carrier)?
            && let Some(wait) = self.in_flight_waits(&carrier)?.cloned()
        {
            let wait = InFlightWait { report: placement.report.clone(), ..wait };
            self.set_in_flight_wait(carrier, Some(wait));
        }
        if retries {
            self.requeue(carrier, placement.now)?;
            let not_before = placement.not_before();
            self.change(carrier, |carrier| {
                (carrier.attempts, carrier.failures) = (0, 0);
                carrier.not_before = not_before;
                carrier.due_at = carrier.due_at.max(not_before);
            })?;
        }
        Ok(())
    }

    fn waits_for_write(&self, id: i64) -> Decision<bool> {
        let delivery = self.delivery(id)?;
        Ok(delivery.state == DeliveryState::Waiting && delivery.reason_is(AWAITS_IN_FLIGHT_WRITE))
    }

    /// Remembers the newest admitted state of an entity, and whether it was enqueued. Even where a test
    /// turns the version gate off, what is remembered does not go back.
    fn advance(&mut self, placement: &Placement<'_>, enqueued: bool) -> Decision<()> {
        let incoming = placement.incoming;
        if !incoming.effect.advances() {
            return Ok(());
        }
        let key = placement.state_key();
        let mut state = self.entities(&key)?.cloned().unwrap_or_default();
        let stamp = incoming.stamp;
        let newer = state.newest.as_ref().is_none_or(|(newest, _)| newest.compare(&stamp).is_le());
        if incoming.effect != Effect::Once && !newer {
            return Ok(());
        }
        let before = state.enqueued_at().unwrap_or(Moment::certain(i64::MIN));
        state.enqueued = Some(if enqueued { stamp.moment() } else { before });
        state.newest = Some((stamp, incoming.digest.clone()));
        if !placement.report.fingerprints.is_empty() {
            state.reported = Some(placement.report.fingerprints.clone());
        }
        self.set_entity(key, Some(state));
        Ok(())
    }

    fn clear_annulled(&mut self, key: &EntityKey) -> Decision<()> {
        if let Some(state) = self.entities(key)?.filter(|state| state.annulled).cloned() {
            let state = crossdock_rules::entity_state::EntityState { annulled: false, ..state };
            self.set_entity(key.clone(), Some(state));
        }
        Ok(())
    }
}

fn settle(delivery: &mut Delivery, ending: Ending, reason: Option<Problem>) {
    delivery.state = DeliveryState::Settled;
    delivery.ending = Some(ending);
    delivery.reason = reason;
}
