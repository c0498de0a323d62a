//! Completes the shipments of goods that have changed hands already: there is nothing left to pick, pack or receive.
//!
//! Each button moves a shipment to its next state, and Tryton refuses a button that the state does not have. So the
//! steps that were done before are skipped, and the remaining ones are done.

use crossdock_sdk::http::Error;
use crossdock_sdk::prelude::*;
use serde_json::Value;

use crate::erp::Erp;
use crate::progress;
use crate::sale::{MODEL, Sale, State};
use crate::sale_source::SaleSource;
use crate::value;

/// The fields of the sale that are read.
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
pub struct ShipmentKind {
    /// Tryton's model.
    pub model: &'static str,
    /// The button that leaves each state.
    pub buttons: &'static [(&'static str, &'static str)],
}

/// The kinds of shipments that a sale has, by its field.
const SALE_SHIPMENTS: [(&str, ShipmentKind); 2] = [
    (
        "shipments",
        ShipmentKind {
            model: "stock.shipment.out",
            buttons: &[
                ("draft", "wait"),
                // The goods are gone, whether or not Tryton has stock of them.
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
        ShipmentKind {
            model: "stock.shipment.out.return",
            buttons: &[("draft", "receive"), ("received", "do")],
        },
    ),
];

/// An upper bound of the number of states of a shipment.
const MAX_STATES: usize = 8;

/// Completes the shipments of a confirmed sale.
///
/// # Errors
/// The outcome that ends the booking.
pub fn complete_sale(id: i64, source: &dyn SaleSource, erp: &Erp) -> Result<Outcome, Outcome> {
    let mut sale = Sale::read(id, &FIELDS, erp)?;
    if sale.state == State::Confirmed {
        // Processing creates the shipments. Tryton does it by itself too, a moment after the confirmation.
        match erp.rest.call_button(MODEL, id, "process", &["id"]) {
            Ok(_) | Err(Error::Rejected(_)) => sale = Sale::read(id, &FIELDS, erp)?,
            Err(error) => return Err(error.into()),
        }
    }
    for (field, kind) in &SALE_SHIPMENTS {
        for shipment in value::records(&sale.record, field) {
            complete(shipment, kind, erp)?;
        }
    }
    Ok(Outcome::Posted(progress::receipt(&sale, source)))
}

/// Whether the sale has, or will have, shipments that are not complete.
///
/// # Errors
/// The request failed.
pub fn has_open_shipments(id: i64, erp: &Erp) -> Result<bool, Error> {
    let sale = Sale::read(id, &FIELDS, erp)?;
    let is_open = |record: &Value| !matches!(state(record), "done" | "cancelled");
    Ok(sale.state == State::Confirmed
        || SALE_SHIPMENTS.iter().any(|(field, _)| value::records(&sale.record, field).any(is_open)))
}

/// Completes one shipment.
///
/// # Errors
/// `shipment-stuck`; or a request failed.
pub fn complete(shipment: &Value, kind: &ShipmentKind, erp: &Erp) -> Result<(), Outcome> {
    let id = value::id(shipment);
    let mut current = state(shipment).to_owned();
    for _ in 0..MAX_STATES {
        if matches!(current.as_str(), "done" | "cancelled") {
            return Ok(());
        }
        let Some((_, button)) = kind.buttons.iter().find(|(state, _)| *state == current) else { break };
        // Skips the warning about a missing carrier: no carrier is involved.
        let updated = erp.rest.call_button_skipping_warnings(kind.model, id, button, &["state"])?;
        current = state(&updated).to_owned();
    }
    let number = value::text(shipment, "number").map_or_else(|| id.to_string(), str::to_owned);
    let message = format!("shipment {number} is {current} and cannot be completed");
    Err(Problem::new("shipment-stuck", message).into())
}

fn state(record: &Value) -> &str {
    value::text(record, "state").unwrap_or_default()
}
