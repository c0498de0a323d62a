//! What the host does for a plugin, on the test's own thread.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::marker::PhantomData;

use serde::Serialize;
use serde_json::Value;

use super::Exchange;
use crate::common::{Entity, Reference};
use crate::http::{Answer, Loss, Request};
use crate::log::Level;
use crate::stores::Store;

/// A host to be: settings, references, mappings, stores and a script of requests. [`Host::install`] puts it in place.
#[derive(Default)]
#[must_use = "the host is not there until it is installed"]
pub struct Host {
    settings: HashMap<String, String>,
    references: Vec<(Entity, Reference)>,
    mappings: HashMap<(String, String), String>,
    stores: Vec<(Store, Vec<(String, String)>)>,
    numbers: HashMap<String, u64>,
    /// How many bytes of files a call may hand over; `Some(None)` when there is no folder.
    folder: Option<Option<u64>>,
    script: VecDeque<Exchange>,
    otherwise: Option<Otherwise>,
}

/// What answers a request that nobody expected: status and body.
type Otherwise = Box<dyn FnMut(&Sent) -> (u16, Vec<u8>)>;

/// A request that the plugin sent.
#[derive(Clone, Debug)]
pub struct Sent {
    /// The method (`POST`).
    pub method: &'static str,
    /// Path and query as they were sent, without the host.
    pub path: String,
    /// The headers in the order they were set.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Sent {
    /// The first header of this name, whatever its case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the body is JSON")
    }
}

impl Host {
    /// A host that knows nothing.
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

    /// Lets the host know what the connector's system calls an entity.
    pub fn reference(mut self, entity: Entity, reference: Reference) -> Self {
        self.references.push((entity, reference));
        self
    }

    /// Adds a value to one of the operator's tables.
    pub fn mapping(mut self, table: &str, value: &str, target: &str) -> Self {
        self.mappings.insert((table.to_owned(), value.to_owned()), target.to_owned());
        self
    }

    /// Adds a store, and what systems call it: pairs of system and code.
    pub fn store(mut self, store: Store, codes: &[(&str, &str)]) -> Self {
        let codes = codes.iter().map(|(system, code)| ((*system).to_owned(), (*code).to_owned()));
        self.stores.push((store, codes.collect()));
        self
    }

    /// Says which number of a sequence was used last; 0 where it is not said.
    pub fn number(mut self, sequence: &str, last: u64) -> Self {
        self.numbers.insert(sequence.to_owned(), last);
        self
    }

    /// Says how many bytes of files may be handed over; `None` is a connector without an exchange folder. Where it
    /// is not said, every file is taken.
    pub fn folder(mut self, most: Option<u64>) -> Self {
        self.folder = Some(most);
        self
    }

    /// Expects one request more, after those before.
    pub fn expect(mut self, exchange: Exchange) -> Self {
        self.script.push_back(exchange);
        self
    }

    /// Answers every request that is not expected, with a status and a body: for tests that cannot know what will be
    /// asked. Without it such a request fails the test.
    pub fn otherwise(mut self, answer: impl FnMut(&Sent) -> (u16, Vec<u8>) + 'static) -> Self {
        self.otherwise = Some(Box::new(answer));
        self
    }

    /// Puts the host in place, for this thread and until the answer is dropped.
    ///
    /// # Panics
    /// When there is one already.
    pub fn install(self) -> Installed {
        HERE.with_borrow_mut(|here| {
            assert!(here.is_none(), "a host is installed already: drop the first one before");
            *here = Some(State { host: self, sent: Vec::new(), log: Vec::new(), files: Vec::new() });
        });
        Installed { thread: PhantomData }
    }
}

/// A host in place. Dropping it takes it away and checks that the script was followed to its end.
#[must_use = "the host is taken away when this is dropped"]
pub struct Installed {
    /// The host belongs to its thread.
    thread: PhantomData<*const ()>,
}

impl Installed {
    /// The requests that the plugin sent so far.
    #[must_use]
    pub fn requests(&self) -> Vec<Sent> {
        with(|state| state.sent.clone())
    }

    /// The files that the plugin handed over so far: name and content.
    #[must_use]
    pub fn files(&self) -> Vec<(String, Vec<u8>)> {
        with(|state| state.files.clone())
    }

    /// What the plugin logged so far.
    #[must_use]
    pub fn log(&self) -> Vec<(Level, String)> {
        with(|state| state.log.clone())
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        let state = HERE.with_borrow_mut(Option::take);
        if std::thread::panicking() {
            return;
        }
        let left: Vec<String> =
            state.into_iter().flat_map(|state| state.host.script).map(|e| e.name()).collect();
        assert!(left.is_empty(), "the plugin never sent: {}", left.join(", "));
    }
}

struct State {
    host: Host,
    sent: Vec<Sent>,
    log: Vec<(Level, String)>,
    files: Vec<(String, Vec<u8>)>,
}

