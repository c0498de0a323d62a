//! A flow with a plugin of the test's own, a database in a temporary folder, and a clock that the test sets.

// Each test uses a part of it.
#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use crossdock_engine::{Admit, Command, MasterKey, NewEvent, OutFile, OutboxEntries, Target};
use crossdock_flow::connector::Connector;
use crossdock_flow::plugins::{CallEffects, Finding, NoAnswer, Plugin};
use crossdock_flow::{Flow, Handle, Options};
use crossdock_model::connector::{Failure, Found, Inbound, Outcome, Page, Problem, Work};
use crossdock_model::event::Event;
use crossdock_model::time::{Clock, Millis, SystemClock};
use crossdock_rules::outcome::Fault;
use crossdock_rules::safeguards::Safeguards;
use crossdock_storage::{CacheOptions, SqliteOptions, Writer, WriterOptions, open_sqlite};
use serde_json::json;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// The machine's clock, or a moment that the test sets; plus the time that the test skips.
#[derive(Default)]
pub struct TestClock {
    set: AtomicI64,
    skipped: AtomicU64,
}

impl TestClock {
    /// Sets the wall clock: it stands still from then on.
    pub fn set(&self, now: Millis) {
        self.set.store(now.0, Ordering::SeqCst);
    }

    /// Lets time pass by both clocks.
    pub fn skip(&self, span: Duration) {
        self.skipped.fetch_add(u64::try_from(span.as_millis()).unwrap(), Ordering::SeqCst);
    }

    fn skipped(&self) -> Duration {
        Duration::from_millis(self.skipped.load(Ordering::SeqCst))
    }
}

impl Clock for TestClock {
    fn now(&self) -> Millis {
        let now = match self.set.load(Ordering::SeqCst) {
            0 => SystemClock.now(),
            now => Millis(now),
        };
        now.plus(self.skipped())
    }

    fn monotonic(&self) -> Instant {
        Instant::now() + self.skipped()
    }
}

/// A plugin that records its calls.
#[derive(Default)]
pub struct RecordingPlugin {
    /// The requests it was given.
    pub received: Mutex<Vec<Inbound>>,
    /// When it was polled.
    pub polled: Mutex<Vec<Millis>>,
    /// Address and repair of each check.
    pub checked: Mutex<Vec<(String, bool)>>,
    /// True while a subscription is missing; a repair creates it.
    pub missing: AtomicBool,
    /// True while the system is down.
    pub down: AtomicBool,
    pub clock: Arc<TestClock>,
}

fn unavailable() -> Failure {
    Failure::Unavailable(Problem { code: "down".into(), message: "no answer".into(), field: None })
}

#[async_trait]
impl Plugin for RecordingPlugin {
    async fn receive(
        &self,
        inbound: Inbound,
    ) -> (Result<Result<Vec<Event>, Failure>, NoAnswer>, CallEffects) {
        let wants_answer = inbound.body.starts_with(b"ack me");
        let name = match inbound.body.strip_prefix(b"ack me as ") {
            Some(name) => String::from_utf8(name.to_vec()).unwrap(),
            None => format!("ack-{}", inbound.file.as_deref().unwrap_or_default()),
        };
        self.received.lock().unwrap().push(inbound);
        let file = OutFile { name, content: b"ack".to_vec() };
        let files = if wants_answer { vec![file] } else { Vec::new() };
        (Ok(Ok(Vec::new())), CallEffects { files, ..CallEffects::default() })
    }

    async fn poll(&self, _: Option<String>, _: u32) -> Result<Result<Page, Failure>, NoAnswer> {
        self.polled.lock().unwrap().push(self.clock.now());
        if self.down.load(Ordering::SeqCst) {
            return Ok(Err(unavailable()));
        }
        Ok(Ok(Page { events: Vec::new(), cursor: "end".into(), more: false }))
    }

    async fn deliver(&self, _: &str, _: Vec<Work>) -> (Result<Vec<Outcome>, NoAnswer>, CallEffects) {
        (Err(NoAnswer { fault: Fault::Trap, message: "not implemented".into() }), CallEffects::default())
    }

