//! Square's notifications and responses, and the resulting events. The fixtures are invented; their structure is Square's.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

mod notifications;
mod orders;
mod polling;
mod refunds;

use crossdock_sdk::prelude::*;
use crossdock_sdk::stores::Store;
use crossdock_sdk::testing;
use serde_json::{Value, json};

use crate::Square;

const MERCHANT: &str = "M1";

/// A host with the location `L1` as a store in Chicago, and a mapping of one variation.
fn host() -> testing::Host {
    let store = Store {
        id: "17".into(),
        name: "Seventeen".into(),
        zone: "America/Chicago".into(),
        country: None,
        region: None,
        legal_entity: None,
        warehouse: None,
        currency: None,
    };
    testing::Host::new()
        .setting("merchant", MERCHANT)
        .store(store, &[("square", "L1")])
        .mapping("sku", "VAR-TEA", "TEA-250")
}

fn usd(cents: i64) -> Value {
    json!({ "amount": cents, "currency": "USD" })
}

fn notification(kind: &str, object: Value) -> Value {
    json!({
        "merchant_id": MERCHANT, "type": kind, "event_id": "e-1", "created_at": "2026-11-23T17:00:00Z",
        "data": { "type": kind, "id": "d-1", "object": object }
    })
}

/// The notification of an order, which contains no order data.
fn order_notification(kind: &str) -> Value {
    notification(
        kind,
        json!({ "order_any": { "order_id": "O1", "location_id": "L1", "state": "OPEN", "version": 2 } }),
    )
}

/// Two boxes of tea at 10.00 with a discount of 1.00 and an added tax of 1.52, paid in cash: 20.52.
fn order() -> Value {
    json!({
        "id": "O1", "location_id": "L1", "source": { "name": "Square Point of Sale" }, "state": "COMPLETED", "version": 3,
        "created_at": "2026-11-23T16:59:00Z", "updated_at": "2026-11-23T17:00:00.250Z",
        "taxes": [{ "uid": "t1", "name": "IL Sales Tax", "percentage": "8.0", "type": "ADDITIVE", "scope": "ORDER" }],
        "discounts": [{ "uid": "d1", "name": "Monday", "scope": "ORDER" }],
        "line_items": [{
            "uid": "l1", "name": "Green tea", "variation_name": "250 g", "quantity": "2", "catalog_object_id": "VAR-TEA",
            "item_type": "ITEM", "base_price_money": usd(1000), "gross_sales_money": usd(2000),
            "applied_taxes": [{ "uid": "a1", "tax_uid": "t1", "applied_money": usd(152) }],
            "applied_discounts": [{ "uid": "a2", "discount_uid": "d1", "applied_money": usd(100) }],
            "total_tax_money": usd(152), "total_discount_money": usd(100), "total_money": usd(2052)
        }],
        "tenders": [{
            "id": "T1", "type": "CASH", "created_at": "2026-11-23T17:00:00Z", "amount_money": usd(2052),
            "cash_details": { "buyer_tendered_money": usd(2500), "change_back_money": usd(448) }
        }],
        "total_money": usd(2052), "total_tax_money": usd(152), "total_discount_money": usd(100), "total_tip_money": usd(0),
        "net_amount_due_money": usd(0)
    })
}

/// Receives a notification, with Square responding from the host's script.
fn receive(host: testing::Host, body: &Value) -> Result<Vec<Event>, Failure> {
    let _host = host.install();
    Square::receive(testing::inbound(&[], body.to_string()))
}

/// Expects a request for the order, and responds with it.
fn get_order(order: &Value) -> testing::ExpectedRequest {
    let id = order["id"].as_str().unwrap();
    testing::get(&format!("/v2/orders/{id}")).respond(200, json!({ "order": order }))
}

/// The events of an order that is read because of a notification of this type.
fn events_of(kind: &str, order: &Value) -> Vec<Event> {
    receive(host().expect(get_order(order)), &order_notification(kind)).unwrap()
}

fn number(price: &Price) -> Decimal {
    money::decimal(&price.shop.amount).unwrap()
}

/// The order of an event, after checking its totals as the host does.
fn checked_order(event: &Event) -> &Order {
    let order = event.fact.order().unwrap_or_else(|| panic!("{} has no order", event.fact.kind()));
    let lines = order.lines.iter().map(|line| {
        number(&line.unit_price) * money::decimal(&line.quantity).unwrap()
            - money::shop_total(line.discounts.iter().map(|discount| &discount.amount)).unwrap()
    });
    let mut sum: Decimal = lines.sum();
    let taxes =
        money::shop_total(order.lines.iter().flat_map(|line| &line.taxes).map(|tax| &tax.amount)).unwrap();
    assert_eq!(taxes, number(&order.totals.tax));
    if !order.prices_include_tax {
        sum += taxes;
    }
    sum += money::shop_total(&order.totals.tips).unwrap();
    let rounding = money::shop_total(&order.totals.cash_rounding).unwrap();
    let total = number(&order.totals.total);
    assert!(sum == total || sum + rounding == total, "{sum} and rounding {rounding} do not yield {total}");
    order
}

/// The refund of an event, after comparing its lines and adjustments with its payments.
fn checked_refund(event: &Event) -> &Refund {
    let Fact::RefundIssued(refund) = &event.fact else { panic!("{} is not a refund", event.fact.kind()) };
    let paid = money::shop_total(refund.payments.iter().map(|payment| &payment.amount)).unwrap();
    let goods = money::shop_total(refund.lines.iter().flat_map(|line| [&line.subtotal, &line.tax])).unwrap()
        - money::shop_total(refund.adjustments.iter().flat_map(|one| [&one.amount, &one.tax])).unwrap();
    assert!(
        refund.lines.is_empty() && refund.adjustments.is_empty() || goods == paid,
        "lines and adjustments are {goods}, payments {paid}"
    );
    refund
}
