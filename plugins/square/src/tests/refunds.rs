//! Refunds and returns.

use super::*;

/// The notification of a refund of one box of tea, 10.26.
fn refund(status: &str) -> Value {
    notification(
        "refund.updated",
        json!({ "refund": { "id": "R1", "status": status, "location_id": "L1", "order_id": "RO1", "payment_id": "P1",
            "destination_type": "CARD", "amount_money": usd(1026), "reason": "Broken", "created_at": "2026-11-25T10:00:00Z" } }),
    )
}

/// The order by which Square records a return.
fn return_order() -> Value {
    json!({
        "id": "RO1", "location_id": "L1", "state": "COMPLETED", "version": 2,
        "created_at": "2026-11-25T10:00:00Z", "updated_at": "2026-11-25T10:00:02Z",
        "returns": [{ "uid": "b1", "source_order_id": "O1", "return_line_items": [{ "uid": "rl1", "source_line_item_uid": "l1",
            "quantity": "1", "total_tax_money": usd(76), "total_money": usd(1026) }] }],
        "refunds": [{ "id": "R1", "status": "APPROVED", "created_at": "2026-11-25T10:00:01Z", "amount_money": usd(1026) }],
        "total_money": usd(0)
    })
}

#[test]
fn a_return_is_a_refund_of_its_source_order() {
    let events = receive(host().expect(get_order(&return_order())), &refund("COMPLETED")).unwrap();
    assert_eq!(events.len(), 1);
    let event = &events[0];
    assert_eq!(event.entity.to_string(), "square/M1/refund/RO1");
    assert_eq!(event.parent.as_ref().unwrap().to_string(), "square/M1/order/O1");
    let refund_read = checked_refund(event);
    let line = &refund_read.lines[0];
    assert_eq!((line.line.as_str(), line.quantity.as_str(), line.restock), ("l1", "1", RestockKind::Return));
    assert_eq!((line.subtotal.shop.amount.as_str(), line.tax.shop.amount.as_str()), ("9.50", "0.76"));
    assert_eq!(
        (refund_read.payments[0].tender, refund_read.payments[0].kind),
        (TenderKind::Card, PaymentKind::Refund)
    );
    assert_eq!(refund_read.business_date.as_deref(), Some("2026-11-25"));
    assert_eq!(refund_read.personal.as_ref().unwrap().note.as_deref(), Some("Broken"));
}

#[test]
fn order_and_refund_notifications_yield_the_same_refund() {
    let by_refund = receive(host().expect(get_order(&return_order())), &refund("COMPLETED")).unwrap();
    let order = notification("order.created", json!({ "order_created": { "order_id": "RO1" } }));
    let by_order = receive(host().expect(get_order(&return_order())), &order).unwrap();
    assert_eq!(by_order.len(), 1, "a return has no sale");
    assert_eq!((&by_order[0].entity, &by_order[0].parent), (&by_refund[0].entity, &by_refund[0].parent));
    assert_eq!(checked_refund(&by_order[0]).lines, checked_refund(&by_refund[0]).lines);
}

#[test]
fn pending_and_failed_refunds_yield_no_event() {
    assert_eq!(receive(host(), &refund("PENDING")).unwrap(), []);
    assert_eq!(receive(host(), &refund("FAILED")).unwrap(), []);
    let mut pending = return_order();
    pending["refunds"]
        .as_array_mut()
        .unwrap()
        .push(json!({ "id": "R2", "status": "PENDING", "amount_money": usd(100) }));
    assert_eq!(receive(host().expect(get_order(&pending)), &refund("COMPLETED")).unwrap(), []);
    let open = notification("order.updated", json!({ "order_updated": { "order_id": "RO1" } }));
    let mut fresh = return_order();
    (fresh["state"], fresh["refunds"]) = ("OPEN".into(), json!([]));
    assert_eq!(receive(host().expect(get_order(&fresh)), &open).unwrap(), []);
}

#[test]
fn a_return_with_two_tenders_is_one_refund_with_two_payments() {
    let mut both = return_order();
    both["refunds"] = json!([
        { "id": "R1", "status": "PENDING", "amount_money": usd(1000) },
        { "id": "R2", "status": "APPROVED", "amount_money": usd(26), "tender_id": "T2" },
    ]);
    both["tenders"] = json!([{ "id": "T2", "type": "CASH", "amount_money": usd(26) }]);
    // The notification reports its own refund as completed before the order does.
    let events = receive(host().expect(get_order(&both)), &refund("COMPLETED")).unwrap();
    let tenders: Vec<_> = checked_refund(&events[0]).payments.iter().map(|one| one.tender).collect();
    assert_eq!(tenders, [TenderKind::Card, TenderKind::Cash]);
}

