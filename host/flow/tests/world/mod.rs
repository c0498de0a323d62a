//! A flow with a plugin of the test's own, a database in a folder that goes with the test, and a clock that
//! the test sets.

// Each test uses its part of it.
#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use crossdock_flow::connector::Connector;
use crossdock_flow::plugins::{Exchange, Finding, NoAnswer, Plugin};
use crossdock_flow::{Flow, Handle, Options};
use crossdock_model::connector::{Failure, Found, Inbound, Outcome, Page, Problem, Work};
use crossdock_model::event::Event;
use crossdock_model::time::{Clock, Millis, SystemClock};
use crossdock_rules::outcome::Fault;
use crossdock_storage::{
    Command, Handed, MasterKey, OutFile, Sqlite, SqliteOptions, Store, Writer, WriterOptions,
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// The machine's clock, or a moment that the test sets.
#[derive(Default)]
pub struct Hands(AtomicI64);

impl Hands {
    pub fn set(&self, now: Millis) {
        self.0.store(now.0, Ordering::SeqCst);
    }
}

impl Clock for Hands {
    fn now(&self) -> Millis {
        match self.0.load(Ordering::SeqCst) {
            0 => SystemClock.now(),
            now => Millis(now),
        }
    }
}

/// A plugin that notes what it is asked.
#[derive(Default)]
pub struct Scribe {
    /// What was received.
    pub received: Mutex<Vec<Inbound>>,
    /// When it was polled.
    pub polled: Mutex<Vec<Millis>>,
    /// Address and repair of each check, and what comes next.
    pub checked: Mutex<Vec<(String, bool)>>,
    /// Subscriptions that are missing; a repair puts them right.
    pub missing: AtomicBool,
    /// True while the system is down.
    pub down: AtomicBool,
    pub clock: Arc<Hands>,
}

fn unavailable() -> Failure {
    Failure::Unavailable(Problem { code: "down".into(), message: "nobody answers".into(), field: None })
}

#[async_trait]
impl Plugin for Scribe {
    async fn receive(&self, inbound: Inbound) -> (Result<Result<Vec<Event>, Failure>, NoAnswer>, Exchange) {
        let asks_back = inbound.body.starts_with(b"ack me");
        let name = match inbound.body.strip_prefix(b"ack me as ") {
            Some(name) => String::from_utf8(name.to_vec()).unwrap(),
            None => format!("ack-{}", inbound.file.as_deref().unwrap_or_default()),
        };
        self.received.lock().unwrap().push(inbound);
        let file = OutFile { name, content: b"ack".to_vec() };
        let files = if asks_back { vec![file] } else { Vec::new() };
        (Ok(Ok(Vec::new())), Exchange { files, ..Exchange::default() })
    }

    async fn poll(&self, _: Option<String>, _: u32) -> Result<Result<Page, Failure>, NoAnswer> {
        self.polled.lock().unwrap().push(self.clock.now());
        if self.down.load(Ordering::SeqCst) {
            return Ok(Err(unavailable()));
        }
        Ok(Ok(Page { events: Vec::new(), cursor: "end".into(), more: false }))
    }

    async fn deliver(&self, _: &str, _: Vec<Work>) -> (Result<Vec<Outcome>, NoAnswer>, Exchange) {
        (Err(NoAnswer { fault: Fault::Trap, message: "not asked".into() }), Exchange::default())
    }

    async fn find(&self, _: &str, _: Vec<Work>) -> (Result<Vec<Found>, NoAnswer>, Exchange) {
        (Err(NoAnswer { fault: Fault::Trap, message: "not asked".into() }), Exchange::default())
    }

    async fn check(&self, address: &str, repair: bool) -> Result<Result<Vec<Finding>, Failure>, NoAnswer> {
        self.checked.lock().unwrap().push((address.to_owned(), repair));
        if self.down.load(Ordering::SeqCst) {
            return Ok(Err(unavailable()));
        }
        if !self.missing.load(Ordering::SeqCst) {
            return Ok(Ok(Vec::new()));
        }
        self.missing.store(!repair, Ordering::SeqCst);
        let (code, message) = ("subscription-missing".to_owned(), "orders/create".to_owned());
        Ok(Ok(vec![Finding { code, message, repaired: repair }]))
    }
}

/// A connector `erp` that does nothing by itself.
pub fn connector(plugin: &Arc<Scribe>) -> Connector {
    Connector {
        name: "erp".into(),
        system: "erp".into(),
        class: None,
        label: "scribe@1.0.0".into(),
        digest: String::new(),
        file: "scribe".into(),
        configured: "scribe".into(),
        setup: true,
        plugin: Arc::clone(plugin) as Arc<dyn Plugin>,
        intake: None,
        sink: None,
        poll: None,
        poll_window: None,
        folder: None,
        check: None,
    }
}

/// A running flow.
pub struct World {
    pub handle: Handle,
    pub writer: Writer,
    stop: CancellationToken,
    running: JoinHandle<()>,
    writing: JoinHandle<()>,
}

impl World {
    /// Starts a flow on the database of this folder.
    pub async fn start(dir: &Path, clock: Arc<Hands>, connector: Connector) -> Self {
        Self::between(dir, clock, vec![connector]).await
    }

    /// The same with several connectors.
    pub async fn between(dir: &Path, clock: Arc<Hands>, connectors: Vec<Connector>) -> Self {
        let options = SqliteOptions::new(dir.join("x.db"), MasterKey::new([7; 32]));
        let store: Arc<dyn Store> = Arc::new(Sqlite::open(options).await.unwrap());
        let (writer, writing) = Writer::start(Arc::clone(&store), WriterOptions::default());
        let flow =
            Flow::new(store, writer.clone(), clock, connectors, Vec::new(), Options::default()).unwrap();
        let (handle, stop) = (flow.handle(), CancellationToken::new());
        let running = tokio::spawn({
            let stop = stop.clone();
            async move { flow.run(stop).await.unwrap() }
        });
        Self { handle, writer, stop, running, writing }
    }

    /// Lets what is under way end.
    pub async fn stop(self) {
        self.stop.cancel();
        self.running.await.unwrap();
        drop((self.handle, self.writer));
        self.writing.await.unwrap();
    }

    /// Keeps a file that waits to be handed over.
    pub async fn owe(&self, name: &str, content: &str) {
        let file = OutFile { name: name.into(), content: content.as_bytes().to_vec() };
        let handed = Handed {
            connector: "erp".into(),
            files: vec![file],
            now: self.handle.now(),
            ..Handed::default()
        };
        self.writer.submit(Command::PutFiles(handed)).await.unwrap();
    }

    /// How many files have not been noted as handed over.
    pub async fn waiting(&self) -> usize {
        self.handle.store().outbox("erp", 100).await.unwrap().len()
    }
}

/// Waits until something holds.
pub async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..1000 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not within ten seconds: {what}");
}

/// The names in a folder, sorted.
pub fn names(dir: PathBuf) -> Vec<String> {
    let entries = std::fs::read_dir(&dir);
    let mut names: Vec<String> = entries
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
