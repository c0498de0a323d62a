use serde_json::{Value, json};

use super::*;

fn usd(amount: &str) -> Value {
    json!({ "shop": { "amount": amount, "currency": "USD" } })
}

/// Two pairs of socks with 10 % discount and tax, shipping for 5.00: the sums add up.
fn order() -> Value {
    json!({
        "number": "#1001", "channel": "web", "placedAt": "2026-11-23T09:30:00+01:00", "currency": "USD",
        "pricesIncludeTax": false, "dutiesIncluded": false,
        "payment": "paid", "fulfilment": "unfulfilled", "test": false,
        "lines": [{
            "id": "11", "kind": "item", "sku": "SOCK", "title": "Socks", "quantity": "2", "unitPrice": usd("12.50"),
            "discounts": [{ "title": "TENOFF", "amount": usd("2.50") }],
            "taxes": [{ "title": "State", "rate": "0.08", "amount": usd("1.80"), "channelLiable": false }],
            "taxable": true, "ships": true
        }],
        "shipping": [{
            "id": "21", "title": "Standard", "price": usd("5.00"),
            "taxes": [{ "title": "State", "rate": "0.08", "amount": usd("0.40"), "channelLiable": false }]
        }],
        "payments": [{
            "id": "31", "kind": "sale", "outcome": "success", "tender": "card", "gateway": "shopify_payments",
            "amount": usd("29.70"), "at": "2026-11-23T09:30:01+01:00", "test": false
        }],
        "totals": {
            "lines": usd("25.00"), "discounts": usd("2.50"), "shipping": usd("5.00"), "tax": usd("2.20"),
            "total": usd("29.70")
        }
    })
}

/// One pair is refunded: 11.25 and 0.90 of tax.
fn refund() -> Value {
    json!({
        "at": "2026-11-24T10:00:00Z", "currency": "USD",
        "lines": [{
            "id": "41", "line": "11", "quantity": "1", "restock": "return", "subtotal": usd("11.25"), "tax": usd("0.90")
        }],
        "payments": [{
            "id": "51", "kind": "refund", "outcome": "success", "tender": "card", "gateway": "shopify_payments",
            "amount": usd("12.15"), "at": "2026-11-24T10:00:01Z", "test": false
        }]
    })
}

fn event(entity: &str, kind: &str, value: Value) -> Value {
    let shop = |kind: &str, id: &str| json!({ "system": "shopify", "tenant": "acme.myshopify.com", "kind": kind, "id": id });
    let (kind, value) = match kind.strip_prefix("order.").filter(|operation| *operation != "edited") {
        Some(operation) => ("order", json!({ "operation": operation, "order": value })),
        None => (kind, value),
    };
    let mut event = json!({
        "entity": shop(entity, "9007199254740993"), "occurredAt": "2026-11-23T09:30:00+01:00",
        "version": { "at": "2026-11-23T08:30:00Z" }, "fact": { "kind": kind, "value": value }
    });
    if matches!(entity, "refund" | "shipment") {
        event["parent"] = shop("order", "1001");
    }
    event
}

fn check_json(event: Value) -> Result<(), Vec<Finding>> {
    check(&serde_json::from_value(event).unwrap())
}

/// Changes the values at JSON pointers below the fact, and checks the event.
fn with(mut value: Value, changes: &[(&str, Value)]) -> Vec<(String, String)> {
    for (pointer, change) in changes {
        let (above, name) = pointer.rsplit_once('/').unwrap();
        match value.pointer_mut(above).unwrap() {
            Value::Array(items) => items.push(change.clone()),
            object => object[name] = change.clone(),
        }
    }
    let refund = value.get("totals").is_none();
    let event =
        if refund { event("refund", "refund.issued", value) } else { event("order", "order.placed", value) };
    let findings = check_json(event).err().unwrap_or_default();
    findings.into_iter().map(|finding| (finding.code.into_owned(), finding.field)).collect()
}

