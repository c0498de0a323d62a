//! Polls of changed orders.

use super::*;

fn poll(host: testing::Host, cursor: Option<&str>) -> Result<Page, Failure> {
    let _host = host.setting("locations", ["L1"]).install();
    Square::poll(cursor.map(str::to_owned), 100)
}

fn search(body: Value) -> testing::ExpectedRequest {
    testing::post("/v2/orders/search").body_including(body)
}

fn changed(id: &str, at: &str) -> Value {
    let mut order = order();
    (order["id"], order["updated_at"]) = (id.into(), at.into());
    order
}

#[test]
fn pages_are_read_in_turn_and_the_next_search_starts_at_the_last_change() {
    let (first, second) = (changed("O1", "2026-11-23T17:00:00Z"), changed("O2", "2026-11-23T18:00:00Z"));
    let page = search(
        json!({ "location_ids": ["L1"], "query": { "filter": { "date_time_filter": { "updated_at": { "start_at": "2026-11-01T00:00:00Z" } } },
        "sort": { "sort_field": "UPDATED_AT", "sort_order": "ASC" } } }),
    );
    let page = page.respond(200, json!({ "orders": [first], "cursor": "next-1" }));
    let one = poll(host().setting("since", "2026-11-01T00:00:00Z").expect(page), None).unwrap();
    assert!(one.more);
    assert_eq!(one.events[0].entity.id, "O1");
    let page = search(
        json!({ "cursor": "next-1", "query": { "filter": { "date_time_filter": { "updated_at": { "start_at": "2026-11-01T00:00:00Z" } } } } }),
    );
    let two =
        poll(host().expect(page.respond(200, json!({ "orders": [second] }))), Some(&one.cursor)).unwrap();
    assert!(!two.more);
    let page = search(
        json!({ "query": { "filter": { "date_time_filter": { "updated_at": { "start_at": "2026-11-23T18:00:00Z" } } } } }),
    );
    let three = poll(host().expect(page.respond(200, json!({}))), Some(&two.cursor)).unwrap();
    assert_eq!((three.events.len(), three.more, three.cursor), (0, false, two.cursor));
}

#[test]
fn a_poll_yields_the_same_events_as_a_notification() {
    let page = search(json!({})).respond(200, json!({ "orders": [order()] }));
    assert_eq!(poll(host().expect(page), None).unwrap().events, events_of("order.updated", &order()));
}

#[test]
fn an_unreadable_order_does_not_affect_the_others() {
    let mut invalid = changed("O9", "2026-11-23T17:30:00Z");
    invalid["line_items"][0]["quantity"] = "many".into();
    let malformed = json!({ "id": 7 });
    let page = search(json!({})).respond(200, json!({ "orders": [malformed, invalid, order()] }));
    let installed = host().setting("locations", ["L1"]).expect(page).install();
    let page = Square::poll(None, 100).unwrap();
    assert_eq!(page.events.len(), 1);
    assert!(page.cursor.contains("17:30"), "{}", page.cursor);
    assert_eq!(installed.log().len(), 2);
}

#[test]
fn a_failed_poll_is_a_failure() {
    let Err(Failure::Rejected(problem)) = ({
        let _host = host().install();
        Square::poll(None, 10)
    }) else {
        panic!()
    };
    assert_eq!(problem.code, "setting-missing");
    let Err(Failure::Rejected(problem)) = poll(host(), Some("yesterday")) else { panic!() };
    assert_eq!(problem.code, "cursor-unreadable");
    let down = search(json!({})).respond(503, json!({}));
    assert!(matches!(poll(host().expect(down), None), Err(Failure::Unavailable(_))));
}
