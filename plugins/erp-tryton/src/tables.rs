//! Maps the shop's values to Tryton's ids of warehouses, taxes, units and currencies and to its product codes, by
//! the operator's mapping tables, the store registry and the settings.
//!
//! A table takes precedence over the settings, so that a missing value can be added while the host runs. A value that
//! none of them maps is unmapped: all unmapped values of an event are reported at once, and its delivery waits until
//! somebody adds them.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crossdock_sdk::prelude::*;

use crate::settings::Settings;

/// The mapping tables, and the values of one event that they do not map.
#[derive(Default)]
pub struct Tables {
    unmapped: RefCell<mappings::UnmappedValues>,
}

impl Tables {
    /// The warehouse of a store or a location with this code in its system: from the table, else from the store
    /// registry, else from the settings. `None` when it is unmapped: there is no default warehouse for a store.
    ///
    /// # Errors
    /// `no-id`.
    pub fn warehouse(&self, system: &str, store: &str, settings: &Settings) -> Result<Option<i64>, Problem> {
        let registered = || {
            let warehouse = stores::find_or_get(system, store)?.warehouse?;
            Some(parse_id(&warehouse, &format!("the store registry for store {store}")))
        };
        let id = match self.id("warehouse", store)? {
            Some(id) => Some(id),
            None => registered().transpose()?.or_else(|| settings.warehouses.get(store).copied()),
        };
        Ok(self.record_unmapped(id, "warehouse", store))
    }

    /// Tryton's tax for a tax of the shop: by title, then by rate (`0.0725`, without trailing zeros).
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
        Ok(self.record_unmapped(None, "tax", &tax.title))
    }

    /// Tryton's currency.
    ///
    /// # Errors
    /// `no-id`.
    pub fn currency(&self, code: &str, settings: &Settings) -> Result<Option<i64>, Problem> {
        let id = self.look_up("currency", code, &settings.currencies)?;
        Ok(self.record_unmapped(id, "currency", code))
    }

    /// Tryton's unit for a unit of UN/ECE Recommendation 20.
    ///
    /// # Errors
    /// `no-id`.
    pub fn unit(&self, code: &str, settings: &Settings) -> Result<Option<i64>, Problem> {
        let id = self.look_up("unit", code, &settings.units)?;
        Ok(self.record_unmapped(id, "unit", code))
    }

    /// Records a SKU as unmapped: Tryton has no product of that code, and the table maps it to no other.
    pub fn add_unmapped_sku(&self, sku: &str) {
        self.record_unmapped(None, "sku", sku);
    }

    /// Fails when a value has been unmapped so far.
    ///
    /// # Errors
    /// The outcome that lists the unmapped values.
    pub fn require_all_mapped(&self) -> Result<(), Outcome> {
        match self.unmapped() {
            Outcome::Unmapped(values) if values.is_empty() => Ok(()),
            unmapped => Err(unmapped),
        }
    }

    /// The values that have been unmapped so far.
    pub fn unmapped(&self) -> Outcome {
        Outcome::Unmapped(self.unmapped.take().into_values())
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
        target.map(|target| parse_id(&target, &format!("the table {table} for {value}"))).transpose()
    }

    fn record_unmapped(&self, id: Option<i64>, table: &str, value: &str) -> Option<i64> {
        if id.is_none() {
            self.unmapped.borrow().add(table, value);
        }
        id
    }
}

/// The product code of a SKU of the shop, and whether the table `sku` maps it.
#[must_use]
pub fn product_code(sku: &str) -> (String, bool) {
    mappings::get("sku", sku).map_or_else(|| (sku.to_owned(), false), |code| (code, true))
}

fn parse_id(target: &str, origin: &str) -> Result<i64, Problem> {
    let wrong = || Problem::new("no-id", format!("{origin} has \"{target}\", which is not an id of Tryton"));
    target.trim().parse().map_err(|_| wrong())
}