fn found(code: &str, field: &str) -> Vec<(String, String)> {
    vec![(code.to_owned(), field.to_owned())]
}

const BALANCED: Vec<(String, String)> = vec![];

#[test]
fn an_order_that_balances_to_the_cent_is_accepted() {
    assert_eq!(with(order(), &[]), BALANCED);
}

#[test]
fn an_order_that_is_off_by_a_cent_is_refused() {
    for total in ["29.71", "29.69", "0", "-29.70"] {
        let findings = with(order(), &[("/totals/total", usd(total))]);
        assert_eq!(findings, found(code::TOTAL_DOES_NOT_BALANCE, "fact.totals.total"), "{total}");
    }
    let findings = check_json(event("order", "order.placed", {
        let mut order = order();
        order["totals"]["total"] = usd("29.71");
        order
    }));
    let message = "fact.totals.total: lines, discounts, shipping, tax, duties and tips make 29.70 USD, but the \
                   order says 29.71";
    assert_eq!(findings.unwrap_err()[0].to_string(), message);
}

#[test]
fn the_made_up_sums_of_a_vendors_documentation_are_refused() {
    // Three players of 199.00 and a tax of 11.94 on the order as a whole do not add up to 409.94.
    let line = |id: &str| {
        json!({
            "id": id, "kind": "item", "title": "Player", "quantity": "1", "unitPrice": usd("199.00"),
            "taxable": true, "ships": true
        })
    };
    let changes = [
        ("/lines", json!([line("1"), line("2"), line("3")])),
        ("/shipping", json!([])),
        ("/payments", json!([])),
        ("/totals/tax", usd("11.94")),
        ("/totals/total", usd("409.94")),
    ];
    assert_eq!(with(order(), &changes), found(code::TOTAL_DOES_NOT_BALANCE, "fact.totals.total"));
    assert_eq!(with(order(), &[&changes[..4], &[("/totals/total", usd("608.94"))]].concat()), BALANCED);
}

#[test]
fn tax_included_in_prices_is_not_added() {
    let changes = [("/pricesIncludeTax", json!(true)), ("/totals/total", usd("27.50"))];
    assert_eq!(with(order(), &changes), BALANCED);
    assert_eq!(with(order(), &changes[..1]), found(code::TOTAL_DOES_NOT_BALANCE, "fact.totals.total"));
}

#[test]
fn tips_and_cash_rounding_are_part_of_the_total() {
    let tip = ("/totals/tips", usd("3.00"));
    assert_eq!(with(order(), &[tip.clone(), ("/totals/total", usd("32.70"))]), BALANCED);
    assert_eq!(with(order(), &[tip]), found(code::TOTAL_DOES_NOT_BALANCE, "fact.totals.total"));
    let rounding = ("/totals/cashRounding", usd("-0.02"));
    assert_eq!(with(order(), &[rounding.clone(), ("/totals/total", usd("29.68"))]), BALANCED);
    assert_eq!(with(order(), &[rounding]), BALANCED);
}

/// The order says whether the total includes them.
#[test]
fn duties_are_part_of_the_total_unless_prices_include_them() {
    let (total, less) =
        (("/totals/total", usd("33.70")), found(code::TOTAL_DOES_NOT_BALANCE, "fact.totals.total"));
    let included = ("/dutiesIncluded", json!(true));
    let (printed, lines) =
        (("/totals/duties", usd("4.00")), ("/lines/0/duties", json!([usd("1.00"), usd("3.00")])));
    for duties in [vec![printed.clone()], vec![lines.clone()], vec![printed.clone(), lines.clone()]] {
        let with = |more: &[(&str, Value)]| with(order(), &[&duties[..], more].concat());
        assert_eq!(with(std::slice::from_ref(&total)), BALANCED, "{duties:?}");
        assert_eq!(with(&[]), less, "{duties:?}");
        assert_eq!(with(std::slice::from_ref(&included)), BALANCED, "{duties:?}");
        assert_eq!(with(&[included.clone(), total.clone()]), less, "{duties:?}");
    }
}

