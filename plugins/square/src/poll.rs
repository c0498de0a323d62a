//! Polls the orders changed since the last poll, in case their notifications were missed.

use crossdock_sdk::prelude::*;
use serde::{Deserialize, Serialize};

use crate::api::Api;
use crate::order;
use crate::payload::{self, part};

/// The most orders of a page. Each may need further requests.
const MAX_ORDERS: u32 = 25;

/// The position of a poll: in the pages of one search, or at the start of the next search.
#[derive(Default, Deserialize, Serialize)]
struct Cursor {
    /// The search reads orders changed since this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    /// Square's cursor of the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<String>,
    /// The latest change read by the search.
    #[serde(skip_serializing_if = "Option::is_none")]
    seen: Option<String>,
}

/// Reads the next page. A search starts at the last change of the previous one, whose event is read again and has the
/// same key.
pub(crate) fn poll(cursor: Option<&str>, limit: u32, square: &Api) -> Result<Page, Failure> {
    if square.settings.locations.is_empty() {
        return Err(Problem::new("setting-missing", "polling needs the setting `locations`").into());
    }
    let mut cursor: Cursor = match cursor.filter(|cursor| !cursor.is_empty()) {
        Some(text) => serde_json::from_str(text)
            .map_err(|_| Problem::new("cursor-unreadable", "the cursor is not a cursor of this plugin"))?,
        None => Cursor { since: square.settings.since.clone(), ..Cursor::default() },
    };
    // An order yields one event, and another one for its returns.
    let page =
        square.search(cursor.since.as_deref(), cursor.page.as_deref(), (limit / 2).clamp(1, MAX_ORDERS))?;
    let mut orders: Vec<payload::Order> = Vec::with_capacity(page.orders.len());
    for value in page.orders {
        let id = value.get("id").and_then(|id| id.as_str()).unwrap_or_default().to_owned();
        match part(value) {
            Ok(order) => orders.push(order),
            // An unreadable order does not affect the others.
            Err(problem) => log::error(format!("order {id} cannot be read: {problem}")),
        }
    }
    let context = square.context(&orders.iter().collect::<Vec<_>>(), vec![])?;
    let mut events = Vec::new();
    for order in &orders {
        match order::events(&square.settings, order, &context, None) {
            Ok(of_order) => events.extend(of_order),
            Err(problem) => log::error(format!("order {} cannot be read: {problem}", order.id)),
        }
        cursor.seen = order.updated_at.clone().max(cursor.seen);
    }
    let more = page.cursor.is_some();
    cursor.page = page.cursor;
    if !more {
        cursor.since = cursor.seen.take().or(cursor.since);
    }
    let cursor = serde_json::to_string(&cursor)
        .map_err(|error| Problem::new("cursor-unwritable", error.to_string()))?;
    Ok(Page { events, cursor, more })
}
