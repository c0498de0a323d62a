//! Writes shipments as fulfilments.
//!
//! A shipment is one fulfilment, or one per location of its fulfilment orders. Shopify has no idempotency key for
//! fulfilments, so one whose outcome is unknown is searched for: by its tracking numbers, and by its goods among those
//! fulfilments of the order that have no reference to another shipment. A fulfilment that was created manually is found
//! the same way, and belongs to the shipment from then on.

use crossdock_sdk::prelude::*;
use serde::Deserialize;
use serde_json::json;

use super::fulfilment::Fulfilment;
use super::fulfilment_mutation::{MutationPayload, fulfilment_of};
use super::fulfilment_orders::{FulfilmentLines, OrderFulfilments};
use super::shipment_lines::ShipmentLines;
use super::tracking::{tracking_differs, tracking_input};
use super::{location, lookup, order, status};
use crate::admin::{Admin, id, operations};

/// Delivers a shipment.
///
/// # Errors
/// The outcome, where it could not be delivered.
pub fn deliver(work: &Work, shipment: &Shipment, admin: &Admin) -> Result<Outcome, Outcome> {
    let order = order::order_id(work, Some(&shipment.order), admin)?;
    match shipment.state {
        ShipmentState::Shipped | ShipmentState::Delivered => ship(work, shipment, &order, admin),
        ShipmentState::Cancelled => cancel(work, shipment, &order, admin),
        ShipmentState::Allocated | ShipmentState::Packed => {
            status::deliver_preparation(shipment.state, &order, admin)
        }
        ShipmentState::Planned => Ok(Outcome::Ignored("the shipment is only planned".into())),
        ShipmentState::Returned => Ok(Outcome::Ignored("returned goods are reported by the refund".into())),
    }
}

/// Looks up whether a shipment was written.
///
/// # Errors
/// None; an early result is returned as a success.
pub fn find(work: &Work, shipment: &Shipment, admin: &Admin) -> Result<Found, Found> {
    look_up(work, shipment, admin).or_else(|outcome| Ok(lookup::from_outcome(outcome)))
}

fn look_up(work: &Work, shipment: &Shipment, admin: &Admin) -> Result<Found, Outcome> {
    let order = order::order_id(work, Some(&shipment.order), admin)?;
    match shipment.state {
        ShipmentState::Shipped | ShipmentState::Delivered => {
            let mut lines = ShipmentLines::of(shipment)?;
            let mut fulfilments = referenced_active(work, &mut lines, admin)?;
            if !lines.is_empty() {
                let existing = OrderFulfilments::read(&order, admin)?;
                fulfilments.extend(search(work, shipment, &existing, &mut lines, &fulfilments, admin)?);
            }
            Ok(if fulfilments.is_empty() {
                Found::Absent
            } else if !lines.is_empty() || fulfilments.iter().any(|one| tracking_differs(one, shipment)) {
                // Goods or tracking numbers are still to be written.
                Found::Partial(progress(&fulfilments))
            } else {
                Found::Present(receipt(&fulfilments, &order, admin))
            })
        }
        ShipmentState::Cancelled => {
            let fulfilments = referenced(work, admin)?;
            let all_cancelled = fulfilments.iter().all(|one| !one.is_active());
            Ok(if fulfilments.is_empty() || !all_cancelled {
                Found::Absent
            } else {
                Found::Present(receipt(&fulfilments, &order, admin))
            })
        }
        state => Ok(lookup::from_outcome(status::check_preparation(state, &order, admin)?)),
    }
}

