//! What a record of Tryton says as an event: a sale and an invoice are documents, a shipment is a shipment.

use std::collections::BTreeMap;

use crossdock_sdk::http::Error;
use crossdock_sdk::prelude::*;
use serde_json::{Value, json};

use crate::Erp;
use crate::cancel;
use crate::sale::{Sale, State};
use crate::value::{self, Moment};

/// When a record last changed.
pub const CHANGED: &str = "last_modified_at";
/// What is asked of a sale, beside what `cancel` needs.
pub const SALE: [&str; 12] = [
    CHANGED,
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
/// What is asked of a shipment.
pub const SHIPMENT: [&str; 8] = [
    CHANGED,
    "number",
    "state",
    "effective_date",
    "warehouse",
    "outgoing_moves.origin",
    "outgoing_moves.quantity",
    "outgoing_moves.product.code",
];
/// Fields of modules that not every Tryton has; an unknown field spoils the whole question.
pub const TRACKING: [&str; 2] = ["shipping_reference", "carrier.party.name"];
/// What is asked of an invoice.
pub const INVOICE: [&str; 12] = [
    CHANGED,
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

/// When the record changed, and its id.
#[must_use]
pub fn place(record: &Value) -> Option<(Moment, i64)> {
    Some((Moment::read(record.get(CHANGED)?)?, value::id(record)))
}

/// Which order a sale belongs to, and which line of it a sale's line stands for.
pub struct Owners {
    /// By sale.
    orders: BTreeMap<i64, Entity>,
    /// The sale of a line.
    sales: BTreeMap<i64, i64>,
    /// The order line of a sale's line, by their ids.
    lines: BTreeMap<String, String>,
}

impl Owners {
    /// The owners of sales.
    ///
    /// # Errors
    /// Tryton could not be asked.
    pub fn of_sales(sales: &[Value], erp: &Erp) -> Result<Self, Error> {
        let ids = sales.iter().map(|sale| (value::id(sale), sale.clone())).collect();
        Self::new(&ids, BTreeMap::new(), erp)
    }

    /// The owners of records whose origin is a line of a sale.
    ///
    /// # Errors
    /// Tryton could not be asked.
    pub fn of_lines<'a>(records: impl Iterator<Item = &'a Value>, erp: &Erp) -> Result<Self, Error> {
        let mut lines: Vec<i64> =
            records.filter_map(|record| value::reference(record, "origin", "sale.line")).collect();
        lines.sort_unstable();
        lines.dedup();
        if lines.is_empty() {
            return Self::new(&BTreeMap::new(), BTreeMap::new(), erp);
        }
        let found =
            erp.rest.search("sale.line", &json!([["id", "in", lines]]), &["sale.web_id", "sale.origin"])?;
        let sale = |line: &Value| line.get("sale").cloned();
        let sales =
            found.iter().filter_map(|line| Some((value::id(line), value::id(&sale(line)?)))).collect();
        let records = found.iter().filter_map(sale).map(|sale| (value::id(&sale), sale)).collect();
        Self::new(&records, sales, erp)
    }

    fn new(records: &BTreeMap<i64, Value>, sales: BTreeMap<i64, i64>, erp: &Erp) -> Result<Self, Error> {
        // A refund's sale is made from the order's: that one says which order it is.
        let origin = |record: &Value| value::reference(record, "origin", "sale.sale");
        let origins: Vec<i64> =
            records.values().filter(|sale| order_of(sale).is_none()).filter_map(origin).collect();
        let mut known = BTreeMap::new();
        if !origins.is_empty() {
            for sale in erp.rest.search("sale.sale", &json!([["id", "in", origins]]), &["web_id"])? {
                known.extend(order_of(&sale).map(|order| (value::id(&sale), order)));
            }
        }
        let of = |(id, record): (&i64, &Value)| {
            Some((*id, order_of(record).or_else(|| known.get(&origin(record)?).cloned())?))
        };
        let orders: BTreeMap<i64, Entity> = records.iter().filter_map(of).collect();
        let mut lines = BTreeMap::new();
        for order in orders.values() {
            for reference in references::find(order).into_iter().filter(|reference| reference.kind == "sale")
            {
                lines.extend(reference.lines.into_iter().map(|line| (line.id, line.line)));
            }
        }
        Ok(Self { orders, sales, lines })
    }

    fn order_of_line(&self, record: &Value) -> Option<&Entity> {
        self.orders.get(self.sales.get(&value::reference(record, "origin", "sale.line")?)?)
    }

    fn line(&self, id: Option<i64>) -> Option<String> {
        self.lines.get(&id?.to_string()).cloned()
    }
}

/// The order that a sale's web id names, if it names one.
fn order_of(sale: &Value) -> Option<Entity> {
    let mut parts = value::text(sale, "web_id")?.splitn(4, '/');
    let (system, tenant, kind, id) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    (kind == "order").then(|| Entity {
        system: system.into(),
        tenant: tenant.into(),
        kind: EntityKind::Order,
        id: id.into(),
    })
}

/// A sale.
#[must_use]
pub fn sale(record: &Value, owners: &Owners, erp: &Erp) -> Option<(Moment, Event)> {
    let sale = Sale::of(record.clone()).ok()?;
    let state = match sale.state {
        State::Draft => DocumentState::Draft,
        State::Quotation => DocumentState::Quoted,
        State::Confirmed => DocumentState::Accepted,
        State::Processing => DocumentState::Processing,
        State::Done if cancel::taken_back(&sale) => DocumentState::Cancelled,
        State::Done => DocumentState::Done,
        State::Cancelled => DocumentState::Cancelled,
    };
    let lines = value::records(record, "lines")
        .filter_map(|line| document_line(line, owners.line(Some(value::id(line)))))
        .collect();
    let order = owners.orders.get(&sale.id).cloned();
    let kind = DocumentKind::SalesOrder;
    document(record, Header { kind, name: "sale", state, day: "sale_date" }, order, lines, erp)
}

/// An invoice or, when its total is negative, a credit memo.
#[must_use]
pub fn invoice(record: &Value, owners: &Owners, erp: &Erp) -> Option<(Moment, Event)> {
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
        .filter_map(|line| document_line(line, owners.line(value::reference(line, "origin", "sale.line"))))
        .collect();
    document(record, Header { kind, name: "invoice", state, day: "invoice_date" }, order, lines, erp)
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

struct Header {
    kind: DocumentKind,
    /// What the document is called in its identity: ids are Tryton's, and every model counts for itself.
    name: &'static str,
    state: DocumentState,
    day: &'static str,
}

fn document(
    record: &Value,
    header: Header,
    order: Option<Entity>,
    lines: Vec<DocumentLine>,
    erp: &Erp,
) -> Option<(Moment, Event)> {
    let (at, id) = place(record)?;
    let currency = value::text(record.get("currency")?, "code")?;
    let amount = |field| Some(Money::new(value::read_number(record.get(field)?)?.to_string(), currency));
    let document = Document {
        kind: header.kind,
        number: value::text(record, "number").map(Into::into),
        order: order.clone(),
        state: header.state,
        date: record.get(header.day).and_then(value::read_day),
        reason: None,
        answers: None,
        untaxed: amount("untaxed_amount"),
        tax: amount("tax_amount"),
        total: amount("total_amount"),
        lines,
        at: at.to_string(),
        extensions: None,
    };
    let entity = own(EntityKind::Document, format!("{}-{id}", header.name), erp);
    Some((at, event(at, entity, order, Fact::DocumentUpdated(document))))
}

/// A shipment of an order. Others are nobody's business here.
#[must_use]
pub fn shipment(record: &Value, owners: &Owners, erp: &Erp) -> Option<(Moment, Event)> {
    let (at, id) = place(record)?;
    let state = match value::text(record, "state")? {
        "assigned" | "picked" => ShipmentState::Allocated,
        "packed" => ShipmentState::Packed,
        // Done means that the goods are off the books, not that somebody has signed for them.
        "shipped" | "done" => ShipmentState::Shipped,
        "cancelled" => ShipmentState::Cancelled,
        _ => ShipmentState::Planned,
    };
    let order =
        value::records(record, "outgoing_moves").find_map(|goods| owners.order_of_line(goods))?.clone();
    let lines = value::records(record, "outgoing_moves").filter_map(|goods| {
        let quantity = value::read_number(goods.get("quantity")?)?.normalize().to_string();
        let line = owners.line(value::reference(goods, "origin", "sale.line"));
        Some(ShipmentLine { line, sku: sku(goods), quantity })
    });
    let carrier = record.get("carrier").and_then(|carrier| value::text(carrier.get("party")?, "name"));
    let numbers = value::text(record, "shipping_reference").into_iter();
    let tracking =
        numbers.map(|number| Tracking { carrier: carrier.map(Into::into), number: number.into(), url: None });
    let left = record.get("effective_date").and_then(value::read_day).map(|day| format!("{day}T00:00:00Z"));
    let shipment = Shipment {
        number: value::text(record, "number").map(Into::into),
        order: order.clone(),
        state,
        location: record.get("warehouse").and_then(Value::as_i64).map(|id| id.to_string()),
        shipped_at: left.or_else(|| Some(at.to_string())).filter(|_| state == ShipmentState::Shipped),
        lines: lines.collect(),
        tracking: tracking.collect(),
        personal: None,
        extensions: None,
    };
    let entity = own(EntityKind::Shipment, format!("shipment-{id}"), erp);
    Some((at, event(at, entity, Some(order), Fact::ShipmentUpdated(shipment))))
}

fn sku(record: &Value) -> Option<String> {
    record.get("product").and_then(|product| value::text(product, "code")).map(Into::into)
}

pub fn own(kind: EntityKind, id: String, erp: &Erp) -> Entity {
    Entity { system: "tryton".into(), tenant: erp.settings.database.clone(), kind, id }
}

fn event(at: Moment, entity: Entity, parent: Option<Entity>, fact: Fact) -> Event {
    let at = at.to_string();
    Event { entity, parent, version: Some(Version::at(at.clone())), occurred_at: at, fact }
}
