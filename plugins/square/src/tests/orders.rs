//! Orders: identity, times, amounts.

use proptest::prelude::*;

use super::*;

fn order_with(pointer: &str, value: Value) -> Value {
    let mut order = order();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    order.pointer_mut(parent).unwrap()[name] = value;
    order
}

#[test]
fn an_order_is_read_with_its_lines_and_payments() {
    let events = events_of("order.created", &order());
    assert_eq!(events.len(), 1);
    let event = &events[0];
    assert_eq!(
        (event.fact.kind(), event.entity.to_string().as_str()),
        ("order.placed", "square/M1/order/O1")
    );
    let version = Version { at: "2026-11-23T17:00:00.250Z".into(), sequence: Some(3) };
    assert_eq!(event.version, Some(version));
    let order = checked_order(event);
    assert_eq!((order.channel.as_str(), order.store.as_deref()), ("pos", Some("L1")));
    assert_eq!((order.payment, order.fulfilment), (PaymentState::Paid, FulfilmentState::Fulfilled));
    assert!(!order.prices_include_tax && order.natural_key.is_none());
    let line = &order.lines[0];
    assert_eq!(
        (line.id.as_str(), line.sku.as_deref(), line.variant_id.as_deref()),
        ("l1", Some("TEA-250"), Some("VAR-TEA"))
    );
    assert_eq!((line.title.as_str(), &line.unit_price), ("Green tea (250 g)", &Price::shop("10.00", "USD")));
    assert_eq!(
        line.discounts[0],
        DiscountAllocation { title: Some("Monday".into()), amount: Price::shop("1.00", "USD") }
    );
    assert_eq!((line.taxes[0].title.as_str(), line.taxes[0].rate.as_deref()), ("IL Sales Tax", Some("0.08")));
    let payments: Vec<_> =
        order.payments.iter().map(|one| (one.kind, one.amount.shop.amount.as_str())).collect();
    assert_eq!(payments, [(PaymentKind::Sale, "25.00"), (PaymentKind::Change, "4.48")]);
}

#[test]
fn the_business_day_is_in_the_stores_time_zone() {
    // 05:30 UTC is still the previous evening in Chicago.
    let late = order_with("/created_at", "2026-11-24T05:30:00Z".into());
    assert_eq!(
        checked_order(&events_of("order.created", &late)[0]).business_date.as_deref(),
        Some("2026-11-23")
    );
    // 01:30 belongs to the previous day, where the day starts at 04:00.
    let night = order_with("/created_at", "2026-11-24T07:30:00Z".into());
    assert_eq!(
        checked_order(&events_of("order.created", &night)[0]).business_date.as_deref(),
        Some("2026-11-24")
    );
    let events = receive(
        host().setting("day-starts", "04:00").expect(get_order(&night)),
        &order_notification("order.created"),
    )
    .unwrap();
    assert_eq!(checked_order(&events[0]).business_date.as_deref(), Some("2026-11-23"));
    // A location without a known time zone.
    let unknown = order_with("/location_id", "L9".into());
    assert_eq!(checked_order(&events_of("order.created", &unknown)[0]).business_date, None);
}

#[test]
fn the_kind_of_event_follows_the_trigger_and_the_orders_state() {
    let kind =
        |trigger: &str, state: &str| events_of(trigger, &order_with("/state", state.into()))[0].fact.kind();
    assert_eq!(kind("order.created", "OPEN"), "order.placed");
    assert_eq!(kind("order.updated", "OPEN"), "order.updated");
    assert_eq!(kind("order.fulfillment.updated", "COMPLETED"), "order.updated");
    assert_eq!(kind("order.updated", "CANCELED"), "order.cancelled");
    assert_eq!(kind("order.created", "CANCELED"), "order.cancelled");
    assert_eq!(
        events_of("order.created", &order_with("/state", "DRAFT".into())),
        [],
        "a draft is not an order yet"
    );
    assert_eq!(
        events_of("order.created", &order_with("/line_items", json!([]))),
        [],
        "an order without lines"
    );
    let mut ticket = order_with("/state", "OPEN".into());
    ticket["tenders"] = json!([]);
    assert_eq!(events_of("order.created", &ticket), [], "an open ticket of a till");
    ticket["source"]["name"] = "My App".into();
    assert_eq!(events_of("order.created", &ticket)[0].fact.kind(), "order.placed");
}

