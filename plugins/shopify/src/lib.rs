//! Shopify: reads orders, refunds, fulfilments and stock from a shop, and writes shipments, stock, status and prices to
//! it, by the Admin API 2026-07.
//!
//! | module | purpose |
//! |---|---|
//! | `receive`, `poll` | webhooks, and polling of orders whose webhooks were missed |
//! | `payload`, `text`, `amount`, `fields` | Shopify's records |
//! | `order`, `line`, `payment`, `personal`, `natural_key`, `refund`, `shipment`, `level` | the events |
//! | `admin` | the Admin API: requests, rate limit, errors |
//! | `sink` | deliveries to the shop, and their look-up |
//! | `setup` | webhook subscriptions |
//!
//! The host has authenticated a webhook, but the signature covers only the body. So the topic header only selects the
//! parser, and the body determines the event: an order with `cancelled_at` is cancelled under any topic.

pub mod admin;
mod amount;
mod fields;
mod level;
mod line;
mod natural_key;
mod order;
mod payload;
mod payment;
mod personal;
mod poll;
mod receive;
mod refund;
mod settings;
mod setup;
mod shipment;
mod shop;
mod sink;
#[cfg(test)]
mod tests;
mod text;

use crossdock_sdk::prelude::*;

use admin::Admin;
use shop::Shop;

/// The plugin.
pub struct Shopify;

impl Source for Shopify {
    fn receive(inbound: Inbound) -> Result<Vec<Event>, Failure> {
        let header = |name: &str| {
            inbound.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
        };
        let shop = Shop::from_settings()?;
        if let Some(domain) =
            header("x-shopify-shop-domain").filter(|domain| !domain.eq_ignore_ascii_case(shop.domain()))
        {
            let message =
                format!("the webhook is from {domain}, and this connector is for {}", shop.domain());
            return Err(Problem::new("other-shop", message).at("x-shopify-shop-domain").into());
        }
        Ok(receive::read(&shop, header("x-shopify-topic"), &inbound.body)?)
    }

    fn poll(cursor: Option<String>, limit: u32) -> Result<Page, Failure> {
        poll::poll(cursor.as_deref(), limit, &Shop::from_settings()?)
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
