//! The ERP's documents in memory, in the order of their commits, and their effect on its stock. Nothing
//! is ever removed, so that a document that is not here was never booked.
//!
//! There is deliberately **no unique key**: a second post of a reference makes a second document. The search
//! index lags: a document is found by its reference only some time after its commit, by its id at once.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::changes::Changes;
use super::document::{Adjustment, Order, Refund, State};
use super::stock::{Pieces, Shelves, Stock, StockKey, brought_back, taken};
use super::stored::{Parcel, Stage, StoredAdjustment, StoredOrder, StoredRefund};

/// A moment by both clocks: the monotonic one, and the one that dates documents.
#[derive(Debug, Clone, Copy)]
pub(super) struct Now {
    pub(super) instant: Instant,
    pub(super) at: Timestamp,
}

/// The documents with their indexes, the stock, and the feed.
#[derive(Debug, Default)]
pub(super) struct Store {
    orders: Vec<StoredOrder>,
    refunds: Vec<StoredRefund>,
    orders_by_reference: HashMap<String, Vec<usize>>,
    refunds_by_reference: HashMap<String, Vec<usize>>,
    adjustments: Vec<StoredAdjustment>,
    keep_documents: bool,
    stock: Stock,
    parcels: usize,
    /// The feed of changes.
    pub(super) changes: Changes,
}

impl Store {
    pub(super) fn new(keep_documents: bool) -> Self {
        Self { keep_documents, ..Self::default() }
    }

    /// Fills the shelves, and puts everything on them into the feed.
    pub(super) fn open(&mut self, shelves: &Shelves, currency: &str, at: Timestamp) {
        self.stock = Stock::new(shelves);
        for article in &shelves.articles {
            self.changes.article(at, article, currency);
        }
        let all = self.stock.all().iter().map(|(place, pieces)| (place.clone(), Some(*pieces))).collect();
        self.changes.stock(at, &all);
    }

    /// Commits a new order, whatever its reference; the search finds it after `lag`.
    pub(super) fn create_order(&mut self, order: Order, now: Now, lag: Duration) -> StoredOrder {
        let index = self.orders.len();
        self.orders_by_reference.entry(order.reference.clone()).or_default().push(index);
        let mut stored = StoredOrder {
            id: format!("SO-{}", index + 1),
            line_numbers: Vec::with_capacity(order.lines.len()),
            document: None,
            created: now.instant,
            stage: Stage::Accepted,
            parcels: vec![],
            versions: vec![],
            searchable: now.instant + lag,
            changed: now.instant,
            reserved: BTreeMap::new(),
            returned: BTreeMap::new(),
            refunds: vec![],
        };
        stored.number_lines(&order);
        stored.versions.extend(order.source_version.clone());
        stored.document = self.keep_documents.then_some(order);
        self.orders.push(stored.clone());
        self.apply(index, now).unwrap_or(stored)
    }

    /// Replaces an order's document; its lines keep the ids they have.
    pub(super) fn replace_order(&mut self, id: &str, order: Order, now: Now) -> Option<StoredOrder> {
        let keep = self.keep_documents;
        let index = position(id, "SO-")?;
        let stored = self.orders.get_mut(index)?;
        stored.number_lines(&order);
        stored.versions.extend(order.source_version.clone());
        stored.document = keep.then_some(order);
        self.apply(index, now)
    }

    /// Cancels an order; doing it twice is doing it once.
    pub(super) fn cancel_order(&mut self, id: &str, now: Now) -> Option<StoredOrder> {
        let index = position(id, "SO-")?;
        let stored = self.orders.get_mut(index)?;
        if let Some(document) = &mut stored.document {
            document.state = State::Cancelled;
        }
        self.apply(index, now)
    }

