//! When two states of a small world are the same.
//!
//! A state has a part for each order, and a part that all orders share. Events, deliveries and calls count by keys, not
//! by numbers, and moments by their distance from now.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use crate::world::{SmallWorld, State};

/// A state in parts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Parts {
    /// What the orders share.
    pub shared: u64,
    /// How many documents there were, and in which order what is due will be claimed.
    pub beside: u64,
    /// Of each order.
    pub orders: Vec<u64>,
}

fn number(of: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

impl SmallWorld {
    /// A state in parts.
    pub(crate) fn parts(&self, state: &State) -> Parts {
        let database = state.memory.digest_parts(state.now, self.lens());
        let orders = (0..self.orders.len()).map(|order| {
            let name = &self.orders[order];
            number((database.roots.get(name), self.part_of(state, order)))
        });
        let rows = state.memory.deliveries();
        let open: Vec<_> = rows.iter().filter(|row| row.state.is_open()).collect();
        let due = (0..self.connectors.len()).map(|connector| {
            crate::step::due_heads(self, state.now, &open, connector).map(|row| self.order(&row.lane))
        });
        let due: Vec<Vec<usize>> = due.map(Iterator::collect).collect();
        Parts {
            shared: number((database.shared, &state.paused)),
            beside: number((state.documents, state.counts_as_news, due)),
            orders: orders.collect(),
        }
    }

    fn part_of(&self, state: &State, order: usize) -> u64 {
        let mut to = DefaultHasher::new();
        for (arrived, arrival) in state.arrived.iter().zip(&self.arrivals) {
            if arrival.order == order {
                arrived.hash(&mut to);
            }
        }
        for (connector, target) in state.targets.iter().enumerate() {
            target.books.get(&*self.orders[order]).hash(&mut to);
            let mut calls: Vec<_> = state
                .calls
                .iter()
                .filter(|call| (call.connector, call.order) == (connector, order))
                .map(|call| (&call.request, call.find, call.done))
                .map(|(request, find, done)| (&request.key, request.resumed, find, done))
                .collect();
            calls.sort_unstable();
            calls.hash(&mut to);
        }
        let mut late: Vec<(usize, &str, Duration)> = state
            .late
            .iter()
            .filter(|late| late.order == order)
            .map(|late| (late.connector, &*late.request.key, late.until.since(state.now)))
            .collect();
        late.sort_unstable();
        late.hash(&mut to);
        let mut letters: Vec<_> = state
            .letters
            .iter()
            .filter(|letter| letter.order == order)
            .map(|letter| (letter.connector, &letter.request.key, letter.booked, letter.number))
            .collect();
        letters.sort_unstable();
        letters.hash(&mut to);
        for given_up in state.given_up.iter().filter(|(of, _)| *of == order) {
            given_up.hash(&mut to);
        }
        to.finish()
    }
}
