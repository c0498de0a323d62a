//! What a sink's calls hand over, and another version of a plugin: with a plugin of the test's own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod world;

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use crossdock_exchange::{Exchange as Disk, Layout, Local};
use crossdock_flow::connector::{Connector, Folder, Sink};
use crossdock_flow::plugins::{Exchange, Finding, NoAnswer, Plugin};
use crossdock_flow::swap::{Loader, SwapError};
use crossdock_model::connector::{Failure, Found, Inbound, Outcome, Page, Problem, Receipt, Work};
use crossdock_model::event::Event;
use crossdock_model::time::Millis;
use crossdock_rules::admission::Incoming;
use crossdock_rules::lookup::Keys;
use crossdock_rules::outcome::{Fault, Policy};
use crossdock_rules::retry::Backoff;
use crossdock_storage::view::Page as Rows;
use crossdock_storage::{Admit, Command, NewEvent, OutFile, Target};
use serde_json::json;
use world::{Hands, Scribe, World, connector, eventually};

/// A plugin that posts everything, and writes a file a call when it is told to.
#[derive(Default)]
struct Clerk {
    /// The number of the last file; no files without it.
    number: Option<AtomicU64>,
    /// True to call every file the same.
    careless: bool,
    /// True when it does not find what was posted.
    blind: AtomicBool,
    /// How often its target is down before it answers.
    down: AtomicU32,
    asked: Mutex<Vec<String>>,
}

fn no_answer<T>() -> Result<T, NoAnswer> {
    Err(NoAnswer { fault: Fault::Trap, message: "not asked".into() })
}

#[async_trait]
impl Plugin for Clerk {
    async fn receive(&self, _: Inbound) -> (Result<Result<Vec<Event>, Failure>, NoAnswer>, Exchange) {
        (no_answer(), Exchange::default())
    }

    async fn poll(&self, _: Option<String>, _: u32) -> Result<Result<Page, Failure>, NoAnswer> {
        no_answer()
    }

    async fn deliver(&self, _: &str, work: Vec<Work>) -> (Result<Vec<Outcome>, NoAnswer>, Exchange) {
        let receipt = Receipt { references: vec![], written: vec![], note: None };
        let outcomes = work.iter().map(|_| Outcome::Posted(receipt.clone())).collect();
        let Some(number) = &self.number else { return (Ok(outcomes), Exchange::default()) };
        let number = number.fetch_add(1, Ordering::SeqCst) + 1;
        // The earlier the number, the longer the call: without turns they would be kept the other way round.
        tokio::time::sleep(Duration::from_millis(40 / number)).await;
        let name = if self.careless { "same.txt".into() } else { format!("{number}.txt") };
        let files = vec![OutFile { name, content: vec![] }];
        (Ok(outcomes), Exchange { files, numbers: vec![("isa".into(), number)], ..Exchange::default() })
    }

    async fn find(&self, _: &str, work: Vec<Work>) -> (Result<Vec<Found>, NoAnswer>, Exchange) {
        let mut asked = self.asked.lock().unwrap();
        asked.extend(work.iter().map(|work| work.key.clone()));
        let busy = self.down.try_update(Ordering::SeqCst, Ordering::SeqCst, |down| down.checked_sub(1));
        let found = || match (busy, self.blind.load(Ordering::SeqCst)) {
            (Ok(_), _) => Found::Failed(Failure::Unavailable(Problem {
                code: "down".into(),
                message: "try again".into(),
                field: None,
            })),
            (Err(_), true) => Found::Absent,
            (Err(_), false) => Found::Present(Receipt { references: vec![], written: vec![], note: None }),
        };
        (Ok(work.iter().map(|_| found()).collect()), Exchange::default())
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
        deadline: Duration::from_secs(5),
        policy: Policy {
            keys,
            plugin_retries: 1,
            max_inflight: Duration::from_millis(1),
            backoff: Backoff { base: Duration::from_millis(1), cap: Duration::from_millis(5) },
            ..Policy::default()
        },
    }
}

fn clerk(plugin: &Arc<Clerk>, version: &str, keys: Keys) -> Connector {
    Connector {
        plugin: Arc::clone(plugin) as Arc<dyn Plugin>,
        sink: Some(sink(keys)),
        label: format!("clerk@{version}"),
        digest: version.into(),
        file: format!("clerk@{version}"),
        configured: "clerk@1".into(),
        ..connector(&Arc::new(Scribe::default()))
    }
}

