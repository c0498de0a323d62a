//! The state of the shop beside what its customers do: fulfilments, tags, metafields and stock, as others write
//! them; and the webhooks that such writes cause.
//!
//! The shop's own clock of an order stands in its `updated_at`. What a customer does next comes at least twenty
//! seconds later by that clock, so writes of others fit between, a second each. A webhook about a later
//! change of the customer carries what others wrote by then; one that was held back carries what was true when
//! it happened.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bytes::Bytes;
use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};
use serde_json::{Map, Value, json};

use crate::shop::catalogue::PRODUCTS;
use crate::shop::life::{Effect, Life, Topic};

/// The shop's locations.
pub const LOCATIONS: [u64; 2] = [655_441_491, 655_441_492];

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

/// Goods that left together, as far as the shop was informed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fulfilment {
    /// The shop's id of it.
    pub id: u64,
    /// Line items and pieces.
    pub lines: Vec<(String, i64)>,
    /// The parcels' numbers.
    pub numbers: Vec<String>,
    /// Who carries them.
    pub carrier: Option<String>,
    /// Whether it was cancelled.
    pub cancelled: bool,
}

/// An order as the shop shows it.
#[derive(Debug, Clone, Default)]
pub struct ShopOrder {
    /// The newest content, as its customer made it.
    body: Map<String, Value>,
    /// The place of that content among the life's snapshots.
    snapshot: Option<usize>,
    /// How often others wrote since.
    writes: i64,
    /// Tags, those of others among them.
    pub tags: BTreeSet<String>,
    /// Goods that left.
    pub fulfilments: Vec<Fulfilment>,
    /// By namespace and key.
    pub metafields: BTreeMap<String, String>,
    /// When somebody else cancelled it.
    pub cancelled_at: Option<String>,
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
        order.fulfilments.push(Fulfilment { id: 1, lines, numbers, carrier: None, cancelled: false });
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

fn tags(body: &Map<String, Value>) -> BTreeSet<String> {
    let text = body.get("tags").and_then(Value::as_str).unwrap_or_default();
    text.split(',').map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned).collect()
}

/// Whether a line item has this id.
pub(super) fn is_called(line: &Value, id: &str) -> bool {
    line.get("id").and_then(Value::as_u64).is_some_and(|of| id.parse() == Ok(of))
}

impl ShopOrder {
    pub(super) fn text(&self, name: &str) -> &str {
        self.body.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// The line items as the customer's order has them.
    pub(super) fn lines(&self) -> impl Iterator<Item = &Value> {
        self.body.get("line_items").and_then(Value::as_array).into_iter().flatten()
    }

    /// Whether a customer or somebody else cancelled it.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled_at.is_some() || self.body.get("cancelled_at").is_some_and(|at| !at.is_null())
    }

    /// Pieces of a line that have left.
    pub(super) fn left(&self, line: &str) -> i64 {
        let lines = self.fulfilments.iter().filter(|one| !one.cancelled).flat_map(|one| &one.lines);
        lines.filter(|(id, _)| id == line).map(|(_, pieces)| pieces).sum()
    }

    /// Pieces of each line that goods have to leave for, and have left: line item, wanted, left.
    pub fn shipping(&self) -> Vec<(String, i64, i64)> {
        // What is handed over the counter has no fulfilment to come.
        if self.body.get("shipping_address").is_none_or(Value::is_null) {
            return vec![];
        }
        let ships = |line: &&Value| line.get("requires_shipping").and_then(Value::as_bool) == Some(true);
        let of = |line: &Value| {
            let id = line.get("id").map(ToString::to_string).unwrap_or_default();
            let left = self.left(&id);
            (id, line.get("quantity").and_then(Value::as_i64).unwrap_or_default(), left)
        };
        self.lines().filter(ships).map(of).collect()
    }

