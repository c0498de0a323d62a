//! A small ERP over HTTP: the connector to read first.
//!
//! The ERP takes orders and refunds as JSON. It has **no unique key**: an order posted twice is there twice. What
//! it has is a search by `reference` that lags a few seconds behind. So this plugin does two things: it tells the
//! ERP (`deliver`), and when nobody knows whether the ERP has heard, it looks (`find`). When to do which, how
//! often, and what to believe, is the host's business.
//!
//! What changes in the ERP itself, orders on their way, parcels, invoices, stock and prices, it tells in a feed
//! that is polled.
//!
//! This file is the conversation; `document` is what is said, `tables` in which words, `changes` what is heard.

mod changes;
mod document;
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
/// What each is there, as the `kind` of a reference.
const ORDER: &str = "order";
const REFUND: &str = "refund";
const ADJUSTMENT: &str = "adjustment";

/// The plugin. It keeps nothing: every call may run in a fresh instance.
pub struct SmallErp;

plugin!(SmallErp: sink, source);

impl Source for SmallErp {
    /// The ERP sends nothing by itself.
    fn receive(_: Inbound) -> Result<Vec<Event>, Failure> {
        Ok(Vec::new())
    }

    fn poll(cursor: Option<String>, limit: u32) -> Result<Page, Failure> {
        changes::poll(cursor.as_deref(), limit)
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

/// Tells the ERP what happened. A `?` leaves with the outcome that an error stands for: a 422 with `rejected`, a
/// connection lost after sending with `unknown`, and so on.
fn deliver(work: Work) -> Result<Outcome, Outcome> {
    let erp = http::Client::from_setting("url")?;
    match &work.event.fact {
        Fact::RefundIssued(refund) => give_back(&erp, &work, refund),
        Fact::InventoryAdjusted(change) => adjust(&erp, &work, change),
        Fact::OrderEdited(_) => {
            Ok(Outcome::Ignored("the order's snapshot follows, and says the same".into()))
        }
        fact => match fact.order() {
            Some(order) => book(&erp, &work, order),
            None => Ok(Outcome::Ignored(format!("this ERP has no use for {}", fact.kind()))),
        },
    }
}

/// Creates the order, or replaces it where the ERP has it. A snapshot is the whole order, so an `order.paid` that
/// comes first simply creates, and a cancellation is a snapshot in the state `cancelled`.
fn book(erp: &http::Client, work: &Work, order: &Order) -> Result<Outcome, Outcome> {
    let tables = Tables::read()?;
    let document = document::sales_order(&work.event, order, &tables)?;
    waits(tables)?;
    let known = match work.reference(ORDER) {
        Some(reference) => Some(reference.id.clone()),
        None if order.cancelled_at.is_none() => None,
        // Nothing is created only to be cancelled. But the ERP may hold an order that the host has not met.
        None => match search(erp, ORDERS, &work.event.entity.to_string())?.as_slice() {
            [] => return Ok(Outcome::Ignored("it was cancelled before it was booked".into())),
            [held] => Some(held.id.clone()),
            _ => return Err(Problem::new("duplicated", "the ERP holds the order more than once").into()),
        },
    };
    let request = match &known {
        Some(id) => erp.put([ORDERS, id]),
        None => erp.post([ORDERS]),
    };
    let booked: Booked = request.json(&document).call()?;
    Ok(Outcome::Posted(booked.receipt(ORDER)))
}

/// Lets the work wait when its document lacks words.
fn waits(tables: Tables) -> Result<(), Outcome> {
    let missing = tables.missing();
    if missing.is_empty() { Ok(()) } else { Err(Outcome::Unmapped(missing)) }
}

/// Books a refund on the ERP's order, which has to be there first.
fn give_back(erp: &http::Client, work: &Work, refund: &Refund) -> Result<Outcome, Outcome> {
    let Some(order) = work.parent_reference(ORDER) else {
        return Ok(Outcome::NotYet(work.event.root().clone()));
    };
    let tables = Tables::read()?;
    let document = document::credit_note(&work.event.entity, refund, &tables)?;
    waits(tables)?;
    let booked: Booked = erp.post([ORDERS, &order.id, REFUNDS]).json(&document).call()?;
    Ok(Outcome::Posted(booked.receipt(REFUND)))
}

/// Changes the stock, where no order and no refund does.
fn adjust(erp: &http::Client, work: &Work, change: &Adjustment) -> Result<Outcome, Outcome> {
    if let Some(document) = change.booked_with() {
        return Ok(Outcome::Ignored(format!("the goods move with {document}, which is booked by itself")));
    }
    let tables = Tables::read()?;
    let document = document::adjustment(work, change, &tables);
    waits(tables)?;
    let booked: Booked = erp.post([ADJUSTMENTS]).json(&document).call()?;
    Ok(Outcome::Posted(booked.receipt(ADJUSTMENT)))
}

/// Looks whether the work was done. It changes nothing, so it may be asked as often as one likes.
fn find(work: Work) -> Result<Found, Found> {
    let erp = http::Client::from_setting("url")?;
    match &work.event.fact {
        Fact::RefundIssued(_) => {
            let held = search(&erp, REFUNDS, &work.event.entity.to_string())?;
            Ok(found(held.iter().map(|held| Reference::new(REFUND, &held.id)).collect()))
        }
        Fact::InventoryAdjusted(_) => {
            let held = search(&erp, ADJUSTMENTS, &work.key)?;
            Ok(found(held.iter().map(|held| Reference::new(ADJUSTMENT, &held.id)).collect()))
        }
        fact => match fact.order() {
            Some(order) => find_order(&erp, &work, order),
            None => Ok(Found::Absent),
        },
    }
}

/// A create was done when the order is there; a change, when the order says what the change would make it say.
fn find_order(erp: &http::Client, work: &Work, order: &Order) -> Result<Found, Found> {
    let held: Vec<Held> = match work.reference(ORDER) {
        Some(reference) => vec![erp.get([ORDERS, &reference.id]).call()?],
        None => search(erp, ORDERS, &work.event.entity.to_string())?,
    };
    // That it was placed is told by its being there, also after it has changed.
    let placed =
        matches!(&work.event.fact, Fact::Order(OrderChange { operation: OrderOperation::Placed, .. }));
    let creates = (placed || work.references.is_empty()) && order.cancelled_at.is_none();
    // What is missing in a table by now was there when the order was sent; the ERP's words for it are not known
    // any more, and nothing of ours will look like what it holds.
    let document = document::sales_order(&work.event, order, &Tables::read()?)?;
    let done = held.iter().filter(|held| creates || document::says(&held.document, &document));
    Ok(found(done.map(|held| Reference::new(ORDER, &held.id)).collect()))
}

/// What the ERP holds by this reference, as far as its search can see.
fn search(erp: &http::Client, path: &str, reference: &str) -> Result<Vec<Held>, http::Error> {
    let found: Search = erp.get([path]).query("reference", reference).call()?;
    Ok(found.held)
}

/// None is absent, one is present, and several were booked by mistake: a person has to know.
fn found(references: Vec<Reference>) -> Found {
    match references.len() {
        0 => Found::Absent,
        1 => Found::Present(Receipt { references, written: Vec::new(), note: None }),
        _ => Found::Duplicated(references),
    }
}

/// What the ERP answers to a booking: its id, and which of its lines stands for which of ours.
#[derive(Deserialize)]
struct Booked {
    id: String,
    #[serde(default)]
    lines: Vec<BookedLine>,
}

#[derive(Deserialize)]
struct BookedLine {
    line: String,
    id: String,
}

impl Booked {
    fn receipt(self, kind: &str) -> Receipt {
        let lines = self.lines.into_iter().map(|BookedLine { line, id }| LineReference { line, id });
        Receipt::of(Reference { lines: lines.collect(), ..Reference::new(kind, self.id) })
    }
}

/// An order, a refund or a change of stock that the ERP holds.
#[derive(Deserialize)]
struct Held {
    id: String,
    #[serde(flatten)]
    document: Value,
}

#[derive(Deserialize)]
struct Search {
    #[serde(alias = "orders", alias = "refunds", alias = "adjustments")]
    held: Vec<Held>,
}
