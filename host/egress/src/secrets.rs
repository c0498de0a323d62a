//! The secrets of one connector, reloaded when they change.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use crate::secret::{FileVersion, Secret, SecretLocation, file_version, read_env, read_file};
use crate::secret_store::{SecretStore, SecretStoreError};

/// How often files and the secret store are checked for changes.
const RELOAD_INTERVAL: Duration = Duration::from_secs(2);

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

/// One value of a secret.
struct Value {
    location: SecretLocation,
    state: Mutex<State>,
}

struct State {
    /// Absent only for the store: values at other locations existed when the host started.
    secret: Option<Secret>,
    version: Option<Version>,
    /// When the file was last checked for a change.
    checked: Instant,
    /// True while reloading fails, so that it is logged once and not at each interval.
    failing: bool,
}

/// What a change of a value is detected by.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    File(FileVersion),
    Store(u64),
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

impl Value {
    /// Reads the value at a location. One in the store is read later, by [`Inner::reload_stored`].
    fn read(location: &str, has_store: bool) -> Result<Self, String> {
        let location: SecretLocation = location.parse()?;
        let (secret, version) = match &location {
            SecretLocation::Stored(_) if !has_store => {
                return Err("this secret cannot be in the store".to_owned());
            }
            SecretLocation::Stored(_) => (None, None),
            SecretLocation::Env(name) => (Some(read_env(name)?), None),
            SecretLocation::File(path) => {
                let (secret, version) = read_file(path)?;
                (Some(secret), Some(Version::File(version)))
            }
        };
        let state = State { secret, version, checked: Instant::now(), failing: false };
        Ok(Self { location, state: Mutex::new(state) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The current value; a changed file is read again.
    fn secret(&self) -> Option<Secret> {
        let mut state = self.state();
        if let SecretLocation::File(path) = &self.location
            && state.checked.elapsed() >= RELOAD_INTERVAL
        {
            state.checked = Instant::now();
            if file_version(path).map(Version::File) != state.version {
                match read_file(path) {
                    Ok((secret, version)) => {
                        state.secret = Some(secret);
                        state.version = Some(Version::File(version));
                        state.failing = false;
                    }
                    // The previous value stays in use while the file is being replaced.
                    Err(reason) => {
                        if !std::mem::replace(&mut state.failing, true) {
                            tracing::warn!(path = %path.display(), reason, "reloading a secret failed");
                        }
                    }
                }
            }
        }
        state.secret.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret_store::MemorySecretStore;

    fn one(location: &str) -> Result<Secrets, SecretUnavailable> {
        Secrets::load([("token", [location])])
    }

    #[test]
    fn secrets_never_print() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        std::fs::write(&path, "hunter2\n").unwrap();
        let secrets = one(&format!("file:{}", path.display())).unwrap();
        assert_eq!(secrets.get("token").unwrap().expose(), "hunter2");
        let printed = format!("{secrets:?} {:?}", secrets.get("token"));
        assert!(!printed.contains("hunter2"), "{printed}");
        let error = one("hunter2").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"), "a secret given in plain text leaks");
    }

    #[test]
    fn a_changed_file_is_reloaded() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        std::fs::write(&path, "old").unwrap();
        let secrets = one(&format!("file:{}", path.display())).unwrap();
        std::fs::write(&path, "newer").unwrap();
        let value = &secrets.0.values["token"][0];
        value.state.lock().unwrap().checked = Instant::now().checked_sub(RELOAD_INTERVAL).unwrap();
        assert_eq!(secrets.get("token").unwrap().expose(), "newer");
        std::fs::remove_file(&path).unwrap();
        value.state.lock().unwrap().checked = Instant::now().checked_sub(RELOAD_INTERVAL).unwrap();
        assert_eq!(secrets.get("token").unwrap().expose(), "newer");
    }

    #[test]
    fn a_rotated_secret_has_two_values_newest_first() {
        let dir = tempfile::tempdir().unwrap();
        let locations: Vec<String> = ["new", "old"]
            .iter()
            .map(|text| {
                let path = dir.path().join(text);
                std::fs::write(&path, text).unwrap();
                format!("file:{}", path.display())
            })
            .collect();
        let secrets = Secrets::load([("webhook", locations.iter().map(String::as_str))]).unwrap();
        let values: Vec<_> =
            secrets.values("webhook").iter().map(|secret| secret.expose().to_owned()).collect();
        assert_eq!(values, ["new", "old"]);
        assert!(secrets.values("other").is_empty());
    }

    fn texts(secrets: &Secrets, name: &str) -> Vec<String> {
        secrets.values(name).iter().map(|secret| secret.expose().to_owned()).collect()
    }

    #[tokio::test]
    async fn a_stored_secret_is_reloaded_when_it_changes() {
        let store = Arc::new(MemorySecretStore::default());
        store.set("erp/token", "first\n");
        let secrets = Secrets::open([("token", ["stored:erp/token"])], store.clone()).await.unwrap();
        assert_eq!(texts(&secrets, "token"), ["first"]);
        store.set("erp/token", "second");
        // In the background, at the next interval.
        let seen = async {
            while texts(&secrets, "token") != ["second"] {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(RELOAD_INTERVAL * 5, seen).await.expect("the store was not read again");
        store.set("erp/token", "");
        secrets.reload().await;
        assert!(secrets.get("token").is_none(), "a secret that was removed has no value");
    }

    #[tokio::test]
    async fn either_of_two_stored_values_may_be_absent() {
        let store = Arc::new(MemorySecretStore::default());
        let locations = [("webhook", ["stored:new", "stored:old"])];
        let secrets = Secrets::open(locations, store.clone()).await.unwrap();
        assert!(secrets.values("webhook").is_empty() && secrets.declares("webhook"));
        store.set("old", "one");
        secrets.reload().await;
        assert_eq!(
            (texts(&secrets, "webhook"), secrets.get("webhook").unwrap().expose()),
            (vec!["one".into()], "one")
        );
        store.set("new", "two");
        secrets.reload().await;
        assert_eq!(texts(&secrets, "webhook"), ["two", "one"]);
        assert_eq!(secrets.get("webhook").unwrap().expose(), "two");
    }

    #[tokio::test]
    async fn an_unavailable_store_keeps_the_last_value_but_fails_a_start() {
        struct Down(std::sync::atomic::AtomicBool);
        #[async_trait::async_trait]
        impl SecretStore for Down {
            async fn get(&self, _: &str) -> Result<Option<(Zeroizing<String>, u64)>, SecretStoreError> {
                match self.0.load(std::sync::atomic::Ordering::Relaxed) {
                    true => Err(SecretStoreError { reason: "it is down".into() }),
                    false => Ok(Some((Zeroizing::new("value".into()), 1))),
                }
            }
            async fn put(
                &self,
                _: &str,
                _: Zeroizing<String>,
                _: Option<u64>,
            ) -> Result<bool, SecretStoreError> {
                Ok(false)
            }
        }
        let store = Arc::new(Down(false.into()));
        let secrets = Secrets::open([("token", ["stored:x"])], store.clone()).await.unwrap();
        store.0.store(true, std::sync::atomic::Ordering::Relaxed);
        secrets.reload().await;
        assert_eq!(texts(&secrets, "token"), ["value"]);
        let error = Secrets::open([("token", ["stored:x"])], store).await.unwrap_err();
        assert!(error.to_string().contains("it is down"), "{error}");
    }

    #[test]
    fn a_location_without_a_value_is_an_error() {
        for location in
            ["env:CROSSDOCK_NO_SUCH_VARIABLE", "file:/no/such/file", "env:", "vault:x", "stored:x", "stored:"]
        {
            assert!(one(location).is_err(), "{location}");
        }
    }
}
