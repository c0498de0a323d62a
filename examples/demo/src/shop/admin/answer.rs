//! Queries, answered as whole objects.

use serde_json::{Map, Value, json};

use super::order::{ShopOrder, is_called};
use super::query::list;
use super::state::{AdminState, Variant, item_id, variant_id};
use crate::shop::catalogue::LOCATIONS;

/// The version of the API that is served.
pub(super) const VERSION: &str = "2026-07";

/// The number at the end of a global id of this kind.
pub(super) fn number(id: &Value, kind: &str) -> Option<u64> {
    let id = id.as_str()?.strip_prefix("gid://shopify/")?.strip_prefix(kind)?.strip_prefix('/')?;
    id.split('?').next()?.parse().ok()
}

pub(super) fn gid(kind: &str, id: impl std::fmt::Display) -> String {
    format!("gid://shopify/{kind}/{id}")
}

impl AdminState {
    /// Answers a root field of a query.
    pub(super) fn query(&self, name: &str, arguments: &Map<String, Value>) -> Result<Value, String> {
        let argument = |name: &str| arguments.get(name).cloned().unwrap_or_default();
        let id = argument("id");
        Ok(match name {
            "order" => number(&id, "Order").and_then(|id| self.order_node(id)).unwrap_or_default(),
            "fulfillmentOrder" => {
                let order = number(&id, "FulfillmentOrder");
                order
                    .and_then(|id| Some(self.fulfilment_order(id, self.orders.get(&id)?)))
                    .unwrap_or_default()
            }
            "fulfillment" => {
                number(&id, "Fulfillment").and_then(|id| self.fulfilment_node(id)).unwrap_or_default()
            }
            "productVariant" => {
                let found = number(&id, "ProductVariant").and_then(|id| self.variant(id));
                found.map(|(at, variant)| variant_node(at, variant)).unwrap_or_default()
            }
            "productVariants" => {
                let sku = searched(argument("query").as_str().unwrap_or_default());
                let found = self.variants.iter().enumerate().filter(|(_, variant)| variant.sku == sku);
                list(found.map(|(at, variant)| variant_node(at, variant)).collect())
            }
            "locations" => {
                let all =
                    LOCATIONS.iter().map(|id| json!({ "__typename": "Location", "id": gid("Location", id) }));
                list(all.collect())
            }
            "shop" => json!({ "__typename": "Shop", "currencyCode": "USD", "taxesIncluded": false }),
            "publicApiVersions" => {
                json!([{ "__typename": "ApiVersion", "handle": VERSION, "supported": true }])
            }
            "webhookSubscriptions" => list(self.subscriptions.values().cloned().collect()),
            "priceList" => Value::Null,
            other => return Err(format!("Field '{other}' doesn't exist on type 'QueryRoot'")),
        })
    }

    fn variant(&self, id: u64) -> Option<(usize, &Variant)> {
        self.variants.iter().enumerate().find(|(at, _)| variant_id(*at) == id)
    }

    fn order_node(&self, id: u64) -> Option<Value> {
        let shown = self.orders.get(&id)?;
        let metafields: Map<String, Value> = shown
            .metafields
            .iter()
            .map(|(key, value)| (key.clone(), json!({ "value": value, "compareDigest": digest(value) })))
            .collect();
        let fulfilments = shown.fulfilments.iter().filter_map(|one| self.fulfilment_node(one.id)).collect();
        let cancelled =
            shown.cancelled_at.as_deref().or(Some(shown.text("cancelled_at")).filter(|at| !at.is_empty()));
        Some(json!({
            "__typename": "Order", "id": gid("Order", id), "name": shown.text("name"), "cancelledAt": cancelled,
            "displayFulfillmentStatus": shown.fulfilment_status(), "tags": shown.tags,
            "metafield": { "@by": ["namespace", "key"], "@of": metafields },
            "fulfillments": Value::Array(fulfilments), "updatedAt": shown.now(),
            "fulfillmentOrders": list(vec![self.fulfilment_order(id, shown)]),
        }))
    }

