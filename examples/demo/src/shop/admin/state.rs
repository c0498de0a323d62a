//! The state of the shop beside what its customers do: fulfilments, tags, metafields and stock, as others write
//! them; and the webhooks that such writes cause.
//!
//! The shop's own clock of an order stands in its `updated_at`. What a customer does next comes at least twenty
//! seconds later by that clock, so writes of others fit between, a second each. A webhook about a later
//! change of the customer carries what others wrote by then; one that was held back carries what was true when
//! it happened.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::order::{ShopOrder, tags};
use crate::shop::catalogue::{LOCATIONS, PRODUCTS};
use crate::shop::life::{Effect, Life, Topic};

/// A webhook as it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Its topic.
    pub topic: Topic,
    /// Its bytes.
    pub body: Bytes,
    /// For `X-Shopify-Triggered-At`.
    pub triggered_at: String,
}

/// A webhook that is still to be sent because somebody wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PendingWebhook {
    /// About an order: with its state at the time it is sent, so that several changes in a moment make one.
    Order(u64, Topic),
    /// Any other, as it is.
    Fixed(Webhook),
}

/// An article's record.
#[derive(Debug, Clone)]
pub struct Variant {
    /// The merchant's number.
    pub sku: String,
    /// Its title.
    pub title: String,
    /// Its price.
    pub price: String,
    /// Pieces that can be sold, by location. A location that is missing does not stock it.
    pub levels: BTreeMap<u64, i64>,
}

/// How the writes of others ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Writes {
    /// Writes that changed something.
    pub done: u64,
    /// Writes that changed nothing, since the value was there. Writes sent again under the same key
    /// are not among them.
    pub unchanged: u64,
    /// Writes that were refused.
    pub refused: u64,
}

/// Everything others can read and write.
#[derive(Debug, Default)]
pub struct AdminState {
    /// By the number of the order.
    pub(super) orders: HashMap<u64, ShopOrder>,
    pub(super) variants: Vec<Variant>,
    pub(super) subscriptions: BTreeMap<u64, Value>,
    /// The request and answer of each idempotency key.
    pub(super) keys: HashMap<String, (Value, Value)>,
    pub(super) next_id: u64,
    pub(super) pending: Vec<PendingWebhook>,
    /// Counts of the writes of others.
    pub writes: Writes,
    bodies: HashMap<(u64, usize), Bytes>,
}

impl AdminState {
    pub(crate) fn new(pieces: i64) -> Self {
        let levels: BTreeMap<u64, i64> = LOCATIONS.iter().map(|location| (*location, pieces)).collect();
        let variant = |product: &crate::shop::catalogue::Product| Variant {
            sku: product.sku.to_owned(),
            title: product.title.to_owned(),
            price: rust_decimal::Decimal::new(product.cents, 2).to_string(),
            levels: if product.gift_card { BTreeMap::new() } else { levels.clone() },
        };
        Self { variants: PRODUCTS.iter().map(variant).collect(), next_id: 4_000_000_000, ..Self::default() }
    }

    /// The order of this number, if the shop has sent anything of it.
    pub fn order(&self, id: u64) -> Option<&ShopOrder> {
        self.orders.get(&id)
    }

    /// Orders of which something has left, as far as the shop was informed.
    pub fn shipped_orders(&self) -> usize {
        self.orders.values().filter(|order| !order.fulfilments.is_empty()).count()
    }

    /// Everything on the shelves, by SKU and location.
    pub fn stock(&self) -> BTreeMap<(String, u64), i64> {
        let of = |variant: &Variant| {
            let sku = variant.sku.clone();
            variant
                .levels
                .clone()
                .into_iter()
                .map(move |(location, pieces)| ((sku.clone(), location), pieces))
        };
        self.variants.iter().flat_map(of).collect()
    }