    /// Updates stock and stage to the document, and puts the changes into the feed.
    fn apply(&mut self, index: usize, now: Now) -> Option<StoredOrder> {
        let Self { orders, stock, changes, .. } = self;
        let stored = orders.get_mut(index)?;
        let before = stored.stage;
        stored.changed = now.instant;
        let Some(document) = &stored.document else { return Some(stored.clone()) };
        let warehouse = stock.warehouse(document.warehouse.as_deref());
        let wanted: BTreeMap<StockKey, Decimal> =
            taken(document).into_iter().map(|(article, by)| ((article, warehouse.clone()), by)).collect();
        let mut moved: BTreeMap<StockKey, Option<Pieces>> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for place in wanted.keys().chain(stored.reserved.keys()) {
            let of = |map: &BTreeMap<StockKey, Decimal>| map.get(place).copied().unwrap_or_default();
            let by = of(&wanted) - of(&stored.reserved);
            if !by.is_zero() && !moved.contains_key(place) {
                stock.reserve(place, by);
                moved.insert(place.clone(), stock.at(place));
            }
        }
        stored.reserved = wanted;
        // A refund may be of a line that the document did not have when the refund was booked.
        let mut back: BTreeMap<StockKey, Decimal> = BTreeMap::new();
        for refund in &stored.refunds {
            let to = refund.warehouse.clone().unwrap_or_else(|| warehouse.clone());
            for (article, pieces) in brought_back(document, refund) {
                *back.entry((article, to.clone())).or_default() += pieces;
            }
        }
        for place in back.keys().chain(stored.returned.keys()) {
            let of = |map: &BTreeMap<StockKey, Decimal>| map.get(place).copied().unwrap_or_default();
            let by = of(&back) - of(&stored.returned);
            if !by.is_zero() && seen.insert(place.clone()) {
                stock.take_back(place, by);
                moved.insert(place.clone(), stock.at(place));
            }
        }
        stored.returned = back;
        if document.state == State::Cancelled {
            stored.stage = Stage::Cancelled;
        } else if document.ship_to.is_none()
            && document.state == State::Paid
            && stored.stage == Stage::Accepted
        {
            // Given out over the counter.
            for (place, by) in &stored.reserved {
                stock.ship(place, *by);
                moved.insert(place.clone(), stock.at(place));
            }
            stored.stage = Stage::Invoiced;
        }
        changes.order(now.at, stored);
        if stored.stage == Stage::Invoiced && before != Stage::Invoiced {
            changes.invoice(now.at, stored);
        }
        changes.stock(now.at, &moved);
        Some(stored.clone())
    }

    /// Moves on orders that have not changed for this long: first allocated, then shipped, every third one with
    /// several lines in two parcels.
    pub(super) fn fulfil(&mut self, unchanged_for: Duration, now: Now) {
        let Self { orders, stock, changes, parcels, .. } = self;
        for (index, stored) in orders.iter_mut().enumerate() {
            let due = now.instant.saturating_duration_since(stored.changed) >= unchanged_for;
            let open = matches!(stored.stage, Stage::Accepted | Stage::Allocated | Stage::PartiallyShipped);
            let Some(document) = stored.document.as_ref().filter(|_| due && open) else { continue };
            if document.state != State::Paid || document.ship_to.is_none() {
                continue;
            }
            stored.changed = now.instant;
            let left: Vec<_> = document
                .lines
                .iter()
                .filter(|line| line.ships)
                .filter(|line| {
                    !stored.parcels.iter().flat_map(|parcel| &parcel.lines).any(|(id, ..)| *id == line.line)
                })
                .map(|line| (line.line.clone(), line.sku.clone(), line.quantity))
                .collect();
            if stored.stage == Stage::Accepted && !left.is_empty() {
                stored.stage = Stage::Allocated;
                changes.order(now.at, stored);
                continue;
            }
            let part =
                if index % 3 == 0 && left.len() > 1 && stored.parcels.is_empty() { 1 } else { left.len() };
            stored.stage = if part < left.len() { Stage::PartiallyShipped } else { Stage::Invoiced };
            let lines: Vec<_> = left.into_iter().take(part).collect();
            if !lines.is_empty() {
                *parcels += 1;
                let warehouse = stock.warehouse(document.warehouse.as_deref());
                let (id, tracking) = (format!("SH-{parcels}"), format!("1Z999AA1{:010}", *parcels));
                let carrier = "UPS".to_owned();
                let parcel = Parcel { id, warehouse: warehouse.clone(), lines, carrier, tracking };
                let mut moved = BTreeMap::new();
                for (_, article, by) in &parcel.lines {
                    let Some(article) = article else { continue };
                    let place = (article.clone(), warehouse.clone());
                    stock.ship(&place, *by);
                    moved.insert(place.clone(), stock.at(&place));
                }
                changes.shipment(now.at, stored, &parcel);
                changes.stock(now.at, &moved);
                stored.parcels.push(parcel);
            }
            changes.order(now.at, stored);
            if stored.stage == Stage::Invoiced {
                changes.invoice(now.at, stored);
            }
        }
    }

