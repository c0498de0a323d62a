//! Goods that a till has handed over, or taken back: Tryton's shipments of the sale are brought to their end,
//! because there is nothing left to pick, pack or wait for.
//!
//! Every press moves a shipment one state on, and Tryton refuses a button that the state does not have; so
//! whatever was done before is seen, and the rest is done.

use crossdock_sdk::http::Error;
use crossdock_sdk::prelude::*;
use serde_json::Value;

use crate::Erp;
use crate::sale::{MODEL, Sale, State};
use crate::steps::Deed;
use crate::value;

/// What is asked of the sale.
const FIELDS: [&str; 9] = [
    "number",
    "state",
    "total_amount",
    "lines",
    "shipment_state",
    "shipments.state",
    "shipments.number",
    "shipment_returns.state",
    "shipment_returns.number",
];

/// A kind of shipment.
pub struct Shipments {
    /// Tryton's name of it.
    pub model: &'static str,
    /// The button that moves each state on.
    pub buttons: &'static [(&'static str, &'static str)],
}

/// The shipments that a sale has, by its field.
const KINDS: [(&str, Shipments); 2] = [
    (
        "shipments",
        Shipments {
            model: "stock.shipment.out",
            buttons: &[
                ("draft", "wait"),
                // A till does not ask whether the stock is there: it was in somebody's hand.
                ("waiting", "assign_force"),
                ("assigned", "pick"),
                ("picked", "pack"),
                ("packed", "do"),
                ("shipped", "do"),
            ],
        },
    ),
    (
        "shipment_returns",
        Shipments {
            model: "stock.shipment.out.return",
            buttons: &[("draft", "receive"), ("received", "do")],
        },
    ),
];

/// The most states that a shipment can have before its end.
const STATES: usize = 8;

/// Brings the shipments of a confirmed sale to their end.
///
/// # Errors
/// The outcome that ends it early.
pub fn finish(id: i64, deed: &dyn Deed, erp: &Erp) -> Result<Outcome, Outcome> {
    let mut sale = Sale::ask(id, &FIELDS, erp)?;
    if sale.state == State::Confirmed {
        // Tryton would do so by itself in a moment; shipments are made by it.
        match erp.rest.press(MODEL, id, "process", &["id"]) {
            Ok(_) | Err(Error::Rejected(_)) => sale = Sale::ask(id, &FIELDS, erp)?,
            Err(error) => return Err(error.into()),
        }
    }
    for (field, kind) in &KINDS {
        for shipment in value::records(&sale.record, field) {
            end(shipment, kind, erp)?;
        }
    }
    Ok(Outcome::Posted(sale.receipt(deed)))
}

/// Whether goods of the sale are still to be brought to their end.
///
/// # Errors
/// Tryton could not be asked.
pub fn is_open(id: i64, erp: &Erp) -> Result<bool, Error> {
    let sale = Sale::ask(id, &FIELDS, erp)?;
    let open = |record: &Value| !matches!(state(record), "done" | "cancelled");
    Ok(sale.state == State::Confirmed
        || KINDS.iter().any(|(field, _)| value::records(&sale.record, field).any(open)))
}

/// Brings one shipment to its end.
///
/// # Errors
/// `shipment-stuck`; or Tryton could not be asked.
pub fn end(shipment: &Value, kind: &Shipments, erp: &Erp) -> Result<(), Outcome> {
    let id = value::id(shipment);
    let mut now = state(shipment).to_owned();
    for _ in 0..STATES {
        if matches!(now.as_str(), "done" | "cancelled") {
            return Ok(());
        }
        let Some((_, button)) = kind.buttons.iter().find(|(state, _)| *state == now) else { break };
        // A carrier is not missing: nothing is carried.
        now = state(&erp.rest.press_on(kind.model, id, button, &["state"])?).to_owned();
    }
    let number = value::text(shipment, "number").map_or_else(|| id.to_string(), str::to_owned);
    let message = format!("shipment {number} is {now} and cannot be brought to its end");
    Err(Problem::new("shipment-stuck", message).into())
}

fn state(record: &Value) -> &str {
    value::text(record, "state").unwrap_or_default()
}
