//! What was brought back and given back.

use super::*;

/// The notification of a refund of one box of tea, 10.26.
fn refund(status: &str) -> Value {
    notice(
        "refund.updated",
        json!({ "refund": { "id": "R1", "status": status, "location_id": "L1", "order_id": "RO1", "payment_id": "P1",
            "destination_type": "CARD", "amount_money": usd(1026), "reason": "Broken", "created_at": "2026-11-25T10:00:00Z" } }),
    )
}

/// The order that Square keeps of a return.
fn back() -> Value {
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
fn a_return_is_a_refund_of_the_order_it_names() {
    let events = receive(host().expect(answers(&back())), &refund("COMPLETED")).unwrap();
    assert_eq!(events.len(), 1);
    let event = &events[0];
    assert_eq!(event.entity.to_string(), "square/M1/refund/RO1");
    assert_eq!(event.parent.as_ref().unwrap().to_string(), "square/M1/order/O1");
    let told = balanced(event);
    let line = &told.lines[0];
    assert_eq!((line.line.as_str(), line.quantity.as_str(), line.restock), ("l1", "1", RestockKind::Return));
    assert_eq!((line.subtotal.shop.amount.as_str(), line.tax.shop.amount.as_str()), ("9.50", "0.76"));
    assert_eq!((told.payments[0].tender, told.payments[0].kind), (TenderKind::Card, PaymentKind::Refund));
    assert_eq!(told.business_date.as_deref(), Some("2026-11-25"));
    assert_eq!(told.personal.as_ref().unwrap().note.as_deref(), Some("Broken"));
}

#[test]
fn whoever_tells_of_it_it_is_one_refund() {
    let by_refund = receive(host().expect(answers(&back())), &refund("COMPLETED")).unwrap();
    let order = notice("order.created", json!({ "order_created": { "order_id": "RO1" } }));
    let by_order = receive(host().expect(answers(&back())), &order).unwrap();
    assert_eq!(by_order.len(), 1, "a return sells nothing");
    assert_eq!((&by_order[0].entity, &by_order[0].parent), (&by_refund[0].entity, &by_refund[0].parent));
    assert_eq!(balanced(&by_order[0]).lines, balanced(&by_refund[0]).lines);
}

#[test]
fn money_under_way_is_waited_for_and_money_that_never_came_is_none() {
    assert_eq!(receive(host(), &refund("PENDING")).unwrap(), []);
    assert_eq!(receive(host(), &refund("FAILED")).unwrap(), []);
    let mut waiting = back();
    waiting["refunds"]
        .as_array_mut()
        .unwrap()
        .push(json!({ "id": "R2", "status": "PENDING", "amount_money": usd(100) }));
    assert_eq!(receive(host().expect(answers(&waiting)), &refund("COMPLETED")).unwrap(), []);
    let open = notice("order.updated", json!({ "order_updated": { "order_id": "RO1" } }));
    let mut fresh = back();
    (fresh["state"], fresh["refunds"]) = ("OPEN".into(), json!([]));
    assert_eq!(receive(host().expect(answers(&fresh)), &open).unwrap(), []);
}

#[test]
fn two_tenders_are_one_refund_with_two_payments() {
    let mut both = back();
    both["refunds"] = json!([
        { "id": "R1", "status": "PENDING", "amount_money": usd(1000) },
        { "id": "R2", "status": "APPROVED", "amount_money": usd(26), "tender_id": "T2" },
    ]);
    both["tenders"] = json!([{ "id": "T2", "type": "CASH", "amount_money": usd(26) }]);
    // The notification knows that its own refund is done before the order does.
    let events = receive(host().expect(answers(&both)), &refund("COMPLETED")).unwrap();
    let tenders: Vec<_> = balanced(&events[0]).payments.iter().map(|one| one.tender).collect();
    assert_eq!(tenders, [TenderKind::Card, TenderKind::Cash]);
}

#[test]
fn an_exchange_pays_with_the_goods() {
    let mut exchange = order();
    exchange["id"] = "RO1".into();
    exchange["returns"] = back()["returns"].clone();
    exchange["tenders"] = json!([{ "id": "T1", "type": "CASH", "amount_money": usd(1026) }]);
    let asked = notice("order.updated", json!({ "order_updated": { "order_id": "RO1" } }));
    let events = receive(host().expect(answers(&exchange)), &asked).unwrap();
    assert_eq!(
        events.iter().map(|event| event.fact.kind()).collect::<Vec<_>>(),
        ["order.updated", "refund.issued"]
    );
    checked(&events[0]);
    let told = balanced(&events[1]);
    assert_eq!(
        (told.payments[0].gateway.as_str(), told.payments[0].amount.shop.amount.as_str()),
        ("exchange", "10.26")
    );
}

#[test]
fn an_amount_without_goods_is_of_the_payments_order() {
    let mut amount = back();
    amount["returns"] = json!([]);
    let paid =
        testing::get("/v2/payments/P1").answer(200, json!({ "payment": { "id": "P1", "order_id": "O1" } }));
    let events = receive(host().expect(answers(&amount)).expect(paid), &refund("COMPLETED")).unwrap();
    assert_eq!(events[0].entity.id, "R1");
    assert_eq!(events[0].parent.as_ref().unwrap().id, "O1");
    let told = balanced(&events[0]);
    assert!(told.lines.is_empty());
    assert_eq!(told.payments[0].amount, Price::shop("10.26", "USD"));
}

#[test]
fn a_return_without_its_sale_is_of_the_payments_order_too() {
    let mut lost = back();
    lost["returns"][0].as_object_mut().unwrap().remove("source_order_id");
    let paid =
        testing::get("/v2/payments/P1").answer(200, json!({ "payment": { "id": "P1", "order_id": "O1" } }));
    let events = receive(host().expect(answers(&lost)).expect(paid), &refund("COMPLETED")).unwrap();
    assert_eq!((events[0].parent.as_ref().unwrap().id.as_str(), balanced(&events[0]).lines.len()), ("O1", 1));
    // And of nobody's, where the payment is gone: in the books of its store.
    let gone = testing::get("/v2/payments/P1").answer(404, json!({}));
    let events = receive(host().expect(answers(&lost)).expect(gone), &refund("COMPLETED")).unwrap();
    assert_eq!((&events[0].parent, balanced(&events[0]).store.as_deref()), (&None, Some("L1")));
    assert_eq!(balanced(&events[0]).adjustments[0].reason, "AMOUNT");
}

#[test]
fn tips_charges_and_rounding_come_back_beside_the_goods() {
    let mut more = back();
    more["returns"][0]["return_tips"] = json!([{ "uid": "tip", "applied_money": usd(200) }]);
    more["returns"][0]["return_service_charges"] =
        json!([{ "uid": "s", "total_money": usd(108), "total_tax_money": usd(8) }]);
    more["returns"][0]["rounding_adjustment"] = json!({ "amount_money": usd(1) });
    more["refunds"][0]["amount_money"] = usd(1026 + 200 + 108 + 1);
    let events = receive(host().expect(answers(&more)), &refund("COMPLETED")).unwrap();
    let reasons: Vec<_> = balanced(&events[0]).adjustments.iter().map(|one| one.reason.as_str()).collect();
    assert_eq!(reasons, ["SERVICE_CHARGE", "TIP", "CASH_ROUNDING"]);
}

#[test]
fn goods_stay_away_where_the_operator_says_so() {
    let events =
        receive(host().setting("restock-returns", false).expect(answers(&back())), &refund("COMPLETED"))
            .unwrap();
    let line = &balanced(&events[0]).lines[0];
    assert_eq!((line.restock, &line.location), (RestockKind::NoRestock, &None));
}

#[test]
fn returns_of_two_orders_share_what_was_paid() {
    let mut two = back();
    let mut other = two["returns"][0].clone();
    other["source_order_id"] = "O2".into();
    two["returns"].as_array_mut().unwrap().push(other);
    two["refunds"][0]["amount_money"] = usd(2052);
    let events = receive(host().expect(answers(&two)), &refund("COMPLETED")).unwrap();
    let ids: Vec<_> = events
        .iter()
        .map(|event| (event.entity.id.as_str(), event.parent.as_ref().unwrap().id.as_str()))
        .collect();
    assert_eq!(ids, [("RO1/1", "O1"), ("RO1/2", "O2")]);
    events.iter().for_each(|event| assert_eq!(balanced(event).payments.len(), 1));
}