#[test]
fn prices_include_tax_where_all_taxes_are_inclusive() {
    // 2 × 10.00 − 1.00 = 19.00, of which 1.41 are tax; in some countries Square excludes it from gross sales.
    for gross in [2000, 1859] {
        let mut order = order();
        order["taxes"][0]["type"] = "INCLUSIVE".into();
        let line = &mut order["line_items"][0];
        line["applied_taxes"][0]["applied_money"] = usd(141);
        (line["gross_sales_money"], line["total_tax_money"], line["total_money"]) =
            (usd(gross), usd(141), usd(1900));
        (order["total_money"], order["total_tax_money"]) = (usd(1900), usd(141));
        let events = events_of("order.updated", &order);
        let order = checked_order(&events[0]);
        assert!(order.prices_include_tax);
        assert_eq!(order.lines[0].unit_price, Price::shop("10.00", "USD"));
    }
}

#[test]
fn where_only_some_taxes_are_inclusive_prices_exclude_tax() {
    let mut order = order();
    order["taxes"]
        .as_array_mut()
        .unwrap()
        .push(json!({ "uid": "t2", "name": "Bottle", "percentage": "5", "type": "INCLUSIVE" }));
    let line = &mut order["line_items"][0];
    line["applied_taxes"].as_array_mut().unwrap().push(json!({ "tax_uid": "t2", "applied_money": usd(90) }));
    line["total_tax_money"] = usd(242);
    let events = events_of("order.updated", &order);
    let order = checked_order(&events[0]);
    assert!(!order.prices_include_tax);
    assert_eq!(
        (order.totals.tax.shop.amount.as_str(), order.lines[0].unit_price.shop.amount.as_str()),
        ("2.42", "9.55")
    );
}

#[test]
fn charges_tips_and_rounding_are_part_of_the_total() {
    let mut order = order();
    order["service_charges"] = json!([
        { "uid": "s1", "name": "Delivery", "treatment_type": "LINE_ITEM_TREATMENT", "total_money": usd(540),
          "total_tax_money": usd(40), "applied_taxes": [{ "tax_uid": "t1", "applied_money": usd(40) }] },
        { "uid": "s2", "name": "Shared", "treatment_type": "APPORTIONED_TREATMENT", "total_money": usd(100) },
    ]);
    order["total_tip_money"] = usd(300);
    order["rounding_adjustment"] = json!({ "amount_money": usd(3) });
    order["total_money"] = usd(2052 + 540 + 300 + 3);
    let events = events_of("order.updated", &order);
    let order = checked_order(&events[0]);
    assert_eq!(order.lines.len(), 2);
    assert_eq!(
        (order.lines[1].kind, order.lines[1].unit_price.shop.amount.as_str()),
        (LineKind::Custom, "5.00")
    );
    assert_eq!(
        (&order.totals.tips, &order.totals.cash_rounding),
        (&Some(Price::shop("3.00", "USD")), &Some(Price::shop("0.03", "USD")))
    );
}

#[test]
fn weighed_goods_modifiers_and_lines_without_a_catalogue_object_are_read() {
    let mut order = order();
    order["line_items"] = json!([
        { "uid": "w", "name": "Apples", "quantity": "0.42", "catalog_object_id": "VAR-TEA", "base_price_money": usd(299),
          "quantity_unit": { "measurement_unit": { "weight_unit": "IMPERIAL_POUND" }, "precision": 2 },
          "modifiers": [{ "uid": "m", "name": "Sliced" }], "note": "order_notification", "total_money": usd(126) },
        { "uid": "c", "name": "Repair", "quantity": "1", "item_type": "CUSTOM_AMOUNT", "base_price_money": usd(500), "total_money": usd(500) },
        { "uid": "g", "name": "Card", "quantity": "1", "item_type": "GIFT_CARD", "base_price_money": usd(2500), "total_money": usd(2500) },
        { "uid": "x", "name": "Third", "quantity": "3", "base_price_money": usd(33), "total_money": usd(100) },
    ]);
    order["total_money"] = usd(3226);
    let events = events_of("order.updated", &order);
    let sale = checked_order(&events[0]);
    let lines = &sale.lines;
    assert_eq!((lines[0].quantity.as_str(), lines[0].unit.as_deref()), ("0.42", Some("LBR")));
    let personal = sale.personal.as_ref().unwrap();
    let attributes: Vec<_> =
        personal.attributes_of("w").iter().map(|one| (one.name.as_str(), one.value.as_str())).collect();
    assert_eq!(attributes, [("modifier", "Sliced"), ("note", "order_notification")]);
    assert_eq!(personal.line_attributes.len(), 1);
    let kinds: Vec<_> = lines.iter().map(|line| line.kind).collect();
    assert_eq!(kinds, [LineKind::Item, LineKind::Custom, LineKind::GiftCard, LineKind::Custom]);
}

