//! Files that a sink's calls write, and swapping a plugin's version: with a plugin of the test's own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod world;

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use crossdock_engine::OutFile;
use crossdock_engine::view::Page as Rows;
use crossdock_exchange::{ExchangeFolder, Layout, Local};
use crossdock_flow::connector::{Connector, Folder, Sink};
use crossdock_flow::plugins::{CallEffects, Finding, NoAnswer, Plugin};
use crossdock_flow::swap::{Loader, SwapError};
use crossdock_model::connector::{Failure, Found, Inbound, Outcome, Page, Problem, Receipt, Work};
use crossdock_model::event::Event;
use crossdock_model::time::Millis;
use crossdock_rules::lookup::Keys;
use crossdock_rules::outcome::{Fault, Policy};
use crossdock_rules::retry::Backoff;
use world::{RecordingPlugin, TestClock, World, connector, eventually};

/// A plugin that posts everything, and may write a file in every call.
#[derive(Default)]
struct PostingPlugin {
    /// The number of the last file; no files without it.
    number: Option<AtomicU64>,
    /// True to give every file the same name.
    same_name: bool,
    /// True when it does not find what was posted.
    finds_nothing: AtomicBool,
    /// How often its target is down before it answers.
    failures_left: AtomicU32,
    asked: Mutex<Vec<String>>,
}

fn no_answer<T>() -> Result<T, NoAnswer> {
    Err(NoAnswer { fault: Fault::Trap, message: "not implemented".into() })
}

#[async_trait]
impl Plugin for PostingPlugin {
    async fn receive(&self, _: Inbound) -> (Result<Result<Vec<Event>, Failure>, NoAnswer>, CallEffects) {
        (no_answer(), CallEffects::default())
    }

    async fn poll(&self, _: Option<String>, _: u32) -> Result<Result<Page, Failure>, NoAnswer> {
        no_answer()
    }

    async fn deliver(&self, _: &str, work: Vec<Work>) -> (Result<Vec<Outcome>, NoAnswer>, CallEffects) {
        let receipt = Receipt { references: vec![], written: vec![], note: None };
        let outcomes = work.iter().map(|_| Outcome::Posted(receipt.clone())).collect();
        let Some(number) = &self.number else { return (Ok(outcomes), CallEffects::default()) };
        let number = number.fetch_add(1, Ordering::SeqCst) + 1;
        // The lower the number, the longer the call: without turns they would be stored in reverse order.
        tokio::time::sleep(Duration::from_millis(40 / number)).await;
        let name = if self.same_name { "same.txt".into() } else { format!("{number}.txt") };
        let files = vec![OutFile { name, content: vec![] }];
        (Ok(outcomes), CallEffects { files, numbers: vec![("isa".into(), number)], ..CallEffects::default() })
    }

    async fn find(&self, _: &str, work: Vec<Work>) -> (Result<Vec<Found>, NoAnswer>, CallEffects) {
        let mut asked = self.asked.lock().unwrap();
        asked.extend(work.iter().map(|work| work.key.clone()));
        let down =
            self.failures_left.try_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        let found = || match (down, self.finds_nothing.load(Ordering::SeqCst)) {
            (Ok(_), _) => Found::Failed(Failure::Unavailable(Problem {
                code: "down".into(),
                message: "try again".into(),
                field: None,
            })),
            (Err(_), true) => Found::Absent,
            (Err(_), false) => Found::Present(Receipt { references: vec![], written: vec![], note: None }),
        };
        (Ok(work.iter().map(|_| found()).collect()), CallEffects::default())
    }

    async fn check(&self, _: &str, _: bool) -> Result<Result<Vec<Finding>, Failure>, NoAnswer> {
        no_answer()
    }
}

fn sink(keys: Keys) -> Sink {
    Sink {
        kinds: vec!["order.placed".into()],
        batch: 1,
        concurrency: 4,
        rate: None,
        policy: Policy {
            keys,
            plugin_retries: 1,
            max_inflight: Duration::from_millis(1),
            backoff: Backoff { base: Duration::from_millis(1), cap: Duration::from_millis(5) },
            ..Policy::default()
        },
    }
}

