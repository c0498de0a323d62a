//! What the warehouses hold, as levels: every article of which goods have moved since the last time is counted
//! anew, in each warehouse that they moved in or out of.
//!
//! A level is dated by the latest move that is known: it is of now, and a move that was committed late is dated by
//! its beginning, which is before what was told meanwhile. Tryton reckons what is on hand from moves that are done;
//! what is assigned to somebody is reserved.

use std::collections::{BTreeMap, BTreeSet};

use crossdock_sdk::http::Error;
use crossdock_sdk::prelude::*;
use serde_json::{Value, json};

use crate::Erp;
use crate::events::{CHANGED, own};
use crate::value::{self, Moment};

/// Tryton's name of a move of goods.
pub const MODEL: &str = "stock.move";
/// What is asked of one.
pub const MOVE: [&str; 6] = [
    CHANGED,
    "product.code",
    "from_location.left",
    "from_location.right",
    "to_location.left",
    "to_location.right",
];
/// The most moves that are read at once: each may be in two warehouses, every warehouse takes two questions, and a
/// call has 200.
pub const MOST: u32 = 30;

/// Moves that change what a warehouse holds or has promised.
#[must_use]
pub fn domain() -> Value {
    json!([
        ["state", "in", ["assigned", "done", "cancelled"]],
        ["product.type", "=", "goods"],
        ["OR", ["from_location.type", "=", "storage"], ["to_location.type", "=", "storage"]],
    ])
}

/// The levels of the articles that these moves are of, where they were moved.
///
/// # Errors
/// Tryton could not be asked.
pub fn levels(moves: &[Value], at: Option<Moment>, erp: &Erp) -> Result<Vec<(Moment, Event)>, Error> {
    let ids: BTreeSet<i64> = moves.iter().flat_map(places).map(value::id).collect();
    let Some(at) = at.filter(|_| !ids.is_empty()) else { return Ok(Vec::new()) };
    let around = json!([["type", "=", "warehouse"], ["parent", "parent_of", ids]]);
    let warehouses = erp.rest.search("stock.location", &around, &["left", "right"])?;
    let mut moved: BTreeMap<i64, BTreeSet<&str>> = BTreeMap::new();
    for record in moves {
        let Some(sku) = record.get("product").and_then(|product| value::text(product, "code")) else {
            continue;
        };
        for warehouse in places(record).filter_map(|place| warehouse(place, &warehouses)) {
            moved.entry(warehouse).or_default().insert(sku);
        }
    }
    let mut levels = Vec::new();
    for (warehouse, codes) in moved {
        let codes: Vec<&str> = codes.into_iter().collect();
        let on_hand = quantities(warehouse, &codes, false, erp)?;
        let free = quantities(warehouse, &codes, true, erp)?;
        for sku in codes {
            let Some(on_hand) = on_hand.get(sku) else { continue };
            let free = free.get(sku).unwrap_or(on_hand);
            levels.push((at, level(sku, warehouse, *on_hand, *free, at, erp)));
        }
    }
    Ok(levels)
}

/// Where the goods were, and where they went.
fn places(record: &Value) -> impl Iterator<Item = &Value> {
    ["from_location", "to_location"].into_iter().filter_map(|field| record.get(field))
}

/// The warehouse that a place is in: the innermost one around it. Places lie in one another as numbers do between
/// a left and a right one.
fn warehouse(place: &Value, warehouses: &[Value]) -> Option<i64> {
    let edge = |record: &Value, name| record.get(name).and_then(Value::as_i64);
    let (left, right) = (edge(place, "left")?, edge(place, "right")?);
    let around = |record: &&Value| {
        edge(record, "left").is_some_and(|edge| edge <= left)
            && edge(record, "right").is_some_and(|edge| edge >= right)
    };
    warehouses.iter().filter(around).max_by_key(|record| edge(record, "left")).map(value::id)
}

/// What a warehouse holds of articles; without what is assigned, when told so.
fn quantities(
    warehouse: i64,
    codes: &[&str],
    without_assigned: bool,
    erp: &Erp,
) -> Result<BTreeMap<String, Decimal>, Error> {
    let context = json!({ "locations": [warehouse], "with_childs": true, "stock_assign": without_assigned });
    let domain = json!([["code", "in", codes]]);
    let found = erp.rest.search_in(&context, "product.product", &domain, &["code", "quantity"])?;
    let quantity = |record: &Value| {
        Some((value::text(record, "code")?.to_owned(), value::read_number(record.get("quantity")?)?))
    };
    Ok(found.iter().filter_map(quantity).collect())
}

fn level(sku: &str, warehouse: i64, on_hand: Decimal, free: Decimal, at: Moment, erp: &Erp) -> Event {
    let text = |number: Decimal| number.normalize().to_string();
    let level = Level {
        sku: Some(sku.to_owned()),
        item: None,
        location: warehouse.to_string(),
        available: Some(text(free)),
        on_hand: Some(text(on_hand)),
        reserved: Some(text(on_hand - free)),
        incoming: None,
        at: at.to_string(),
    };
    Event {
        entity: own(EntityKind::Stock, format!("{sku}@{warehouse}"), erp),
        parent: None,
        version: Some(Version::at(at.to_string())),
        occurred_at: at.to_string(),
        fact: Fact::InventoryCounted(level),
    }
}