#[test]
fn amounts_are_integers_in_the_currencys_smallest_unit() {
    let yen = |mut order: Value| {
        let text = order.to_string().replace("\"USD\"", "\"JPY\"");
        order = serde_json::from_str(&text).unwrap();
        order
    };
    let events = events_of("order.updated", &yen(order()));
    assert_eq!(checked_order(&events[0]).totals.total, Price::shop("2052", "JPY"));
    let mixed = order_with("/line_items/0/total_money", json!({ "amount": 2052, "currency": "CAD" }));
    let Err(Failure::Rejected(problem)) =
        receive(host().expect(get_order(&mixed)), &order_notification("order.updated"))
    else {
        panic!()
    };
    assert_eq!(
        (problem.code.as_str(), problem.field.as_deref()),
        ("currency-mixed", Some("line_items[0].total_money"))
    );
    let float = order_with("/total_money", json!({ "amount": 20.52, "currency": "USD" }));
    assert!(
        receive(host().expect(get_order(&float)), &order_notification("order.updated")).is_err(),
        "an amount is never a float"
    );
}

#[test]
fn a_key_passed_by_the_tills_integration_is_the_natural_key() {
    let key = "17/3/2026-11-23/412";
    let natural = |order: &Value| checked_order(&events_of("order.updated", order)[0]).natural_key.clone();
    assert_eq!(natural(&order_with("/reference_id", key.into())).as_deref(), Some(key));
    assert_eq!(natural(&order_with("/tenders/0/note", key.into())).as_deref(), Some(key));
    assert_eq!(natural(&order_with("/reference_id", "my-order-001".into())), None);
}

#[test]
fn the_recipient_is_personal_data() {
    let mut order = order();
    order["fulfillments"] = json!([{ "type": "SHIPMENT", "state": "PROPOSED", "shipment_details": { "shipping_note": "ring twice",
        "recipient": { "display_name": "Ada Example", "email_address": "ada@example.com",
            "address": { "address_line_1": "Main St 1", "locality": "Chicago", "postal_code": "60601", "country": "US" } } } }]);
    let events = events_of("order.updated", &order);
    let order = checked_order(&events[0]);
    let personal = order.personal.as_ref().unwrap();
    assert_eq!(
        (personal.name.as_deref(), personal.note.as_deref()),
        (Some("Ada Example"), Some("ring twice"))
    );
    assert_eq!(personal.shipping.as_ref().unwrap().lines, ["Main St 1"]);
    assert_eq!(order.fulfilment, FulfilmentState::Unfulfilled);
    assert!(order.lines[0].ships);
}

proptest! {
    /// Whatever the quantities, taxes and discounts, the totals are exact.
    #[test]
    fn every_order_balances(lines in proptest::collection::vec((1_i64..1_000_000, 0_i64..10_000, 0_i64..10_000, 1_i64..100_000, 0_u32..5, any::<bool>()), 1..8), inclusive: bool) {
        let mut order = order();
        order["taxes"][0]["type"] = if inclusive { "INCLUSIVE" } else { "ADDITIVE" }.into();
        let mut sum = 0;
        order["line_items"] = lines.iter().enumerate().map(|(at, (total, tax, discount, quantity, scale, applied))| {
            sum += total;
            let mut line = json!({ "uid": at.to_string(), "name": "x", "quantity": Decimal::new(*quantity, *scale).to_string(),
                "base_price_money": usd(100), "total_tax_money": usd(*tax), "total_discount_money": usd(*discount), "total_money": usd(*total) });
            if *applied {
                line["applied_taxes"] = json!([{ "tax_uid": "t1", "applied_money": usd(*tax) }]);
                line["applied_discounts"] = json!([{ "discount_uid": "d1", "applied_money": usd(*discount) }]);
            }
            line
        }).collect();
        order["total_money"] = usd(sum);
        checked_order(&events_of("order.updated", &order)[0]);
    }

    /// No content of an order makes the plugin panic.
    #[test]
    fn no_order_causes_a_panic(nth in 1_usize..90, value in prop_oneof![Just(json!(null)), Just(json!(-1)), Just(json!("")), Just(json!([])), Just(json!({})), Just(json!(i64::MAX)), Just(json!("99999999999999999999999999999")), Just(json!("-0.00000000001"))]) {
        let mut order = order();
        let mut left = nth;
        replace_nth(&mut order, &mut left, &value);
        let _host = host().install();
        let _ = crate::read_order(order.to_string().as_bytes(), &crate::Settings::read().unwrap());
    }
}

/// Replaces the nth value of a document.
fn replace_nth(json: &mut Value, left: &mut usize, value: &Value) {
    if *left == 0 {
        *json = value.clone();
        *left = usize::MAX;
        return;
    }
    *left -= 1;
    match json {
        Value::Object(members) => members.values_mut().for_each(|member| {
            if *left != usize::MAX {
                replace_nth(member, left, value)
            }
        }),
        Value::Array(items) => items.iter_mut().for_each(|item| {
            if *left != usize::MAX {
                replace_nth(item, left, value)
            }
        }),
        _ => {}
    }
}
