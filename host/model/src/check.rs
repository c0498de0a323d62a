//! Whether an event may be believed: its shape, and sums that are right to the cent.
//!
//! A plugin answers what it likes, and a source sends test notifications and samples whose sums are made
//! up. Nothing of that may reach the books. What is checked is what is booked: decimals, currencies,
//! instants, identities, the printed total and the printed tax. What sources write in their own ways
//! (pending payments, refunds without lines, more decimals in a unit price than the currency has) is legal.
//!
//! It runs for every event: each decimal is read once, and nothing is allocated while all is well.

mod exact;
mod inspector;
mod order;
mod refund;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::common::{Entity, EntityKind};
use crate::event::{Event, Fact};
use inspector::{Inspector, Path};

/// The most findings that are told of one event.
const MOST: usize = 20;

/// One thing that is wrong with an event, for a person. Free of personal data.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{field}: {message}")]
pub struct Finding {
    /// A stable code; see [`code`].
    pub code: Cow<'static, str>,
    /// What is wrong, in business words.
    pub message: String,
    /// The field concerned, as a path (`fact.lines[2].quantity`).
    pub field: String,
}

/// The codes of findings.
pub mod code {
    /// A text that should be a decimal is none: an optional `-`, digits, optionally `.` and digits, at most
    /// 28 of them.
    pub const NOT_A_DECIMAL: &str = "not-a-decimal";
    /// A currency is not three capital letters.
    pub const NOT_A_CURRENCY: &str = "not-a-currency";
    /// A text that should be an instant with its offset is none.
    pub const NOT_AN_INSTANT: &str = "not-an-instant";
    /// A text that should be a calendar day is none.
    pub const NOT_A_DATE: &str = "not-a-date";
    /// `extensions` is not the JSON text of an object.
    pub const NOT_AN_OBJECT: &str = "not-an-object";
    /// An identity is empty, or holds a slash where it must not.
    pub const NO_IDENTITY: &str = "no-identity";
    /// The event's entity is not of the kind that the fact is about.
    pub const WRONG_ENTITY: &str = "wrong-entity";
    /// A refund or shipment does not say which order it belongs to. A refund of a store's may be of none.
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
    /// The money given back is not what lines, shipping and adjustments explain.
    pub const REFUND_DOES_NOT_BALANCE: &str = "refund-does-not-balance";
}