fn ship(work: &Work, shipment: &Shipment, order: &str, admin: &Admin) -> Result<Outcome, Outcome> {
    let mut lines = ShipmentLines::of(shipment)?;
    let mut fulfilments = referenced_active(work, &mut lines, admin)?;
    if lines.is_empty() {
        return update_tracking(shipment, fulfilments, order, admin);
    }
    let existing = OrderFulfilments::read(order, admin)?;
    if fulfilments.is_empty() {
        for summary in existing.fulfilments.iter().filter(|one| one.has_tracking(&shipment.tracking)) {
            if let Some(one) = Fulfilment::read(&summary.id, admin)? {
                // The same tracking number means the same parcel, even if the shop has other goods in it.
                lines.allocate_available(&one.lines);
                fulfilments.push(one);
            }
        }
        if lines.is_empty() {
            return update_tracking(shipment, fulfilments, order, admin);
        }
    }
    let preferred = location::find(&work.event.entity.system, shipment.location.as_deref(), admin);
    let planned = match existing.plan(&mut lines.clone(), preferred.as_deref()) {
        Ok(planned) => planned,
        // Fewer goods can be fulfilled than are shipped: they may have been fulfilled already.
        Err(shortage) => {
            let others = search(work, shipment, &existing, &mut lines, &fulfilments, admin)?;
            if others.is_empty() {
                return Err(shortage);
            }
            fulfilments.extend(others);
            if lines.is_empty() {
                return update_tracking(shipment, fulfilments, order, admin);
            }
            existing.plan(&mut lines, preferred.as_deref())?
        }
    };
    let (before, mut written) = (fulfilments.len(), Vec::new());
    for fulfilment_lines in planned {
        match create(shipment, fulfilment_lines, order, &existing, &mut written, admin) {
            Ok(one) => fulfilments.push(one),
            // The fulfilments created before it are found by their goods.
            Err(Outcome::Unknown(problem)) => return Err(Outcome::Unknown(problem)),
            Err(_) if fulfilments.len() > before => return Ok(Outcome::Partial(progress(&fulfilments))),
            Err(outcome) => return Err(outcome),
        }
    }
    let mut receipt = receipt(&fulfilments, order, admin);
    receipt.written.extend(written);
    Ok(Outcome::Posted(receipt))
}

/// Creates the fulfilment of one location, and removes the tags of preparation.
fn create(
    shipment: &Shipment,
    lines: FulfilmentLines,
    order: &str,
    existing: &OrderFulfilments,
    written: &mut Vec<Written>,
    admin: &Admin,
) -> Result<Fulfilment, Outcome> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Data {
        fulfillment_create: Option<MutationPayload>,
        tags_remove: Option<status::TagsPayload>,
    }
    let tags = status::preparation_tags(&existing.tags, admin);
    let mut input = json!({
        "lineItemsByFulfillmentOrder": lines, "notifyCustomer": admin.settings.notify_customer,
    });
    if let (Some(tracking), Some(input)) = (tracking_input(shipment), input.as_object_mut()) {
        input.insert("trackingInfo".into(), tracking);
    }
    let variables = json!({ "fulfillment": input, "order": order, "untag": !tags.is_empty(), "tags": tags });
    let data: Data = admin.run(&operations::CREATE_FULFILMENT, variables)?;
    let fulfilment = fulfilment_of(data.fulfillment_create, &operations::CREATE_FULFILMENT)?;
    if let Some(tags) = data.tags_remove.and_then(status::TagsPayload::tags) {
        written.push(order::written(order, "order.tags", order::joined_labels(&tags), admin));
    }
    Ok(fulfilment)
}

/// Updates the tracking numbers where they differ, after all goods are fulfilled.
fn update_tracking(
    shipment: &Shipment,
    fulfilments: Vec<Fulfilment>,
    order: &str,
    admin: &Admin,
) -> Result<Outcome, Outcome> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Data {
        fulfillment_tracking_info_update: Option<MutationPayload>,
    }
    let mut changed = false;
    let mut updated = Vec::with_capacity(fulfilments.len());
    for one in fulfilments {
        let Some(tracking) = tracking_input(shipment).filter(|_| tracking_differs(&one, shipment)) else {
            updated.push(one);
            continue;
        };
        let notify = admin.settings.notify_customer;
        let variables = json!({ "id": one.id, "tracking": tracking, "notify": notify });
        let data: Data = admin.run(&operations::UPDATE_TRACKING, variables)?;
        updated.push(fulfilment_of(data.fulfillment_tracking_info_update, &operations::UPDATE_TRACKING)?);
        changed = true;
    }
    let receipt = receipt(&updated, order, admin);
    Ok(if changed { Outcome::Posted(receipt) } else { Outcome::AlreadyThere(receipt) })
}