#[test]
fn the_duties_of_the_lines_add_up_to_the_orders_duties() {
    let lines = ("/lines/0/duties", json!([usd("1.00"), usd("3.00")]));
    let changes = [lines, ("/totals/duties", usd("4.01")), ("/totals/total", usd("33.71"))];
    assert_eq!(with(order(), &changes), found(code::DUTIES_DO_NOT_BALANCE, "fact.totals.duties"));
    let negative = [("/lines/0/duties", json!([usd("-4.00")])), ("/dutiesIncluded", json!(true))];
    assert_eq!(with(order(), &negative), found(code::NEGATIVE, "fact.lines[0].duties[0]"));
}

#[test]
fn the_taxes_of_duties_are_part_of_the_taxes_of_the_lines() {
    let vat = json!({ "title": "Import VAT", "rate": "0.2", "amount": usd("0.80"), "channelLiable": false });
    let changes = [
        ("/lines/0/duties", json!([usd("4.00")])),
        ("/lines/0/taxes/-", vat),
        ("/totals/tax", usd("3.00")),
        ("/totals/total", usd("34.50")),
    ];
    assert_eq!(with(order(), &changes), BALANCED);
    let findings = with(order(), &[&changes[..2], &[("/totals/total", usd("33.70"))]].concat());
    assert_eq!(findings, found(code::TAX_DOES_NOT_BALANCE, "fact.totals.tax"));
}

#[test]
fn a_tip_that_is_a_line_counts_once() {
    let tip = json!({
        "id": "12", "kind": "tip", "title": "Tip", "quantity": "1", "unitPrice": usd("3.00"), "taxable": false,
        "ships": false
    });
    let line = ("/lines/-", tip);
    let total = ("/totals/total", usd("32.70"));
    assert_eq!(with(order(), &[line.clone(), total.clone()]), BALANCED);
    assert_eq!(with(order(), &[line, total, ("/totals/tips", usd("3.00"))]), BALANCED);
}

#[test]
fn weighed_goods_are_compared_with_all_their_decimals() {
    let changes = [
        ("/lines/0/quantity", json!("0.42")),
        ("/lines/0/unitPrice", usd("59.5238095238")),
        ("/totals/total", usd("29.70")),
    ];
    // 0.42 × 59.5238095238 is 24.999999999996, not exactly 25.00.
    assert_eq!(with(order(), &changes), found(code::TOTAL_DOES_NOT_BALANCE, "fact.totals.total"));
    let exact = [("/lines/0/quantity", json!("0.4")), ("/lines/0/unitPrice", usd("62.50"))];
    assert_eq!(with(order(), &exact), BALANCED);
}

#[test]
fn the_taxes_of_the_lines_add_up_to_the_orders_tax() {
    let changes = [("/lines/0/taxes/0/amount", usd("1.79"))];
    assert_eq!(with(order(), &changes), found(code::TAX_DOES_NOT_BALANCE, "fact.totals.tax"));
}

#[test]
fn the_tax_of_an_order_taxed_as_a_whole_is_not_compared() {
    let changes = [("/lines/0/taxes", json!([])), ("/shipping/0/taxes", json!([]))];
    assert_eq!(with(order(), &changes), BALANCED);
}

#[test]
fn tax_that_a_marketplace_is_liable_for_may_be_excluded_from_the_orders_tax() {
    let collected = json!({ "title": "Marketplace", "amount": usd("0.99"), "channelLiable": true });
    assert_eq!(with(order(), &[("/lines/0/taxes/-", collected)]), BALANCED);
}

