//! The time zone and the currency of the stores in a file.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crossdock_sdk::prelude::Problem;
use crossdock_sdk::stores::{self, Store};
use jiff::tz::TimeZone;

use crate::settings::Settings;

/// A store's time zone and currency, from the store registry or else from the settings.
#[derive(Clone)]
pub(crate) struct StoreInfo {
    pub zone: Option<TimeZone>,
    pub currency: Option<String>,
}

/// The stores of a file: each is looked up once.
pub(crate) struct StoreCache<'a> {
    settings: &'a Settings,
    stores: RefCell<BTreeMap<String, StoreInfo>>,
}

impl<'a> StoreCache<'a> {
    pub(crate) fn new(settings: &'a Settings) -> Self {
        Self { settings, stores: RefCell::default() }
    }

    /// The store with this code: by its code in the system `poslog`, else by the retailer's own id, which is what most
    /// tills write.
    ///
    /// # Errors
    /// `zone-unknown` when its zone is not a time zone.
    pub(crate) fn get(&self, code: &str) -> Result<StoreInfo, Problem> {
        if let Some(info) = self.stores.borrow().get(code) {
            return Ok(info.clone());
        }
        let store: Option<Store> = stores::find_or_get("poslog", code);
        let name = store.as_ref().map(|store| &store.zone).or(self.settings.zone.as_ref());
        let zone = name
            .map(|name| {
                TimeZone::get(name).map_err(|_| {
                    let message = format!("`{name}`, the zone of store {code}, is not a time zone");
                    Problem::new("zone-unknown", message)
                })
            })
            .transpose()?;
        let currency = store.and_then(|store| store.currency).or_else(|| self.settings.currency.clone());
        let info = StoreInfo { zone, currency };
        self.stores.borrow_mut().insert(code.to_owned(), info.clone());
        Ok(info)
    }
}