    /// The numbers of the parcels that left, as far as the shop was informed.
    pub(crate) fn parcels(&self) -> impl Iterator<Item = &str> {
        let standing = self.fulfilments.iter().filter(|one| !one.cancelled);
        standing.flat_map(|one| &one.numbers).map(String::as_str)
    }

    /// Whether this parcel is among them.
    pub(crate) fn shows_parcel(&self, number: &str) -> bool {
        self.parcels().any(|shown| shown == number)
    }

    /// Whether everything that has to leave has left, as far as the shop was informed.
    pub(crate) fn shows_all_left(&self) -> bool {
        self.fulfilment_status() == "FULFILLED"
    }

    /// As the GraphQL API names it.
    pub(super) fn fulfilment_status(&self) -> &'static str {
        let lines = self.shipping();
        match (lines.iter().all(|(_, wanted, left)| left >= wanted), lines.iter().any(|(.., left)| *left > 0))
        {
            (true, true) => "FULFILLED",
            (false, true) => "PARTIALLY_FULFILLED",
            _ => "UNFULFILLED",
        }
    }

    /// The order's clock: when the customer changed it last, and a second for each write of others since.
    pub(super) fn now(&self) -> String {
        let at = self.text("updated_at");
        let Ok(instant) = at.parse::<Timestamp>() else { return at.to_owned() };
        let hours =
            at.len().checked_sub(6).and_then(|from| at.get(from..from + 3)?.parse().ok()).unwrap_or(0);
        let zone = TimeZone::fixed(Offset::from_hours(hours).unwrap_or(Offset::UTC));
        let later = instant + std::time::Duration::from_secs(self.writes.unsigned_abs());
        later.to_zoned(zone).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
    }

    /// The body of a webhook about the order as it is now.
    fn webhook_body(&self) -> Bytes {
        let mut body = self.body.clone();
        let tags = self.tags.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        body.insert("tags".to_owned(), tags.into());
        body.insert("updated_at".to_owned(), self.now().into());
        if let Some(at) = &self.cancelled_at {
            body.insert("cancelled_at".to_owned(), at.clone().into());
            body.insert("cancel_reason".to_owned(), "other".into());
        }
        if !self.fulfilments.is_empty() {
            let all: Vec<Value> = self.fulfilments.iter().map(|one| self.fulfilment(one, false)).collect();
            body.insert("fulfillments".to_owned(), all.into());
            let status = match self.fulfilment_status() {
                "FULFILLED" => Some("fulfilled"),
                "PARTIALLY_FULFILLED" => Some("partial"),
                _ => None,
            };
            body.insert("fulfillment_status".to_owned(), status.into());
        }
        Bytes::from(Value::Object(body).to_string())
    }

    /// A fulfilment as webhooks write it; by itself it is whole, in its order its lines are left to the order.
    fn fulfilment(&self, one: &Fulfilment, whole: bool) -> Value {
        let lines: Vec<Value> = one
            .lines
            .iter()
            .filter_map(|(id, pieces)| {
                let mut line = self.lines().find(|line| is_called(line, id))?.clone();
                line.as_object_mut()?.insert("quantity".to_owned(), (*pieces).into());
                Some(line)
            })
            .collect();
        let order = self.body.get("id").cloned().unwrap_or_default();
        let number = self.fulfilments.iter().position(|other| other.id == one.id).unwrap_or(0) + 1;
        json!({
            "id": one.id, "admin_graphql_api_id": format!("gid://shopify/Fulfillment/{}", one.id), "order_id": order,
            "name": format!("{}.{number}", self.text("name")), "created_at": self.now(), "updated_at": self.now(),
            "location_id": LOCATIONS.first(), "origin_address": {}, "receipt": {}, "service": "manual",
            "shipment_status": null, "status": if one.cancelled { "cancelled" } else { "success" },
            "tracking_company": one.carrier, "tracking_number": one.numbers.first(),
            "tracking_numbers": one.numbers, "tracking_url": null, "tracking_urls": [],
            "line_items": lines, "destination": if whole { self.body.get("shipping_address") } else { None },
        })
    }
}
