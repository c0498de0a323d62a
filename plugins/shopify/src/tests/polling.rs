//! Orders that changed while no webhook told.

use crossdock_sdk::testing::{Exchange, Host, get};
use serde_json::{Value, json};

use super::*;

fn page(query: &[(&str, &str)], orders: &[Value], next: Option<&str>) -> Exchange {
    let expected = query
        .iter()
        .fold(get("/admin/api/2026-07/orders.json"), |exchange, (name, value)| exchange.query(name, value));
    let expected = expected.answer(200, json!({ "orders": orders }));
    match next {
        Some(token) => expected.answer_header(
            "Link",
            &format!("<https://acme.myshopify.com/admin/api/2026-07/orders.json?limit=50&page_info={token}>; rel=\"next\""),
        ),
        None => expected,
    }
}

fn first(orders: &[Value], next: Option<&str>) -> Exchange {
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

fn told(page: &Page) -> Vec<String> {
    page.events.iter().map(|event| format!("{} {}", event.fact.kind(), event.entity.id)).collect()
}

#[test]
fn an_order_is_told_as_its_webhooks_would_have_told_it() {
    let body = order(1001, &[]);
    let polled = polls(host().expect(first(std::slice::from_ref(&body), None)), None);
    let created = event("orders/create", body.to_string());
    let updated = event("orders/updated", body.to_string());
    assert_eq!(polled.events, [created, updated], "so the host knows what it was told already");
    assert!(!polled.more);
}

#[test]
fn an_order_that_never_changed_was_only_placed() {
    let body = order(1001, &[("updated_at", ORDER_CREATED.into())]);
    let polled = polls(host().expect(first(&[body], None)), None);
    assert_eq!(told(&polled), ["order.placed 1001"]);
}

const ORDER_CREATED: &str = "2026-11-20T18:04:11-05:00";

#[test]
fn refunds_and_fulfilments_come_with_their_order() {
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
        told(&polled),
        ["order.cancelled 1001", "refund.issued 9007199254750001", "shipment.updated 8"],
        "what is cancelled is told as such and never as placed"
    );
    assert_eq!(polled.events[1], event("refunds/create", refund.to_string()));
    assert_eq!(polled.events[2], event("fulfillments/create", fulfilment.to_string()));
}

#[test]
fn what_cannot_be_read_takes_nothing_else_along() {
    let refund: Value = serde_json::from_str(REFUND).unwrap();
    let body = order(1001, &[("refunds", json!([{ "id": 1 }, refund]))]);
    let polled = polls(host().expect(first(&[body], None)), None);
    assert_eq!(told(&polled), ["order.placed 1001", "order.updated 1001", "refund.issued 9007199254750001"]);
    let body = order(1001, &[("financial_status", "a new word".into()), ("refunds", json!([refund]))]);
    let polled = polls(host().expect(first(&[body], None)), None);
    assert_eq!(told(&polled), ["refund.issued 9007199254750001"]);
}

#[test]
fn the_cursor_does_not_grow_with_the_pass() {
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
fn pages_follow_each_other_and_passes_overlap() {
    let at = |at: &str| [("updated_at", Value::from(at))];
    let one = order(1, &at("2026-11-20T18:10:00-05:00"));
    let two = order(2, &at("2026-11-20T18:20:00-05:00"));
    let started = polls(host().expect(first(&[one], Some("TOKEN"))), None);
    assert!(started.more);
    let next = page(&[("limit", "50"), ("page_info", "TOKEN")], std::slice::from_ref(&two), None);
    let ended = polls(host().expect(next), Some(&started.cursor));
    assert_eq!((told(&ended).len(), ended.more), (2, false));
    // The next pass begins two minutes before the last change, and what was told of that time is left out.
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
    assert_eq!((told(&quiet), quiet.cursor.clone()), (vec![], ended.cursor.clone()), "nothing to keep");
    let late = order(3, &at("2026-11-20T18:19:00-05:00"));
    let paid = order(2, &at("2026-11-20T18:20:30-05:00"));
    let found = polls(host().expect(again(&[late, paid])), Some(&ended.cursor));
    assert_eq!(told(&found), ["order.placed 3", "order.updated 3", "order.placed 2", "order.updated 2"]);
}

#[test]
fn a_token_that_has_died_begins_the_pass_again() {
    let started = polls(host().expect(first(&[order(1, &[])], Some("TOKEN"))), None);
    let refused = page(&[("limit", "50"), ("page_info", "TOKEN")], &[], None)
        .answer(400, json!({ "errors": { "page_info": "Invalid value." } }));
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
fn without_a_word_it_begins_now() {
    let host = || Host::new().setting("shop", "acme.myshopify.com");
    let newest = [("status", "any"), ("order", "updated_at desc"), ("limit", "1")];
    let begun = polls(host().expect(page(&newest, &[order(7, &[])], None)), None);
    assert_eq!(told(&begun), [""; 0], "what is older is not told");
    let query = [
        ("status", "any"),
        ("order", "updated_at asc"),
        ("limit", "50"),
        ("updated_at_min", "2026-11-20T23:02:12Z"),
    ];
    let next = polls(host().expect(page(&query, &[order(7, &[]), order(8, &[])], None)), Some(&begun.cursor));
    assert_eq!(told(&next), ["order.placed 8", "order.updated 8"]);
    // An empty shop has nothing older: all that comes is new.
    let begun = polls(host().expect(page(&newest, &[], None)), None);
    let query = [("status", "any"), ("order", "updated_at asc"), ("limit", "50")];
    let next = polls(host().expect(page(&query, &[order(1, &[])], None)), Some(&begun.cursor));
    assert_eq!(told(&next).len(), 2);
}

#[test]
fn one_order_that_cannot_be_read_keeps_no_other_back() {
    let installed = host()
        .expect(first(&[order(1, &[("total_price_set", json!("free"))]), order(2, &[])], None))
        .install();
    let page = Shopify::poll(None, 200).unwrap();
    assert_eq!(told(&page), ["order.placed 2", "order.updated 2"]);
    let log = installed.log();
    assert!(log[0].1.starts_with("the state of order 1 was found by polling and cannot be read"), "{log:?}");
    assert!(!log[0].1.contains("free"), "nothing of its content is quoted");
}

#[test]
fn what_the_shop_says_to_a_poll_is_what_it_means() {
    let fails = |exchange: Exchange| {
        let _host = host().expect(exchange).install();
        Shopify::poll(None, 200).unwrap_err()
    };
    let throttled =
        first(&[], None).answer(429, json!({ "errors": "Exceeded" })).answer_header("Retry-After", "2.0");
    assert!(matches!(fails(throttled), Failure::Throttled(_)));
    assert!(matches!(
        fails(first(&[], None).answer(401, json!({ "errors": "[API] Invalid API key" }))),
        Failure::Unauthorized(_)
    ));
    assert!(matches!(fails(first(&[], None).answer(502, json!({}))), Failure::Unavailable(_)));
    let _host = host().install();
    let unreadable = Shopify::poll(Some("{".into()), 200).unwrap_err();
    assert!(matches!(unreadable, Failure::Rejected(problem) if problem.code == "cursor-unreadable"));
}
