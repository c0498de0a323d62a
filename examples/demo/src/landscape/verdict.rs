//! Compares everything that was sold with what the two ERPs hold, their stock with the arithmetic of sales and
//! returns and with what the shop shows, and what came back with what the ERPs did. Never with what the host says.
//!
//! | of an order | in the cloud ERP | with the legacy partner |
//! |---|---|---|
//! | is it there | the document of its reference, once | the purchase order of its number, once |
//! | as it must be | the table of [`crate::verify`], in the ERP's articles, accounts and warehouses | each line's article, pieces and price; discount, tax, freight, total; the day; where it goes; the warehouse |
//! | refunds | documents of their own | none: what came back is no longer ordered (860) |
//! | its way | sent in parcels | acknowledged (997), confirmed (855), sent (856), invoiced (810) |
//!
//! An order that goods have to leave for has, in the shop, fulfilments with just the tracking numbers of what left.
//! The partner is not told of what comes back to the tills of its stores: X12 850 and 860 have no word for it. How
//! often that was so is shown, and nothing is compared.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::articles::{PIECES, account, article, counted};
use super::stores::Home;
use super::wanted::Wanted;
use crate::erp::document::Order;
use crate::erp::stock::Place;
use crate::erp::{self, HeldOrder};
use crate::partner::books::{Answered, Complaints, Held as PartnerOrder};
use crate::shop::admin::desk::{Desk, LOCATIONS};
use crate::shop::life::{Life, Market, Plant};
use crate::till::Sold;
use crate::verify::{Expected, Finding, Verdict, finding, verify_all};
use crate::{shop, till};

/// Everything there is to look at.
pub(super) struct Evidence<'a> {
    pub(super) shop: &'a shop::Ledger,
    pub(super) tills: &'a till::Ledger,
    pub(super) cloud: &'a erp::Held,
    pub(super) cloud_stock: &'a BTreeMap<Place, Decimal>,
    pub(super) partner: &'a [PartnerOrder],
    pub(super) partner_stock: &'a BTreeMap<Place, Decimal>,
    pub(super) complaints: &'a Complaints,
    pub(super) desk: &'a Desk,
}

/// Where a shop's order has its books.
pub(super) fn home(life: &Life) -> Home {
    match life.market() {
        Market::Home => Home::Legacy,
        Market::Abroad => Home::Cloud,
    }
}

fn good(shop: &shop::Ledger, of: Home) -> impl Iterator<Item = &Life> {
    let good = shop.orders.iter().filter(|sent| sent.life.plant == Plant::Good);
    good.map(|sent| &*sent.life).filter(move |life| home(life) == of)
}

fn sold(tills: &till::Ledger, of: Home) -> impl Iterator<Item = &Sold> {
    tills.sold.iter().filter(move |sold| sold.store.home == of)
}

