//! The event of a fulfilment.

use crossdock_sdk::prelude::*;
use serde::Deserialize;

use crate::fields::unknown_value;
use crate::shop::Shop;
use crate::text::{Id, List, Text, non_empty};

/// Shopify's record of a fulfilment, with the fields that are read. The recipient is not: the order has it.
#[derive(Deserialize)]
pub(crate) struct Fulfillment<'a> {
    #[serde(borrow)]
    id: Id<'a>,
    order_id: Id<'a>,
    name: Option<Text<'a>>,
    status: Option<Text<'a>>,
    shipment_status: Option<Text<'a>>,
    created_at: Text<'a>,
    updated_at: Text<'a>,
    location_id: Option<Id<'a>>,
    tracking_company: Option<Text<'a>>,
    tracking_number: Option<Text<'a>>,
    tracking_url: Option<Text<'a>>,
    #[serde(default)]
    tracking_numbers: List<Text<'a>>,
    #[serde(default)]
    tracking_urls: List<Text<'a>>,
    #[serde(default)]
    line_items: List<Item<'a>>,
}

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow)]
    id: Id<'a>,
    sku: Option<Text<'a>>,
    quantity: u64,
}

/// The event of `fulfillments/create` and `fulfillments/update`.
pub(crate) fn event(shop: &Shop, fulfilment: Fulfillment<'_>) -> Result<Event, Problem> {
    let order = shop.entity(EntityKind::Order, &fulfilment.order_id);
    let entity = shop.entity(EntityKind::Shipment, &fulfilment.id);
    let state = state(fulfilment.status.as_deref(), fulfilment.shipment_status.as_deref())?;
    let at = String::from(fulfilment.updated_at);
    let is_shipped = matches!(state, ShipmentState::Shipped | ShipmentState::Delivered);
    // Older versions have only the first parcel.
    let numbers = if fulfilment.tracking_numbers.is_empty() {
        List(fulfilment.tracking_number.into_iter().collect())
    } else {
        fulfilment.tracking_numbers
    };
    let urls = if fulfilment.tracking_urls.is_empty() {
        List(fulfilment.tracking_url.into_iter().collect())
    } else {
        fulfilment.tracking_urls
    };
    let carrier = non_empty(fulfilment.tracking_company);
    let mut urls = urls.into_iter();
    let parcels = numbers.into_iter().map(|number| (non_empty(Some(number)), non_empty(urls.next())));
    let tracking: Vec<Tracking> = parcels
        .filter_map(|(number, url)| Some(Tracking { carrier: carrier.clone(), number: number?, url }))
        .collect();
    let lines = fulfilment.line_items.into_iter().filter(|item| item.quantity > 0).map(|item| ShipmentLine {
        line: Some(item.id.to_string()),
        sku: non_empty(item.sku),
        quantity: item.quantity.to_string(),
    });
    let shipment = Shipment {
        number: non_empty(fulfilment.name),
        order: order.clone(),
        state,
        location: fulfilment.location_id.map(|id| id.to_string()),
        shipped_at: is_shipped.then(|| fulfilment.created_at.into()),
        lines: lines.collect(),
        tracking,
        personal: None,
        extensions: None,
    };
    let fact = Fact::ShipmentUpdated(shipment);
    Ok(Event { entity, parent: Some(order), version: Some(Version::at(at.clone())), occurred_at: at, fact })
}

/// A fulfilment is created when goods are shipped, so a successful one is shipped. Of the carrier's states only
/// `delivered` is used.
fn state(status: Option<&str>, carrier: Option<&str>) -> Result<ShipmentState, Problem> {
    Ok(match (status, carrier) {
        (Some("success"), Some("delivered")) => ShipmentState::Delivered,
        (Some("success"), _) => ShipmentState::Shipped,
        (Some("pending" | "open"), _) | (None, _) => ShipmentState::Allocated,
        // A request that a fulfilment service did not complete is shipped by another fulfilment, if at all.
        (Some("cancelled" | "error" | "failure"), _) => ShipmentState::Cancelled,
        (Some(_), _) => return Err(unknown_value("status")),
    })
}