#[test]
fn shop_amounts_are_in_the_shops_currency() {
    let euro = json!({ "shop": { "amount": "12.50", "currency": "EUR" } });
    let findings = with(order(), &[("/lines/0/unitPrice", euro)]);
    assert_eq!(findings, found(code::WRONG_CURRENCY, "fact.lines[0].unitPrice.shop.currency"));
}

#[test]
fn presentment_amounts_are_in_the_customers_currency() {
    let price = |currency: &str| {
        json!({
            "shop": { "amount": "12.50", "currency": "USD" },
            "presentment": { "amount": "11.90", "currency": currency }
        })
    };
    let customer = ("/presentmentCurrency", json!("EUR"));
    assert_eq!(with(order(), &[customer.clone(), ("/lines/0/unitPrice", price("EUR"))]), BALANCED);
    let findings = with(order(), &[customer, ("/lines/0/unitPrice", price("GBP"))]);
    assert_eq!(findings, found(code::WRONG_CURRENCY, "fact.lines[0].unitPrice.presentment.currency"));
}

#[test]
fn an_invalid_decimal_is_found_and_sums_are_not_compared() {
    for text in ["example string", "1e3", "", "12,50", "NaN"] {
        let findings = with(order(), &[("/lines/0/unitPrice", usd(text))]);
        assert_eq!(findings, found(code::NOT_A_DECIMAL, "fact.lines[0].unitPrice.shop.amount"), "{text}");
    }
    let findings = with(order(), &[("/lines/0/grams", json!("heavy"))]);
    assert_eq!(findings, found(code::NOT_A_DECIMAL, "fact.lines[0].grams"));
}

#[test]
fn quantities_are_positive_unless_an_edit_removed_the_line() {
    for quantity in ["0", "-2"] {
        let findings = with(order(), &[("/lines/0/quantity", json!(quantity))]);
        assert!(findings.contains(&(code::NOT_POSITIVE.into(), "fact.lines[0].quantity".into())));
    }
    let gone = json!({
        "id": "12", "kind": "item", "title": "Hat", "quantity": "0", "currentQuantity": "0",
        "unitPrice": usd("9.00"), "taxable": true, "ships": true
    });
    assert_eq!(with(order(), &[("/lines/-", gone)]), BALANCED);
}

#[test]
fn discounts_and_payments_are_not_negative() {
    let findings = with(order(), &[("/payments/0/amount", usd("-29.70"))]);
    assert_eq!(findings, found(code::NEGATIVE, "fact.payments[0].amount"));
    let findings = with(order(), &[("/lines/0/discounts/0/amount", usd("-2.50"))]);
    assert!(findings.contains(&(code::NEGATIVE.into(), "fact.lines[0].discounts[0].amount".into())));
}

#[test]
fn invalid_instants_days_and_currencies_are_found() {
    let findings = with(
        order(),
        &[
            ("/placedAt", json!("2026-11-23T09:30:00")),
            ("/cancelledAt", json!("yesterday")),
            ("/businessDate", json!("23.11.2026")),
            ("/currency", json!("usd")),
        ],
    );
    for (code, field) in [
        (code::NOT_AN_INSTANT, "fact.placedAt"),
        (code::NOT_AN_INSTANT, "fact.cancelledAt"),
        (code::NOT_A_DATE, "fact.businessDate"),
        (code::NOT_A_CURRENCY, "fact.currency"),
    ] {
        assert!(findings.contains(&(code.into(), field.into())), "{code}");
    }
    assert_eq!(with(order(), &[("/businessDate", json!("2026-11-22"))]), BALANCED);
}

#[test]
fn a_total_has_no_more_decimals_than_its_currency() {
    let yen = order().to_string().replace("USD", "JPY");
    let findings = with(serde_json::from_str(&yen).unwrap(), &[]);
    assert_eq!(findings, found(code::TOO_PRECISE, "fact.totals.total"));
}