    /// The shop reports a customer's change: gives the body of its webhook, which is the same each time.
    pub(crate) fn webhook_body(&mut self, life: &Life, fact: usize) -> Option<Bytes> {
        let reported = life.facts.get(fact)?;
        let Effect::Order(snapshot) = reported.effect else { return None };
        let content: Map<String, Value> = serde_json::from_slice(&reported.body).ok()?;
        let id = content.get("id")?.as_u64()?;
        if let Some(body) = self.bodies.get(&(id, snapshot)) {
            return Some(body.clone());
        }
        let shown = self.orders.entry(id).or_default();
        let body = if shown.snapshot.is_none_or(|known| known < snapshot) {
            if shown.snapshot.is_none() {
                shown.tags = tags(&content);
            }
            (shown.body, shown.snapshot, shown.writes) = (content, Some(snapshot), 0);
            shown.webhook_body()
        } else {
            reported.body.clone()
        };
        self.bodies.insert((id, snapshot), body.clone());
        Some(body)
    }

    /// Somebody wrote to the order: its clock moves on, and webhooks are due.
    pub(super) fn changed(&mut self, id: u64, topics: &[Topic]) {
        if let Some(shown) = self.orders.get_mut(&id) {
            shown.writes += 1;
            self.pending.extend(topics.iter().map(|topic| PendingWebhook::Order(id, *topic)));
        }
    }

    /// The webhook as it is now.
    pub(crate) fn webhook(&self, pending: PendingWebhook) -> Option<Webhook> {
        match pending {
            PendingWebhook::Fixed(webhook) => Some(webhook),
            PendingWebhook::Order(id, topic) => {
                let shown = self.orders.get(&id)?;
                Some(Webhook { topic, body: shown.webhook_body(), triggered_at: shown.now() })
            }
        }
    }

    /// A fulfilment changed: its webhook is due.
    pub(super) fn fulfilment_changed(&mut self, order: u64, fulfilment: u64, topic: Topic) {
        let Some(shown) = self.orders.get(&order) else { return };
        let Some(fulfilment) = shown.fulfilments.iter().find(|one| one.id == fulfilment) else { return };
        let mut body = shown.fulfilment(fulfilment, true);
        if let Some(body) = body.as_object_mut() {
            body.insert("order_id".to_owned(), order.into());
        }
        let body = Bytes::from(body.to_string());
        let triggered_at = shown.now();
        self.pending.push(PendingWebhook::Fixed(Webhook { topic, body, triggered_at }));
    }

    /// A level changed: its webhook is due.
    pub(super) fn level_changed(&mut self, variant: usize, location: u64, now: Timestamp) {
        let level = self.variants.get(variant).and_then(|variant| variant.levels.get(&location));
        let at = now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let body = json!({
            "inventory_item_id": item_id(variant), "location_id": location, "available": level, "updated_at": at,
            "admin_graphql_api_id": format!("gid://shopify/InventoryLevel/{location}?inventory_item_id={}", item_id(variant)),
        });
        let body = Bytes::from(body.to_string());
        self.pending.push(PendingWebhook::Fixed(Webhook { topic: Topic::StockSet, body, triggered_at: at }));
    }
}

#[cfg(test)]
impl AdminState {
    /// The shop shows so many pieces.
    pub(crate) fn show(&mut self, sku: &str, location: u64, pieces: i64) {
        let variant = self.variants.iter_mut().find(|variant| variant.sku == sku);
        variant.map(|variant| variant.levels.insert(location, pieces));
    }

    /// All goods of the order left, in these parcels.
    pub(crate) fn sent(&mut self, life: &Life, numbers: Vec<String>) {
        let id: u64 = life.reference.rsplit('/').next().and_then(|id| id.parse().ok()).unwrap_or_default();
        let order = self.orders.entry(id).or_default();
        let lines = order.shipping().into_iter().map(|(line, ordered, _)| (line, ordered)).collect();
        order.fulfilments.push(super::order::Fulfilment {
            id: 1,
            lines,
            numbers,
            carrier: None,
            cancelled: false,
        });
    }
}

/// The shop's id of an article's stock.
pub fn item_id(variant: usize) -> u64 {
    30_808_000_000 + variant as u64
}

/// The shop's id of an article.
pub fn variant_id(variant: usize) -> u64 {
    4_486_012_331_000 + variant as u64
}
