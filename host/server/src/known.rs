//! What the host keeps for a connector's plugin: references, mappings, stores, numbers; from the store.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use crossdock_egress::recorder::{LookupFailed, References, StoreRecord, Tables};
use crossdock_engine::Store;
use crossdock_model::common::{Entity, Reference};
use tokio::sync::Mutex;

/// The last number that was allotted of each connector's sequences, kept or not. All versions of a connector
/// share them, so that two calls never get the same number.
#[derive(Default)]
pub struct Numbers(Mutex<HashMap<(String, String), u64>>);

impl Numbers {
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

/// What is kept for one connector.
pub struct Known {
    /// Where it is kept.
    pub store: Store,
    /// The connector.
    pub connector: String,
    /// The numbers of all connectors.
    pub numbers: Arc<Numbers>,
}

fn failed(error: impl std::fmt::Display) -> LookupFailed {
    LookupFailed { reason: error.to_string() }
}

#[async_trait]
impl References for Known {
    async fn find(&self, entity: &Entity) -> Result<Vec<Reference>, LookupFailed> {
        self.store.references(&self.connector, &entity.to_string()).await.map_err(failed)
    }

    async fn resolve(&self, kind: &str, id: &str) -> Result<Option<Entity>, LookupFailed> {
        let found = self.store.resolve(&self.connector, kind, id).await.map_err(failed)?;
        found.first().map(|text| text.parse()).transpose().map_err(|e: crossdock_model::NoIdentity| failed(e))
    }
}

#[async_trait]
impl Tables for Known {
    async fn mapping(&self, table: &str, value: &str) -> Result<Option<String>, LookupFailed> {
        self.store.mapping(&self.connector, table, value).await.map_err(failed)
    }

    async fn store(&self, system: Option<&str>, code: &str) -> Result<Option<StoreRecord>, LookupFailed> {
        let found = match system {
            None => self.store.store_of_id(code).await,
            Some(system) => self.store.store_of_code(system, code).await,
        };
        let record = |kept: crossdock_engine::StoreRecord| StoreRecord {
            id: kept.id,
            name: kept.name,
            zone: kept.zone,
            country: kept.country,
            region: kept.region,
            legal_entity: kept.legal_entity,
            warehouse: kept.warehouse,
            currency: kept.currency,
        };
        Ok(found.map_err(failed)?.map(|row| record(row.record)))
    }

    async fn number(&self, sequence: &str) -> Result<u64, LookupFailed> {
        self.numbers.next(&self.store, &self.connector, sequence).await.map_err(failed)
    }
}
