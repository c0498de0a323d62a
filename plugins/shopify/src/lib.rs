//! Shopify as a source: the webhooks of orders and refunds, as the Admin API of 2026-07 writes them.
//!
//! What arrives was authenticated by the host, but the signature covers the body alone. So a header says
//! where to begin reading, and the body decides what happened: an order with `cancelled_at` is a cancelled one
//! under whatever topic it came.
//!
//! `payload` is what Shopify writes, `order` and `refund` are what it means.

mod amount;
mod line;
mod order;
mod payload;
mod payment;
mod people;
mod refund;
#[cfg(test)]
mod tests;
mod text;

use crossdock_sdk::prelude::*;
use serde::Deserialize;

use payload::Wrapped;

/// The plugin.
pub struct Shopify;

impl Source for Shopify {
    fn receive(inbound: Inbound) -> Result<Vec<Event>, Failure> {
        let header = |name: &str| {
            inbound.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
        };
        let shop = Shop(config::get::<String>("shop")?.to_ascii_lowercase());
        if let Some(domain) =
            header("x-shopify-shop-domain").filter(|domain| !domain.eq_ignore_ascii_case(&shop.0))
        {
            let message = format!("the webhook is from {domain}, and this connector is for {}", shop.0);
            return Err(Problem::new("other-shop", message).at("x-shopify-shop-domain").into());
        }
        Ok(read(&shop, header("x-shopify-topic"), &inbound.body)?)
    }

    /// Shopify is not polled by this version, and the manifest says so.
    fn poll(cursor: Option<String>, _limit: u32) -> Result<Page, Failure> {
        Ok(Page::empty(cursor))
    }
}

plugin!(Shopify: source);

/// The shop's domain, in lower case.
struct Shop(String);

impl Shop {
    fn entity(&self, kind: EntityKind, id: impl ToString) -> Entity {
        Entity { system: "shopify".into(), tenant: self.0.clone(), kind, id: id.to_string() }
    }
}

/// What a body is about.
#[derive(Clone, Copy)]
enum Subject {
    Order,
    Edit,
    Refund,
}

fn read(shop: &Shop, topic: Option<&str>, body: &[u8]) -> Result<Vec<Event>, Problem> {
    let subject = match topic {
        Some("orders/create" | "orders/updated" | "orders/paid" | "orders/cancelled") => Subject::Order,
        Some("orders/edited") => Subject::Edit,
        Some("refunds/create") => Subject::Refund,
        Some(_) => return Ok(vec![]),
        // What was fetched has no topic; the wrapper of an answer tells what it is.
        None => {
            wrapper(body).ok_or_else(|| Problem::new("topic-missing", "nothing says what this is about"))?
        }
    };
    let event = if wrapper(body).is_some() {
        let Wrapped { order, order_edit, refund } = parse(body)?;
        match subject {
            Subject::Order => order::event(shop, topic, order.ok_or_else(|| missing("order"))?)?,
            Subject::Edit => order::edited(shop, order_edit.ok_or_else(|| missing("order_edit"))?),
            Subject::Refund => refund::event(shop, refund.ok_or_else(|| missing("refund"))?)?,
        }
    } else {
        match subject {
            Subject::Order => order::event(shop, topic, parse(body)?)?,
            Subject::Edit => return Err(missing("order_edit")),
            Subject::Refund => refund::event(shop, parse(body)?)?,
        }
    };
    Ok(vec![event])
}

/// What the body's only member says that it is about: `{"order": {…}}`, as an answer of the REST API has it
/// and as the topic `orders/edited` always does. Absent when the fields lie open.
fn wrapper(body: &[u8]) -> Option<Subject> {
    let body = body.trim_ascii_start().strip_prefix(b"{")?.trim_ascii_start().strip_prefix(b"\"")?;
    let end = body.iter().position(|byte| *byte == b'"')?;
    match body.get(..end)? {
        b"order" => Some(Subject::Order),
        b"order_edit" => Some(Subject::Edit),
        b"refund" => Some(Subject::Refund),
        _ => None,
    }
}

fn missing(what: &str) -> Problem {
    Problem::new("body-unreadable", format!("the body holds no `{what}`"))
}

/// Reads the body. The problem names the place and what was expected there, never what was found: that may be
/// somebody's name.
fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Problem> {
    // Checked once for all texts: reading bytes would check each of them again.
    let text =
        std::str::from_utf8(body).map_err(|_| Problem::new("body-unreadable", "the body is not UTF-8"))?;
    serde_json::from_str(text).map_err(|error| {
        let text = error.to_string();
        let said = match text.split_once(", expected ") {
            Some((_, expected)) => format!("expected {expected}"),
            None if text.starts_with("invalid") => format!("a value is wrong at column {}", error.column()),
            None => text,
        };
        Problem::new("body-unreadable", said)
    })
}