/// Cancels the fulfilments of a cancelled shipment.
fn cancel(work: &Work, shipment: &Shipment, order: &str, admin: &Admin) -> Result<Outcome, Outcome> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Data {
        fulfillment_cancel: Option<MutationPayload>,
    }
    let mut fulfilments = referenced(work, admin)?;
    if fulfilments.is_empty() && !shipment.tracking.is_empty() {
        let existing = OrderFulfilments::read(order, admin)?;
        for summary in existing.fulfilments.iter().filter(|one| one.has_tracking(&shipment.tracking)) {
            fulfilments.extend(Fulfilment::read(&summary.id, admin)?);
        }
    }
    if fulfilments.is_empty() {
        return Ok(Outcome::Ignored("the shop has no fulfilment of the shipment".into()));
    }
    let mut changed = false;
    for one in fulfilments.iter_mut().filter(|one| one.is_active()) {
        let data: Data = admin.run(&operations::CANCEL_FULFILMENT, json!({ "id": one.id }))?;
        *one = fulfilment_of(data.fulfillment_cancel, &operations::CANCEL_FULFILMENT)?;
        changed = true;
    }
    let receipt = receipt(&fulfilments, order, admin);
    Ok(if changed { Outcome::Posted(receipt) } else { Outcome::AlreadyThere(receipt) })
}

/// The fulfilments to which the shipment has references.
fn referenced(work: &Work, admin: &Admin) -> Result<Vec<Fulfilment>, Outcome> {
    let mut fulfilments = Vec::new();
    for reference in work.references.iter().filter(|reference| reference.kind == "fulfillment") {
        fulfilments.extend(Fulfilment::read(&reference.id, admin)?);
    }
    Ok(fulfilments)
}

/// The referenced fulfilments that are not cancelled, with the shipment's lines allocated to them.
fn referenced_active(
    work: &Work,
    lines: &mut ShipmentLines,
    admin: &Admin,
) -> Result<Vec<Fulfilment>, Outcome> {
    let mut fulfilments = referenced(work, admin)?;
    fulfilments.retain(Fulfilment::is_active);
    for one in &fulfilments {
        lines.allocate_available(&one.lines);
    }
    Ok(fulfilments)
}

/// The fulfilments of the order that must belong to this shipment although it has no reference to them. `found` are
/// those found already.
fn search(
    work: &Work,
    shipment: &Shipment,
    existing: &OrderFulfilments,
    lines: &mut ShipmentLines,
    found: &[Fulfilment],
    admin: &Admin,
) -> Result<Vec<Fulfilment>, Outcome> {
    let mut matches = Vec::new();
    let mut candidates: Vec<_> =
        existing.fulfilments.iter().filter(|one| one.status != "CANCELLED").collect();
    candidates.sort_by_key(|one| !one.has_tracking(&shipment.tracking));
    for summary in candidates {
        let is_of_another_shipment = references::resolve("fulfillment", id::local(&summary.id))
            .is_some_and(|entity| entity != work.event.entity);
        if is_of_another_shipment || lines.is_empty() || found.iter().any(|one| one.id == summary.id) {
            continue;
        }
        let Some(one) = Fulfilment::read(&summary.id, admin)? else { continue };
        let same_parcel = summary.has_tracking(&shipment.tracking);
        let another_parcel =
            !same_parcel && !one.tracking_numbers.is_empty() && !shipment.tracking.is_empty();
        if same_parcel {
            lines.allocate_available(&one.lines);
            matches.push(one);
        } else if !another_parcel && lines.allocate_exactly(&one.lines) {
            matches.push(one);
        }
    }
    Ok(matches)
}

/// The progress of a partly written shipment. The resume token contains the number of fulfilments, so that it differs
/// with each step.
fn progress(fulfilments: &[Fulfilment]) -> Progress {
    let resume = format!("made-{}", fulfilments.len());
    Progress { resume, references: fulfilments.iter().map(Fulfilment::reference).collect() }
}

fn receipt(fulfilments: &[Fulfilment], order: &str, admin: &Admin) -> Receipt {
    let mut written: Vec<Written> = Vec::new();
    for one in fulfilments.iter().flat_map(|one| one.written(order, admin)) {
        // Of an attribute of the order, the last value.
        written.retain(|other| other.entity != one.entity || other.attribute != one.attribute);
        written.push(one);
    }
    Receipt { references: fulfilments.iter().map(Fulfilment::reference).collect(), written, note: None }
}
