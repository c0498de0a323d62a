//! A host without one of its safeguards fails the demo that it passes with them: the demo can fail.
//!
//! A harness that finds no loss and no duplicate proves something only if it finds them when the
//! protection is gone. Each run ends in a verdict by itself, also when the host never gets through: then it is stuck.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

use anyhow::{Context, Result, ensure};
use crossdock_tests::{binary, plugins};
use serde_json::Value;
use tokio::process::Command;

/// The seconds without an advance after which a run is stuck, at least; the demo adds the slowness that it observes.
const MIN_STALL: &str = "15";

/// Whether it passed, its line of JSON, and its table.
async fn demo(without: &str, orders: &str, kills: &str) -> Result<(bool, Value, String)> {
    let output = Command::new(binary()?)
        .args([
            "demo",
            "--orders",
            orders,
            "--kills",
            kills,
            "--seed",
            "3",
            "--stall-timeout",
            MIN_STALL,
            "--exit",
            "--json",
        ])
        .arg("--plugins")
        .arg(plugins()?)
        .env("CROSSDOCK_WITHOUT", without)
        .output()
        .await?;
    let json = String::from_utf8_lossy(&output.stdout).into_owned();
    let table = String::from_utf8_lossy(&output.stderr).into_owned();
    let line = json.lines().last().with_context(|| table.clone())?;
    Ok((output.status.success(), serde_json::from_str(line)?, table))
}

fn wrong(result: &Value) -> u64 {
    ["lost", "duplicated", "mismatched"].iter().filter_map(|name| result[*name].as_u64()).sum()
}

#[tokio::test]
async fn with_all_safeguards_nothing_is_lost_doubled_or_wrong() -> Result<()> {
    let (passed, result, table) = demo("", "200", "4").await?;
    ensure!(passed, "{result}\n{table}");
    ensure!(wrong(&result) == 0, "{result}");
    ensure!(result["kills"] == 4 && result["inflight_at_kill"].as_u64() > Some(0), "{result}");
    for none in ["stock_mismatches", "status_missing", "echoes_sent", "unknown"] {
        ensure!(result[none] == 0, "{none}: {result}");
    }
    ensure!(result["swaps"] == 4 && result["swaps_refused"] == 1, "{result}");
    ensure!(result["unmapped_repaired"].as_u64() > Some(0), "{result}");
    Ok(())
}

#[tokio::test]
async fn without_find_the_demo_fails() -> Result<()> {
    let (passed, result, _) = demo("find", "200", "4").await?;
    ensure!(!passed && result["duplicated"].as_u64() > Some(0), "{result}");
    Ok(())
}

#[tokio::test]
async fn without_dedupe_the_demo_fails() -> Result<()> {
    let (passed, result, table) = demo("dedupe", "200", "0").await?;
    // If the database refuses the duplicates, the host may never finish.
    ensure!(!passed && (wrong(&result) > 0 || table.contains("stuck: ")), "{result}\n{table}");
    Ok(())
}

#[tokio::test]
async fn without_the_version_gate_the_demo_fails() -> Result<()> {
    let (passed, result, _) = demo("version-gate", "200", "0").await?;
    ensure!(!passed && wrong(&result) > 0, "{result}");
    Ok(())
}
