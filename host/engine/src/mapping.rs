//! Mappings: the value that a connector's system uses for one of ours, in tables that an operator maintains.

use crossdock_model::time::Millis;
use serde::{Deserialize, Serialize};

/// The connector whose mappings apply to every connector that has none of its own for a value.
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
    /// The target's value. Absent: the value is removed.
    pub target: Option<String>,
}

/// Set and remove values, all of them or none. Each table that is changed by it gets one new version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PutMappings {
    /// What is set and removed; each value once.
    pub changes: Vec<MappingChange>,
    /// The fate of values that are not named.
    pub unlisted: Unlisted,
    /// The file that it was read from, recorded with it.
    pub imported: Option<ImportedFile>,
    /// Who asked.
    pub by: String,
    /// Now.
    pub now: Millis,
}

/// The fate of entries that a list does not name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unlisted {
    /// It stays.
    #[default]
    Keep,
    /// It is removed; of mappings, in the tables that the list names.
    Remove,
    /// It is removed where the same person or program set it last.
    RemoveOwn,
}

/// A file that was imported, by its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedFile {
    /// What it holds (`mappings`).
    pub name: String,
    /// A digest of its content.
    pub hash: String,
}

/// The answer to a list of mappings or stores.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stored {
    /// How many were added or changed.
    pub changed: u64,
    /// How many were as they should be already.
    pub unchanged: u64,
    /// How many were removed.
    pub removed: u64,
    /// How many deliveries that awaited one of them were released; the rest of very many follows by itself.
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
    /// The target's value.
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
    /// The target's value before. Absent when it was added.
    pub old: Option<String>,
    /// The target's value since. Absent when it was removed.
    pub new: Option<String>,
}

/// A value that a table lacks, and the deliveries that await it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Missing {
    /// The connector that lacks it.
    pub connector: String,
    /// The table.
    pub table: String,
    /// The value.
    pub value: String,
    /// How many deliveries await it.
    pub waiting: u64,
    /// Since when the first of them does.
    pub since: Millis,
    /// Which, oldest first: the first thousand.
    pub deliveries: Vec<i64>,
}

/// What the awaited key of a mapping begins with ([`crossdock_rules::outcome::mapping_key`]).
pub const MAPPING_PREFIX: &str = "mapping/";

/// Table and value of the awaited key of a mapping. None for any other key.
#[must_use]
pub fn missing_mapping(awaited: &str) -> Option<(&str, &str)> {
    awaited.strip_prefix(MAPPING_PREFIX)?.split_once('/')
}
