//! Stock adjustments without a document: goods that were returned without a receipt, damaged, lost or found.
//!
//! In Tryton an adjustment is an internal shipment between the warehouse's storage and its lost-and-found location,
//! which is completed at once. Its reference is the event's key. Tryton does not keep the reference unique; but a
//! shipment is visible as soon as it is committed, and the host searches for it before it repeats the delivery.

use crossdock_sdk::prelude::*;
use serde_json::{Value, json};

use crate::completion::{self, ShipmentKind};
use crate::erp::Erp;
use crate::products;
use crate::tables;
use crate::value;

const KIND: ShipmentKind = ShipmentKind {
    model: "stock.shipment.internal",
    // The goods have moved already, whether or not Tryton has stock of them.
    buttons: &[("draft", "wait"), ("waiting", "assign_force"), ("assigned", "do")],
};
const FIELDS: [&str; 2] = ["number", "state"];
/// The kind of reference.
const REFERENCE_KIND: &str = "internal-shipment";

/// Books an adjustment, or does the next step.
///
/// # Errors
/// The outcome that ends it early.
pub fn book(work: &Work, change: &Adjustment, erp: &Erp) -> Result<Outcome, Outcome> {
    if let Some(document) = change.covered_by() {
        return Ok(Outcome::Ignored(format!("the goods move with {document}, which is booked separately")));
    }
    if money::decimal(&change.delta)?.is_zero() {
        return Ok(Outcome::Ignored("the quantity did not change".into()));
    }
    let Some(id) = work.resume.as_deref().and_then(parse_resume_token) else {
        return create(work, change, erp);
    };
    completion::complete(&erp.rest.read(KIND.model, id, &FIELDS)?, &KIND, erp)?;
    // Read again for the number, which Tryton assigns on the way.
    Ok(Outcome::Posted(Receipt::of(reference(&erp.rest.read(KIND.model, id, &FIELDS)?))))
}

/// Searches for an adjustment whose delivery has an unknown outcome.
///
/// # Errors
/// The request failed.
pub fn find(work: &Work, erp: &Erp) -> Result<Found, Found> {
    let domain = json!([["company", "=", erp.settings.company], ["reference", "=", work.key]]);
    let shipments = erp.rest.search(KIND.model, &domain, &FIELDS)?;
    Ok(match shipments.as_slice() {
        [] => Found::Absent,
        [shipment] if value::text(shipment, "state") == Some("done") => {
            Found::Present(Receipt::of(reference(shipment)))
        }
        [shipment] => Found::Partial(progress(shipment)),
        several => Found::Duplicated(several.iter().map(reference).collect()),
    })
}

fn create(work: &Work, change: &Adjustment, erp: &Erp) -> Result<Outcome, Outcome> {
    let (code, mapped) = tables::product_code(&change.sku);
    let products = products::search(&[code.as_str()], erp)?;
    let product = products::find(&code, !mapped, &products, "", erp)?;
    let warehouse = erp.tables.warehouse(&work.event.entity.system, &change.location, &erp.settings)?;
    let (Some(product), Some(warehouse)) = (product, warehouse) else { return Ok(erp.tables.unmapped()) };
    let (storage, lost_and_found) = locations(warehouse, erp)?;
    let delta = money::decimal(&change.delta)?;
    let (from, to) =
        if delta.is_sign_negative() { (storage, lost_and_found) } else { (lost_and_found, storage) };
    let company = erp.settings.company;
    let goods_move = json!({
        "product": value::id(product), "unit": product.get("default_uom"), "quantity": value::quantity(delta.abs()),
        "from_location": from, "to_location": to, "company": company,
    });
    let shipment = json!({
        "company": company, "reference": work.key, "from_location": from, "to_location": to,
        "moves": [["create", [goods_move]]],
    });
    Ok(Outcome::Partial(progress(&erp.rest.create(KIND.model, &shipment, &FIELDS)?)))
}

/// The storage location and the lost-and-found location of a warehouse.
fn locations(warehouse: i64, erp: &Erp) -> Result<(i64, i64), Outcome> {
    let fields = ["storage_location", "lost_found_location"];
    let record = erp.rest.read("stock.location", warehouse, &fields)?;
    let location = |name: &str| {
        let missing = || Problem::new("no-location", format!("Tryton's warehouse {warehouse} has no {name}"));
        record.get(name).and_then(Value::as_i64).ok_or_else(missing)
    };
    Ok((location("storage_location")?, location("lost_found_location")?))
}

fn progress(shipment: &Value) -> Progress {
    Progress { resume: format!("do/{}", value::id(shipment)), references: vec![reference(shipment)] }
}

fn reference(shipment: &Value) -> Reference {
    let number = value::text(shipment, "number").map(Into::into);
    Reference { number, ..Reference::new(REFERENCE_KIND, value::id(shipment).to_string()) }
}

fn parse_resume_token(token: &str) -> Option<i64> {
    token.strip_prefix("do/")?.parse().ok()
}
