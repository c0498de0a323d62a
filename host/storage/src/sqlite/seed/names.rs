//! What is copied, and what makes one copy different from another.

use std::ops::Range;

use crossdock_engine::Error;

use crate::sqlite::statement::unreadable;

/// What makes one order different from another.
#[derive(Clone, Debug)]
pub struct Names {
    /// The texts that differ: ids, order number, articles, amount, time. As many for each order, in one order. Those of
    /// a template must occur in its rows wherever an order has its own, and nowhere else.
    pub texts: Vec<String>,
    /// The number of the customer, from 0: orders of one customer share their key.
    pub customer: usize,
    /// When the order was placed, in milliseconds since 1970.
    pub placed_at: i64,
}

/// Copies of some templates, in turn.
#[derive(Clone, Debug)]
pub struct Copies {
    /// The templates.
    pub templates: Range<usize>,
    /// The numbers of the orders that are made of them.
    pub orders: Range<u64>,
}

/// A row that cannot be copied.
pub(super) fn unknown(table: &str, reason: impl std::fmt::Display) -> Error {
    unreadable(format!("a template's rows of {table}"), reason)
}
