//! The gap behind a missed webhook: orders that changed since the last time, with their refunds and fulfilments.
//!
//! The REST form of an order is what its webhook tells, so the same code reads both, and what the webhook told
//! already has the same key here. An order is told as placed, and as it stands now where it has changed since:
//! the host drops what it knows.
//!
//! Orders are read by their last change, a page at a time. When a pass has come to its end, the next one begins a
//! little before: a change may become visible later than it is dated.

use std::collections::BTreeMap;

use crossdock_sdk::http::Error;
use crossdock_sdk::prelude::*;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::admin::Admin;
use crate::receive::parse;
use crate::{Shop, order, refund, shipment};

/// How far the next pass goes back.
const OVERLAP: SignedDuration = SignedDuration::from_secs(120);
/// The most orders that Shopify gives at once.
const MAX_ORDERS: u32 = 250;
/// How many events one order may make, as a rule.
const EVENTS: u32 = 4;

/// Where the pass stands. It is handed in and out, and means nothing to anybody else.
#[derive(Default, Serialize, Deserialize)]
struct Cursor {
    /// Shopify's own token of the next page. Absent between passes.
    page: Option<String>,
    /// The latest change that was seen. Absent while the shop has no orders.
    high: Option<Timestamp>,
    /// What was told of the time that the next pass reads again: order, and its last change.
    told: BTreeMap<String, String>,
}

/// What an order says of itself, before it is read.
struct Head<'a> {
    id: String,
    created_at: &'a str,
    updated_at: &'a str,
}

impl<'a> Head<'a> {
    fn of(order: &'a Value) -> Result<Self, Problem> {
        let text = |name: &str| order.get(name).and_then(Value::as_str);
        let id = order.get("id").and_then(Value::as_u64);
        match (id, text("created_at"), text("updated_at")) {
            (Some(id), Some(created_at), Some(updated_at)) => {
                Ok(Self { id: id.to_string(), created_at, updated_at })
            }
            _ => Err(Problem::new("order-unreadable", "an order says no id, or not when it changed")),
        }
    }
}

/// Reads the next orders that changed.
///
/// # Errors
/// `cursor-unreadable`; or the shop could not be asked.
pub(crate) fn poll(cursor: Option<&str>, limit: u32, shop: &Shop) -> Result<Page, Failure> {
    let admin = Admin::new()?;
    let mut cursor: Cursor = match cursor.filter(|cursor| !cursor.is_empty()) {
        Some(cursor) => serde_json::from_str(cursor).map_err(|error| {
            Problem::new("cursor-unreadable", format!("the cursor cannot be read: {error}"))
        })?,
        None => match config::find::<String>("poll-since")? {
            Some(since) => Cursor { high: Some(moment(&since, "poll-since")?), ..Cursor::default() },
            None => return newest(&admin),
        },
    };
    let (orders, next) = match cursor.orders(limit, &admin) {
        Ok(read) => read,
        // A page's token does not live for ever. The pass begins again, from what was seen.
        Err(Error::Rejected(_)) if cursor.page.is_some() => {
            cursor.page = None;
            return cursor.page(vec![], true);
        }
        Err(error) => return Err(error.into()),
    };
    let mut events = Vec::new();
    for value in &orders {
        events.extend(cursor.tell(shop, value)?);
    }
    let more = next.is_some();
    cursor.page = next;
    // Orders come by their last change, so that what lies before the overlap is not read again.
    if let Some(high) = cursor.high {
        cursor.told.retain(|_, at| at.parse::<Timestamp>().is_ok_and(|at| at >= high - OVERLAP));
    }
    cursor.page(events, more)
}

/// Without a word on where to begin, it begins now: with the newest order there is.
fn newest(admin: &Admin) -> Result<Page, Failure> {
    let query = [("status", "any".into()), ("order", "updated_at desc".into()), ("limit", "1".into())];
    let (orders, _) = list(admin, &query)?;
    let mut cursor = Cursor::default();
    if let Some(value) = orders.first() {
        let head = Head::of(value)?;
        cursor.high = Some(moment(head.updated_at, "updated_at")?);
        cursor.told.insert(head.id, head.updated_at.to_owned());
    }
    cursor.page(vec![], false)
}

/// The orders of a query, and the token of the page after them.
fn list(admin: &Admin, query: &[(&str, String)]) -> Result<(Vec<Value>, Option<String>), Error> {
    #[derive(Deserialize)]
    struct Answer {
        orders: Vec<Value>,
    }
    let response = admin.get("orders.json", query)?;
    let next = response.header("link").and_then(next);
    Ok((response.json::<Answer>()?.orders, next))
}

