//! Secrets that rest in the host's own store, where they can be written as well as read.
//!
//! Everything here goes by compare-and-set: who writes says which version was read, so that of two who
//! write at the same time one is told no, and reads again.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use zeroize::Zeroizing;

/// The host's store of secrets. Values rest encrypted; how is the store's affair.
#[async_trait]
pub trait StoredSecrets: Send + Sync + 'static {
    /// The value of a name, and its version. Absent when nothing was ever put under the name.
    ///
    /// A version is never used again for another value of the same name.
    ///
    /// # Errors
    /// When the store cannot be asked.
    async fn get(&self, name: &str) -> Result<Option<(Zeroizing<String>, u64)>, StoreFailed>;

    /// Puts a value under a name if its version is still `expected`; `None` expects that there is none yet.
    /// False when it is not, and nothing was changed. True means that the value is durable.
    ///
    /// # Errors
    /// When the store cannot be asked; then the value may have been put or not.
    async fn put(
        &self,
        name: &str,
        value: Zeroizing<String>,
        expected: Option<u64>,
    ) -> Result<bool, StoreFailed>;
}

/// The store of secrets could not be asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the store of secrets cannot be asked: {reason}")]
pub struct StoreFailed {
    /// Why, without any value.
    pub reason: String,
}

/// A store of secrets that lasts as long as the process, for tests.
#[derive(Default)]
pub struct MemorySecrets(Mutex<BTreeMap<String, (Zeroizing<String>, u64)>>);

impl MemorySecrets {
    /// Puts a value under a name whatever was there, as an operator does who rotates a secret.
    pub fn set(&self, name: &str, value: &str) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let version = all.get(name).map_or(1, |(_, version)| version + 1);
        all.insert(name.to_owned(), (Zeroizing::new(value.to_owned()), version));
    }

    /// The value of a name.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<String> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(name).map(|(value, _)| value.as_str().to_owned())
    }
}

#[async_trait]
impl StoredSecrets for MemorySecrets {
    async fn get(&self, name: &str) -> Result<Option<(Zeroizing<String>, u64)>, StoreFailed> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned())
    }

    async fn put(
        &self,
        name: &str,
        value: Zeroizing<String>,
        expected: Option<u64>,
    ) -> Result<bool, StoreFailed> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let version = all.get(name).map(|(_, version)| *version);
        if version != expected {
            return Ok(false);
        }
        all.insert(name.to_owned(), (value, version.map_or(1, |version| version + 1)));
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn of_two_writers_one_is_told_no() {
        let store = MemorySecrets::default();
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
