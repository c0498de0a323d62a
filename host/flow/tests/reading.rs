//! Requests that are read: what one connector's system, the host, or an operator does to the reading of others.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod world;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use crossdock_flow::connector::Connector;
use crossdock_flow::plugins::{Exchange, Finding, NoAnswer, Plugin};
use crossdock_model::connector::{Failure, Found, Inbound, Outcome, Page, Problem, Work};
use crossdock_model::event::Event;
use crossdock_model::time::{Clock as _, SystemClock};
use crossdock_rules::outcome::Fault;
use crossdock_storage::view::Page as Rows;
use crossdock_storage::{Accept, MasterKey, Request, Sqlite, SqliteOptions, Store, Writer, WriterOptions};
use tokio::sync::Semaphore;
use world::{Scribe, World, connector, eventually};

/// What becomes of a request that a plugin is given.
enum Mood {
    /// Its system answers when there is a permit.
    Slow(Semaphore),
    /// The host cannot start it.
    Lost,
    /// Its system does not know the credentials.
    Unauthorized,
}

struct Reader {
    mood: Mood,
    asked: AtomicU32,
}

impl Reader {
    fn new(mood: Mood) -> Arc<Self> {
        Arc::new(Self { mood, asked: AtomicU32::new(0) })
    }

    fn connector(self: &Arc<Self>, name: &str) -> Connector {
        let plugin = Arc::clone(self) as Arc<dyn Plugin>;
        Connector { name: name.into(), plugin, ..connector(&Arc::new(Scribe::default())) }
    }

    fn asked(&self) -> u32 {
        self.asked.load(Ordering::SeqCst)
    }
}

fn no_answer<T>(fault: Fault) -> Result<T, NoAnswer> {
    Err(NoAnswer { fault, message: "no answer".into() })
}

#[async_trait]
impl Plugin for Reader {
    async fn receive(&self, _: Inbound) -> (Result<Result<Vec<Event>, Failure>, NoAnswer>, Exchange) {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let answer = match &self.mood {
            Mood::Slow(open) => {
                drop(open.acquire().await.unwrap());
                Ok(Ok(Vec::new()))
            }
            Mood::Lost => no_answer(Fault::Lost),
            Mood::Unauthorized => {
                let problem = Problem { code: "401".into(), message: "who are you".into(), field: None };
                Ok(Err(Failure::Unauthorized(problem)))
            }
        };
        (answer, Exchange::default())
    }

    async fn poll(&self, _: Option<String>, _: u32) -> Result<Result<Page, Failure>, NoAnswer> {
        no_answer(Fault::Trap)
    }

    async fn deliver(&self, _: &str, _: Vec<Work>) -> (Result<Vec<Outcome>, NoAnswer>, Exchange) {
        (no_answer(Fault::Trap), Exchange::default())
    }

    async fn find(&self, _: &str, _: Vec<Work>) -> (Result<Vec<Found>, NoAnswer>, Exchange) {
        (no_answer(Fault::Trap), Exchange::default())
    }

    async fn check(&self, _: &str, _: bool) -> Result<Result<Vec<Finding>, Failure>, NoAnswer> {
        no_answer(Fault::Trap)
    }
}

/// Keeps requests as a host that was killed leaves them: the next start reads them, in this order.
async fn left_by_a_former_life(dir: &std::path::Path, requests: &[(&str, usize)]) {
    let options = SqliteOptions::new(dir.join("x.db"), MasterKey::new([7; 32]));
    let store: Arc<dyn Store> = Arc::new(Sqlite::open(options).await.unwrap());
    let (writer, writing) = Writer::start(store, WriterOptions::default());
    for (name, count) in requests {
        for number in 0..*count {
            let accept = Accept {
                connector: (*name).to_owned(),
                dedupe: number.to_string(),
                request: Request::default(),
                received_at: SystemClock.now(),
                trace: "t".into(),
            };
            writer.accept(accept).await.unwrap();
        }
    }
    drop(writer);
    writing.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_whose_system_hangs_holds_nobody_else_up() {
    let dir = tempfile::tempdir().unwrap();
    left_by_a_former_life(dir.path(), &[("slow", 100), ("erp", 1)]).await;
    let (slow, quick) = (Reader::new(Mood::Slow(Semaphore::new(0))), Arc::new(Scribe::default()));
    let connectors = vec![slow.connector("slow"), connector(&quick)];
    let world = World::between(dir.path(), Arc::default(), connectors).await;
    eventually("the other's is read", async || !quick.received.lock().unwrap().is_empty()).await;
    eventually("so many are asked", async || slow.asked() == 16).await;
    eventually("its own wait", async || world.handle.unread() == 100).await;
    if let Mood::Slow(open) = &slow.mood {
        open.add_permits(1000);
    }
    eventually("all are read", async || world.handle.unread() == 0).await;
    world.stop().await;
}

/// The host's own trouble is not the plugin's, and what waits to be read again holds no stop up.
#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_started_is_read_again_later_and_counts_for_nothing() {
    let dir = tempfile::tempdir().unwrap();
    left_by_a_former_life(dir.path(), &[("erp", 1)]).await;
    let lost = Reader::new(Mood::Lost);
    let world = World::start(dir.path(), Arc::default(), lost.connector("erp")).await;
    eventually("it is asked", async || lost.asked() > 0 && world.handle.unread() == 0).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(lost.asked(), 1);
    assert!(world.handle.store().quarantined(None, Rows::default()).await.unwrap().is_empty());
    let begun = Instant::now();
    world.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_that_a_person_paused_says_so_also_when_its_system_says_no() {
    let dir = tempfile::tempdir().unwrap();
    left_by_a_former_life(dir.path(), &[("erp", 1)]).await;
    let paused =
        async |world: &World| world.handle.store().paused("erp").await.unwrap().map(|pause| pause.message);
    let stranger = Reader::new(Mood::Unauthorized);
    let world = World::start(dir.path(), Arc::default(), stranger.connector("erp")).await;
    eventually("it is paused", async || paused(&world).await.is_some()).await;
    assert_eq!(paused(&world).await.unwrap(), "who are you");
    world.handle.pause("erp", "stocktaking", "test").await.unwrap();
    world.stop().await;
    let again = Reader::new(Mood::Unauthorized);
    let world = World::start(dir.path(), Arc::default(), again.connector("erp")).await;
    eventually("it is asked", async || again.asked() == 1 && world.handle.unread() == 0).await;
    assert_eq!(paused(&world).await.unwrap(), "stocktaking");
    world.stop().await;
}
