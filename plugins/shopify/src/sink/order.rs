//! The order of a delivery, and the attributes of an order that a delivery writes.

use crossdock_sdk::prelude::*;

use crate::admin::{Admin, id};

/// The global id of the order in this shop that the work belongs to. `named` is the order that the fact names.
///
/// # Errors
/// `ignored` when it belongs to no order of this shop.
pub fn order_id(work: &Work, named: Option<&Entity>, admin: &Admin) -> Result<String, Outcome> {
    let event = &work.event;
    let mut entities = named.into_iter().chain(&event.parent).chain([&event.entity]);
    let own = entities.find(|entity| entity.kind == EntityKind::Order && admin.owns(entity));
    // An order of another system may have been written to the shop before.
    let reference = || {
        work.parent_reference("order").or_else(|| work.reference("order").filter(|_| event.parent.is_none()))
    };
    let local =
        own.map(|entity| entity.id.as_str()).or_else(|| reference().map(|reference| reference.id.as_str()));
    local
        .map(|local| id::global("Order", local))
        .ok_or_else(|| Outcome::Ignored("it belongs to no order of this shop".into()))
}

/// The outcome when the shop does not have the order.
pub fn not_found() -> Outcome {
    Problem::new("order-unknown", "the shop does not have the order").at("order").into()
}

/// An attribute value of an order, as the shop will report it.
pub fn written(order: &str, attribute: &str, value: impl Into<String>, admin: &Admin) -> Written {
    let entity = admin.entity(EntityKind::Order, id::local(order));
    Written { entity, attribute: attribute.into(), value: value.into() }
}

/// Labels in the form in which they are compared: sorted and without duplicates.
pub fn joined_labels(labels: &[String]) -> String {
    let mut labels: Vec<&str> =
        labels.iter().map(|label| label.trim()).filter(|label| !label.is_empty()).collect();
    labels.sort_unstable();
    labels.dedup();
    labels.join(", ")
}
