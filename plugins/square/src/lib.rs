//! Square as a source: signed notifications of orders, payments, refunds and stock counts.
//!
//! Most notifications identify an order without its content, so the plugin reads the order from Square's API. An event
//! describes the state that was read, and two notifications of the same state yield the same event.
//!
//! | module | purpose |
//! |---|---|
//! | `payload`, `amount` | Square's records; amounts in the smallest unit as decimals |
//! | `notification` | webhook notifications |
//! | `api` | reads orders, payments and the catalogue |
//! | `order`, `line`, `tender` | an order with its lines and payments |
//! | `refund`, `repayment` | returns and refunds, and their payments |
//! | `stock` | stock counts |
//! | `natural_key`, `business_day` | the natural key and the business day of a sale |
//! | `poll` | orders whose notifications were missed |

mod amount;
mod api;
mod business_day;
mod line;
mod natural_key;
mod notification;
mod order;
mod payload;
mod poll;
mod refund;
mod repayment;
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
        notification::read(&inbound.body, &api::Api::new(settings::Settings::read()?))
    }

    fn poll(cursor: Option<String>, limit: u32) -> Result<Page, Failure> {
        poll::poll(cursor.as_deref(), limit, &api::Api::new(settings::Settings::read()?))
    }
}

plugin!(Square: source);

/// Reads an order of a response of Square without sending requests. For the fuzz target.
#[doc(hidden)]
pub fn read_order(body: &[u8], settings: &settings::Settings) -> Result<Vec<Event>, Problem> {
    let order: payload::Order = payload::parse(body)?;
    order::events(settings, &order, &api::OrderContext::default(), None)
}

#[doc(hidden)]
pub use settings::Settings;
