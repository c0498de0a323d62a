//! The evidence that a verdict is made from.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::erp::stock::StockKey;
use crate::partner::books::Violations;
use crate::partner::purchase_order::PurchaseOrder;
use crate::shop::admin::state::AdminState;
use crate::{erp, shop, till};

/// The ledgers of shop, tills and ERPs, from which the verdict is made.
pub(in crate::landscape) struct Evidence<'a> {
    pub(in crate::landscape) shop: &'a shop::Ledger,
    pub(in crate::landscape) tills: &'a till::Ledger,
    pub(in crate::landscape) cloud: &'a erp::Documents,
    pub(in crate::landscape) cloud_stock: &'a BTreeMap<StockKey, Decimal>,
    pub(in crate::landscape) partner: &'a [PurchaseOrder],
    pub(in crate::landscape) partner_stock: &'a BTreeMap<StockKey, Decimal>,
    pub(in crate::landscape) violations: &'a Violations,
    pub(in crate::landscape) admin: &'a AdminState,
}
