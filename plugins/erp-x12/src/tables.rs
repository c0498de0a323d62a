//! What the operator's tables and store registry say: articles, units, accounts, carriers and warehouses in the
//! partner's words, and the way back.
//!
//! A value that its table does not have is written as it is, or left out where it would mean nothing to the
//! partner; unless the setting `strict` names the table: then the work waits until somebody adds the value. All
//! that is missing is told at once, so that one repair is enough.

use std::cell::RefCell;
use std::collections::HashMap;

use crossdock_sdk::prelude::*;

/// What the tables say, each value asked for once a call.
#[derive(Default)]
pub(crate) struct Dictionary(RefCell<HashMap<(&'static str, String), Option<String>>>);

impl Dictionary {
    /// What a table maps a value to.
    pub(crate) fn get(&self, table: &'static str, value: &str) -> Option<String> {
        let place = (table, value.to_owned());
        self.0.borrow_mut().entry(place).or_insert_with(|| mappings::get(table, value)).clone()
    }
}

/// The tables, and what one order missed in them.
pub(crate) struct Tables<'a> {
    dictionary: &'a Dictionary,
    warehouse: Option<String>,
    missing: mappings::Missing,
}

impl<'a> Tables<'a> {
    pub(crate) fn read(dictionary: &'a Dictionary) -> Result<Self, Problem> {
        let missing = mappings::Missing::by_setting()?;
        Ok(Self { dictionary, warehouse: config::find("warehouse")?, missing })
    }

    /// The partner's article of a SKU; else the SKU.
    pub(crate) fn article(&self, sku: &str) -> String {
        self.find("sku", sku).unwrap_or_else(|| sku.to_owned())
    }

    /// The partner's code of a tax (SAC02), by the tax's title; else that of any tax.
    pub(crate) fn tax(&self, title: &str) -> String {
        self.find("tax", title).unwrap_or_else(|| "H850".to_owned())
    }

    /// The partner's account of a payment, by the kind of tender; by the till's own word for any other.
    pub(crate) fn account(&self, payment: &Payment) -> Option<String> {
        self.find("tender", payment.tender_name())
    }

    /// The carrier's code (SCAC) of a way of shipping, by its code, else by its title.
    pub(crate) fn carrier(&self, line: &ShippingLine) -> Option<String> {
        let names = || line.code.as_deref().into_iter().chain([line.title.as_str()]);
        let known = names().find_map(|name| self.dictionary.get("carrier", name));
        if known.is_none() {
            names().take(1).for_each(|name| self.missing.note("carrier", name));
        }
        known
    }

    /// The warehouse of a store, as its system calls the store: by the table, else by the store registry. What
    /// was at no store is the setting's.
    pub(crate) fn warehouse(&self, system: &str, store: Option<&str>) -> Option<String> {
        let Some(store) = store else { return self.warehouse.clone() };
        let known =
            self.dictionary.get("warehouse", store).or_else(|| stores::known(system, store)?.warehouse);
        if known.is_none() {
            self.missing.note("warehouse", store);
        }
        known.or_else(|| self.warehouse.clone())
    }

    /// X12's word for a unit of UN/ECE Recommendation 20. A unit that has none waits for the table, strict or not:
    /// a quantity without its unit is a wrong quantity.
    pub(crate) fn unit(&self, unit: Option<&str>) -> String {
        let Some(unit) = unit else { return "EA".to_owned() };
        let known = match unit {
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
        self.dictionary.get("unit", unit).unwrap_or_else(|| {
            if known.is_empty() {
                self.missing.demand("unit", unit);
            }
            known.to_owned()
        })
    }

    fn find(&self, table: &'static str, value: &str) -> Option<String> {
        let known = self.dictionary.get(table, value);
        if known.is_none() {
            self.missing.note(table, value);
        }
        known
    }

    /// What was asked for and is not there, each once.
    pub(crate) fn missing(self) -> Vec<Unmapped> {
        self.missing.values()
    }
}

/// The way back: the merchant's SKUs of the partner's articles, and carriers as customers know them.
pub(crate) struct Words {
    dictionary: Dictionary,
    /// True when the partner's articles are the merchant's.
    same: bool,
}

impl Words {
    pub(crate) fn read() -> Result<Self, Problem> {
        let same = config::find::<String>("articles")?.is_some_and(|articles| articles == "same");
        Ok(Self { dictionary: Dictionary::default(), same })
    }

    /// The merchant's SKU of an article.
    pub(crate) fn sku(&self, article: &str) -> String {
        let known = if self.same { None } else { self.dictionary.get("article", article) };
        known.unwrap_or_else(|| article.to_owned())
    }

    /// The name of a carrier by its code, where the table has it.
    pub(crate) fn carrier(&self, code: &str) -> Option<String> {
        self.dictionary.get("carrier", code)
    }
}
