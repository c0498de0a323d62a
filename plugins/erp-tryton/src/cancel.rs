//! Cancelling a sale, as far as Tryton can.
//!
//! A draft or a quotation is cancelled by its button. A sale that Tryton works on has no such button; but while
//! nothing has been picked and nothing is in the books, its shipments and invoices can be cancelled and the
//! sale be told not to make them again, which is what a user does with "handle exception". The sale is then
//! done, with nothing shipped and nothing invoiced. Each act is safe to repeat.
//!
//! What was refunded of the order before is a sale of its own; as long as nobody has acted on it, it is ended
//! too: with nothing charged in the books, nothing is given back in them.

use crossdock_sdk::http::Error;
use crossdock_sdk::prelude::*;
use serde_json::{Value, json};

use crate::Erp;
use crate::sale::{self, Sale, State};
use crate::value;

const MODEL: &str = "sale.sale";
/// What Tryton makes of a sale, by the sale's field, and the model of each.
const MADE: [(&str, &str); 3] = [
    ("shipments", "stock.shipment.out"),
    ("shipment_returns", "stock.shipment.out.return"),
    ("invoices", "account.invoice"),
];

/// What has to be known of a sale to take it back.
pub const FIELDS: [&str; 13] = [
    "number",
    "state",
    "shipment_state",
    "invoice_state",
    "shipments.number",
    "shipments.state",
    "shipment_returns.number",
    "shipment_returns.state",
    "invoices.number",
    "invoices.state",
    "invoices_ignored",
    "lines.moves.state",
    "lines.moves_ignored",
];

/// Cancels the sale of an order.
///
/// # Errors
/// The outcome that ends it early.
pub fn cancel(work: &Work, erp: &Erp) -> Result<Outcome, Outcome> {
    let Some(id) = sale_of(work, erp)? else {
        return Ok(Outcome::Ignored("Tryton has no sale for the cancelled order".into()));
    };
    refuse_if_too_late(&Sale::ask(id, &FIELDS, erp)?)?;
    let refunds = json!([["origin", "=", format!("{MODEL},{id}")]]);
    for refund in erp.rest.search(MODEL, &refunds, &["id"])? {
        end(value::id(&refund), erp)?;
    }
    end(id, erp)
}

/// Ends a sale, however far it has come.
///
/// # Errors
/// The outcome that ends it early: `goods-leaving`, `already-invoiced`, …
pub fn end(id: i64, erp: &Erp) -> Result<Outcome, Outcome> {
    let sale = Sale::ask(id, &FIELDS, erp)?;
    match sale.state {
        State::Cancelled => return Ok(Outcome::AlreadyThere(receipt(&sale))),
        State::Draft | State::Quotation => return press_cancel(id, erp),
        // It will be processing in a moment, if it is not already.
        State::Confirmed => match erp.rest.press(MODEL, id, "draft", &FIELDS) {
            Ok(_) => return press_cancel(id, erp),
            Err(Error::Rejected(_)) => {}
            Err(error) => return Err(error.into()),
        },
        State::Processing | State::Done => {}
    }
    if taken_back(&sale) {
        return Ok(Outcome::AlreadyThere(receipt(&sale)));
    }
    take_back(id, erp)
}

/// What a search says about a cancellation whose outcome is unknown. Cancelling is safe to repeat, so
/// whatever is not done yet is `absent`.
///
/// # Errors
/// Tryton could not be asked.
pub fn find(work: &Work, erp: &Erp) -> Result<Found, Found> {
    let Some(id) = sale_of(work, erp)? else { return Ok(Found::Absent) };
    let sale = Sale::ask(id, &FIELDS, erp)?;
    let done = sale.state == State::Cancelled || taken_back(&sale);
    Ok(if done { Found::Present(receipt(&sale)) } else { Found::Absent })
}

/// Whether a sale was taken back after it had been confirmed: done, and yet nothing left or was invoiced.
#[must_use]
pub fn taken_back(sale: &Sale) -> bool {
    let none = |field| value::text(&sale.record, field) == Some("none");
    let undone = |field| value::records(&sale.record, field).any(|record| state(record) == "cancelled");
    let something_undone = MADE.iter().any(|(field, _)| undone(field));
    sale.state == State::Done && none("shipment_state") && none("invoice_state") && something_undone
}

/// Takes back what Tryton made of a sale that it works on.
fn take_back(id: i64, erp: &Erp) -> Result<Outcome, Outcome> {
    let sale = Sale::ask(id, &FIELDS, erp)?;
    refuse_if_too_late(&sale)?;
    for (field, model) in MADE {
        for record in value::records(&sale.record, field).filter(|record| state(record) != "cancelled") {
            erp.rest.press(model, value::id(record), "cancel", &["state"])?;
        }
    }
    let sale = Sale::ask(id, &FIELDS, erp)?;
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
    erp.rest.press(MODEL, id, "process", &["id"])?;
    let sale = Sale::ask(id, &FIELDS, erp)?;
    if taken_back(&sale) {
        return Ok(Outcome::Posted(receipt(&sale)));
    }
    let message =
        format!("sale {} could not be taken back completely: it has to be finished in Tryton", sale.name());
    Err(Problem::new("not-taken-back", message).into())
}

fn refuse_if_too_late(sale: &Sale) -> Result<(), Outcome> {
    let named = |record: &Value| {
        value::text(record, "number").map_or_else(|| value::id(record).to_string(), ToOwned::to_owned)
    };
    let moving = |record: &&Value| !matches!(state(record), "draft" | "waiting" | "assigned" | "cancelled");
    let mut shipments =
        ["shipments", "shipment_returns"].into_iter().flat_map(|field| value::records(&sale.record, field));
    if let Some(shipment) = shipments.find(moving) {
        let message = format!(
            "shipment {} of sale {} is already {}: the goods have to be returned",
            named(shipment),
            sale.name(),
            state(shipment)
        );
        return Err(Problem::new("goods-leaving", message).into());
    }
    let booked = |record: &&Value| matches!(state(record), "posted" | "paid");
    if let Some(invoice) = value::records(&sale.record, "invoices").find(booked) {
        let message = format!(
            "invoice {} of sale {} is already {}: it needs a credit note",
            named(invoice),
            sale.name(),
            state(invoice)
        );
        return Err(Problem::new("already-invoiced", message).into());
    }
    Ok(())
}

fn press_cancel(id: i64, erp: &Erp) -> Result<Outcome, Outcome> {
    let sale = Sale::of(erp.rest.press(MODEL, id, "cancel", &["number", "state"])?)?;
    Ok(Outcome::Posted(receipt(&sale)))
}

fn sale_of(work: &Work, erp: &Erp) -> Result<Option<i64>, Error> {
    if let Some(id) = work.reference("sale").and_then(|reference| reference.id.parse().ok()) {
        return Ok(Some(id));
    }
    Ok(sale::lookup(&work.event.entity.to_string(), erp)?.first().map(|sale| sale.id))
}

/// Without lines: the host has them from the booking.
fn receipt(sale: &Sale) -> Receipt {
    Receipt::of(sale.reference(&[]))
}

fn state(record: &Value) -> &str {
    value::text(record, "state").unwrap_or_default()
}
