//! The host's store of secrets, which can be written as well as read.
//!
//! Writes are compare-and-set: a writer names the version it read, so that of two concurrent writers one
//! fails and reads again.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use zeroize::Zeroizing;

/// A store of secrets. Values are encrypted at rest, by the implementation.
#[async_trait]
pub trait SecretStore: Send + Sync + 'static {
    /// The value of a name, and its version. Absent when nothing was ever stored under the name.
    ///
    /// A version is never reused for another value of the same name.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn get(&self, name: &str) -> Result<Option<(Zeroizing<String>, u64)>, SecretStoreError>;

    /// Stores a value under a name if its version is still `expected`; `None` expects that there is none yet.
    /// True: the value is durable. False: the version was another, and nothing was changed.
    ///
    /// # Errors
    /// When the store cannot be written; the value may have been stored or not.
    async fn put(
        &self,
        name: &str,
        value: Zeroizing<String>,
        expected: Option<u64>,
    ) -> Result<bool, SecretStoreError>;
}

/// The store of secrets cannot be read or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the secret store is unavailable: {reason}")]
pub struct SecretStoreError {
    /// Why, without any value.
    pub reason: String,
}

type Entries = BTreeMap<String, (Zeroizing<String>, u64)>;

/// A store of secrets in memory, for tests.
#[derive(Default)]
pub struct MemorySecretStore(Mutex<Entries>);

impl MemorySecretStore {
    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stores a value under a name unconditionally, as an operator does.
    pub fn set(&self, name: &str, value: &str) {
        let mut entries = self.entries();
        let version = entries.get(name).map_or(1, |(_, version)| version + 1);
        entries.insert(name.to_owned(), (Zeroizing::new(value.to_owned()), version));
    }

    /// The value of a name.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<String> {
        self.entries().get(name).map(|(value, _)| value.as_str().to_owned())
    }
}

#[async_trait]
impl SecretStore for MemorySecretStore {
    async fn get(&self, name: &str) -> Result<Option<(Zeroizing<String>, u64)>, SecretStoreError> {
        Ok(self.entries().get(name).cloned())
    }

    async fn put(
        &self,
        name: &str,
        value: Zeroizing<String>,
        expected: Option<u64>,
    ) -> Result<bool, SecretStoreError> {
        let mut entries = self.entries();
        let version = entries.get(name).map(|(_, version)| *version);
        if version != expected {
            return Ok(false);
        }
        entries.insert(name.to_owned(), (value, version.map_or(1, |version| version + 1)));
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_put_with_an_outdated_version_fails() {
        let store = MemorySecretStore::default();
        let text = |text: &str| Zeroizing::new(text.to_owned());
        assert!(store.put("a", text("1"), None).await.unwrap());
        assert!(!store.put("a", text("2"), None).await.unwrap());
        let (value, version) = store.get("a").await.unwrap().unwrap();
        assert_eq!(value.as_str(), "1");
        assert!(store.put("a", text("2"), Some(version)).await.unwrap());
        assert!(!store.put("a", text("3"), Some(version)).await.unwrap());
        assert!(!store.put("b", text("3"), Some(1)).await.unwrap());
        assert_eq!(store.value("a").unwrap(), "2");
        assert!(store.get("b").await.unwrap().is_none());
    }
}