impl Evidence<'_> {
    /// The verdict of both ERPs, of the stock and of the ways back.
    pub(super) fn judge(&self) -> Verdict {
        let mut verdict = verify_all(self.in_the_cloud(), self.cloud);
        verdict.extend(self.with_the_partner());
        self.stock(&mut verdict);
        self.ways_back(&mut verdict);
        self.complaints(&mut verdict);
        verdict
    }

    fn in_the_cloud(&self) -> impl Iterator<Item = Expected<'static>> + '_ {
        let shop = good(self.shop, Home::Cloud)
            .filter_map(|life| Some((in_cloud_words(life.last()?), life.refunds.clone())));
        let tills =
            sold(self.tills, Home::Cloud).map(|sold| (in_cloud_words(&sold.order), sold.refunds.clone()));
        shop.chain(tills)
            .map(|(order, refunds)| Expected { order: Cow::Owned(order), refunds: Cow::Owned(refunds) })
    }

    fn with_the_partner(&self) -> Verdict {
        let mut verdict = Verdict::default();
        let mut taken: BTreeSet<usize> = BTreeSet::new();
        for wanted in self.wanted_of_the_partner() {
            let found: Vec<(usize, &PartnerOrder)> =
                self.partner.iter().enumerate().filter(|(_, held)| held.po == wanted.po).collect();
            taken.extend(found.iter().map(|(at, _)| *at));
            match found.as_slice() {
                [] if wanted.may_be_absent() => verdict.cancelled_unsent += 1,
                [] => verdict
                    .lost
                    .push(finding(&wanted.reference, format!("the partner does not hold {}", wanted.po))),
                [(_, first), more @ ..] => {
                    let extra =
                        more.iter().map(|_| finding(&wanted.reference, format!("{} twice", wanted.po)));
                    verdict.duplicated.extend(extra);
                    let differences = wanted.differences(first);
                    if !differences.is_empty() {
                        let reason = format!("{}: {}", wanted.po, differences.join("; "));
                        verdict.mismatched.push(finding(&wanted.reference, reason));
                    }
                }
            }
        }
        let planted: BTreeSet<String> = self
            .shop
            .orders
            .iter()
            .filter(|sent| sent.life.plant == Plant::UnknownSku && home(&sent.life) == Home::Legacy)
            .map(|sent| sent.life.number.to_string())
            .collect();
        let strangers = self.partner.iter().enumerate().filter(|(at, _)| !taken.contains(at));
        for (_, held) in strangers.filter(|(_, held)| !planted.contains(&held.po)) {
            verdict.mismatched.push(finding(&held.po, "it must not be with the partner".to_owned()));
        }
        verdict
    }

    fn wanted_of_the_partner(&self) -> Vec<Wanted> {
        let shop = good(self.shop, Home::Legacy).filter_map(|life| Some(Wanted::of_shop(life, life.last()?)));
        let tills = sold(self.tills, Home::Legacy).map(Wanted::of_till);
        shop.chain(tills).collect()
    }

    /// The ERPs hold what sales and returns have left, and the shop shows what both hold together.
    fn stock(&self, verdict: &mut Verdict) {
        let mut expected: BTreeMap<Place, Decimal> = BTreeMap::new();
        for home in [Home::Legacy, Home::Cloud] {
            for (sku, location) in counted().flat_map(|sku| [(sku, 0), (sku, 1)]) {
                expected
                    .insert((article(home, sku), home.warehouse(location).to_owned()), Decimal::from(PIECES));
            }
        }
        for Expected { order, refunds } in self.in_the_cloud() {
            let warehouse = order.warehouse.clone().unwrap_or_default();
            move_stock(&mut expected, &order, &warehouse, Decimal::NEGATIVE_ONE);
            for refund in refunds.iter() {
                for (sku, pieces) in erp::stock::brought_back(&order, refund) {
                    let back = refund.warehouse.clone().unwrap_or_else(|| warehouse.clone());
                    if let Some(level) = expected.get_mut(&(sku, back)) {
                        *level += pieces;
                    }
                }
            }
        }
        for wanted in self.wanted_of_the_partner().iter().filter(|wanted| !wanted.cancelled) {
            for (number, pieces, _) in wanted.lines_as_held(self.partner) {
                if let Some(level) = expected.get_mut(&(number, wanted.warehouse.clone())) {
                    *level -= pieces;
                }
            }
        }
        // What is planted as unknown has lines beside the unknown one, which the partner sends.
        let planted =
            |held: &&PartnerOrder| held.lines.iter().any(|line| line.rejected.is_some()) && !held.cancelled;
        for held in self.partner.iter().filter(planted) {
            for line in held.lines.iter().filter(|line| line.rejected.is_none()) {
                let place = (line.article.clone().unwrap_or_default(), held.warehouse.clone());
                if let Some(level) = expected.get_mut(&place) {
                    *level -= line.pieces;
                }
            }
        }
        for (place, wanted) in &expected {
            let held =
                self.cloud_stock.get(place).or(self.partner_stock.get(place)).copied().unwrap_or_default();
            if held != *wanted {
                let reason = format!("the ERP has {held}, sales and returns leave {wanted}");
                verdict.stock.push(finding(&format!("{} at {}", place.0, place.1), reason));
            }
        }
        let shown = self.desk.stock();
        for (sku, (at, location)) in
            counted().flat_map(|sku| LOCATIONS.iter().enumerate().map(move |one| (sku, one)))
        {
            let of = |home: Home, stock: &BTreeMap<Place, Decimal>| {
                stock.get(&(article(home, sku), home.warehouse(at).to_owned())).copied().unwrap_or_default()
            };
            let together = of(Home::Legacy, self.partner_stock) + of(Home::Cloud, self.cloud_stock);
            let there = shown.get(&(sku.to_owned(), *location)).copied().map(Decimal::from);
            if there != Some(together) {
                let there = there.map_or("nothing".to_owned(), |there| there.to_string());
                let reason = format!("the shop shows {there}, the ERPs hold {together} together");
                verdict.stock.push(finding(&format!("{sku} at {location}"), reason));
            }
        }
    }

    /// What left is in the shop as fulfilments, each with its tracking number, once.
    fn ways_back(&self, verdict: &mut Verdict) {
        let by_reference: BTreeMap<&str, &HeldOrder> = self
            .cloud
            .orders
            .iter()
            .filter_map(|held| Some((held.document.as_ref()?.reference.as_str(), held)))
            .collect();
        let lives = self.shop.orders.iter().map(|sent| &*sent.life).filter(|life| life.plant == Plant::Good);
        for life in lives {
            let numbers: Vec<String> = match home(life) {
                Home::Cloud => {
                    let parcels =
                        by_reference.get(life.reference.as_str()).into_iter().flat_map(|held| &held.parcels);
                    parcels.map(|parcel| parcel.tracking.clone()).collect()
                }
                Home::Legacy => {
                    let held = self.partner.iter().find(|held| held.po == life.number.to_string());
                    held.and_then(|held| held.tracking.clone()).into_iter().collect()
                }
            };
            let id = life.reference.rsplit('/').next().and_then(|id| id.parse().ok()).unwrap_or_default();
            let shown = self.desk.order(id).map(|shown| &shown.fulfilments);
            let standing = shown.into_iter().flatten().filter(|one| !one.cancelled);
            let mut told: Vec<String> = standing.flat_map(|one| one.numbers.clone()).collect();
            let mut numbers = numbers;
            numbers.sort();
            told.sort();
            if told != numbers {
                let reason = format!("the shop shows the parcels {told:?}, the ERP sent {numbers:?}");
                verdict.status.push(finding(&life.reference, reason));
            }
        }
        for held in self.partner.iter().filter(|held| !held.cancelled) {
            let Answered { acknowledged, confirmed, shipped, invoiced } = held.answered;
            if acknowledged == 0 || confirmed == 0 || (shipped, invoiced) != held.must_answer() {
                let reason =
                    format!("997 × {acknowledged}, 855 × {confirmed}, 856 × {shipped}, 810 × {invoiced}");
                verdict.status.push(finding(&held.po, reason));
            }
        }
    }

    fn complaints(&self, verdict: &mut Verdict) {
        let Complaints { repeated, not_rising, unreadable, strangers, rejected } = self.complaints;
        let mut complain = |count: usize, what: &str| {
            if count > 0 {
                verdict
                    .mismatched
                    .push(Finding { reference: "the partner".to_owned(), reason: format!("{count} {what}") });
            }
        };
        complain(*repeated, "interchanges with a control number that was there before");
        complain(*not_rising, "interchanges whose control number does not rise");
        let first = |all: &[String]| all.first().cloned().unwrap_or_default();
        complain(unreadable.len(), &format!("messages that it cannot read: {}", first(unreadable)));
        complain(strangers.len(), &format!("changes of orders that nobody placed: {}", first(strangers)));
        complain(rejected.len(), &format!("of its messages rejected: {}", first(rejected)));
    }

    /// Returns at the stores of the north, which reach nobody.
    pub(super) fn returns_untold(&self) -> usize {
        sold(self.tills, Home::Legacy).map(|sold| sold.refunds.len()).sum()
    }

    /// Writes in answer to webhooks about one's own writes. To the cloud ERP they carry a version of the order that
    /// no customer made, and none that a customer made and that it did not have; with the partner, and in the shop
    /// itself, they change nothing.
    pub(super) fn echoes(&self) -> Echoes {
        let lives: BTreeMap<&str, &Life> =
            self.shop.orders.iter().map(|sent| (sent.life.reference.as_str(), &*sent.life)).collect();
        let mut cloud = 0;
        for held in &self.cloud.orders {
            let reference = held.document.as_ref().map(|document| document.reference.as_str());
            let Some(life) = reference.and_then(|reference| lives.get(reference)) else { continue };
            cloud += echoes(&held.versions, &life.versions());
        }
        let partner = self.partner.iter().map(|held| held.idle as u64).sum();
        Echoes { cloud, partner, shop: self.desk.writes.idle }
    }
}

