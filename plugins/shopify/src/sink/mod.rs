//! What the shop is told: what becomes of each kind of event.
//!
//! Everything here asks first and writes what differs, so what was done already is found done. What cannot be
//! asked for afterwards has a key of Shopify's own.

mod article;
mod cancel;
mod fulfil;
mod goods;
mod place;
mod price;
mod product;
mod status;
mod stock;
mod want;

pub use place::PageInfo;

use crossdock_sdk::prelude::*;

use crate::admin::{Admin, id};

/// Tells the shop.
///
/// # Errors
/// The outcome, where something stood in the way.
pub fn deliver(work: &Work, admin: &Admin) -> Result<Outcome, Outcome> {
    let entity = &work.event.entity;
    let told_by_shop = || Outcome::Ignored("the shop itself told it".into());
    match &work.event.fact {
        Fact::Order(change) if change.is_cancelled() => cancel::deliver(work, change, admin),
        Fact::Order(_) => Ok(Outcome::Ignored("an order's content is the shop's own".into())),
        _ if admin.owns(entity) => Ok(told_by_shop()),
        Fact::ShipmentUpdated(shipment) => fulfil::deliver(work, shipment, admin),
        Fact::DocumentUpdated(document) => status::document(work, document, admin),
        Fact::InventoryCounted(level) => stock::deliver(work, level, admin),
        Fact::ProductUpdated(product) => product::deliver(product, admin),
        Fact::PriceUpdated(price) => price::deliver(price, admin),
        other => Ok(Outcome::Ignored(format!("a shop has no use for {}", other.kind()))),
    }
}

/// Asks the shop whether it was told.
///
/// # Errors
/// What is found, where the question could not be answered.
pub fn find(work: &Work, admin: &Admin) -> Result<Found, Found> {
    match &work.event.fact {
        Fact::Order(change) if change.is_cancelled() => cancel::find(work, admin),
        _ if admin.owns(&work.event.entity) => Ok(Found::Absent),
        Fact::ShipmentUpdated(shipment) => fulfil::find(work, shipment, admin),
        Fact::DocumentUpdated(document) => status::find_document(work, document, admin),
        Fact::InventoryCounted(level) => stock::find(work, level, admin),
        Fact::ProductUpdated(product) => product::find(product, admin),
        Fact::PriceUpdated(price) => price::find(price, admin),
        _ => Ok(Found::Absent),
    }
}

/// What a search found, of what a delivery would have to say before it writes. What stands in the way of
/// telling it, stands in the way of telling it again, and is said there.
fn found(outcome: Outcome) -> Found {
    match outcome {
        Outcome::Posted(receipt) | Outcome::AlreadyThere(receipt) | Outcome::Received(receipt) => {
            Found::Present(receipt)
        }
        Outcome::Partial(progress) => Found::Partial(progress),
        Outcome::Unavailable(problem) | Outcome::Unknown(problem) => {
            Found::Failed(Failure::Unavailable(problem))
        }
        Outcome::Throttled(throttle) => Found::Failed(Failure::Throttled(throttle)),
        Outcome::Unauthorized(problem) => Found::Failed(Failure::Unauthorized(problem)),
        Outcome::Ignored(_)
        | Outcome::Stale(_)
        | Outcome::Rejected(_)
        | Outcome::Unmapped(_)
        | Outcome::NotYet(_) => Found::Absent,
    }
}

/// The order in this shop that the work is about, as GraphQL calls it.
///
/// # Errors
/// `ignored` when it is not this shop's.
fn order(work: &Work, named: Option<&Entity>, admin: &Admin) -> Result<String, Outcome> {
    let event = &work.event;
    let mut entities = named.into_iter().chain(&event.parent).chain([&event.entity]);
    let own = entities.find(|entity| entity.kind == EntityKind::Order && admin.owns(entity));
    // An order of another system may have been put into the shop before.
    let known = || {
        work.parent_reference("order").or_else(|| work.reference("order").filter(|_| event.parent.is_none()))
    };
    let local =
        own.map(|entity| entity.id.as_str()).or_else(|| known().map(|reference| reference.id.as_str()));
    local
        .map(|local| id::global("Order", local))
        .ok_or_else(|| Outcome::Ignored("it belongs to no order of this shop".into()))
}

/// An order that the shop says it does not have.
fn no_order() -> Outcome {
    Problem::new("order-unknown", "the shop does not have the order").at("order").into()
}

/// An attribute of an order as the shop will tell it.
fn of_order(order: &str, attribute: &str, value: impl Into<String>, admin: &Admin) -> Written {
    let entity = admin.entity(EntityKind::Order, id::local(order));
    Written { entity, attribute: attribute.into(), value: value.into() }
}

/// Labels as they are compared: by name, each once.
fn labels(labels: &[String]) -> String {
    let mut labels: Vec<&str> =
        labels.iter().map(|label| label.trim()).filter(|label| !label.is_empty()).collect();
    labels.sort_unstable();
    labels.dedup();
    labels.join(", ")
}
