//! The store registry, which the operator maintains.

#[cfg(target_arch = "wasm32")]
use crate::bindings::base::crossdock::host::stores as host;
#[cfg(not(target_arch = "wasm32"))]
use crate::testing::imports::stores as host;

pub use crate::bindings::base::crossdock::host::stores::Store;

/// The store with this id of the retailer. `None` when there is none.
#[must_use]
pub fn get(id: &str) -> Option<Store> {
    host::get(id)
}

/// The store with this code in a system (`shopify`, `655441491`). `None` when there is none.
#[must_use]
pub fn find(system: &str, code: &str) -> Option<Store> {
    host::find(system, code)
}

/// The store with this code in a system, else the one with this id: for sources that use the retailer's own ids.
#[must_use]
pub fn find_or_get(system: &str, code: &str) -> Option<Store> {
    find(system, code).or_else(|| get(code))
}