/// How many of these writes of an order tell only what was written by others than its customer. One that waits
/// to be sent may take such a version along with what the customer did, and what is not answered is written again.
fn echoes(written: &[String], made: &[Timestamp]) -> u64 {
    let (mut echoes, mut before) = (0, Timestamp::MIN);
    for text in written {
        let Ok(at) = text.parse::<Timestamp>() else {
            echoes += 1;
            continue;
        };
        let news = made.iter().any(|made| before < *made && *made <= at);
        echoes += u64::from(!news && at != before && !made.contains(&at));
        before = before.max(at);
    }
    echoes
}

/// Writes in answer to one's own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Echoes {
    pub(super) cloud: u64,
    pub(super) partner: u64,
    pub(super) shop: u64,
}

impl Echoes {
    pub(super) fn sum(self) -> u64 {
        self.cloud + self.partner + self.shop
    }
}

/// An order as the cloud ERP must hold it: its own articles, accounts and warehouses.
fn in_cloud_words(order: &Order) -> Order {
    let mut order = order.clone();
    for line in &mut order.lines {
        line.sku = line.sku.as_deref().map(|sku| article(Home::Cloud, sku));
    }
    for payment in &mut order.payments {
        payment.account = account(&payment.account).to_owned();
    }
    order.warehouse.get_or_insert_with(|| Home::Cloud.warehouse(0).to_owned());
    order
}

fn move_stock(stock: &mut BTreeMap<Place, Decimal>, order: &Order, warehouse: &str, sign: Decimal) {
    for (sku, pieces) in erp::stock::taken(order) {
        if let Some(level) = stock.get_mut(&(sku, warehouse.to_owned())) {
            *level += sign * pieces;
        }
    }
}

#[cfg(test)]
mod tests;
