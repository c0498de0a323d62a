//! The Tryton database that a call works on, how it is used, and the mapping tables.

use crossdock_sdk::prelude::*;

use crate::rest::Rest;
use crate::settings::Settings;
use crate::tables::Tables;

/// A Tryton database with the connector's settings and tables.
pub struct Erp {
    pub rest: Rest,
    pub settings: Settings,
    pub tables: Tables,
}

impl Erp {
    /// Reads the settings.
    ///
    /// # Errors
    /// The setting that is missing or has another type.
    pub fn new() -> Result<Self, Problem> {
        let settings = Settings::read()?;
        let rest = Rest::new(&settings.database)?;
        Ok(Self { rest, settings, tables: Tables::default() })
    }
}