    /// Paid orders whose goods have not all left.
    pub(super) fn unshipped(&self) -> usize {
        let open = |stored: &&StoredOrder| {
            let document = stored.document.as_ref();
            let ships = document.is_some_and(|d| d.state == State::Paid && d.ship_to.is_some());
            ships && !matches!(stored.stage, Stage::Invoiced | Stage::Cancelled)
        };
        self.orders.iter().filter(open).count()
    }

    /// References of orders and refunds, each once.
    pub(super) fn distinct_documents(&self) -> usize {
        self.orders_by_reference.len() + self.refunds_by_reference.len()
    }

    /// Parcels that have left, and orders that are invoiced.
    pub(super) fn fulfilled_steps(&self) -> usize {
        let invoiced = self.orders.iter().filter(|stored| stored.stage == Stage::Invoiced).count();
        self.parcels + invoiced
    }

    /// Whether a document may name this warehouse.
    pub(super) fn knows(&self, warehouse: Option<&str>) -> bool {
        self.stock.knows(warehouse)
    }

    pub(super) fn stock(&self) -> BTreeMap<StockKey, Decimal> {
        self.stock.all().iter().map(|(place, pieces)| (place.clone(), pieces.available())).collect()
    }

    pub(super) fn order(&self, id: &str) -> Option<&StoredOrder> {
        self.orders.get(position(id, "SO-")?)
    }

    /// The orders with this reference that the search index knows by now.
    pub(super) fn search_orders(&self, reference: &str, now: Instant) -> Vec<&StoredOrder> {
        let found = self.orders_by_reference.get(reference).into_iter().flatten();
        found.filter_map(|index| self.orders.get(*index)).filter(|stored| stored.searchable <= now).collect()
    }

    /// Commits a refund of an order; `None` if there is no such order.
    pub(super) fn create_refund(
        &mut self,
        order: &str,
        refund: Refund,
        now: Now,
        lag: Duration,
    ) -> Option<StoredRefund> {
        let of = position(order, "SO-")?;
        let stored = self.orders.get_mut(of)?;
        let order = stored.id.clone();
        stored.refunds.push(refund.clone());
        self.apply(of, now);
        let index = self.refunds.len();
        self.refunds_by_reference.entry(refund.reference.clone()).or_default().push(index);
        let id = format!("CR-{}", index + 1);
        let searchable = now.instant + lag;
        let stored = StoredRefund { id, order, document: refund, created: now.instant, searchable };
        self.refunds.push(stored.clone());
        Some(stored)
    }

    /// The refunds with this reference that the search index knows by now.
    pub(super) fn search_refunds(&self, reference: &str, now: Instant) -> Vec<&StoredRefund> {
        let found = self.refunds_by_reference.get(reference).into_iter().flatten();
        found.filter_map(|index| self.refunds.get(*index)).filter(|stored| stored.searchable <= now).collect()
    }

