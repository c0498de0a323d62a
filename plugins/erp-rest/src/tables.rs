//! What the operator's tables and store registry say: articles, accounts and warehouses in the ERP's words.
//!
//! A value that its table does not have goes to the ERP as it is, unless the setting `strict` names the table:
//! then the work waits until somebody adds the value. All that is missing is told at once, so that one repair
//! is enough.

use crossdock_sdk::prelude::*;

/// The tables, and what one document missed in them.
pub(crate) struct Tables {
    warehouse: Option<String>,
    missing: mappings::Missing,
}

impl Tables {
    pub(crate) fn read() -> Result<Self, Problem> {
        Ok(Self { warehouse: config::find("warehouse")?, missing: mappings::Missing::by_setting()? })
    }

    /// The ERP's article of a SKU.
    pub(crate) fn article(&self, sku: &str) -> String {
        self.look_up("sku", sku)
    }

    /// The account that a payment goes to, by the kind of tender; by the till's own word for any other.
    pub(crate) fn account(&self, payment: &Payment) -> String {
        self.look_up("tender", payment.tender_name())
    }

    /// The warehouse of a store, as its system calls the store: by the table, else by the store registry. What
    /// was at no store is the setting's.
    pub(crate) fn warehouse(&self, system: &str, store: Option<&str>) -> Option<String> {
        let Some(store) = store else { return self.warehouse.clone() };
        let known = known(system, store);
        if known.is_none() {
            self.missing.note("warehouse", store);
        }
        known.or_else(|| self.warehouse.clone())
    }

    /// The warehouse of a location, strict or not: stock that is changed elsewhere instead is wrong in two places.
    pub(crate) fn place(&self, system: &str, location: &str) -> Option<String> {
        let known = known(system, location);
        if known.is_none() {
            self.missing.demand("warehouse", location);
        }
        known
    }

    fn look_up(&self, table: &str, value: &str) -> String {
        mappings::get(table, value).unwrap_or_else(|| {
            self.missing.note(table, value);
            value.to_owned()
        })
    }

    /// What was asked for and is not there, each once.
    pub(crate) fn missing(self) -> Vec<Unmapped> {
        self.missing.values()
    }
}

fn known(system: &str, store: &str) -> Option<String> {
    mappings::get("warehouse", store).or_else(|| stores::known(system, store)?.warehouse)
}

/// The merchant's SKU of an article: the way back.
pub(crate) fn sku(article: &str) -> String {
    mappings::get("article", article).unwrap_or_else(|| article.to_owned())
}

/// The name of a carrier as customers know it.
pub(crate) fn carrier(code: &str) -> String {
    mappings::get("carrier", code).unwrap_or_else(|| code.to_owned())
}
