//! Reading of stored requests: what a hanging system, the host's own trouble and a pause do to it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod world;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use crossdock_engine::view::Page as Rows;
use crossdock_engine::{Accept, MasterKey, Request};
use crossdock_flow::connector::Connector;
use crossdock_flow::plugins::{CallEffects, Finding, NoAnswer, Plugin};
use crossdock_model::connector::{Failure, Found, Inbound, Outcome, Page, Problem, Work};
use crossdock_model::event::Event;
use crossdock_model::time::{Clock as _, SystemClock};
use crossdock_rules::outcome::Fault;
use crossdock_rules::safeguards::Safeguards;
use crossdock_storage::{CacheOptions, SqliteOptions, Writer, WriterOptions, open_sqlite};
use tokio::sync::Semaphore;
use world::{RecordingPlugin, World, connector, eventually};

/// What the plugin does with a request.
enum Behaviour {
    /// It answers when there is a permit.
    Slow(Semaphore),
    /// The host cannot start it.
    NotStarted,
    /// Its system does not accept the credentials.
    Unauthorized,
    /// It cannot read the request.
    Rejected,
}

struct TestSource {
    behaviour: Behaviour,
    calls: AtomicU32,
}

impl TestSource {
    fn new(behaviour: Behaviour) -> Arc<Self> {
        Arc::new(Self { behaviour, calls: AtomicU32::new(0) })
    }

    fn connector(self: &Arc<Self>, name: &str) -> Connector {
        let plugin = Arc::clone(self) as Arc<dyn Plugin>;
        Connector { name: name.into(), plugin, ..connector(&Arc::new(RecordingPlugin::default())) }
    }

    fn calls(&self) -> u32 {
        self.calls.load(Ordering::SeqCst)
    }
}

fn no_answer<T>(fault: Fault) -> Result<T, NoAnswer> {
    Err(NoAnswer { fault, message: "no answer".into() })
}

#[async_trait]
impl Plugin for TestSource {
    async fn receive(&self, _: Inbound) -> (Result<Result<Vec<Event>, Failure>, NoAnswer>, CallEffects) {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let answer = match &self.behaviour {
            Behaviour::Slow(open) => {
                drop(open.acquire().await.unwrap());
                Ok(Ok(Vec::new()))
            }
            Behaviour::NotStarted => no_answer(Fault::Lost),
            Behaviour::Rejected => {
                let problem =
                    Problem { code: "no-order".into(), message: "what is this".into(), field: None };
                Ok(Err(Failure::Rejected(problem)))
            }
            Behaviour::Unauthorized => {
                let problem =
                    Problem { code: "401".into(), message: "unknown credentials".into(), field: None };
                Ok(Err(Failure::Unauthorized(problem)))
            }
        };
        (answer, CallEffects::default())
    }

    async fn poll(&self, _: Option<String>, _: u32) -> Result<Result<Page, Failure>, NoAnswer> {
        no_answer(Fault::Trap)
    }

    async fn deliver(&self, _: &str, _: Vec<Work>) -> (Result<Vec<Outcome>, NoAnswer>, CallEffects) {
        (no_answer(Fault::Trap), CallEffects::default())
    }

    async fn find(&self, _: &str, _: Vec<Work>) -> (Result<Vec<Found>, NoAnswer>, CallEffects) {
        (no_answer(Fault::Trap), CallEffects::default())
    }

    async fn check(&self, _: &str, _: bool) -> Result<Result<Vec<Finding>, Failure>, NoAnswer> {
        no_answer(Fault::Trap)
    }
}

