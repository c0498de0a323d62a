//! The kinds of records that a poll can report: the values of the setting `reports`.

use serde::{Deserialize, Serialize};

/// A kind of record that a poll reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecordKind {
    /// Sales, as documents.
    Sales,
    /// Shipments.
    Shipments,
    /// Invoices and credit memos, as documents.
    Invoices,
    /// Stock levels.
    Stock,
    /// Articles and their base prices.
    Products,
    /// Articles and base prices whose template changed. Polled whenever [`Self::Products`] is.
    #[serde(skip_deserializing)]
    Templates,
}

impl RecordKind {
    /// The kinds that are polled when the setting is absent.
    pub const DEFAULT: [Self; 3] = [Self::Sales, Self::Shipments, Self::Invoices];
}
