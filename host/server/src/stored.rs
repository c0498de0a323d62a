//! Connectors' secrets that are stored in the host's own database (`stored:NAME`).

use std::sync::Arc;

use async_trait::async_trait;
use crossdock_egress::{SecretStore, SecretStoreError};
use crossdock_engine::{Command, Error, SecretText, Store};
use crossdock_model::time::Clock;
use crossdock_storage::Writer;
use zeroize::Zeroizing;

/// The database as a store of secrets.
pub struct Stored {
    store: Store,
    writer: Writer,
    clock: Arc<dyn Clock>,
}

impl Stored {
    /// Secrets of this database.
    pub fn new(store: Store, writer: Writer, clock: Arc<dyn Clock>) -> Self {
        Self { store, writer, clock }
    }
}

fn failed(error: Error) -> SecretStoreError {
    SecretStoreError { reason: error.to_string() }
}

#[async_trait]
impl SecretStore for Stored {
    async fn get(&self, name: &str) -> Result<Option<(Zeroizing<String>, u64)>, SecretStoreError> {
        let found = self.store.secret(name).await.map_err(failed)?;
        Ok(found.map(|(text, version)| (text.into_inner(), version)))
    }

    async fn put(
        &self,
        name: &str,
        value: Zeroizing<String>,
        expected: Option<u64>,
    ) -> Result<bool, SecretStoreError> {
        let command = Command::PutSecret {
            name: name.to_owned(),
            value: SecretText::from(value),
            // A writer that expects no secret must not replace an existing one.
            expected: Some(expected.unwrap_or(0)),
            by: "host".into(),
            now: self.clock.now(),
        };
        match self.writer.submit(command).await {
            Ok(_) => Ok(true),
            Err(Error::Changed { .. }) => Ok(false),
            Err(error) => Err(failed(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use crossdock_engine::MasterKey;
    use crossdock_model::time::SystemClock;
    use crossdock_rules::safeguards::Safeguards;
    use crossdock_storage::{CacheOptions, SqliteOptions, WriterOptions, open_sqlite};

    use super::*;

    #[tokio::test]
    async fn of_two_who_read_the_same_version_one_writes() {
        let dir = tempfile::tempdir().unwrap();
        let options = SqliteOptions::new(dir.path().join("c.db"), MasterKey::new([7; 32]));
        let store = open_sqlite(options, CacheOptions::default(), Safeguards::default()).await.unwrap();
        let (writer, _task) = Writer::start(store.clone(), WriterOptions::default());
        let stored = Stored::new(store, writer, Arc::new(SystemClock));
        let text = |text: &str| Zeroizing::new(text.to_owned());
        assert_eq!(stored.get("token").await.unwrap(), None);
        assert!(stored.put("token", text("one"), None).await.unwrap());
        assert!(!stored.put("token", text("lost"), None).await.unwrap());
        let (value, version) = stored.get("token").await.unwrap().unwrap();
        assert_eq!(value.as_str(), "one");
        let (first, second) = tokio::join!(
            stored.put("token", text("two"), Some(version)),
            stored.put("token", text("three"), Some(version))
        );
        assert_eq!([first.unwrap(), second.unwrap()].iter().filter(|done| **done).count(), 1);
    }
}
