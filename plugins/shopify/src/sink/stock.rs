//! Stock: a level that was counted elsewhere is set in the shop, if the shop's is still what it was when it was
//! read.
//!
//! Shopify demands a key with each change of stock and keeps it for a day: the same request under the same key
//! is done once. The same level that is set from another starting point is another request to it, and refused
//! under the old key. So the key says what is asked for as well: the work's own key, the item, the location, from
//! which quantity to which. It is made from what happened and what is there, never for a try: a request that is
//! sent again is the same request. Only when Shopify itself says that the request under a key failed, the next
//! number is put behind it.

use crossdock_sdk::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};

use super::article::Article;
use super::place;
use crate::admin::answer::{self, Done, UserError};
use crate::admin::{Admin, id, operations};
use crate::settings::Quantity;

/// How often a level that moved between reading and setting is read again.
const ROUNDS: u32 = 3;

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
    inventory_level: Option<Stocked>,
}

#[derive(Deserialize)]
struct Stocked {
    quantities: Vec<Count>,
}

#[derive(Deserialize)]
struct Count {
    quantity: i64,
}

/// A level to be, at one location.
struct Target<'a> {
    sku: &'a str,
    article: Article,
    location: String,
    quantity: i64,
    admin: &'a Admin,
}

/// Sets the level.
///
/// # Errors
/// The outcome, where something stood in the way.
pub fn deliver(work: &Work, level: &Level, admin: &Admin) -> Result<Outcome, Outcome> {
    let target = Target::of(work, level, admin)?;
    let mut again = 1;
    let mut generation = 1;
    loop {
        let item = target.read()?;
        let Some(there) = target.count(&item)? else { return target.begin(&item, work) };
        if there == target.quantity {
            return Ok(Outcome::AlreadyThere(target.receipt(&item)));
        }
        match target.set(&item, there, &target.key(work, &item, there, generation))?.as_slice() {
            [] => return Ok(Outcome::Posted(target.receipt(&item))),
            [error, ..] => match error.code.as_deref() {
                Some("CHANGE_FROM_QUANTITY_STALE" | "COMPARE_QUANTITY_STALE") if again < ROUNDS => again += 1,
                Some("CHANGE_FROM_QUANTITY_STALE" | "COMPARE_QUANTITY_STALE") => {
                    let message = format!("the stock of {} keeps moving while it is being set", target.sku);
                    return Err(Outcome::Unavailable(Problem::new("stock-moves", message)));
                }
                Some("IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED") if generation < ROUNDS => generation += 1,
                Some("IDEMPOTENCY_CONCURRENT_REQUEST" | "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED") => {
                    return Err(Outcome::Unavailable(error.problem()));
                }
                Some("NON_MUTABLE_INVENTORY_ITEM") => {
                    let why = format!("the stock of {} follows from what it is made of", target.sku);
                    return Ok(Outcome::Ignored(why));
                }
                Some("ITEM_NOT_STOCKED_AT_LOCATION") => return target.begin(&item, work),
                _ => return Err(error.problem().into()),
            },
        }
    }
}

/// Whether the level is what it was to be.
///
/// # Errors
/// The shop could not be asked.
pub fn find(work: &Work, level: &Level, admin: &Admin) -> Result<Found, Found> {
    let seen = Target::of(work, level, admin).and_then(|target| {
        let item = target.read()?;
        Ok((target.count(&item)? == Some(target.quantity)).then(|| target.receipt(&item)))
    });
    match seen {
        Ok(Some(receipt)) => Ok(Found::Present(receipt)),
        // Setting it once more is safe.
        Ok(None) => Ok(Found::Absent),
        Err(outcome) => Ok(super::found(outcome)),
    }
}

