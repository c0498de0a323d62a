//! A change of stock that no document explains: goods that came back without a receipt, that broke, were lost or found.
//!
//! In Tryton it is an internal shipment between the warehouse's storage and its lost-and-found, and that is brought
//! to its end at once. Its reference is the event's key, so that it is found again. Tryton does not keep that
//! unique; but what was made is seen as soon as it is committed, and the host looks before it tells once more.

use crossdock_sdk::prelude::*;
use serde_json::{Value, json};

use crate::Erp;
use crate::handover::{self, Shipments};
use crate::lines;
use crate::tables;
use crate::value;

const KIND: Shipments = Shipments {
    model: "stock.shipment.internal",
    // Nobody asks whether the stock is there: it is a report of what has happened.
    buttons: &[("draft", "wait"), ("waiting", "assign_force"), ("assigned", "do")],
};
const FIELDS: [&str; 2] = ["number", "state"];
/// What it is called in a reference.
const REFERENCE: &str = "internal-shipment";

/// Books a change, or goes on with it.
///
/// # Errors
/// The outcome that ends it early.
pub fn book(work: &Work, change: &Adjustment, erp: &Erp) -> Result<Outcome, Outcome> {
    if let Some(document) = change.booked_with() {
        return Ok(Outcome::Ignored(format!("the goods move with {document}, which is booked by itself")));
    }
    if money::decimal(&change.delta)?.is_zero() {
        return Ok(Outcome::Ignored("nothing changed".into()));
    }
    let Some(id) = work.resume.as_deref().and_then(read) else { return create(work, change, erp) };
    handover::end(&erp.rest.read(KIND.model, id, &FIELDS)?, &KIND, erp)?;
    // It has its number by now.
    Ok(Outcome::Posted(Receipt::of(reference(&erp.rest.read(KIND.model, id, &FIELDS)?))))
}

/// What a search says about a change whose outcome is unknown.
///
/// # Errors
/// Tryton could not be asked.
pub fn find(work: &Work, erp: &Erp) -> Result<Found, Found> {
    let domain = json!([["company", "=", erp.settings.company], ["reference", "=", work.key]]);
    let held = erp.rest.search(KIND.model, &domain, &FIELDS)?;
    Ok(match held.as_slice() {
        [] => Found::Absent,
        [shipment] if value::text(shipment, "state") == Some("done") => {
            Found::Present(Receipt::of(reference(shipment)))
        }
        [shipment] => Found::Partial(progress(shipment)),
        several => Found::Duplicated(several.iter().map(reference).collect()),
    })
}

fn create(work: &Work, change: &Adjustment, erp: &Erp) -> Result<Outcome, Outcome> {
    let (code, mapped) = tables::article(&change.sku);
    let products = lines::products(&[code.as_str()], erp)?;
    let product = lines::find(&code, !mapped, &products, "", erp)?;
    let warehouse = erp.tables.warehouse(&work.event.entity.system, &change.location, &erp.settings)?;
    let (Some(product), Some(warehouse)) = (product, warehouse) else { return Ok(erp.tables.missed()) };
    let (shelf, nowhere) = places(warehouse, erp)?;
    let delta = money::decimal(&change.delta)?;
    let (from, to) = if delta.is_sign_negative() { (shelf, nowhere) } else { (nowhere, shelf) };
    let company = erp.settings.company;
    let goods = json!({
        "product": value::id(product), "unit": product.get("default_uom"), "quantity": value::quantity(delta.abs()),
        "from_location": from, "to_location": to, "company": company,
    });
    let shipment = json!({
        "company": company, "reference": work.key, "from_location": from, "to_location": to,
        "moves": [["create", [goods]]],
    });
    Ok(Outcome::Partial(progress(&erp.rest.create(KIND.model, &shipment, &FIELDS)?)))
}

/// Where a warehouse keeps its goods, and where it looks for those that are missing.
fn places(warehouse: i64, erp: &Erp) -> Result<(i64, i64), Outcome> {
    let fields = ["storage_location", "lost_found_location"];
    let record = erp.rest.read("stock.location", warehouse, &fields)?;
    let place = |name: &str| {
        let missing =
            || Problem::new("no-location", format!("warehouse {warehouse} of Tryton has no {name}"));
        record.get(name).and_then(Value::as_i64).ok_or_else(missing)
    };
    Ok((place("storage_location")?, place("lost_found_location")?))
}

fn progress(shipment: &Value) -> Progress {
    Progress { resume: format!("do/{}", value::id(shipment)), references: vec![reference(shipment)] }
}

fn reference(shipment: &Value) -> Reference {
    let number = value::text(shipment, "number").map(Into::into);
    Reference { number, ..Reference::new(REFERENCE, value::id(shipment).to_string()) }
}

fn read(token: &str) -> Option<i64> {
    token.strip_prefix("do/")?.parse().ok()
}
