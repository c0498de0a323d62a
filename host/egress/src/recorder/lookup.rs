//! Look-ups in the host's own records: references, mappings, the store registry, sequences.

use async_trait::async_trait;
use crossdock_model::common::{Entity, Reference};
use serde::{Deserialize, Serialize};

/// A look-up in the host's own records failed.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the look-up failed: {reason}")]
pub struct LookupFailed {
    /// Why.
    pub reason: String,
}

/// The references of entities in the connector's system; implemented by the host's storage.
#[async_trait]
pub trait References: Send + Sync + 'static {
    /// The references of an entity in the connector's system. Empty when none is known.
    ///
    /// # Errors
    /// When the look-up failed.
    async fn find(&self, entity: &Entity) -> Result<Vec<Reference>, LookupFailed>;

    /// The entity with this reference in the connector's system. Absent when none is known.
    ///
    /// # Errors
    /// When the look-up failed.
    async fn resolve(&self, kind: &str, id: &str) -> Result<Option<Entity>, LookupFailed>;
}

/// No references, for tests.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoReferences;

#[async_trait]
impl References for NoReferences {
    async fn find(&self, _: &Entity) -> Result<Vec<Reference>, LookupFailed> {
        Ok(Vec::new())
    }

    async fn resolve(&self, _: &str, _: &str) -> Result<Option<Entity>, LookupFailed> {
        Ok(None)
    }
}

/// A store of the operator's registry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoreRecord {
    /// The retailer's own id.
    pub id: String,
    /// The name for people.
    pub name: String,
    /// The time zone (`Europe/Berlin`).
    pub zone: String,
    /// The country, two letters of ISO 3166-1. Absent when not recorded.
    pub country: Option<String>,
    /// The sales region. Absent when not recorded.
    pub region: Option<String>,
    /// The company that owns it, by its name in the ERP. Absent when not recorded.
    pub legal_entity: Option<String>,
    /// The warehouse that its goods leave from, by its name in the ERP. Absent when not recorded.
    pub warehouse: Option<String>,
    /// The currency, three letters of ISO 4217. Absent when not recorded.
    pub currency: Option<String>,
}

/// The operator's tables, the store registry and the connector's sequences; implemented by the host's storage.
#[async_trait]
pub trait Tables: Send + Sync + 'static {
    /// What a table maps a value to for this connector. Absent when the table does not have the value.
    ///
    /// # Errors
    /// When the look-up failed.
    async fn mapping(&self, table: &str, value: &str) -> Result<Option<String>, LookupFailed>;

    /// The store with this id or, with a system, with this code in that system. Absent when there is none.
    ///
    /// # Errors
    /// When the look-up failed.
    async fn store(&self, system: Option<&str>, code: &str) -> Result<Option<StoreRecord>, LookupFailed>;

    /// The next number of one of the connector's sequences, from 1: above every number it returned before.
    ///
    /// # Errors
    /// When the look-up failed.
    async fn number(&self, sequence: &str) -> Result<u64, LookupFailed>;
}

/// No mappings, no stores and no sequences, for tests.
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