impl<'a> Target<'a> {
    fn of(work: &Work, level: &'a Level, admin: &'a Admin) -> Result<Self, Outcome> {
        let kind = admin.settings.quantity;
        let (counted, field) = match kind {
            Quantity::Available => (&level.available, "available"),
            Quantity::OnHand => (&level.on_hand, "onHand"),
        };
        let Some(counted) = counted else {
            return Err(Outcome::Ignored(format!(
                "it does not say what is {}",
                kind.name().replace('_', " ")
            )));
        };
        // A part of a piece cannot be sold, and what is owed to others is not there.
        let quantity = money::decimal(counted)?.floor().max(Decimal::ZERO);
        let quantity = i64::try_from(quantity)
            .map_err(|_| Problem::new("quantity-too-large", "so many cannot be in stock").at(field))?;
        let article = Article::of(level.sku.as_deref())?;
        let location = place::location(&work.event.entity.system, &level.location, admin)?;
        Ok(Self { sku: level.sku.as_deref().unwrap_or_default(), article, location, quantity, admin })
    }

    fn read(&self) -> Result<Item, Outcome> {
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
                let found: ById = self.admin.run(&operations::LEVEL_OF_VARIANT, variables)?;
                found.product_variant.ok_or_else(|| super::article::unmapped(self.sku))?
            }
            Article::Sku(sku) => {
                let query = id::term("sku", sku);
                let variables = json!({ "query": query, "location": self.location, "name": name });
                let found: BySku = self.admin.run(&operations::LEVEL_BY_SKU, variables)?;
                let nodes = found.product_variants.nodes;
                Article::choose(nodes, sku, self.sku, |variant| variant.sku.as_deref(), self.admin)?
            }
        };
        Ok(variant.inventory_item)
    }

    /// What is there now. None when the location does not stock it.
    fn count(&self, item: &Item) -> Result<Option<i64>, Outcome> {
        if !item.tracked {
            return Err(Outcome::Ignored(format!("the shop does not track the stock of {}", self.sku)));
        }
        let Some(level) = &item.inventory_level else { return Ok(None) };
        match level.quantities.as_slice() {
            [count] => Ok(Some(count.quantity)),
            _ => {
                let message = format!("the shop does not say how many of {} there are", self.sku);
                Err(Problem::new("quantity-missing", message).into())
            }
        }
    }

    fn set(&self, item: &Item, from: i64, key: &str) -> Result<Vec<UserError>, Outcome> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Answer {
            inventory_set_quantities: Option<Refusal>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Refusal {
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
        let answer: Answer = self.admin.run(&operations::SET_STOCK, json!({ "input": input, "key": key }))?;
        Ok(answer::said(answer.inventory_set_quantities, &operations::SET_STOCK)?.user_errors)
    }

    /// The location stocks it from now on.
    fn begin(&self, item: &Item, work: &Work) -> Result<Outcome, Outcome> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Answer {
            inventory_activate: Option<Done>,
        }
        if self.quantity == 0 {
            return Ok(Outcome::Ignored(format!(
                "the location does not stock {}, and there is none",
                self.sku
            )));
        }
        if !self.admin.settings.activate {
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
        let answer: Answer = self.admin.run(&operations::STOCK_HERE, variables)?;
        answer::said(answer.inventory_activate, &operations::STOCK_HERE)?.accepted()?;
        Ok(Outcome::Posted(self.receipt(item)))
    }

    fn key(&self, work: &Work, item: &Item, from: i64, generation: u32) -> String {
        let (item, location) = (id::local(&item.id), id::local(&self.location));
        let key = format!("{}-{item}-{location}-{from}-{}", work.short_key, self.quantity);
        if generation == 1 { key } else { format!("{key}-{generation}") }
    }

    fn receipt(&self, item: &Item) -> Receipt {
        let level = crate::level::id(id::local(&item.id), id::local(&self.location));
        let written = Written {
            entity: self.admin.entity(EntityKind::Stock, level.clone()),
            attribute: "stock.available".into(),
            value: self.quantity.to_string(),
        };
        // What is on the shelf is less of what is promised before the shop tells it as what can be sold.
        let comes_back = self.admin.settings.quantity == Quantity::Available;
        Receipt {
            references: vec![Reference::new("inventory-level", level)],
            written: if comes_back { vec![written] } else { vec![] },
            note: None,
        }
    }
}
