//! Stock levels: compares the shop's level with the level reported, and sets it if it has not changed since it was read.
//!
//! Shopify requires an idempotency key with each change of stock and stores it for a day: the same request with the same
//! key is applied once, and another request with that key is refused. The same level set from another quantity is
//! another request. So the key contains the work's key, the item, the location, and both quantities. It does not depend
//! on the attempt: a repeated request has the same key. Only when Shopify reports that the request with a key failed, a
//! number is appended.

use crossdock_sdk::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};

use super::article::{self, Article};
use super::{location, lookup};
use crate::admin::response::{MutationPayload, UserError, require_payload};
use crate::admin::{Admin, id, operations};
use crate::level;
use crate::settings::Quantity;

/// The most attempts in one call, when the level changed between reading and setting, or a key failed.
const MAX_ATTEMPTS: u32 = 3;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Variant {
    sku: Option<String>,
    inventory_item: Item,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    id: String,
    tracked: bool,
    inventory_level: Option<InventoryLevel>,
}

#[derive(Deserialize)]
struct InventoryLevel {
    quantities: Vec<InventoryQuantity>,
}

#[derive(Deserialize)]
struct InventoryQuantity {
    quantity: i64,
}

/// The level to set for one article at one location.
struct Target<'a> {
    sku: &'a str,
    article: Article,
    location: String,
    quantity: i64,
    admin: &'a Admin,
}

/// Delivers a stock level.
///
/// # Errors
/// The outcome, where it could not be delivered.
pub fn deliver(work: &Work, level: &Level, admin: &Admin) -> Result<Outcome, Outcome> {
    let target = Target::of(work, level, admin)?;
    let mut attempt = 1;
    let mut key_number = 1;
    loop {
        let item = target.read_item()?;
        let Some(current) = target.current(&item)? else { return target.activate(&item, work) };
        if current == target.quantity {
            return Ok(Outcome::AlreadyThere(target.receipt(&item)));
        }
        match target.set(&item, current, &target.key(work, &item, current, key_number))?.as_slice() {
            [] => return Ok(Outcome::Posted(target.receipt(&item))),
            [error, ..] => match error.code.as_deref() {
                Some("CHANGE_FROM_QUANTITY_STALE" | "COMPARE_QUANTITY_STALE") if attempt < MAX_ATTEMPTS => {
                    attempt += 1;
                }
                Some("CHANGE_FROM_QUANTITY_STALE" | "COMPARE_QUANTITY_STALE") => {
                    let message = format!("the stock of {} keeps changing while it is being set", target.sku);
                    return Err(Outcome::Unavailable(Problem::new("stock-moves", message)));
                }
                Some("IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED") if key_number < MAX_ATTEMPTS => key_number += 1,
                Some("IDEMPOTENCY_CONCURRENT_REQUEST" | "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED") => {
                    return Err(Outcome::Unavailable(error.problem()));
                }
                Some("NON_MUTABLE_INVENTORY_ITEM") => {
                    let reason = format!("the stock of {} follows from its components", target.sku);
                    return Ok(Outcome::Ignored(reason));
                }
                Some("ITEM_NOT_STOCKED_AT_LOCATION") => return target.activate(&item, work),
                _ => return Err(error.problem().into()),
            },
        }
    }
}

/// Looks up whether the level is set. A level that is not counts as absent: setting it again is safe.
pub fn find(work: &Work, level: &Level, admin: &Admin) -> Found {
    lookup::from_receipt(Target::of(work, level, admin).and_then(|target| {
        let item = target.read_item()?;
        Ok((target.current(&item)? == Some(target.quantity)).then(|| target.receipt(&item)))
    }))
}

impl<'a> Target<'a> {
    fn of(work: &Work, level: &'a Level, admin: &'a Admin) -> Result<Self, Outcome> {
        let kind = admin.settings.quantity;
        let (reported, field) = match kind {
            Quantity::Available => (&level.available, "available"),
            Quantity::OnHand => (&level.on_hand, "onHand"),
        };
        let Some(reported) = reported else {
            return Err(Outcome::Ignored(format!(
                "the level has no {} quantity",
                kind.name().replace('_', " ")
            )));
        };
        // A fraction of a unit cannot be sold, and oversold stock counts as none.
        let quantity = money::decimal(reported)?.floor().max(Decimal::ZERO);
        let quantity = i64::try_from(quantity)
            .map_err(|_| Problem::new("quantity-too-large", "the quantity is too large").at(field))?;
        let article = Article::of(level.sku.as_deref())?;
        let location = location::require(&work.event.entity.system, &level.location, admin)?;
        Ok(Self { sku: level.sku.as_deref().unwrap_or_default(), article, location, quantity, admin })
    }

