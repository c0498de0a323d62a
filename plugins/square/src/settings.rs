//! The connector's settings.

use crossdock_sdk::prelude::*;
use jiff::civil::Time;

/// The settings, as `plugin.toml` describes them.
#[derive(Clone, Debug)]
pub struct Settings {
    pub(crate) merchant: String,
    pub(crate) url: String,
    pub(crate) version: Option<String>,
    pub(crate) zone: Option<String>,
    pub(crate) day_starts: Time,
    pub(crate) read_payments: bool,
    pub(crate) restock: bool,
    pub(crate) locations: Vec<String>,
    pub(crate) since: Option<String>,
}

impl Settings {
    /// Reads the settings from the host.
    ///
    /// # Errors
    /// When a setting is missing or invalid.
    #[doc(hidden)]
    pub fn read() -> Result<Self, Problem> {
        let starts = config::find::<String>("day-starts")?.unwrap_or_else(|| "00:00".into());
        let invalid =
            |_| Problem::new("setting-invalid", format!("`day-starts`: `{starts}` is not a time of day"));
        Ok(Self {
            merchant: config::get("merchant")?,
            url: config::find("url")?.unwrap_or_else(|| "https://connect.squareup.com".into()),
            version: config::find("api-version")?,
            zone: config::find("zone")?,
            day_starts: starts.parse().map_err(invalid)?,
            read_payments: config::find("ask-payments")?.unwrap_or(true),
            restock: config::find("restock-returns")?.unwrap_or(true),
            locations: config::find("locations")?.unwrap_or_default(),
            since: config::find("since")?,
        })
    }

    /// An entity of the merchant.
    pub(crate) fn entity(&self, kind: EntityKind, id: impl Into<String>) -> Entity {
        Entity { system: "square".into(), tenant: self.merchant.clone(), kind, id: id.into() }
    }
}
