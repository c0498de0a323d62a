//! Notifications: the requests that each causes, and the failures of those requests.

use super::*;

fn payment(status: &str) -> Value {
    json!({
        "id": "P1", "order_id": "O1", "status": status, "location_id": "L1", "source_type": "CARD",
        "team_member_id": "TM-4", "device_details": { "device_id": "DEV-1" }, "amount_money": usd(2052), "total_money": usd(2052),
        "application_details": { "square_product": "SQUARE_POS" },
        "created_at": "2026-11-24T09:00:00Z", "updated_at": "2026-11-24T09:00:01Z"
    })
}

fn card_order() -> Value {
    let mut order = order();
    order["tenders"] = json!([{ "id": "P1", "payment_id": "P1", "type": "CARD", "created_at": "2026-11-24T09:00:00Z",
        "amount_money": usd(2052), "card_details": { "status": "CAPTURED", "card": { "last_4": "1111", "bin": "411111" } } }]);
    order
}

#[test]
fn an_offline_payment_dates_the_sale() {
    let mut offline = payment("COMPLETED");
    offline["is_offline_payment"] = true.into();
    offline["offline_payment_details"] = json!({ "client_created_at": "2026-11-23T23:10:00Z" });
    let mut order = card_order();
    (order["created_at"], order["updated_at"]) =
        ("2026-11-24T09:00:00Z".into(), "2026-11-24T09:00:02Z".into());
    let events = receive(
        host().expect(get_order(&order)),
        &notification("payment.updated", json!({ "payment": offline })),
    )
    .unwrap();
    let event = &events[0];
    assert_eq!(event.fact.kind(), "order.paid");
    let order_read = checked_order(event);
    assert_eq!(
        (order_read.placed_at.as_str(), order_read.processed_at.as_deref()),
        ("2026-11-23T23:10:00Z", Some("2026-11-24T09:00:00Z"))
    );
    assert_eq!(
        order_read.business_date.as_deref(),
        Some("2026-11-23"),
        "the day of the sale, not of the upload"
    );
    assert_eq!(order_read.payments[0].at, "2026-11-23T23:10:00Z");
    assert_eq!(
        (order_read.register.as_deref(), order_read.staff_id.as_deref()),
        (Some("DEV-1"), Some("TM-4"))
    );
    // The version is Square's; the device's clock does not affect it.
    assert_eq!(event.version.as_ref().unwrap().at, "2026-11-24T09:00:02Z");
    // A notification of the order itself yields the same: the payment is read.
    let request = testing::get("/v2/payments/P1").respond(200, json!({ "payment": offline }));
    let events =
        receive(host().expect(get_order(&order)).expect(request), &order_notification("order.created"))
            .unwrap();
    assert_eq!((events[0].fact.kind(), checked_order(&events[0])), ("order.placed", order_read));
    assert_eq!(events[0].occurred_at, "2026-11-23T23:10:00Z");
}

#[test]
fn a_device_clock_that_is_ahead_is_not_trusted() {
    let times = |device: &str, created: &str, payment_created: &str| {
        let mut offline = payment("COMPLETED");
        offline["is_offline_payment"] = true.into();
        offline["offline_payment_details"] = json!({ "client_created_at": device });
        offline["created_at"] = payment_created.into();
        let mut order = card_order();
        (order["created_at"], order["updated_at"]) = (created.into(), "2026-11-24T09:00:02Z".into());
        let body = notification("payment.updated", json!({ "payment": offline }));
        let events = receive(host().expect(get_order(&order)), &body).unwrap();
        let order = checked_order(&events[0]).clone();
        (order.placed_at, order.processed_at, order.business_date.unwrap(), order.payments[0].at.clone())
    };
    // Three days ahead: neither the time nor the day is the device's.
    let ahead = times("2026-11-27T03:00:00-06:00", "2026-11-24T09:00:00Z", "2026-11-24T09:00:01Z");
    let created = "2026-11-24T09:00:00Z".to_owned();
    assert_eq!(ahead, (created.clone(), None, "2026-11-24".into(), created));
    // Paid offline an hour after the ticket was opened online: the time of the order is Square's.
    let later = times("2026-11-24T07:00:00Z", "2026-11-24T06:00:00Z", "2026-11-24T09:00:00Z");
    let (opened, paid) = ("2026-11-24T06:00:00Z".to_owned(), "2026-11-24T07:00:00Z".to_owned());
    assert_eq!(later, (opened, None, "2026-11-24".into(), paid));
}

#[test]
fn an_offline_cash_payment_dates_the_sale_too() {
    let mut order = order();
    order["tenders"][0]["payment_id"] = "P1".into();
    let paid = json!({ "id": "P1", "status": "COMPLETED", "is_offline_payment": true,
        "offline_payment_details": { "client_created_at": "2026-11-22T10:00:00-06:00" } });
    let request = testing::get("/v2/payments/P1").respond(200, json!({ "payment": paid }));
    let events =
        receive(host().expect(get_order(&order)).expect(request), &order_notification("order.created"))
            .unwrap();
    assert_eq!(checked_order(&events[0]).business_date.as_deref(), Some("2026-11-22"));
}

