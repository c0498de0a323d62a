//! A call's outbox takes effect with its answer, and is limited.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

mod guests;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use crossdock_egress::Access;
use crossdock_egress::recorder::{Detail, LookupFailed, StoreRecord, Tables};
use crossdock_model::connector::Outcome;
use crossdock_sandbox::{Call, Grants, Guest, Outbox, Report};
use guests::{client, deliver, limits, noted, plugin, work};
use serde_json::json;

#[derive(Default)]
struct TestTables(AtomicU64);

#[async_trait]
impl Tables for TestTables {
    async fn mapping(&self, table: &str, value: &str) -> Result<Option<String>, LookupFailed> {
        Ok((table == "sku").then(|| format!("A-{value}")))
    }

    async fn store(&self, system: Option<&str>, code: &str) -> Result<Option<StoreRecord>, LookupFailed> {
        let known = system == Some("shopify") && code == "7";
        Ok(known.then(|| StoreRecord { id: "berlin".into(), ..StoreRecord::default() }))
    }

    async fn number(&self, _: &str) -> Result<u64, LookupFailed> {
        Ok(self.0.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

fn note(report: &Report<Vec<Outcome>>) -> String {
    noted(report.result.as_ref().unwrap())
}

fn guest(mode: &str, outbox_bytes: Option<u64>) -> Guest {
    let grants = Grants::new("test", json!({ "mode": mode }), client(Access::default()));
    let tables = Arc::new(TestTables::default());
    Guest::new(&plugin(), Grants { tables, outbox_bytes, limits: limits(), ..grants }).unwrap()
}

#[tokio::test]
async fn files_and_numbers_come_with_the_answer() {
    let report = deliver(&guest("hand-over", Some(1000))).await;
    let files: Vec<(&str, &[u8])> =
        report.outbox.files.iter().map(|(name, content)| (name.as_str(), content.as_slice())).collect();
    assert_eq!(files, [("first-1.txt", b"first".as_slice()), ("second-2.txt", b"second".as_slice())]);
    assert_eq!(report.outbox.numbers.get("isa"), Some(&2));
    assert_eq!(note(&report), r#"1 Ok(()); 2 Ok(()); Err(Refusal::BadName); Some("A-1") Some("berlin")"#);
}

#[tokio::test]
async fn the_outbox_of_a_failed_call_is_empty() {
    let report = deliver(&guest("hand-over-and-panic", Some(1000))).await;
    assert!(report.result.is_err());
    assert_eq!(report.outbox, Outbox::default());
}

#[tokio::test]
async fn files_without_a_folder_or_over_the_limit_are_refused() {
    let report = deliver(&guest("hand-over", None)).await;
    assert!(
        note(&report).starts_with("1 Err(Refusal::NoFolder); 2 Err(Refusal::NoFolder)"),
        "{}",
        note(&report)
    );
    let report = deliver(&guest("hand-over", Some(7))).await;
    assert!(note(&report).starts_with("1 Ok(()); 2 Err(Refusal::TooLarge(7))"), "{}", note(&report));
    assert_eq!(report.outbox.files.len(), 1);
}

#[tokio::test]
async fn look_ups_and_numbers_are_replayed() {
    let full = Call { detail: Detail::Full, ..Call::default() };
    let recorded = guest("hand-over", Some(1000)).deliver(full, vec![work()]).await;
    let replay = Call { replay: Some(recorded.transcript.clone()), ..Call::default() };
    let grants = Grants {
        outbox_bytes: Some(1000),
        limits: limits(),
        ..Grants::new("test", json!({ "mode": "ok" }), client(Access::default()))
    };
    let elsewhere = Guest::new(&plugin(), grants).unwrap();
    let again = elsewhere.deliver(replay, vec![work()]).await;
    assert_eq!(again.result.unwrap(), recorded.result.unwrap());
    assert_eq!(again.outbox, recorded.outbox);
}
