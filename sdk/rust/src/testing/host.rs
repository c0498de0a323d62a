//! The test host: what a test configures, and what the plugin did, on the test's own thread.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::marker::PhantomData;

use serde::Serialize;

use super::expected_request::ExpectedRequest;
use super::sent_request::SentRequest;
use crate::bindings::base::crossdock::host::{log::Level, stores::Store};
use crate::common::{Entity, Reference};

/// A host under construction: settings, references, mappings, stores and a script of requests. [`Host::install`]
/// makes it the host of the test's thread.
#[derive(Default)]
#[must_use = "the host has no effect until it is installed"]
pub struct Host {
    pub(super) settings: HashMap<String, String>,
    pub(super) references: Vec<(Entity, Reference)>,
    pub(super) mappings: HashMap<(String, String), String>,
    /// Each with its codes: pairs of system and code.
    pub(super) stores: Vec<(Store, Vec<(String, String)>)>,
    /// The number of each sequence that was used last.
    pub(super) last_numbers: HashMap<String, u64>,
    pub(super) folder: Folder,
    pub(super) script: VecDeque<ExpectedRequest>,
    pub(super) fallback: Option<Fallback>,
}

/// Responds to a request that is not in the script: status and body.
type Fallback = Box<dyn FnMut(&SentRequest) -> (u16, Vec<u8>)>;

/// The connector's exchange folder.
#[derive(Clone, Copy, Default)]
pub(super) enum Folder {
    /// It accepts files of any size.
    #[default]
    Unlimited,
    /// One call may write so many bytes.
    Limited(u64),
    /// The connector has no exchange folder.
    Missing,
}

impl Host {
    /// A host without settings, references, mappings, stores and expected requests.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a setting of the connector.
    ///
    /// # Panics
    /// When the value cannot be JSON.
    pub fn setting(mut self, name: &str, value: impl Serialize) -> Self {
        self.settings.insert(name.to_owned(), serde_json::to_string(&value).expect("a setting is JSON"));
        self
    }

    /// Records a reference: what the connector's system calls an entity.
    pub fn reference(mut self, entity: Entity, reference: Reference) -> Self {
        self.references.push((entity, reference));
        self
    }

    /// Adds a value to one of the operator's mapping tables.
    pub fn mapping(mut self, table: &str, value: &str, target: &str) -> Self {
        self.mappings.insert((table.to_owned(), value.to_owned()), target.to_owned());
        self
    }

    /// Adds a store with its codes in other systems: pairs of system and code.
    pub fn store(mut self, store: Store, codes: &[(&str, &str)]) -> Self {
        let codes = codes.iter().map(|(system, code)| ((*system).to_owned(), (*code).to_owned()));
        self.stores.push((store, codes.collect()));
        self
    }

    /// Sets the number of a sequence that was used last. The default is 0.
    pub fn last_number(mut self, sequence: &str, last: u64) -> Self {
        self.last_numbers.insert(sequence.to_owned(), last);
        self
    }

    /// Sets how many bytes of files one call may write; `None` is a connector without an exchange folder. By default
    /// there is no limit.
    pub fn file_limit(mut self, bytes: Option<u64>) -> Self {
        self.folder = bytes.map_or(Folder::Missing, Folder::Limited);
        self
    }

    /// Expects one more request, after those expected so far.
    pub fn expect(mut self, request: ExpectedRequest) -> Self {
        self.script.push_back(request);
        self
    }

    /// Responds to every request that is not expected, with a status and a body: for tests that cannot know which
    /// requests will be sent. Without it such a request fails the test.
    pub fn fallback(mut self, respond: impl FnMut(&SentRequest) -> (u16, Vec<u8>) + 'static) -> Self {
        self.fallback = Some(Box::new(respond));
        self
    }

    /// Makes this the host of the test's thread until the returned guard is dropped.
    ///
    /// # Panics
    /// When another host is installed.
    pub fn install(self) -> InstalledHost {
        CURRENT.with_borrow_mut(|current| {
            assert!(current.is_none(), "another host is installed: drop it first");
            *current = Some(State { host: self, sent: Vec::new(), log: Vec::new(), files: Vec::new() });
        });
        InstalledHost { thread: PhantomData }
    }
}

/// An installed host. Dropping it removes it and checks that every expected request was sent.
#[must_use = "the host is removed when this is dropped"]
pub struct InstalledHost {
    /// The host belongs to its thread.
    thread: PhantomData<*const ()>,
}

impl InstalledHost {
    /// The requests that the plugin sent so far.
    #[must_use]
    pub fn requests(&self) -> Vec<SentRequest> {
        with(|state| state.sent.clone())
    }

    /// The files that the plugin wrote into the exchange folder so far: name and content.
    #[must_use]
    pub fn files(&self) -> Vec<(String, Vec<u8>)> {
        with(|state| state.files.clone())
    }

    /// The messages that the plugin logged so far.
    #[must_use]
    pub fn log(&self) -> Vec<(Level, String)> {
        with(|state| state.log.clone())
    }
}

impl Drop for InstalledHost {
    fn drop(&mut self) {
        let state = CURRENT.with_borrow_mut(Option::take);
        if std::thread::panicking() {
            return;
        }
        let missing: Vec<String> =
            state.into_iter().flat_map(|state| state.host.script).map(|expected| expected.name()).collect();
        assert!(missing.is_empty(), "expected requests were never sent: {}", missing.join(", "));
    }
}

/// The installed host and what the plugin did with it.
pub(super) struct State {
    pub(super) host: Host,
    pub(super) sent: Vec<SentRequest>,
    pub(super) log: Vec<(Level, String)>,
    pub(super) files: Vec<(String, Vec<u8>)>,
}

thread_local! {
    static CURRENT: RefCell<Option<State>> = const { RefCell::new(None) };
}

/// Runs a function on the state of the installed host.
///
/// # Panics
/// When no host is installed.
pub(super) fn with<T>(run: impl FnOnce(&mut State) -> T) -> T {
    with_installed(|state| {
        run(state.expect("no host is installed: a test that needs one installs `testing::Host`"))
    })
}

/// Runs a function on the state of the installed host, or on `None`.
pub(super) fn with_installed<T>(run: impl FnOnce(Option<&mut State>) -> T) -> T {
    CURRENT.with_borrow_mut(|current| run(current.as_mut()))
}
