//! Cancels the sale of an order, as far as Tryton can.
//!
//! A draft or a quotation is cancelled by its button. A confirmed sale has no such button. While nothing is picked and
//! no invoice is posted, it is reversed instead: its shipments and invoices are cancelled and marked to be ignored, so
//! that Tryton does not create them again. This is what a user does with "handle exception". The sale is then done,
//! with nothing shipped and nothing invoiced. Each request is safe to repeat.
//!
//! The order's refunds are sales of their own. They are cancelled or reversed as well: when nothing is charged in the
//! books, nothing is refunded in them.

use crossdock_sdk::http::Error;
use crossdock_sdk::prelude::*;
use serde_json::{Value, json};

use crate::erp::Erp;
use crate::sale::{self, FULFILMENT_MODELS, MODEL, REVERSAL_FIELDS, Sale, State};
use crate::value;

/// Cancels the sale of an order.
///
/// # Errors
/// The outcome that ends it early.
pub fn cancel(work: &Work, erp: &Erp) -> Result<Outcome, Outcome> {
    let Some(id) = find_sale_id(work, erp)? else {
        return Ok(Outcome::Ignored("Tryton has no sale for the cancelled order".into()));
    };
    refuse_if_too_late(&Sale::read(id, &REVERSAL_FIELDS, erp)?)?;
    let refunds = json!([["origin", "=", format!("{MODEL},{id}")]]);
    for refund in erp.rest.search(MODEL, &refunds, &["id"])? {
        cancel_sale(value::id(&refund), erp)?;
    }
    cancel_sale(id, erp)
}

/// Cancels or reverses a sale, depending on its state.
///
/// # Errors
/// The outcome that ends it early: `goods-leaving`, `already-invoiced`, …
pub fn cancel_sale(id: i64, erp: &Erp) -> Result<Outcome, Outcome> {
    let sale = Sale::read(id, &REVERSAL_FIELDS, erp)?;
    match sale.state {
        State::Cancelled => return Ok(Outcome::AlreadyThere(receipt(&sale))),
        State::Draft | State::Quotation => return call_cancel_button(id, erp),
        // Tryton refuses the button when it has begun to process the sale meanwhile.
        State::Confirmed => match erp.rest.call_button(MODEL, id, "draft", &REVERSAL_FIELDS) {
            Ok(_) => return call_cancel_button(id, erp),
            Err(Error::Rejected(_)) => {}
            Err(error) => return Err(error.into()),
        },
        State::Processing | State::Done => {}
    }
    if sale.is_reversed() {
        return Ok(Outcome::AlreadyThere(receipt(&sale)));
    }
    reverse(id, erp)
}

/// Searches for a cancellation whose delivery has an unknown outcome. Cancelling is safe to repeat, so a cancellation
/// that is not complete is `absent`.
///
/// # Errors
/// A request failed.
pub fn find(work: &Work, erp: &Erp) -> Result<Found, Found> {
    let Some(id) = find_sale_id(work, erp)? else { return Ok(Found::Absent) };
    let sale = Sale::read(id, &REVERSAL_FIELDS, erp)?;
    let done = sale.state == State::Cancelled || sale.is_reversed();
    Ok(if done { Found::Present(receipt(&sale)) } else { Found::Absent })
}

/// Reverses a confirmed sale: cancels the shipments and invoices that Tryton created for it.
fn reverse(id: i64, erp: &Erp) -> Result<Outcome, Outcome> {
    let sale = Sale::read(id, &REVERSAL_FIELDS, erp)?;
    refuse_if_too_late(&sale)?;
    for (field, model) in FULFILMENT_MODELS {
        for record in value::records(&sale.record, field).filter(|record| state(record) != "cancelled") {
            erp.rest.call_button(model, value::id(record), "cancel", &["state"])?;
        }
    }
    let sale = Sale::read(id, &REVERSAL_FIELDS, erp)?;
    for line in value::records(&sale.record, "lines") {
        let ignored = line.get("moves_ignored").map(value::ids).unwrap_or_default();
        let cancelled: Vec<i64> = value::records(line, "moves")
            .filter(|record| state(record) == "cancelled")
            .map(value::id)
            .filter(|id| !ignored.contains(id))
            .collect();
        if !cancelled.is_empty() {
            erp.rest.write(
                "sale.line",
                value::id(line),
                &json!({ "moves_ignored": [["add", cancelled]] }),
                &["id"],
            )?;
        }
    }
    let ignored = sale.record.get("invoices_ignored").map(value::ids).unwrap_or_default();
    let invoices: Vec<i64> =
        value::records(&sale.record, "invoices").map(value::id).filter(|id| !ignored.contains(id)).collect();
    if !invoices.is_empty() {
        erp.rest.write(MODEL, id, &json!({ "invoices_ignored": [["add", invoices]] }), &["id"])?;
    }
    erp.rest.call_button(MODEL, id, "process", &["id"])?;
    let sale = Sale::read(id, &REVERSAL_FIELDS, erp)?;
    if sale.is_reversed() {
        return Ok(Outcome::Posted(receipt(&sale)));
    }
    let message =
        format!("sale {} could not be cancelled completely: finish it in Tryton by hand", sale.name());
    Err(Problem::new("not-taken-back", message).into())
}

fn refuse_if_too_late(sale: &Sale) -> Result<(), Outcome> {
    let name = |record: &Value| {
        value::text(record, "number").map_or_else(|| value::id(record).to_string(), ToOwned::to_owned)
    };
    let is_picked =
        |record: &&Value| !matches!(state(record), "draft" | "waiting" | "assigned" | "cancelled");
    let mut shipments =
        ["shipments", "shipment_returns"].into_iter().flat_map(|field| value::records(&sale.record, field));
    if let Some(shipment) = shipments.find(is_picked) {
        let message = format!(
            "shipment {} of sale {} is already {}: the goods have to be returned",
            name(shipment),
            sale.name(),
            state(shipment)
        );
        return Err(Problem::new("goods-leaving", message).into());
    }
    let is_posted = |record: &&Value| matches!(state(record), "posted" | "paid");
    if let Some(invoice) = value::records(&sale.record, "invoices").find(is_posted) {
        let message = format!(
            "invoice {} of sale {} is already {}: it needs a credit note",
            name(invoice),
            sale.name(),
            state(invoice)
        );
        return Err(Problem::new("already-invoiced", message).into());
    }
    Ok(())
}

fn call_cancel_button(id: i64, erp: &Erp) -> Result<Outcome, Outcome> {
    let record = erp.rest.call_button(MODEL, id, "cancel", &["number", "state"])?;
    let sale = Sale::from_record(record)?;
    Ok(Outcome::Posted(receipt(&sale)))
}

fn find_sale_id(work: &Work, erp: &Erp) -> Result<Option<i64>, Error> {
    if let Some(id) = work.reference("sale").and_then(|reference| reference.id.parse().ok()) {
        return Ok(Some(id));
    }
    Ok(sale::lookup(&work.event.entity.to_string(), erp)?.first().map(|sale| sale.id))
}

/// The receipt, without lines: the host has stored them with the booking.
fn receipt(sale: &Sale) -> Receipt {
    Receipt::of(sale.reference(&[]))
}

fn state(record: &Value) -> &str {
    value::text(record, "state").unwrap_or_default()
}
