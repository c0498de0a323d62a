//! What the operator's tables, the store registry and the settings say: Tryton's ids of warehouses, taxes, units
//! and currencies, and its codes of articles.
//!
//! A table counts before the settings, so that what was forgotten is added while the host runs. What none of them
//! has is missed: all of it is told at once, and the work waits until somebody adds it.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crossdock_sdk::prelude::*;

use crate::settings::Settings;

/// The tables, and what one piece of work missed in them.
#[derive(Default)]
pub struct Tables {
    missing: RefCell<mappings::Missing>,
}

impl Tables {
    /// The warehouse of a store or a location, as its system calls it: by the table, by the store registry, by the
    /// settings. `None` when it is missed: goods never leave from anywhere else instead.
    ///
    /// # Errors
    /// `no-id`.
    pub fn warehouse(&self, system: &str, store: &str, settings: &Settings) -> Result<Option<i64>, Problem> {
        let registered = || {
            let warehouse = stores::known(system, store)?.warehouse?;
            Some(read(&warehouse, &format!("the store registry for store {store}")))
        };
        let known = match self.id("warehouse", store)? {
            Some(id) => Some(id),
            None => registered().transpose()?.or_else(|| settings.warehouses.get(store).copied()),
        };
        Ok(self.or_missed(known, "warehouse", store))
    }

    /// Tryton's tax for a tax of the shop: by title, then by rate (`0.0725`, without zeros at the end).
    ///
    /// # Errors
    /// `no-id`; or the rate cannot be read.
    pub fn tax(&self, tax: &TaxLine, settings: &Settings) -> Result<Option<i64>, Problem> {
        let rate =
            tax.rate.as_deref().map(money::decimal).transpose()?.map(|rate| rate.normalize().to_string());
        for name in [Some(&tax.title), rate.as_ref()].into_iter().flatten() {
            if let Some(id) = self.look_up("tax", name, &settings.taxes)? {
                return Ok(Some(id));
            }
        }
        Ok(self.or_missed(None, "tax", &tax.title))
    }

    /// Tryton's currency.
    ///
    /// # Errors
    /// `no-id`.
    pub fn currency(&self, code: &str, settings: &Settings) -> Result<Option<i64>, Problem> {
        let known = self.look_up("currency", code, &settings.currencies)?;
        Ok(self.or_missed(known, "currency", code))
    }

    /// Tryton's unit for one of UN/ECE Recommendation 20.
    ///
    /// # Errors
    /// `no-id`.
    pub fn unit(&self, code: &str, settings: &Settings) -> Result<Option<i64>, Problem> {
        let known = self.look_up("unit", code, &settings.units)?;
        Ok(self.or_missed(known, "unit", code))
    }

    /// Notes that an article is missed: its SKU is no code of Tryton's, and the table has no other for it.
    pub fn miss_sku(&self, sku: &str) {
        self.or_missed(None, "sku", sku);
    }

    /// Lets the work wait when anything was missed until now.
    ///
    /// # Errors
    /// The outcome that says what.
    pub fn complete(&self) -> Result<(), Outcome> {
        match self.missed() {
            Outcome::Unmapped(nothing) if nothing.is_empty() => Ok(()),
            missed => Err(missed),
        }
    }

    /// All that was missed until now.
    pub fn missed(&self) -> Outcome {
        Outcome::Unmapped(self.missing.take().values())
    }

    fn look_up(
        &self,
        table: &str,
        value: &str,
        settings: &BTreeMap<String, i64>,
    ) -> Result<Option<i64>, Problem> {
        Ok(self.id(table, value)?.or_else(|| settings.get(value).copied()))
    }

    fn id(&self, table: &str, value: &str) -> Result<Option<i64>, Problem> {
        let target = mappings::get(table, value);
        target.map(|target| read(&target, &format!("the table {table} for {value}"))).transpose()
    }

    fn or_missed(&self, known: Option<i64>, table: &str, value: &str) -> Option<i64> {
        if known.is_none() {
            self.missing.borrow().demand(table, value);
        }
        known
    }
}

/// The code of an article of the shop, and whether the table says so.
#[must_use]
pub fn article(sku: &str) -> (String, bool) {
    mappings::get("sku", sku).map_or_else(|| (sku.to_owned(), false), |code| (code, true))
}

fn read(target: &str, place: &str) -> Result<i64, Problem> {
    let wrong = || Problem::new("no-id", format!("{place} has \"{target}\", which is no id of Tryton"));
    target.trim().parse().map_err(|_| wrong())
}
