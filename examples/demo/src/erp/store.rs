//! What the ERP holds: documents in memory, in the order of their commits.
//!
//! There is deliberately **no unique key**: a second post of a reference makes a second document. The search
//! index lags: a document is found by its reference only some time after its commit, by its id at once.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::document::{Order, Refund, State};

/// An order the ERP holds.
#[derive(Debug, Clone)]
pub struct HeldOrder {
    /// The ERP's own id, `SO-17`.
    pub id: String,
    /// What was posted or put last; `None` if the ERP was told not to keep documents.
    pub document: Option<Order>,
    /// When the first post of this document was committed.
    pub created: Instant,
    line_numbers: Vec<(String, usize)>,
    searchable: Instant,
}

/// A refund the ERP holds.
#[derive(Debug, Clone)]
pub struct HeldRefund {
    /// The ERP's own id, `CR-5`.
    pub id: String,
    /// The id of its order.
    pub order: String,
    /// What was posted.
    pub document: Refund,
    /// When it was committed.
    pub created: Instant,
    searchable: Instant,
}

/// The ERP's id of a line.
#[derive(Debug, Clone, Serialize)]
pub struct LineId {
    /// The sender's id of the line.
    pub line: String,
    /// The ERP's: `SO-17-1`.
    pub id: String,
}

/// The documents and their indexes.
#[derive(Debug, Default)]
pub(super) struct Store {
    orders: Vec<HeldOrder>,
    refunds: Vec<HeldRefund>,
    orders_by_reference: HashMap<String, Vec<usize>>,
    refunds_by_reference: HashMap<String, Vec<usize>>,
    keep_documents: bool,
}

impl Store {
    pub(super) fn new(keep_documents: bool) -> Self {
        Self { keep_documents, ..Self::default() }
    }

    /// Commits a new order, whatever its reference; the search finds it after `lag`.
    pub(super) fn create_order(&mut self, order: Order, now: Instant, lag: Duration) -> HeldOrder {
        let index = self.orders.len();
        self.orders_by_reference.entry(order.reference.clone()).or_default().push(index);
        let mut held = HeldOrder {
            id: format!("SO-{}", index + 1),
            line_numbers: Vec::with_capacity(order.lines.len()),
            document: None,
            created: now,
            searchable: now + lag,
        };
        held.number_lines(&order);
        held.document = self.keep_documents.then_some(order);
        self.orders.push(held.clone());
        held
    }

    /// Replaces an order's document; its lines keep the ids they have.
    pub(super) fn replace_order(&mut self, id: &str, order: Order) -> Option<HeldOrder> {
        let keep = self.keep_documents;
        let held = self.order_mut(id)?;
        held.number_lines(&order);
        held.document = keep.then_some(order);
        Some(held.clone())
    }

    /// Cancels an order; doing it twice is doing it once.
    pub(super) fn cancel_order(&mut self, id: &str) -> Option<HeldOrder> {
        let held = self.order_mut(id)?;
        if let Some(document) = &mut held.document {
            document.state = State::Cancelled;
        }
        Some(held.clone())
    }

    pub(super) fn order(&self, id: &str) -> Option<&HeldOrder> {
        self.orders.get(position(id, "SO-")?)
    }

    fn order_mut(&mut self, id: &str) -> Option<&mut HeldOrder> {
        self.orders.get_mut(position(id, "SO-")?)
    }

    /// The orders with this reference that the search index knows by now.
    pub(super) fn search_orders(&self, reference: &str, now: Instant) -> Vec<&HeldOrder> {
        let found = self.orders_by_reference.get(reference).into_iter().flatten();
        found.filter_map(|index| self.orders.get(*index)).filter(|held| held.searchable <= now).collect()
    }

    /// Commits a refund of an order; `None` if there is no such order.
    pub(super) fn create_refund(
        &mut self,
        order: &str,
        refund: Refund,
        now: Instant,
        lag: Duration,
    ) -> Option<HeldRefund> {
        let order = self.order(order)?.id.clone();
        let index = self.refunds.len();
        self.refunds_by_reference.entry(refund.reference.clone()).or_default().push(index);
        let id = format!("CR-{}", index + 1);
        let held = HeldRefund { id, order, document: refund, created: now, searchable: now + lag };
        self.refunds.push(held.clone());
        Some(held)
    }

    /// The refunds with this reference that the search index knows by now.
    pub(super) fn search_refunds(&self, reference: &str, now: Instant) -> Vec<&HeldRefund> {
        let found = self.refunds_by_reference.get(reference).into_iter().flatten();
        found.filter_map(|index| self.refunds.get(*index)).filter(|held| held.searchable <= now).collect()
    }

    pub(super) fn orders(&self) -> &[HeldOrder] {
        &self.orders
    }

    pub(super) fn refunds(&self) -> &[HeldRefund] {
        &self.refunds
    }
}

impl HeldOrder {
    /// The ERP's ids of the lines, in the order of the first time each was seen.
    pub fn line_ids(&self) -> Vec<LineId> {
        let ids = self.line_numbers.iter();
        ids.map(|(line, number)| LineId { line: line.clone(), id: format!("{}-{number}", self.id) }).collect()
    }

    fn number_lines(&mut self, order: &Order) {
        for line in &order.lines {
            if !self.line_numbers.iter().any(|(known, _)| *known == line.line) {
                self.line_numbers.push((line.line.clone(), self.line_numbers.len() + 1));
            }
        }
    }
}

fn position(id: &str, prefix: &str) -> Option<usize> {
    id.strip_prefix(prefix)?.parse::<usize>().ok()?.checked_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::erp::tests::order;

    #[test]
    fn posting_twice_makes_two_and_the_search_lags() {
        let mut store = Store::new(true);
        let now = Instant::now();
        let first = store.create_order(order("r"), now, Duration::from_secs(5));
        let second = store.create_order(order("r"), now, Duration::from_secs(1));
        assert_ne!(first.id, second.id);
        assert!(store.search_orders("r", now).is_empty());
        assert_eq!(store.search_orders("r", now + Duration::from_secs(2)).len(), 1);
        assert_eq!(store.search_orders("r", now + Duration::from_secs(5)).len(), 2);
        assert_eq!(store.order("SO-1").unwrap().id, "SO-1");
        assert!(store.order("SO-0").is_none() && store.order("SO-3").is_none());
    }

    #[test]
    fn a_line_keeps_its_id_when_the_document_is_replaced() {
        let mut store = Store::new(true);
        let id = store.create_order(order("r"), Instant::now(), Duration::ZERO).id;
        let mut next = order("r");
        let mut new = next.lines[0].clone();
        new.line = "new".to_owned();
        next.lines.insert(0, new);
        let held = store.replace_order(&id, next).unwrap();
        let ids = held.line_ids();
        assert_eq!((ids[0].line.as_str(), ids[0].id.as_str()), ("L1", "SO-1-1"));
        assert_eq!((ids[1].line.as_str(), ids[1].id.as_str()), ("new", "SO-1-2"));
    }
}
