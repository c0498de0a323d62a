//! Polls the orders that changed since the last poll, with their refunds and fulfilments, in case webhooks were missed.
//!
//! An order in the REST API has the same form as in its webhook, so the same code reads both, and the events have the
//! same keys. A poll yields `order.placed`, and the current state where the order has changed since; the host drops the
//! events that it has already.
//!
//! Orders are read by their last change, one page per call. After the last page the next pass starts slightly
//! earlier: a change may become visible later than its timestamp.

use std::collections::BTreeMap;

use crossdock_sdk::http::Error;
use crossdock_sdk::prelude::*;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::admin::Admin;
use crate::payload::parse;
use crate::shop::Shop;
use crate::{order, refund, shipment};

/// How far before the last change a new pass starts.
const OVERLAP: SignedDuration = SignedDuration::from_secs(120);
/// The most orders of one page.
const MAX_ORDERS: u32 = 250;
/// The usual number of events of an order.
const EVENTS_PER_ORDER: u32 = 4;

/// The position of the poll.
#[derive(Default, Serialize, Deserialize)]
struct Cursor {
    /// Shopify's token of the next page. Absent between passes.
    page: Option<String>,
    /// The latest change read. Absent while the shop has no orders.
    last_change: Option<Timestamp>,
    /// The orders read within the overlap that the next pass reads again, each with its last change.
    read: BTreeMap<String, String>,
}

/// The identity and the times of an order.
struct OrderHeader<'a> {
    id: String,
    created_at: &'a str,
    updated_at: &'a str,
}

impl<'a> OrderHeader<'a> {
    fn of(order: &'a Value) -> Result<Self, Problem> {
        let text = |name: &str| order.get(name).and_then(Value::as_str);
        let id = order.get("id").and_then(Value::as_u64);
        match (id, text("created_at"), text("updated_at")) {
            (Some(id), Some(created_at), Some(updated_at)) => {
                Ok(Self { id: id.to_string(), created_at, updated_at })
            }
            _ => Err(Problem::new("order-unreadable", "an order has no id or no time of its last change")),
        }
    }
}

/// Reads the next page of changed orders.
///
/// # Errors
/// `cursor-unreadable`, or the failure of the request.
pub(crate) fn poll(cursor: Option<&str>, limit: u32, shop: &Shop) -> Result<Page, Failure> {
    let admin = Admin::new()?;
    let mut cursor: Cursor = match cursor.filter(|cursor| !cursor.is_empty()) {
        Some(cursor) => serde_json::from_str(cursor).map_err(|error| {
            Problem::new("cursor-unreadable", format!("the cursor cannot be read: {error}"))
        })?,
        None => match config::find::<String>("poll-since")? {
            Some(since) => {
                Cursor { last_change: Some(timestamp(&since, "poll-since")?), ..Cursor::default() }
            }
            None => return start_at_newest(&admin),
        },
    };
    let (orders, next) = match cursor.fetch(limit, &admin) {
        Ok(page) => page,
        // A page token expires. The pass starts again at the last change read.
        Err(Error::Rejected(_)) if cursor.page.is_some() => {
            cursor.page = None;
            return cursor.into_page(vec![], true);
        }
        Err(error) => return Err(error.into()),
    };
    let mut events = Vec::new();
    for value in &orders {
        events.extend(cursor.events(shop, value)?);
    }
    let more = next.is_some();
    cursor.page = next;
    // Orders are sorted by their last change: those before the overlap are not read again.
    if let Some(last_change) = cursor.last_change {
        cursor.read.retain(|_, at| at.parse::<Timestamp>().is_ok_and(|at| at >= last_change - OVERLAP));
    }
    cursor.into_page(events, more)
}

/// Without `poll-since`, polling starts after the newest change at the time of the first poll.
fn start_at_newest(admin: &Admin) -> Result<Page, Failure> {
    let query = [("status", "any".into()), ("order", "updated_at desc".into()), ("limit", "1".into())];
    let (orders, _) = list(admin, &query)?;
    let mut cursor = Cursor::default();
    if let Some(value) = orders.first() {
        let header = OrderHeader::of(value)?;
        cursor.last_change = Some(timestamp(header.updated_at, "updated_at")?);
        cursor.read.insert(header.id, header.updated_at.to_owned());
    }
    cursor.into_page(vec![], false)
}

/// The orders of a query, and the token of the next page.
fn list(admin: &Admin, query: &[(&str, String)]) -> Result<(Vec<Value>, Option<String>), Error> {
    #[derive(Deserialize)]
    struct Body {
        orders: Vec<Value>,
    }
    let response = admin.get("orders.json", query)?;
    let next = response.header("link").and_then(next_page_token);
    Ok((response.json::<Body>()?.orders, next))
}

