//! Orders.

use serde_json::{Value, json};

use super::*;

#[test]
fn the_body_determines_the_event() {
    let at = |text: &str| Value::from(text);
    assert_eq!(event("orders/create", ORDER).fact.kind(), "order.placed");
    assert_eq!(event("orders/updated", ORDER).fact.kind(), "order.updated");
    assert_eq!(event("orders/paid", ORDER).fact.kind(), "order.updated", "it is authorized only");
    assert_eq!(event("orders/cancelled", ORDER).fact.kind(), "order.updated", "it is not cancelled");
    let paid = changed(ORDER, &[("financial_status", at("paid"))]);
    assert_eq!(event("orders/paid", paid).fact.kind(), "order.paid");
    let cancelled =
        changed(ORDER, &[("cancelled_at", at("2026-11-21T10:00:00-05:00")), ("cancel_reason", at("fraud"))]);
    for topic in ["orders/create", "orders/updated", "orders/paid", "orders/cancelled"] {
        let event = event(topic, cancelled.clone());
        assert_eq!(event.fact.kind(), "order.cancelled", "{topic}");
        assert_eq!(event.occurred_at, "2026-11-21T10:00:00-05:00");
        assert_eq!(event.fact.order().unwrap().cancel_reason.as_deref(), Some("fraud"));
    }
}

#[test]
fn identity_and_version_are_exact() {
    let event = event("orders/create", ORDER);
    assert_eq!(event.entity.to_string(), "shopify/acme.myshopify.com/order/9007199254740993");
    assert_eq!(event.version, Some(Version::at("2026-11-20T18:04:12-05:00")));
    assert_eq!(event.occurred_at, "2026-11-20T18:04:11-05:00");
    let order = event.fact.order().unwrap();
    assert_eq!(order.number, "#1001");
    assert_eq!(order.lines[0].id, "9007199254740994");
    assert_eq!(
        order.customer.as_ref().unwrap().to_string(),
        "shopify/acme.myshopify.com/customer/9007199254749999"
    );
    let huge = changed(ORDER, &[("id", json!(u64::MAX))]);
    assert_eq!(super::event("orders/create", huge).entity.id, "18446744073709551615");
    for id in [json!(9.007e15), json!(-1), json!(null)] {
        assert_eq!(problem("orders/create", changed(ORDER, &[("id", id)])).code, "body-unreadable");
    }
}

