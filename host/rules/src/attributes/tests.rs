use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn event(kind: &str, value: Value) -> Event {
    serde_json::from_value(json!({
        "entity": { "system": "shopify", "tenant": "acme", "kind": "order", "id": "1" },
        "occurredAt": "2026-11-23T10:00:00Z", "fact": { "kind": kind, "value": value }
    }))
    .unwrap()
}

fn order(change: impl FnOnce(&mut Value)) -> Event {
    let usd = json!({ "shop": { "amount": "5", "currency": "USD" } });
    let mut order = json!({
        "number": "#1", "channel": "web", "placedAt": "2026-11-23T10:00:00Z", "currency": "USD",
        "pricesIncludeTax": false, "dutiesIncluded": false,
        "payment": "paid", "fulfilment": "unfulfilled", "test": false,
        "totals": { "lines": usd, "discounts": usd, "shipping": usd, "tax": usd, "total": usd },
        "tags": ["vip", "gift"],
    });
    change(&mut order);
    event("order", json!({ "operation": "updated", "order": order }))
}

fn value(event: &Event, attribute: Attribute) -> String {
    attribute_values(event).unwrap().into_iter().find(|value| value.attribute == attribute).unwrap().value
}

#[test]
fn an_order_reports_a_value_for_each_owner() {
    let placed = order(|_| ());
    assert_eq!(value(&placed, Attribute::OrderTags), "gift, vip");
    assert_eq!(value(&placed, Attribute::OrderFulfilment), "unfulfilled");
    assert_eq!(value(&placed, Attribute::OrderCancelled), "false");
    let content = value(&placed, Attribute::OrderContent);
    // Values that other systems write to an order are not part of its content.
    for (field, written) in [("tags", json!(["SO-1"])), ("fulfilment", json!("fulfilled"))] {
        let other = order(|order| order[field] = written);
        assert_eq!(value(&other, Attribute::OrderContent), content, "{field}");
    }
    for (field, changed) in [("payment", json!("refunded")), ("number", json!("#2")), ("store", json!("31"))]
    {
        let other = order(|order| order[field] = changed);
        assert_ne!(value(&other, Attribute::OrderContent), content, "{field}");
    }
    let cancelled = order(|order| order["cancelledAt"] = json!("2026-11-23T11:00:00Z"));
    assert_eq!(value(&cancelled, Attribute::OrderCancelled), "true");
}

#[test]
fn other_facts_report_their_attributes() {
    let level = event(
        "inventory.counted",
        json!({ "location": "1", "available": "5.00", "at": "2026-11-23T10:00:00Z" }),
    );
    assert_eq!(value(&level, Attribute::StockAvailable), "5");
    let shipment = event(
        "shipment.updated",
        json!({
            "order": { "system": "shopify", "tenant": "acme", "kind": "order", "id": "1" }, "state": "shipped",
            "lines": [], "tracking": [{ "number": "Z2" }, { "number": "Z1" }]
        }),
    );
    assert_eq!(value(&shipment, Attribute::ShipmentState), "shipped");
    assert_eq!(value(&shipment, Attribute::ShipmentTracking), "Z1, Z2");
    let document = event(
        "document.updated",
        json!({ "kind": "invoice", "state": "posted", "at": "2026-11-23T10:00:00Z" }),
    );
    assert_eq!(value(&document, Attribute::DocumentState), "posted");
    let price = event(
        "price.updated",
        json!({
            "sku": "A", "amount": { "amount": "19.90", "currency": "EUR" }, "includesTax": true, "at": "2026-11-23T10:00:00Z"
        }),
    );
    assert_eq!(value(&price, Attribute::PriceAmount), "19.9 EUR");
    let product = event(
        "product.updated",
        json!({
            "sku": "A", "title": "Shirt", "active": true, "at": "2026-11-23T10:00:00Z",
            "options": [{ "name": "size", "value": "42" }]
        }),
    );
    assert_eq!(value(&product, Attribute::ProductContent), "A\n\nShirt\n\n\n\n\n\nactive\n\nsize=42");
}

#[test]
fn a_fact_reports_exactly_its_attributes() {
    for event in
        [order(|_| ()), event("refund.issued", json!({ "at": "2026-11-23T10:00:00Z", "currency": "EUR" }))]
    {
        let reported: Vec<_> =
            attribute_values(&event).unwrap().into_iter().map(|value| value.attribute).collect();
        let possible: Vec<_> =
            Attribute::of(&event.fact).iter().copied().filter(|attribute| !attribute.is_personal()).collect();
        assert_eq!(reported, possible);
    }
}

#[test]
fn equivalent_values_are_normalized_alike() {
    for (attribute, one, other) in [
        (Attribute::StockAvailable, "5.0", " 5"),
        (Attribute::OrderTags, "b,a", "a, b, a"),
        (Attribute::PriceAmount, "19.90 EUR", "19.9 EUR"),
        (Attribute::ShipmentTracking, "Z2, Z1", "Z1,Z2"),
        (Attribute::OrderNote, "a note ", "a note"),
    ] {
        assert_eq!(attribute.normal(one), attribute.normal(other), "{attribute}");
    }
    assert_ne!(Attribute::PriceAmount.normal("19.9 EUR"), Attribute::PriceAmount.normal("19.9 USD"));
}

#[test]
fn every_attribute_has_one_name() {
    for attribute in Attribute::ALL {
        assert_eq!(serde_json::to_value(attribute).unwrap(), json!(attribute.as_str()));
        assert_eq!(attribute.as_str().parse::<Attribute>().unwrap(), *attribute);
    }
}

proptest! {
    #[test]
    fn fingerprints_read_back(values in prop::collection::vec((0usize..12, "[a-c]{1,3}"), 0..12)) {
        let mut fingerprints = Fingerprints::default();
        for (position, value) in values {
            fingerprints.set(Attribute::ALL[position], fingerprint(&value));
        }
        prop_assert_eq!(Fingerprints::from_bytes(&fingerprints.to_bytes()), fingerprints);
    }

    #[test]
    fn invalid_bytes_are_skipped(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        let fingerprints = Fingerprints::from_bytes(&bytes);
        prop_assert!(fingerprints.iter().count() <= bytes.len() / 9);
    }
}
