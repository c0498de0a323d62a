//! Notifications: what is asked of Square for each, and what is said when it cannot be asked.

use super::*;

fn payment(status: &str) -> Value {
    json!({
        "id": "P1", "order_id": "O1", "status": status, "location_id": "L1", "source_type": "CARD",
        "team_member_id": "TM-4", "device_details": { "device_id": "DEV-1" }, "amount_money": usd(2052), "total_money": usd(2052),
        "application_details": { "square_product": "SQUARE_POS" },
        "created_at": "2026-11-24T09:00:00Z", "updated_at": "2026-11-24T09:00:01Z"
    })
}

fn by_card() -> Value {
    let mut order = order();
    order["tenders"] = json!([{ "id": "P1", "payment_id": "P1", "type": "CARD", "created_at": "2026-11-24T09:00:00Z",
        "amount_money": usd(2052), "card_details": { "status": "CAPTURED", "card": { "last_4": "1111", "bin": "411111" } } }]);
    order
}

#[test]
fn what_a_till_took_offline_was_sold_then() {
    let mut offline = payment("COMPLETED");
    offline["is_offline_payment"] = true.into();
    offline["offline_payment_details"] = json!({ "client_created_at": "2026-11-23T23:10:00Z" });
    let mut order = by_card();
    (order["created_at"], order["updated_at"]) =
        ("2026-11-24T09:00:00Z".into(), "2026-11-24T09:00:02Z".into());
    let events =
        receive(host().expect(answers(&order)), &notice("payment.updated", json!({ "payment": offline })))
            .unwrap();
    let event = &events[0];
    assert_eq!(event.fact.kind(), "order.paid");
    let told = checked(event);
    assert_eq!(
        (told.placed_at.as_str(), told.processed_at.as_deref()),
        ("2026-11-23T23:10:00Z", Some("2026-11-24T09:00:00Z"))
    );
    assert_eq!(
        told.business_date.as_deref(),
        Some("2026-11-23"),
        "the day it was sold, not the day it was uploaded"
    );
    assert_eq!(told.payments[0].at, "2026-11-23T23:10:00Z");
    assert_eq!((told.register.as_deref(), told.staff_id.as_deref()), (Some("DEV-1"), Some("TM-4")));
    // The version is Square's: a device's clock, wrong or right, decides nothing.
    assert_eq!(event.version.as_ref().unwrap().at, "2026-11-24T09:00:02Z");
    // The same is known when the order itself is told of: its payment is asked for.
    let asked = testing::get("/v2/payments/P1").answer(200, json!({ "payment": offline }));
    let events = receive(host().expect(answers(&order)).expect(asked), &thin("order.created")).unwrap();
    assert_eq!((events[0].fact.kind(), checked(&events[0])), ("order.placed", told));
    assert_eq!(events[0].occurred_at, "2026-11-23T23:10:00Z");
}

#[test]
fn a_device_whose_clock_is_ahead_is_not_believed() {
    let told = |device: &str, created: &str, payment_created: &str| {
        let mut offline = payment("COMPLETED");
        offline["is_offline_payment"] = true.into();
        offline["offline_payment_details"] = json!({ "client_created_at": device });
        offline["created_at"] = payment_created.into();
        let mut order = by_card();
        (order["created_at"], order["updated_at"]) = (created.into(), "2026-11-24T09:00:02Z".into());
        let body = notice("payment.updated", json!({ "payment": offline }));
        let events = receive(host().expect(answers(&order)), &body).unwrap();
        let told = checked(&events[0]).clone();
        (told.placed_at, told.processed_at, told.business_date.unwrap(), told.payments[0].at.clone())
    };
    // Three days ahead: neither the moment nor the day is the device's.
    let ahead = told("2026-11-27T03:00:00-06:00", "2026-11-24T09:00:00Z", "2026-11-24T09:00:01Z");
    let made = "2026-11-24T09:00:00Z".to_owned();
    assert_eq!(ahead, (made.clone(), None, "2026-11-24".into(), made));
    // Paid offline, an hour after the ticket was opened online: the order is as old as Square says.
    let later = told("2026-11-24T07:00:00Z", "2026-11-24T06:00:00Z", "2026-11-24T09:00:00Z");
    let (opened, paid) = ("2026-11-24T06:00:00Z".to_owned(), "2026-11-24T07:00:00Z".to_owned());
    assert_eq!(later, (opened, None, "2026-11-24".into(), paid));
}

#[test]
fn cash_may_be_taken_offline_too() {
    let mut order = order();
    order["tenders"][0]["payment_id"] = "P1".into();
    let paid = json!({ "id": "P1", "status": "COMPLETED", "is_offline_payment": true,
        "offline_payment_details": { "client_created_at": "2026-11-22T10:00:00-06:00" } });
    let asked = testing::get("/v2/payments/P1").answer(200, json!({ "payment": paid }));
    let events = receive(host().expect(answers(&order)).expect(asked), &thin("order.created")).unwrap();
    assert_eq!(checked(&events[0]).business_date.as_deref(), Some("2026-11-22"));
}

#[test]
fn a_payment_that_is_not_done_is_no_paid_order() {
    let mut order = by_card();
    order["tenders"][0]["card_details"]["status"] = "AUTHORIZED".into();
    let body = notice("payment.created", json!({ "payment": payment("APPROVED") }));
    let events = receive(host().expect(answers(&order)), &body).unwrap();
    assert_eq!(events[0].fact.kind(), "order.updated");
    let told = checked(&events[0]);
    assert_eq!((told.payment, told.payments[0].kind), (PaymentState::Authorized, PaymentKind::Authorization));
}

