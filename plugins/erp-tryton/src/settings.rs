//! What the operator wrote: where Tryton is, and what the shop's words mean there.
//!
//! Ids are Tryton's own numbers. They are settings and not looked up by name, so that booking an order takes
//! no calls whose answers never change.

use std::collections::BTreeMap;

use crossdock_sdk::prelude::*;

use crate::poll::Kind;

/// Codes of the products that stand for what is not an article of the shop.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Services {
    /// Shipping charged to the customer.
    pub shipping: String,
    /// Cents that only one side has, and cash rounding.
    pub adjustment: String,
    /// Tips. Without it an order with a tip is refused.
    pub tip: Option<String>,
    /// Gift cards sold. Without it an order that sells one is refused.
    pub gift_card: Option<String>,
    /// Duties charged to the customer. Without it an order with duties is refused.
    pub duty: Option<String>,
    /// Money given back for goods that do not come back. Without it such a refund is refused.
    pub refund: Option<String>,
}

/// The connector's settings; the manifest describes each.
#[derive(Debug, Clone)]
pub struct Settings {
    pub database: String,
    pub company: i64,
    pub web_shop: i64,
    pub party: i64,
    pub address: i64,
    pub payment_term: Option<i64>,
    pub warehouse: Option<i64>,
    pub warehouses: BTreeMap<String, i64>,
    pub currencies: BTreeMap<String, i64>,
    pub taxes: BTreeMap<String, i64>,
    pub units: BTreeMap<String, i64>,
    pub services: Services,
    pub price_digits: u32,
    pub tolerance: Decimal,
    pub overlap_seconds: u32,
    pub tracking: bool,
    pub tell: Vec<Kind>,
    pub price_currency: Option<String>,
}

impl Settings {
    /// Reads them.
    ///
    /// # Errors
    /// The setting that is missing or has another type.
    pub fn read() -> Result<Self, Problem> {
        Ok(Self {
            database: config::get("database")?,
            company: config::get("company")?,
            web_shop: config::get("web-shop")?,
            party: config::get("party")?,
            address: config::get("address")?,
            payment_term: config::find("payment-term")?,
            warehouse: config::find("warehouse")?,
            warehouses: config::find("warehouses")?.unwrap_or_default(),
            currencies: config::get("currencies")?,
            taxes: config::find("taxes")?.unwrap_or_default(),
            units: config::find("units")?.unwrap_or_default(),
            services: config::get("services")?,
            price_digits: config::find("price-digits")?.unwrap_or(4),
            tolerance: money::decimal(
                &config::find::<String>("tolerance")?.unwrap_or_else(|| "0.05".into()),
            )?,
            overlap_seconds: config::find("overlap-seconds")?.unwrap_or(60),
            tracking: config::find("tracking")?.unwrap_or(false),
            tell: config::find("tell")?.unwrap_or_else(|| Kind::USUAL.to_vec()),
            price_currency: config::find("price-currency")?,
        })
    }

    /// Tryton's tax for a tax of the shop: looked up by title, then by rate (`0.0725`, without zeros at
    /// the end).
    ///
    /// # Errors
    /// `unmapped-tax`.
    pub fn tax(&self, tax: &TaxLine, field: &str) -> Result<i64, Problem> {
        let rate =
            tax.rate.as_deref().map(money::decimal).transpose()?.map(|rate| rate.normalize().to_string());
        let found = self.taxes.get(&tax.title).or_else(|| self.taxes.get(rate.as_ref()?));
        found.copied().ok_or_else(|| {
            let rate = rate.map(|rate| format!(" at a rate of {rate}")).unwrap_or_default();
            let title = &tax.title;
            Problem::new(
                "unmapped-tax",
                format!("no tax of Tryton is set for the shop's tax \"{title}\"{rate}"),
            )
            .at(field)
        })
    }

    /// Tryton's currency.
    ///
    /// # Errors
    /// `unmapped-currency`.
    pub fn currency(&self, code: &str) -> Result<i64, Problem> {
        self.currencies.get(code).copied().ok_or_else(|| {
            Problem::new("unmapped-currency", format!("no currency of Tryton is set for {code}"))
                .at("currency")
        })
    }

    /// What a poll tells.
    #[must_use]
    pub fn kinds(&self) -> Vec<Kind> {
        let mut kinds = self.tell.clone();
        if kinds.contains(&Kind::Products) {
            kinds.push(Kind::Templates);
        }
        kinds.dedup();
        kinds
    }

    /// Every warehouse that the settings name, once.
    #[must_use]
    pub fn all_warehouses(&self) -> Vec<i64> {
        let mut all: Vec<i64> = self.warehouse.into_iter().chain(self.warehouses.values().copied()).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The warehouse that serves a store, or the one for everything else.
    #[must_use]
    pub fn warehouse(&self, store: Option<&str>) -> Option<i64> {
        store.and_then(|store| self.warehouses.get(store).copied()).or(self.warehouse)
    }
}
