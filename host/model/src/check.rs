//! Checks whether an event is valid: its shape, and its sums to the cent.
//!
//! A plugin may return anything, and sources send test notifications and samples whose sums are made up. None of
//! that may reach the books. The check covers what is booked: decimals, currencies, instants, identities, the
//! stated total and the stated tax. What differs among sources (pending payments, refunds without lines, more
//! decimals in a unit price than the currency has) is legal.
//!
//! It runs for every event: each decimal is parsed once, and nothing is allocated for a valid event.

mod exact;
mod finding;
mod inspector;
mod order;
mod refund;

use crate::common::{Entity, EntityKind};
use crate::event::{Event, Fact};
pub use finding::{Finding, code};
use inspector::{Inspector, Path};

/// Checks an event.
///
/// # Errors
/// Its defects: at least one finding and at most twenty.
pub fn check(event: &Event) -> Result<(), Vec<Finding>> {
    let mut inspector = Inspector::default();
    let root = Path::ROOT;
    inspector.entity(&event.entity, &root.field("entity"));
    if let Some(parent) = &event.parent {
        inspector.entity(parent, &root.field("parent"));
    }
    if let Some(version) = &event.version {
        inspector.instant(&version.at, &root.field("version").field("at"));
    }
    inspector.instant(&event.occurred_at, &root.field("occurredAt"));
    check_entity(&mut inspector, event);
    let fact = root.field("fact");
    match &event.fact {
        Fact::Order(change) => order::check(&mut inspector, &change.order, &fact),
        Fact::RefundIssued(it) => refund::check(&mut inspector, it, &fact),
        Fact::OrderEdited(edit) => {
            inspector.id(&edit.id, &fact.field("id"));
            inspector.instant(&edit.at, &fact.field("at"));
            for (at, line) in edit.lines.iter().enumerate() {
                let path = fact.item("lines", at);
                inspector.id(&line.id, &path.field("id"));
                inspector.decimal(&line.delta, &path.field("delta"));
            }
        }
        Fact::ShipmentUpdated(shipment) => {
            inspector.entity(&shipment.order, &fact.field("order"));
            inspector.instants([(&shipment.shipped_at, "shippedAt")], &fact);
            for (at, line) in shipment.lines.iter().enumerate() {
                inspector.positive(&line.quantity, &fact.item("lines", at).field("quantity"));
            }
            inspector.object(shipment.extensions.as_deref(), &fact);
        }
        Fact::InventoryCounted(level) => {
            if level.sku.as_deref().or(level.item.as_deref()).is_none_or(str::is_empty) {
                inspector.report(code::NO_IDENTITY, &fact.field("sku"), || {
                    "the level names neither an article nor an item".into()
                });
            }
            inspector.id(&level.location, &fact.field("location"));
            inspector.instant(&level.at, &fact.field("at"));
            let counts = [
                (&level.available, "available"),
                (&level.on_hand, "onHand"),
                (&level.reserved, "reserved"),
                (&level.incoming, "incoming"),
            ];
            for (count, name) in counts {
                inspector.optional(count.as_deref(), &fact.field(name));
            }
        }
        Fact::InventoryAdjusted(change) => {
            inspector.id(&change.sku, &fact.field("sku"));
            inspector.id(&change.location, &fact.field("location"));
            inspector.instant(&change.at, &fact.field("at"));
            inspector.decimal(&change.delta, &fact.field("delta"));
            if let Some(cause) = &change.cause {
                inspector.entity(cause, &fact.field("cause"));
            }
        }
        Fact::DocumentUpdated(document) => {
            if let Some(order) = &document.order {
                inspector.entity(order, &fact.field("order"));
            }
            inspector.instant(&document.at, &fact.field("at"));
            inspector.date(document.date.as_deref(), &fact.field("date"));
            for (sum, name) in
                [(&document.untaxed, "untaxed"), (&document.tax, "tax"), (&document.total, "total")]
            {
                if let Some(sum) = sum {
                    inspector.money(sum, &fact.field(name));
                }
            }
            for (at, line) in document.lines.iter().enumerate() {
                let path = fact.item("lines", at);
                inspector.id(&line.id, &path.field("id"));
                inspector.decimal(&line.quantity, &path.field("quantity"));
                inspector.optional(line.amount.as_deref(), &path.field("amount"));
            }
            inspector.object(document.extensions.as_deref(), &fact);
        }
        Fact::CustomerUpdated(_) => {}
        Fact::ProductUpdated(product) => {
            inspector.id(&product.sku, &fact.field("sku"));
            inspector.optional(product.grams.as_deref(), &fact.field("grams"));
            inspector.instant(&product.at, &fact.field("at"));
            inspector.object(product.extensions.as_deref(), &fact);
        }
        Fact::PriceUpdated(price) => {
            inspector.id(&price.sku, &fact.field("sku"));
            inspector.money(&price.amount, &fact.field("amount"));
            if let Some(minimum) = &price.minimum {
                inspector.positive(minimum, &fact.field("minimum"));
            }
            inspector.instants([(&price.from, "from"), (&price.until, "until")], &fact);
            inspector.instant(&price.at, &fact.field("at"));
        }
        Fact::DayClosed(day) => {
            inspector.id(&day.store, &fact.field("store"));
            inspector.date(Some(&day.date), &fact.field("date"));
            inspector.instant(&day.closed_at, &fact.field("closedAt"));
            for (at, total) in day.totals.iter().enumerate() {
                inspector.money(&total.amount, &fact.item("totals", at).field("amount"));
            }
        }
    }
    inspector.done()
}

/// Checks that the event's entity is of the fact's kind, and that it names its order where it needs one.
fn check_entity(inspector: &mut Inspector, event: &Event) {
    let (kind, needs_order) = match &event.fact {
        Fact::Order(_) | Fact::OrderEdited(_) => (EntityKind::Order, false),
        // A till also refunds without a receipt: such a refund belongs to its store and has no order.
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
        inspector.report(code::WRONG_ENTITY, &Path::ROOT.field("entity").field("kind"), || {
            format!("{} is reported for a {}", event.fact.kind(), event.entity.kind.name())
        });
    }
    let order = |parent: &Entity| parent.kind == EntityKind::Order;
    if needs_order && !event.parent.as_ref().is_some_and(order) {
        inspector.report(code::NO_PARENT, &Path::ROOT.field("parent"), || {
            format!("{} does not name its order", event.fact.kind())
        });
    }
}

#[cfg(test)]
mod tests;
