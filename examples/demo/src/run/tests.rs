use super::fake_host::{FakeHost, Safeguards};
use super::small::{Demo, Options};
use super::*;
use crate::report::Outcome;
use crate::shop::plan::Shares;

const SECRET: &str = "shared";

async fn demo(safeguards: Safeguards, mut options: Options) -> Outcome {
    options.progress = false;
    // Short enough for a test, long enough that lanes overlap with answers, kills and lag.
    options.shop.plan.spread = Duration::from_secs(3);
    options.shop.longest_pause = Duration::from_millis(300);
    let demo = Demo::new(options).await.unwrap();
    let mut host =
        FakeHost::new(safeguards, demo.shop_domain(), SECRET, demo.erp_url(), demo.erp_token()).await;
    let (view, target) = (host.view(), host.intake());
    let outcome = demo.run(&mut host, &view, &target).await.unwrap();
    host.kill().await.unwrap();
    outcome
}

/// A run for a host that does something wrong: no need to wait long for what never happens.
async fn wrong(safeguards: Safeguards) -> Outcome {
    let mut options = Options::new(250, 2, 3, SECRET);
    options.shop.plan.pace = 80.0;
    let options = Options { min_stall: Duration::from_secs(9), ..options };
    demo(safeguards, options).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_with_all_safeguards_passes_and_the_kills_hit_work_in_progress() {
    let mut options = Options::new(300, 5, 1, SECRET);
    options.shop.plan.pace = 80.0;
    options.min_stall = Duration::from_secs(20);
    let outcome = demo(Safeguards::ALL, options).await;
    assert!(outcome.passed(), "{}", outcome.table());
    let summary = &outcome.summary;
    assert_eq!((summary.orders, summary.kills), (300, 5));
    assert!(summary.inflight_at_kill > 5, "{}", outcome.table());
    assert_eq!(summary.held["erp"] + outcome.verdict.cancelled_unsent, 300);
    assert!(summary.events > 400 && outcome.shop.accepted as usize > summary.events);
    assert!(summary.latency_ms.p50 > 1.0 && summary.latency_ms.p99 >= summary.latency_ms.p50);
    let dropped = outcome.call_counts.dropped_after_commit as f64 / outcome.call_counts.writes as f64;
    assert!(dropped > 0.03, "{}", outcome.table());
    assert!(outcome.shop.retries > 0, "the shop met a host that was down");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_resends_without_a_look_up_duplicates() {
    let outcome = wrong(Safeguards { find: false, ..Safeguards::ALL }).await;
    assert!(outcome.summary.duplicated > 0 && !outcome.passed(), "{}", outcome.table());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_without_dedupe_duplicates() {
    let outcome = wrong(Safeguards { dedupe: false, ..Safeguards::ALL }).await;
    assert!(outcome.summary.duplicated > 0 && !outcome.passed(), "{}", outcome.table());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_without_a_version_gate_ends_with_old_states() {
    let outcome = wrong(Safeguards { version_gate: false, ..Safeguards::ALL }).await;
    assert!(outcome.summary.mismatched > 0 && !outcome.passed(), "{}", outcome.table());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_acknowledges_before_it_stores_loses() {
    let outcome = wrong(Safeguards { durable: false, ..Safeguards::ALL }).await;
    assert!(outcome.verdict.findings().count() > 1 && !outcome.passed(), "{}", outcome.table());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_does_not_authenticate_is_found_out() {
    let mut options = Options::new(40, 0, 3, SECRET);
    options.shop.plan.shares = Shares { forged: 0.1, ..Shares::none() };
    options.min_stall = Duration::from_secs(5);
    let outcome = demo(Safeguards { authenticate: false, ..Safeguards::ALL }, options).await;
    assert_eq!(outcome.shop.believed_forgeries, 4);
    assert!(outcome.failures().iter().any(|failure| failure.contains("forged")));
    assert!(outcome.verdict.mismatched.iter().any(|finding| finding.reason.contains("must not be")));
}

/// Its figures never stand still, and the run ends all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_reads_the_same_requests_again_and_again_is_stuck() {
    let mut options = Options::new(60, 0, 3, SECRET);
    options.shop.plan.pace = 80.0;
    options.shop.plan.shares = Shares { duplicate: 0.2, ..Shares::none() };
    options.min_stall = Duration::from_secs(3);
    let outcome = demo(Safeguards { sets_aside: false, ..Safeguards::ALL }, options).await;
    assert!(outcome.verdict.is_clean() && outcome.disagreements.is_empty(), "{}", outcome.table());
    let stuck = outcome.stuck.as_deref().expect("it is stuck");
    assert!(stuck.contains("requests that the host has not read"), "{stuck}");
    assert!(outcome.failures().iter().any(|failure| failure.starts_with("stuck: ")), "{}", outcome.table());
}

/// A host that is not there for good: the shop sends for ever, and the run ends.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_takes_nothing_is_stuck() {
    let options =
        Options { min_stall: Duration::from_secs(2), progress: false, ..Options::new(5, 0, 3, SECRET) };
    let demo = Demo::new(options).await.unwrap();
    let mut host =
        FakeHost::new(Safeguards::ALL, demo.shop_domain(), SECRET, demo.erp_url(), demo.erp_token()).await;
    let view = host.view();
    let target = "http://127.0.0.1:9/in/shopify";
    let outcome = demo.run(&mut host, &view, target).await.unwrap();
    host.kill().await.unwrap();
    assert!(!outcome.all_sent);
    assert!(outcome.stuck.unwrap().contains("1 shop that is still sending"));
}

#[test]
fn kills_are_spread_over_the_run() {
    let mut kills = Kills::new(20, 9);
    let mut hits = vec![];
    for step in 0..=1000 {
        let progress = f64::from(step) / 1000.0;
        if kills.is_due(progress) {
            hits.push(progress);
        }
    }
    assert_eq!(hits.len(), 20);
    for (index, hit) in hits.iter().enumerate() {
        let part = 0.95 / 20.0;
        assert!((index as f64 * part..=(index + 1) as f64 * part + 0.001).contains(hit));
    }
    let again: Vec<f64> = Kills::new(20, 9).points;
    assert_ne!(again, Kills::new(20, 10).points);
}
