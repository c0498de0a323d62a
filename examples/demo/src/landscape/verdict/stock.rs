//! The stock: the ERPs hold what sales and returns have left, and the shop shows what both hold together.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::Purchase;
use super::evidence::Evidence;
use crate::erp;
use crate::erp::document::Order;
use crate::erp::stock::StockKey;
use crate::landscape::articles::{PIECES, article, counted};
use crate::landscape::stores::OwningErp;
use crate::partner::purchase_order::PurchaseOrder;
use crate::shop::catalogue::LOCATIONS;
use crate::verify::{Expected, Verdict, finding};

impl Evidence<'_> {
    pub(super) fn stock(&self, purchases: &[Purchase<'_>], verdict: &mut Verdict) {
        for (key, expected) in &self.expected_stock(purchases) {
            let stored =
                self.cloud_stock.get(key).or(self.partner_stock.get(key)).copied().unwrap_or_default();
            if stored != *expected {
                let reason = format!("the ERP has {stored}, sales and returns leave {expected}");
                verdict.stock.push(finding(&format!("{} at {}", key.0, key.1), reason));
            }
        }
        let shown = self.admin.stock();
        for (sku, (at, location)) in
            counted().flat_map(|sku| LOCATIONS.iter().enumerate().map(move |one| (sku, one)))
        {
            let of = |erp: OwningErp, stock: &BTreeMap<StockKey, Decimal>| {
                stock.get(&(article(erp, sku), erp.warehouse(at).to_owned())).copied().unwrap_or_default()
            };
            let together = of(OwningErp::Legacy, self.partner_stock) + of(OwningErp::Cloud, self.cloud_stock);
            let there = shown.get(&(sku.to_owned(), *location)).copied().map(Decimal::from);
            if there != Some(together) {
                let there = there.map_or("nothing".to_owned(), |there| there.to_string());
                let reason = format!("the shop shows {there}, the ERPs hold {together} together");
                verdict.stock.push(finding(&format!("{sku} at {location}"), reason));
            }
        }
    }

    fn expected_stock(&self, purchases: &[Purchase<'_>]) -> BTreeMap<StockKey, Decimal> {
        let mut expected: BTreeMap<StockKey, Decimal> = BTreeMap::new();
        for erp in [OwningErp::Legacy, OwningErp::Cloud] {
            for (sku, location) in counted().flat_map(|sku| [(sku, 0), (sku, 1)]) {
                let key = (article(erp, sku), erp.warehouse(location).to_owned());
                expected.insert(key, Decimal::from(PIECES));
            }
        }
        for Expected { order, refunds } in self.expected_in_cloud() {
            let warehouse = order.warehouse.clone().unwrap_or_default();
            take(&mut expected, &order, &warehouse);
            for refund in refunds.iter() {
                for (sku, pieces) in erp::stock::brought_back(&order, refund) {
                    let back = refund.warehouse.clone().unwrap_or_else(|| warehouse.clone());
                    if let Some(level) = expected.get_mut(&(sku, back)) {
                        *level += pieces;
                    }
                }
            }
        }
        for purchase in purchases {
            let stored = purchase.stored.first().copied();
            let moved = purchase.expected.stock_moved(stored, purchase.shows_all_left());
            for (number, pieces, _) in moved {
                if let Some(level) = expected.get_mut(&(number, purchase.expected.warehouse.clone())) {
                    *level -= pieces;
                }
            }
        }
        // What is planted as unknown has lines beside the unknown one, which the partner sends.
        let planted = |stored: &&PurchaseOrder| {
            stored.lines.iter().any(|line| line.rejected.is_some()) && !stored.cancelled
        };
        for stored in self.partner.iter().filter(planted) {
            for line in stored.lines.iter().filter(|line| line.rejected.is_none()) {
                let key = (line.article.clone().unwrap_or_default(), stored.warehouse.clone());
                if let Some(level) = expected.get_mut(&key) {
                    *level -= line.pieces;
                }
            }
        }
        expected
    }
}

/// Takes an order's pieces from the stock.
fn take(stock: &mut BTreeMap<StockKey, Decimal>, order: &Order, warehouse: &str) {
    for (sku, pieces) in erp::stock::taken(order) {
        if let Some(level) = stock.get_mut(&(sku, warehouse.to_owned())) {
            *level -= pieces;
        }
    }
}
