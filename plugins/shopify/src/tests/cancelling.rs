//! An order that was cancelled elsewhere.

use serde_json::{Value, json};

use super::shop::{Shop, asks, erp, order, posted, rejected, shop, written};
use super::*;
use crate::admin::operations::{CANCEL_ORDER, ORDER_CANCELLED};

fn work(entity: Entity) -> Work {
    let mut order = testing::order();
    order.cancel_reason = Some("inventory".into());
    testing::work(testing::event(entity, None, Fact::cancelled(order)))
}

/// A shop whose order stands, or was cancelled.
fn asked(cancelled: bool) -> Shop {
    let at = cancelled.then_some("2026-11-23T10:00:00Z");
    shop().answers(
        &ORDER_CANCELLED,
        json!({ "id": "gid://shopify/Order/1001" }),
        json!({ "order": { "cancelledAt": at } }),
    )
}

fn answer(done: bool, errors: Value) -> Value {
    let job = errors
        .as_array()
        .is_some_and(Vec::is_empty)
        .then(|| json!({ "id": "gid://shopify/Job/1", "done": done }));
    json!({ "orderCancel": { "job": job, "orderCancelUserErrors": errors } })
}

#[test]
fn it_is_cancelled_without_money_or_mail_unless_the_operator_says_so() {
    let came = asked(false)
        .answers(
            &CANCEL_ORDER,
            json!({
                "reason": "INVENTORY", "restock": false, "refund": null, "notify": false,
                "note": "cancelled by shopify",
            }),
            answer(true, json!([])),
        )
        .delivers(work(order()));
    assert_eq!(written(&posted(came.of)), ["order/1001 order.cancelled=true"]);
    let came = asked(true).delivers(work(order()));
    assert!(matches!(came.of, Outcome::AlreadyThere(receipt) if receipt.written.len() == 1));
}

#[test]
fn the_shop_takes_its_time_and_is_asked_until_it_is_done() {
    let came =
        asked(false).answers(&CANCEL_ORDER, json!({}), answer(false, json!([]))).delivers(work(order()));
    let Outcome::Partial(Progress { resume, .. }) = came.of else { panic!("{:?}", came.of) };
    let going_on = || Work { resume: Some(resume.clone()), ..work(order()) };
    let came = asked(false).delivers(going_on());
    assert!(matches!(came.of, Outcome::Partial(_)), "it is not asked a second time");
    posted(asked(true).delivers(going_on()).of);
}

#[test]
fn a_refusal_is_for_a_person() {
    let errors =
        json!([{ "code": "INVALID", "field": ["orderId"], "message": "Cannot cancel a fulfilled order" }]);
    let came = asked(false).answers(&CANCEL_ORDER, json!({}), answer(true, errors)).delivers(work(order()));
    let problem = rejected(came.of);
    assert_eq!((problem.code.as_str(), problem.field.as_deref()), ("invalid", Some("orderId")));
    let came = shop().answers(&ORDER_CANCELLED, json!({}), json!({ "order": null })).delivers(work(order()));
    assert_eq!(rejected(came.of).code, "order-unknown");
}

#[test]
fn what_may_have_been_cancelled_is_looked_up() {
    let came = asked(false).meets(asks(&CANCEL_ORDER, json!({})).lose_connection()).delivers(work(order()));
    assert!(matches!(came.of, Outcome::Unknown(_)));
    assert!(matches!(asked(true).finds(work(order())).of, Found::Present(_)));
    assert_eq!(asked(false).finds(work(order())).of, Found::Absent);
}

#[test]
fn an_order_of_another_system_is_known_by_its_reference() {
    let mut known = work(erp(EntityKind::Order, "77"));
    assert!(matches!(shop().delivers(known.clone()).of, Outcome::Ignored(_)));
    known.references.push(Reference::new("order", "1001"));
    assert!(matches!(asked(true).delivers(known).of, Outcome::AlreadyThere(_)));
    let mut standing = work(order());
    standing.event.fact = Fact::updated(testing::order());
    assert!(matches!(shop().delivers(standing).of, Outcome::Ignored(_)), "content is the shop's own");
}
