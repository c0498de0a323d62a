//! The store registry, as the operator keeps it.

#[cfg(target_arch = "wasm32")]
use crate::bindings::base::crossdock::host::stores as host;
#[cfg(not(target_arch = "wasm32"))]
use crate::testing::host::stores as host;

pub use crate::bindings::base::crossdock::host::stores::Store;

/// The store by the retailer's own id. `None` when there is none.
#[must_use]
pub fn get(id: &str) -> Option<Store> {
    host::get(id)
}

/// The store that a system calls so (`shopify`, `655441491`). `None` when there is none.
#[must_use]
pub fn find(system: &str, code: &str) -> Option<Store> {
    host::find(system, code)
}

/// The store that a system calls so, or else the one of this id: for sources that use the retailer's own ids.
#[must_use]
pub fn known(system: &str, code: &str) -> Option<Store> {
    find(system, code).or_else(|| get(code))
}
