//! The connector's settings: where Tryton is, and which of its records stand for the shop's values.
//!
//! Ids are Tryton's own numbers. They are configured rather than looked up by name, so that booking an order
//! makes no requests whose responses never change.

use std::collections::BTreeMap;

use crossdock_sdk::prelude::*;

use crate::record_kind::RecordKind;

/// Codes of the service products for charges that are not articles of the shop.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Services {
    /// Shipping charged to the customer.
    pub shipping: String,
    /// Rounding differences between the shop's total and Tryton's, and cash rounding.
    pub adjustment: String,
    /// Tips. Without it an order with a tip is refused.
    pub tip: Option<String>,
    /// Gift cards sold. Without it an order that sells one is refused.
    pub gift_card: Option<String>,
    /// Duties charged to the customer. Without it an order with duties is refused.
    pub duty: Option<String>,
    /// Refunds of goods that are not returned. Without it such a refund is refused.
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
    /// The setting `reports`.
    pub reported_kinds: Vec<RecordKind>,
    pub price_currency: Option<String>,
}

impl Settings {
    /// Reads the settings.
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
            reported_kinds: config::find("reports")?.unwrap_or_else(|| RecordKind::DEFAULT.to_vec()),
            price_currency: config::find("price-currency")?,
        })
    }

    /// The kinds of records that a poll reads.
    #[must_use]
    pub fn polled_kinds(&self) -> Vec<RecordKind> {
        let mut kinds = self.reported_kinds.clone();
        if kinds.contains(&RecordKind::Products) {
            kinds.push(RecordKind::Templates);
        }
        kinds.dedup();
        kinds
    }
}
