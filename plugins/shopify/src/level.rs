//! The event of an inventory level: the quantity available at a location, whatever changed it.

use crossdock_sdk::prelude::*;
use serde::Deserialize;

use crate::shop::Shop;
use crate::text::{Id, Text};

/// Shopify's record of a level.
#[derive(Deserialize)]
pub(crate) struct InventoryLevel<'a> {
    #[serde(borrow)]
    inventory_item_id: Id<'a>,
    location_id: Id<'a>,
    /// Absent when the location no longer stocks the item, or does not track it.
    available: Option<i64>,
    updated_at: Text<'a>,
}

/// The id of a level, for which Shopify has none.
pub(crate) fn id(item: &str, location: &str) -> String {
    format!("{item}@{location}")
}

/// The event of `inventory_levels/update`.
pub(crate) fn event(shop: &Shop, level: InventoryLevel<'_>) -> Event {
    let (item, location) = (level.inventory_item_id.to_string(), level.location_id.to_string());
    let at = String::from(level.updated_at);
    let entity = shop.entity(EntityKind::Stock, id(&item, &location));
    let fact = Fact::InventoryCounted(Level {
        sku: None,
        item: Some(item),
        location,
        available: level.available.map(|available| available.to_string()),
        on_hand: None,
        reserved: None,
        incoming: None,
        at: at.clone(),
    });
    Event { entity, parent: None, version: Some(Version::at(at.clone())), occurred_at: at, fact }
}
