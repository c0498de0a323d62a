//! The verdict of a run: compares everything that was sold with the documents of the two ERPs, their stock with sales
//! and returns and with the shop's stock, and the shop's fulfilments with what the ERPs shipped. It is based on the
//! ledgers of shop, tills and ERPs alone, never on what the host reports.
//!
//! | of an order | in the cloud ERP | with the legacy partner |
//! |---|---|---|
//! | existence | the document of its reference, once | the purchase order of its number, once |
//! | content | the table of [`crate::verify`], in the ERP's articles, accounts and warehouses | each line's article, pieces and price; discount, tax, freight, total; the day; where it goes; the warehouse |
//! | refunds | documents of their own | none: what was returned is no longer ordered (860) |
//! | its progress | sent in parcels | acknowledged (997), confirmed (855), sent (856), invoiced (810) |
//!
//! An order that was cancelled in the end may be absent from an ERP only if that ERP's ledger, from which nothing is
//! ever removed, shows that it was never booked. Where shop and ERP acted on an order at the same time, [`races`]
//! says from their ledgers what is right.
//!
//! An order that goods have to leave for has, in the shop, fulfilments with just the tracking numbers of what left.
//! The partner is not sent what is returned at the tills of its stores: X12 850 and 860 have no message for it. How
//! often that was so is shown, and nothing is compared.
//!
//! [`races`]: super::races

mod echoes;
mod evidence;
mod status;
mod stock;

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use super::articles::{account, article};
use super::purchase::ExpectedPurchase;
use super::races::{Decision, Ledgers};
use super::stores::OwningErp;
use crate::erp::document::Order;
use crate::exceptions::ExpectedExceptions;
use crate::partner::books::Violations;
use crate::partner::purchase_order::PurchaseOrder;
use crate::shop::Sent;
use crate::shop::admin::order::ShopOrder;
use crate::shop::life::{Life, Plant};
use crate::shop::market::Market;
use crate::till::SaleRecord;
use crate::verify::{Expected, Finding, Verdict, finding, verify_all};
use crate::{shop, till};
pub(super) use echoes::Echoes;
pub(super) use evidence::Evidence;

/// The result of comparing the ledgers.
pub(super) struct Judgement {
    pub(super) verdict: Verdict,
    pub(super) exceptions: ExpectedExceptions,
    pub(super) echoes: Echoes,
    /// Races between shop and ERP that are left to a person, whether the host had to ask or not.
    pub(super) decisions: Vec<Decision>,
    /// Orders that the partner rightly has with an older content, since they had left before it changed.
    pub(super) changed_after_leaving: usize,
}

/// The ERP that has a shop's order in its books.
pub(super) fn owning_erp(life: &Life) -> OwningErp {
    match life.market() {
        Market::Home => OwningErp::Legacy,
        Market::Abroad => OwningErp::Cloud,
    }
}

fn good(shop: &shop::Ledger, of: OwningErp) -> impl Iterator<Item = &Sent> {
    let good = shop.orders.iter().filter(|sent| sent.life.plant == Plant::Good);
    good.filter(move |sent| owning_erp(&sent.life) == of)
}

fn sold(tills: &till::Ledger, of: OwningErp) -> impl Iterator<Item = &SaleRecord> {
    tills.sold.iter().filter(move |sale| sale.store.owning_erp == of)
}

/// A purchase order that must be with the partner, with its state at partner and shop.
struct Purchase<'a> {
    expected: ExpectedPurchase,
    stored: Vec<&'a PurchaseOrder>,
    /// Absent for a till's sale.
    shop: Option<&'a Sent>,
    shown: Option<&'a ShopOrder>,
}

impl<'a> Purchase<'a> {
    fn shows_all_left(&self) -> bool {
        self.shown.is_some_and(ShopOrder::shows_all_left)
    }

    fn decision(&self) -> Option<Decision> {
        let (stored, shop) = (self.stored.first()?, self.shop?);
        Ledgers { expected: &self.expected, stored, shop, shown: self.shown }.decision()
    }
}

