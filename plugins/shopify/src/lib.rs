//! Shopify: orders, refunds, fulfilments and stock from a shop, and shipments, stock, status and prices back to it,
//! by the Admin API of 2026-07.
//!
//! | file | what it knows |
//! |---|---|
//! | `receive`, `poll` | what arrives by webhook, and what is asked for where one was missed |
//! | `payload`, `text`, `amount` | what Shopify writes |
//! | `order`, `line`, `payment`, `people`, `natural`, `refund`, `shipment`, `level` | what it means |
//! | `admin` | the Admin API: its requests, its bucket of points, its errors |
//! | `sink` | what the shop is told, and how it is found out whether it was |
//! | `setup` | whether the shop's webhooks lead here |
//!
//! What arrives was authenticated by the host, but the signature covers the body alone. So a header says
//! where to begin reading, and the body decides what happened: an order with `cancelled_at` is a cancelled one
//! under whatever topic it came.

pub mod admin;
mod amount;
mod level;
mod line;
mod natural;
mod order;
mod payload;
mod payment;
mod people;
mod poll;
mod receive;
mod refund;
mod settings;
mod setup;
mod shipment;
mod sink;
#[cfg(test)]
mod tests;
mod text;

use crossdock_sdk::prelude::*;

use admin::Admin;

/// The plugin.
pub struct Shopify;

impl Source for Shopify {
    fn receive(inbound: Inbound) -> Result<Vec<Event>, Failure> {
        let header = |name: &str| {
            inbound.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
        };
        let shop = Shop(settings::shop()?);
        if let Some(domain) =
            header("x-shopify-shop-domain").filter(|domain| !domain.eq_ignore_ascii_case(&shop.0))
        {
            let message = format!("the webhook is from {domain}, and this connector is for {}", shop.0);
            return Err(Problem::new("other-shop", message).at("x-shopify-shop-domain").into());
        }
        Ok(receive::read(&shop, header("x-shopify-topic"), &inbound.body)?)
    }

    fn poll(cursor: Option<String>, limit: u32) -> Result<Page, Failure> {
        poll::poll(cursor.as_deref(), limit, &Shop(settings::shop()?))
    }
}

impl Sink for Shopify {
    fn deliver(work: Vec<Work>) -> Vec<Outcome> {
        match Admin::new() {
            Ok(admin) => each(work, |work| sink::deliver(&work, &admin)),
            Err(problem) => each(work, |_| Err(problem.clone().into())),
        }
    }

    fn find(work: Vec<Work>) -> Vec<Found> {
        match Admin::new() {
            Ok(admin) => each(work, |work| sink::find(&work, &admin)),
            Err(problem) => each(work, |_| Err(problem.clone().into())),
        }
    }
}

impl Setup for Shopify {
    fn check(address: String, repair: bool) -> Result<Vec<Finding>, Failure> {
        setup::check(&address, repair)
    }
}

plugin!(Shopify: source, sink, setup);

/// The shop's domain, in lower case.
struct Shop(String);

impl Shop {
    fn entity(&self, kind: EntityKind, id: impl ToString) -> Entity {
        Entity { system: "shopify".into(), tenant: self.0.clone(), kind, id: id.to_string() }
    }
}
