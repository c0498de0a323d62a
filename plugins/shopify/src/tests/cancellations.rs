//! Cancellations of orders in other systems.

use serde_json::{Value, json};

use super::shop::{Shop, erp, order, posted, rejected, request_of, shop, written};
use super::*;
use crate::admin::operations::{CANCEL_ORDER, ORDER_CANCELLED};

fn work(entity: Entity) -> Work {
    let mut order = testing::order();
    order.cancel_reason = Some("inventory".into());
    testing::work(testing::event(entity, None, Fact::cancelled(order)))
}

/// A shop whose order is cancelled or not.
fn shop_with_order(cancelled: bool) -> Shop {
    let at = cancelled.then_some("2026-11-23T10:00:00Z");
    shop().responds(
        &ORDER_CANCELLED,
        json!({ "id": "gid://shopify/Order/1001" }),
        json!({ "order": { "cancelledAt": at } }),
    )
}

fn payload(done: bool, errors: Value) -> Value {
    let job = errors
        .as_array()
        .is_some_and(Vec::is_empty)
        .then(|| json!({ "id": "gid://shopify/Job/1", "done": done }));
    json!({ "orderCancel": { "job": job, "orderCancelUserErrors": errors } })
}

#[test]
fn an_order_is_cancelled_without_refund_and_notification_by_default() {
    let call = shop_with_order(false)
        .responds(
            &CANCEL_ORDER,
            json!({
                "reason": "INVENTORY", "restock": false, "refund": null, "notify": false,
                "note": "cancelled by shopify",
            }),
            payload(true, json!([])),
        )
        .delivers(work(order()));
    assert_eq!(written(&posted(call.result)), ["order/1001 order.cancelled=true"]);
    let call = shop_with_order(true).delivers(work(order()));
    assert!(matches!(call.result, Outcome::AlreadyThere(receipt) if receipt.written.len() == 1));
}

#[test]
fn a_cancellation_is_partial_until_its_job_is_done() {
    let call = shop_with_order(false)
        .responds(&CANCEL_ORDER, json!({}), payload(false, json!([])))
        .delivers(work(order()));
    let Outcome::Partial(Progress { resume, .. }) = call.result else { panic!("{:?}", call.result) };
    let cancelling = || Work { resume: Some(resume.clone()), ..work(order()) };
    let call = shop_with_order(false).delivers(cancelling());
    assert!(matches!(call.result, Outcome::Partial(_)), "the mutation is not repeated");
    posted(shop_with_order(true).delivers(cancelling()).result);
}

#[test]
fn a_refused_cancellation_is_rejected() {
    let errors =
        json!([{ "code": "INVALID", "field": ["orderId"], "message": "Cannot cancel a fulfilled order" }]);
    let call = shop_with_order(false)
        .responds(&CANCEL_ORDER, json!({}), payload(true, errors))
        .delivers(work(order()));
    let problem = rejected(call.result);
    assert_eq!((problem.code.as_str(), problem.field.as_deref()), ("invalid", Some("orderId")));
    let call = shop().responds(&ORDER_CANCELLED, json!({}), json!({ "order": null })).delivers(work(order()));
    assert_eq!(rejected(call.result).code, "order-unknown");
}

#[test]
fn an_unknown_cancellation_is_looked_up() {
    let call = shop_with_order(false)
        .expects(request_of(&CANCEL_ORDER, json!({})).lose_connection())
        .delivers(work(order()));
    assert!(matches!(call.result, Outcome::Unknown(_)));
    assert!(matches!(shop_with_order(true).finds(work(order())).result, Found::Present(_)));
    assert_eq!(shop_with_order(false).finds(work(order())).result, Found::Absent);
}

#[test]
fn an_order_of_another_system_is_found_by_its_reference() {
    let mut work_of_erp = work(erp(EntityKind::Order, "77"));
    assert!(matches!(shop().delivers(work_of_erp.clone()).result, Outcome::Ignored(_)));
    work_of_erp.references.push(Reference::new("order", "1001"));
    assert!(matches!(shop_with_order(true).delivers(work_of_erp).result, Outcome::AlreadyThere(_)));
    let mut standing = work(order());
    standing.event.fact = Fact::updated(testing::order());
    assert!(matches!(shop().delivers(standing).result, Outcome::Ignored(_)), "content is the shop's own");
}
