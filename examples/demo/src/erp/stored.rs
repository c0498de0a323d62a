//! The documents as the ERP stores them: orders with their parcels, refunds and changes of stock.

use std::collections::BTreeMap;
use std::time::Instant;

use rust_decimal::Decimal;
use serde::Serialize;

use super::document::{Adjustment, Order, Refund};
use super::stock::StockKey;

/// An order in the ERP.
#[derive(Debug, Clone)]
pub struct StoredOrder {
    /// The ERP's own id, `SO-17`.
    pub id: String,
    /// The document as it was posted or put last; `None` if the ERP does not store documents.
    pub document: Option<Order>,
    /// When the first post of this document was committed.
    pub created: Instant,
    /// Its stage.
    pub stage: Stage,
    /// Its parcels.
    pub parcels: Vec<Parcel>,
    /// The sender's version in each write of it, in their order.
    pub versions: Vec<String>,
    pub(super) line_numbers: Vec<(String, usize)>,
    pub(super) searchable: Instant,
    pub(super) changed: Instant,
    pub(super) reserved: BTreeMap<StockKey, Decimal>,
    pub(super) returned: BTreeMap<StockKey, Decimal>,
    pub(super) refunds: Vec<Refund>,
}

/// Goods that left together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parcel {
    /// The ERP's own id, `SH-3`.
    pub id: String,
    /// Where it left from.
    pub warehouse: String,
    /// The sender's id of the line, the article if it is one, and pieces.
    pub lines: Vec<(String, Option<String>, Decimal)>,
    /// Who carries it.
    pub carrier: String,
    /// Its number there.
    pub tracking: String,
}

/// A refund in the ERP.
#[derive(Debug, Clone)]
pub struct StoredRefund {
    /// The ERP's own id, `CR-5`.
    pub id: String,
    /// The id of its order.
    pub order: String,
    /// The document as it was posted.
    pub document: Refund,
    /// When it was committed.
    pub created: Instant,
    pub(super) searchable: Instant,
}

/// A change of stock in the ERP.
#[derive(Debug, Clone)]
pub struct StoredAdjustment {
    /// The ERP's own id, `AD-3`.
    pub id: String,
    /// The document as it was posted.
    pub document: Adjustment,
    pub(super) searchable: Instant,
}

/// The ERP's id of a line.
#[derive(Debug, Clone, Serialize)]
pub struct LineId {
    /// The sender's id of the line.
    pub line: String,
    /// The ERP's: `SO-17-1`.
    pub id: String,
}

/// How far an order has come in the ERP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Accepted; nothing else.
    Accepted,
    /// Goods are reserved.
    Allocated,
    /// Some parcels have left.
    PartiallyShipped,
    /// Everything has left, and is invoiced.
    Invoiced,
    /// Nothing will leave.
    Cancelled,
}

impl Stage {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Allocated => "allocated",
            Self::PartiallyShipped => "partially-shipped",
            Self::Invoiced => "invoiced",
            Self::Cancelled => "cancelled",
        }
    }
}

impl StoredOrder {
    /// The ERP's ids of the lines, in the order of the first time each was seen.
    pub fn line_ids(&self) -> Vec<LineId> {
        let ids = self.line_numbers.iter();
        ids.map(|(line, number)| LineId { line: line.clone(), id: format!("{}-{number}", self.id) }).collect()
    }

    /// Gives each new line the next number; a number never changes.
    pub(super) fn number_lines(&mut self, order: &Order) {
        for line in &order.lines {
            if !self.line_numbers.iter().any(|(known, _)| *known == line.line) {
                self.line_numbers.push((line.line.clone(), self.line_numbers.len() + 1));
            }
        }
    }
}
