//! The connector's secrets: where they are, and never anything that prints them.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use zeroize::Zeroizing;

/// How often a secret's file is looked at again.
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

/// Where a secret is found: `env:NAME` or `file:PATH`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// An environment variable of the host, read once.
    Env(String),
    /// A file, read again when it changes. A line break at its end does not count.
    File(PathBuf),
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("env", name)) if !name.is_empty() => Ok(Self::Env(name.to_owned())),
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(path.into())),
            // What was written is not repeated: it may be the secret itself.
            _ => Err("a secret is written `env:NAME` or `file:PATH`, never as itself".to_owned()),
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
pub struct Secrets(Arc<BTreeMap<String, Vec<Live>>>);

struct Live {
    place: Place,
    state: Mutex<State>,
}

struct State {
    value: Secret,
    /// Length and time of change of the file, to see when it has changed.
    stamp: Option<(u64, SystemTime)>,
    looked: Instant,
}

impl Secrets {
    /// Reads all secrets. Each name has the places of its live values: one, or two while it is rotated.
    ///
    /// # Errors
    /// When a place is malformed, or there is nothing at it.
    pub fn load<'a, P>(places: impl IntoIterator<Item = (&'a str, P)>) -> Result<Self, Missing>
    where
        P: IntoIterator<Item = &'a str>,
    {
        let mut all = BTreeMap::new();
        for (name, places) in places {
            let missing = |reason: String| Missing { name: name.to_owned(), reason };
            let mut live = Vec::new();
            for place in places {
                let place: Place = place.parse().map_err(missing)?;
                let (value, stamp) = read(&place).map_err(missing)?;
                live.push(Live { place, state: Mutex::new(State { value, stamp, looked: Instant::now() }) });
            }
            all.insert(name.to_owned(), live);
        }
        Ok(Self(Arc::new(all)))
    }

    /// The newest value of a secret. Absent when the connector has none of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Secret> {
        self.0.get(name)?.first().map(Live::value)
    }

    /// All live values of a secret, newest first.
    #[must_use]
    pub fn live(&self, name: &str) -> Vec<Secret> {
        self.0.get(name).into_iter().flatten().map(Live::value).collect()
    }

    /// Every live value of every secret: what must not be seen.
    pub(crate) fn all(&self) -> impl Iterator<Item = Secret> + '_ {
        self.0.values().flatten().map(Live::value)
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Live {
    fn value(&self) -> Secret {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Place::File(path) = &self.place
            && state.looked.elapsed() >= LOOK_AGAIN
        {
            state.looked = Instant::now();
            if stamp(path) != state.stamp {
                match read(&self.place) {
                    Ok((value, stamp)) => (state.value, state.stamp) = (value, stamp),
                    // While the file is being replaced the old value is still the best one known.
                    Err(reason) => {
                        tracing::warn!(path = %path.display(), reason, "a secret cannot be read again")
                    }
                }
            }
        }
        state.value.clone()
    }
}

type Found = (Secret, Option<(u64, SystemTime)>);

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
            if stamp.0 > LARGEST {
                return Err(format!("{shown} is too large to be a secret"));
            }
            let text = std::fs::read_to_string(path).map_err(|e| format!("{shown}: {e}"))?;
            (Zeroizing::new(text), Some(stamp))
        }
    };
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() { Err("it is empty".to_owned()) } else { Ok((Secret::new(text.to_owned()), stamp)) }
}

fn stamp(path: &Path) -> Option<(u64, SystemTime)> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.len(), metadata.modified().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let live = &secrets.0["token"][0];
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

    #[test]
    fn a_missing_secret_is_said() {
        for place in ["env:CROSSDOCK_NO_SUCH_VARIABLE", "file:/no/such/file", "env:", "vault:x"] {
            assert!(one(place).is_err(), "{place}");
        }
    }
}
