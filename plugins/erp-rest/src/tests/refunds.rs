//! Refunds and adjustments are booked once.

use super::*;

#[test]
fn a_refund_is_booked_on_its_order() {
    let expected = json!({
        "reference": REFUND, "refundedAt": "2026-11-23T09:30:00+01:00", "currency": "EUR", "amount": "11.00",
        "warehouse": null, "businessDate": null,
        "lines": [{ "line": "11", "quantity": "1", "restockType": "return", "subtotal": "10.00", "tax": "1.00" }],
    });
    let posts = testing::post("/orders/SO-17/refunds").body(expected).respond(201, json!({ "id": "CR-5" }));
    let posted = Outcome::Posted(Receipt::of(Reference::new("refund", "CR-5")));
    assert_eq!(deliver(erp().expect(posts), refunded()), posted);
}

#[test]
fn only_successful_payments_of_a_refund_are_booked() {
    let mut refund = testing::refund();
    let mut pending = refund.payments[0].clone();
    pending.outcome = PaymentResult::Pending;
    refund.payments.push(pending);
    let mut work = testing::work(testing::refunded(refund));
    work.parent_references = refunded().parent_references;
    let posts = testing::post("/orders/SO-17/refunds")
        .body_including(json!({ "amount": "11.00" }))
        .respond(201, json!({ "id": "CR-5" }));
    assert!(matches!(deliver(erp().expect(posts), work), Outcome::Posted(_)));
}

#[test]
fn a_refund_without_its_order_is_not_yet_deliverable() {
    let mut work = refunded();
    work.parent_references.clear();
    assert_eq!(deliver(erp(), work), Outcome::NotYet(testing::entity(EntityKind::Order, "1001")));
}

fn adjusted(reason: AdjustmentReason) -> Work {
    let change = Adjustment {
        sku: "TEA-250".into(),
        location: "655".into(),
        delta: "2".into(),
        reason,
        cause: Some(testing::entity(EntityKind::Refund, "901")),
        at: "2026-11-23T09:30:00+01:00".into(),
        note: None,
    };
    let entity = testing::entity(EntityKind::Stock, "655/TEA-250");
    let event = testing::event(entity, None, Fact::InventoryAdjusted(change));
    Work { key: "the key".into(), ..testing::work(event) }
}

#[test]
fn an_adjustment_is_booked_once_per_event_unless_a_document_covers_it() {
    let expected = json!({
        "reference": "the key", "article": "4711", "warehouse": "C2", "delta": "2", "reason": "return",
    });
    let mapped = || erp().mapping("sku", "TEA-250", "4711").mapping("warehouse", "655", "C2");
    let posts = testing::post("/adjustments").body(expected).respond(201, json!({ "id": "AD-3" }));
    let posted = Receipt::of(Reference::new("adjustment", "AD-3"));
    assert_eq!(
        deliver(mapped().expect(posts), adjusted(AdjustmentReason::Return)),
        Outcome::Posted(posted.clone())
    );
    // The warehouse of the settings is only for orders without a store.
    let unmapped = erp().setting("warehouse", "MAIN");
    assert!(matches!(deliver(unmapped, adjusted(AdjustmentReason::Return)), Outcome::Unmapped(_)));
    assert!(matches!(deliver(erp(), adjusted(AdjustmentReason::Sale)), Outcome::Ignored(_)));
    let search = |records: Value| {
        let request = testing::get("/adjustments").query("reference", "the key");
        erp().expect(request.respond(200, json!({ "adjustments": records })))
    };
    let mut work = adjusted(AdjustmentReason::Return);
    // An earlier adjustment of the same stock.
    work.references = vec![Reference::new("adjustment", "AD-1")];
    assert_eq!(find(search(json!([])), work.clone()), Found::Absent);
    assert_eq!(find(search(json!([{ "id": "AD-3" }])), work), Found::Present(posted));
}
