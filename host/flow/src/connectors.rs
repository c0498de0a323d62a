//! The registry of connectors: each as it is configured now, and its former versions while their calls end.

mod counted;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};

use tokio::sync::OwnedMutexGuard;

use crate::connector::Connector;
use counted::counted;

/// The connectors by name. The names are fixed; the plugin version behind a name can be swapped.
pub(crate) struct Connectors(HashMap<String, Entry>);

struct Entry {
    current: RwLock<Arc<Connector>>,
    /// Versions that were swapped out. One is dropped when its last call has ended.
    former: Mutex<Vec<Weak<Connector>>>,
    /// Held by the call that may take numbers, until its answer is stored.
    turn: Arc<tokio::sync::Mutex<()>>,
}

/// The exclusive right to call a connector that writes files. Dropping it gives the turn to the next caller.
pub(crate) struct Turn {
    _guard: OwnedMutexGuard<()>,
}

/// A version of a connector's plugin that is loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// `name@version`.
    pub label: String,
    /// SHA-256 of the plugin file, in hexadecimal digits.
    pub digest: String,
    /// True for the one that gets new calls.
    pub current: bool,
    /// How many of its calls are in flight.
    pub in_flight: u32,
}

impl Connectors {
    pub fn new(connectors: impl IntoIterator<Item = Connector>) -> Self {
        let entry = |connector: Connector| {
            let name = connector.name.clone();
            let current = RwLock::new(Arc::new(counted(connector)));
            (name, Entry { current, former: Mutex::default(), turn: Arc::default() })
        };
        Self(connectors.into_iter().map(entry).collect())
    }

    /// The connector with its current version.
    pub fn get(&self, name: &str) -> Option<Arc<Connector>> {
        self.0.get(name).map(Entry::current)
    }

    /// Waits for the turn to call a connector that writes files: files leave in the order of their numbers, which
    /// is the order in which answers are stored. None, at once, for connectors that write no files.
    pub async fn turn(&self, name: &str) -> Option<Turn> {
        let entry = self.0.get(name)?;
        let current = entry.current();
        if current.folder.is_none() || current.sink.is_none() {
            return None;
        }
        Some(Turn { _guard: Arc::clone(&entry.turn).lock_owned().await })
    }

    pub fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// True when the connector's plugin takes events of this kind.
    pub fn takes(&self, name: &str, kind: &str) -> bool {
        self.get(name).is_some_and(|connector| connector.sink.as_ref().is_some_and(|sink| sink.takes(kind)))
    }

    pub fn all(&self) -> Vec<Arc<Connector>> {
        self.0.values().map(Entry::current).collect()
    }

    /// Makes `next` the current version of its connector. Calls in flight end on the version they began on.
    /// Returns false when there is no connector of that name.
    pub fn swap(&self, next: Connector) -> bool {
        let Some(entry) = self.0.get(&next.name) else { return false };
        let next = Arc::new(counted(next));
        let mut current = entry.current.write().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::replace(&mut *current, next);
        let mut former = entry.former.lock().unwrap_or_else(PoisonError::into_inner);
        former.retain(|version| version.strong_count() > 0);
        former.push(Arc::downgrade(&old));
        true
    }

    /// The versions that are loaded, the current one first.
    pub fn versions(&self, name: &str) -> Vec<Version> {
        let Some(entry) = self.0.get(name) else { return Vec::new() };
        let former: Vec<_> = {
            let former = entry.former.lock().unwrap_or_else(PoisonError::into_inner);
            former.iter().rev().filter_map(Weak::upgrade).collect()
        };
        std::iter::once((entry.current(), true))
            .chain(former.into_iter().map(|version| (version, false)))
            .map(|(version, current)| Version {
                label: version.label.clone(),
                digest: version.digest.clone(),
                current,
                in_flight: version.plugin.in_flight(),
            })
            // A former version without calls is only referenced by whoever lists versions right now.
            .filter(|version| version.current || version.in_flight > 0)
            .collect()
    }
}

impl Entry {
    fn current(&self) -> Arc<Connector> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }
}
