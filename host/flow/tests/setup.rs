//! Set-ups are checked at the start, at an interval, and when an operator asks.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod world;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crossdock_engine::view::Page;
use crossdock_flow::connector::{Check, Connector};
use crossdock_flow::plugins::Finding;
use crossdock_flow::setup::SetupError;
use world::{RecordingPlugin, TestClock, World, connector, eventually};

fn checked(plugin: &Arc<RecordingPlugin>, every: Duration) -> Connector {
    Connector {
        check: Some(Check { address: "https://x.example/in/erp".into(), every }),
        ..connector(plugin)
    }
}

fn missing(repaired: bool) -> Vec<Finding> {
    vec![Finding { code: "subscription-missing".into(), message: "orders/create".into(), repaired }]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_subscription_is_repaired_at_the_start_and_at_every_interval() {
    let dir = tempfile::tempdir().unwrap();
    let plugin: Arc<RecordingPlugin> = Arc::default();
    plugin.missing.store(true, Ordering::SeqCst);
    let soon = Duration::from_millis(20);
    let world = World::start(dir.path(), Arc::new(TestClock::default()), checked(&plugin, soon)).await;
    let findings = || world.handle.setup("erp").map(|setup| setup.findings);
    eventually("nothing is missing", async || findings().is_some_and(|findings| findings.is_empty())).await;
    {
        let asked = plugin.checked.lock().unwrap();
        assert!(asked.len() >= 2, "once to repair it, once to find nothing missing");
        assert!(asked.iter().all(|asked| *asked == ("https://x.example/in/erp".to_owned(), true)));
    }
    plugin.missing.store(true, Ordering::SeqCst);
    eventually("it is repaired again", async || !plugin.missing.load(Ordering::SeqCst)).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_checks_with_and_without_repair() {
    let dir = tempfile::tempdir().unwrap();
    let plugin: Arc<RecordingPlugin> = Arc::default();
    let hourly = Duration::from_secs(3600);
    let world = World::start(dir.path(), Arc::new(TestClock::default()), checked(&plugin, hourly)).await;
    eventually("it was checked", async || world.handle.setup("erp").is_some()).await;
    plugin.missing.store(true, Ordering::SeqCst);
    let found = world.handle.check_setup("erp", false, "test").await.unwrap();
    assert_eq!(found.findings, missing(false));
    assert_eq!(world.handle.setup("erp"), Some(found), "it is stored for the listing");
    let found = world.handle.check_setup("erp", true, "test").await.unwrap();
    assert_eq!(found.findings, missing(true));
    let audit = world.handle.store().audit(Page::default()).await.unwrap();
    let repairs: Vec<_> = audit.iter().filter(|row| row.action == "setup.repair").collect();
    assert_eq!(repairs.len(), 1, "a check without repair is not audited");
    assert_eq!((repairs[0].by.as_str(), repairs[0].detail.as_str()), ("test", "subscription-missing"));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_system_that_cannot_be_asked_is_reported_and_asked_again() {
    let dir = tempfile::tempdir().unwrap();
    let plugin: Arc<RecordingPlugin> = Arc::default();
    plugin.down.store(true, Ordering::SeqCst);
    let soon = Duration::from_millis(20);
    let world = World::start(dir.path(), Arc::new(TestClock::default()), checked(&plugin, soon)).await;
    let codes = || -> Option<Vec<String>> {
        let setup = world.handle.setup("erp")?;
        Some(setup.findings.into_iter().map(|finding| finding.code).collect())
    };
    eventually("it is reported", async || codes().is_some_and(|codes| codes == ["unavailable"])).await;
    plugin.down.store(false, Ordering::SeqCst);
    eventually("nothing is missing", async || codes().is_some_and(|codes| codes.is_empty())).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_connector_is_not_checked() {
    let dir = tempfile::tempdir().unwrap();
    let plugin: Arc<RecordingPlugin> = Arc::default();
    let soon = Duration::from_millis(20);
    let world = World::start(dir.path(), Arc::new(TestClock::default()), checked(&plugin, soon)).await;
    world.handle.pause("erp", "", "test").await.unwrap();
    tokio::time::sleep(Duration::from_millis(60)).await;
    let before = plugin.checked.lock().unwrap().len();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(plugin.checked.lock().unwrap().len(), before);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_cannot_be_made_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let plugin: Arc<RecordingPlugin> = Arc::default();
    let world = World::start(dir.path(), Arc::new(TestClock::default()), connector(&plugin)).await;
    let error = world.handle.check_setup("erp", true, "test").await.unwrap_err();
    assert!(matches!(error, SetupError::NoAddress(_)), "{error}");
    let error = world.handle.check_setup("pos", true, "test").await.unwrap_err();
    assert!(matches!(error, SetupError::NoSuchConnector(_)), "{error}");
    assert_eq!(world.handle.setup("erp"), None);
    world.stop().await;
    let nothing = Connector { setup: false, ..checked(&plugin, Duration::from_millis(10)) };
    let world = World::start(dir.path(), Arc::new(TestClock::default()), nothing).await;
    let error = world.handle.check_setup("erp", true, "test").await.unwrap_err();
    assert!(matches!(error, SetupError::NothingToSetUp(_)), "{error}");
    assert!(plugin.checked.lock().unwrap().is_empty());
    world.stop().await;
}
