//! An order becomes a sale: once, whatever happens on the way.

use super::*;

#[test]
fn an_order_is_made_quoted_and_confirmed_one_step_a_call() {
    let _host = host()
        .expect(products())
        .expect(
            create()
                .body(json!({
                    "company": 1, "currency": 2, "party": 3, "invoice_address": 33, "shipment_address": 33,
                    "payment_term": null, "warehouse": 5, "reference": "#1001",
                    "sale_date": { "__class__": "date", "year": 2026, "month": 11, "day": 23 },
                    "web_shop": 4, "web_id": "shopify/acme.myshopify.com/order/1001",
                    "lines": [["create", [
                        { "type": "line", "product": 81, "unit": 1, "quantity": 2, "unit_price": number("10.00"),
                          "taxes": [["add", [71]]] },
                        { "type": "line", "product": 82, "unit": 1, "quantity": 1, "unit_price": number("5.00"),
                          "taxes": [["add", []]] },
                    ]]],
                }))
                .answer(200, answer("draft", "27.00")),
        )
        .expect(press("quote").answer(200, answer("quotation", "27.00")))
        .expect(press("confirm").answer(200, answer("confirmed", "27.00")))
        .install();
    let mut work = placed(order());
    assert_eq!(deliver(work.clone()), partial("quote/12", None));
    work.resume = Some("quote/12".into());
    assert_eq!(deliver(work.clone()), partial("confirm/12", Some("S-77")));
    work.resume = Some("confirm/12".into());
    assert_eq!(deliver(work), Outcome::Posted(Receipt::of(sale(Some("S-77")))));
}

#[test]
fn a_lost_answer_is_unknown_and_find_says_where_to_go_on() {
    let two = || json!([answer("draft", "27.00"), answer("draft", "27.00")]);
    let _host = host()
        .expect(products())
        .expect(create().lose_connection())
        .expect(lookup().answer(200, json!([])))
        .expect(lookup().answer(200, json!([answer("draft", "27.00")])))
        .expect(lookup().answer(200, json!([answer("quotation", "27.00")])))
        .expect(lookup().answer(200, json!([answer("processing", "27.00")])))
        .expect(lookup().answer(200, two()))
        .expect(lookup().answer(401, json!({})))
        .expect(lookup().answer_bytes(500, "<!doctype html><title>500</title>"))
        .install();
    assert!(matches!(deliver(placed(order())), Outcome::Unknown(_)));
    let progress = |resume: &str, number| Progress { resume: resume.into(), references: vec![sale(number)] };
    assert_eq!(find(placed(order())), Found::Absent);
    assert_eq!(find(placed(order())), Found::Partial(progress("check/12", None)));
    assert_eq!(find(placed(order())), Found::Partial(progress("confirm/12", Some("S-77"))));
    assert_eq!(find(placed(order())), Found::Present(Receipt::of(sale(Some("S-77")))));
    assert!(matches!(find(placed(order())), Found::Duplicated(sales) if sales.len() == 2));
    assert!(matches!(find(placed(order())), Found::Failed(Failure::Unauthorized(_))));
    assert!(matches!(find(placed(order())), Found::Failed(Failure::Unavailable(_))));
}

#[test]
fn a_taken_web_id_means_that_an_earlier_try_got_through() {
    let _host = host()
        .expect(products())
        .expect(create().answer(400, taken()))
        .expect(lookup().answer(200, json!([answer("processing", "27.00")])))
        .expect(read_full().answer(200, full("processing", 2.0)))
        .expect(products())
        .install();
    assert_eq!(deliver(placed(order())), Outcome::AlreadyThere(Receipt::of(sale(Some("S-77")))));
}

#[test]
fn a_step_that_was_done_already_is_not_done_again() {
    let _host = host()
        .expect(press("quote").answer(400, refusal("You can not call \"quote\" on \"S-77\" of \"Sale\".")))
        .expect(testing::get(&path("sale.sale/12", &FIELDS)).answer(200, answer("quotation", "27.00")))
        .expect(read_full().answer(200, full("quotation", 2.0)))
        .expect(products())
        .expect(
            press("confirm").answer(400, refusal("You can not call \"confirm\" on \"S-77\" of \"Sale\".")),
        )
        .expect(testing::get(&path("sale.sale/12", &FIELDS)).answer(200, answer("processing", "27.00")))
        .expect(read_full().answer(200, full("processing", 2.0)))
        .expect(products())
        .install();
    let work = Work { resume: Some("quote/12".into()), ..placed(order()) };
    assert_eq!(deliver(work.clone()), partial("confirm/12", Some("S-77")));
    let work = Work { resume: Some("confirm/12".into()), ..work };
    assert_eq!(deliver(work), Outcome::AlreadyThere(Receipt::of(sale(Some("S-77")))));
}

#[test]
fn what_tryton_refuses_is_for_a_person_in_trytons_words() {
    let message = "The number of digits in the value \"'1.5'\" exceeds the limit of \"(None, 0)\".";
    let _host = host()
        .expect(products())
        .expect(create().answer(400, refusal(message)))
        .expect(lookup().answer(200, json!([])))
        .install();
    assert_eq!(rejected(deliver(placed(order()))).message, message);
}

