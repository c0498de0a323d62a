//! Orders that no notification told of: asked by when they last changed.

use crossdock_sdk::prelude::*;
use serde::{Deserialize, Serialize};

use crate::api::Api;
use crate::order;
use crate::payload::{self, part};

/// The most orders of a page. Each may need more questions.
const MOST: u32 = 25;

/// Where to go on: within the pages of one search, or with a new one.
#[derive(Default, Deserialize, Serialize)]
struct Cursor {
    /// Where the search begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    /// The next page of it, in Square's word.
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<String>,
    /// The latest change that was seen in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    seen: Option<String>,
}

/// The next page. A search begins with what the one before saw last, which is told again: it has the same keys.
pub(crate) fn poll(cursor: Option<&str>, limit: u32, square: &Api) -> Result<Page, Failure> {
    if square.settings.locations.is_empty() {
        return Err(Problem::new("setting-missing", "polling needs the setting `locations`").into());
    }
    let mut cursor: Cursor = match cursor.filter(|cursor| !cursor.is_empty()) {
        Some(text) => serde_json::from_str(text)
            .map_err(|_| Problem::new("cursor-unreadable", "the cursor is not one of this plugin's"))?,
        None => Cursor { since: square.settings.since.clone(), ..Cursor::default() },
    };
    // An order is an event, and one more where goods were brought back.
    let found = square.search(cursor.since.as_deref(), cursor.page.as_deref(), (limit / 2).clamp(1, MOST))?;
    let mut orders: Vec<payload::Order> = Vec::with_capacity(found.orders.len());
    for value in found.orders {
        let id = value.get("id").and_then(|id| id.as_str()).unwrap_or_default().to_owned();
        match part(value) {
            Ok(order) => orders.push(order),
            // One order that cannot be read does not keep the others away.
            Err(problem) => log::error(format!("order {id} was not read: {problem}")),
        }
    }
    let known = square.about(&orders.iter().collect::<Vec<_>>(), vec![])?;
    let mut events = Vec::new();
    for order in &orders {
        match order::events(&square.settings, order, &known, None) {
            Ok(told) => events.extend(told),
            Err(problem) => log::error(format!("order {} was not read: {problem}", order.id)),
        }
        cursor.seen = order.updated_at.clone().max(cursor.seen);
    }
    let more = found.cursor.is_some();
    cursor.page = found.cursor;
    if !more {
        cursor.since = cursor.seen.take().or(cursor.since);
    }
    let cursor = serde_json::to_string(&cursor)
        .map_err(|error| Problem::new("cursor-unwritable", error.to_string()))?;
    Ok(Page { events, cursor, more })
}
