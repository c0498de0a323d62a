//! The tables that an operator keeps: what a value of one system is in another.

#[cfg(target_arch = "wasm32")]
use crate::bindings::base::crossdock::host::mappings as host;
#[cfg(not(target_arch = "wasm32"))]
use crate::testing::host::mappings as host;

use crate::connector::{Outcome, Unmapped};

/// What the value is called in the connector's system. `None` when the table does not have it: answer
/// [`Outcome::Unmapped`] then, and the work waits until somebody adds it.
#[must_use]
pub fn get(table: &str, value: &str) -> Option<String> {
    host::get(table, value)
}

/// The same, for a value that the work cannot do without.
///
/// # Errors
/// The outcome to answer when the table does not have it.
pub fn demand(table: &str, value: &str) -> Result<String, Outcome> {
    get(table, value)
        .ok_or_else(|| Outcome::Unmapped(vec![Unmapped { table: table.to_owned(), value: value.to_owned() }]))
}
