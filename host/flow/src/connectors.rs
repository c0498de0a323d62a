//! Who is who: each connector as it stands now, and its former versions while they finish their calls.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};

use async_trait::async_trait;
use crossdock_model::connector::{Failure, Found, Inbound, Outcome, Page, Work};
use crossdock_model::event::Event;
use tokio::sync::OwnedMutexGuard;

use crate::connector::Connector;
use crate::plugins::{Exchange, Finding, NoAnswer, Plugin};

/// The connectors by name. Their number is fixed; what stands behind a name can be swapped.
pub(crate) struct Connectors(HashMap<String, Place>);

struct Place {
    current: RwLock<Arc<Connector>>,
    /// Versions that were swapped out. One is gone when its last call has ended.
    former: Mutex<Vec<Weak<Connector>>>,
    /// Held by the call that may take numbers, until what it answered is kept.
    turn: Arc<tokio::sync::Mutex<()>>,
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
    /// How many of its calls are under way.
    pub in_flight: u32,
}

impl Connectors {
    pub fn new(connectors: impl IntoIterator<Item = Connector>) -> Self {
        let place = |connector: Connector| {
            let name = connector.name.clone();
            let current = RwLock::new(Arc::new(counted(connector)));
            (name, Place { current, former: Mutex::default(), turn: Arc::default() })
        };
        Self(connectors.into_iter().map(place).collect())
    }

    /// The connector as it stands now.
    pub fn get(&self, name: &str) -> Option<Arc<Connector>> {
        self.0.get(name).map(Place::now)
    }

    /// Waits for its turn to call a connector that sends files: they leave in the order of their numbers, which
    /// is the order in which calls are kept. None for connectors that send no files.
    pub async fn turn(&self, name: &str) -> Option<OwnedMutexGuard<()>> {
        let place = self.0.get(name)?;
        let now = place.now();
        if now.folder.is_none() || now.sink.is_none() {
            return None;
        }
        Some(Arc::clone(&place.turn).lock_owned().await)
    }

    pub fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub fn all(&self) -> Vec<Arc<Connector>> {
        self.0.values().map(Place::now).collect()
    }

    /// Puts another version in a connector's place. Calls that are under way end on the one they began on.
    /// Answers false when there is no connector of that name.
    pub fn swap(&self, next: Connector) -> bool {
        let Some(place) = self.0.get(&next.name) else { return false };
        let next = Arc::new(counted(next));
        let mut current = place.current.write().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::replace(&mut *current, next);
        let mut former = place.former.lock().unwrap_or_else(PoisonError::into_inner);
        former.retain(|version| version.strong_count() > 0);
        former.push(Arc::downgrade(&old));
        true
    }

    /// The versions that are loaded, the current one first.
    pub fn versions(&self, name: &str) -> Vec<Version> {
        let Some(place) = self.0.get(name) else { return Vec::new() };
        let former: Vec<_> = {
            let former = place.former.lock().unwrap_or_else(PoisonError::into_inner);
            former.iter().rev().filter_map(Weak::upgrade).collect()
        };
        let current = place.now();
        std::iter::once((current, true))
            .chain(former.into_iter().map(|version| (version, false)))
            .map(|(version, current)| Version {
                label: version.label.clone(),
                digest: version.digest.clone(),
                current,
                in_flight: version.plugin.in_flight(),
            })
            // A former version without calls is only held by somebody who looks at it.
            .filter(|version| version.current || version.in_flight > 0)
            .collect()
    }
}

impl Place {
    fn now(&self) -> Arc<Connector> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }
}

fn counted(mut connector: Connector) -> Connector {
    connector.plugin = Arc::new(Counted { plugin: connector.plugin, calls: AtomicU32::new(0) });
    connector
}

/// A plugin whose calls are counted while they are under way.
struct Counted {
    plugin: Arc<dyn Plugin>,
    calls: AtomicU32,
}

/// One call under way.
struct UnderWay<'a>(&'a AtomicU32);

impl Counted {
    fn call(&self) -> UnderWay<'_> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        UnderWay(&self.calls)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[async_trait]
impl Plugin for Counted {
    async fn receive(&self, inbound: Inbound) -> (Result<Result<Vec<Event>, Failure>, NoAnswer>, Exchange) {
        let _call = self.call();
        self.plugin.receive(inbound).await
    }

    async fn poll(&self, cursor: Option<String>, limit: u32) -> Result<Result<Page, Failure>, NoAnswer> {
        let _call = self.call();
        self.plugin.poll(cursor, limit).await
    }

    async fn deliver(&self, trace: &str, work: Vec<Work>) -> (Result<Vec<Outcome>, NoAnswer>, Exchange) {
        let _call = self.call();
        self.plugin.deliver(trace, work).await
    }

    async fn find(&self, trace: &str, work: Vec<Work>) -> (Result<Vec<Found>, NoAnswer>, Exchange) {
        let _call = self.call();
        self.plugin.find(trace, work).await
    }

    async fn check(&self, address: &str, repair: bool) -> Result<Result<Vec<Finding>, Failure>, NoAnswer> {
        let _call = self.call();
        self.plugin.check(address, repair).await
    }

    fn in_flight(&self) -> u32 {
        self.calls.load(Ordering::Relaxed)
    }
}
