use super::fake_host::{Care, FakeHost};
use super::small::{Demo, Options};
use super::*;
use crate::report::Outcome;
use crate::shop::plan::Shares;

const SECRET: &str = "shared";

async fn demo(care: Care, mut options: Options) -> Outcome {
    options.progress = false;
    // Short enough for a test, long enough that lanes meet answers, kills and lag.
    options.shop.plan.spread = Duration::from_secs(3);
    options.shop.longest_pause = Duration::from_millis(300);
    let demo = Demo::new(options).await.unwrap();
    let mut host = FakeHost::new(care, demo.shop_domain(), SECRET, demo.erp_url(), demo.erp_token()).await;
    let (view, target) = (host.view(), host.intake());
    let outcome = demo.run(&mut host, &view, &target).await.unwrap();
    host.kill().await.unwrap();
    outcome
}

/// A run for a host that does something wrong: no need to wait long for what never comes.
async fn wrong(care: Care) -> Outcome {
    let mut options = Options::new(250, 2, 3, SECRET);
    options.shop.plan.pace = 80.0;
    let options = Options { patience: Duration::from_secs(9), ..options };
    demo(care, options).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_careful_host_passes_and_the_kills_hit_work_under_way() {
    let mut options = Options::new(300, 5, 1, SECRET);
    options.shop.plan.pace = 80.0;
    options.patience = Duration::from_secs(20);
    let outcome = demo(Care::ALL, options).await;
    assert!(outcome.passed(), "{}", outcome.table());
    let summary = &outcome.summary;
    assert_eq!((summary.orders, summary.kills), (300, 5));
    assert!(summary.inflight_at_kill > 5, "{}", outcome.table());
    assert_eq!(summary.held["erp"] + outcome.verdict.cancelled_unsent, 300);
    assert!(summary.events > 400 && outcome.shop.accepted as usize > summary.events);
    assert!(summary.latency_ms.p50 > 1.0 && summary.latency_ms.p99 >= summary.latency_ms.p50);
    let dropped = outcome.misdeeds.dropped_after_commit as f64 / outcome.misdeeds.writes as f64;
    assert!(dropped > 0.03, "{}", outcome.table());
    assert!(outcome.shop.retries > 0, "the shop met a host that was down");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_never_looks_before_it_sends_again_doubles() {
    let outcome = wrong(Care { find: false, ..Care::ALL }).await;
    assert!(outcome.summary.duplicated > 0 && !outcome.passed(), "{}", outcome.table());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_takes_every_webhook_for_news_doubles() {
    let outcome = wrong(Care { dedupe: false, ..Care::ALL }).await;
    assert!(outcome.summary.duplicated > 0 && !outcome.passed(), "{}", outcome.table());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_takes_the_last_to_come_for_the_newest_is_wrong() {
    let outcome = wrong(Care { version_gate: false, ..Care::ALL }).await;
    assert!(outcome.summary.mismatched > 0 && !outcome.passed(), "{}", outcome.table());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_acknowledges_before_it_keeps_is_wrong() {
    let outcome = wrong(Care { durable: false, ..Care::ALL }).await;
    assert!(outcome.verdict.findings().count() > 1 && !outcome.passed(), "{}", outcome.table());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_believes_everybody_is_found_out() {
    let mut options = Options::new(40, 0, 3, SECRET);
    options.shop.plan.shares = Shares { forged: 0.1, ..Shares::none() };
    options.patience = Duration::from_secs(5);
    let outcome = demo(Care { authenticate: false, ..Care::ALL }, options).await;
    assert_eq!(outcome.shop.believed_forgeries, 4);
    assert!(outcome.failures().iter().any(|failure| failure.contains("forged")));
    assert!(outcome.verdict.mismatched.iter().any(|finding| finding.reason.contains("must not be")));
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
    let again: Vec<f64> = Kills::new(20, 9).marks;
    assert_ne!(again, Kills::new(20, 10).marks);
}