#[test]
fn an_authorized_payment_does_not_make_the_order_paid() {
    let mut order = card_order();
    order["tenders"][0]["card_details"]["status"] = "AUTHORIZED".into();
    let body = notification("payment.created", json!({ "payment": payment("APPROVED") }));
    let events = receive(host().expect(get_order(&order)), &body).unwrap();
    assert_eq!(events[0].fact.kind(), "order.updated");
    let order = checked_order(&events[0]);
    assert_eq!(
        (order.payment, order.payments[0].kind),
        (PaymentState::Authorized, PaymentKind::Authorization)
    );
}

#[test]
fn a_partial_payment_makes_the_order_partially_paid() {
    let mut order = card_order();
    order["tenders"][0]["amount_money"] = usd(1000);
    order["net_amount_due_money"] = usd(1052);
    let body = notification("payment.updated", json!({ "payment": payment("COMPLETED") }));
    let events = receive(host().expect(get_order(&order)), &body).unwrap();
    let order = checked_order(&events[0]);
    assert_eq!((events[0].fact.kind(), order.payment), ("order.updated", PaymentState::PartiallyPaid));
    assert_eq!(order.totals.outstanding, Some(Price::shop("10.52", "USD")));
}

#[test]
fn card_data_is_not_read() {
    let request = testing::get("/v2/payments/P1").respond(404, json!({}));
    let events = receive(
        host().expect(get_order(&card_order())).expect(request),
        &order_notification("order.updated"),
    )
    .unwrap();
    assert!(!format!("{events:?}").contains("1111"));
}

#[test]
fn variations_are_mapped_to_the_merchants_articles() {
    let mut order = order();
    order["line_items"][0]["catalog_object_id"] = "VAR-9".into();
    let request = testing::post("/v2/catalog/batch-retrieve")
        .body_including(json!({ "object_ids": ["VAR-9"] }))
        .respond(200, json!({ "objects": [{ "id": "VAR-9", "item_variation_data": { "sku": "COF-1", "upc": "4006381333931" } }] }));
    let events =
        receive(host().expect(get_order(&order)).expect(request), &order_notification("order.updated"))
            .unwrap();
    let line = &checked_order(&events[0]).lines[0];
    assert_eq!((line.sku.as_deref(), line.gtin.as_deref()), (Some("COF-1"), Some("04006381333931")));
}

#[test]
fn counts_are_levels_of_sellable_stock() {
    let count = |item: &str, state: &str| {
        json!({ "catalog_object_id": item, "catalog_object_type": "ITEM_VARIATION", "state": state,
        "location_id": "L1", "quantity": "10.5", "calculated_at": "2026-11-23T18:38:45.10296Z" })
    };
    let body = notification(
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
fn a_failed_request_is_a_failure_of_the_notification() {
    let request = || testing::get("/v2/orders/O1");
    let failure =
        |expected| receive(host().expect(expected), &order_notification("order.updated")).unwrap_err();
    assert!(matches!(failure(request().respond(503, json!({}))), Failure::Unavailable(_)));
    assert!(matches!(failure(request().respond(500, json!({}))), Failure::Unavailable(_)));
    assert!(matches!(failure(request().refuse_connection()), Failure::Unavailable(_)));
    assert!(matches!(failure(request().lose_connection()), Failure::Unavailable(_)));
    assert!(matches!(failure(request().respond(429, json!({}))), Failure::Throttled(_)));
    assert!(matches!(failure(request().respond(401, json!({}))), Failure::Unauthorized(_)));
    assert!(matches!(failure(request().respond(404, json!({}))), Failure::Rejected(_)));
    // Reading the catalogue is a read too, and can be repeated.
    let mut order = order();
    order["line_items"][0]["catalog_object_id"] = "VAR-9".into();
    let lost = testing::post("/v2/catalog/batch-retrieve").lose_connection();
    let failure =
        receive(host().expect(get_order(&order)).expect(lost), &order_notification("order.updated"))
            .unwrap_err();
    assert!(matches!(failure, Failure::Unavailable(_)));
}

#[test]
fn unsupported_notifications_yield_no_event() {
    for kind in [
        "webhooks.test_notification",
        "catalog.version.updated",
        "customer.updated",
        "payout.paid",
        "dispute.created",
    ] {
        assert_eq!(receive(host(), &notification(kind, json!({}))).unwrap(), [], "{kind}");
    }
}

#[test]
fn a_body_that_is_no_notification_of_this_merchant_is_rejected() {
    let code = |body: &Value| match receive(host(), body).unwrap_err() {
        Failure::Rejected(problem) => problem.code,
        other => panic!("{other:?}"),
    };
    let mut other = order_notification("order.created");
    other["merchant_id"] = "M2".into();
    assert_eq!(code(&other), "other-merchant");
    assert_eq!(code(&json!({ "order": order() })), "no-notification");
    assert_eq!(code(&json!([])), "body-unreadable");
    assert_eq!(code(&notification("payment.updated", json!({}))), "body-unreadable");
    assert_eq!(
        code(&notification("inventory.count.updated", json!({ "inventory_counts": 7 }))),
        "body-unreadable"
    );
    assert_eq!(
        code(&json!({ "merchant_id": MERCHANT, "type": "order.created", "event_id": "e", "data": {} })),
        "body-unreadable"
    );
}

#[test]
fn the_configured_api_version_is_requested() {
    let request = get_order(&order()).header("square-version", "2026-10-15");
    let events = receive(
        host().setting("api-version", "2026-10-15").expect(request),
        &order_notification("order.updated"),
    );
    assert_eq!(events.unwrap().len(), 1);
}
