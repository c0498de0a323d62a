//! The secrets of one connector, reloaded when they change.

mod value;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Weak};

use zeroize::Zeroizing;

use crate::secret::{Secret, SecretLocation};
use crate::secret_store::{SecretStore, SecretStoreError};
use value::{RELOAD_INTERVAL, Value, Version};

/// A secret is not available.
#[derive(Debug, thiserror::Error)]
#[error("the secret `{name}` is not available: {reason}")]
pub struct SecretUnavailable {
    /// Its name.
    pub name: String,
    /// Why, without the secret.
    pub reason: String,
}

/// The secrets of one connector by name. Each has one value, or while it is rotated two, newest first.
#[derive(Clone, Default)]
pub struct Secrets(Arc<Inner>);

#[derive(Default)]
struct Inner {
    values: BTreeMap<String, Vec<Value>>,
    store: Option<Arc<dyn SecretStore>>,
}

impl Secrets {
    /// Reads all secrets. Each name has the locations of its values: one, or two while it is rotated.
    ///
    /// # Errors
    /// When a location is malformed, has no value, or is in the store: see [`Secrets::open`].
    pub fn load<'a, L>(locations: impl IntoIterator<Item = (&'a str, L)>) -> Result<Self, SecretUnavailable>
    where
        L: IntoIterator<Item = &'a str>,
    {
        Self::read(locations, None)
    }

    /// Reads all secrets, those in the store included, and reloads the latter in the background.
    ///
    /// A value that the store does not have yet is no error: until an operator stores it, the secret has no
    /// value, or one value instead of two.
    ///
    /// # Errors
    /// When a location is malformed, an environment variable or file has no value, or the store cannot be
    /// read.
    pub async fn open<'a, L>(
        locations: impl IntoIterator<Item = (&'a str, L)>,
        store: Arc<dyn SecretStore>,
    ) -> Result<Self, SecretUnavailable>
    where
        L: IntoIterator<Item = &'a str>,
    {
        let secrets = Self::read(locations, Some(store))?;
        let unavailable = |(name, error): (&str, SecretStoreError)| SecretUnavailable {
            name: name.to_owned(),
            reason: error.to_string(),
        };
        secrets.0.reload_stored().await.map_err(unavailable)?;
        if secrets.0.stored().next().is_some() {
            tokio::spawn(reload_repeatedly(Arc::downgrade(&secrets.0)));
        }
        for name in secrets.0.values.keys().filter(|name| secrets.get(name).is_none()) {
            tracing::warn!(secret = name, "a secret is not in the store yet");
        }
        Ok(secrets)
    }

    fn read<'a, L>(
        locations: impl IntoIterator<Item = (&'a str, L)>,
        store: Option<Arc<dyn SecretStore>>,
    ) -> Result<Self, SecretUnavailable>
    where
        L: IntoIterator<Item = &'a str>,
    {
        let mut values = BTreeMap::new();
        for (name, locations) in locations {
            let read = |text: &str| Value::read(text, store.is_some());
            let read = locations.into_iter().map(read).collect::<Result<Vec<_>, _>>();
            let read = read.map_err(|reason| SecretUnavailable { name: name.to_owned(), reason })?;
            values.insert(name.to_owned(), read);
        }
        Ok(Self(Arc::new(Inner { values, store })))
    }

    /// The newest value of a secret. Absent when the connector has none of that name, or it is not in the
    /// store yet.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Secret> {
        self.0.values.get(name)?.iter().find_map(Value::secret)
    }

    /// All values of a secret, newest first.
    #[must_use]
    pub fn values(&self, name: &str) -> Vec<Secret> {
        self.0.values.get(name).into_iter().flatten().filter_map(Value::secret).collect()
    }

    /// Reloads the secrets in the store now, without waiting for the interval.
    pub async fn reload(&self) {
        // Values that cannot be read are logged.
        self.0.reload_stored().await.ok();
    }

    /// True when the connector has a secret of the name, whether it has a value now or not.
    pub(crate) fn declares(&self, name: &str) -> bool {
        self.0.values.contains_key(name)
    }

    /// A secret whose first location is the store, to be read and written there.
    pub(crate) fn stored(&self, name: &str) -> Option<StoredSecret> {
        let SecretLocation::Stored(key) = &self.0.values.get(name)?.first()?.location else { return None };
        Some(StoredSecret {
            secrets: self.clone(),
            store: self.0.store.clone()?,
            name: name.to_owned(),
            key: key.clone(),
        })
    }

    /// Every value of every secret: what has to be masked.
    pub(crate) fn all_values(&self) -> impl Iterator<Item = Secret> + '_ {
        self.0.values.values().flatten().filter_map(Value::secret)
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.values.keys()).finish()
    }
}

/// A secret in the store.
#[derive(Clone)]
pub(crate) struct StoredSecret {
    secrets: Secrets,
    store: Arc<dyn SecretStore>,
    name: String,
    key: String,
}

impl StoredSecret {
    /// The stored value and its version. An empty value is absent, and has a version all the same.
    pub(crate) async fn get(&self) -> Result<(Option<Secret>, Option<u64>), SecretStoreError> {
        let found = self.store.get(&self.key).await?;
        let version = found.as_ref().map(|(_, version)| *version);
        Ok((found.and_then(|(text, _)| Secret::trimmed(&text)), version))
    }

    pub(crate) async fn put(
        &self,
        value: Zeroizing<String>,
        expected: Option<u64>,
    ) -> Result<bool, SecretStoreError> {
        self.store.put(&self.key, value, expected).await
    }

    /// The initial value, from the secret's second location, for a store that has no value yet.
    pub(crate) fn initial(&self) -> Option<Secret> {
        self.secrets.0.values.get(&self.name)?.iter().skip(1).find_map(Value::secret)
    }
}

impl Inner {
    /// Name, key in the store, and value of each secret in the store.
    fn stored(&self) -> impl Iterator<Item = (&str, &str, &Value)> {
        self.values.iter().flat_map(|(name, values)| {
            values.iter().filter_map(|value| match &value.location {
                SecretLocation::Stored(key) => Some((name.as_str(), key.as_str(), value)),
                SecretLocation::Env(_) | SecretLocation::File(_) => None,
            })
        })
    }

    /// Reads the values in the store. Returns the first failure, after all the others were read.
    async fn reload_stored(&self) -> Result<(), (&str, SecretStoreError)> {
        let Some(store) = &self.store else { return Ok(()) };
        let mut result = Ok(());
        for (name, key, value) in self.stored() {
            match store.get(key).await {
                Ok(found) => {
                    let mut state = value.state();
                    state.failing = false;
                    let version = found.as_ref().map(|(_, version)| Version::Store(*version));
                    if version != state.version {
                        state.secret = found.and_then(|(text, _)| Secret::trimmed(&text));
                        state.version = version;
                    }
                }
                // The previous value stays in use until the store can be read.
                Err(error) => {
                    if !std::mem::replace(&mut value.state().failing, true) {
                        tracing::warn!(secret = name, %error, "reloading a secret failed");
                    }
                    if result.is_ok() {
                        result = Err((name, error));
                    }
                }
            }
        }
        result
    }
}

/// Reloads until the last owner of the secrets is gone.
async fn reload_repeatedly(secrets: Weak<Inner>) {
    loop {
        tokio::time::sleep(RELOAD_INTERVAL).await;
        let Some(secrets) = secrets.upgrade() else { return };
        secrets.reload_stored().await.ok();
    }
}

#[cfg(test)]
mod tests;
