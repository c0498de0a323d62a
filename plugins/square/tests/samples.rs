//! Reads payloads that Square has published, from the folder `CROSSDOCK_SAMPLES`, else from `shared/data/samples` beside
//! the workspace. Without the folder the tests only print that there are no samples; they fail where the variable is set
//! and the folder is empty.

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
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/samples");
    std::env::var_os("CROSSDOCK_SAMPLES").map_or_else(default, PathBuf::from).join("square")
}

/// Prints that there are no samples; fails where `CROSSDOCK_SAMPLES` is set.
fn report_missing(folder: &Path) {
    assert!(
        std::env::var_os("CROSSDOCK_SAMPLES").is_none(),
        "CROSSDOCK_SAMPLES is set, and there are no samples in {}",
        folder.display()
    );
    println!("NO SAMPLES in {}: nothing was tested", folder.display());
}

fn sample(name: &str) -> Option<Value> {
    serde_json::from_slice(&std::fs::read(samples().join(name)).ok()?).ok()
}

fn host(merchant: &str) -> testing::Host {
    testing::Host::new().setting("merchant", merchant).setting("ask-payments", false)
}

/// Requests for the order that Square publishes as a response, with another id, and for its catalogue objects.
fn order(id: &Value) -> [testing::ExpectedRequest; 2] {
    let mut response = sample("CreateOrderResponse.json").unwrap();
    response["order"]["id"] = id.clone();
    let path = format!("/v2/orders/{}", id.as_str().unwrap());
    [testing::get(&path).respond(200, response), testing::post("/v2/catalog/batch-retrieve")]
}

/// The requests that a notification causes, with Square's responses.
fn script(body: &Value) -> Vec<testing::ExpectedRequest> {
    let object = &body["data"]["object"];
    match body["type"].as_str().unwrap_or_default() {
        "order.created" | "order.updated" | "order.fulfillment.updated" => {
            let (_, order_data) = object.as_object().unwrap().iter().next().unwrap();
            order(&order_data["order_id"]).into()
        }
        "payment.created" | "payment.updated" => order(&object["payment"]["order_id"]).into(),
        "refund.created" | "refund.updated" if object["refund"]["status"] == "COMPLETED" => {
            let refund = &object["refund"];
            let path = |kind: &str, id: &Value| format!("/v2/{kind}/{}", id.as_str().unwrap());
            let paid = json!({ "payment": { "id": refund["payment_id"], "order_id": "SALE" } });
            vec![
                testing::get(&path("orders", &refund["order_id"])).respond(404, json!({})),
                testing::get(&path("payments", &refund["payment_id"])).respond(200, paid),
            ]
        }
        "inventory.count.updated" => vec![testing::post("/v2/catalog/batch-retrieve")],
        _ => vec![],
    }
}

#[test]
fn published_payloads_are_read_or_rejected_with_a_reason() {
    let listed = std::fs::read_dir(samples()).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = listed.map(|entry| entry.path()).collect();
    found.sort();
    if found.is_empty() {
        report_missing(&samples());
    }
    for path in found {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let bytes = std::fs::read(&path).unwrap();
        let body: Value = serde_json::from_slice(&bytes).unwrap();
        let merchant = body["merchant_id"].as_str().unwrap_or("M1");
        let host = script(&body).into_iter().fold(host(merchant), testing::Host::expect).install();
        let result = Square::receive(testing::inbound(&[], bytes));
        drop(host);
        let is_notification = body.get("event_id").is_some() && body.get("type").is_some();
        match result {
            Ok(events) if events.is_empty() => println!("{name}: read, no event"),
            Ok(events) => println!("{name}: read, {} of {}", events[0].fact.kind(), events[0].entity),
            Err(Failure::Rejected(problem)) => {
                println!("{name}: rejected, {}", problem.message);
                assert!(!is_notification && problem.code == "no-notification", "{name}: {problem}");
            }
            Err(other) => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn the_published_order_balances() {
    let Some(response) = sample("CreateOrderResponse.json") else {
        report_missing(&samples());
        return;
    };
    let _host = host("M1").install();
    let events =
        plugin_square::read_order(response["order"].to_string().as_bytes(), &Settings::read().unwrap())
            .unwrap();
    let order = events[0].fact.order().unwrap();
    let lines = order.lines.iter().map(|line| {
        money::decimal(&line.unit_price.shop.amount).unwrap() * money::decimal(&line.quantity).unwrap()
            - money::shop_total(line.discounts.iter().map(|discount| &discount.amount)).unwrap()
    });
    let sum = lines.sum::<Decimal>() + money::shop_total([&order.totals.tax]).unwrap();
    assert_eq!(sum, money::shop_total([&order.totals.total]).unwrap());
    assert_eq!(order.totals.total, Price::shop("61.76", "USD"));
}
