//! Refunds of a sale that two systems report: money given back once is one refund.

use std::sync::Arc;

use crossdock_rules::refund::{ReportedRefund, matching_refund};

use crate::database::Question;
use crate::rows::EventRow;
use crate::state::{Decision, State};

impl State<'_> {
    /// Remembers a refund among those of its order, for as long as the order is remembered.
    pub(super) fn remember_refund(&mut self, row: &EventRow) -> Decision<()> {
        let Some(refund) = ReportedRefund::of(row.id, &row.event) else { return Ok(()) };
        let mut all = self.refunds(&row.root)?.cloned().unwrap_or_default();
        if all.iter().all(|known| known.event != refund.event) {
            all.push(refund);
            self.set_refunds(Arc::clone(&row.root), Some(all));
        }
        Ok(())
    }

    /// The refund of the same sale that another system reported, and that an event reports too. `first` is the
    /// sale's first order.
    pub(super) fn matching_refund(
        &self,
        event: i64,
        refund: &str,
        first: &Arc<str>,
    ) -> Decision<Option<String>> {
        if **first == *refund {
            return Ok(None);
        }
        let mut orders = self.alias_group(first)?;
        if orders.is_empty() {
            return Ok(None);
        }
        orders.push(Arc::clone(first));
        let mut reported = Vec::new();
        for order in &orders {
            reported.extend(self.refunds(order)?.into_iter().flatten().cloned());
        }
        reported.sort_by_key(|refund| refund.event);
        let own = reported.iter().find(|reported| reported.event == event);
        Ok(own.and_then(|own| matching_refund(own, &reported)).map(str::to_owned))
    }

    /// The orders that repeat the sale of a first one.
    fn alias_group(&self, first: &Arc<str>) -> Decision<Vec<Arc<str>>> {
        let mut orders = self.ask_names(Question::AliasGroup(Arc::clone(first)))?;
        for (order, of) in self.changed_aliases() {
            if of == first && !orders.contains(order) {
                orders.push(Arc::clone(order));
            }
        }
        Ok(orders)
    }
}
