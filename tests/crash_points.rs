//! The host is killed at each named point on the way of an event. Nothing is lost and nothing is doubled.
//!
//! The points inside the host are passed by a build with crash points, which kills itself with SIGKILL;
//! "after send" is seen from outside: the ERP has taken a request in and has not answered.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

use std::time::Duration;

use anyhow::{Result, ensure};
use crossdock_demo::erp::{Erp, Options, Weather};
use crossdock_demo::shop::{self, Shop, plan::Shares};
use crossdock_demo::verify::verify;
use crossdock_tests::{ERP_TOKEN, Host, SECRET, eventually};

const ORDERS: usize = 40;

/// An ERP that answers soon, and whose search finds a document only after a second.
fn weather() -> Weather {
    Weather { search_lag: Duration::from_secs(1), ..Weather::calm() }
}

struct Scene {
    erp: Erp,
    host: Host,
}

async fn scene(weather: Weather) -> Result<Scene> {
    let options = Options { weather, ..Options::stormy(ERP_TOKEN, 5) };
    let erp = Erp::start(options).await?;
    let host = Host::between_shop_and(&erp, "")?;
    Ok(Scene { erp, host })
}

fn shop(host: &Host) -> Shop {
    let mut options = shop::Options::new(host.intake(), SECRET, ORDERS, 11);
    options.plan.shares = Shares { duplicate: 0.2, reorder: 0.2, ..Shares::none() };
    options.plan.pace = 200.0;
    options.plan.spread = Duration::from_millis(500);
    Shop::start(options)
}

/// Waits until the ERP holds what the shop sent, and then checks once more: a document that comes late is a duplicate.
async fn settles(scene: &Scene, shop: &Shop) -> Result<()> {
    eventually(Duration::from_secs(60), async || {
        ensure!(shop.is_done(), "the shop is still sending: {:?}", shop.progress());
        let verdict = verify(&shop.ledger(), &scene.erp.held());
        ensure!(verdict.is_clean(), "{:?}", verdict.findings().take(3).collect::<Vec<_>>());
        let (_, connectors) = scene.host.get("/api/v1/connectors").await?;
        ensure!(
            connectors["connectors"].as_array().is_some_and(|all| all
                .iter()
                .all(|c| { ["ready", "queued", "sending", "waiting"].iter().all(|state| c[*state] == 0) })),
            "still open: {connectors}"
        );
        Ok(())
    })
    .await?;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let verdict = verify(&shop.ledger(), &scene.erp.held());
    ensure!(verdict.is_clean(), "{:?}", verdict.findings().collect::<Vec<_>>());
    Ok(())
}

async fn survives_a_crash_at(point: &str, times: u32) -> Result<()> {
    let mut scene = scene(weather()).await?;
    scene.host.env("CROSSDOCK_CRASH_AT", &format!("{point}:{times}"));
    scene.host.start().await?;
    let shop = shop(&scene.host);
    let status = scene.host.ended(Duration::from_secs(60)).await?;
    ensure!(
        std::os::unix::process::ExitStatusExt::signal(&status) == Some(9),
        "it ended with {status}, not by SIGKILL"
    );
    scene.host.without_env("CROSSDOCK_CRASH_AT");
    scene.host.start().await?;
    settles(&scene, &shop).await
}

#[tokio::test]
async fn after_accept_the_sender_sends_again() -> Result<()> {
    survives_a_crash_at("after-authentication", 7).await
}

#[tokio::test]
async fn after_commit_the_retry_is_a_duplicate() -> Result<()> {
    survives_a_crash_at("after-commit", 7).await
}

#[tokio::test]
async fn after_parse_the_request_is_read_again() -> Result<()> {
    survives_a_crash_at("after-parse", 7).await
}

#[tokio::test]
async fn after_claim_the_target_is_asked_first() -> Result<()> {
    survives_a_crash_at("after-claim", 5).await
}

#[tokio::test]
async fn after_answer_the_target_is_asked_first() -> Result<()> {
    survives_a_crash_at("after-answer", 7).await
}

#[tokio::test]
async fn before_settle_the_target_is_asked_first() -> Result<()> {
    survives_a_crash_at("before-settle", 7).await
}

#[tokio::test]
async fn after_send_the_target_is_asked_first() -> Result<()> {
    let slow = Duration::from_millis(300);
    let mut scene = scene(Weather { latency: (slow, slow), ..weather() }).await?;
    scene.host.start().await?;
    let shop = shop(&scene.host);
    eventually(Duration::from_secs(30), async || {
        ensure!(scene.erp.open_requests() > 0, "nothing is under way at the ERP");
        Ok(())
    })
    .await?;
    scene.host.kill().await?;
    scene.host.start().await?;
    settles(&scene, &shop).await
}