thread_local! {
    static HERE: RefCell<Option<State>> = const { RefCell::new(None) };
}

fn with<T>(read: impl FnOnce(&mut State) -> T) -> T {
    HERE.with_borrow_mut(|here| {
        read(here.as_mut().expect("no host is here: a test that needs one installs `testing::Host`"))
    })
}

/// What `wasi:http` is in the sandbox.
pub(crate) fn exchange(request: &Request) -> Result<Answer, Loss> {
    let Some((_, rest)) = request.url.split_once("://") else {
        return Err(Loss::Malformed("its address is malformed".into()));
    };
    let path = rest.find(['/', '?']).map_or("/", |at| rest.get(at..).unwrap_or_default());
    let sent = Sent {
        method: request.method.name(),
        path: path.to_owned(),
        headers: request.headers.clone(),
        body: request.body.clone(),
    };
    let (expected, otherwise) = with(|state| {
        state.sent.push(sent.clone());
        let expected = state.host.script.pop_front();
        let otherwise = if expected.is_none() { state.host.otherwise.as_mut() } else { None };
        let otherwise = otherwise.map(|answer| answer(&sent));
        (expected, otherwise)
    });
    match (expected, otherwise) {
        (Some(expected), _) => expected.meet(&sent),
        (None, Some((status, body))) => Ok(Answer { status, headers: Vec::new(), body }),
        (None, None) => {
            panic!("the plugin sent {} {}, and nothing more was expected", sent.method, sent.path)
        }
    }
}

/// What `crossdock:host/config` is in the sandbox. Without a host nothing is set.
pub(crate) mod config {
    pub(crate) fn get(name: &str) -> Option<String> {
        super::HERE.with_borrow(|here| here.as_ref()?.host.settings.get(name).cloned())
    }
}

/// What `crossdock:host/log` is in the sandbox. Without a host nobody listens.
pub(crate) mod log {
    use crate::log::Level;

    pub(crate) fn write(level: Level, message: &str) {
        super::HERE.with_borrow_mut(|here| {
            if let Some(state) = here {
                state.log.push((level, message.to_owned()));
            }
        });
    }
}

/// What `crossdock:host/references` is in the sandbox.
pub(crate) mod references {
    use super::with;
    use crate::common::{Entity, Reference};

    pub(crate) fn find(entity: &Entity) -> Vec<Reference> {
        let known = |state: &mut super::State| {
            let of = state.host.references.iter().filter(|(other, _)| other == entity);
            of.map(|(_, reference)| reference.clone()).collect()
        };
        with(known)
    }

    pub(crate) fn resolve(kind: &str, id: &str) -> Option<Entity> {
        with(|state| {
            let mut known = state.host.references.iter();
            known.find(|(_, other)| other.kind == kind && other.id == id).map(|(entity, _)| entity.clone())
        })
    }
}

/// What `crossdock:host/mappings` is in the sandbox.
pub(crate) mod mappings {
    pub(crate) fn get(table: &str, value: &str) -> Option<String> {
        super::with(|state| state.host.mappings.get(&(table.to_owned(), value.to_owned())).cloned())
    }
}

/// What `crossdock:host/stores` is in the sandbox.
pub(crate) mod stores {
    use super::with;
    use crate::stores::Store;

    pub(crate) fn get(id: &str) -> Option<Store> {
        with(|state| state.host.stores.iter().map(|(store, _)| store).find(|store| store.id == id).cloned())
    }

    pub(crate) fn find(system: &str, code: &str) -> Option<Store> {
        let called = |codes: &[(String, String)]| codes.iter().any(|(s, c)| s == system && c == code);
        with(|state| {
            state.host.stores.iter().find(|(_, codes)| called(codes)).map(|(store, _)| store.clone())
        })
    }
}

/// What `crossdock:host/files` is in the sandbox: a folder that takes every plain name once.
pub(crate) mod files {
    use super::with;
    use crate::files::Refusal;

    pub(crate) fn put(name: &str, content: &[u8]) -> Result<(), Refusal> {
        let plain = !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\', '\0']);
        with(|state| {
            let held: usize = state.files.iter().map(|(_, content)| content.len()).sum();
            let wanted = u64::try_from(held + content.len()).unwrap_or(u64::MAX);
            match state.host.folder {
                Some(None) => return Err(Refusal::NoFolder),
                Some(Some(most)) if wanted > most => return Err(Refusal::TooLarge(most)),
                _ => {}
            }
            if !plain || state.files.iter().any(|(known, _)| known == name) {
                return Err(Refusal::BadName);
            }
            state.files.push((name.to_owned(), content.to_vec()));
            Ok(())
        })
    }
}

/// What `crossdock:host/numbers` is in the sandbox.
pub(crate) mod numbers {
    pub(crate) fn next(sequence: &str) -> u64 {
        super::with(|state| {
            let last = state.host.numbers.entry(sequence.to_owned()).or_default();
            *last += 1;
            *last
        })
    }
}
