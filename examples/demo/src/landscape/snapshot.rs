//! Copies of all ledgers at one moment, and when orders were sent and booked by them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Instant;

use rust_decimal::Decimal;

use super::stores::OwningErp;
use super::verdict::{Evidence, owning_erp};
use crate::erp::stock::StockKey;
use crate::partner::books::Violations;
use crate::partner::purchase_order::PurchaseOrder;
use crate::run::first_tries;
use crate::shop::admin::state::AdminState;
use crate::shop::life::Plant;
use crate::{erp, shop, till};

/// Copies of everything, from which a verdict is made.
pub(super) struct Snapshot {
    pub(super) shop: shop::Ledger,
    pub(super) tills: till::Ledger,
    pub(super) cloud: erp::Documents,
    pub(super) cloud_stock: BTreeMap<StockKey, Decimal>,
    pub(super) partner: Vec<PurchaseOrder>,
    pub(super) partner_stock: BTreeMap<StockKey, Decimal>,
    pub(super) violations: Violations,
}

impl Snapshot {
    /// The evidence of the ledgers, with the state of the shop.
    pub(super) fn evidence<'a>(&'a self, admin: &'a AdminState) -> Evidence<'a> {
        Evidence {
            shop: &self.shop,
            tills: &self.tills,
            cloud: &self.cloud,
            cloud_stock: &self.cloud_stock,
            partner: &self.partner,
            partner_stock: &self.partner_stock,
            violations: &self.violations,
            admin,
        }
    }
}

/// When each order's first webhook was first tried, and when each sale was first sent.
pub(super) fn tries(snapshot: &Snapshot) -> Vec<(String, Instant)> {
    let mut tries = first_tries(&snapshot.shop);
    let sales = snapshot.tills.sold.iter();
    tries.extend(sales.filter_map(|sale| Some((sale.order.reference.clone(), sale.first_sent?))));
    tries
}

/// When each was booked in its ERP.
pub(super) fn arrived(snapshot: &Snapshot) -> HashMap<String, Instant> {
    let mut arrived = crate::run::arrivals(&snapshot.cloud);
    let by_po: HashMap<&str, Instant> =
        snapshot.partner.iter().rev().map(|stored| (stored.po.as_str(), stored.created)).collect();
    for sent in snapshot.shop.orders.iter().filter(|sent| owning_erp(&sent.life) == OwningErp::Legacy) {
        if let Some(at) = by_po.get(sent.life.number.to_string().as_str()) {
            arrived.insert(sent.life.reference.clone(), *at);
        }
    }
    for sold in snapshot.tills.sold.iter().filter(|sold| sold.store.owning_erp == OwningErp::Legacy) {
        if let Some(at) = by_po.get(sold.number.as_str()) {
            arrived.insert(sold.order.reference.clone(), *at);
        }
    }
    arrived
}

/// The number of orders and sales that were sent and are in no ERP.
pub(super) fn in_no_erp(
    shop: &shop::Ledger,
    tills: &till::Ledger,
    cloud: &erp::Documents,
    partner: &[PurchaseOrder],
) -> usize {
    let there: BTreeSet<&str> = cloud
        .orders
        .iter()
        .filter_map(|stored| stored.document.as_ref().map(|document| document.reference.as_str()))
        .chain(partner.iter().map(|stored| stored.po.as_str()))
        .collect();
    let of_shop = shop.orders.iter().filter(|sent| sent.life.plant == Plant::Good);
    let of_shop =
        of_shop.filter(|sent| sent.accepted.contains(&true)).filter(|sent| match owning_erp(&sent.life) {
            OwningErp::Cloud => !there.contains(sent.life.reference.as_str()),
            OwningErp::Legacy => !there.contains(sent.life.number.to_string().as_str()),
        });
    let of_tills = tills.sold.iter().filter(|sold| sold.first_sent.is_some()).filter(|sold| {
        match sold.store.owning_erp {
            OwningErp::Cloud => !there.contains(sold.order.reference.as_str()),
            OwningErp::Legacy => !there.contains(sold.number.as_str()),
        }
    });
    of_shop.count() + of_tills.count()
}