    fn read_item(&self) -> Result<Item, Outcome> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct BySku {
            product_variants: Nodes,
        }
        #[derive(Deserialize)]
        struct Nodes {
            nodes: Vec<Variant>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct ById {
            product_variant: Option<Variant>,
        }
        let name = self.admin.settings.quantity.name();
        let variant = match &self.article {
            Article::Variant(variant) => {
                let variables = json!({ "id": variant, "location": self.location, "name": name });
                let data: ById = self.admin.run(&operations::LEVEL_OF_VARIANT, variables)?;
                data.product_variant.ok_or_else(|| article::unmapped(self.sku))?
            }
            Article::Sku(sku) => {
                let query = id::search_term("sku", sku);
                let variables = json!({ "query": query, "location": self.location, "name": name });
                let data: BySku = self.admin.run(&operations::LEVEL_BY_SKU, variables)?;
                let nodes = data.product_variants.nodes;
                Article::require(nodes, sku, self.sku, |variant| variant.sku.as_deref(), self.admin)?
            }
        };
        Ok(variant.inventory_item)
    }

    /// The current quantity. None when the location does not stock the item.
    fn current(&self, item: &Item) -> Result<Option<i64>, Outcome> {
        if !item.tracked {
            return Err(Outcome::Ignored(format!("the shop does not track the stock of {}", self.sku)));
        }
        let Some(level) = &item.inventory_level else { return Ok(None) };
        match level.quantities.as_slice() {
            [current] => Ok(Some(current.quantity)),
            _ => {
                let message = format!("the shop does not return the quantity of {}", self.sku);
                Err(Problem::new("quantity-missing", message).into())
            }
        }
    }

    fn set(&self, item: &Item, from: i64, key: &str) -> Result<Vec<UserError>, Outcome> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Data {
            inventory_set_quantities: Option<Payload>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Payload {
            user_errors: Vec<UserError>,
        }
        let input = json!({
            "name": self.admin.settings.quantity.name(),
            "reason": "correction",
            "quantities": [{
                "inventoryItemId": item.id,
                "locationId": self.location,
                "quantity": self.quantity,
                "changeFromQuantity": from,
            }],
        });
        let data: Data = self.admin.run(&operations::SET_STOCK, json!({ "input": input, "key": key }))?;
        Ok(require_payload(data.inventory_set_quantities, &operations::SET_STOCK)?.user_errors)
    }

    /// Activates the item at the location, with the quantity.
    fn activate(&self, item: &Item, work: &Work) -> Result<Outcome, Outcome> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Data {
            inventory_activate: Option<MutationPayload>,
        }
        if self.quantity == 0 {
            return Ok(Outcome::Ignored(format!(
                "the location does not stock {}, and the quantity is zero",
                self.sku
            )));
        }
        if !self.admin.settings.activate_stock {
            let message = format!("the location does not stock {} in the shop", self.sku);
            return Err(Problem::new("not-stocked-here", message).at("location").into());
        }
        let (available, on_hand) = match self.admin.settings.quantity {
            Quantity::Available => (json!(self.quantity), Value::Null),
            Quantity::OnHand => (Value::Null, json!(self.quantity)),
        };
        let key = format!(
            "{}-{}-{}-begin-{}",
            work.short_key,
            id::local(&item.id),
            id::local(&self.location),
            self.quantity
        );
        let variables = json!({
            "item": item.id, "location": self.location, "available": available, "onHand": on_hand, "key": key,
        });
        let data: Data = self.admin.run(&operations::ACTIVATE_STOCK, variables)?;
        require_payload(data.inventory_activate, &operations::ACTIVATE_STOCK)?.check()?;
        Ok(Outcome::Posted(self.receipt(item)))
    }

    fn key(&self, work: &Work, item: &Item, from: i64, number: u32) -> String {
        let (item, location) = (id::local(&item.id), id::local(&self.location));
        let key = format!("{}-{item}-{location}-{from}-{}", work.short_key, self.quantity);
        if number == 1 { key } else { format!("{key}-{number}") }
    }

    fn receipt(&self, item: &Item) -> Receipt {
        let level = level::id(id::local(&item.id), id::local(&self.location));
        let written = Written {
            entity: self.admin.entity(EntityKind::Stock, level.clone()),
            attribute: "stock.available".into(),
            value: self.quantity.to_string(),
        };
        // The shop reports the available quantity only: after `on_hand` was written, another value.
        let is_reported = self.admin.settings.quantity == Quantity::Available;
        Receipt {
            references: vec![Reference::new("inventory-level", level)],
            written: if is_reported { vec![written] } else { vec![] },
            note: None,
        }
    }
}
