//! What must hold in every state of a small world, and what at rest.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crossdock_engine::delivery::{Delivery, NEVER};
use crossdock_engine::{Command, Error, Settle};
use crossdock_rules::code;
use crossdock_rules::effect::Effect;
use crossdock_rules::lane::{DeliveryState, Ending, next_ready};
use crossdock_rules::outcome::{Answer, Fault, settle};

use crate::play::attempt;
use crate::walker::Violation;
use crate::world::{SmallWorld, State};

type Lane<'r> = (&'r str, &'r str);

impl SmallWorld {
    /// What must hold in every state.
    pub(crate) fn check_always(&self, state: &State) -> Result<(), Violation> {
        let rows = state.memory.deliveries();
        let mut lanes: BTreeMap<Lane<'_>, Vec<&Delivery>> = BTreeMap::new();
        let mut serials = HashSet::new();
        for row in &rows {
            lanes.entry((&row.connector, &row.lane)).or_default().push(row);
            if let Some(serial) = row.serial
                && !serials.insert((&row.connector, serial))
            {
                return Err(format!("serial number {serial} of {} was allotted twice", row.connector));
            }
        }
        for ((connector, lane), rows) in &lanes {
            check_lane(rows).map_err(|why| format!("{why}: {lane} at {connector}"))?;
            let index = self.connector(connector);
            let book = state.targets[index].books.get(*lane);
            if book.is_none_or(|book| !book.denied) {
                check_waiting(rows, book.is_some_and(|book| book.changed_there))?;
            }
        }
        self.check_fences(state, &rows)
    }

    /// No other claim than the newest settles a delivery.
    fn check_fences(&self, state: &State, rows: &[Delivery]) -> Result<(), Violation> {
        for row in rows.iter().filter(|row| row.state.is_open()) {
            let stale = match row.state {
                DeliveryState::Sending => row.fence - 1,
                _ => row.fence,
            };
            if stale < 1 {
                continue;
            }
            let Some(call) = state.calls.first() else { continue };
            let fault = Fault::Lost;
            let problem = crossdock_engine::conformance::samples::problem("late", "a late answer");
            let context = call.claimed.call_context(false, false);
            let settlement =
                settle(Answer::Failed { fault, problem }, &context, &self.policy, state.now, u64::MAX);
            let attempt = attempt(call, state.now);
            let late = Settle { delivery: row.id, fence: stale, settlement, attempt, now: state.now };
            let mut memory = state.memory.clone();
            match self.apply(&mut memory, Command::Settle(Box::new(late))) {
                Err(Error::Fenced { .. }) => {}
                other => {
                    return Err(format!("delivery {} was settled by an old claim: {other:?}", row.id));
                }
            }
        }
        Ok(())
    }

    /// What must hold once nothing can happen any more.
    pub(crate) fn check_rest(&self, state: &State) -> Result<(), Violation> {
        let rows = state.memory.deliveries();
        if let Some(open) = rows.iter().find(|row| row.state.is_open()) {
            let why = open.reason.as_ref().map_or("", |reason| reason.code.as_str());
            return Err(format!("delivery {} of {} stays {} ({why})", open.id, open.entity, open.state));
        }
        let delivered: BTreeSet<i64> = rows.iter().map(|row| row.event).collect();
        // What is reported only after something was booked does not arrive where a person gave that up.
        let arrived = self.arrivals.iter().zip(&state.arrived).filter(|(_, arrived)| **arrived);
        let events = arrived.filter(|(arrival, _)| !arrival.new.targets.is_empty()).count();
        if delivered.len() != events {
            return Err(format!("{} events have deliveries, and {events} arrived", delivered.len()));
        }
        for ((connector, order), reported) in &self.reported {
            let name = &self.orders[*order];
            let annulled = rows.iter().any(|row| {
                row.ending == Some(Ending::Annulled)
                    && row.effect == Effect::Cancel
                    && row.lane == *name
                    && *row.connector == *self.connectors[*connector].name
            });
            let mut reported = reported.clone();
            if state.counts_as_news {
                reported.give_up(None);
            }
            let mut missing = self.arrivals.iter().zip(&state.arrived).filter(|(_, arrived)| !**arrived);
            if missing.any(|(arrival, _)| arrival.order == *order) {
                reported.give_up(None);
            }
            for (_, key) in state.given_up.iter().filter(|(of, _)| of == order) {
                reported.give_up(key.as_deref());
            }
            let books = &state.targets[*connector].books;
            let book = books.get(&**name).cloned().unwrap_or_default();
            reported.compare(&book, annulled).map_err(|why| format!("order {}: {why}", order + 1))?;
        }
        self.check_elsewhere(state)
    }

    /// Nothing is in books where it does not belong.
    fn check_elsewhere(&self, state: &State) -> Result<(), Violation> {
        for (connector, target) in state.targets.iter().enumerate() {
            for (order, book) in &target.books {
                let order = self.order(order);
                if !book.booked.is_empty() && !self.reported.contains_key(&(connector, order)) {
                    let name = self.connectors[connector].name;
                    return Err(format!(
                        "order {} is in the books of {name}, which are not its own",
                        order + 1
                    ));
                }
            }
        }
        Ok(())
    }
}

/// One delivery of a lane is in flight, and a lane whose head is done has the next.
fn check_lane(rows: &[&Delivery]) -> Result<(), Violation> {
    let heads = rows.iter().filter(|row| matches!(row.state, DeliveryState::Ready | DeliveryState::Sending));
    if heads.count() > 1 {
        return Err("a lane has two heads".to_owned());
    }
    if let Some(next) = next_ready(rows.iter().map(|row| row.as_entry())) {
        return Err(format!("a lane stands still though delivery {next} could go"));
    }
    Ok(())
}

/// Nothing awaits what is there. `changed_there`: the target has said of the order that somebody changed it.
fn check_waiting(rows: &[&Delivery], changed_there: bool) -> Result<(), Violation> {
    for row in rows {
        let waits = match row.state {
            DeliveryState::Waiting => row.due_at == NEVER,
            DeliveryState::Exception => row.reason_is(code::REFERENT_MISSING),
            _ => false,
        };
        let Some(awaited) = row.awaits.as_ref().filter(|_| waits) else { continue };
        // What the target has said, not what the host has decided by itself.
        let is_there = |other: &&&Delivery| {
            let exists = match other.ending {
                Some(Ending::Stale) => changed_there,
                ending => ending.is_some_and(Ending::exists),
            };
            // An edit says nothing of the order's own delivery, whose outcome may be unknown.
            let is_state = other.effect != Effect::Difference;
            other.entity == *awaited && other.fence > 0 && exists && is_state
        };
        if rows.iter().any(|other| is_there(&other)) {
            return Err(format!("delivery {} awaits {awaited}, which is there", row.id));
        }
    }
    Ok(())
}
