//! Tryton as an ERP: orders and refunds become sales; sales, shipments and invoices come back as events.
//!
//! A sale is found again by its web shop and web id, which Tryton keeps unique: the web id is the identity of
//! the order or refund (`shopify/acme.myshopify.com/order/1001`). Booking takes three steps, each of which the
//! host remembers: made as a draft, quoted, confirmed.
//!
//! | file | what it knows |
//! |---|---|
//! | `settings`, `tables` | the operator's words: how Tryton is used, and what the shop's words mean there |
//! | `value`, `rest` | Tryton's JSON; Tryton's REST interface |
//! | `lines`, `customer` | what an order's lines, customer and addresses are in Tryton |
//! | `sale`, `steps` | a sale as Tryton has it; how one is made, and gone on with |
//! | `order`, `refund`, `cancel` | what a sale is made for, and how it is taken back |
//! | `handover`, `adjustment` | goods that have changed hands already; goods that moved without a document |
//! | `poll`, `events` | what happened in Tryton since the last time, and what that is as an event |

mod adjustment;
mod cancel;
mod catalogue;
mod customer;
mod events;
mod handover;
mod lines;
mod order;
mod poll;
mod refund;
mod rest;
mod sale;
mod settings;
mod steps;
mod stock;
mod tables;
#[cfg(test)]
mod tests;
mod value;

use crossdock_sdk::prelude::*;

use crate::order::Booking;
use crate::steps::Deed;

/// The connector.
pub struct Tryton;

/// A Tryton and how to use it.
pub(crate) struct Erp {
    pub rest: rest::Rest,
    pub settings: settings::Settings,
    pub tables: tables::Tables,
}

impl Erp {
    fn new() -> Result<Self, Problem> {
        let settings = settings::Settings::read()?;
        let rest = rest::Rest::new(&settings.database)?;
        Ok(Self { rest, settings, tables: tables::Tables::default() })
    }
}

impl Sink for Tryton {
    fn deliver(work: Vec<Work>) -> Vec<Outcome> {
        each(work, |work| {
            let erp = Erp::new()?;
            match &work.event.fact {
                Fact::Order(change) => {
                    let order = &change.order;
                    if change.is_cancelled() {
                        return cancel::cancel(&work, &erp);
                    }
                    if order.test {
                        return Ok(Outcome::Ignored("a test order is not booked".into()));
                    }
                    steps::book(&work, &Booking { entity: &work.event.entity, order }, &erp)
                }
                Fact::OrderEdited(_) => {
                    Ok(Outcome::Ignored("the order's next snapshot carries the edit".into()))
                }
                Fact::RefundIssued(refund) => refund::book(&work, refund, &erp),
                Fact::InventoryAdjusted(change) => adjustment::book(&work, change, &erp),
                other => Ok(Outcome::Ignored(format!("{} is not booked in Tryton", other.kind()))),
            }
        })
    }

    fn find(work: Vec<Work>) -> Vec<Found> {
        each(work, |work| {
            let erp = Erp::new()?;
            match &work.event.fact {
                Fact::Order(change) if change.is_cancelled() => cancel::find(&work, &erp),
                Fact::Order(change) => find_order(&work, change, &erp),
                Fact::RefundIssued(refund) => refund::find(&work, refund, &erp),
                Fact::InventoryAdjusted(_) => adjustment::find(&work, &erp),
                _ => Ok(Found::Absent),
            }
        })
    }
}

/// A new order is there when its sale is. A change is there when the sale says what the order says; telling
/// Tryton once more is safe, so everything else is `absent`.
fn find_order(work: &Work, change: &OrderChange, erp: &Erp) -> Result<Found, Found> {
    let deed = Booking { entity: &work.event.entity, order: &change.order };
    let sales = sale::lookup(&work.event.entity.to_string(), erp)?;
    match sales.as_slice() {
        [] => Ok(Found::Absent),
        [sale] if change.operation == OrderOperation::Placed => Ok(sale.found(&deed)),
        [sale] => match steps::agrees(sale, &deed, erp) {
            Ok(true) if deed.handed_over() && handover::is_open(sale.id, erp)? => Ok(sale.found(&deed)),
            Ok(true) => Ok(Found::Present(sale.receipt(&deed))),
            // What stands in the way, stands in the way of telling it again, and is said there.
            Ok(false) | Err(_) => Ok(Found::Absent),
        },
        several => Ok(Found::Duplicated(several.iter().map(|sale| sale.reference(&[])).collect())),
    }
}

impl Source for Tryton {
    fn receive(_: Inbound) -> Result<Vec<Event>, Failure> {
        Err(Problem::new("no-webhooks", "Tryton is polled: it sends nothing").into())
    }

    fn poll(cursor: Option<String>, limit: u32) -> Result<Page, Failure> {
        poll::poll(cursor.as_deref(), limit, &Erp::new()?)
    }
}

plugin!(Tryton: sink, source);
