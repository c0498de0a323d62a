//! The connector's secrets: where they are, and never anything that prints them.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant, SystemTime};

use zeroize::Zeroizing;

use crate::stored::{StoreFailed, StoredSecrets};

/// How often a secret is looked at again, in its file or in the store.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// The largest file that can be a secret: what is larger is another file, given by mistake.
const LARGEST: u64 = 64 * 1024;

/// A secret's text. It is wiped from memory with its last copy, and prints as `Secret(…)`.
#[derive(Clone)]
pub struct Secret(Arc<Zeroizing<String>>);

impl Secret {
    /// A secret of this text.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Arc::new(Zeroizing::new(text)))
    }

    /// The text, for the one place that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Where a secret is found: `env:NAME`, `file:PATH` or `stored:NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// An environment variable of the host, read once.
    Env(String),
    /// A file, read again when it changes. A line break at its end does not count.
    File(PathBuf),
    /// The host's own store, read again when it changes. What is empty there counts as not there.
    Stored(String),
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("env", name)) if !name.is_empty() => Ok(Self::Env(name.to_owned())),
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(path.into())),
            Some(("stored", name)) if !name.is_empty() => Ok(Self::Stored(name.to_owned())),
            // What was written is not repeated: it may be the secret itself.
            _ => Err("a secret is written `env:NAME`, `file:PATH` or `stored:NAME`, never as itself".into()),
        }
    }
}

/// A secret that cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("the secret `{name}` cannot be had: {reason}")]
pub struct Missing {
    /// Its name.
    pub name: String,
    /// Why, without the secret.
    pub reason: String,
}

/// The secrets of one connector by name, each with its live values, newest first.
#[derive(Clone, Default)]
pub struct Secrets(Arc<Inner>);

#[derive(Default)]
struct Inner {
    all: BTreeMap<String, Vec<Live>>,
    store: Option<Arc<dyn StoredSecrets>>,
}

struct Live {
    place: Place,
    state: Mutex<State>,
}

struct State {
    /// Absent only in the store: what is at another place was there when the host started.
    value: Option<Secret>,
    stamp: Option<Stamp>,
    looked: Instant,
    /// True while the place cannot be read again: said once, not every two seconds.
    failing: bool,
}

/// By what it is seen that a secret has changed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stamp {
    /// Length and time of change of a file.
    File(u64, SystemTime),
    /// The store's version.
    Version(u64),
}

