//! For the tests: small worlds of which each ledger can be written by hand.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rust_decimal::Decimal;

use super::articles::{PIECES, article, counted, shelves};
use super::stores::OwningErp;
use super::verdict::{Evidence, Judgement, in_cloud_terms};
use crate::client::Client;
use crate::erp::document::{Line as OrderLine, Order, State};
use crate::erp::stock::StockKey;
use crate::erp::{self, Erp, Options, Weather};
use crate::partner::books::Violations;
use crate::partner::purchase_order::{Answered, Departure, Line, PurchaseOrder, Revision};
use crate::partner::reading::Charges;
use crate::shop::admin::state::AdminState;
use crate::shop::catalogue::LOCATIONS;
use crate::shop::life::{Life, Plant, Profile};
use crate::shop::market::Market;
use crate::{shop, till};

pub(super) const SHOP: &str = "s.myshopify.com";
/// The number of the parcel that [`World::leave`] sends.
pub(super) const PARCEL: &str = "1Z888";

pub(super) struct World {
    pub(super) shop: shop::Ledger,
    pub(super) tills: till::Ledger,
    pub(super) cloud: erp::Documents,
    pub(super) cloud_stock: BTreeMap<StockKey, Decimal>,
    pub(super) partner: Vec<PurchaseOrder>,
    pub(super) partner_stock: BTreeMap<StockKey, Decimal>,
    pub(super) violations: Violations,
    pub(super) admin: AdminState,
}

/// A life of this market whose goods lie on shelves and leave for somebody, and that has what the test needs.
pub(super) fn life(market: Market, wanted: impl Fn(&Life) -> bool) -> Arc<Life> {
    let mut serials = 100_000_000..100_200_000;
    let life = |serial| Life::new(SHOP, 1, serial, Plant::Good, Profile::Varied);
    let is_counted =
        |line: &OrderLine| line.sku.as_deref().is_some_and(|sku| counted().any(|one| one == sku));
    let fits = |life: &Life| {
        let last = life.last().unwrap();
        life.market() == market && last.ship_to.is_some() && last.lines.iter().all(is_counted) && wanted(life)
    };
    Arc::new(serials.find_map(|serial| Some(life(serial)).filter(&fits)).unwrap())
}

/// A paid order, with or without a refund that brings goods back.
pub(super) fn paid(market: Market, refunded: bool) -> Arc<Life> {
    life(market, |life| {
        let brings_back = life.refunds.iter().any(|one| one.lines.iter().any(|line| line.is_restocked()));
        life.last().unwrap().state == State::Paid
            && brings_back == refunded
            && (refunded || life.refunds.is_empty())
    })
}

fn partner_lines(order: &Order) -> Vec<Line> {
    let line = |(at, line): (usize, &OrderLine)| Line {
        number: (at + 1).to_string(),
        article: line.sku.as_deref().map(|sku| article(OwningErp::Legacy, sku)),
        pieces: line.quantity,
        price: line.unit_price,
        charges: Charges { discount: line.discount, tax: line.tax, ..Charges::default() },
        shelved: true,
        rejected: None,
    };
    order.lines.iter().enumerate().map(line).collect()
}

impl World {
    /// A shop that began these orders and sent nothing; nobody else has heard of them.
    pub(super) fn of(lives: &[&Arc<Life>]) -> Self {
        let mut shop = shop::Ledger::default();
        lives.iter().for_each(|life| shop.open(Arc::clone(life)));
        let full = |erp: OwningErp| {
            let keys = counted().flat_map(move |sku| {
                [0, 1].map(|location| (article(erp, sku), erp.warehouse(location).to_owned()))
            });
            keys.map(|key| (key, Decimal::from(PIECES))).collect()
        };
        Self {
            shop,
            tills: till::Ledger::default(),
            cloud: erp::Documents::default(),
            cloud_stock: full(OwningErp::Cloud),
            partner: vec![],
            partner_stock: full(OwningErp::Legacy),
            violations: Violations::default(),
            admin: AdminState::new(0),
        }
    }

    /// The shop sends these facts of an order.
    pub(super) fn send(&mut self, life: &Arc<Life>, facts: impl Iterator<Item = usize>) {
        for fact in facts {
            self.admin.webhook_body(life, fact);
            let sent = self.shop.orders.iter_mut().find(|sent| sent.life.reference == life.reference);
            sent.unwrap().tried[fact] = Some(Instant::now());
        }
    }

    /// The partner reads a message that makes its order this snapshot of the shop's: the first one books it.
    pub(super) fn book(&mut self, life: &Life, snapshot: usize) {
        let order = &life.snapshots[snapshot];
        let po = life.number.to_string();
        if !self.partner.iter().any(|stored| stored.po == po) {
            let mut stored = PurchaseOrder::example(&po, vec![]);
            stored.warehouse = "L1".to_owned();
            stored.date = order.ordered_at[..10].replace('-', "");
            stored.answered = Answered { acknowledged: 1, confirmed: 1, ..Answered::default() };
            self.partner.push(stored);
        }
        let stored = self.stored(life);
        stored.lines = partner_lines(order);
        stored.charges = Charges {
            tax: order.shipping_tax,
            freight: order.shipping,
            other: order.tips,
            discount: Decimal::ZERO,
        };
        let place = order.ship_to.clone().unwrap();
        stored.ship_to = Some((place.city.unwrap(), place.postcode.unwrap(), place.country.unwrap()));
        record(stored);
    }

