//! What a check can find.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// Findings per event; further ones are dropped.
pub(super) const MAX_FINDINGS: usize = 20;

/// One defect of an event, described for a person, without personal data.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{field}: {message}")]
pub struct Finding {
    /// A stable code, one of [`code`].
    pub code: Cow<'static, str>,
    /// The defect in business terms.
    pub message: String,
    /// The field, as a path (`fact.lines[2].quantity`).
    pub field: String,
}

/// The codes of findings.
pub mod code {
    /// A text is not a decimal: an optional `-`, digits, optionally `.` and digits, at most 28 in all.
    pub const NOT_A_DECIMAL: &str = "not-a-decimal";
    /// A currency is not three capital letters.
    pub const NOT_A_CURRENCY: &str = "not-a-currency";
    /// A text is not an RFC 3339 instant with an offset.
    pub const NOT_AN_INSTANT: &str = "not-an-instant";
    /// A text is not a calendar day.
    pub const NOT_A_DATE: &str = "not-a-date";
    /// `extensions` is not the JSON text of an object.
    pub const NOT_AN_OBJECT: &str = "not-an-object";
    /// Part of an identity is empty, or contains a slash where it must not.
    pub const NO_IDENTITY: &str = "no-identity";
    /// The event's entity is not of the fact's kind.
    pub const WRONG_ENTITY: &str = "wrong-entity";
    /// A refund or shipment has no order. A store's refund needs none.
    pub const NO_PARENT: &str = "no-parent";
    /// An order has no lines.
    pub const NO_LINES: &str = "no-lines";
    /// Two lines have the same id.
    pub const SAME_ID: &str = "same-id";
    /// A quantity that must be above zero is not.
    pub const NOT_POSITIVE: &str = "not-positive";
    /// An amount that must not be below zero is.
    pub const NEGATIVE: &str = "negative";
    /// An amount is in another currency than its order.
    pub const WRONG_CURRENCY: &str = "wrong-currency";
    /// An amount has more decimals than its currency.
    pub const TOO_PRECISE: &str = "too-precise";
    /// An amount is too large to calculate with exactly.
    pub const TOO_LARGE: &str = "too-large";
    /// The parts of an order do not add up to its total.
    pub const TOTAL_DOES_NOT_BALANCE: &str = "total-does-not-balance";
    /// The duties of the lines do not add up to the order's duties.
    pub const DUTIES_DO_NOT_BALANCE: &str = "duties-do-not-balance";
    /// The taxes of the lines do not add up to the order's tax.
    pub const TAX_DOES_NOT_BALANCE: &str = "tax-does-not-balance";
    /// The refunded amount does not match lines, shipping and adjustments.
    pub const REFUND_DOES_NOT_BALANCE: &str = "refund-does-not-balance";
}
