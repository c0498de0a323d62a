//! Stock levels: the current level of every article that moved since the last poll, in each warehouse that it moved
//! into or out of.
//!
//! The time of a level is the last change of the latest move that was read, because the level is current, and a move
//! that was committed late has an earlier last change than levels reported meanwhile. Tryton calculates the quantity
//! on hand from the moves that are done; assigned moves are reserved.

use std::collections::{BTreeMap, BTreeSet};

use crossdock_sdk::http::Error;
use crossdock_sdk::prelude::*;
use serde_json::{Value, json};

use crate::erp::Erp;
use crate::identity::{self, LAST_MODIFIED};
use crate::timestamp::Timestamp;
use crate::value;

/// Tryton's model of a stock move.
pub const MODEL: &str = "stock.move";
/// The fields of a move.
pub const MOVE_FIELDS: [&str; 6] = [
    LAST_MODIFIED,
    "product.code",
    "from_location.left",
    "from_location.right",
    "to_location.left",
    "to_location.right",
];
/// The maximum number of moves in one page: each may involve two warehouses, each warehouse takes two requests, and a
/// call may make 200.
pub const MAX_MOVES: u32 = 30;

/// The domain of moves that change the quantity on hand or the reserved quantity of a warehouse.
#[must_use]
pub fn domain() -> Value {
    json!([
        ["state", "in", ["assigned", "done", "cancelled"]],
        ["product.type", "=", "goods"],
        ["OR", ["from_location.type", "=", "storage"], ["to_location.type", "=", "storage"]],
    ])
}

/// The levels of the articles of moves, in the warehouses that they moved into or out of.
///
/// # Errors
/// A request failed.
pub fn levels(moves: &[Value], at: Option<Timestamp>, erp: &Erp) -> Result<Vec<(Timestamp, Event)>, Error> {
    let ids: BTreeSet<i64> = moves.iter().flat_map(locations).map(value::id).collect();
    let Some(at) = at.filter(|_| !ids.is_empty()) else { return Ok(Vec::new()) };
    let ancestors = json!([["type", "=", "warehouse"], ["parent", "parent_of", ids]]);
    let warehouses = erp.rest.search("stock.location", &ancestors, &["left", "right"])?;
    let mut moved_skus: BTreeMap<i64, BTreeSet<&str>> = BTreeMap::new();
    for record in moves {
        let Some(sku) = record.get("product").and_then(|product| value::text(product, "code")) else {
            continue;
        };
        for warehouse in locations(record).filter_map(|location| warehouse_of(location, &warehouses)) {
            moved_skus.entry(warehouse).or_default().insert(sku);
        }
    }
    let mut levels = Vec::new();
    for (warehouse, codes) in moved_skus {
        let codes: Vec<&str> = codes.into_iter().collect();
        let on_hand = quantities(warehouse, &codes, false, erp)?;
        let available = quantities(warehouse, &codes, true, erp)?;
        for sku in codes {
            let Some(on_hand) = on_hand.get(sku) else { continue };
            let available = available.get(sku).unwrap_or(on_hand);
            levels.push((at, level_event(sku, warehouse, *on_hand, *available, at, erp)));
        }
    }
    Ok(levels)
}

/// The locations that a move is from and to.
fn locations(record: &Value) -> impl Iterator<Item = &Value> {
    ["from_location", "to_location"].into_iter().filter_map(|field| record.get(field))
}

/// The innermost warehouse that contains a location. Locations are a nested set: a location's `left` and `right` lie
/// between those of the location that contains it.
fn warehouse_of(location: &Value, warehouses: &[Value]) -> Option<i64> {
    let edge = |record: &Value, name| record.get(name).and_then(Value::as_i64);
    let (left, right) = (edge(location, "left")?, edge(location, "right")?);
    let contains = |record: &&Value| {
        edge(record, "left").is_some_and(|edge| edge <= left)
            && edge(record, "right").is_some_and(|edge| edge >= right)
    };
    warehouses.iter().filter(contains).max_by_key(|record| edge(record, "left")).map(value::id)
}

/// The quantities of articles in a warehouse, with or without those that are assigned.
fn quantities(
    warehouse: i64,
    codes: &[&str],
    without_assigned: bool,
    erp: &Erp,
) -> Result<BTreeMap<String, Decimal>, Error> {
    let context = json!({ "locations": [warehouse], "with_childs": true, "stock_assign": without_assigned });
    let domain = json!([["code", "in", codes]]);
    let found = erp.rest.search_in_context(&context, "product.product", &domain, &["code", "quantity"])?;
    let quantity = |record: &Value| {
        Some((value::text(record, "code")?.to_owned(), value::read_number(record.get("quantity")?)?))
    };
    Ok(found.iter().filter_map(quantity).collect())
}

fn level_event(
    sku: &str,
    warehouse: i64,
    on_hand: Decimal,
    available: Decimal,
    at: Timestamp,
    erp: &Erp,
) -> Event {
    let text = |number: Decimal| number.normalize().to_string();
    let level = Level {
        sku: Some(sku.to_owned()),
        item: None,
        location: warehouse.to_string(),
        available: Some(text(available)),
        on_hand: Some(text(on_hand)),
        reserved: Some(text(on_hand - available)),
        incoming: None,
        at: at.to_string(),
    };
    let entity = identity::entity(EntityKind::Stock, format!("{sku}@{warehouse}"), erp);
    identity::event(at, entity, None, Fact::InventoryCounted(level))
}
