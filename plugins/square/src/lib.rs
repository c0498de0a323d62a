//! Square as a source: signed notifications of orders, payments, refunds and stock counts.
//!
//! Most notifications say that something happened and little of what: the order is read from Square then. So an
//! event tells the state that was read, and two notifications of one state are one event.
//!
//! | file | what it knows |
//! |---|---|
//! | `payload`, `amount` | what Square writes; whole numbers of the smallest unit as decimals |
//! | `notice` | what a notification is about |
//! | `api` | what is asked of Square: orders, payments, the catalogue |
//! | `order`, `line`, `tender` | an order and how it was paid |
//! | `refund`, `repaid` | what was brought back; what was given back for it |
//! | `stock` | counts |
//! | `natural`, `day` | the sale's natural key, and the business day it belongs to |
//! | `poll` | orders that no notification told of |

mod amount;
mod api;
mod day;
mod line;
mod natural;
mod notice;
mod order;
mod payload;
mod poll;
mod refund;
mod repaid;
mod settings;
mod stock;
mod tender;
#[cfg(test)]
mod tests;

use crossdock_sdk::prelude::*;

/// The plugin.
pub struct Square;

impl Source for Square {
    fn receive(inbound: Inbound) -> Result<Vec<Event>, Failure> {
        notice::read(&inbound.body, &api::Api::new(settings::Settings::read()?))
    }

    fn poll(cursor: Option<String>, limit: u32) -> Result<Page, Failure> {
        poll::poll(cursor.as_deref(), limit, &api::Api::new(settings::Settings::read()?))
    }
}

plugin!(Square: source);

/// Reads an order as an answer of Square holds it, without asking anything. For the fuzz target.
#[doc(hidden)]
pub fn read_order(body: &[u8], settings: &settings::Settings) -> Result<Vec<Event>, Problem> {
    let order: payload::Order = payload::parse(body)?;
    let known = api::Known::default();
    order::events(settings, &order, &known, None)
}

#[doc(hidden)]
pub use settings::Settings;
