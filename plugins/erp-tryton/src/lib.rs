//! Tryton as an ERP: orders and refunds become sales; sales, shipments and invoices come back as events.
//!
//! A sale is identified by its web shop and web id, which Tryton keeps unique: the web id is the identity of the
//! order or refund (`shopify/acme.myshopify.com/order/1001`). Booking takes three steps, and the host stores the
//! progress after each: create the draft, quote it, confirm it.
//!
//! | module | purpose |
//! |---|---|
//! | `settings`, `tables` | the operator's configuration, and the mapping from the shop's values to Tryton's ids |
//! | `value`, `timestamp`, `rest` | Tryton's JSON; Tryton's REST interface |
//! | `erp` | the database, the settings and the tables that a call works with |
//! | `lines`, `products`, `customer` | the lines, products, customer and addresses of an order in Tryton |
//! | `sale`, `sale_line` | a sale as Tryton stores it |
//! | `sale_source`, `booking`, `progress` | what a sale is made from; how it is booked, step by step; its progress |
//! | `order`, `refund`, `refund_sale`, `cancel` | sales of orders and of refunds, and the cancellation of a sale |
//! | `completion`, `adjustment` | shipments of goods that changed hands already; stock changes without a document |
//! | `poll`, `cursor`, `record_kind` | reads the records that changed in Tryton since the last poll |
//! | `events`, `owners`, `stock`, `catalogue`, `identity` | builds events from these records |

mod adjustment;
mod booking;
mod cancel;
mod catalogue;
mod completion;
mod cursor;
mod customer;
mod erp;
mod events;
mod identity;
mod lines;
mod order;
mod owners;
mod poll;
mod products;
mod progress;
mod record_kind;
mod refund;
mod refund_sale;
mod rest;
mod sale;
mod sale_line;
mod sale_source;
mod settings;
mod stock;
mod tables;
#[cfg(test)]
mod tests;
mod timestamp;
mod value;

use crossdock_sdk::prelude::*;

use crate::erp::Erp;

/// The connector.
pub struct Tryton;

impl Sink for Tryton {
    fn deliver(work: Vec<Work>) -> Vec<Outcome> {
        each(work, |work| {
            let erp = Erp::new()?;
            match &work.event.fact {
                Fact::Order(change) if change.is_cancelled() => cancel::cancel(&work, &erp),
                Fact::Order(change) => order::book(&work, &change.order, &erp),
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
                Fact::Order(change) => order::find(&work, change, &erp),
                Fact::RefundIssued(refund) => refund::find(&work, refund, &erp),
                Fact::InventoryAdjusted(_) => adjustment::find(&work, &erp),
                _ => Ok(Found::Absent),
            }
        })
    }
}

impl Source for Tryton {
    fn receive(_: Inbound) -> Result<Vec<Event>, Failure> {
        Err(Problem::new("no-webhooks", "Tryton sends no webhooks: it is polled").into())
    }

    fn poll(cursor: Option<String>, limit: u32) -> Result<Page, Failure> {
        poll::poll(cursor.as_deref(), limit, &Erp::new()?)
    }
}

plugin!(Tryton: sink, source);
