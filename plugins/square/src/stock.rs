//! Stock: Square's counts of a variation at a location, as absolute levels.

use crossdock_sdk::prelude::*;

use crate::api::Api;
use crate::payload::Count;

/// `inventory.counted` events of sellable stock. Counts of other states (sold, wasted, in transit) are ignored.
pub(crate) fn events(counts: &[Count], square: &Api) -> Result<Vec<Event>, Failure> {
    let sellable: Vec<&Count> = counts
        .iter()
        .filter(|count| count.state.as_deref() == Some("IN_STOCK"))
        .filter(|count| count.catalog_object_type.as_deref().is_none_or(|kind| kind == "ITEM_VARIATION"))
        .collect();
    let articles = square.articles(sellable.iter().map(|count| count.catalog_object_id.as_str()))?;
    let event = |count: &Count| {
        let item = &count.catalog_object_id;
        let location =
            count.location_id.clone().filter(|location| !location.is_empty()).ok_or_else(|| {
                Problem::new("body-unreadable", "the count has no location").at("location_id")
            })?;
        Ok(Event {
            entity: square.settings.entity(EntityKind::Stock, format!("{location}/{item}")),
            parent: None,
            version: Some(Version::at(count.calculated_at.clone())),
            occurred_at: count.calculated_at.clone(),
            fact: Fact::InventoryCounted(Level {
                sku: articles.get(item).and_then(|article| article.sku.clone()),
                item: Some(item.clone()),
                location,
                available: count.quantity.clone(),
                on_hand: None,
                reserved: None,
                incoming: None,
                at: count.calculated_at.clone(),
            }),
        })
    };
    sellable.into_iter().map(event).collect::<Result<_, Problem>>().map_err(Failure::from)
}