    /// Commits a change of stock; `None` if the warehouse does not stock the article.
    pub(super) fn adjust(&mut self, change: Adjustment, now: Now, lag: Duration) -> Option<StoredAdjustment> {
        let place = (change.article.clone(), self.stock.warehouse(change.warehouse.as_deref()));
        if !self.stock.take_back(&place, change.delta) {
            return None;
        }
        self.changes.stock(now.at, &BTreeMap::from([(place.clone(), self.stock.at(&place))]));
        let id = format!("AD-{}", self.adjustments.len() + 1);
        let stored = StoredAdjustment { id, document: change, searchable: now.instant + lag };
        self.adjustments.push(stored.clone());
        Some(stored)
    }

    /// The changes of stock with this reference that the search index knows by now. There are few.
    pub(super) fn search_adjustments(&self, reference: &str, now: Instant) -> Vec<&StoredAdjustment> {
        let known =
            |stored: &&StoredAdjustment| stored.document.reference == reference && stored.searchable <= now;
        self.adjustments.iter().filter(known).collect()
    }

    pub(super) fn orders(&self) -> &[StoredOrder] {
        &self.orders
    }

    pub(super) fn refunds(&self) -> &[StoredRefund] {
        &self.refunds
    }
}

fn position(id: &str, prefix: &str) -> Option<usize> {
    id.strip_prefix(prefix)?.parse::<usize>().ok()?.checked_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::erp::stock::Article;
    use crate::erp::tests::order;

    fn now(instant: Instant) -> Now {
        Now { instant, at: Timestamp::UNIX_EPOCH }
    }

    #[test]
    fn posting_twice_makes_two_and_the_search_lags() {
        let mut store = Store::new(true);
        let now = Instant::now();
        let first = store.create_order(order("r"), self::now(now), Duration::from_secs(5));
        let second = store.create_order(order("r"), self::now(now), Duration::from_secs(1));
        assert_ne!(first.id, second.id);
        assert!(store.search_orders("r", now).is_empty());
        assert_eq!(store.search_orders("r", now + Duration::from_secs(2)).len(), 1);
        assert_eq!(store.search_orders("r", now + Duration::from_secs(5)).len(), 2);
        assert_eq!(store.order("SO-1").unwrap().id, "SO-1");
        assert!(store.order("SO-0").is_none() && store.order("SO-3").is_none());
    }

    #[test]
    fn a_line_keeps_its_id_when_the_document_is_replaced() {
        let mut store = Store::new(true);
        let id = store.create_order(order("r"), now(Instant::now()), Duration::ZERO).id;
        let mut next = order("r");
        let mut new = next.lines[0].clone();
        new.line = "new".to_owned();
        next.lines.insert(0, new);
        let stored = store.replace_order(&id, next, now(Instant::now())).unwrap();
        let ids = stored.line_ids();
        assert_eq!((ids[0].line.as_str(), ids[0].id.as_str()), ("L1", "SO-1-1"));
        assert_eq!((ids[1].line.as_str(), ids[1].id.as_str()), ("new", "SO-1-2"));
    }

    fn stocked() -> Store {
        let mut store = Store::new(true);
        let mug = Article { number: "MUG".into(), title: "Mug".into(), price: Decimal::TEN, pieces: 50 };
        let shelves = Shelves { warehouses: vec!["C1".into(), "C2".into()], articles: vec![mug] };
        store.open(&shelves, "USD", Timestamp::UNIX_EPOCH);
        store
    }

    fn left(store: &Store, warehouse: &str) -> Decimal {
        store.stock()[&("MUG".to_owned(), warehouse.to_owned())]
    }

    #[test]
    fn stock_follows_the_document_through_every_change() {
        let (mut store, now) = (stocked(), now(Instant::now()));
        let id = store.create_order(order("r"), now, Duration::ZERO).id;
        assert_eq!((left(&store, "C1"), left(&store, "C2")), (48.into(), 50.into()));
        let mut next = order("r");
        next.lines[0].quantity = Decimal::from(5);
        next.warehouse = Some("C2".to_owned());
        store.replace_order(&id, next.clone(), now);
        assert_eq!((left(&store, "C1"), left(&store, "C2")), (50.into(), 45.into()));
        next.state = State::Paid;
        store.replace_order(&id, next, now);
        assert_eq!(left(&store, "C2"), 45.into(), "goods given out were reserved before");
        let refund = |kind: &str| -> Refund {
            let line = serde_json::json!({ "line": "L1", "quantity": 2, "restockType": kind });
            serde_json::from_value(serde_json::json!({ "reference": "x", "amount": "1", "lines": [line] }))
                .unwrap()
        };
        store.create_refund(&id, refund("no_restock"), now, Duration::ZERO);
        assert_eq!(left(&store, "C2"), 45.into());
        store.create_refund(
            &id,
            Refund { warehouse: Some("C1".into()), ..refund("return") },
            now,
            Duration::ZERO,
        );
        assert_eq!(
            (left(&store, "C1"), left(&store, "C2")),
            (52.into(), 45.into()),
            "stock follows the place"
        );
        store.cancel_order(&id, now);
        assert_eq!(left(&store, "C2"), 50.into());
    }

    #[test]
    fn an_adjustment_changes_the_stock_each_time_it_is_posted() {
        let (mut store, now) = (stocked(), now(Instant::now()));
        let before = store.changes.len();
        let change = |article: &str, delta: i64| Adjustment {
            reference: "a".to_owned(),
            article: article.to_owned(),
            warehouse: Some("C2".to_owned()),
            delta: delta.into(),
            reason: None,
        };
        let lag = Duration::from_secs(5);
        assert_eq!(store.adjust(change("MUG", 2), now, lag).unwrap().id, "AD-1");
        assert_eq!(store.adjust(change("MUG", -5), now, Duration::ZERO).unwrap().id, "AD-2");
        assert!(store.adjust(change("GIFT", 1), now, lag).is_none());
        assert_eq!((left(&store, "C1"), left(&store, "C2")), (50.into(), 47.into()));
        assert_eq!(store.changes.len(), before + 2);
        assert_eq!(store.search_adjustments("a", now.instant).len(), 1);
        assert_eq!(store.search_adjustments("a", now.instant + lag).len(), 2);
    }

    #[test]
    fn a_paid_order_leaves_in_parcels_and_every_step_is_in_the_feed_once() {
        let (mut store, start) = (stocked(), Instant::now());
        let mut paid = order("r");
        paid.state = State::Paid;
        paid.ship_to = Some(Default::default());
        let mut second = paid.lines[0].clone();
        second.line = "L2".to_owned();
        paid.lines.push(second);
        let before = store.changes.after(0, 1000).next;
        store.create_order(paid, now(start), Duration::ZERO);
        assert_eq!(store.unshipped(), 1);
        for second in 0..9 {
            store.fulfil(Duration::from_secs(2), now(start + Duration::from_secs(second)));
        }
        assert_eq!(store.unshipped(), 0);
        let stored = store.order("SO-1").unwrap();
        assert_eq!((stored.stage, stored.parcels.len()), (Stage::Invoiced, 2));
        let feed = store.changes.after(before, 1000);
        let types: Vec<String> = feed
            .changes
            .iter()
            .map(|change| match change["type"].as_str().unwrap() {
                "order" => change["order"]["state"].as_str().unwrap().to_owned(),
                other => other.to_owned(),
            })
            .collect();
        let wanted = [
            "accepted",
            "stock",
            "allocated",
            "shipment",
            "stock",
            "partially-shipped",
            "shipment",
            "stock",
            "invoiced",
            "invoice",
        ];
        assert_eq!(types, wanted);
        assert_eq!(left(&store, "C1"), 46.into());
        let page = store.changes.after(before, 3);
        assert!(page.more && page.next == before + 3 && page.changes.len() == 3);
        assert!(!store.changes.after(feed.next, 3).more);
    }
}