impl<'a> Evidence<'a> {
    /// The verdict on both ERPs, on the stock and on what came back to the shop, and what the host must report.
    pub(super) fn judge(&self) -> Judgement {
        let purchases = self.purchases();
        let decisions: Vec<Decision> = purchases.iter().filter_map(Purchase::decision).collect();
        let mut verdict = verify_all(self.expected_in_cloud(), self.cloud);
        verdict.extend(self.with_the_partner(&purchases));
        self.stock(&purchases, &mut verdict);
        self.status(&purchases, &decisions, &mut verdict);
        self.violations(&mut verdict);
        let is_older = |purchase: &&Purchase<'_>| {
            let stored = purchase.stored.first();
            stored.is_some_and(|stored| purchase.expected.is_older_rightly(stored, purchase.shows_all_left()))
        };
        Judgement {
            verdict,
            exceptions: self.expected_exceptions(&decisions),
            echoes: self.echoes(),
            changed_after_leaving: purchases.iter().filter(is_older).count(),
            decisions,
        }
    }

    fn expected_in_cloud(&self) -> impl Iterator<Item = Expected<'static>> + '_ {
        let shop = good(self.shop, OwningErp::Cloud)
            .filter_map(|sent| Some((in_cloud_terms(sent.life.last()?), sent.life.refunds.clone())));
        let tills = sold(self.tills, OwningErp::Cloud)
            .map(|sale| (in_cloud_terms(&sale.order), sale.refunds.clone()));
        shop.chain(tills)
            .map(|(order, refunds)| Expected { order: Cow::Owned(order), refunds: Cow::Owned(refunds) })
    }

    fn purchases(&self) -> Vec<Purchase<'a>> {
        let mut by_po: HashMap<&str, Vec<&'a PurchaseOrder>> = HashMap::new();
        for stored in self.partner {
            by_po.entry(&stored.po).or_default().push(stored);
        }
        let mut stored = |po: &str| by_po.remove(po).unwrap_or_default();
        let mut purchases = vec![];
        for sent in good(self.shop, OwningErp::Legacy) {
            let Some(expected) = ExpectedPurchase::of_shop(&sent.life) else { continue };
            let stored = stored(&expected.po);
            purchases.push(Purchase { expected, stored, shop: Some(sent), shown: self.shown(&sent.life) });
        }
        for sale in sold(self.tills, OwningErp::Legacy) {
            let expected = ExpectedPurchase::of_till(sale);
            let stored = stored(&expected.po);
            purchases.push(Purchase { expected, stored, shop: None, shown: None });
        }
        purchases
    }

    /// The order as the shop shows it.
    fn shown(&self, life: &Life) -> Option<&'a ShopOrder> {
        let id = life.reference.rsplit('/').next().and_then(|id| id.parse().ok())?;
        self.admin.order(id)
    }

    fn with_the_partner(&self, purchases: &[Purchase<'_>]) -> Verdict {
        let mut verdict = Verdict::default();
        let mut known: BTreeSet<String> =
            self.planted(OwningErp::Legacy).map(|life| life.number.to_string()).collect();
        for purchase in purchases {
            let (expected, shows_all_left) = (&purchase.expected, purchase.shows_all_left());
            known.insert(expected.po.clone());
            match purchase.stored.as_slice() {
                [] if expected.may_be_absent() => verdict.cancelled_unsent += 1,
                [] => verdict
                    .lost
                    .push(finding(&expected.reference, format!("the partner does not hold {}", expected.po))),
                [first, more @ ..] => {
                    let extra =
                        more.iter().map(|_| finding(&expected.reference, format!("{} twice", expected.po)));
                    verdict.duplicated.extend(extra);
                    let differences = expected.differences(first, shows_all_left);
                    if !differences.is_empty() {
                        let reason = format!("{}: {}", expected.po, differences.join("; "));
                        verdict.mismatched.push(finding(&expected.reference, reason));
                    }
                }
            }
        }
        for stored in self.partner.iter().filter(|stored| !known.contains(&stored.po)) {
            verdict.mismatched.push(finding(&stored.po, "it must not be with the partner".to_owned()));
        }
        verdict
    }

    /// Orders that were planted with an unknown SKU.
    fn planted(&self, of: OwningErp) -> impl Iterator<Item = &Life> {
        let planted = self.shop.orders.iter().filter(|sent| sent.life.plant == Plant::UnknownSku);
        planted.map(|sent| &*sent.life).filter(move |life| owning_erp(life) == of)
    }

    fn violations(&self, verdict: &mut Verdict) {
        let Violations { repeated, not_rising, unreadable, strangers, rejected } = self.violations;
        let mut note = |count: usize, what: &str| {
            if count > 0 {
                verdict
                    .mismatched
                    .push(Finding { reference: "the partner".to_owned(), reason: format!("{count} {what}") });
            }
        };
        note(*repeated, "interchanges with a control number that was there before");
        note(*not_rising, "interchanges whose control number does not rise");
        let first = |all: &[String]| all.first().cloned().unwrap_or_default();
        note(unreadable.len(), &format!("messages that it cannot read: {}", first(unreadable)));
        note(strangers.len(), &format!("changes of orders that nobody placed: {}", first(strangers)));
        note(rejected.len(), &format!("of its messages rejected: {}", first(rejected)));
    }

    /// Returns at the stores of the north, which no message to the partner carries.
    pub(super) fn returns_not_sent(&self) -> usize {
        sold(self.tills, OwningErp::Legacy).map(|sale| sale.refunds.len()).sum()
    }

    fn expected_exceptions(&self, decisions: &[Decision]) -> ExpectedExceptions {
        let planted = [OwningErp::Legacy, OwningErp::Cloud].into_iter().flat_map(|erp| self.planted(erp));
        let (required, allowed): (Vec<&Decision>, Vec<&Decision>) =
            decisions.iter().partition(|decision| decision.must_ask);
        let required =
            required.into_iter().map(|decision| (decision.reference.clone(), decision.what.clone()));
        ExpectedExceptions {
            planted: planted.map(|life| life.reference.clone()).collect(),
            required: required.collect(),
            allowed: allowed.into_iter().map(|decision| decision.reference.clone()).collect(),
        }
    }

    /// The order that an entity belongs to: an order itself, one of its refunds, an ERP's document or shipment.
    /// Nothing for an entity without an order, such as a stock level.
    pub(super) fn subject(&self, entity: &str) -> Option<String> {
        let (system, kind) = (entity.split('/').next()?, entity.split('/').nth(2)?);
        let id = entity.splitn(4, '/').nth(3)?;
        let mut lives = self.shop.orders.iter().map(|sent| &*sent.life);
        let found = match kind {
            "order" => return Some(entity.to_owned()),
            "refund" => lives.find(|life| life.refunds.iter().any(|one| one.reference == entity)),
            _ if system == "erp-x12" => lives.find(|life| {
                let po = life.number.to_string();
                id.rsplit(['/', '-']).next() == Some(po.as_str())
            }),
            _ => {
                let of = self.cloud.orders.iter().find(|stored| {
                    stored.id == id
                        || stored.id.replacen("SO-", "IN-", 1) == id
                        || stored.parcels.iter().any(|parcel| parcel.id == id)
                });
                return Some(of?.document.as_ref()?.reference.clone());
            }
        };
        found.map(|life| life.reference.clone())
    }
}

/// An order as the cloud ERP must hold it: its own articles, accounts and warehouses.
pub(super) fn in_cloud_terms(order: &Order) -> Order {
    let mut order = order.clone();
    for line in &mut order.lines {
        line.sku = line.sku.as_deref().map(|sku| article(OwningErp::Cloud, sku));
    }
    for payment in &mut order.payments {
        payment.account = account(&payment.account).to_owned();
    }
    order.warehouse.get_or_insert_with(|| OwningErp::Cloud.warehouse(0).to_owned());
    order
}

#[cfg(test)]
mod tests;