#[test]
fn cents_are_settled_by_a_line_and_more_is_for_a_person() {
    let gap = |total: &str| {
        let mut order = order();
        order.totals.total = Price::shop(total, "EUR");
        Work { resume: Some("check/12".into()), ..placed(order) }
    };
    let fields = ["code", "sale_uom", "default_uom", "salable"];
    let adjustment = || json!([{ "id": 83, "code": "ADJUSTMENT", "sale_uom": 1, "salable": true }]);
    let _host = host()
        .expect(read_full().answer(200, full("draft", 2.0)))
        .expect(
            search("product.product", json!([["code", "in", ["ADJUSTMENT"]]]), &fields)
                .answer(200, adjustment()),
        )
        .expect(testing::put(&path("sale.sale/12", &FIELDS)).body(json!({ "lines": [["create", [
            { "type": "line", "product": 83, "unit": 1, "quantity": 1, "unit_price": number("-0.02"),
              "taxes": [["add", []]] },
        ]]] })))
        .expect(press("quote").answer(200, answer("quotation", "26.98")))
        .expect(read_full().answer(200, full("draft", 2.0)))
        .expect(products())
        .install();
    assert_eq!(deliver(gap("26.98")), partial("confirm/12", Some("S-77")));
    let problem = rejected(deliver(gap("27.06")));
    assert_eq!((problem.code.as_str(), problem.field.as_deref()), ("total-differs", Some("totals.total")));
    assert!(problem.message.contains("27.06") && problem.message.contains("27.00"), "{problem}");
}

#[test]
fn what_the_settings_and_tryton_do_not_know_is_named() {
    let change = |change: fn(&mut Line)| {
        let mut order = order();
        change(&mut order.lines[0]);
        placed(order)
    };
    let fields = ["code", "sale_uom", "default_uom", "salable"];
    let asked = || search("product.product", json!([["code", "in", ["SHIPPING", "TEA-250"]]]), &fields);
    let tea = json!({ "id": 81, "code": "TEA-250", "sale_uom": 1, "salable": true });
    let shelved = json!({ "id": 81, "code": "TEA-250", "sale_uom": 1, "salable": false });
    let _host = host()
        .expect(asked().answer(200, json!([])))
        .expect(asked().answer(200, json!([tea, tea])))
        .expect(asked().answer(200, json!([shelved])))
        .install();
    let problems = [
        (placed(order()), "unknown-sku", "lines[0].sku"),
        (placed(order()), "ambiguous-sku", "lines[0].sku"),
        (placed(order()), "not-for-sale", "lines[0].sku"),
        (change(|line| line.sku = None), "no-sku", "lines[0].sku"),
        (change(|line| line.unit = Some("GRM".into())), "unmapped-unit", "lines[0].unit"),
        (change(|line| line.taxes[0].title = "PST".into()), "unmapped-tax", "lines[0].taxes[0]"),
        (change(|line| line.kind = LineKind::Tip), "no-service-product", "lines[0]"),
    ];
    for (work, code, field) in problems {
        let problem = rejected(deliver(work));
        assert_eq!((problem.code.as_str(), problem.field.as_deref()), (code, Some(field)), "{problem}");
    }
}

#[test]
fn prices_become_net_and_taxes_are_found_by_title_or_rate() {
    let _host = host().install();
    let settings = crate::settings::Settings::read().unwrap();
    let mut order = order();
    order.prices_include_tax = true;
    let line = &mut order.lines[0];
    line.quantity = "3".into();
    line.unit_price = Price::shop("10.00", "EUR");
    line.discounts = vec![DiscountAllocation { title: None, amount: Price::shop("1.00", "EUR") }];
    line.taxes[0].title = "CA State Tax".into();
    line.taxes[0].rate = Some("0.07250".into());
    line.taxes[0].amount = Price::shop("1.96", "EUR");
    order.totals.cash_rounding = Some(Price::shop("-0.01", "EUR"));
    let lines = crate::lines::of_order(&order, &settings).unwrap();
    // (3 × 10.00 − 1.00 − 1.96) ÷ 3, to four digits
    assert_eq!(lines[0].unit_price.to_string(), "9.0133");
    assert_eq!(lines[0].taxes, [72]);
    assert_eq!((lines[2].unit_price.to_string(), &lines[2].source), ("-0.01".into(), &None));
}

#[test]
fn a_new_customer_is_a_party_of_their_own_and_found_again() {
    let code = json!([["code", "=", "shopify/acme.myshopify.com/customer/501"]]);
    let address = json!([
        ["party", "=", 90],
        ["party_name", "=", "Ada Example"],
        ["street", "=", "Hauptstr. 1"],
        ["postal_code", "=", "10115"],
        ["city", "=", "Berlin"],
        ["country", "=", 7],
        ["subdivision", "=", null],
    ]);
    let _host = host()
        .expect(products())
        .expect(search("party.party", code.clone(), &["id"]).answer(200, json!([])))
        .expect(
            testing::post(&path("party.party", &["id"]))
                .body_with(
                    json!({ "name": "Ada Example", "code": "shopify/acme.myshopify.com/customer/501" }),
                )
                .answer(400, refusal("The code on party must be unique.")),
        )
        .expect(search("party.party", code, &["id"]).answer(200, json!([{ "id": 90 }])))
        .expect(
            search("country.country", json!([["code", "=", "DE"]]), &["id"])
                .answer(200, json!([{ "id": 7 }])),
        )
        .expect(search("party.address", address, &["id"]).answer(200, json!([])))
        .expect(
            testing::post(&path("party.address", &["id"]))
                .body_with(json!({ "party": 90, "city": "Berlin" }))
                .answer(400, refusal("The value for \"Hauptstr. 1\" is not valid.")),
        )
        .install();
    let problem = rejected(deliver(placed(testing::order())));
    assert_eq!(problem.code, "address-refused");
    assert!(!problem.message.contains("Hauptstr"), "personal data in {problem}");
}
