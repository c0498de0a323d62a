//! The shop that the connector serves.

use crossdock_sdk::prelude::*;

use crate::settings;

/// A shop, by its domain in lower case.
pub(crate) struct Shop(String);

impl Shop {
    /// The shop of the connector's settings.
    ///
    /// # Errors
    /// The setting is missing.
    pub(crate) fn from_settings() -> Result<Self, Problem> {
        Ok(Self(settings::shop()?))
    }

    /// The shop's domain.
    pub(crate) fn domain(&self) -> &str {
        &self.0
    }

    /// An entity of the shop.
    pub(crate) fn entity(&self, kind: EntityKind, id: impl ToString) -> Entity {
        Entity { system: "shopify".into(), tenant: self.0.clone(), kind, id: id.to_string() }
    }
}