impl Cursor {
    fn orders(&self, limit: u32, admin: &Admin) -> Result<(Vec<Value>, Option<String>), Error> {
        let limit = (limit / EVENTS).clamp(1, MAX_ORDERS).to_string();
        let query = match (&self.page, self.high) {
            (Some(page), _) => vec![("limit", limit), ("page_info", page.clone())],
            (None, high) => {
                let mut query =
                    vec![("status", "any".into()), ("order", "updated_at asc".into()), ("limit", limit)];
                query.extend(high.map(|high| ("updated_at_min", (high - OVERLAP).to_string())));
                query
            }
        };
        list(admin, &query)
    }

    /// The events of one order, unless it was told as it stands.
    fn tell(&mut self, shop: &Shop, value: &Value) -> Result<Vec<Event>, Problem> {
        let head = Head::of(value)?;
        let (id, at) = (&head.id, moment(head.updated_at, "updated_at")?);
        self.high = self.high.max(Some(at));
        if self.told.insert(id.clone(), head.updated_at.to_owned()).as_deref() == Some(head.updated_at) {
            return Ok(vec![]);
        }
        // What cannot be read must keep nothing else back. Its webhook, if it came, is in quarantine.
        let unread = |what: &str, problem: Problem| {
            log::error(format!("{what} of order {id} was found by polling and cannot be read: {problem}"));
        };
        let mut events = states(shop, &head, value).unwrap_or_else(|problem| {
            unread("the state", problem);
            vec![]
        });
        let list =
            |name: &str| value.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let refunds = list("refunds").iter().map(|refund| {
            let event = parse(&refund.to_string()).and_then(|refund| refund::event(shop, refund));
            event.map_err(|problem| unread("a refund", problem)).ok()
        });
        let fulfilments = list("fulfillments").iter().map(|fulfilment| {
            let event = parse(&fulfilment.to_string()).and_then(|one| shipment::event(shop, one));
            event.map_err(|problem| unread("a fulfilment", problem)).ok()
        });
        events.extend(refunds.chain(fulfilments).flatten());
        Ok(events)
    }

    fn page(self, events: Vec<Event>, more: bool) -> Result<Page, Failure> {
        let cursor = serde_json::to_string(&self)
            .map_err(|error| Problem::new("cursor-unwritable", error.to_string()))?;
        Ok(Page { events, cursor, more })
    }
}

/// What an order has to tell of itself: that it was placed, and how it stands.
fn states(shop: &Shop, head: &Head<'_>, value: &Value) -> Result<Vec<Event>, Problem> {
    // As text again, so that one parser reads what is polled and what is sent.
    let text = value.to_string();
    let now = order::event(shop, Some("orders/updated"), parse(&text)?)?;
    let mut events = Vec::new();
    // A cancelled order is told as such under any topic.
    if now.fact.kind() != "order.cancelled" {
        events.push(order::event(shop, Some("orders/create"), parse(&text)?)?);
    }
    if now.fact.kind() == "order.cancelled" || head.created_at != head.updated_at {
        events.push(now);
    }
    Ok(events)
}

fn moment(text: &str, field: &str) -> Result<Timestamp, Problem> {
    text.parse().map_err(|_| Problem::new("instant-unreadable", "what should be a moment is none").at(field))
}

/// The token of the next page: `<https://…?page_info=TOKEN>; rel="next"`, among others with commas between.
fn next(link: &str) -> Option<String> {
    let next = link.split(", ").find(|one| one.contains("rel=\"next\""))?;
    let address = next.trim_start_matches('<').split('>').next()?;
    let token = address.split(['?', '&']).find_map(|pair| pair.strip_prefix("page_info="))?;
    Some(token.to_owned()).filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_named_by_its_token() {
        let link = "<https://acme.myshopify.com/admin/api/2026-07/orders.json?limit=5&page_info=abc>; rel=\"previous\", \
                    <https://acme.myshopify.com/admin/api/2026-07/orders.json?page_info=eyJ4IjoxfQ&limit=5>; rel=\"next\"";
        assert_eq!(next(link).as_deref(), Some("eyJ4IjoxfQ"));
        assert_eq!(next("<https://a.test/?page_info=abc>; rel=\"previous\""), None);
        assert_eq!(next(""), None);
    }
}
