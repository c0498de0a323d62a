//! What the warehouses hold, as levels: every article of which goods have moved since the last time is counted
//! anew, in each warehouse.
//!
//! A level is dated by the last move of its article. Tryton reckons what is on hand from moves that are done;
//! what is assigned to somebody is reserved.

use std::collections::BTreeMap;

use crossdock_sdk::http::Error;
use crossdock_sdk::prelude::*;
use serde_json::{Value, json};

use crate::Erp;
use crate::events::{CHANGED, own, place};
use crate::value::{self, Moment};

/// Tryton's name of a move of goods.
pub const MODEL: &str = "stock.move";
/// What is asked of one.
pub const MOVE: [&str; 2] = [CHANGED, "product.code"];

/// Moves that change what a warehouse holds or has promised.
#[must_use]
pub fn domain() -> Value {
    json!([
        ["state", "in", ["assigned", "done", "cancelled"]],
        ["product.type", "=", "goods"],
        ["OR", ["from_location.type", "=", "storage"], ["to_location.type", "=", "storage"]],
    ])
}

/// The levels of the articles that these moves are of.
///
/// # Errors
/// Tryton could not be asked.
pub fn levels(moves: &[Value], erp: &Erp) -> Result<Vec<(Moment, Event)>, Error> {
    let mut latest: BTreeMap<&str, Moment> = BTreeMap::new();
    for record in moves {
        let sku = record.get("product").and_then(|product| value::text(product, "code"));
        if let (Some(sku), Some((at, _))) = (sku, place(record)) {
            let known = latest.entry(sku).or_insert(at);
            *known = at.max(*known);
        }
    }
    if latest.is_empty() {
        return Ok(Vec::new());
    }
    let codes: Vec<&str> = latest.keys().copied().collect();
    let mut levels = Vec::new();
    for warehouse in erp.settings.all_warehouses() {
        let on_hand = quantities(warehouse, &codes, false, erp)?;
        let free = quantities(warehouse, &codes, true, erp)?;
        for (sku, at) in &latest {
            let Some(on_hand) = on_hand.get(*sku) else { continue };
            let free = free.get(*sku).unwrap_or(on_hand);
            levels.push((*at, level(sku, warehouse, *on_hand, *free, *at, erp)));
        }
    }
    Ok(levels)
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
