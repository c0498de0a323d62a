//! Where an event goes: its targets, one by one, each with everything that is known.

use std::sync::Arc;

use crossdock_model::event::Fact;
use crossdock_model::time::Millis;
use crossdock_rules::admission::{Admission, Incoming, admit};
use crossdock_rules::attributes::{Fingerprints, is_complete};
use crossdock_rules::day::{DayClosing, after_closing};
use crossdock_rules::ownership::{Class, Verdict};
use crossdock_rules::stock::sum_lane;

use super::place::{Placed, Placement};
use crate::applied::{Admitted, AdmittedDelivery};
use crate::command::{NewEvent, Target};
use crate::keys::{EntityKey, LaneKey};
use crate::rows::Report;
use crate::state::{Decision, State};

/// An event with what is known of it, wherever it goes.
struct Arrival<'n> {
    event: i64,
    new: &'n NewEvent,
    entity: Arc<str>,
    /// The connector that reported it, and its entity there.
    source: EntityKey,
    report: Report,
    /// The lane it goes to: its own, or that of the first order of its sale.
    lane: Arc<str>,
    /// The first order of its sale, when that is another one.
    first: Option<Arc<str>>,
    /// The closing of the day it belongs to.
    closing: Option<DayClosing>,
    now: Millis,
}

impl State<'_> {
    /// Enqueues an event for its targets. `personal` are fingerprints of the personal values it reports.
    pub(super) fn enqueue(
        &mut self,
        event: i64,
        new: &NewEvent,
        personal: &Fingerprints,
        now: Millis,
        to: &mut Admitted,
    ) -> Decision<()> {
        let incoming = &new.incoming;
        let closing = match &incoming.business_day {
            Some(day) => self.closing_of(event, day)?,
            None => None,
        };
        self.take_confirmation(event, new, now, to)?;
        // A sale that goes nowhere claims no natural key: another report of it may be routed.
        if new.targets.is_empty() {
            return Ok(());
        }
        let first = self.first_order(new, now)?;
        let entity: Arc<str> = incoming.entity.as_str().into();
        // What belongs to a sale that another order reported first goes with that one.
        let lane = first.clone().unwrap_or_else(|| incoming.lane.as_str().into());
        let source = EntityKey::new(new.source.as_str(), Arc::clone(&entity));
        let report = report(event, new, personal);
        let arrival = Arrival { event, new, entity, source, report, lane, first, closing, now };
        self.enqueue_for_targets(&arrival, to)
    }

    fn enqueue_for_targets(&mut self, arrival: &Arrival<'_>, to: &mut Admitted) -> Decision<()> {
        let (new, incoming) = (arrival.new, &arrival.new.incoming);
        let books = books_target(&new.targets);
        let pinned = books.is_some() && self.pins(&arrival.lane)?.is_some();
        let same_refund = match &new.event.fact {
            Fact::RefundIssued(_) => self.matching_refund(arrival.event, &arrival.entity, &arrival.lane)?,
            _ => None,
        };
        let (mut receiving, mut new_owner): (Vec<Arc<str>>, Option<Arc<str>>) = (Vec::new(), None);
        for (at, target) in new.targets.iter().enumerate() {
            let mut connector: Arc<str> = target.connector.as_str().into();
            if books == Some(at) {
                let (owner, record) = self.destination(&arrival.lane, target)?;
                if owner == arrival.source.connector && owner != connector {
                    // Nobody receives their own reports.
                    continue;
                }
                connector = owner;
                if record && self.may_pin(arrival, &connector, target)? {
                    self.set_pin(Arc::clone(&arrival.lane), Some(Arc::clone(&connector)));
                    new_owner = Some(Arc::clone(&connector));
                }
            } else if target.can_own_books() && !self.receives_beside_owner(arrival, target, pinned)? {
                continue;
            }
            if receiving.contains(&connector) {
                continue;
            }
            receiving.push(Arc::clone(&connector));
            let repeated = match (&arrival.first, &same_refund) {
                (Some(first), _) if incoming.entity == incoming.lane => Some(Admission::same_sale(first)),
                (_, Some(other)) => Some(Admission::same_refund(other)),
                _ => None,
            };
            let (delivery, state) = match repeated {
                Some(end) => {
                    let lane = LaneKey::new(Arc::clone(&connector), Arc::clone(&arrival.entity));
                    self.place(&arrival.placement(lane, &arrival.entity, target), end)?
                }
                None => self.enqueue_for(arrival, &connector, target, to)?,
            };
            match state {
                "echo" => to.echoes += 1,
                "conflict" => to.conflicts += 1,
                _ => {}
            }
            let connector = connector.to_string();
            to.deliveries.push(AdmittedDelivery { event: arrival.event, delivery, connector, state });
        }
        if let Some(owner) = new_owner {
            self.move_waiting_to_owner(&arrival.lane, &owner, &receiving, arrival.now)?;
        }
        Ok(())
    }

    /// Whether an order's books get their owner by an event: by a state of the order, or by what comes after one.
    /// What comes before says too little of the order.
    fn may_pin(&self, arrival: &Arrival<'_>, owner: &Arc<str>, target: &Target) -> Decision<bool> {
        let incoming = &arrival.new.incoming;
        if incoming.entity == incoming.lane && incoming.effect.is_snapshot() {
            return Ok(arrival.first.is_none());
        }
        let order = self.known_state(owner, &arrival.lane, target)?;
        Ok(order.exists || order.newest.is_some())
    }

    /// Whether a target that may own books receives an event though another one owns the books of its order. An
    /// ERP does not. Where the class is not stated, it does as long as nothing says the contrary.
    fn receives_beside_owner(&self, arrival: &Arrival<'_>, target: &Target, pinned: bool) -> Decision<bool> {
        if target.class.is_some() {
            return Ok(false);
        }
        let connector = target.connector.as_str().into();
        Ok(!pinned || self.known_state(&connector, &arrival.lane, target)?.newest.is_some())
    }

    /// Decides about an event for one connector, and carries it out.
    fn enqueue_for(
        &mut self,
        arrival: &Arrival<'_>,
        connector: &Arc<str>,
        target: &Target,
        to: &mut Admitted,
    ) -> Decision<Placed> {
        let incoming = &arrival.new.incoming;
        let known = self.known_state(connector, &arrival.entity, target)?;
        let summed = target.sum.as_deref().zip(incoming.level.as_ref());
        let sum: Option<Arc<str>> = summed.map(|(place, level)| sum_lane(&level.sku, place).into());
        let lane = LaneKey::new(Arc::clone(connector), Arc::clone(sum.as_ref().unwrap_or(&arrival.lane)));
        let parent = match &incoming.parent {
            None => None,
            Some(_) => Some(self.known_state(connector, &arrival.lane, target)?),
        };
        let open: Vec<_> = self.lane(&lane)?.into_iter().map(|delivery| delivery.as_open()).collect();
        let admission = match (&sum, &arrival.first) {
            (None, None) => admit(incoming, &known, parent.as_ref(), &open, self.safeguards()),
            (sum, first) => {
                let moved = in_lane_of(incoming, sum.as_deref(), first.as_deref());
                admit(&moved, &known, parent.as_ref(), &open, self.safeguards())
            }
        };
        let verdict = self.classify(&arrival.source, &arrival.report, known.reported.as_ref())?;
        let late = incoming
            .business_day
            .as_ref()
            .and_then(|day| after_closing(day, arrival.closing.as_ref(), &known));
        let placement = arrival.placement(lane, sum.as_ref().unwrap_or(&arrival.entity), target);
        let can_be_echo = matches!(admission, Admission::Enqueue)
            && !matches!(verdict, Verdict::Echo | Verdict::Repeated)
            && !arrival.report.fingerprints.is_empty()
            && late.is_none()
            && sum.is_none();
        if can_be_echo {
            let source = &arrival.source.connector;
            let in_flight = self.in_flight_candidates(source, arrival.new, &arrival.lane)?;
            if !in_flight.is_empty() {
                return self.place_until_resolved(&placement, &in_flight, &arrival.source, known.reported);
            }
        }
        let admission = admission.with_verdict(&verdict);
        if !matches!(admission, Admission::Stale { .. }) {
            let before = known.reported.as_ref();
            self.take_report(&arrival.source, &arrival.report, before, &verdict, arrival.now)?;
        }
        let (delivery, state) = match (admission, late) {
            (Admission::Enqueue | Admission::AwaitParent { .. }, Some(problem)) => {
                self.place_after_closing(&placement, problem, to)?
            }
            (admission, _) => self.place(&placement, admission)?,
        };
        if let (Some(place), "ready" | "queued" | "joined" | "waiting") = (&target.sum, state) {
            self.remember_level(arrival.new, place)?;
        }
        Ok((delivery, state))
    }
}

