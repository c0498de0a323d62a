//! The connector's settings.

use crossdock_sdk::prelude::*;

/// The settings, as `plugin.toml` describes them.
pub(crate) struct Settings {
    pub retailer: String,
    pub zone: Option<String>,
    pub currency: Option<String>,
    pub prices_include_tax: Option<bool>,
    pub weight_unit: Option<String>,
}

impl Settings {
    /// Reads the settings from the host.
    ///
    /// # Errors
    /// When a setting is missing or invalid.
    pub(crate) fn read() -> Result<Self, Problem> {
        Ok(Self {
            retailer: config::get("retailer")?,
            zone: config::find("zone")?,
            currency: config::find("currency")?,
            prices_include_tax: config::find("prices-include-tax")?,
            weight_unit: config::find("weight-unit")?,
        })
    }

    /// An entity of the retailer's tills.
    pub(crate) fn entity(&self, kind: EntityKind, id: impl Into<String>) -> Entity {
        Entity { system: "poslog".into(), tenant: self.retailer.clone(), kind, id: id.into() }
    }
}