/// Stores unread requests as a killed host leaves them: the next start reads them.
async fn store_unread_requests(dir: &std::path::Path, requests: &[(&str, usize)]) {
    let options = SqliteOptions::new(dir.join("x.db"), MasterKey::new([7; 32]));
    let store = open_sqlite(options, CacheOptions::default(), Safeguards::default()).await.unwrap();
    let (writer, writing) = Writer::start(store, WriterOptions::default());
    for (name, count) in requests {
        for number in 0..*count {
            let accept = Accept {
                connector: (*name).to_owned(),
                dedupe: number.to_string(),
                request: Request::default(),
                received_at: SystemClock.now(),
                trace: "t".into(),
                lease: None,
            };
            writer.accept(accept).await.unwrap();
        }
    }
    drop(writer);
    writing.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_whose_system_hangs_delays_no_other() {
    let dir = tempfile::tempdir().unwrap();
    store_unread_requests(dir.path(), &[("slow", 100), ("erp", 1)]).await;
    let (slow, quick) =
        (TestSource::new(Behaviour::Slow(Semaphore::new(0))), Arc::new(RecordingPlugin::default()));
    let connectors = vec![slow.connector("slow"), connector(&quick)];
    let world = World::with_connectors(dir.path(), Arc::default(), connectors).await;
    eventually("the other connector's request is read", async || !quick.received.lock().unwrap().is_empty())
        .await;
    eventually("a quarter of all call slots is in use", async || slow.calls() == 16).await;
    eventually("its own requests wait", async || world.handle.pending_inbounds() == 100).await;
    if let Behaviour::Slow(open) = &slow.behaviour {
        open.add_permits(1000);
    }
    eventually("all are read", async || world.handle.pending_inbounds() == 0).await;
    world.stop().await;
}

/// That the host could not start the plugin is not the plugin's failure, and does not delay a stop.
#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_could_not_be_started_is_postponed_and_counts_as_no_failure() {
    let dir = tempfile::tempdir().unwrap();
    store_unread_requests(dir.path(), &[("erp", 1)]).await;
    let source = TestSource::new(Behaviour::NotStarted);
    let world = World::start(dir.path(), Arc::default(), source.connector("erp")).await;
    eventually("it is called", async || source.calls() > 0 && world.handle.in_progress() == 0).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!((source.calls(), world.handle.pending_inbounds()), (1, 1));
    assert!(world.handle.store().quarantined(None, Rows::default()).await.unwrap().is_empty());
    let begun = Instant::now();
    world.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reason_of_an_operators_pause_stays_when_the_system_refuses_the_credentials() {
    let dir = tempfile::tempdir().unwrap();
    let source = TestSource::new(Behaviour::Unauthorized);
    let world = World::start(dir.path(), Arc::default(), source.connector("erp")).await;
    world.handle.pause("erp", "stocktaking", "test").await.unwrap();
    world.stop().await;
    store_unread_requests(dir.path(), &[("erp", 1)]).await;
    let again = TestSource::new(Behaviour::Unauthorized);
    let world = World::start(dir.path(), Arc::default(), again.connector("erp")).await;
    eventually("it is called", async || again.calls() == 1).await;
    world.stop().await;
    let world = World::start(dir.path(), Arc::default(), again.connector("erp")).await;
    assert_eq!(paused(&world).await.unwrap(), "stocktaking");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_refused_for_its_credentials_is_read_again_as_soon_as_the_connector_is_resumed() {
    let dir = tempfile::tempdir().unwrap();
    store_unread_requests(dir.path(), &[("erp", 3)]).await;
    let source = TestSource::new(Behaviour::Unauthorized);
    let world = World::start(dir.path(), Arc::default(), source.connector("erp")).await;
    // A refusal that is recorded after the connector was resumed pauses it anew.
    let postponed = async || {
        let counts = world.handle.store().pending_inbounds().await.unwrap();
        counts.iter().map(|of| of.postponed).sum::<u64>()
    };
    let refused = async || postponed().await == 3 && paused(&world).await.is_some();
    eventually("each is refused", refused).await;
    assert_eq!(paused(&world).await.unwrap(), "unknown credentials");
    world.handle.resume("erp", "test").await.unwrap();
    eventually("each is read again", async || source.calls() >= 6).await;
    world.stop().await;
}

/// Why the connector is paused.
async fn paused(world: &World) -> Option<String> {
    world.handle.store().paused("erp").await.unwrap().map(|pause| pause.message)
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_of_a_connector_that_is_no_longer_configured_are_quarantined() {
    let dir = tempfile::tempdir().unwrap();
    store_unread_requests(dir.path(), &[("gone", 40), ("erp", 1)]).await;
    let source = Arc::new(RecordingPlugin::default());
    let world = World::start(dir.path(), Arc::default(), connector(&source)).await;
    let page = Rows { limit: 100, ..Rows::default() };
    let quarantined = async || world.handle.store().quarantined(None, page).await.unwrap();
    eventually("they are quarantined", async || quarantined().await.len() == 40).await;
    let all = quarantined().await;
    assert!(all.iter().all(|row| row.connector == "gone" && row.problem.code == "no-connector"));
    eventually("the other is read", async || !source.received.lock().unwrap().is_empty()).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quarantined_request_is_read_again_when_an_operator_asks() {
    let dir = tempfile::tempdir().unwrap();
    store_unread_requests(dir.path(), &[("erp", 1)]).await;
    let source = TestSource::new(Behaviour::Rejected);
    let world = World::start(dir.path(), Arc::default(), source.connector("erp")).await;
    let quarantined = async || world.handle.store().quarantined(None, Rows::default()).await.unwrap();
    eventually("it is quarantined", async || !quarantined().await.is_empty()).await;
    let id = quarantined().await[0].id;
    world.handle.reread(id, "test").await.unwrap();
    eventually("it is read again", async || source.calls() == 2 && !quarantined().await.is_empty()).await;
    assert_eq!(world.handle.pending_inbounds(), 0);
    assert!(world.handle.reread(id + 1, "test").await.is_err());
    world.stop().await;
}