/// Checks an event.
///
/// # Errors
/// What is wrong with it: at least one finding and at most twenty.
pub fn check(event: &Event) -> Result<(), Vec<Finding>> {
    let mut seen = Inspector::default();
    let root = Path::ROOT;
    seen.entity(&event.entity, &root.field("entity"));
    if let Some(parent) = &event.parent {
        seen.entity(parent, &root.field("parent"));
    }
    if let Some(version) = &event.version {
        seen.instant(&version.at, &root.field("version").field("at"));
    }
    seen.instant(&event.occurred_at, &root.field("occurredAt"));
    belongs(&mut seen, event);
    let fact = root.field("fact");
    match &event.fact {
        Fact::Order(change) => order::check(&mut seen, &change.order, &fact),
        Fact::RefundIssued(it) => refund::check(&mut seen, it, &fact),
        Fact::OrderEdited(edit) => {
            seen.id(&edit.id, &fact.field("id"));
            seen.instant(&edit.at, &fact.field("at"));
            for (at, line) in edit.lines.iter().enumerate() {
                let path = fact.item("lines", at);
                seen.id(&line.id, &path.field("id"));
                seen.decimal(&line.delta, &path.field("delta"));
            }
        }
        Fact::ShipmentUpdated(shipment) => {
            seen.entity(&shipment.order, &fact.field("order"));
            seen.instants([(&shipment.shipped_at, "shippedAt")], &fact);
            for (at, line) in shipment.lines.iter().enumerate() {
                seen.positive(&line.quantity, &fact.item("lines", at).field("quantity"));
            }
            seen.object(shipment.extensions.as_deref(), &fact);
        }
        Fact::InventoryCounted(level) => {
            if level.sku.as_deref().or(level.item.as_deref()).is_none_or(str::is_empty) {
                seen.tell(code::NO_IDENTITY, &fact.field("sku"), || {
                    "neither article nor item is told".into()
                });
            }
            seen.id(&level.location, &fact.field("location"));
            seen.instant(&level.at, &fact.field("at"));
            let counts = [
                (&level.available, "available"),
                (&level.on_hand, "onHand"),
                (&level.reserved, "reserved"),
                (&level.incoming, "incoming"),
            ];
            for (count, name) in counts {
                seen.optional(count.as_deref(), &fact.field(name));
            }
        }
        Fact::InventoryAdjusted(change) => {
            seen.id(&change.sku, &fact.field("sku"));
            seen.id(&change.location, &fact.field("location"));
            seen.instant(&change.at, &fact.field("at"));
            seen.decimal(&change.delta, &fact.field("delta"));
            if let Some(cause) = &change.cause {
                seen.entity(cause, &fact.field("cause"));
            }
        }
        Fact::DocumentUpdated(document) => {
            if let Some(order) = &document.order {
                seen.entity(order, &fact.field("order"));
            }
            seen.instant(&document.at, &fact.field("at"));
            seen.date(document.date.as_deref(), &fact.field("date"));
            for (sum, name) in
                [(&document.untaxed, "untaxed"), (&document.tax, "tax"), (&document.total, "total")]
            {
                if let Some(sum) = sum {
                    seen.money(sum, &fact.field(name));
                }
            }
            for (at, line) in document.lines.iter().enumerate() {
                let path = fact.item("lines", at);
                seen.id(&line.id, &path.field("id"));
                seen.decimal(&line.quantity, &path.field("quantity"));
                seen.optional(line.amount.as_deref(), &path.field("amount"));
            }
            seen.object(document.extensions.as_deref(), &fact);
        }
        Fact::CustomerUpdated(_) => {}
        Fact::ProductUpdated(product) => {
            seen.id(&product.sku, &fact.field("sku"));
            seen.optional(product.grams.as_deref(), &fact.field("grams"));
            seen.instant(&product.at, &fact.field("at"));
            seen.object(product.extensions.as_deref(), &fact);
        }
        Fact::PriceUpdated(price) => {
            seen.id(&price.sku, &fact.field("sku"));
            seen.money(&price.amount, &fact.field("amount"));
            if let Some(minimum) = &price.minimum {
                seen.positive(minimum, &fact.field("minimum"));
            }
            seen.instants([(&price.from, "from"), (&price.until, "until")], &fact);
            seen.instant(&price.at, &fact.field("at"));
        }
        Fact::DayClosed(day) => {
            seen.id(&day.store, &fact.field("store"));
            seen.date(Some(&day.date), &fact.field("date"));
            seen.instant(&day.closed_at, &fact.field("closedAt"));
            for (at, total) in day.totals.iter().enumerate() {
                seen.money(&total.amount, &fact.item("totals", at).field("amount"));
            }
        }
    }
    seen.done()
}

/// The event's entity is of the fact's kind, and what cannot stand alone says where it belongs.
fn belongs(seen: &mut Inspector, event: &Event) {
    let (kind, needs_order) = match &event.fact {
        Fact::Order(_) | Fact::OrderEdited(_) => (EntityKind::Order, false),
        // A till gives back without a receipt too: then the refund is its store's and of no order.
        Fact::RefundIssued(refund) => (EntityKind::Refund, refund.store.is_none()),
        Fact::ShipmentUpdated(_) => (EntityKind::Shipment, true),
        Fact::InventoryCounted(_) | Fact::InventoryAdjusted(_) => (EntityKind::Stock, false),
        Fact::DocumentUpdated(_) => (EntityKind::Document, false),
        Fact::CustomerUpdated(_) => (EntityKind::Customer, false),
        Fact::ProductUpdated(_) => (EntityKind::Product, false),
        Fact::PriceUpdated(_) => (EntityKind::ListPrice, false),
        Fact::DayClosed(_) => (EntityKind::BusinessDay, false),
    };
    if event.entity.kind != kind {
        seen.tell(code::WRONG_ENTITY, &Path::ROOT.field("entity").field("kind"), || {
            format!("{} is told of a {}", event.fact.kind(), event.entity.kind.name())
        });
    }
    let order = |parent: &Entity| parent.kind == EntityKind::Order;
    if needs_order && !event.parent.as_ref().is_some_and(order) {
        seen.tell(code::NO_PARENT, &Path::ROOT.field("parent"), || {
            format!("{} does not say which order it belongs to", event.fact.kind())
        });
    }
}

#[cfg(test)]
mod tests;
