//! Webhooks and deliveries. The fixtures are an order and a refund in the form of API version 2026-07.

#[path = "../../tests/schema_validator/mod.rs"]
mod schema_validator;

mod articles;
mod cancellations;
mod fulfilments_and_levels;
mod orders;
mod polling;
mod prices;
mod refunds;
mod setup;
mod shipments;
mod shop;
mod status;
mod stock;
mod throttling_and_errors;

use crossdock_sdk::prelude::*;
use crossdock_sdk::testing;
use serde_json::Value;

use super::Shopify;

const ORDER: &str = include_str!("../../fixtures/order.json");
const REFUND: &str = include_str!("../../fixtures/refund.json");

/// A body with some members changed: each is a path of names and indexes (`line_items/0/sku`) and a value.
fn changed(body: &str, changes: &[(&str, Value)]) -> Vec<u8> {
    let mut body: Value = serde_json::from_str(body).unwrap();
    for (path, value) in changes {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        let parent =
            body.pointer_mut(&if parent.is_empty() { String::new() } else { format!("/{parent}") }).unwrap();
        parent.as_object_mut().unwrap().insert(name.to_owned(), value.clone());
    }
    serde_json::to_vec(&body).unwrap()
}

fn receive(headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Result<Vec<Event>, Problem> {
    let _host = testing::Host::new().setting("shop", "acme.myshopify.com").install();
    Shopify::receive(testing::inbound(headers, body)).map_err(|failure| match failure {
        Failure::Rejected(problem) => problem,
        other => panic!("{other:?}"),
    })
}

fn event(topic: &str, body: impl Into<Vec<u8>>) -> Event {
    let headers = [("x-shopify-topic", topic), ("x-shopify-shop-domain", "acme.myshopify.com")];
    let mut events = receive(&headers, body).unwrap();
    assert_eq!(events.len(), 1);
    events.remove(0)
}

fn problem(topic: &str, body: impl Into<Vec<u8>>) -> Problem {
    receive(&[("x-shopify-topic", topic)], body).unwrap_err()
}

/// The order of a webhook `orders/updated`, with some members changed.
fn order(changes: &[(&str, Value)]) -> Order {
    event("orders/updated", changed(ORDER, changes)).fact.order().unwrap().clone()
}

fn refund(changes: &[(&str, Value)]) -> Refund {
    match event("refunds/create", changed(REFUND, changes)).fact {
        Fact::RefundIssued(refund) => refund,
        other => panic!("{}", other.kind()),
    }
}

fn usd(amount: &str) -> Price {
    Price::shop(amount, "USD")
}

#[test]
fn a_webhook_of_another_shop_is_rejected() {
    let problem = receive(
        &[("x-shopify-topic", "orders/create"), ("x-shopify-shop-domain", "evil.myshopify.com")],
        ORDER,
    );
    assert_eq!(problem.unwrap_err().code, "other-shop");
    let same = receive(
        &[("x-shopify-topic", "orders/create"), ("x-shopify-shop-domain", "ACME.myshopify.com")],
        ORDER,
    );
    assert_eq!(same.unwrap()[0].entity.tenant, "acme.myshopify.com");
}

#[test]
fn unsupported_topics_yield_no_event() {
    for topic in ["orders/delete", "products/update", "orders/risk_assessment_changed"] {
        assert_eq!(receive(&[("x-shopify-topic", topic)], "{}").unwrap(), vec![], "{topic}");
    }
}

#[test]
fn a_wrapped_resource_is_read_without_a_topic() {
    let wrapped = format!(" {{ \"order\" : {ORDER} }}");
    assert_eq!(receive(&[], wrapped.clone()).unwrap()[0].fact.kind(), "order.updated");
    assert_eq!(
        receive(&[("x-shopify-topic", "orders/create")], wrapped).unwrap()[0].fact.kind(),
        "order.placed"
    );
    assert_eq!(receive(&[], format!("{{\"refund\":{REFUND}}}")).unwrap()[0].fact.kind(), "refund.issued");
    assert_eq!(receive(&[], ORDER).unwrap_err().code, "topic-missing");
}

#[test]
fn a_body_of_another_form_is_rejected() {
    assert!(problem("orders/create", REFUND).message.starts_with("missing field `name`"));
    assert_eq!(problem("refunds/create", ORDER).code, "body-unreadable");
    assert_eq!(problem("orders/edited", ORDER).code, "body-unreadable");
    assert_eq!(problem("orders/create", "not json").code, "body-unreadable");
    assert_eq!(problem("orders/create", [b'{', 0xff, b'}']).message, "the body is not UTF-8");
    assert_eq!(problem("orders/create", "{}").code, "body-unreadable");
}

#[test]
fn a_problem_never_quotes_the_body() {
    let body = changed(ORDER, &[("line_items", "Ada Example, Elm St".into())]);
    let problem = problem("orders/create", body);
    assert!(problem.message.starts_with("expected a list at line 1"), "{problem}");
    assert!(!problem.message.contains("Ada"));
}