fn connector_of(plugin: &Arc<PostingPlugin>, version: &str, keys: Keys) -> Connector {
    Connector {
        plugin: Arc::clone(plugin) as Arc<dyn Plugin>,
        sink: Some(sink(keys)),
        label: format!("poster@{version}"),
        digest: version.into(),
        file: format!("poster@{version}"),
        configured: "poster@1".into(),
        ..connector(&Arc::new(RecordingPlugin::default()))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_leave_in_the_order_of_their_numbers() {
    let dir = tempfile::tempdir().unwrap();
    let files = dir.path().join("files");
    let plugin = Arc::new(PostingPlugin { number: Some(AtomicU64::new(0)), ..PostingPlugin::default() });
    let folder = Folder {
        files: Arc::new(ExchangeFolder::new(Local::new(files), &Layout::default())),
        address: "files".into(),
        every: Duration::from_secs(3600),
        settle: Duration::ZERO,
        limit: 1000,
    };
    let sending = Connector { folder: Some(folder), ..connector_of(&plugin, "1", Keys::Honoured) };
    let world = World::start(dir.path(), Arc::new(TestClock::default()), sending).await;
    for id in 0..6 {
        world.admit_order(id).await;
    }
    world.settled(6).await;
    let rows = world.handle.store().out_files(Some("erp"), Rows::default()).await.unwrap();
    let mut names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
    names.reverse();
    assert_eq!(names, ["1.txt", "2.txt", "3.txt", "4.txt", "5.txt", "6.txt"]);
    assert_eq!(world.handle.store().sequence("erp", "isa").await.unwrap(), 6);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_stored_is_the_plugins_failure() {
    let dir = tempfile::tempdir().unwrap();
    let plugin = Arc::new(PostingPlugin {
        number: Some(AtomicU64::new(0)),
        same_name: true,
        ..PostingPlugin::default()
    });
    let world =
        World::start(dir.path(), Arc::new(TestClock::default()), connector_of(&plugin, "1", Keys::Honoured))
            .await;
    world.admit_order(1).await;
    world.settled(1).await;
    world.admit_order(2).await;
    eventually("it is an exception", async || {
        let exceptions = world.handle.store().exceptions(None, Rows::default()).await.unwrap();
        exceptions.first().is_some_and(|one| {
            let reason = one.row.reason.as_ref().unwrap();
            reason.code == "plugin-failed" && reason.message.contains("same.txt")
        })
    })
    .await;
    world.stop().await;
}

/// Loads the connector that the test provides.
struct TestLoader(Mutex<Option<Connector>>);

#[async_trait]
impl Loader for TestLoader {
    async fn load(&self, _: &str, plugin: &str) -> Result<Connector, String> {
        self.0.lock().unwrap().take().ok_or_else(|| format!("there is no {plugin}"))
    }
}

fn loader_of(connector: Connector) -> TestLoader {
    TestLoader(Mutex::new(Some(connector)))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_does_not_find_what_was_posted_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(TestClock::default());
    let old: Arc<PostingPlugin> = Arc::default();
    let world = World::start(dir.path(), Arc::clone(&clock), connector_of(&old, "1", Keys::Find)).await;
    world.admit_order(1).await;
    world.settled(1).await;
    // The target must show it by now.
    clock.set(Millis(world.handle.now().0 + 60_000));

    let finding_nothing =
        Arc::new(PostingPlugin { finds_nothing: AtomicBool::new(true), ..PostingPlugin::default() });
    let loader = loader_of(connector_of(&finding_nothing, "2", Keys::Find));
    let refused = world.handle.swap(&loader, "erp", "poster@2", "test").await.unwrap_err();
    assert!(matches!(refused, SwapError::ReceiptsNotFound { .. }), "{refused}");
    assert_eq!(finding_nothing.asked.lock().unwrap().as_slice(), ["shop/t/order/1/placed"]);
    assert_eq!(world.handle.versions("erp")[0].label, "poster@1");
    let missing = world.handle.swap(&loader, "erp", "poster@3", "test").await.unwrap_err();
    assert_eq!(missing.code(), "plugin-not-loaded");
    let audit = world.handle.store().audit(Rows::default()).await.unwrap();
    assert_eq!(audit.iter().filter(|row| row.action == "connector.swap-refused").count(), 2);

    // A target that is down for a moment says nothing about the version.
    let finding = Arc::new(PostingPlugin { failures_left: AtomicU32::new(2), ..PostingPlugin::default() });
    let loader = loader_of(connector_of(&finding, "2", Keys::Find));
    let swapped = world.handle.swap(&loader, "erp", "poster@2", "test").await.unwrap();
    assert_eq!((swapped.from.as_str(), swapped.to.as_str(), swapped.receipts), ("poster@1", "poster@2", 1));
    assert_eq!(finding.asked.lock().unwrap().len(), 3);
    let chosen = async || {
        let choice = world.handle.store().plugin_choices().await.unwrap().remove(0);
        (choice.current, choice.previous)
    };
    assert_eq!(chosen().await, (Some("poster@2".into()), Some("sha256:1".into())));

    // Swapping back twice would repeat the swap.
    let loader = loader_of(Connector { file: "poster@1".into(), ..connector_of(&old, "1", Keys::Find) });
    world.handle.swap_back(&loader, "erp", "test").await.unwrap();
    assert_eq!(chosen().await, (None, None));
    let again = world.handle.swap_back(&loader, "erp", "test").await.unwrap_err();
    assert!(matches!(again, SwapError::AlreadySwappedBack { .. }), "{again}");
    assert!(again.to_string().contains("has gone back to poster@1 already"), "{again}");
    world.stop().await;
}

/// A version whose target takes so long to show what it has.
fn showing_after(shown: Duration, plugin: &Arc<PostingPlugin>, version: &str) -> Connector {
    let mut connector = connector_of(plugin, version, Keys::Find);
    connector.sink.as_mut().unwrap().policy.max_inflight = shown;
    connector
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_finds_nothing_is_refused_however_many_orders_were_just_posted() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(TestClock::default());
    let old: Arc<PostingPlugin> = Arc::default();
    let minute = Duration::from_secs(60);
    let world = World::start(dir.path(), Arc::clone(&clock), showing_after(minute, &old, "1")).await;
    world.admit_order(1).await;
    world.settled(1).await;
    clock.set(world.handle.now().plus(minute * 2));
    for id in 2..10 {
        world.admit_order(id).await;
    }
    world.settled(9).await;

    let finding_nothing =
        Arc::new(PostingPlugin { finds_nothing: AtomicBool::new(true), ..PostingPlugin::default() });
    let loader = loader_of(showing_after(minute, &finding_nothing, "2"));
    let refused = world.handle.swap(&loader, "erp", "poster@2", "test").await.unwrap_err();
    assert!(matches!(refused, SwapError::ReceiptsNotFound { .. }), "{refused}");
    assert_eq!(finding_nothing.asked.lock().unwrap().as_slice(), ["shop/t/order/1/placed"]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_older_was_posted_the_target_is_given_time_to_show_it() {
    let dir = tempfile::tempdir().unwrap();
    let old: Arc<PostingPlugin> = Arc::default();
    let soon = Duration::from_secs(2);
    let world = World::start(dir.path(), Arc::default(), showing_after(soon, &old, "1")).await;
    // Nothing was posted: there is nothing to find.
    let finding_nothing =
        Arc::new(PostingPlugin { finds_nothing: AtomicBool::new(true), ..PostingPlugin::default() });
    let loader = loader_of(showing_after(soon, &finding_nothing, "2"));
    let swapped = world.handle.swap(&loader, "erp", "poster@2", "test").await.unwrap();
    assert_eq!(swapped.receipts, 0);

    world.admit_order(1).await;
    world.settled(1).await;
    let third = loader_of(showing_after(soon, &finding_nothing, "3"));
    let refused = world.handle.swap(&third, "erp", "poster@3", "test").await.unwrap_err();
    assert!(matches!(refused, SwapError::ReceiptsNotFound { .. }), "{refused}");
    assert!(finding_nothing.asked.lock().unwrap().len() > 1);
    let finding: Arc<PostingPlugin> = Arc::default();
    let fourth = loader_of(showing_after(Duration::from_secs(600), &finding, "4"));
    assert_eq!(world.handle.swap(&fourth, "erp", "poster@4", "test").await.unwrap().receipts, 1);
    world.stop().await;
}

/// Only the start of the host creates a dispatcher.
#[tokio::test(flavor = "multi_thread")]
async fn a_source_is_not_swapped_for_a_plugin_that_also_delivers() {
    let dir = tempfile::tempdir().unwrap();
    let plugin: Arc<PostingPlugin> = Arc::default();
    let source = Connector { sink: None, ..connector_of(&plugin, "1", Keys::Find) };
    let world = World::start(dir.path(), Arc::default(), source).await;
    let loader = loader_of(connector_of(&plugin, "2", Keys::Find));
    let refused = world.handle.swap(&loader, "erp", "poster@2", "test").await.unwrap_err();
    assert!(matches!(refused, SwapError::Incompatible { .. }), "{refused}");
    world.stop().await;
}
