//! Polls of changed orders.

use crossdock_sdk::testing::{ExpectedRequest, Host, get};
use serde_json::{Value, json};

use super::*;

fn page(query: &[(&str, &str)], orders: &[Value], next: Option<&str>) -> ExpectedRequest {
    let expected = query
        .iter()
        .fold(get("/admin/api/2026-07/orders.json"), |exchange, (name, value)| exchange.query(name, value));
    let expected = expected.respond(200, json!({ "orders": orders }));
    match next {
        Some(token) => expected.response_header(
            "Link",
            &format!("<https://acme.myshopify.com/admin/api/2026-07/orders.json?limit=50&page_info={token}>; rel=\"next\""),
        ),
        None => expected,
    }
}

fn first(orders: &[Value], next: Option<&str>) -> ExpectedRequest {
    page(&[("status", "any"), ("order", "updated_at asc"), ("limit", "50"), SINCE], orders, next)
}

const SINCE: (&str, &str) = ("updated_at_min", "2026-10-31T23:58:00Z");

fn host() -> Host {
    Host::new().setting("shop", "acme.myshopify.com").setting("poll-since", "2026-11-01T00:00:00Z")
}

fn polls(host: Host, cursor: Option<&str>) -> Page {
    let _host = host.install();
    Shopify::poll(cursor.map(Into::into), 200).unwrap()
}

fn order(id: u64, changes: &[(&str, Value)]) -> Value {
    let body = changed(ORDER, &[&[("id", json!(id))], changes].concat());
    serde_json::from_slice(&body).unwrap()
}

fn events_of(page: &Page) -> Vec<String> {
    page.events.iter().map(|event| format!("{} {}", event.fact.kind(), event.entity.id)).collect()
}

#[test]
fn a_poll_yields_the_same_events_as_the_webhooks() {
    let body = order(1001, &[]);
    let polled = polls(host().expect(first(std::slice::from_ref(&body), None)), None);
    let created = event("orders/create", body.to_string());
    let updated = event("orders/updated", body.to_string());
    assert_eq!(polled.events, [created, updated], "the events have the same keys");
    assert!(!polled.more);
}

#[test]
fn an_unchanged_order_yields_only_order_placed() {
    let body = order(1001, &[("updated_at", ORDER_CREATED.into())]);
    let polled = polls(host().expect(first(&[body], None)), None);
    assert_eq!(events_of(&polled), ["order.placed 1001"]);
}

const ORDER_CREATED: &str = "2026-11-20T18:04:11-05:00";

#[test]
fn refunds_and_fulfilments_are_read_with_their_order() {
    let refund: Value = serde_json::from_str(REFUND).unwrap();
    let fulfilment = json!({
        "id": 8, "order_id": 1001, "status": "success", "name": "#1001.1",
        "created_at": "2026-11-21T10:00:00-05:00", "updated_at": "2026-11-21T10:00:05-05:00",
        "line_items": [{ "id": 11, "sku": "TEA-100", "quantity": 1 }],
    });
    let body = order(
        1001,
        &[
            ("cancelled_at", "2026-11-22T10:00:00-05:00".into()),
            ("refunds", json!([refund])),
            ("fulfillments", json!([fulfilment])),
        ],
    );
    let polled = polls(host().expect(first(&[body], None)), None);
    assert_eq!(
        events_of(&polled),
        ["order.cancelled 1001", "refund.issued 9007199254750001", "shipment.updated 8"],
        "a cancelled order yields no order.placed"
    );
    assert_eq!(polled.events[1], event("refunds/create", refund.to_string()));
    assert_eq!(polled.events[2], event("fulfillments/create", fulfilment.to_string()));
}

#[test]
fn an_unreadable_part_does_not_affect_the_others() {
    let refund: Value = serde_json::from_str(REFUND).unwrap();
    let body = order(1001, &[("refunds", json!([{ "id": 1 }, refund]))]);
    let polled = polls(host().expect(first(&[body], None)), None);
    assert_eq!(
        events_of(&polled),
        ["order.placed 1001", "order.updated 1001", "refund.issued 9007199254750001"]
    );
    let body = order(1001, &[("financial_status", "a new word".into()), ("refunds", json!([refund]))]);
    let polled = polls(host().expect(first(&[body], None)), None);
    assert_eq!(events_of(&polled), ["refund.issued 9007199254750001"]);
}

#[test]
fn the_cursor_does_not_grow_during_a_pass() {
    let day = |day: u32| format!("2026-11-{day:02}T10:00:00Z");
    let mut cursor: Option<String> = None;
    for day_of in 1..20 {
        let orders = [order(day_of.into(), &[("updated_at", day(day_of).into())])];
        let expected = match cursor {
            None => first(&orders, Some("TOKEN")),
            Some(_) => page(&[("limit", "50"), ("page_info", "TOKEN")], &orders, Some("TOKEN")),
        };
        cursor = Some(polls(host().expect(expected), cursor.as_deref()).cursor);
    }
    assert!(cursor.unwrap().len() < 200);
}

