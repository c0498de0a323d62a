//! Mappings: what a value is called in a connector's system, in tables that an operator keeps.

use crossdock_model::time::Millis;
use serde::{Deserialize, Serialize};

/// The connector whose mappings count for every connector that has none of its own for a value.
pub const EVERY_CONNECTOR: &str = "*";

/// One value set or removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MappingChange {
    /// The connector, or [`EVERY_CONNECTOR`].
    pub connector: String,
    /// The table (`tax`, `tender`); without a slash.
    pub table: String,
    /// The value.
    pub value: String,
    /// What it is called there. Absent: the value is removed.
    pub target: Option<String>,
}

/// Set and remove values, all of them or none. Each table that is changed by it gets one new version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PutMappings {
    /// What is set and removed; each value once.
    pub changes: Vec<MappingChange>,
    /// What becomes of values that are not named.
    pub others: Others,
    /// The file that it was read from, to be remembered with it.
    pub imported: Option<Imported>,
    /// Who asked.
    pub by: String,
    /// Now.
    pub now: Millis,
}

/// What becomes of what a list does not name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Others {
    /// It stays.
    #[default]
    Keep,
    /// It is removed; of mappings, in the tables that the list names.
    Remove,
    /// It is removed where the same person or program set it last.
    RemoveOwn,
}

/// A file that was imported, and what it held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// What it is (`mappings`).
    pub name: String,
    /// A digest of what it held.
    pub hash: String,
}

/// What became of a list of mappings or stores.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Kept {
    /// How many were added or changed.
    pub changed: u64,
    /// How many were as they should be already.
    pub unchanged: u64,
    /// How many were removed.
    pub removed: u64,
    /// How many deliveries had waited for one of them and go on.
    pub released: u64,
    /// Connectors that have something to claim since.
    #[serde(skip)]
    pub ready: Vec<String>,
}

/// Which mappings a listing shows, in the order of connector, table and value. What is given must fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MappingFilter {
    /// Of this connector.
    pub connector: Option<String>,
    /// Of this table.
    pub table: Option<String>,
    /// Of this value.
    pub value: Option<String>,
    /// Behind this connector, table and value: where the last page ended.
    pub after: Option<(String, String, String)>,
    /// How many at most.
    pub limit: u32,
}

/// A mapping.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MappingRow {
    /// The connector, or [`EVERY_CONNECTOR`].
    pub connector: String,
    /// The table.
    pub table: String,
    /// The value.
    pub value: String,
    /// What it is called there.
    pub target: String,
    /// When it was set.
    pub at: Millis,
    /// Who set it.
    pub by: String,
}

/// A change that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MappingChanged {
    /// Its number, rising.
    pub id: i64,
    /// The connector, or [`EVERY_CONNECTOR`].
    pub connector: String,
    /// The table.
    pub table: String,
    /// The version of the table that it belongs to, from 1.
    pub version: u64,
    /// When.
    pub at: Millis,
    /// Who.
    pub by: String,
    /// The value.
    pub value: String,
    /// What it was called before. Absent when it was added.
    pub old: Option<String>,
    /// What it is called since. Absent when it was removed.
    pub new: Option<String>,
}

/// A value that a table lacks, and what waits for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Missing {
    /// The connector that lacks it.
    pub connector: String,
    /// The table.
    pub table: String,
    /// The value.
    pub value: String,
    /// How many deliveries wait for it.
    pub waiting: u64,
    /// Since when the first of them does.
    pub since: Millis,
    /// Which, oldest first: the first thousand.
    pub deliveries: Vec<i64>,
}

/// What deliveries wait for that lack a mapping: the text they keep in `waits_for`.
#[must_use]
pub fn waits_for(table: &str, value: &str) -> String {
    crossdock_rules::outcome::mapping(table, value)
}

/// What such a text begins with.
pub(crate) const PREFIX: &str = "mapping/";

/// The table and value of such a text.
pub(crate) fn missing(text: &str) -> Option<(&str, &str)> {
    text.strip_prefix(PREFIX)?.split_once('/')
}
