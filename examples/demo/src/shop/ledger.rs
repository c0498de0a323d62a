//! The shop's own record of the webhooks that it sent and that were accepted.

use std::sync::Arc;
use std::time::Instant;

use super::life::Life;

/// How far one order has been sent.
#[derive(Debug, Clone)]
pub struct Sent {
    /// The order.
    pub life: Arc<Life>,
    /// When the first try of the webhook that was sent first began.
    pub first_sent: Option<Instant>,
    /// For each of its facts: when the first try began. From then on the shop shows the fact.
    pub tried: Vec<Option<Instant>>,
    /// For each of its facts: whether any try was answered 2xx.
    pub accepted: Vec<bool>,
}

/// The shop's record of a run.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    /// Every order that has begun.
    pub orders: Vec<Sent>,
}

impl Ledger {
    /// Distinct webhooks of orders that were accepted.
    pub fn accepted_facts(&self) -> usize {
        self.orders.iter().flat_map(|sent| &sent.accepted).filter(|accepted| **accepted).count()
    }

    /// Begins the record of a life; the index is its place in the plan.
    pub(crate) fn open(&mut self, life: Arc<Life>) {
        let (tried, accepted) = (vec![None; life.facts.len()], vec![false; life.facts.len()]);
        self.orders.push(Sent { life, first_sent: None, tried, accepted });
    }
}
