//! An order as the shop shows it: the content that its customer made, with what others wrote to it.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};
use serde_json::{Map, Value, json};

use crate::shop::catalogue::LOCATIONS;

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
    pub(super) body: Map<String, Value>,
    /// The place of that content among the life's snapshots.
    pub(super) snapshot: Option<usize>,
    /// How often others wrote since.
    pub(super) writes: i64,
    /// Tags, those of others among them.
    pub tags: BTreeSet<String>,
    /// Goods that left.
    pub fulfilments: Vec<Fulfilment>,
    /// By namespace and key.
    pub metafields: BTreeMap<String, String>,
    /// When somebody else cancelled it.
    pub cancelled_at: Option<String>,
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
    pub(super) fn webhook_body(&self) -> Bytes {
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
    pub(super) fn fulfilment(&self, one: &Fulfilment, whole: bool) -> Value {
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

/// The tags in the body of an order.
pub(super) fn tags(body: &Map<String, Value>) -> BTreeSet<String> {
    let text = body.get("tags").and_then(Value::as_str).unwrap_or_default();
    text.split(',').map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned).collect()
}

/// Whether a line item has this id.
pub(super) fn is_called(line: &Value, id: &str) -> bool {
    line.get("id").and_then(Value::as_u64).is_some_and(|of| id.parse() == Ok(of))
}
