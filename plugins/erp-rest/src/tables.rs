//! The ERP's articles, accounts and warehouses, from the operator's mapping tables and store registry.
//!
//! An unmapped value is sent unchanged, unless the setting `strict` names its table: then the work waits until the
//! mapping is added. All unmapped values of a piece of work are returned together.

use crossdock_sdk::prelude::*;

/// The tables, and the values of one document that they do not map.
pub(crate) struct Tables {
    default_warehouse: Option<String>,
    unmapped: mappings::UnmappedValues,
}

impl Tables {
    pub(crate) fn read() -> Result<Self, Problem> {
        Ok(Self {
            default_warehouse: config::find("warehouse")?,
            unmapped: mappings::UnmappedValues::from_settings()?,
        })
    }

    /// The ERP's article of a SKU.
    pub(crate) fn article(&self, sku: &str) -> String {
        self.look_up("sku", sku)
    }

    /// The account of a payment, by its tender; by the source's gateway for other tenders.
    pub(crate) fn account(&self, payment: &Payment) -> String {
        self.look_up("tender", payment.tender_name())
    }

    /// The warehouse of a store, by the store's code in its system: from the table, else from the store registry. The
    /// setting `warehouse` where there is no store, or where neither has a warehouse for it.
    pub(crate) fn warehouse(&self, system: &str, store: Option<&str>) -> Option<String> {
        let Some(store) = store else { return self.default_warehouse.clone() };
        let warehouse = find_warehouse(system, store);
        if warehouse.is_none() {
            self.unmapped.add_if_strict("warehouse", store);
        }
        warehouse.or_else(|| self.default_warehouse.clone())
    }

    /// The warehouse of a location whose stock changed. It must be mapped, strict or not: a default would make the
    /// stock of two warehouses wrong.
    pub(crate) fn required_warehouse(&self, system: &str, location: &str) -> Option<String> {
        let warehouse = find_warehouse(system, location);
        if warehouse.is_none() {
            self.unmapped.add("warehouse", location);
        }
        warehouse
    }

    fn look_up(&self, table: &str, value: &str) -> String {
        mappings::get(table, value).unwrap_or_else(|| {
            self.unmapped.add_if_strict(table, value);
            value.to_owned()
        })
    }

    /// The values that were looked up and are not mapped, each once.
    pub(crate) fn into_unmapped(self) -> Vec<Unmapped> {
        self.unmapped.into_values()
    }
}

fn find_warehouse(system: &str, store: &str) -> Option<String> {
    mappings::get("warehouse", store).or_else(|| stores::find_or_get(system, store)?.warehouse)
}

/// The merchant's SKU of an article of the ERP.
pub(crate) fn sku(article: &str) -> String {
    mappings::get("article", article).unwrap_or_else(|| article.to_owned())
}

/// The carrier's name for customers.
pub(crate) fn carrier(code: &str) -> String {
    mappings::get("carrier", code).unwrap_or_else(|| code.to_owned())
}
