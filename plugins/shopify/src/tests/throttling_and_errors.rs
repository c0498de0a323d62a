//! The rate limit, and errors with any status.

use serde_json::{Value, json};

use super::shop::{Shop, order, request_of, shop};
use super::*;
use crate::admin::operations::{CANCEL_ORDER, ORDER_CANCELLED};

fn work() -> Work {
    testing::work(testing::event(order(), None, Fact::cancelled(testing::order())))
}

fn cost(requested: f64, available: f64) -> Value {
    json!({ "cost": {
        "requestedQueryCost": requested,
        "actualQueryCost": null,
        "throttleStatus": { "maximumAvailable": 2000.0, "currentlyAvailable": available, "restoreRate": 100.0 },
    } })
}

fn throttled() -> Value {
    json!({
        "errors": [{ "message": "Throttled", "extensions": { "code": "THROTTLED", "documentation": "https://a.test" } }],
        "extensions": cost(50.0, 20.0),
    })
}

fn order_not_cancelled(available: f64) -> (Value, Value) {
    (json!({}), json!({ "data": { "order": { "cancelledAt": null } }, "extensions": cost(2.0, available) }))
}

fn after(outcome: &Outcome) -> Option<u64> {
    match outcome {
        Outcome::Throttled(throttle) => throttle.after_ms,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_throttled_query_has_the_time_to_retry() {
    for status in [200, 429] {
        let call = shop()
            .expects(request_of(&ORDER_CANCELLED, json!({})).respond(status, throttled()))
            .delivers(work());
        assert_eq!(after(&call.result), Some(300), "status {status}: 30 points missing at 100 a second");
    }
    // A proxy in front of the API sets only the header.
    let bare = request_of(&ORDER_CANCELLED, json!({}))
        .respond_bytes(429, "slow down")
        .response_header("Retry-After", "4");
    assert_eq!(after(&shop().expects(bare).delivers(work()).result), Some(4000));
    // Throttled for another reason than the bucket.
    let other = json!({ "errors": [{ "message": "Throttled" }] });
    let call = shop().expects(request_of(&ORDER_CANCELLED, json!({})).respond(200, other)).delivers(work());
    assert_eq!(after(&call.result), None);
}

#[test]
fn a_throttled_mutation_had_no_effect() {
    let (variables, data) = order_not_cancelled(1990.0);
    let call = shop()
        .responds_with_body(&ORDER_CANCELLED, variables, data)
        .expects(request_of(&CANCEL_ORDER, json!({})).respond(200, throttled()))
        .delivers(work());
    assert_eq!(after(&call.result), Some(300));
}

#[test]
fn work_is_throttled_before_the_bucket_is_empty() {
    // 150 points are available: the next request would use the reserved tenth.
    let (variables, data) = order_not_cancelled(150.0);
    let call = shop().responds_with_body(&ORDER_CANCELLED, variables, data).delivers(work());
    assert_eq!(after(&call.result), Some(620), "12 points and a reserve of 200, at 100 a second");
    assert_eq!(call.variables.len(), 1, "the mutation was not sent");
}

#[test]
fn one_failed_piece_does_not_affect_the_others() {
    let (variables, _) = order_not_cancelled(0.0);
    let gone = json!({ "data": { "order": { "cancelledAt": "2026-11-23T10:00:00Z" } }, "extensions": cost(2.0, 203.0) });
    let unknown = json!({ "data": { "order": null }, "extensions": cost(2.0, 201.0) });
    let call = shop()
        .responds_with_body(&ORDER_CANCELLED, variables.clone(), gone.clone())
        .responds_with_body(&ORDER_CANCELLED, variables, unknown)
        .runs(|| Shopify::deliver(vec![work(), work(), work()]));
    let [first, second, third] = call.result.as_slice() else { panic!() };
    assert!(matches!(first, Outcome::AlreadyThere(_)));
    assert!(matches!(second, Outcome::Rejected(_)));
    assert_eq!(after(third), Some(10));
}

fn query_outcome(status: u16, body: Value) -> Outcome {
    shop().expects(request_of(&ORDER_CANCELLED, json!({})).respond(status, body)).delivers(work()).result
}

fn mutation_outcome(script: Shop, status: u16, body: Value) -> Outcome {
    let (variables, data) = order_not_cancelled(1990.0);
    let script = script.responds_with_body(&ORDER_CANCELLED, variables, data);
    script.expects(request_of(&CANCEL_ORDER, json!({})).respond(status, body)).delivers(work()).result
}

#[test]
fn errors_are_mapped_with_any_status() {
    let error = |code: &str| json!({ "errors": [{ "message": "it says", "extensions": { "code": code } }] });
    assert!(matches!(query_outcome(200, error("ACCESS_DENIED")), Outcome::Unauthorized(_)));
    assert!(matches!(query_outcome(200, error("SHOP_INACTIVE")), Outcome::Unauthorized(_)));
    assert!(matches!(query_outcome(200, error("INTERNAL_SERVER_ERROR")), Outcome::Unavailable(_)));
    assert!(
        matches!(mutation_outcome(shop(), 200, error("INTERNAL_SERVER_ERROR")), Outcome::Unknown(_)),
        "it may have been done"
    );
    let refused = query_outcome(200, error("MAX_COST_EXCEEDED"));
    assert!(matches!(refused, Outcome::Rejected(problem) if problem.code == "max-cost-exceeded"));
    let nameless = query_outcome(200, json!({ "errors": [{ "message": "Field 'x' doesn't exist" }] }));
    assert!(matches!(nameless, Outcome::Rejected(problem) if problem.code == "query-refused"));
    assert!(matches!(
        query_outcome(401, json!({ "errors": "[API] Invalid API key" })),
        Outcome::Unauthorized(_)
    ));
    assert!(
        matches!(query_outcome(402, json!({ "errors": "Unavailable Shop" })), Outcome::Unauthorized(problem) if problem.code == "shop-frozen")
    );
    assert!(
        matches!(query_outcome(423, json!({})), Outcome::Unauthorized(problem) if problem.code == "shop-locked")
    );
    assert!(
        matches!(query_outcome(404, json!({ "errors": "Not Found" })), Outcome::Unauthorized(problem) if problem.code == "shop-unknown")
    );
    assert!(matches!(query_outcome(503, json!({})), Outcome::Unavailable(_)));
    assert!(matches!(mutation_outcome(shop(), 500, json!({})), Outcome::Unknown(_)));
    assert!(
        matches!(query_outcome(200, json!({ "data": { "order": 7 } })), Outcome::Unavailable(_)),
        "unreadable"
    );
    assert!(matches!(
        mutation_outcome(shop(), 200, json!({ "data": { "orderCancel": null } })),
        Outcome::Unknown(_)
    ));
}

#[test]
fn a_missing_scope_is_named() {
    let denied = json!({ "errors": [{ "message": "Access denied for order field.", "extensions": {
        "code": "ACCESS_DENIED", "requiredAccess": "`read_orders` access scope.",
    } }] });
    let Outcome::Unauthorized(problem) = query_outcome(200, denied) else { panic!() };
    assert_eq!(
        problem.message,
        "the app is not authorized for OrderCancelled; it requires `read_orders` access scope."
    );
}

#[test]
fn another_served_version_is_logged_once_per_call() {
    let answer = |operation, data: Value| {
        request_of(operation, json!({}))
            .respond(200, json!({ "data": data }))
            .response_header("X-Shopify-API-Version", "2026-10")
            .response_header("X-Shopify-API-Deprecated-Reason", "https://shopify.dev/changelog")
    };
    let data = json!({ "order": { "cancelledAt": null } });
    let done = json!({ "orderCancel": { "job": { "id": "1", "done": true }, "orderCancelUserErrors": [] } });
    let call =
        shop().expects(answer(&ORDER_CANCELLED, data)).expects(answer(&CANCEL_ORDER, done)).delivers(work());
    assert!(matches!(call.result, Outcome::Posted(_)));
    assert_eq!(
        call.log,
        [
            "Shopify serves API version 2026-10; this plugin requested 2026-07",
            "Shopify reports that this plugin uses a deprecated feature: https://shopify.dev/changelog",
        ]
    );
    let same = request_of(&ORDER_CANCELLED, json!({}))
        .respond(200, json!({ "data": { "order": { "cancelledAt": "2026-11-23T10:00:00Z" } } }))
        .response_header("X-Shopify-API-Version", "2026-07");
    assert_eq!(shop().expects(same).delivers(work()).log, [""; 0]);
}

#[test]
fn the_address_of_the_api_is_configurable() {
    let gone = json!({ "order": { "cancelledAt": "2026-11-23T10:00:00Z" } });
    let call = shop()
        .setting("url", "https://proxy.test/")
        .responds(&ORDER_CANCELLED, json!({}), gone)
        .delivers(work());
    assert!(matches!(call.result, Outcome::AlreadyThere(_)));
    let _host = testing::Host::new().install();
    assert!(
        matches!(Shopify::deliver(vec![work()]).as_slice(), [Outcome::Rejected(problem)] if problem.code == "setting-missing")
    );
}