#[test]
fn all_parts_of_an_order_are_read() {
    let order = order(&[]);
    assert_eq!(order.channel, "web");
    assert_eq!((order.payment, order.fulfilment), (PaymentState::Authorized, FulfilmentState::Unfulfilled));
    assert_eq!(order.tags, ["autumn", "VIP"]);
    assert_eq!(order.discount_codes, ["TEN"]);
    assert_eq!(order.processed_at.as_deref(), Some("2026-11-20T18:04:10-05:00"));
    let personal = order.personal.as_ref().unwrap();
    assert_eq!(personal.attributes, [Attribute { name: "campaign".into(), value: "autumn".into() }]);
    let line = &order.lines[0];
    assert_eq!(
        (line.title.as_str(), line.sku.as_deref(), line.kind),
        ("Sencha - 100 g", Some("TEA-100"), LineKind::Item)
    );
    assert_eq!((line.quantity.as_str(), &line.unit_price), ("2", &usd("12.50")));
    let written = personal.attributes_of(&line.id);
    assert_eq!(written.len(), 2, "null is no value");
    assert_eq!(written[1].value, "2");
    assert_eq!(personal.line_attributes.len(), 1, "a line without any is left out");
    assert_eq!((line.taxes[0].rate.as_deref(), &line.taxes[0].amount), (Some("0.0725"), &usd("1.63")));
    let totals = &order.totals;
    assert_eq!(
        (&totals.lines, &totals.discounts, &totals.shipping),
        (&usd("65.00"), &usd("10.50"), &usd("4.00"))
    );
    assert_eq!(
        (&totals.tax, &totals.total, &totals.outstanding),
        (&usd("4.53"), &usd("67.03"), &Some(usd("67.03")))
    );
    assert_eq!((&totals.tips, &totals.duties, &totals.cash_rounding), (&Some(usd("0.00")), &None, &None));
    assert_eq!(order.extensions.as_deref(), Some(r#"{"paymentGateways":["shopify_payments","gift_card"]}"#));
}

#[test]
fn discounts_are_the_allocations_with_their_titles() {
    let order = order(&[]);
    let granted =
        |title: &str, amount: &str| DiscountAllocation { title: Some(title.into()), amount: usd(amount) };
    assert_eq!(order.lines[0].discounts, [granted("TEN", "2.50")], "although total_discount is 0.00");
    assert_eq!(order.shipping[0].discounts, [granted("Half shipping", "4.00")]);
}

#[test]
fn without_allocations_the_total_discount_is_read() {
    let order = order(&[
        ("line_items/0/total_discount", "2.50".into()),
        ("line_items/0/total_discount_set", Value::Null),
        ("line_items/0/discount_allocations", Value::Null),
        ("shipping_lines/0/discount_allocations", json!([])),
    ]);
    assert_eq!(order.lines[0].discounts, [DiscountAllocation { title: None, amount: usd("2.50") }]);
    assert_eq!(order.shipping[0].discounts, [DiscountAllocation { title: None, amount: usd("4.00") }]);
    assert_eq!(order.totals.shipping, usd("4.00"));
}

#[test]
fn prices_are_in_the_shops_and_the_customers_currency() {
    let set = |shop: &str, seen: &str| {
        json!({ "shop_money": { "amount": shop, "currency_code": "USD" },
                "presentment_money": { "amount": seen, "currency_code": "EUR" } })
    };
    let order = order(&[
        ("presentment_currency", "EUR".into()),
        ("line_items/0/price", "11.51".into()),
        ("line_items/0/price_set", set("12.50", "11.51")),
        ("total_price_set", set("67.03", "61.73")),
    ]);
    let price = |shop: &str, seen: &str| Price { presentment: Some(Money::new(seen, "EUR")), ..usd(shop) };
    assert_eq!(order.presentment_currency.as_deref(), Some("EUR"));
    assert_eq!(order.lines[0].unit_price, price("12.50", "11.51"));
    assert_eq!(order.totals.total, price("67.03", "61.73"));
    assert_eq!(order.lines[1].unit_price, usd("40.00"), "a presentment in the shop's currency is omitted");
}

#[test]
fn shipping_lines_are_summed_in_both_currencies() {
    let line = |id: u64, shop: &str, seen: &str| {
        json!({ "id": id, "title": "x", "price": shop, "price_set": {
            "shop_money": { "amount": shop, "currency_code": "USD" },
            "presentment_money": { "amount": seen, "currency_code": "EUR" } } })
    };
    let order = order(&[("shipping_lines", json!([line(1, "8.10", "7.00"), line(2, "0.20", "0.10")]))]);
    assert_eq!(order.totals.shipping, Price { presentment: Some(Money::new("7.10", "EUR")), ..usd("8.30") });
    let none = super::order(&[("shipping_lines", json!([]))]);
    assert_eq!(none.totals.shipping, usd("0"));
}

#[test]
fn only_decimal_texts_are_amounts() {
    for amount in ["", "1e3", "1,50", "example string", "12.", ".5", "--1", "NaN"] {
        let body =
            changed(ORDER, &[("line_items/0/price_set", Value::Null), ("line_items/0/price", amount.into())]);
        let problem = problem("orders/create", body);
        assert_eq!(
            (problem.code.as_str(), problem.field.as_deref()),
            ("invalid-amount", Some("line_items[0].price"))
        );
    }
    let float = changed(ORDER, &[("total_price", json!(67.03))]);
    assert_eq!(problem("orders/create", float).code, "body-unreadable");
    let none = changed(ORDER, &[("total_price", Value::Null), ("total_price_set", Value::Null)]);
    assert_eq!(problem("orders/create", none).code, "amount-missing");
}

#[test]
fn a_till_sale_may_have_no_personal_data() {
    let order = order(&[
        ("customer", Value::Null),
        ("billing_address", Value::Null),
        ("shipping_address", Value::Null),
        ("email", "".into()),
        ("contact_email", Value::Null),
        ("customer_locale", Value::Null),
        ("note", Value::Null),
        ("browser_ip", Value::Null),
        ("client_details", Value::Null),
        ("order_status_url", Value::Null),
        ("note_attributes", json!([])),
        ("line_items/0/properties", json!([])),
        ("source_name", "pos".into()),
        ("location_id", json!(9007199254741234_u64)),
        ("device_id", "7".into()),
        ("user_id", json!(548380009)),
        ("shipping_lines", json!([])),
    ]);
    assert_eq!((order.customer, order.personal), (None, None));
    assert_eq!((order.channel.as_str(), order.store.as_deref()), ("pos", Some("9007199254741234")));
    assert_eq!((order.register.as_deref(), order.staff_id.as_deref()), (Some("7"), Some("548380009")));
    assert_eq!(order.business_date, None, "the payload has no business date");
}

#[test]
fn all_personal_data_is_in_one_record() {
    let written = |name: &str, value: &str| json!([{ "name": name, "value": value }]);
    let order = order(&[
        ("payment_details", json!({ "credit_card_number": "•••• •••• •••• 4242" })),
        ("note_attributes", written("Gift message", "Happy birthday, Grace")),
        ("line_items/0/properties", written("Engraving", "For Linus")),
    ]);
    let personal = order.personal.clone().unwrap();
    assert_eq!(personal.name.as_deref(), Some("Ada O’Neil \"Z\""));
    assert_eq!(personal.email.as_deref(), Some("ada@example.com"));
    assert_eq!(personal.note.as_deref(), Some("Please ring twice"));
    assert_eq!(personal.ip_address.as_deref(), Some("203.0.113.9"));
    assert_eq!(personal.card_last4.as_deref(), Some("4242"));
    let shipping = personal.shipping.clone().unwrap();
    assert_eq!(shipping.lines, ["9 Oak Ave", "Unit 4"]);
    assert_eq!((shipping.region.as_deref(), shipping.country.as_deref()), (Some("CA"), Some("US")));
    assert_eq!(personal.billing.unwrap().lines, ["12 Elm St"], "an empty line is none");
    let rest = format!("{:?}", Order { personal: None, ..order });
    for word in [
        "Ada",
        "Neil",
        "Bo Lee",
        "example.com",
        "Elm",
        "Oak",
        "ring twice",
        "203.0.113.9",
        "4242",
        "c0ffee",
        "birthday",
        "Grace",
        "Engraving",
        "Linus",
    ] {
        assert!(!rest.contains(word), "{word} is outside of `personal`");
    }
}

#[test]
fn gift_cards_tips_and_custom_lines_have_their_kinds() {
    let kind = |changes: &[(&str, Value)]| order(changes).lines[0].kind;
    assert_eq!(kind(&[("line_items/0/gift_card", true.into())]), LineKind::GiftCard);
    assert_eq!(kind(&[("line_items/0/tip_payment_gateway", "shopify_payments".into())]), LineKind::Tip);
    let gone = [("line_items/0/product_id", Value::Null), ("line_items/0/variant_id", Value::Null)];
    assert_eq!(kind(&gone), LineKind::Item, "a deleted product was an article");
    let custom = order(
        &[&gone[..], &[("line_items/0/vendor", Value::Null), ("line_items/0/sku", "".into())]].concat(),
    );
    assert_eq!((custom.lines[0].kind, &custom.lines[0].sku), (LineKind::Custom, &None));
}

#[test]
fn the_total_of_tips_includes_those_that_are_lines() {
    let tips = |received: &str, line: Option<&str>| {
        let mut changes = vec![("total_tip_received", Value::from(received))];
        if let Some(price) = line {
            changes.push(("line_items/1/tip_payment_gateway", "shopify_payments".into()));
            changes.push(("line_items/1/price_set", Value::Null));
            changes.push(("line_items/1/price", price.into()));
        }
        order(&changes).totals.tips
    };
    assert_eq!(tips("5.00", None), Some(usd("5.00")));
    assert_eq!(tips("5.00", Some("5.00")), Some(usd("5.00")));
    assert_eq!(tips("0.00", Some("5.00")), None, "a sum that leaves out the line is none");
}

#[test]
fn duties_are_read_with_whether_prices_include_them() {
    let money = |amount: &str| json!({ "amount": amount, "currency_code": "USD" });
    let duty = json!([{ "shop_money": money("3.00"), "presentment_money": money("3.00"),
        "tax_lines": [{ "title": "Import VAT", "rate": 0.2, "price": "0.60" }] }]);
    let total = json!({ "shop_money": money("3.00"), "presentment_money": money("3.00") });
    let changes = [("line_items/0/duties", duty), ("original_total_duties_set", total)];
    let apart = order(&changes);
    assert_eq!((&apart.lines[0].duties, &apart.totals.duties), (&vec![usd("3.00")], &Some(usd("3.00"))));
    assert_eq!(apart.lines[0].taxes[1].title, "Import VAT");
    assert!(!apart.duties_included);
    let included = order(&[&changes[..], &[("duties_included", true.into())]].concat());
    assert!(included.duties_included);
    assert_eq!(included.lines, apart.lines);
    assert_eq!(included.totals.duties, Some(usd("3.00")));
}

#[test]
fn the_purchase_order_number_of_a_company_is_read() {
    assert_eq!(order(&[("po_number", "PO-7".into())]).po_number.as_deref(), Some("PO-7"));
    for none in [Value::Null, "".into()] {
        assert_eq!(order(&[("po_number", none)]).po_number, None);
    }
}

#[test]
fn cash_rounding_is_signed() {
    let set = json!({ "shop_money": { "amount": "-0.02", "currency_code": "USD" } });
    assert_eq!(
        order(&[("total_cash_rounding_payment_adjustment_set", set)]).totals.cash_rounding,
        Some(usd("-0.02"))
    );
}

#[test]
fn components_refer_to_their_bundle() {
    let order = order(&[
        ("line_items/0/sales_line_item_group_id", json!(9007199254745555_u64)),
        ("line_items/1/parent_line_item_id", json!(9007199254740994_u64)),
    ]);
    assert_eq!(order.lines[0].bundle.as_deref(), Some("9007199254745555"));
    assert_eq!(order.lines[1].bundle.as_deref(), Some("9007199254740994"));
}

#[test]
fn payments_are_read_where_the_body_contains_them() {
    let transaction = |id: u64, kind: &str, gateway: &str, amount: &str| {
        json!({ "id": id, "kind": kind, "status": "success", "gateway": gateway, "amount": amount,
            "currency": "USD", "created_at": "2026-11-20T18:04:10-05:00" })
    };
    let split = json!([
        transaction(1, "sale", "gift_card", "20.00"),
        transaction(2, "authorization", "shopify_payments", "47.03")
    ]);
    let order = order(&[("transactions", split)]);
    let read: Vec<_> =
        order.payments.iter().map(|one| (one.kind, one.tender, one.amount.shop.amount.as_str())).collect();
    assert_eq!(
        read,
        [
            (PaymentKind::Sale, TenderKind::GiftCard, "20.00"),
            (PaymentKind::Authorization, TenderKind::Card, "47.03")
        ]
    );
}

#[test]
fn an_unknown_value_is_rejected() {
    let body = changed(ORDER, &[("financial_status", "half_paid".into())]);
    assert_eq!(problem("orders/updated", body).field.as_deref(), Some("financial_status"));
}

#[test]
fn an_edit_is_a_difference() {
    let body = json!({ "order_edit": { "id": 9007199254760001_u64, "order_id": 9007199254740993_u64, "app_id": 1,
        "created_at": "2026-11-21T08:00:00-05:00", "committed_at": "2026-11-21T08:01:00-05:00", "notify_customer": false,
        "staff_note": "for Ada", "user_id": 2,
        "line_items": { "additions": [{ "id": 11, "delta": 2 }], "removals": [{ "id": 12, "delta": 1 }] },
        "discounts": { "line_item": { "additions": [{ "id": 5 }], "removals": [] } },
        "shipping_lines": { "additions": [], "removals": [] } } });
    let event = event("orders/edited", body.to_string());
    assert_eq!(event.entity.id, "9007199254740993");
    let Fact::OrderEdited(edit) = event.fact else { panic!() };
    let change = |id: &str, delta: &str| LineChange { id: id.into(), delta: delta.into() };
    assert_eq!((edit.id.as_str(), edit.at.as_str()), ("9007199254760001", "2026-11-21T08:01:00-05:00"));
    assert_eq!(edit.lines, [change("11", "2"), change("12", "-1")]);
    assert!(edit.discounts_changed && !edit.shipping_changed);
}