#[test]
fn a_part_that_is_paid_is_told_as_a_part() {
    let mut order = by_card();
    order["tenders"][0]["amount_money"] = usd(1000);
    order["net_amount_due_money"] = usd(1052);
    let body = notice("payment.updated", json!({ "payment": payment("COMPLETED") }));
    let events = receive(host().expect(answers(&order)), &body).unwrap();
    let told = checked(&events[0]);
    assert_eq!((events[0].fact.kind(), told.payment), ("order.updated", PaymentState::PartiallyPaid));
    assert_eq!(told.totals.outstanding, Some(Price::shop("10.52", "USD")));
}

#[test]
fn card_data_stays_at_square() {
    let asked = testing::get("/v2/payments/P1").answer(404, json!({}));
    let events = receive(host().expect(answers(&by_card())).expect(asked), &thin("order.updated")).unwrap();
    assert!(!format!("{events:?}").contains("1111"));
}

#[test]
fn articles_are_the_merchants_words_for_variations() {
    let mut order = order();
    order["line_items"][0]["catalog_object_id"] = "VAR-9".into();
    let asked = testing::post("/v2/catalog/batch-retrieve")
        .body_with(json!({ "object_ids": ["VAR-9"] }))
        .answer(200, json!({ "objects": [{ "id": "VAR-9", "item_variation_data": { "sku": "COF-1", "upc": "4006381333931" } }] }));
    let events = receive(host().expect(answers(&order)).expect(asked), &thin("order.updated")).unwrap();
    let line = &checked(&events[0]).lines[0];
    assert_eq!((line.sku.as_deref(), line.gtin.as_deref()), (Some("COF-1"), Some("04006381333931")));
}

#[test]
fn counts_are_levels_of_what_can_be_sold() {
    let count = |item: &str, state: &str| {
        json!({ "catalog_object_id": item, "catalog_object_type": "ITEM_VARIATION", "state": state,
        "location_id": "L1", "quantity": "10.5", "calculated_at": "2026-11-23T18:38:45.10296Z" })
    };
    let body = notice(
        "inventory.count.updated",
        json!({ "inventory_counts": [count("VAR-TEA", "IN_STOCK"), count("VAR-TEA", "WASTE")] }),
    );
    let events = receive(host(), &body).unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].entity.to_string(), "square/M1/stock/L1/VAR-TEA");
    let Fact::InventoryCounted(level) = &events[0].fact else { panic!() };
    assert_eq!(
        (level.sku.as_deref(), level.available.as_deref(), level.location.as_str()),
        (Some("TEA-250"), Some("10.5"), "L1")
    );
    assert_eq!(events[0].version, Some(Version::at("2026-11-23T18:38:45.10296Z")));
}

#[test]
fn what_cannot_be_asked_now_is_read_again_later() {
    let ask = || testing::get("/v2/orders/O1");
    let failure = |exchange| receive(host().expect(exchange), &thin("order.updated")).unwrap_err();
    assert!(matches!(failure(ask().answer(503, json!({}))), Failure::Unavailable(_)));
    assert!(matches!(failure(ask().answer(500, json!({}))), Failure::Unavailable(_)));
    assert!(matches!(failure(ask().refuse_connection()), Failure::Unavailable(_)));
    assert!(matches!(failure(ask().lose_connection()), Failure::Unavailable(_)));
    assert!(matches!(failure(ask().answer(429, json!({}))), Failure::Throttled(_)));
    assert!(matches!(failure(ask().answer(401, json!({}))), Failure::Unauthorized(_)));
    assert!(matches!(failure(ask().answer(404, json!({}))), Failure::Rejected(_)));
    // The catalogue is a question too: asking it again changes nothing.
    let mut order = order();
    order["line_items"][0]["catalog_object_id"] = "VAR-9".into();
    let lost = testing::post("/v2/catalog/batch-retrieve").lose_connection();
    let failure = receive(host().expect(answers(&order)).expect(lost), &thin("order.updated")).unwrap_err();
    assert!(matches!(failure, Failure::Unavailable(_)));
}

#[test]
fn what_is_of_no_interest_makes_no_event() {
    for kind in [
        "webhooks.test_notification",
        "catalog.version.updated",
        "customer.updated",
        "payout.paid",
        "dispute.created",
    ] {
        assert_eq!(receive(host(), &notice(kind, json!({}))).unwrap(), [], "{kind}");
    }
}

#[test]
fn what_is_no_notification_of_this_merchant_is_refused() {
    let code = |body: &Value| match receive(host(), body).unwrap_err() {
        Failure::Rejected(problem) => problem.code,
        other => panic!("{other:?}"),
    };
    let mut other = thin("order.created");
    other["merchant_id"] = "M2".into();
    assert_eq!(code(&other), "other-merchant");
    assert_eq!(code(&json!({ "order": order() })), "no-notification");
    assert_eq!(code(&json!([])), "body-unreadable");
    assert_eq!(code(&notice("payment.updated", json!({}))), "body-unreadable");
    assert_eq!(code(&notice("inventory.count.updated", json!({ "inventory_counts": 7 }))), "body-unreadable");
    assert_eq!(
        code(&json!({ "merchant_id": MERCHANT, "type": "order.created", "event_id": "e", "data": {} })),
        "body-unreadable"
    );
}

#[test]
fn the_version_is_asked_for_where_it_is_set() {
    let asked = answers(&order()).header("square-version", "2026-10-15");
    let events = receive(host().setting("api-version", "2026-10-15").expect(asked), &thin("order.updated"));
    assert_eq!(events.unwrap().len(), 1);
}
