//! Deliveries to the shop, by type of event.
//!
//! A delivery reads the shop's state first and writes only what differs, so that work that was applied already is
//! detected. Changes of stock, which cannot be detected afterwards, carry an idempotency key of Shopify's.

mod article;
mod cancel;
mod fulfilment;
mod fulfilment_mutation;
mod fulfilment_orders;
mod location;
mod lookup;
mod order;
mod price;
mod product;
mod shipment;
mod shipment_lines;
mod status;
mod stock;
mod tracking;

use crossdock_sdk::prelude::*;

use crate::admin::Admin;

/// Delivers an event to the shop.
///
/// # Errors
/// The outcome, where the event could not be delivered.
pub fn deliver(work: &Work, admin: &Admin) -> Result<Outcome, Outcome> {
    let entity = &work.event.entity;
    match &work.event.fact {
        Fact::Order(change) if change.is_cancelled() => cancel::deliver(work, change, admin),
        Fact::Order(_) => Ok(Outcome::Ignored("the shop owns the content of orders".into())),
        _ if admin.owns(entity) => Ok(Outcome::Ignored("the event comes from this shop".into())),
        Fact::ShipmentUpdated(shipment) => shipment::deliver(work, shipment, admin),
        Fact::DocumentUpdated(document) => status::deliver_document(work, document, admin),
        Fact::InventoryCounted(level) => stock::deliver(work, level, admin),
        Fact::ProductUpdated(product) => product::deliver(product, admin),
        Fact::PriceUpdated(price) => price::deliver(price, admin),
        other => Ok(Outcome::Ignored(format!("a shop does not take {}", other.kind()))),
    }
}

/// Looks up whether the shop has applied a delivery.
///
/// # Errors
/// The result, where the look-up ended early.
pub fn find(work: &Work, admin: &Admin) -> Result<Found, Found> {
    match &work.event.fact {
        Fact::Order(change) if change.is_cancelled() => cancel::find(work, admin),
        _ if admin.owns(&work.event.entity) => Ok(Found::Absent),
        Fact::ShipmentUpdated(shipment) => shipment::find(work, shipment, admin),
        Fact::DocumentUpdated(document) => status::find_document(work, document, admin),
        Fact::InventoryCounted(level) => Ok(stock::find(work, level, admin)),
        Fact::ProductUpdated(product) => Ok(product::find(product, admin)),
        Fact::PriceUpdated(price) => Ok(price::find(price, admin)),
        _ => Ok(Found::Absent),
    }
}
