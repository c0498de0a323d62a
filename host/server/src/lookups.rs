//! Answers a plugin's look-ups from the database: references, mappings, stores and sequence numbers.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use crossdock_egress::recorder::{LookupFailed, References, StoreRecord, Tables};
use crossdock_engine::Store;
use crossdock_model::common::{Entity, Reference};
use tokio::sync::Mutex;

/// The last number that was allotted of each connector's sequences, stored or not. All plugin versions of a connector
/// share them, so that two calls never get the same number.
#[derive(Default)]
pub struct SequenceNumbers(Mutex<HashMap<(String, String), u64>>);

impl SequenceNumbers {
    async fn next(
        &self,
        store: &Store,
        connector: &str,
        sequence: &str,
    ) -> Result<u64, crossdock_engine::Error> {
        let mut allotted = self.0.lock().await;
        let place = (connector.to_owned(), sequence.to_owned());
        let last = match allotted.get(&place) {
            Some(last) => *last,
            None => store.sequence(connector, sequence).await?,
        };
        let next = last.saturating_add(1);
        allotted.insert(place, next);
        Ok(next)
    }
}

/// The look-ups of one connector.
pub struct Lookups {
    /// The database.
    pub store: Store,
    /// The connector.
    pub connector: String,
    /// The sequence numbers of all connectors.
    pub numbers: Arc<SequenceNumbers>,
}

fn failed(error: impl std::fmt::Display) -> LookupFailed {
    LookupFailed { reason: error.to_string() }
}

#[async_trait]
impl References for Lookups {
    async fn find(&self, entity: &Entity) -> Result<Vec<Reference>, LookupFailed> {
        self.store.references(&self.connector, &entity.to_string()).await.map_err(failed)
    }

    async fn resolve(&self, kind: &str, id: &str) -> Result<Option<Entity>, LookupFailed> {
        let found = self.store.resolve(&self.connector, kind, id).await.map_err(failed)?;
        found.first().map(|text| text.parse()).transpose().map_err(|e: crossdock_model::NoIdentity| failed(e))
    }
}

#[async_trait]
impl Tables for Lookups {
    async fn mapping(&self, table: &str, value: &str) -> Result<Option<String>, LookupFailed> {
        self.store.mapping(&self.connector, table, value).await.map_err(failed)
    }

    async fn store(&self, system: Option<&str>, code: &str) -> Result<Option<StoreRecord>, LookupFailed> {
        let found = match system {
            None => self.store.store_of_id(code).await,
            Some(system) => self.store.store_of_code(system, code).await,
        };
        let record = |stored: crossdock_engine::StoreRecord| StoreRecord {
            id: stored.id,
            name: stored.name,
            zone: stored.zone,
            country: stored.country,
            region: stored.region,
            legal_entity: stored.legal_entity,
            warehouse: stored.warehouse,
            currency: stored.currency,
        };
        Ok(found.map_err(failed)?.map(|row| record(row.record)))
    }

    async fn number(&self, sequence: &str) -> Result<u64, LookupFailed> {
        self.numbers.next(&self.store, &self.connector, sequence).await.map_err(failed)
    }
}
