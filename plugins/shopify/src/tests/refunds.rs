//! Refunds.

use serde_json::{Value, json};

use super::*;

#[test]
fn a_refund_has_its_order_as_parent() {
    let event = event("refunds/create", REFUND);
    assert_eq!(event.entity.to_string(), "shopify/acme.myshopify.com/refund/9007199254750001");
    assert_eq!(event.parent.unwrap().to_string(), "shopify/acme.myshopify.com/order/9007199254740993");
    assert_eq!(event.version, None, "it happens once");
}

#[test]
fn amounts_are_read_from_the_sets_and_never_from_floats() {
    let refund = refund(&[]);
    let line = &refund.lines[0];
    assert_eq!(
        (line.line.as_str(), line.quantity.as_str(), line.restock),
        ("9007199254740995", "1", RestockKind::Return)
    );
    assert_eq!((&line.subtotal, &line.tax), (&usd("36.00"), &usd("2.61")));
    let body = changed(REFUND, &[("refund_line_items/0/subtotal_set", Value::Null)]);
    let problem = problem("refunds/create", body);
    assert_eq!(problem.field.as_deref(), Some("refund_line_items[0].subtotal_set"));
}

#[test]
fn refunded_shipping_in_both_lists_counts_once() {
    let both = refund(&[]);
    assert_eq!(both.shipping.len(), 1);
    assert_eq!((&both.shipping[0].subtotal, &both.shipping[0].tax), (&usd("4.00"), &usd("0.29")));
    let reasons =
        |refund: &Refund| refund.adjustments.iter().map(|one| one.reason.clone()).collect::<Vec<_>>();
    assert_eq!(reasons(&both), ["REFUND_DISCREPANCY"]);
    let older = refund(&[("refund_shipping_lines", json!([]))]);
    assert_eq!(reasons(&older), ["REFUND_DISCREPANCY", "SHIPPING_REFUND"]);
    assert_eq!(older.adjustments[1].amount, usd("-4.00"), "signed as Shopify signs it");
}

#[test]
fn payments_may_be_pending() {
    let refund = refund(&[]);
    let read: Vec<_> = refund
        .payments
        .iter()
        .map(|one| (one.outcome, one.tender, one.amount.shop.amount.as_str()))
        .collect();
    assert_eq!(
        read,
        [
            (PaymentResult::Success, TenderKind::Card, "30.90"),
            (PaymentResult::Pending, TenderKind::GiftCard, "10.00")
        ]
    );
    assert_eq!(refund.payments[0].parent.as_deref(), Some("9007199254750000"));
}

#[test]
fn a_refund_may_have_no_lines_and_no_payment() {
    let goodwill = refund(&[("refund_line_items", json!([])), ("refund_shipping_lines", json!([]))]);
    assert_eq!(goodwill.lines, []);
    let promised = refund(&[("transactions", json!([])), ("order_adjustments", json!([]))]);
    assert_eq!((promised.payments.len(), promised.currency.as_str()), (0, "USD"));
}

#[test]
fn the_note_is_personal_data() {
    let refund = refund(&[]);
    assert_eq!(refund.personal.unwrap().note.as_deref(), Some("Lid was broken, Ada called"));
    assert_eq!(refund.return_id.as_deref(), Some("9007199254750009"));
}

#[test]
fn the_oldest_refunds_have_one_restock_flag() {
    let old = |restock: bool| {
        let changes = [("refund_line_items/0/restock_type", Value::Null), ("restock", restock.into())];
        refund(&changes).lines[0].restock
    };
    assert_eq!((old(true), old(false)), (RestockKind::Legacy, RestockKind::NoRestock));
}

/// A refund of one line at 36.00 USD (33.12 EUR) and 2.61 USD (2.40 EUR) of tax.
fn foreign_refund(paid: Value) -> Vec<u8> {
    let set = |shop: &str, seen: &str| {
        json!({ "shop_money": { "amount": shop, "currency_code": "USD" },
                "presentment_money": { "amount": seen, "currency_code": "EUR" } })
    };
    changed(
        REFUND,
        &[
            ("refund_line_items/0/subtotal_set", set("36.00", "33.12")),
            ("refund_line_items/0/total_tax_set", set("2.61", "2.40")),
            ("refund_shipping_lines", json!([])),
            ("order_adjustments", json!([])),
            ("transactions", paid),
        ],
    )
}

fn in_euro(id: u64, status: &str, amount: &str) -> Value {
    json!({ "id": id, "kind": "refund", "status": status, "amount": amount, "currency": "EUR",
        "gateway": "shopify_payments", "created_at": "2026-11-22T09:00:00-05:00" })
}

#[test]
fn a_repayment_in_another_currency_has_the_shops_amount() {
    let payments = |body: Vec<u8>| match event("refunds/create", body).fact {
        Fact::RefundIssued(refund) => refund.payments,
        other => panic!("{}", other.kind()),
    };
    let price = |shop: &str, seen: &str| Price { presentment: Some(Money::new(seen, "EUR")), ..usd(shop) };
    let added =
        payments(foreign_refund(json!([in_euro(1, "failure", "35.52"), in_euro(2, "success", "35.52")])));
    assert_eq!((added.len(), &added[0].amount), (1, &price("38.61", "35.52")), "tax on top");
    let included = payments(foreign_refund(json!([in_euro(1, "pending", "33.12")])));
    assert_eq!(included[0].amount, price("36.00", "33.12"), "tax within");
    let odd = problem("refunds/create", foreign_refund(json!([in_euro(1, "success", "20.00")])));
    assert_eq!(
        (odd.code.as_str(), odd.field.as_deref()),
        ("payment-currency", Some("transactions[0].currency"))
    );
}
