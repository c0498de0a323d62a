//! What the host keeps for its connectors: mappings, the store registry, numbers.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::LookupFailed;

/// A store, as the registry has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoreRecord {
    /// The retailer's own id of it.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Its time zone (`Europe/Berlin`).
    pub zone: String,
    /// Where it is: two letters of ISO 3166-1. Absent when not kept.
    pub country: Option<String>,
    /// The region it is run in. Absent when not kept.
    pub region: Option<String>,
    /// The company that owns it, as the ERP calls it. Absent when not kept.
    pub legal_entity: Option<String>,
    /// The warehouse its goods leave from, as the ERP calls it. Absent when not kept.
    pub warehouse: Option<String>,
    /// What it trades in: three letters of ISO 4217. Absent when not kept.
    pub currency: Option<String>,
}

/// The operator's tables and the connector's numbers; the host's storage stands behind it.
#[async_trait]
pub trait Tables: Send + Sync + 'static {
    /// What a table maps a value to for this connector. Absent when it does not have it.
    ///
    /// # Errors
    /// When the host could not look.
    async fn mapping(&self, table: &str, value: &str) -> Result<Option<String>, LookupFailed>;

    /// The store of this id or, with a system, the one that the system calls so. Absent when there is none.
    ///
    /// # Errors
    /// When the host could not look.
    async fn store(&self, system: Option<&str>, code: &str) -> Result<Option<StoreRecord>, LookupFailed>;

    /// The next number of one of the connector's sequences, from 1: above every number that it was given before.
    ///
    /// # Errors
    /// When the host could not look.
    async fn number(&self, sequence: &str) -> Result<u64, LookupFailed>;
}

/// Keeps nothing: no mapping, no store, and no numbers.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoTables;

#[async_trait]
impl Tables for NoTables {
    async fn mapping(&self, _: &str, _: &str) -> Result<Option<String>, LookupFailed> {
        Ok(None)
    }

    async fn store(&self, _: Option<&str>, _: &str) -> Result<Option<StoreRecord>, LookupFailed> {
        Ok(None)
    }

    async fn number(&self, sequence: &str) -> Result<u64, LookupFailed> {
        Err(LookupFailed { reason: format!("there is no sequence `{sequence}` here") })
    }
}
