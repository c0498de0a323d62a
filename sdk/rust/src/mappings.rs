//! The tables that an operator keeps: what a value of one system is in another.

#[cfg(target_arch = "wasm32")]
use crate::bindings::base::crossdock::host::mappings as host;
#[cfg(not(target_arch = "wasm32"))]
use crate::testing::host::mappings as host;

use std::cell::RefCell;

use crate::config;
use crate::connector::{Outcome, Problem, Unmapped};

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

/// What one piece of work misses in the tables: collected, and told at once, so that one repair is enough.
///
/// Whether a missing value stops the work is the operator's to say: the setting `strict` names the tables that have
/// to be complete.
#[derive(Debug, Default)]
pub struct Missing {
    strict: Vec<String>,
    values: RefCell<Vec<Unmapped>>,
}

impl Missing {
    /// By the setting `strict`; no table has to be complete without it.
    ///
    /// # Errors
    /// `setting-invalid` when it is no list of names.
    pub fn by_setting() -> Result<Self, Problem> {
        Ok(Self { strict: config::find("strict")?.unwrap_or_default(), ..Self::default() })
    }

    /// A value is not in its table: it is missed when the table has to be complete.
    pub fn note(&self, table: &str, value: &str) {
        if self.strict.iter().any(|strict| strict == table) {
            self.demand(table, value);
        }
    }

    /// A value is not in its table, and the work cannot do without it.
    pub fn demand(&self, table: &str, value: &str) {
        let one = Unmapped { table: table.to_owned(), value: value.to_owned() };
        let mut values = self.values.borrow_mut();
        if !values.contains(&one) {
            values.push(one);
        }
    }

    /// What was missed, each value once.
    #[must_use]
    pub fn values(self) -> Vec<Unmapped> {
        self.values.into_inner()
    }
}
