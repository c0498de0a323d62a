//! Set-ups that are looked after: at the start, every so often, when an operator asks.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod world;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crossdock_flow::connector::{Check, Connector};
use crossdock_flow::plugins::Finding;
use crossdock_flow::setup::SetupError;
use crossdock_storage::view::Page;
use world::{Hands, Scribe, World, connector, eventually};

fn checked(scribe: &Arc<Scribe>, every: Duration) -> Connector {
    Connector {
        check: Some(Check { address: "https://x.example/in/erp".into(), every }),
        ..connector(scribe)
    }
}

fn missing(repaired: bool) -> Vec<Finding> {
    vec![Finding { code: "subscription-missing".into(), message: "orders/create".into(), repaired }]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_put_right_at_the_start_and_whenever_it_goes_missing() {
    let dir = tempfile::tempdir().unwrap();
    let scribe: Arc<Scribe> = Arc::default();
    scribe.missing.store(true, Ordering::SeqCst);
    let soon = Duration::from_millis(20);
    let world = World::start(dir.path(), Arc::new(Hands::default()), checked(&scribe, soon)).await;
    let findings = || world.handle.setup("erp").map(|setup| setup.findings);
    eventually("all is well", async || findings().is_some_and(|findings| findings.is_empty())).await;
    {
        let asked = scribe.checked.lock().unwrap();
        assert!(asked.len() >= 2, "once to put it right, once to find it well");
        assert!(asked.iter().all(|asked| *asked == ("https://x.example/in/erp".to_owned(), true)));
    }
    scribe.missing.store(true, Ordering::SeqCst);
    eventually("it is put right again", async || !scribe.missing.load(Ordering::SeqCst)).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_looks_and_repairs_by_will() {
    let dir = tempfile::tempdir().unwrap();
    let scribe: Arc<Scribe> = Arc::default();
    let hourly = Duration::from_secs(3600);
    let world = World::start(dir.path(), Arc::new(Hands::default()), checked(&scribe, hourly)).await;
    eventually("it was looked at", async || world.handle.setup("erp").is_some()).await;
    scribe.missing.store(true, Ordering::SeqCst);
    let found = world.handle.check_setup("erp", false, "test").await.unwrap();
    assert_eq!(found.findings, missing(false));
    assert_eq!(world.handle.setup("erp"), Some(found), "it is kept for the listing");
    let found = world.handle.check_setup("erp", true, "test").await.unwrap();
    assert_eq!(found.findings, missing(true));
    let audit = world.handle.store().audit(Page::default()).await.unwrap();
    let repairs: Vec<_> = audit.iter().filter(|row| row.action == "setup.repair").collect();
    assert_eq!(repairs.len(), 1, "a look is no act");
    assert_eq!((repairs[0].by.as_str(), repairs[0].detail.as_str()), ("test", "subscription-missing"));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_system_that_cannot_be_asked_is_a_finding_and_asked_again() {
    let dir = tempfile::tempdir().unwrap();
    let scribe: Arc<Scribe> = Arc::default();
    scribe.down.store(true, Ordering::SeqCst);
    let soon = Duration::from_millis(20);
    let world = World::start(dir.path(), Arc::new(Hands::default()), checked(&scribe, soon)).await;
    let codes = || -> Option<Vec<String>> {
        let setup = world.handle.setup("erp")?;
        Some(setup.findings.into_iter().map(|finding| finding.code).collect())
    };
    eventually("it is said", async || codes().is_some_and(|codes| codes == ["unavailable"])).await;
    scribe.down.store(false, Ordering::SeqCst);
    eventually("it is well", async || codes().is_some_and(|codes| codes.is_empty())).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_connector_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let scribe: Arc<Scribe> = Arc::default();
    let soon = Duration::from_millis(20);
    let world = World::start(dir.path(), Arc::new(Hands::default()), checked(&scribe, soon)).await;
    world.handle.pause("erp", "", "test").await.unwrap();
    tokio::time::sleep(Duration::from_millis(60)).await;
    let before = scribe.checked.lock().unwrap().len();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(scribe.checked.lock().unwrap().len(), before);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_looked_at_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let scribe: Arc<Scribe> = Arc::default();
    let world = World::start(dir.path(), Arc::new(Hands::default()), connector(&scribe)).await;
    let error = world.handle.check_setup("erp", true, "test").await.unwrap_err();
    assert!(matches!(error, SetupError::NoAddress(_)), "{error}");
    let error = world.handle.check_setup("pos", true, "test").await.unwrap_err();
    assert!(matches!(error, SetupError::NoSuchConnector(_)), "{error}");
    assert_eq!(world.handle.setup("erp"), None);
    world.stop().await;
    let nothing = Connector { setup: false, ..checked(&scribe, Duration::from_millis(10)) };
    let world = World::start(dir.path(), Arc::new(Hands::default()), nothing).await;
    let error = world.handle.check_setup("erp", true, "test").await.unwrap_err();
    assert!(matches!(error, SetupError::NothingToSetUp(_)), "{error}");
    assert!(scribe.checked.lock().unwrap().is_empty());
    world.stop().await;
}
