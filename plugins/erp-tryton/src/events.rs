//! Events from Tryton's sales, invoices and shipments: sales and invoices are documents, shipments are shipments.

use crossdock_sdk::prelude::*;
use serde_json::Value;

use crate::erp::Erp;
use crate::identity::{self, LAST_MODIFIED};
use crate::owners::Owners;
use crate::sale::{Sale, State};
use crate::timestamp::Timestamp;
use crate::value;

/// The fields of a sale, in addition to [`crate::sale::REVERSAL_FIELDS`].
pub const SALE_FIELDS: [&str; 12] = [
    LAST_MODIFIED,
    "web_id",
    "origin",
    "sale_date",
    "currency.code",
    "untaxed_amount",
    "tax_amount",
    "total_amount",
    "lines.quantity",
    "lines.amount",
    "lines.product.code",
    "lines.type",
];
/// The fields of a shipment.
pub const SHIPMENT_FIELDS: [&str; 8] = [
    LAST_MODIFIED,
    "number",
    "state",
    "effective_date",
    "warehouse",
    "outgoing_moves.origin",
    "outgoing_moves.quantity",
    "outgoing_moves.product.code",
];
/// The fields of optional modules of Tryton: with an unknown field, the whole request fails.
pub const TRACKING_FIELDS: [&str; 2] = ["shipping_reference", "carrier.party.name"];
/// The fields of an invoice.
pub const INVOICE_FIELDS: [&str; 12] = [
    LAST_MODIFIED,
    "number",
    "state",
    "invoice_date",
    "currency.code",
    "untaxed_amount",
    "tax_amount",
    "total_amount",
    "lines.origin",
    "lines.quantity",
    "lines.amount",
    "lines.product.code",
];

/// The event of a sale.
#[must_use]
pub fn sale(record: &Value, owners: &Owners, erp: &Erp) -> Option<(Timestamp, Event)> {
    let sale = Sale::from_record(record.clone()).ok()?;
    let state = match sale.state {
        State::Draft => DocumentState::Draft,
        State::Quotation => DocumentState::Quoted,
        State::Confirmed => DocumentState::Accepted,
        State::Processing => DocumentState::Processing,
        State::Done if sale.is_reversed() => DocumentState::Cancelled,
        State::Done => DocumentState::Done,
        State::Cancelled => DocumentState::Cancelled,
    };
    let lines = value::records(record, "lines")
        .filter_map(|line| document_line(line, owners.order_line(Some(value::id(line)))))
        .collect();
    let order = owners.order(sale.id).cloned();
    let kind = DocumentKind::SalesOrder;
    document(record, DocumentHeader { kind, name: "sale", state, date_field: "sale_date" }, order, lines, erp)
}

/// The event of an invoice or, when its total is negative, of a credit memo.
#[must_use]
pub fn invoice(record: &Value, owners: &Owners, erp: &Erp) -> Option<(Timestamp, Event)> {
    let state = match value::text(record, "state")? {
        "validated" => DocumentState::Accepted,
        "posted" => DocumentState::Posted,
        "paid" => DocumentState::Paid,
        "cancelled" => DocumentState::Cancelled,
        _ => DocumentState::Draft,
    };
    let negative = value::read_number(record.get("total_amount")?)?.is_sign_negative();
    let kind = if negative { DocumentKind::CreditMemo } else { DocumentKind::Invoice };
    let order = value::records(record, "lines").find_map(|line| owners.order_of_line(line)).cloned();
    let lines = value::records(record, "lines")
        .filter_map(|line| {
            document_line(line, owners.order_line(value::reference(line, "origin", "sale.line")))
        })
        .collect();
    document(
        record,
        DocumentHeader { kind, name: "invoice", state, date_field: "invoice_date" },
        order,
        lines,
        erp,
    )
}