impl Cursor {
    fn fetch(&self, limit: u32, admin: &Admin) -> Result<(Vec<Value>, Option<String>), Error> {
        let limit = (limit / EVENTS_PER_ORDER).clamp(1, MAX_ORDERS).to_string();
        let query = match (&self.page, self.last_change) {
            (Some(page), _) => vec![("limit", limit), ("page_info", page.clone())],
            (None, last_change) => {
                let mut query =
                    vec![("status", "any".into()), ("order", "updated_at asc".into()), ("limit", limit)];
                query.extend(last_change.map(|last| ("updated_at_min", (last - OVERLAP).to_string())));
                query
            }
        };
        list(admin, &query)
    }

    /// The events of one order, unless this state of it was read already.
    fn events(&mut self, shop: &Shop, value: &Value) -> Result<Vec<Event>, Problem> {
        let header = OrderHeader::of(value)?;
        let (id, at) = (&header.id, timestamp(header.updated_at, "updated_at")?);
        self.last_change = self.last_change.max(Some(at));
        if self.read.insert(id.clone(), header.updated_at.to_owned()).as_deref() == Some(header.updated_at) {
            return Ok(vec![]);
        }
        // An unreadable part does not affect the others. Its webhook, if there was one, is in quarantine.
        let log_unreadable = |part: &str, problem: Problem| {
            log::error(format!("{part} of order {id}, read by polling, cannot be read: {problem}"));
        };
        let mut events = order_events(shop, &header, value).unwrap_or_else(|problem| {
            log_unreadable("the state", problem);
            vec![]
        });
        let list =
            |name: &str| value.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let refunds = list("refunds").iter().map(|refund| {
            let event = parse(&refund.to_string()).and_then(|refund| refund::event(shop, refund));
            event.map_err(|problem| log_unreadable("a refund", problem)).ok()
        });
        let fulfilments = list("fulfillments").iter().map(|fulfilment| {
            let event = parse(&fulfilment.to_string()).and_then(|one| shipment::event(shop, one));
            event.map_err(|problem| log_unreadable("a fulfilment", problem)).ok()
        });
        events.extend(refunds.chain(fulfilments).flatten());
        Ok(events)
    }

    fn into_page(self, events: Vec<Event>, more: bool) -> Result<Page, Failure> {
        let cursor = serde_json::to_string(&self)
            .map_err(|error| Problem::new("cursor-unwritable", error.to_string()))?;
        Ok(Page { events, cursor, more })
    }
}

/// The events of the order itself: that it was placed, and its current state.
fn order_events(shop: &Shop, header: &OrderHeader<'_>, value: &Value) -> Result<Vec<Event>, Problem> {
    // Converted back to text, so that the same parser reads polled orders and webhooks.
    let text = value.to_string();
    let current = order::event(shop, Some("orders/updated"), parse(&text)?)?;
    let mut events = Vec::new();
    // A cancelled order yields `order.cancelled` under any topic.
    if current.fact.kind() != "order.cancelled" {
        events.push(order::event(shop, Some("orders/create"), parse(&text)?)?);
    }
    if current.fact.kind() == "order.cancelled" || header.created_at != header.updated_at {
        events.push(current);
    }
    Ok(events)
}

fn timestamp(text: &str, field: &str) -> Result<Timestamp, Problem> {
    text.parse().map_err(|_| Problem::new("instant-unreadable", "the value is not a timestamp").at(field))
}

/// The token of the next page in a `Link` header: `<https://…?page_info=TOKEN>; rel="next"`, among other links.
fn next_page_token(link: &str) -> Option<String> {
    let next = link.split(", ").find(|one| one.contains("rel=\"next\""))?;
    let address = next.trim_start_matches('<').split('>').next()?;
    let token = address.split(['?', '&']).find_map(|pair| pair.strip_prefix("page_info="))?;
    Some(token.to_owned()).filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_of_the_next_page_is_in_the_link_header() {
        let link = "<https://acme.myshopify.com/admin/api/2026-07/orders.json?limit=5&page_info=abc>; rel=\"previous\", \
                    <https://acme.myshopify.com/admin/api/2026-07/orders.json?page_info=eyJ4IjoxfQ&limit=5>; rel=\"next\"";
        assert_eq!(next_page_token(link).as_deref(), Some("eyJ4IjoxfQ"));
        assert_eq!(next_page_token("<https://a.test/?page_info=abc>; rel=\"previous\""), None);
        assert_eq!(next_page_token(""), None);
    }
}
