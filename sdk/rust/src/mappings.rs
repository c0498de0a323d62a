//! The mapping tables, which the operator maintains: the value in one system for a value of another.

#[cfg(target_arch = "wasm32")]
use crate::bindings::base::crossdock::host::mappings as host;
#[cfg(not(target_arch = "wasm32"))]
use crate::testing::imports::mappings as host;

use std::cell::RefCell;

use crate::config;
use crate::connector::{Outcome, Problem, Unmapped};

/// The value in the connector's system. `None` when the table does not map it: return [`Outcome::Unmapped`] then, and
/// the work waits until somebody adds the mapping.
#[must_use]
pub fn get(table: &str, value: &str) -> Option<String> {
    host::get(table, value)
}

/// The value in the connector's system, where the work requires it.
///
/// # Errors
/// The outcome to return when the table does not map it.
pub fn require(table: &str, value: &str) -> Result<String, Outcome> {
    get(table, value)
        .ok_or_else(|| Outcome::Unmapped(vec![Unmapped { table: table.to_owned(), value: value.to_owned() }]))
}

/// The unmapped values of one piece of work: collected and returned together, so that the operator can add them all
/// at once.
///
/// The operator decides whether an unmapped value stops the work: the setting `strict` names the tables that must map
/// every value.
#[derive(Debug, Default)]
pub struct UnmappedValues {
    strict: Vec<String>,
    values: RefCell<Vec<Unmapped>>,
}

impl UnmappedValues {
    /// With the setting `strict`; without it no table is strict.
    ///
    /// # Errors
    /// `setting-invalid` when it is not a list of names.
    pub fn from_settings() -> Result<Self, Problem> {
        Ok(Self { strict: config::find("strict")?.unwrap_or_default(), ..Self::default() })
    }

    /// Adds an unmapped value if its table is strict.
    pub fn add_if_strict(&self, table: &str, value: &str) {
        if self.strict.iter().any(|strict| strict == table) {
            self.add(table, value);
        }
    }

    /// Adds an unmapped value that the work requires, whether or not its table is strict.
    pub fn add(&self, table: &str, value: &str) {
        let unmapped = Unmapped { table: table.to_owned(), value: value.to_owned() };
        let mut values = self.values.borrow_mut();
        if !values.contains(&unmapped) {
            values.push(unmapped);
        }
    }

    /// The unmapped values, each once.
    #[must_use]
    pub fn into_values(self) -> Vec<Unmapped> {
        self.values.into_inner()
    }
}
