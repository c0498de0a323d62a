//! Payloads that Square has published, read one by one where they are at hand: `CROSSDOCK_SAMPLES`, or the folder
//! `shared/data/samples` beside the workspace. Without them there is nothing to read, and the test
//! says so; where the variable is set and nothing is there, it fails.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

use std::path::{Path, PathBuf};

use crossdock_sdk::prelude::*;
use crossdock_sdk::testing;
use plugin_square::{Settings, Square};
use serde_json::{Value, json};

fn samples() -> PathBuf {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/samples");
    std::env::var_os("CROSSDOCK_SAMPLES").map_or_else(beside, PathBuf::from).join("square")
}

/// Nothing is there: that is said, and wrong where somebody named the place.
fn nothing_at(place: &Path) {
    assert!(
        std::env::var_os("CROSSDOCK_SAMPLES").is_none(),
        "CROSSDOCK_SAMPLES is set, and there is nothing at {}",
        place.display()
    );
    println!("NO SAMPLES at {}: nothing was read, and nothing is shown", place.display());
}

fn sample(name: &str) -> Option<Value> {
    serde_json::from_slice(&std::fs::read(samples().join(name)).ok()?).ok()
}

fn host(merchant: &str) -> testing::Host {
    testing::Host::new().setting("merchant", merchant).setting("ask-payments", false)
}

/// The order that Square publishes as an answer, under another id, and what the catalogue says of its articles.
fn order(id: &Value) -> [testing::Exchange; 2] {
    let mut answer = sample("CreateOrderResponse.json").unwrap();
    answer["order"]["id"] = id.clone();
    let path = format!("/v2/orders/{}", id.as_str().unwrap());
    [testing::get(&path).answer(200, answer), testing::post("/v2/catalog/batch-retrieve")]
}

/// What of Square a notification makes the plugin ask, and what Square answers.
fn script(body: &Value) -> Vec<testing::Exchange> {
    let object = &body["data"]["object"];
    match body["type"].as_str().unwrap_or_default() {
        "order.created" | "order.updated" | "order.fulfillment.updated" => {
            let (_, thin) = object.as_object().unwrap().iter().next().unwrap();
            order(&thin["order_id"]).into()
        }
        "payment.created" | "payment.updated" => order(&object["payment"]["order_id"]).into(),
        "refund.created" | "refund.updated" if object["refund"]["status"] == "COMPLETED" => {
            let refund = &object["refund"];
            let path = |kind: &str, id: &Value| format!("/v2/{kind}/{}", id.as_str().unwrap());
            let paid = json!({ "payment": { "id": refund["payment_id"], "order_id": "SALE" } });
            vec![
                testing::get(&path("orders", &refund["order_id"])).answer(404, json!({})),
                testing::get(&path("payments", &refund["payment_id"])).answer(200, paid),
            ]
        }
        "inventory.count.updated" => vec![testing::post("/v2/catalog/batch-retrieve")],
        _ => vec![],
    }
}

#[test]
fn published_payloads_are_read_or_refused_with_a_reason() {
    let listed = std::fs::read_dir(samples()).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = listed.map(|entry| entry.path()).collect();
    found.sort();
    if found.is_empty() {
        nothing_at(&samples());
    }
    for path in found {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let bytes = std::fs::read(&path).unwrap();
        let body: Value = serde_json::from_slice(&bytes).unwrap();
        let merchant = body["merchant_id"].as_str().unwrap_or("M1");
        let host = script(&body).into_iter().fold(host(merchant), testing::Host::expect).install();
        let said = Square::receive(testing::inbound(&[], bytes));
        drop(host);
        let notice = body.get("event_id").is_some() && body.get("type").is_some();
        match said {
            Ok(events) if events.is_empty() => println!("{name}: read, of no interest"),
            Ok(events) => println!("{name}: read, {} of {}", events[0].fact.kind(), events[0].entity),
            Err(Failure::Rejected(problem)) => {
                println!("{name}: refused, {}", problem.message);
                assert!(!notice && problem.code == "no-notification", "{name}: {problem}");
            }
            Err(other) => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn the_published_order_balances() {
    let Some(answer) = sample("CreateOrderResponse.json") else {
        nothing_at(&samples());
        return;
    };
    let _host = host("M1").install();
    let events =
        plugin_square::read_order(answer["order"].to_string().as_bytes(), &Settings::read().unwrap())
            .unwrap();
    let order = events[0].fact.order().unwrap();
    let lines = order.lines.iter().map(|line| {
        money::decimal(&line.unit_price.shop.amount).unwrap() * money::decimal(&line.quantity).unwrap()
            - money::booked(line.discounts.iter().map(|discount| &discount.amount)).unwrap()
    });
    let sum = lines.sum::<Decimal>() + money::booked([&order.totals.tax]).unwrap();
    assert_eq!(sum, money::booked([&order.totals.total]).unwrap());
    assert_eq!(order.totals.total, Price::shop("61.76", "USD"));
}
