//! What the operator's tables and store registry say: articles, accounts and warehouses in the ERP's words.
//!
//! A value that its table does not have goes to the ERP as it is, unless the setting `strict` names the table:
//! then the work waits until somebody adds the value. All that is missing is told at once, so that one repair
//! is enough.

use std::cell::RefCell;

use crossdock_sdk::prelude::*;

/// The tables, and what one document missed in them.
pub(crate) struct Tables {
    strict: Vec<String>,
    warehouse: Option<String>,
    missing: RefCell<Vec<Unmapped>>,
}

impl Tables {
    pub(crate) fn read() -> Result<Self, Problem> {
        let strict = config::find("strict")?.unwrap_or_default();
        Ok(Self { strict, warehouse: config::find("warehouse")?, missing: RefCell::default() })
    }

    /// The ERP's article of a SKU.
    pub(crate) fn article(&self, sku: &str) -> String {
        self.look_up("sku", sku)
    }

    /// The account that a payment goes to, by the kind of tender; by the till's own word for any other.
    pub(crate) fn account(&self, payment: &Payment) -> String {
        let tender = match payment.tender {
            TenderKind::Card => "card",
            TenderKind::Cash => "cash",
            TenderKind::GiftCard => "gift-card",
            TenderKind::StoreCredit => "store-credit",
            TenderKind::Wallet => "wallet",
            TenderKind::BankTransfer => "bank-transfer",
            TenderKind::PayLater => "pay-later",
            TenderKind::Other => &payment.gateway,
        };
        self.look_up("tender", tender)
    }

    /// The warehouse of a store, as its system calls the store: by the table, else by the store registry. What
    /// was at no store is the setting's.
    pub(crate) fn warehouse(&self, system: &str, store: Option<&str>) -> Option<String> {
        let Some(store) = store else { return self.warehouse.clone() };
        let kept = || stores::find(system, store).or_else(|| stores::get(store))?.warehouse;
        let known = mappings::get("warehouse", store).or_else(kept);
        if known.is_none() && self.is_strict("warehouse") {
            self.miss("warehouse", store);
        }
        known.or_else(|| self.warehouse.clone())
    }

    fn look_up(&self, table: &str, value: &str) -> String {
        mappings::get(table, value).unwrap_or_else(|| {
            if self.is_strict(table) {
                self.miss(table, value);
            }
            value.to_owned()
        })
    }

    fn is_strict(&self, table: &str) -> bool {
        self.strict.iter().any(|strict| strict == table)
    }

    fn miss(&self, table: &str, value: &str) {
        let one = Unmapped { table: table.to_owned(), value: value.to_owned() };
        let mut missing = self.missing.borrow_mut();
        if !missing.contains(&one) {
            missing.push(one);
        }
    }

    /// What was asked for and is not there, each once.
    pub(crate) fn missing(self) -> Vec<Unmapped> {
        self.missing.into_inner()
    }
}

/// The merchant's SKU of an article: the way back.
pub(crate) fn sku(article: &str) -> String {
    mappings::get("article", article).unwrap_or_else(|| article.to_owned())
}

/// The name of a carrier as customers know it.
pub(crate) fn carrier(code: &str) -> String {
    mappings::get("carrier", code).unwrap_or_else(|| code.to_owned())
}
