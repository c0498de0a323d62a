//! The store registry: the retailer's shops and warehouses, and their codes in other systems.

use std::collections::BTreeMap;

use crossdock_model::time::Millis;
use serde::{Deserialize, Serialize};

use crate::mapping::{ImportedFile, Unlisted};

/// A store, as the retailer knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StoreRecord {
    /// The retailer's own id of it.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// Its time zone (`Europe/Berlin`).
    pub zone: String,
    /// Where it is: two letters of ISO 3166-1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// The region it is run in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The company that owns it, as the ERP calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legal_entity: Option<String>,
    /// The warehouse its goods leave from, as the ERP calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warehouse: Option<String>,
    /// What it trades in: three letters of ISO 4217.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// When it is open, as text for people (`10:00-20:00`). A weekday that is missing says nothing.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub hours: BTreeMap<Weekday, String>,
    /// Its codes in other systems: one code a system.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub codes: BTreeMap<String, String>,
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the days of the week")]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

/// Put and remove stores, all of them or none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PutStores {
    /// Added, or replaced where there is one of the same id.
    pub stores: Vec<StoreRecord>,
    /// Removed, by id.
    pub remove: Vec<String>,
    /// The fate of stores that are in neither list.
    pub unlisted: Unlisted,
    /// The file that it was read from, recorded with it.
    pub imported: Option<ImportedFile>,
    /// Who asked.
    pub by: String,
    /// Now.
    pub now: Millis,
}

/// A store with its version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StoreRow {
    /// The record.
    #[serde(flatten)]
    pub record: StoreRecord,
    /// The record's version, from 1; rises with every change, past a removal too.
    pub version: u64,
    /// When it was changed last.
    pub at: Millis,
    /// Who changed it last.
    pub by: String,
}

/// A version of a store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StoreChanged {
    /// The version, from 1.
    pub version: u64,
    /// When it came to be.
    pub at: Millis,
    /// Who made it.
    pub by: String,
    /// The record since. Absent when the store was removed.
    pub record: Option<StoreRecord>,
}