#[test]
fn returned_goods_pay_for_goods_taken_in_exchange() {
    let mut exchange = order();
    exchange["id"] = "RO1".into();
    exchange["returns"] = return_order()["returns"].clone();
    exchange["tenders"] = json!([{ "id": "T1", "type": "CASH", "amount_money": usd(1026) }]);
    let request = notification("order.updated", json!({ "order_updated": { "order_id": "RO1" } }));
    let events = receive(host().expect(get_order(&exchange)), &request).unwrap();
    assert_eq!(
        events.iter().map(|event| event.fact.kind()).collect::<Vec<_>>(),
        ["order.updated", "refund.issued"]
    );
    checked_order(&events[0]);
    let refund_read = checked_refund(&events[1]);
    assert_eq!(
        (refund_read.payments[0].gateway.as_str(), refund_read.payments[0].amount.shop.amount.as_str()),
        ("exchange", "10.26")
    );
}

#[test]
fn a_refund_without_goods_belongs_to_the_payments_order() {
    let mut amount_only = return_order();
    amount_only["returns"] = json!([]);
    let paid =
        testing::get("/v2/payments/P1").respond(200, json!({ "payment": { "id": "P1", "order_id": "O1" } }));
    let events = receive(host().expect(get_order(&amount_only)).expect(paid), &refund("COMPLETED")).unwrap();
    assert_eq!(events[0].entity.id, "R1");
    assert_eq!(events[0].parent.as_ref().unwrap().id, "O1");
    let refund_read = checked_refund(&events[0]);
    assert!(refund_read.lines.is_empty());
    assert_eq!(refund_read.payments[0].amount, Price::shop("10.26", "USD"));
}

#[test]
fn a_return_without_a_source_order_belongs_to_the_payments_order() {
    let mut unlinked = return_order();
    unlinked["returns"][0].as_object_mut().unwrap().remove("source_order_id");
    let paid =
        testing::get("/v2/payments/P1").respond(200, json!({ "payment": { "id": "P1", "order_id": "O1" } }));
    let events = receive(host().expect(get_order(&unlinked)).expect(paid), &refund("COMPLETED")).unwrap();
    assert_eq!(
        (events[0].parent.as_ref().unwrap().id.as_str(), checked_refund(&events[0]).lines.len()),
        ("O1", 1)
    );
    // Where the payment is missing too, it has no parent and belongs to its store.
    let missing = testing::get("/v2/payments/P1").respond(404, json!({}));
    let events = receive(host().expect(get_order(&unlinked)).expect(missing), &refund("COMPLETED")).unwrap();
    assert_eq!((&events[0].parent, checked_refund(&events[0]).store.as_deref()), (&None, Some("L1")));
    assert_eq!(checked_refund(&events[0]).adjustments[0].reason, "AMOUNT");
}

#[test]
fn returned_tips_charges_and_rounding_are_adjustments() {
    let mut more = return_order();
    more["returns"][0]["return_tips"] = json!([{ "uid": "tip", "applied_money": usd(200) }]);
    more["returns"][0]["return_service_charges"] =
        json!([{ "uid": "s", "total_money": usd(108), "total_tax_money": usd(8) }]);
    more["returns"][0]["rounding_adjustment"] = json!({ "amount_money": usd(1) });
    more["refunds"][0]["amount_money"] = usd(1026 + 200 + 108 + 1);
    let events = receive(host().expect(get_order(&more)), &refund("COMPLETED")).unwrap();
    let reasons: Vec<_> =
        checked_refund(&events[0]).adjustments.iter().map(|one| one.reason.as_str()).collect();
    assert_eq!(reasons, ["SERVICE_CHARGE", "TIP", "CASH_ROUNDING"]);
}

#[test]
fn goods_are_not_restocked_where_the_setting_says_so() {
    let events = receive(
        host().setting("restock-returns", false).expect(get_order(&return_order())),
        &refund("COMPLETED"),
    )
    .unwrap();
    let line = &checked_refund(&events[0]).lines[0];
    assert_eq!((line.restock, &line.location), (RestockKind::NoRestock, &None));
}

#[test]
fn returns_of_two_orders_share_the_payments() {
    let mut two = return_order();
    let mut other = two["returns"][0].clone();
    other["source_order_id"] = "O2".into();
    two["returns"].as_array_mut().unwrap().push(other);
    two["refunds"][0]["amount_money"] = usd(2052);
    let events = receive(host().expect(get_order(&two)), &refund("COMPLETED")).unwrap();
    let ids: Vec<_> = events
        .iter()
        .map(|event| (event.entity.id.as_str(), event.parent.as_ref().unwrap().id.as_str()))
        .collect();
    assert_eq!(ids, [("RO1/1", "O1"), ("RO1/2", "O2")]);
    events.iter().for_each(|event| assert_eq!(checked_refund(event).payments.len(), 1));
}