#[test]
fn pages_are_read_in_turn_and_passes_overlap() {
    let at = |at: &str| [("updated_at", Value::from(at))];
    let one = order(1, &at("2026-11-20T18:10:00-05:00"));
    let two = order(2, &at("2026-11-20T18:20:00-05:00"));
    let started = polls(host().expect(first(&[one], Some("TOKEN"))), None);
    assert!(started.more);
    let next = page(&[("limit", "50"), ("page_info", "TOKEN")], std::slice::from_ref(&two), None);
    let ended = polls(host().expect(next), Some(&started.cursor));
    assert_eq!((events_of(&ended).len(), ended.more), (2, false));
    // The next pass starts two minutes before the last change, without the orders already read of that time.
    let again = |orders: &[Value]| {
        let query = [
            ("status", "any"),
            ("order", "updated_at asc"),
            ("limit", "50"),
            ("updated_at_min", "2026-11-20T23:18:00Z"),
        ];
        page(&query, orders, None)
    };
    let quiet = polls(host().expect(again(std::slice::from_ref(&two))), Some(&ended.cursor));
    assert_eq!(
        (events_of(&quiet), quiet.cursor.clone()),
        (vec![], ended.cursor.clone()),
        "the cursor does not change"
    );
    let late = order(3, &at("2026-11-20T18:19:00-05:00"));
    let paid = order(2, &at("2026-11-20T18:20:30-05:00"));
    let found = polls(host().expect(again(&[late, paid])), Some(&ended.cursor));
    assert_eq!(events_of(&found), ["order.placed 3", "order.updated 3", "order.placed 2", "order.updated 2"]);
}

#[test]
fn an_expired_page_token_restarts_the_pass() {
    let started = polls(host().expect(first(&[order(1, &[])], Some("TOKEN"))), None);
    let refused = page(&[("limit", "50"), ("page_info", "TOKEN")], &[], None)
        .respond(400, json!({ "errors": { "page_info": "Invalid value." } }));
    let begun = polls(host().expect(refused), Some(&started.cursor));
    assert!(begun.more && begun.events.is_empty());
    assert_ne!(begun.cursor, started.cursor);
    let query = [
        ("status", "any"),
        ("order", "updated_at asc"),
        ("limit", "50"),
        ("updated_at_min", "2026-11-20T23:02:12Z"),
    ];
    polls(host().expect(page(&query, &[], None)), Some(&begun.cursor));
}

#[test]
fn without_poll_since_polling_starts_at_the_newest_change() {
    let host = || Host::new().setting("shop", "acme.myshopify.com");
    let newest = [("status", "any"), ("order", "updated_at desc"), ("limit", "1")];
    let begun = polls(host().expect(page(&newest, &[order(7, &[])], None)), None);
    assert_eq!(events_of(&begun), [""; 0], "older orders are not read");
    let query = [
        ("status", "any"),
        ("order", "updated_at asc"),
        ("limit", "50"),
        ("updated_at_min", "2026-11-20T23:02:12Z"),
    ];
    let next = polls(host().expect(page(&query, &[order(7, &[]), order(8, &[])], None)), Some(&begun.cursor));
    assert_eq!(events_of(&next), ["order.placed 8", "order.updated 8"]);
    // In an empty shop every order is new.
    let begun = polls(host().expect(page(&newest, &[], None)), None);
    let query = [("status", "any"), ("order", "updated_at asc"), ("limit", "50")];
    let next = polls(host().expect(page(&query, &[order(1, &[])], None)), Some(&begun.cursor));
    assert_eq!(events_of(&next).len(), 2);
}

#[test]
fn an_unreadable_order_does_not_affect_the_others() {
    let installed = host()
        .expect(first(&[order(1, &[("total_price_set", json!("free"))]), order(2, &[])], None))
        .install();
    let page = Shopify::poll(None, 200).unwrap();
    assert_eq!(events_of(&page), ["order.placed 2", "order.updated 2"]);
    let log = installed.log();
    assert!(log[0].1.starts_with("the state of order 1, read by polling, cannot be read"), "{log:?}");
    assert!(!log[0].1.contains("free"), "nothing of its content is quoted");
}

#[test]
fn a_failed_poll_is_a_failure() {
    let fails = |exchange: ExpectedRequest| {
        let _host = host().expect(exchange).install();
        Shopify::poll(None, 200).unwrap_err()
    };
    let throttled =
        first(&[], None).respond(429, json!({ "errors": "Exceeded" })).response_header("Retry-After", "2.0");
    assert!(matches!(fails(throttled), Failure::Throttled(_)));
    assert!(matches!(
        fails(first(&[], None).respond(401, json!({ "errors": "[API] Invalid API key" }))),
        Failure::Unauthorized(_)
    ));
    assert!(matches!(fails(first(&[], None).respond(502, json!({}))), Failure::Unavailable(_)));
    let _host = host().install();
    let unreadable = Shopify::poll(Some("{".into()), 200).unwrap_err();
    assert!(matches!(unreadable, Failure::Rejected(problem) if problem.code == "cursor-unreadable"));
}
