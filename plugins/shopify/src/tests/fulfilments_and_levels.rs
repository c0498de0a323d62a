//! Webhooks of fulfilments and inventory levels, and other resources.

use serde_json::{Value, json};

use super::*;

fn fulfilment() -> Value {
    json!({
        "id": 9_007_199_254_760_001u64,
        "order_id": 9_007_199_254_740_993u64,
        "name": "#1001.1",
        "status": "success",
        "shipment_status": null,
        "service": "manual",
        "created_at": "2026-11-21T10:00:00-05:00",
        "updated_at": "2026-11-21T10:00:05-05:00",
        "location_id": 655_441_491u64,
        "destination": { "first_name": "Ada", "address1": "1 Elm St" },
        "email": "ada@example.com",
        "tracking_company": "DHL",
        "tracking_number": "00340",
        "tracking_numbers": ["00340", "00341"],
        "tracking_url": "https://dhl.test/00340",
        "tracking_urls": ["https://dhl.test/00340"],
        "line_items": [
            { "id": 9_007_199_254_740_994u64, "sku": "TEA-100", "quantity": 1, "price": "12.50" },
            { "id": 9_007_199_254_740_995u64, "sku": "", "quantity": 0 },
        ],
    })
}

fn shipment_event(changes: &[(&str, Value)]) -> (Event, Shipment) {
    let event = event("fulfillments/update", changed(&fulfilment().to_string(), changes));
    let Fact::ShipmentUpdated(shipment) = &event.fact else { panic!("{}", event.fact.kind()) };
    let shipment = shipment.clone();
    (event, shipment)
}

#[test]
fn a_fulfilment_is_a_shipment_of_its_order() {
    let (event, shipment) = shipment_event(&[]);
    assert_eq!(event.entity.to_string(), "shopify/acme.myshopify.com/shipment/9007199254760001");
    assert_eq!(
        event.parent.as_ref().unwrap().to_string(),
        "shopify/acme.myshopify.com/order/9007199254740993"
    );
    assert_eq!(event.version, Some(Version::at("2026-11-21T10:00:05-05:00")));
    assert_eq!(
        (shipment.number.as_deref(), shipment.location.as_deref()),
        (Some("#1001.1"), Some("655441491"))
    );
    assert_eq!(shipment.shipped_at.as_deref(), Some("2026-11-21T10:00:00-05:00"));
    assert_eq!(shipment.lines.len(), 1);
    assert_eq!(shipment.lines[0].line.as_deref(), Some("9007199254740994"));
    let parcels: Vec<_> =
        shipment.tracking.iter().map(|one| (one.number.as_str(), one.url.as_deref())).collect();
    assert_eq!(parcels, [("00340", Some("https://dhl.test/00340")), ("00341", None)]);
    assert_eq!(shipment.personal, None, "the recipient is read from the order");
}

#[test]
fn the_statuses_map_to_a_state() {
    let state = |status: Value, carrier: Value| {
        shipment_event(&[("status", status), ("shipment_status", carrier)]).1.state
    };
    assert_eq!(state("success".into(), "in_transit".into()), ShipmentState::Shipped);
    assert_eq!(state("success".into(), "delivered".into()), ShipmentState::Delivered);
    assert_eq!(state("pending".into(), Value::Null), ShipmentState::Allocated);
    for status in ["cancelled", "error", "failure"] {
        assert_eq!(state(status.into(), "delivered".into()), ShipmentState::Cancelled);
    }
    assert_eq!(shipment_event(&[("status", "cancelled".into())]).1.shipped_at, None);
    let odd = changed(&fulfilment().to_string(), &[("status", "lost".into())]);
    assert_eq!(problem("fulfillments/create", odd).code, "unknown-word");
}

#[test]
fn the_single_parcel_of_older_versions_is_read() {
    let (_, shipment) = shipment_event(&[("tracking_numbers", json!([])), ("tracking_urls", json!([]))]);
    assert_eq!(shipment.tracking.len(), 1);
    assert_eq!(shipment.tracking[0].url.as_deref(), Some("https://dhl.test/00340"));
    let (_, shipment) = shipment_event(&[("tracking_numbers", json!([])), ("tracking_number", Value::Null)]);
    assert!(shipment.tracking.is_empty());
}

#[test]
fn a_level_is_the_available_quantity() {
    let body = |available: Value| {
        json!({
            "inventory_item_id": 808_950_810u64, "location_id": 655_441_491u64, "available": available,
            "updated_at": "2026-11-21T10:00:00-05:00",
            "admin_graphql_api_id": "gid://shopify/InventoryLevel/655441491?inventory_item_id=808950810",
        })
    };
    let event = event("inventory_levels/update", body(json!(-2)).to_string());
    assert_eq!(event.entity.to_string(), "shopify/acme.myshopify.com/stock/808950810@655441491");
    let Fact::InventoryCounted(level) = event.fact else { panic!() };
    assert_eq!((level.item.as_deref(), level.location.as_str()), (Some("808950810"), "655441491"));
    assert_eq!(level.available.as_deref(), Some("-2"), "it was sold more often than it was there");
    let none = super::event("inventory_levels/update", body(Value::Null).to_string());
    let Fact::InventoryCounted(level) = none.fact else { panic!() };
    assert_eq!(level.available, None);
    assert_eq!(problem("inventory_levels/update", body(json!(1.5)).to_string()).code, "body-unreadable");
}

#[test]
fn resources_of_payment_providers_are_rejected_with_the_reason() {
    for (topic, code) in [
        ("disputes/create", "dispute-not-read"),
        ("disputes/update", "dispute-not-read"),
        ("tender_transactions/create", "tender-transaction-not-read"),
    ] {
        let problem = problem(topic, "{}");
        assert_eq!(problem.code, code);
        assert!(problem.message.contains("is not booked"), "{problem}");
    }
    for (body, code) in [
        (r#"{"payouts": []}"#, "payout-not-read"),
        (r#"{"payout": {"id": 1}}"#, "payout-not-read"),
        (r#"{"dispute": {"id": 1}}"#, "dispute-not-read"),
        (r#"{"transactions": [{"id": 1, "type": "debit"}]}"#, "transaction-not-read"),
    ] {
        assert_eq!(receive(&[], body).unwrap_err().code, code);
    }
    assert_eq!(receive(&[], r#"{"locations": []}"#).unwrap_err().code, "resource-not-read");
}

#[test]
fn lists_of_resources_are_read_one_by_one() {
    let two = json!({ "fulfillments": [fulfilment(), fulfilment()] });
    assert_eq!(receive(&[], two.to_string()).unwrap().len(), 2);
    assert_eq!(receive(&[], r#"{"fulfillments": []}"#).unwrap_err().code, "body-unreadable");
}

#[test]
fn the_receipt_number_of_a_till_is_the_natural_key() {
    let attributes = json!([{ "name": "receipt_number", "value": "0042/3/2026-11-19/1187" }]);
    let sale = order(&[("note_attributes", attributes), ("location_id", json!(655_441_491u64))]);
    assert_eq!(sale.natural_key.as_deref(), Some("0042/3/2026-11-19/1187"));
    assert_eq!(sale.business_date.as_deref(), Some("2026-11-19"), "the day of the books, not of the clock");
    assert_eq!(sale.store.as_deref(), Some("655441491"));
    let plain = order(&[]);
    assert_eq!((plain.natural_key, plain.business_date), (None, None));
}
