//! Maps articles, units, accounts, carriers and warehouses to the partner's codes, and the partner's articles and
//! carriers back, by the operator's mapping tables and the store registry.
//!
//! An unmapped value is written unchanged, or left out where the partner would not understand it, unless the setting
//! `strict` lists the table: then the delivery waits until somebody adds the value. All unmapped values of an order are
//! reported at once.

use std::cell::RefCell;
use std::collections::HashMap;

use crossdock_sdk::prelude::*;

/// The mapping tables, with each value looked up once per call.
#[derive(Default)]
pub(crate) struct MappingCache(RefCell<HashMap<(&'static str, String), Option<String>>>);

impl MappingCache {
    /// The value that a table maps a value to.
    pub(crate) fn get(&self, table: &'static str, value: &str) -> Option<String> {
        let key = (table, value.to_owned());
        self.0.borrow_mut().entry(key).or_insert_with(|| mappings::get(table, value)).clone()
    }
}

/// The mapping to the partner's codes, with the unmapped values of one order.
pub(crate) struct OutboundMapping<'a> {
    cache: &'a MappingCache,
    warehouse: Option<String>,
    unmapped: mappings::UnmappedValues,
}

impl<'a> OutboundMapping<'a> {
    pub(crate) fn new(cache: &'a MappingCache) -> Result<Self, Problem> {
        let unmapped = mappings::UnmappedValues::from_settings()?;
        Ok(Self { cache, warehouse: config::find("warehouse")?, unmapped })
    }

    /// The partner's article of a SKU, else the SKU.
    pub(crate) fn article(&self, sku: &str) -> String {
        self.map("sku", sku).unwrap_or_else(|| sku.to_owned())
    }

    /// The partner's code of a tax (SAC02) by the tax's title, else the code of any tax.
    pub(crate) fn tax(&self, title: &str) -> String {
        self.map("tax", title).unwrap_or_else(|| "H850".to_owned())
    }

    /// The partner's account of a payment, by the name of its tender.
    pub(crate) fn account(&self, payment: &Payment) -> Option<String> {
        self.map("tender", payment.tender_name())
    }

    /// The carrier's code (SCAC) of a shipping line, by its code, else by its title.
    pub(crate) fn carrier(&self, line: &ShippingLine) -> Option<String> {
        let names = || line.code.as_deref().into_iter().chain([line.title.as_str()]);
        let carrier = names().find_map(|name| self.cache.get("carrier", name));
        if carrier.is_none() {
            names().take(1).for_each(|name| self.unmapped.add_if_strict("carrier", name));
        }
        carrier
    }

    /// The warehouse of a store with this code in its system: from the table, else from the store registry, else from
    /// the setting. Without a store, from the setting.
    pub(crate) fn warehouse(&self, system: &str, store: Option<&str>) -> Option<String> {
        let Some(store) = store else { return self.warehouse.clone() };
        let warehouse =
            self.cache.get("warehouse", store).or_else(|| stores::find_or_get(system, store)?.warehouse);
        if warehouse.is_none() {
            self.unmapped.add_if_strict("warehouse", store);
        }
        warehouse.or_else(|| self.warehouse.clone())
    }

    /// X12's code of a unit of UN/ECE Recommendation 20. The delivery waits for an unmapped unit even without `strict`,
    /// because a quantity without its unit would be wrong.
    pub(crate) fn unit(&self, unit: Option<&str>) -> String {
        let Some(unit) = unit else { return "EA".to_owned() };
        let common = match unit {
            "C62" | "EA" | "H87" => "EA",
            "KGM" => "KG",
            "GRM" => "GR",
            "LBR" => "LB",
            "ONZ" => "OZ",
            "LTR" => "LT",
            "MLT" => "ML",
            "GLL" => "GA",
            "MTR" => "MR",
            "CMT" => "CM",
            "FOT" => "FT",
            "INH" => "IN",
            "MTK" => "SM",
            "DZN" => "DZ",
            "PR" => "PR",
            "SET" => "ST",
            "XBX" | "BX" => "BX",
            "XCT" | "CT" => "CT",
            _ => "",
        };
        self.cache.get("unit", unit).unwrap_or_else(|| {
            if common.is_empty() {
                self.unmapped.add("unit", unit);
            }
            common.to_owned()
        })
    }

    fn map(&self, table: &'static str, value: &str) -> Option<String> {
        let target = self.cache.get(table, value);
        if target.is_none() {
            self.unmapped.add_if_strict(table, value);
        }
        target
    }

    /// The unmapped values, each once.
    pub(crate) fn into_unmapped(self) -> Vec<Unmapped> {
        self.unmapped.into_values()
    }
}

/// The mapping of the partner's codes: to the merchant's SKUs, and to carriers' names for customers.
pub(crate) struct InboundMapping {
    cache: MappingCache,
    /// Whether the partner's articles are the merchant's SKUs.
    same_articles: bool,
}

impl InboundMapping {
    pub(crate) fn read() -> Result<Self, Problem> {
        let same_articles = config::find::<String>("articles")?.is_some_and(|articles| articles == "same");
        Ok(Self { cache: MappingCache::default(), same_articles })
    }

    /// The merchant's SKU of an article.
    pub(crate) fn sku(&self, article: &str) -> String {
        let sku = if self.same_articles { None } else { self.cache.get("article", article) };
        sku.unwrap_or_else(|| article.to_owned())
    }

    /// The name of a carrier by its code, if mapped.
    pub(crate) fn carrier(&self, code: &str) -> Option<String> {
        self.cache.get("carrier", code)
    }
}