    async fn find(&self, _: &str, _: Vec<Work>) -> (Result<Vec<Found>, NoAnswer>, CallEffects) {
        (Err(NoAnswer { fault: Fault::Trap, message: "not implemented".into() }), CallEffects::default())
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

/// A connector `erp` that neither receives nor delivers nor polls.
pub fn connector(plugin: &Arc<RecordingPlugin>) -> Connector {
    Connector {
        name: "erp".into(),
        system: "erp".into(),
        class: None,
        label: "recorder@1.0.0".into(),
        digest: String::new(),
        file: "recorder".into(),
        configured: "recorder".into(),
        setup: true,
        plugin: Arc::clone(plugin) as Arc<dyn Plugin>,
        deadline: Duration::from_secs(5),
        endpoint: None,
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
    pub async fn start(dir: &Path, clock: Arc<TestClock>, connector: Connector) -> Self {
        Self::with_connectors(dir, clock, vec![connector]).await
    }

    /// The same with several connectors.
    pub async fn with_connectors(dir: &Path, clock: Arc<TestClock>, connectors: Vec<Connector>) -> Self {
        let options = SqliteOptions::new(dir.join("x.db"), MasterKey::new([7; 32]));
        let store = open_sqlite(options, CacheOptions::default(), Safeguards::default()).await.unwrap();
        let (writer, writing) = Writer::start(store.clone(), WriterOptions::default());
        let flow =
            Flow::new(store, writer.clone(), clock, connectors, Vec::new(), Options::default()).unwrap();
        let (handle, stop) = (flow.handle(), CancellationToken::new());
        let running = tokio::spawn({
            let stop = stop.clone();
            async move { flow.run(stop).await.unwrap() }
        });
        Self { handle, writer, stop, running, writing }
    }

    /// Stops the flow and waits until everything is written.
    pub async fn stop(self) {
        self.stop.cancel();
        self.running.await.unwrap();
        drop((self.handle, self.writer));
        self.writing.await.unwrap();
    }

    /// Admits order `id`, which is delivered to the connector.
    pub async fn admit_order(&self, id: u32) {
        let price = json!({ "shop": { "amount": "1.00", "currency": "EUR" } });
        let event: Event = serde_json::from_value(json!({
            "entity": { "system": "shop", "tenant": "t", "kind": "order", "id": id.to_string() },
            "occurredAt": "2026-11-23T09:30:00Z", "version": { "at": "2026-11-23T09:30:00Z" },
            "fact": { "kind": "order", "value": { "operation": "placed", "order": {
                "number": "1", "channel": "web", "placedAt": "2026-11-23T09:30:00Z", "currency": "EUR",
                "pricesIncludeTax": false, "dutiesIncluded": false,
                "payment": "paid", "fulfilment": "unfulfilled", "test": false, "lines": [],
                "totals": { "lines": price, "discounts": price, "shipping": price, "tax": price, "total": price }
            } } }
        }))
        .unwrap();
        let now = self.handle.now();
        let new = NewEvent {
            source: "shop".into(),
            targets: vec![Target { connector: "erp".into(), ..Target::default() }],
            ..NewEvent::new(event, now).unwrap()
        };
        let admit = Admit { events: vec![new], now, ..Admit::default() };
        self.writer.submit(Command::Admit(admit)).await.unwrap();
    }

    /// Waits until so many deliveries are settled.
    pub async fn settled(&self, wanted: u64) {
        eventually("everything is settled", async || {
            let counts = self.handle.store().counts().await.unwrap();
            counts.first().is_some_and(|counts| counts.settled == wanted)
        })
        .await;
    }

    /// Stores a file in the outbox.
    pub async fn add_to_outbox(&self, name: &str, content: &str) {
        let file = OutFile { name: name.into(), content: content.as_bytes().to_vec() };
        let outbox = OutboxEntries {
            connector: "erp".into(),
            files: vec![file],
            now: self.handle.now(),
            ..OutboxEntries::default()
        };
        self.writer.submit(Command::PutOutbox(outbox)).await.unwrap();
    }

    /// How many files of the outbox are not yet written to the folder.
    pub async fn outbox_len(&self) -> usize {
        self.handle.store().outbox("erp", 100).await.unwrap().len()
    }
}

/// Waits until something holds.
pub async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..6000 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not within a minute: {what}");
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