fn document_line(record: &Value, line: Option<String>) -> Option<DocumentLine> {
    Some(DocumentLine {
        id: value::id(record).to_string(),
        line,
        sku: sku(record),
        quantity: value::read_number(record.get("quantity")?)?.normalize().to_string(),
        amount: record.get("amount").and_then(value::read_number).map(|amount| amount.to_string()),
        state: None,
        reason: None,
    })
}

struct DocumentHeader {
    kind: DocumentKind,
    /// The prefix of the entity's id: Tryton's ids are unique within a model only.
    name: &'static str,
    state: DocumentState,
    date_field: &'static str,
}

fn document(
    record: &Value,
    header: DocumentHeader,
    order: Option<Entity>,
    lines: Vec<DocumentLine>,
    erp: &Erp,
) -> Option<(Timestamp, Event)> {
    let (at, id) = identity::last_change(record)?;
    let currency = value::text(record.get("currency")?, "code")?;
    let amount = |field| Some(Money::new(value::read_number(record.get(field)?)?.to_string(), currency));
    let document = Document {
        kind: header.kind,
        number: value::text(record, "number").map(Into::into),
        order: order.clone(),
        state: header.state,
        date: record.get(header.date_field).and_then(value::read_date),
        reason: None,
        answers: None,
        untaxed: amount("untaxed_amount"),
        tax: amount("tax_amount"),
        total: amount("total_amount"),
        lines,
        at: at.to_string(),
        extensions: None,
    };
    let entity = identity::entity(EntityKind::Document, format!("{}-{id}", header.name), erp);
    Some((at, identity::event(at, entity, order, Fact::DocumentUpdated(document))))
}

/// The event of a shipment. Absent when the shipment belongs to no order of the shop.
#[must_use]
pub fn shipment(record: &Value, owners: &Owners, erp: &Erp) -> Option<(Timestamp, Event)> {
    let (at, id) = identity::last_change(record)?;
    let state = match value::text(record, "state")? {
        "assigned" | "picked" => ShipmentState::Allocated,
        "packed" => ShipmentState::Packed,
        // `done` means that the goods left Tryton's stock, not that they were delivered.
        "shipped" | "done" => ShipmentState::Shipped,
        "cancelled" => ShipmentState::Cancelled,
        _ => ShipmentState::Planned,
    };
    let order =
        value::records(record, "outgoing_moves").find_map(|record| owners.order_of_line(record))?.clone();
    let lines = value::records(record, "outgoing_moves").filter_map(|goods_move| {
        let quantity = value::read_number(goods_move.get("quantity")?)?.normalize().to_string();
        let line = owners.order_line(value::reference(goods_move, "origin", "sale.line"));
        Some(ShipmentLine { line, sku: sku(goods_move), quantity })
    });
    let carrier = record.get("carrier").and_then(|carrier| value::text(carrier.get("party")?, "name"));
    let numbers = value::text(record, "shipping_reference").into_iter();
    let tracking =
        numbers.map(|number| Tracking { carrier: carrier.map(Into::into), number: number.into(), url: None });
    let shipped_at =
        record.get("effective_date").and_then(value::read_date).map(|date| format!("{date}T00:00:00Z"));
    let shipment = Shipment {
        number: value::text(record, "number").map(Into::into),
        order: order.clone(),
        state,
        location: record.get("warehouse").and_then(Value::as_i64).map(|id| id.to_string()),
        shipped_at: shipped_at.or_else(|| Some(at.to_string())).filter(|_| state == ShipmentState::Shipped),
        lines: lines.collect(),
        tracking: tracking.collect(),
        personal: None,
        extensions: None,
    };
    let entity = identity::entity(EntityKind::Shipment, format!("shipment-{id}"), erp);
    Some((at, identity::event(at, entity, Some(order), Fact::ShipmentUpdated(shipment))))
}

fn sku(record: &Value) -> Option<String> {
    record.get("product").and_then(|product| value::text(product, "code")).map(Into::into)
}