    fn fulfilment_order(&self, id: u64, shown: &ShopOrder) -> Value {
        let shipping = shown.shipping();
        let open = !shown.is_cancelled() && shipping.iter().any(|(_, wanted, left)| left < wanted);
        let lines = shipping.iter().map(|(line, wanted, left)| {
            json!({
                "__typename": "FulfillmentOrderLineItem", "id": gid("FulfillmentOrderLineItem", line),
                "remainingQuantity": if open { wanted - left } else { 0 }, "totalQuantity": wanted,
                "lineItem": self.line_node(shown, line),
            })
        });
        let actions = if open {
            vec![json!({ "__typename": "Action", "action": "CREATE_FULFILLMENT" })]
        } else {
            vec![]
        };
        let location =
            json!({ "__typename": "Location", "id": LOCATIONS.first().map(|id| gid("Location", id)) });
        json!({
            "__typename": "FulfillmentOrder", "id": gid("FulfillmentOrder", id),
            "status": if open { "OPEN" } else { "CLOSED" }, "supportedActions": actions,
            "assignedLocation": { "__typename": "FulfillmentOrderAssignedLocation", "location": location },
            "lineItems": list(lines.collect()),
        })
    }

    fn line_node(&self, shown: &ShopOrder, id: &str) -> Value {
        let line = shown.lines().find(|line| is_called(line, id));
        let sku = line.and_then(|line| line.get("sku")).cloned().unwrap_or_default();
        let at = self.variants.iter().position(|variant| sku == variant.sku.as_str());
        let variant = at
            .map(|at| json!({ "__typename": "ProductVariant", "id": gid("ProductVariant", variant_id(at)) }));
        json!({ "__typename": "LineItem", "id": gid("LineItem", id), "sku": sku, "variant": variant })
    }

    /// The order of a fulfilment, and its place there.
    pub(super) fn fulfilment(&self, id: u64) -> Option<(u64, usize)> {
        self.orders
            .iter()
            .find_map(|(order, shown)| Some((*order, shown.fulfilments.iter().position(|one| one.id == id)?)))
    }

    pub(super) fn fulfilment_node(&self, id: u64) -> Option<Value> {
        let (order, at) = self.fulfilment(id)?;
        let shown = self.orders.get(&order)?;
        let one = shown.fulfilments.get(at)?;
        let tracking = |number: &String| json!({ "__typename": "FulfillmentTrackingInfo", "number": number, "company": one.carrier, "url": null });
        let lines = one.lines.iter().map(|(line, pieces)| {
            json!({ "__typename": "FulfillmentLineItem", "quantity": pieces, "lineItem": self.line_node(shown, line) })
        });
        let of = json!({
            "__typename": "Order", "id": gid("Order", order), "displayFulfillmentStatus": shown.fulfilment_status(),
        });
        Some(json!({
            "__typename": "Fulfillment", "id": gid("Fulfillment", id), "name": format!("{}-F{}", shown.text("name"), at + 1),
            "status": if one.cancelled { "CANCELLED" } else { "SUCCESS" }, "order": of,
            "trackingInfo": one.numbers.iter().map(tracking).collect::<Vec<_>>(),
            "fulfillmentLineItems": list(lines.collect()),
        }))
    }
}

/// The SKU of a search for one: `sku:'A\'7'`.
fn searched(query: &str) -> String {
    let term = query.strip_prefix("sku:").unwrap_or(query).trim_matches(['\'', '"']);
    term.replace("\\'", "'").replace("\\\\", "\\")
}

/// Metafields are compared by this.
pub(super) fn digest(value: &str) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(value.as_bytes()).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

fn variant_node(at: usize, variant: &Variant) -> Value {
    let levels: Map<String, Value> = variant
        .levels
        .iter()
        .map(|(location, pieces)| {
            // The shop's customers take nothing from its stock by themselves, so both are the same.
            let count = |name: &str| json!({ "__typename": "InventoryQuantity", "name": name, "quantity": pieces });
            let counts = json!({ "@by": ["names"], "@of": { "available": [count("available")], "on_hand": [count("on_hand")] } });
            let level = json!({ "__typename": "InventoryLevel", "id": gid("InventoryLevel", location), "quantities": counts });
            (gid("Location", location), level)
        })
        .collect();
    let weight = json!({ "__typename": "Weight", "unit": "GRAMS", "value": 0 });
    json!({
        "__typename": "ProductVariant", "id": gid("ProductVariant", variant_id(at)), "sku": variant.sku, "barcode": null,
        "price": variant.price,
        "inventoryItem": {
            "__typename": "InventoryItem", "id": gid("InventoryItem", item_id(at)), "tracked": !variant.levels.is_empty(),
            "inventoryLevel": { "@by": ["locationId"], "@of": levels },
            "measurement": { "__typename": "InventoryItemMeasurement", "weight": weight },
        },
        "product": {
            "__typename": "Product", "id": gid("Product", 7_880_321_196_742 + at as u64), "title": variant.title,
            "description": "", "status": "ACTIVE", "hasOnlyDefaultVariant": true,
        },
    })
}
