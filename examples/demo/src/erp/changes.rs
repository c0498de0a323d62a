//! The changes in the ERP, in the order of their commits: the feed that a connector polls.
//!
//! `GET /changes?after=N&limit=M` gives `{"changes":[…],"next":N,"more":bool}`. Each change has a `sequence`
//! that rises, `at`, a `type`, and under the name of the type the whole record as it is after the change:
//!
//! | type | when | what |
//! |---|---|---|
//! | `order` | accepted, changed, allocated, shipped in part or whole, cancelled | id, reference, state, lines, sums |
//! | `shipment` | goods left | id, order, reference, warehouse, lines, carrier, tracking |
//! | `invoice` | all goods left, or were given out over the counter | id, order, reference, sums |
//! | `stock` | pieces moved | article, warehouse, available, on hand, reserved |
//! | `product`, `price` | the ERP started, or somebody changed it | article, title; amount, currency |

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::stock::{Article, Pieces, StockKey};
use super::stored::{Parcel, StoredOrder};

/// The feed.
#[derive(Debug, Default)]
pub(super) struct Changes {
    changes: Vec<Value>,
    last: Option<Timestamp>,
}

/// One page of the feed.
pub(super) struct Feed {
    pub(super) changes: Vec<Value>,
    pub(super) next: usize,
    pub(super) more: bool,
}

impl Changes {
    pub(super) fn add(&mut self, now: Timestamp, kind: &str, value: Value) {
        // A commit is never dated before the one that it follows, whatever the clock does.
        let at = self.last.map_or(now, |last| last.max(now));
        self.last = Some(at);
        let sequence = self.changes.len() + 1;
        self.changes.push(json!({ "sequence": sequence, "at": at.to_string(), "type": kind, kind: value }));
    }

    pub(super) fn len(&self) -> usize {
        self.changes.len()
    }

    pub(super) fn after(&self, after: usize, limit: usize) -> Feed {
        let changes: Vec<Value> = self.changes.iter().skip(after).take(limit).cloned().collect();
        let next = after.min(self.changes.len()) + changes.len();
        Feed { more: next < self.changes.len(), changes, next }
    }

    pub(super) fn stock(&mut self, now: Timestamp, stock: &BTreeMap<StockKey, Option<Pieces>>) {
        for ((article, warehouse), pieces) in stock {
            let Some(pieces) = pieces else { continue };
            let value = json!({
                "article": article, "warehouse": warehouse, "available": pieces.available(),
                "onHand": pieces.on_hand, "reserved": pieces.reserved,
            });
            self.add(now, "stock", value);
        }
    }

    pub(super) fn order(&mut self, now: Timestamp, stored: &StoredOrder) {
        let Some(document) = &stored.document else { return };
        let ids = stored.line_ids();
        let lines: Vec<Value> = document
            .lines
            .iter()
            .map(|line| {
                let id = ids.iter().find(|id| id.line == line.line).map(|id| id.id.as_str());
                json!({ "id": id, "line": line.line, "article": line.sku, "quantity": line.quantity })
            })
            .collect();
        let value = json!({
            "id": stored.id, "reference": document.reference, "state": stored.stage.name(), "lines": lines,
            "total": document.total, "tax": document.tax, "currency": document.currency,
        });
        self.add(now, "order", value);
    }

    pub(super) fn shipment(&mut self, now: Timestamp, stored: &StoredOrder, parcel: &Parcel) {
        let Some(document) = &stored.document else { return };
        let lines = parcel.lines.iter();
        let lines: Vec<Value> = lines
            .map(
                |(line, article, quantity)| json!({ "line": line, "article": article, "quantity": quantity }),
            )
            .collect();
        let value = json!({
            "id": parcel.id, "order": stored.id, "reference": document.reference, "state": "shipped",
            "warehouse": parcel.warehouse, "shippedAt": now.to_string(), "lines": lines,
            "carrier": parcel.carrier, "tracking": parcel.tracking,
        });
        self.add(now, "shipment", value);
    }

    pub(super) fn invoice(&mut self, now: Timestamp, stored: &StoredOrder) {
        let Some(document) = &stored.document else { return };
        let id = stored.id.replacen("SO-", "IN-", 1);
        let untaxed = document.total - document.tax;
        let value = json!({
            "id": id, "order": stored.id, "reference": document.reference, "state": "posted",
            "date": now.strftime("%Y-%m-%d").to_string(), "untaxed": untaxed, "tax": document.tax,
            "total": document.total, "currency": document.currency,
        });
        self.add(now, "invoice", value);
    }

    pub(super) fn article(&mut self, now: Timestamp, article: &Article, currency: &str) {
        let product = json!({ "article": article.number, "title": article.title, "active": true });
        self.add(now, "product", product);
        self.price(now, &article.number, article.price, currency);
    }

    pub(super) fn price(&mut self, now: Timestamp, article: &str, price: Decimal, currency: &str) {
        let value =
            json!({ "article": article, "amount": price, "currency": currency, "includesTax": false });
        self.add(now, "price", value);
    }
}