/// Order `id` is placed, and owed to the connector.
async fn place(world: &World, id: u32) {
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
    let now = world.handle.now();
    let new = NewEvent {
        incoming: Incoming::of(&event, now).unwrap(),
        event,
        personal: None,
        source: "shop".into(),
        foreign: vec![],
        overdue: Duration::ZERO,
        targets: vec![Target { connector: "erp".into(), ..Target::default() }],
        trace: String::new(),
    };
    let admit = Admit { events: vec![new], now, ..Admit::default() };
    world.writer.submit(Command::Admit(admit)).await.unwrap();
}

async fn settled(world: &World, wanted: u64) {
    eventually("everything is settled", async || {
        let counts = world.handle.store().counts().await.unwrap();
        counts.first().is_some_and(|counts| counts.settled == wanted)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_leave_in_the_order_of_their_numbers() {
    let dir = tempfile::tempdir().unwrap();
    let files = dir.path().join("files");
    let plugin = Arc::new(Clerk { number: Some(AtomicU64::new(0)), ..Clerk::default() });
    let folder = Folder {
        files: Arc::new(Disk::new(Local::new(files), &Layout::default())),
        place: "files".into(),
        every: Duration::from_secs(3600),
        settle: Duration::ZERO,
        limit: 1000,
    };
    let sending = Connector { folder: Some(folder), ..clerk(&plugin, "1", Keys::Honoured) };
    let world = World::start(dir.path(), Arc::new(Hands::default()), sending).await;
    for id in 0..6 {
        place(&world, id).await;
    }
    settled(&world, 6).await;
    let rows = world.handle.store().out_files(Some("erp"), Rows::default()).await.unwrap();
    let mut names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
    names.reverse();
    assert_eq!(names, ["1.txt", "2.txt", "3.txt", "4.txt", "5.txt", "6.txt"]);
    assert_eq!(world.handle.store().sequence("erp", "isa").await.unwrap(), 6);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_kept_is_the_plugins_failure() {
    let dir = tempfile::tempdir().unwrap();
    let plugin = Arc::new(Clerk { number: Some(AtomicU64::new(0)), careless: true, ..Clerk::default() });
    let world =
        World::start(dir.path(), Arc::new(Hands::default()), clerk(&plugin, "1", Keys::Honoured)).await;
    place(&world, 1).await;
    settled(&world, 1).await;
    place(&world, 2).await;
    eventually("a person is told", async || {
        let exceptions = world.handle.store().exceptions(None, Rows::default()).await.unwrap();
        exceptions.first().is_some_and(|one| {
            let reason = one.row.reason.as_ref().unwrap();
            reason.code == "plugin-failed" && reason.message.contains("same.txt")
        })
    })
    .await;
    world.stop().await;
}

/// Loads what the test put there.
struct Shelf(Mutex<Option<Connector>>);

#[async_trait]
impl Loader for Shelf {
    async fn load(&self, _: &str, plugin: &str) -> Result<Connector, String> {
        self.0.lock().unwrap().take().ok_or_else(|| format!("there is no {plugin}"))
    }
}

fn shelf(connector: Connector) -> Shelf {
    Shelf(Mutex::new(Some(connector)))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_does_not_find_what_was_posted_does_not_take_over() {
    let dir = tempfile::tempdir().unwrap();
    let hands = Arc::new(Hands::default());
    let old: Arc<Clerk> = Arc::default();
    let world = World::start(dir.path(), Arc::clone(&hands), clerk(&old, "1", Keys::Find)).await;
    place(&world, 1).await;
    settled(&world, 1).await;
    // Long enough for the target to show it.
    hands.set(Millis(world.handle.now().0 + 60_000));

    let blind = Arc::new(Clerk { blind: AtomicBool::new(true), ..Clerk::default() });
    let loader = shelf(clerk(&blind, "2", Keys::Find));
    let refused = world.handle.swap(&loader, "erp", "clerk@2", "test").await.unwrap_err();
    assert!(matches!(refused, SwapError::Blind { .. }), "{refused}");
    assert_eq!(blind.asked.lock().unwrap().as_slice(), ["shop/t/order/1/placed"]);
    assert_eq!(world.handle.versions("erp")[0].label, "clerk@1");
    let missing = world.handle.swap(&loader, "erp", "clerk@3", "test").await.unwrap_err();
    assert_eq!(missing.code(), "plugin-not-loaded");
    let audit = world.handle.store().audit(Rows::default()).await.unwrap();
    assert_eq!(audit.iter().filter(|row| row.action == "connector.swap-refused").count(), 2);

    // A target that is down for a moment says nothing about the version.
    let seeing = Arc::new(Clerk { down: AtomicU32::new(2), ..Clerk::default() });
    let loader = shelf(clerk(&seeing, "2", Keys::Find));
    let swapped = world.handle.swap(&loader, "erp", "clerk@2", "test").await.unwrap();
    assert_eq!((swapped.from.as_str(), swapped.to.as_str(), swapped.receipts), ("clerk@1", "clerk@2", 1));
    assert_eq!(seeing.asked.lock().unwrap().len(), 3);
    let chosen = async || {
        let choice = world.handle.store().choices().await.unwrap().remove(0);
        (choice.current, choice.previous)
    };
    assert_eq!(chosen().await, (Some("clerk@2".into()), Some("sha256:1".into())));

    // Back is back, and no further: it would be forth.
    let loader = shelf(Connector { file: "clerk@1".into(), ..clerk(&old, "1", Keys::Find) });
    world.handle.swap_back(&loader, "erp", "test").await.unwrap();
    assert_eq!(chosen().await, (None, None));
    let again = world.handle.swap_back(&loader, "erp", "test").await.unwrap_err();
    assert!(matches!(again, SwapError::WentBack { .. }), "{again}");
    assert!(again.to_string().contains("has gone back to clerk@1 already"), "{again}");
    world.stop().await;
}

/// A version of which it takes so long until its target shows what it has.
fn showing_after(shown: Duration, plugin: &Arc<Clerk>, version: &str) -> Connector {
    let mut connector = clerk(plugin, version, Keys::Find);
    connector.sink.as_mut().unwrap().policy.max_inflight = shown;
    connector
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blind_version_is_found_out_however_many_orders_have_just_gone_out() {
    let dir = tempfile::tempdir().unwrap();
    let hands = Arc::new(Hands::default());
    let old: Arc<Clerk> = Arc::default();
    let minute = Duration::from_secs(60);
    let world = World::start(dir.path(), Arc::clone(&hands), showing_after(minute, &old, "1")).await;
    place(&world, 1).await;
    settled(&world, 1).await;
    hands.set(world.handle.now().plus(minute * 2));
    for id in 2..10 {
        place(&world, id).await;
    }
    settled(&world, 9).await;

    let blind = Arc::new(Clerk { blind: AtomicBool::new(true), ..Clerk::default() });
    let loader = shelf(showing_after(minute, &blind, "2"));
    let refused = world.handle.swap(&loader, "erp", "clerk@2", "test").await.unwrap_err();
    assert!(matches!(refused, SwapError::Blind { .. }), "{refused}");
    assert_eq!(blind.asked.lock().unwrap().as_slice(), ["shop/t/order/1/placed"]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_older_was_posted_a_target_is_given_the_time_to_show_it() {
    let dir = tempfile::tempdir().unwrap();
    let old: Arc<Clerk> = Arc::default();
    let soon = Duration::from_secs(2);
    let world = World::start(dir.path(), Arc::default(), showing_after(soon, &old, "1")).await;
    // Nothing at all was posted: there is nothing to find.
    let blind = Arc::new(Clerk { blind: AtomicBool::new(true), ..Clerk::default() });
    let loader = shelf(showing_after(soon, &blind, "2"));
    let swapped = world.handle.swap(&loader, "erp", "clerk@2", "test").await.unwrap();
    assert_eq!(swapped.receipts, 0);

    place(&world, 1).await;
    settled(&world, 1).await;
    let third = shelf(showing_after(soon, &blind, "3"));
    let refused = world.handle.swap(&third, "erp", "clerk@3", "test").await.unwrap_err();
    assert!(matches!(refused, SwapError::Blind { .. }), "{refused}");
    assert!(blind.asked.lock().unwrap().len() > 1);
    let seeing: Arc<Clerk> = Arc::default();
    let fourth = shelf(showing_after(Duration::from_secs(600), &seeing, "4"));
    assert_eq!(world.handle.swap(&fourth, "erp", "clerk@4", "test").await.unwrap().receipts, 1);
    world.stop().await;
}

/// Nobody would send what is routed to it: drivers begin when the host does.
#[tokio::test(flavor = "multi_thread")]
async fn what_only_told_is_not_swapped_for_what_delivers_too() {
    let dir = tempfile::tempdir().unwrap();
    let plugin: Arc<Clerk> = Arc::default();
    let source = Connector { sink: None, ..clerk(&plugin, "1", Keys::Find) };
    let world = World::start(dir.path(), Arc::default(), source).await;
    let loader = shelf(clerk(&plugin, "2", Keys::Find));
    let refused = world.handle.swap(&loader, "erp", "clerk@2", "test").await.unwrap_err();
    assert!(matches!(refused, SwapError::Unfit { .. }), "{refused}");
    world.stop().await;
}