impl Arrival<'_> {
    fn placement<'p>(&'p self, lane: LaneKey, entity: &'p Arc<str>, target: &'p Target) -> Placement<'p> {
        Placement {
            event: self.event,
            incoming: &self.new.incoming,
            lane,
            entity,
            known_as: &self.entity,
            report: &self.report,
            target,
            now: self.now,
        }
    }
}

/// The values that an event reports; `personal` are fingerprints of the personal ones.
fn report(event: i64, new: &NewEvent, personal: &Fingerprints) -> Report {
    let mut fingerprints = Fingerprints::of(&new.incoming.reported);
    for (attribute, fingerprint) in personal.iter() {
        fingerprints.set(attribute, fingerprint);
    }
    Report {
        event,
        fingerprints,
        values: Arc::clone(&new.incoming.reported),
        foreign: new.foreign.clone(),
        complete: is_complete(&new.event.fact),
    }
}

/// Which of an event's targets stands for the owner of its order's books: an ERP before one whose class is not
/// stated.
fn books_target(targets: &[Target]) -> Option<usize> {
    let first = |class| targets.iter().position(|target| target.can_own_books() && target.class == class);
    first(Some(Class::Erp)).or_else(|| first(None))
}

/// The event as admission looks at it when it stands in another lane than its own: that of a sum, or that of the
/// first order of its sale.
fn in_lane_of(incoming: &Incoming, sum: Option<&str>, first: Option<&str>) -> Incoming {
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