#[test]
fn missing_and_repeated_ids_are_found() {
    assert_eq!(with(order(), &[("/lines/0/id", json!(""))]), found(code::NO_IDENTITY, "fact.lines[0].id"));
    let mut twice = order()["lines"][0].clone();
    twice["quantity"] = json!("0");
    twice["currentQuantity"] = json!("0");
    twice["discounts"] = json!([]);
    twice["taxes"] = json!([]);
    assert_eq!(with(order(), &[("/lines/-", twice.clone())]), found(code::SAME_ID, "fact.lines"));
    let many: Vec<(String, Value)> = (0..100)
        .map(|n| {
            let mut line = twice.clone();
            line["id"] = json!(format!("x{}", n % 99));
            ("/lines/-".to_owned(), line)
        })
        .collect();
    let many: Vec<(&str, Value)> = many.iter().map(|(path, line)| (path.as_str(), line.clone())).collect();
    assert_eq!(with(order(), &many[..99]), BALANCED);
    assert_eq!(with(order(), &many), found(code::SAME_ID, "fact.lines"));
    let mut slash = event("order", "order.placed", order());
    slash["entity"]["tenant"] = json!("acme/shop");
    assert_eq!(check_json(slash).unwrap_err()[0].field, "entity.tenant");
}

#[test]
fn an_order_without_lines_is_found() {
    let findings = with(order(), &[("/lines", json!([]))]);
    assert!(findings.contains(&(code::NO_LINES.into(), "fact.lines".into())));
}

#[test]
fn amounts_too_large_to_add_are_refused_without_overflow() {
    let most = "9".repeat(28);
    let changes = [("/lines/0/quantity", json!(most)), ("/lines/0/unitPrice", usd(&most))];
    assert_eq!(with(order(), &changes), found(code::TOO_LARGE, "fact.totals"));
}

#[test]
fn extensions_that_are_not_an_object_are_found() {
    assert_eq!(with(order(), &[("/extensions", json!("{\"a\":1}"))]), BALANCED);
    for text in ["[1]", "{", "", "x"] {
        assert_eq!(
            with(order(), &[("/extensions", json!(text))]),
            found(code::NOT_AN_OBJECT, "fact.extensions")
        );
    }
}

#[test]
fn an_entity_of_another_kind_is_found() {
    let findings = check_json(event("refund", "order.placed", order())).unwrap_err();
    assert_eq!(findings[0].code, code::WRONG_ENTITY);
    let mut alone = event("refund", "refund.issued", refund());
    alone.as_object_mut().unwrap().remove("parent");
    assert_eq!(check_json(alone.clone()).unwrap_err()[0].code, code::NO_PARENT);
    // A till refunds without a receipt: the refund belongs to its store.
    alone.pointer_mut("/fact/value").unwrap()["store"] = "9".into();
    assert!(check_json(alone).is_ok());
}

#[test]
fn a_refund_that_matches_its_parts_is_accepted() {
    assert_eq!(with(refund(), &[]), BALANCED);
    // Prices include the tax: the subtotal is the whole amount.
    assert_eq!(with(refund(), &[("/payments/0/amount", usd("11.25"))]), BALANCED);
}

#[test]
fn a_refund_that_does_not_match_its_parts_is_refused() {
    let findings = with(refund(), &[("/payments/0/amount", usd("12.16"))]);
    assert_eq!(findings, found(code::REFUND_DOES_NOT_BALANCE, "fact.payments"));
}

#[test]
fn an_adjustment_is_deducted() {
    let deduction =
        json!({ "id": "61", "reason": "REFUND_DISCREPANCY", "amount": usd("1.00"), "tax": usd("0.00") });
    let changes = [("/adjustments", json!([deduction])), ("/payments/0/amount", usd("11.15"))];
    assert_eq!(with(refund(), &changes), BALANCED);
    assert_eq!(with(refund(), &changes[..1]), found(code::REFUND_DOES_NOT_BALANCE, "fact.payments"));
}