impl Secrets {
    /// Reads all secrets. Each name has the places of its live values: one, or two while it is rotated.
    ///
    /// # Errors
    /// When a place is malformed, there is nothing at it, or it lies in the store: see [`Secrets::open`].
    pub fn load<'a, P>(places: impl IntoIterator<Item = (&'a str, P)>) -> Result<Self, Missing>
    where
        P: IntoIterator<Item = &'a str>,
    {
        Self::read(places, None)
    }

    /// Reads all secrets, those in the store too, and goes on looking whether they change there.
    ///
    /// What is not in the store yet is no error: it may be put there while the host runs, and until then
    /// the connector has no such secret. So is one of two live values that is not there.
    ///
    /// # Errors
    /// When a place is malformed, there is nothing at it, or the store cannot be asked.
    pub async fn open<'a, P>(
        places: impl IntoIterator<Item = (&'a str, P)>,
        store: Arc<dyn StoredSecrets>,
    ) -> Result<Self, Missing>
    where
        P: IntoIterator<Item = &'a str>,
    {
        let secrets = Self::read(places, Some(store))?;
        let failed = |(name, reason): (&str, StoreFailed)| Missing {
            name: name.to_owned(),
            reason: reason.to_string(),
        };
        secrets.0.look().await.map_err(failed)?;
        if secrets.0.stored().next().is_some() {
            tokio::spawn(watch(Arc::downgrade(&secrets.0)));
        }
        for name in secrets.0.all.keys().filter(|name| secrets.get(name).is_none()) {
            tracing::warn!(secret = name, "a secret is not in the store yet");
        }
        Ok(secrets)
    }

    fn read<'a, P>(
        places: impl IntoIterator<Item = (&'a str, P)>,
        store: Option<Arc<dyn StoredSecrets>>,
    ) -> Result<Self, Missing>
    where
        P: IntoIterator<Item = &'a str>,
    {
        let mut all = BTreeMap::new();
        for (name, places) in places {
            let missing = |reason: String| Missing { name: name.to_owned(), reason };
            let mut live = Vec::new();
            for place in places {
                let place: Place = place.parse().map_err(missing)?;
                let (value, stamp) = match place {
                    Place::Stored(_) if store.is_none() => {
                        return Err(missing("this secret cannot lie in the store".to_owned()));
                    }
                    Place::Stored(_) => (None, None),
                    Place::Env(_) | Place::File(_) => {
                        let (value, stamp) = read(&place).map_err(missing)?;
                        (Some(value), stamp)
                    }
                };
                let state = State { value, stamp, looked: Instant::now(), failing: false };
                live.push(Live { place, state: Mutex::new(state) });
            }
            all.insert(name.to_owned(), live);
        }
        Ok(Self(Arc::new(Inner { all, store })))
    }

    /// The newest value of a secret. Absent when the connector has none of that name, or it is not in the
    /// store yet.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Secret> {
        self.0.all.get(name)?.iter().find_map(Live::value)
    }

    /// All live values of a secret, newest first.
    #[must_use]
    pub fn live(&self, name: &str) -> Vec<Secret> {
        self.0.all.get(name).into_iter().flatten().filter_map(Live::value).collect()
    }

    /// Looks at once whether secrets have changed in the store, without waiting for the next time.
    pub async fn look_again(&self) {
        // Each that cannot be read says so for itself.
        self.0.look().await.ok();
    }

    /// True when the connector's secrets name it, whether it can be had now or not.
    pub(crate) fn names(&self, name: &str) -> bool {
        self.0.all.contains_key(name)
    }

    /// The place in the store where a secret rests first, to be read and written there.
    pub(crate) fn slot(&self, name: &str) -> Option<Slot> {
        let live = self.0.all.get(name)?;
        let Place::Stored(place) = &live.first()?.place else { return None };
        Some(Slot { secrets: self.clone(), name: name.to_owned(), place: place.clone() })
    }

    /// Every live value of every secret: what must not be seen.
    pub(crate) fn all(&self) -> impl Iterator<Item = Secret> + '_ {
        self.0.all.values().flatten().filter_map(Live::value)
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.all.keys()).finish()
    }
}

/// One secret's place in the store.
#[derive(Clone)]
pub(crate) struct Slot {
    secrets: Secrets,
    name: String,
    place: String,
}

impl Slot {
    /// What is there now. Absent when there is nothing, or it is empty; the version is told all the same.
    pub(crate) async fn get(&self) -> Result<(Option<Secret>, Option<u64>), StoreFailed> {
        let found = self.store()?.get(&self.place).await?;
        let version = found.as_ref().map(|(_, version)| *version);
        Ok((found.and_then(|(text, _)| trimmed(&text)), version))
    }

    pub(crate) async fn put(
        &self,
        value: Zeroizing<String>,
        expected: Option<u64>,
    ) -> Result<bool, StoreFailed> {
        self.store()?.put(&self.place, value, expected).await
    }

    /// What to begin with while there is nothing in the store: the secret's other place.
    pub(crate) fn seed(&self) -> Option<Secret> {
        self.secrets.0.all.get(&self.name)?.iter().skip(1).find_map(Live::value)
    }

    fn store(&self) -> Result<&Arc<dyn StoredSecrets>, StoreFailed> {
        let none = || StoreFailed { reason: "there is none".to_owned() };
        self.secrets.0.store.as_ref().ok_or_else(none)
    }
}

impl Inner {
    fn stored(&self) -> impl Iterator<Item = (&str, &str, &Live)> {
        self.all.iter().flat_map(|(name, live)| {
            live.iter().filter_map(|live| match &live.place {
                Place::Stored(place) => Some((name.as_str(), place.as_str(), live)),
                Place::Env(_) | Place::File(_) => None,
            })
        })
    }