    /// The partner's order.
    pub(super) fn stored(&mut self, life: &Life) -> &mut PurchaseOrder {
        let po = life.number.to_string();
        self.partner.iter_mut().find(|stored| stored.po == po).unwrap()
    }

    /// The goods leave the partner, who sends the invoice.
    pub(super) fn leave(&mut self, life: &Life) {
        let stored = self.stored(life);
        let lines = stored.lines.clone();
        stored.departure = Some(Departure { at: Instant::now(), shipped: true, lines });
        stored.tracking = Some(PARCEL.to_owned());
        (stored.answered.shipped, stored.answered.invoiced) = (1, 1);
    }

    /// The partner reads a cancellation.
    pub(super) fn cancel_at_partner(&mut self, life: &Life) {
        let stored = self.stored(life);
        stored.cancelled = true;
        record(stored);
    }

    /// The shop is informed of the parcel.
    pub(super) fn show_parcel(&mut self, life: &Life) {
        self.admin.sent(life, vec![PARCEL.to_owned()]);
    }

    /// The partner's stock is what its orders leave of it, and the shop shows the stock of both ERPs.
    pub(super) fn count_stock(&mut self) {
        for stored in self.partner.iter().filter(|stored| !stored.cancelled) {
            for line in &stored.lines {
                let key = (line.article.clone().unwrap(), stored.warehouse.clone());
                *self.partner_stock.get_mut(&key).unwrap() -= line.pieces;
            }
        }
        for (sku, (at, location)) in
            counted().flat_map(|sku| LOCATIONS.iter().enumerate().map(move |one| (sku, one)))
        {
            let of = |erp: OwningErp, stock: &BTreeMap<StockKey, Decimal>| {
                stock[&(article(erp, sku), erp.warehouse(at).to_owned())]
            };
            let together =
                of(OwningErp::Legacy, &self.partner_stock) + of(OwningErp::Cloud, &self.cloud_stock);
            self.admin.show(sku, *location, together.try_into().unwrap());
        }
    }

    /// The cloud ERP books an order with its refunds, and sends it; the shop is informed of the parcels.
    pub(super) async fn fulfil_in_cloud(&mut self, life: &Life) {
        let options = Options {
            weather: Weather::calm(),
            shelves: shelves(OwningErp::Cloud),
            fulfil_after: Some(Duration::from_millis(30)),
            ..Options::stormy("t", 1)
        };
        let erp = Erp::start(options).await.unwrap();
        let client = Client::new(Duration::from_secs(1), Duration::from_secs(30));
        let post = async |path: &str, body: serde_json::Value| {
            let url = format!("{}{path}", erp.url());
            assert_eq!(client.json(hyper::Method::POST, &url, "t", &body).await.unwrap().0, 201);
        };
        post("/orders", serde_json::to_value(in_cloud_terms(life.last().unwrap())).unwrap()).await;
        for refund in &life.refunds {
            post("/orders/SO-1/refunds", serde_json::to_value(refund).unwrap()).await;
        }
        while erp.unshipped() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        (self.cloud, self.cloud_stock) = (erp.held(), erp.stock());
        let parcels = self.cloud.orders[0].parcels.iter().map(|parcel| parcel.tracking.clone());
        self.admin.sent(life, parcels.collect());
    }

    pub(super) fn evidence(&self) -> Evidence<'_> {
        Evidence {
            shop: &self.shop,
            tills: &self.tills,
            cloud: &self.cloud,
            cloud_stock: &self.cloud_stock,
            partner: &self.partner,
            partner_stock: &self.partner_stock,
            violations: &self.violations,
            admin: &self.admin,
        }
    }

    pub(super) fn judge(&self) -> Judgement {
        self.evidence().judge()
    }

    pub(super) fn findings(&self) -> Vec<String> {
        let judgement = self.judge();
        judgement.verdict.findings().map(|(kind, finding)| format!("{kind}: {finding}")).collect()
    }

    /// There is a finding of this kind with these words in it.
    pub(super) fn says(&self, kind: &str, words: &str) {
        let found = self.findings();
        assert!(
            found.iter().any(|one| one.starts_with(kind) && one.contains(words)),
            "{kind} {words}: {found:#?}"
        );
    }
}

fn record(stored: &mut PurchaseOrder) {
    stored.revisions.push(Revision {
        at: Instant::now(),
        lines: stored.lines.clone(),
        charges: stored.charges,
        ship_to: stored.ship_to.clone(),
        cancelled: stored.cancelled,
    });
}
