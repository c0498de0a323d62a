//! A small ERP over HTTP: the connector to read first.
//!
//! The ERP accepts orders and refunds as JSON. It has **no unique key**: an order posted twice exists twice. It has a
//! search by `reference` whose results lag a few seconds behind. The plugin therefore implements two operations: it
//! writes to the ERP (`deliver`), and it searches for a write whose outcome is unknown (`find`). The host decides when
//! to call which, how often, and when to trust the result.
//!
//! The ERP publishes its own changes (order states, shipments, invoices, stock, articles and prices) in a feed that
//! the plugin polls.
//!
//! This file has the requests of the sink; `document` builds their bodies, `tables` maps values, `poll` reads the feed,
//! whose records are in `feed` and become events in `events`.

mod document;
mod events;
mod feed;
mod poll;
mod tables;
#[cfg(test)]
mod tests;

use crossdock_sdk::prelude::*;
use serde::Deserialize;
use serde_json::Value;
use tables::Tables;

/// The ERP's paths.
const ORDERS: &str = "orders";
const REFUNDS: &str = "refunds";
const ADJUSTMENTS: &str = "adjustments";
/// The kinds of references.
const ORDER: &str = "order";
const REFUND: &str = "refund";
const ADJUSTMENT: &str = "adjustment";

/// The plugin. It has no state: every call may run in a new instance.
pub struct SmallErp;

plugin!(SmallErp: sink, source);

impl Source for SmallErp {
    /// The ERP sends no requests.
    fn receive(_: Inbound) -> Result<Vec<Event>, Failure> {
        Ok(Vec::new())
    }

    fn poll(cursor: Option<String>, limit: u32) -> Result<Page, Failure> {
        poll::poll(cursor.as_deref(), limit)
    }
}

impl Sink for SmallErp {
    fn deliver(work: Vec<Work>) -> Vec<Outcome> {
        each(work, deliver)
    }

    fn find(work: Vec<Work>) -> Vec<Found> {
        each(work, find)
    }
}

/// Writes an event to the ERP. `?` returns the outcome that matches the error: `rejected` for a 422, `unknown` for a
/// connection lost after sending, and so on.
fn deliver(work: Work) -> Result<Outcome, Outcome> {
    let erp = http::Client::from_setting("url")?;
    match &work.event.fact {
        Fact::RefundIssued(refund) => deliver_refund(&erp, &work, refund),
        Fact::InventoryAdjusted(adjustment) => deliver_adjustment(&erp, &work, adjustment),
        Fact::OrderEdited(_) => {
            Ok(Outcome::Ignored("the order's snapshot follows and contains the edit".into()))
        }
        fact => match fact.order() {
            Some(order) => deliver_order(&erp, &work, order),
            None => Ok(Outcome::Ignored(format!("this ERP does not take {}", fact.kind()))),
        },
    }
}

/// Creates the order, or replaces it if the ERP has it. A snapshot is the whole order: an `order.paid` that arrives
/// first creates the order, and a cancellation is a snapshot in the state `cancelled`.
fn deliver_order(erp: &http::Client, work: &Work, order: &Order) -> Result<Outcome, Outcome> {
    let tables = Tables::read()?;
    let document = document::sales_order(&work.event, order, &tables)?;
    require_mapped(tables)?;
    let existing_id = match work.reference(ORDER) {
        Some(reference) => Some(reference.id.clone()),
        None if order.cancelled_at.is_none() => None,
        // A cancelled order is not created. But the ERP may have an order for which the host has no reference.
        None => match search(erp, ORDERS, &work.event.entity.to_string())?.as_slice() {
            [] => return Ok(Outcome::Ignored("the order was cancelled before it was booked".into())),
            [record] => Some(record.id.clone()),
            _ => return Err(Problem::new("duplicated", "the ERP has the order more than once").into()),
        },
    };
    let request = match &existing_id {
        Some(id) => erp.put([ORDERS, id]),
        None => erp.post([ORDERS]),
    };
    let booked: Booked = request.json(&document).call()?;
    Ok(Outcome::Posted(booked.receipt(ORDER)))
}

/// Returns `unmapped` when the document needed values that the tables do not map.
fn require_mapped(tables: Tables) -> Result<(), Outcome> {
    let unmapped = tables.into_unmapped();
    if unmapped.is_empty() { Ok(()) } else { Err(Outcome::Unmapped(unmapped)) }
}