    /// Reads what is in the store. Answers the first that could not be read, after all the others.
    async fn look(&self) -> Result<(), (&str, StoreFailed)> {
        let Some(store) = &self.store else { return Ok(()) };
        let mut result = Ok(());
        for (name, place, live) in self.stored() {
            match store.get(place).await {
                Ok(found) => {
                    let mut state = live.state();
                    state.failing = false;
                    let stamp = found.as_ref().map(|(_, version)| Stamp::Version(*version));
                    if stamp != state.stamp {
                        (state.value, state.stamp) = (found.and_then(|(text, _)| trimmed(&text)), stamp);
                    }
                }
                // Until the store answers again the old value is still the best one known.
                Err(reason) => {
                    if !std::mem::replace(&mut live.state().failing, true) {
                        tracing::warn!(secret = name, %reason, "a secret cannot be read again");
                    }
                    if result.is_ok() {
                        result = Err((name, reason));
                    }
                }
            }
        }
        result
    }
}

/// Looks again and again, as long as somebody has the secrets.
async fn watch(secrets: Weak<Inner>) {
    loop {
        tokio::time::sleep(LOOK_AGAIN).await;
        let Some(secrets) = secrets.upgrade() else { return };
        secrets.look().await.ok();
    }
}

impl Live {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn value(&self) -> Option<Secret> {
        let mut state = self.state();
        if let Place::File(path) = &self.place
            && state.looked.elapsed() >= LOOK_AGAIN
        {
            state.looked = Instant::now();
            if stamp(path) != state.stamp {
                match read(&self.place) {
                    Ok((value, stamp)) => {
                        (state.value, state.stamp, state.failing) = (Some(value), stamp, false);
                    }
                    // While the file is being replaced the old value is still the best one known.
                    Err(reason) => {
                        if !std::mem::replace(&mut state.failing, true) {
                            tracing::warn!(path = %path.display(), reason, "a secret cannot be read again");
                        }
                    }
                }
            }
        }
        state.value.clone()
    }
}

type Found = (Secret, Option<Stamp>);

fn read(place: &Place) -> Result<Found, String> {
    let (text, stamp) = match place {
        Place::Env(name) => {
            let text =
                std::env::var(name).map_err(|_| format!("the environment has no readable `{name}`"))?;
            (Zeroizing::new(text), None)
        }
        Place::File(path) => {
            let shown = path.display();
            let stamp = stamp(path).ok_or_else(|| format!("{shown} is not there"))?;
            if matches!(stamp, Stamp::File(length, _) if length > LARGEST) {
                return Err(format!("{shown} is too large to be a secret"));
            }
            let text = std::fs::read_to_string(path).map_err(|e| format!("{shown}: {e}"))?;
            (Zeroizing::new(text), Some(stamp))
        }
        Place::Stored(_) => return Err("it lies in the store".to_owned()),
    };
    trimmed(&text).map(|secret| (secret, stamp)).ok_or_else(|| "it is empty".to_owned())
}

/// The text without a line break at its end. Absent when nothing is left.
fn trimmed(text: &str) -> Option<Secret> {
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    (!text.is_empty()).then(|| Secret::new(text.to_owned()))
}

fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = std::fs::metadata(path).ok()?;
    Some(Stamp::File(metadata.len(), metadata.modified().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stored::MemorySecrets;

    fn one(place: &str) -> Result<Secrets, Missing> {
        Secrets::load([("token", [place])])
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
        let said = one("hunter2").unwrap_err();
        assert!(
            !format!("{said} {said:?}").contains("hunter2"),
            "a secret written in place of its address leaks"
        );
    }

    #[test]
    fn a_changed_file_is_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        std::fs::write(&path, "old").unwrap();
        let secrets = one(&format!("file:{}", path.display())).unwrap();
        std::fs::write(&path, "newer").unwrap();
        let live = &secrets.0.all["token"][0];
        live.state.lock().unwrap().looked = Instant::now().checked_sub(LOOK_AGAIN).unwrap();
        assert_eq!(secrets.get("token").unwrap().expose(), "newer");
        std::fs::remove_file(&path).unwrap();
        live.state.lock().unwrap().looked = Instant::now().checked_sub(LOOK_AGAIN).unwrap();
        assert_eq!(secrets.get("token").unwrap().expose(), "newer");
    }

    #[test]
    fn two_values_live_while_one_is_rotated() {
        let dir = tempfile::tempdir().unwrap();
        let places: Vec<String> = ["new", "old"]
            .iter()
            .map(|text| {
                let path = dir.path().join(text);
                std::fs::write(&path, text).unwrap();
                format!("file:{}", path.display())
            })
            .collect();
        let secrets = Secrets::load([("webhook", places.iter().map(String::as_str))]).unwrap();
        let live: Vec<_> = secrets.live("webhook").iter().map(|secret| secret.expose().to_owned()).collect();
        assert_eq!(live, ["new", "old"]);
        assert!(secrets.live("other").is_empty());
    }

    fn texts(secrets: &Secrets, name: &str) -> Vec<String> {
        secrets.live(name).iter().map(|secret| secret.expose().to_owned()).collect()
    }

    #[tokio::test]
    async fn a_stored_secret_changes_without_a_restart() {
        let store = Arc::new(MemorySecrets::default());
        store.set("erp/token", "first\n");
        let secrets = Secrets::open([("token", ["stored:erp/token"])], store.clone()).await.unwrap();
        assert_eq!(texts(&secrets, "token"), ["first"]);
        store.set("erp/token", "second");
        // By itself, after a while.
        let seen = async {
            while texts(&secrets, "token") != ["second"] {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(LOOK_AGAIN * 5, seen).await.expect("nobody looked again");
        store.set("erp/token", "");
        secrets.look_again().await;
        assert!(secrets.get("token").is_none(), "a secret that was taken away is dead");
    }

    #[tokio::test]
    async fn of_two_stored_values_the_newer_is_first_and_either_may_be_missing() {
        let store = Arc::new(MemorySecrets::default());
        let places = [("webhook", ["stored:new", "stored:old"])];
        let secrets = Secrets::open(places, store.clone()).await.unwrap();
        assert!(secrets.live("webhook").is_empty() && secrets.names("webhook"));
        store.set("old", "one");
        secrets.look_again().await;
        assert_eq!(
            (texts(&secrets, "webhook"), secrets.get("webhook").unwrap().expose()),
            (vec!["one".into()], "one")
        );
        store.set("new", "two");
        secrets.look_again().await;
        assert_eq!(texts(&secrets, "webhook"), ["two", "one"]);
        assert_eq!(secrets.get("webhook").unwrap().expose(), "two");
    }

    #[tokio::test]
    async fn a_store_that_is_down_keeps_the_last_value_but_not_a_start() {
        struct Down(std::sync::atomic::AtomicBool);
        #[async_trait::async_trait]
        impl StoredSecrets for Down {
            async fn get(&self, _: &str) -> Result<Option<(Zeroizing<String>, u64)>, StoreFailed> {
                match self.0.load(std::sync::atomic::Ordering::Relaxed) {
                    true => Err(StoreFailed { reason: "it is down".into() }),
                    false => Ok(Some((Zeroizing::new("value".into()), 1))),
                }
            }
            async fn put(&self, _: &str, _: Zeroizing<String>, _: Option<u64>) -> Result<bool, StoreFailed> {
                Ok(false)
            }
        }
        let store = Arc::new(Down(false.into()));
        let secrets = Secrets::open([("token", ["stored:x"])], store.clone()).await.unwrap();
        store.0.store(true, std::sync::atomic::Ordering::Relaxed);
        secrets.look_again().await;
        assert_eq!(texts(&secrets, "token"), ["value"]);
        let missing = Secrets::open([("token", ["stored:x"])], store).await.unwrap_err();
        assert!(missing.to_string().contains("it is down"), "{missing}");
    }

    #[test]
    fn a_missing_secret_is_said() {
        for place in
            ["env:CROSSDOCK_NO_SUCH_VARIABLE", "file:/no/such/file", "env:", "vault:x", "stored:x", "stored:"]
        {
            assert!(one(place).is_err(), "{place}");
        }
    }
}