#[test]
fn refunded_shipping_reported_twice_counts_once() {
    let shipping = json!([{ "line": "21", "subtotal": usd("5.00"), "tax": usd("0.40") }]);
    let adjustment =
        json!([{ "id": "61", "reason": "SHIPPING_REFUND", "amount": usd("-5.00"), "tax": usd("-0.40") }]);
    let paid = ("/payments/0/amount", usd("17.55"));
    assert_eq!(with(refund(), &[("/shipping", shipping.clone()), paid.clone()]), BALANCED);
    assert_eq!(with(refund(), &[("/adjustments", adjustment.clone()), paid.clone()]), BALANCED);
    assert_eq!(with(refund(), &[("/shipping", shipping), ("/adjustments", adjustment), paid]), BALANCED);
}

#[test]
fn legal_incomplete_refunds_are_not_compared() {
    let odd = ("/payments/0/amount", usd("7.77"));
    let goodwill = ("/lines", json!([]));
    let pending = ("/payments/0/outcome", json!("pending"));
    let cash = ("/payments/0/tender", json!("cash"));
    let exchange = ("/returnId", json!("71"));
    for legal in [goodwill, pending, cash, exchange, ("/payments", json!([]))] {
        let changes = if legal.0 == "/payments" { vec![legal] } else { vec![odd.clone(), legal] };
        assert_eq!(with(refund(), &changes), BALANCED, "{changes:?}");
    }
}

#[test]
fn findings_are_limited_and_survive_json() {
    let mut many = order();
    many["payments"] = json!(vec![many["payments"][0].clone(); 40]);
    for payment in many["payments"].as_array_mut().unwrap() {
        payment["at"] = json!("never");
    }
    let findings = check_json(event("order", "order.placed", many)).unwrap_err();
    assert_eq!(findings.len(), finding::MAX_FINDINGS);
    let json = serde_json::to_string(&findings).unwrap();
    assert_eq!(serde_json::from_str::<Vec<Finding>>(&json).unwrap(), findings);
}

#[test]
fn stock_shipments_edits_and_documents_are_checked_for_shape() {
    let level = |available: &str| json!({ "sku": "SOCK", "location": "1", "available": available, "at": "2026-11-23T09:30:00Z" });
    assert_eq!(check_json(event("stock", "inventory.counted", level("-3"))), Ok(()));
    assert_eq!(
        check_json(event("stock", "inventory.counted", level("few"))).unwrap_err()[0].field,
        "fact.available"
    );
    let nameless = json!({ "location": "1", "at": "2026-11-23T09:30:00Z" });
    assert_eq!(
        check_json(event("stock", "inventory.counted", nameless)).unwrap_err()[0].code,
        code::NO_IDENTITY
    );
    let shipment = |quantity: &str| {
        json!({
            "order": { "system": "shopify", "tenant": "acme", "kind": "order", "id": "1" }, "state": "shipped",
            "lines": [{ "line": "11", "quantity": quantity }]
        })
    };
    assert_eq!(check_json(event("shipment", "shipment.updated", shipment("1"))), Ok(()));
    assert_eq!(
        check_json(event("shipment", "shipment.updated", shipment("0"))).unwrap_err()[0].code,
        code::NOT_POSITIVE
    );
    let edit = json!({
        "id": "e1", "at": "2026-11-23T09:30:00Z", "lines": [{ "id": "11", "delta": "-1" }, { "id": "", "delta": "x" }],
        "discountsChanged": false, "shippingChanged": false
    });
    let findings = check_json(event("order", "order.edited", edit)).unwrap_err();
    assert_eq!(findings.len(), 2);
    let document = json!({
        "kind": "invoice", "state": "posted", "at": "2026-11-23T09:30:00Z", "total": { "amount": "1", "currency": "Euro" }
    });
    let findings = check_json(event("document", "document.updated", document)).unwrap_err();
    assert_eq!(findings[0].field, "fact.total.currency");
}
