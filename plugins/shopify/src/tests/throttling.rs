//! The bucket of points, and errors under any status.

use serde_json::{Value, json};

use super::shop::{Shop, asks, order, shop};
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

fn standing(available: f64) -> (Value, Value) {
    (json!({}), json!({ "data": { "order": { "cancelledAt": null } }, "extensions": cost(2.0, available) }))
}

fn after(outcome: &Outcome) -> Option<u64> {
    match outcome {
        Outcome::Throttled(throttle) => throttle.after_ms,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_empty_bucket_says_when_to_come_back() {
    for status in [200, 429] {
        let came =
            shop().meets(asks(&ORDER_CANCELLED, json!({})).answer(status, throttled())).delivers(work());
        assert_eq!(after(&came.of), Some(300), "status {status}: 30 points missing at 100 a second");
    }
    // A proxy before the API knows the header only.
    let bare =
        asks(&ORDER_CANCELLED, json!({})).answer_bytes(429, "slow down").answer_header("Retry-After", "4");
    assert_eq!(after(&shop().meets(bare).delivers(work()).of), Some(4000));
    // Throttled by something else than the bucket.
    let other = json!({ "errors": [{ "message": "Throttled" }] });
    let came = shop().meets(asks(&ORDER_CANCELLED, json!({})).answer(200, other)).delivers(work());
    assert_eq!(after(&came.of), None);
}

#[test]
fn a_mutation_that_was_throttled_did_nothing() {
    let (asked, stands) = standing(1990.0);
    let came = shop()
        .answers_whole(&ORDER_CANCELLED, asked, stands)
        .meets(asks(&CANCEL_ORDER, json!({})).answer(200, throttled()))
        .delivers(work());
    assert_eq!(after(&came.of), Some(300));
}

#[test]
fn work_slows_down_before_the_bucket_is_empty() {
    // 150 points are left: the next piece would draw on the tenth that is everybody's.
    let (asked, stands) = standing(150.0);
    let came = shop().answers_whole(&ORDER_CANCELLED, asked, stands).delivers(work());
    assert_eq!(after(&came.of), Some(620), "12 points and a reserve of 200, at 100 a second");
    assert_eq!(came.variables.len(), 1, "the mutation was not sent");
}

#[test]
fn one_piece_of_work_does_not_spoil_the_others() {
    let (asked, _) = standing(0.0);
    let gone = json!({ "data": { "order": { "cancelledAt": "2026-11-23T10:00:00Z" } }, "extensions": cost(2.0, 203.0) });
    let unknown = json!({ "data": { "order": null }, "extensions": cost(2.0, 201.0) });
    let came = shop()
        .answers_whole(&ORDER_CANCELLED, asked.clone(), gone.clone())
        .answers_whole(&ORDER_CANCELLED, asked, unknown)
        .runs(|| Shopify::deliver(vec![work(), work(), work()]));
    let [first, second, third] = came.of.as_slice() else { panic!() };
    assert!(matches!(first, Outcome::AlreadyThere(_)));
    assert!(matches!(second, Outcome::Rejected(_)));
    assert_eq!(after(third), Some(10));
}

fn answered(status: u16, body: Value) -> Outcome {
    shop().meets(asks(&ORDER_CANCELLED, json!({})).answer(status, body)).delivers(work()).of
}

fn mutated(script: Shop, status: u16, body: Value) -> Outcome {
    let (asked, stands) = standing(1990.0);
    let script = script.answers_whole(&ORDER_CANCELLED, asked, stands);
    script.meets(asks(&CANCEL_ORDER, json!({})).answer(status, body)).delivers(work()).of
}

#[test]
fn errors_mean_what_they_mean_under_any_status() {
    let error = |code: &str| json!({ "errors": [{ "message": "it says", "extensions": { "code": code } }] });
    assert!(matches!(answered(200, error("ACCESS_DENIED")), Outcome::Unauthorized(_)));
    assert!(matches!(answered(200, error("SHOP_INACTIVE")), Outcome::Unauthorized(_)));
    assert!(matches!(answered(200, error("INTERNAL_SERVER_ERROR")), Outcome::Unavailable(_)));
    assert!(
        matches!(mutated(shop(), 200, error("INTERNAL_SERVER_ERROR")), Outcome::Unknown(_)),
        "it may have been done"
    );
    let refused = answered(200, error("MAX_COST_EXCEEDED"));
    assert!(matches!(refused, Outcome::Rejected(problem) if problem.code == "max-cost-exceeded"));
    let nameless = answered(200, json!({ "errors": [{ "message": "Field 'x' doesn't exist" }] }));
    assert!(matches!(nameless, Outcome::Rejected(problem) if problem.code == "query-refused"));
    assert!(matches!(answered(401, json!({ "errors": "[API] Invalid API key" })), Outcome::Unauthorized(_)));
    assert!(
        matches!(answered(402, json!({ "errors": "Unavailable Shop" })), Outcome::Unauthorized(problem) if problem.code == "shop-frozen")
    );
    assert!(
        matches!(answered(423, json!({})), Outcome::Unauthorized(problem) if problem.code == "shop-locked")
    );
    assert!(
        matches!(answered(404, json!({ "errors": "Not Found" })), Outcome::Unauthorized(problem) if problem.code == "shop-unknown")
    );
    assert!(matches!(answered(503, json!({})), Outcome::Unavailable(_)));
    assert!(matches!(mutated(shop(), 500, json!({})), Outcome::Unknown(_)));
    assert!(
        matches!(answered(200, json!({ "data": { "order": 7 } })), Outcome::Unavailable(_)),
        "unreadable"
    );
    assert!(matches!(mutated(shop(), 200, json!({ "data": { "orderCancel": null } })), Outcome::Unknown(_)));
}

#[test]
fn what_the_app_may_not_do_is_named() {
    let denied = json!({ "errors": [{ "message": "Access denied for order field.", "extensions": {
        "code": "ACCESS_DENIED", "requiredAccess": "`read_orders` access scope.",
    } }] });
    let Outcome::Unauthorized(problem) = answered(200, denied) else { panic!() };
    assert_eq!(problem.message, "the app may not do OrderCancelled; it needs `read_orders` access scope.");
}

#[test]
fn another_version_is_warned_of_once_a_call() {
    let answer = |operation, data: Value| {
        asks(operation, json!({}))
            .answer(200, json!({ "data": data }))
            .answer_header("X-Shopify-API-Version", "2026-10")
            .answer_header("X-Shopify-API-Deprecated-Reason", "https://shopify.dev/changelog")
    };
    let stands = json!({ "order": { "cancelledAt": null } });
    let done = json!({ "orderCancel": { "job": { "id": "1", "done": true }, "orderCancelUserErrors": [] } });
    let came =
        shop().meets(answer(&ORDER_CANCELLED, stands)).meets(answer(&CANCEL_ORDER, done)).delivers(work());
    assert!(matches!(came.of, Outcome::Posted(_)));
    assert_eq!(
        came.log,
        [
            "Shopify serves API version 2026-10; this plugin asked for 2026-07",
            "Shopify calls something deprecated that this plugin uses: https://shopify.dev/changelog",
        ]
    );
    let same = asks(&ORDER_CANCELLED, json!({}))
        .answer(200, json!({ "data": { "order": { "cancelledAt": "2026-11-23T10:00:00Z" } } }))
        .answer_header("X-Shopify-API-Version", "2026-07");
    assert_eq!(shop().meets(same).delivers(work()).log, [""; 0]);
}

#[test]
fn another_address_of_the_api_is_the_operators_choice() {
    let gone = json!({ "order": { "cancelledAt": "2026-11-23T10:00:00Z" } });
    let came = shop()
        .setting("url", "https://proxy.test/")
        .answers(&ORDER_CANCELLED, json!({}), gone)
        .delivers(work());
    assert!(matches!(came.of, Outcome::AlreadyThere(_)));
    let _host = testing::Host::new().install();
    assert!(
        matches!(Shopify::deliver(vec![work()]).as_slice(), [Outcome::Rejected(problem)] if problem.code == "setting-missing")
    );
}