/// Books a refund on its order, which must exist in the ERP.
fn deliver_refund(erp: &http::Client, work: &Work, refund: &Refund) -> Result<Outcome, Outcome> {
    let Some(order) = work.parent_reference(ORDER) else {
        return Ok(Outcome::NotYet(work.event.root().clone()));
    };
    let tables = Tables::read()?;
    let document = document::credit_note(&work.event.entity, refund, &tables)?;
    require_mapped(tables)?;
    let booked: Booked = erp.post([ORDERS, &order.id, REFUNDS]).json(&document).call()?;
    Ok(Outcome::Posted(booked.receipt(REFUND)))
}

/// Books a change of stock that no other document books.
fn deliver_adjustment(erp: &http::Client, work: &Work, adjustment: &Adjustment) -> Result<Outcome, Outcome> {
    if let Some(document) = adjustment.covered_by() {
        return Ok(Outcome::Ignored(format!(
            "the stock changes with {document}, which is booked separately"
        )));
    }
    let tables = Tables::read()?;
    let document = document::adjustment(work, adjustment, &tables);
    require_mapped(tables)?;
    let booked: Booked = erp.post([ADJUSTMENTS]).json(&document).call()?;
    Ok(Outcome::Posted(booked.receipt(ADJUSTMENT)))
}

/// Looks up whether the ERP has applied the work. A read, so it can be repeated at will.
fn find(work: Work) -> Result<Found, Found> {
    let erp = http::Client::from_setting("url")?;
    match &work.event.fact {
        Fact::RefundIssued(_) => {
            let records = search(&erp, REFUNDS, &work.event.entity.to_string())?;
            Ok(found(records.iter().map(|record| Reference::new(REFUND, &record.id)).collect()))
        }
        Fact::InventoryAdjusted(_) => {
            let records = search(&erp, ADJUSTMENTS, &work.key)?;
            Ok(found(records.iter().map(|record| Reference::new(ADJUSTMENT, &record.id)).collect()))
        }
        fact => match fact.order() {
            Some(order) => find_order(&erp, &work, order),
            None => Ok(Found::Absent),
        },
    }
}

/// A create was applied if the order exists; a change, if the order has the content that the change sets.
fn find_order(erp: &http::Client, work: &Work, order: &Order) -> Result<Found, Found> {
    let records: Vec<Record> = match work.reference(ORDER) {
        Some(reference) => vec![erp.get([ORDERS, &reference.id]).call()?],
        None => search(erp, ORDERS, &work.event.entity.to_string())?,
    };
    // The existence of an order proves that it was placed, even if it has changed since.
    let is_placed =
        matches!(&work.event.fact, Fact::Order(OrderChange { operation: OrderOperation::Placed, .. }));
    let is_create = (is_placed || work.references.is_empty()) && order.cancelled_at.is_none();
    // A value may have been removed from its table since the order was sent. The ERP's value is unknown then, and the
    // document built now does not match the stored one.
    let document = document::sales_order(&work.event, order, &Tables::read()?)?;
    let applied =
        records.iter().filter(|record| is_create || document::contains(&record.document, &document));
    Ok(found(applied.map(|record| Reference::new(ORDER, &record.id)).collect()))
}

/// The ERP's records with this reference, as far as its search shows them yet.
fn search(erp: &http::Client, path: &str, reference: &str) -> Result<Vec<Record>, http::Error> {
    let results: SearchResults = erp.get([path]).query("reference", reference).call()?;
    Ok(results.records)
}

/// No record is absent, one is present, and several are duplicates, which a person must resolve.
fn found(references: Vec<Reference>) -> Found {
    match references.len() {
        0 => Found::Absent,
        1 => Found::Present(Receipt { references, written: Vec::new(), note: None }),
        _ => Found::Duplicated(references),
    }
}

/// The response to a booking: the record's id, and the ids of its lines.
#[derive(Deserialize)]
struct Booked {
    id: String,
    #[serde(default)]
    lines: Vec<BookedLine>,
}

#[derive(Deserialize)]
struct BookedLine {
    /// The id of the line in the order's source.
    line: String,
    id: String,
}

impl Booked {
    fn receipt(self, kind: &str) -> Receipt {
        let lines = self.lines.into_iter().map(|BookedLine { line, id }| LineReference { line, id });
        Receipt::of(Reference { lines: lines.collect(), ..Reference::new(kind, self.id) })
    }
}

/// An order, a refund or a stock adjustment in the ERP.
#[derive(Deserialize)]
struct Record {
    id: String,
    #[serde(flatten)]
    document: Value,
}

#[derive(Deserialize)]
struct SearchResults {
    #[serde(alias = "orders", alias = "refunds", alias = "adjustments")]
    records: Vec<Record>,
}
