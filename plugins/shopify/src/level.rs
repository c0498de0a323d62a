//! What an inventory level's webhook means: so many can be sold at a location, whatever changed it.

use crossdock_sdk::prelude::*;
use serde::Deserialize;

use crate::Shop;
use crate::text::{Id, Text};

/// What Shopify writes of a level.
#[derive(Deserialize)]
pub(crate) struct InventoryLevel<'a> {
    #[serde(borrow)]
    inventory_item_id: Id<'a>,
    location_id: Id<'a>,
    /// Absent when the location stopped stocking the item, or nobody counts it.
    available: Option<i64>,
    updated_at: Text<'a>,
}

/// The id of a level: Shopify has none of its own.
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
