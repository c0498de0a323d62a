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
fn what_a_person_has_to_decide_about_an_article_is_named() {
    let change = |change: fn(&mut Line)| {
        let mut order = order();
        change(&mut order.lines[0]);
        placed(order)
    };
    let tea = json!({ "id": 81, "code": "TEA-250", "sale_uom": 1, "salable": true });
    let shelved = json!({ "id": 81, "code": "TEA-250", "sale_uom": 1, "salable": false });
    let _host = host()
        .expect(codes(&["SHIPPING", "TEA-250"]).answer(200, json!([tea, tea])))
        .expect(codes(&["SHIPPING", "TEA-250"]).answer(200, json!([shelved])))
        .install();
    let problems = [
        (placed(order()), "ambiguous-sku", "lines[0].sku"),
        (placed(order()), "not-for-sale", "lines[0].sku"),
        (change(|line| line.sku = None), "no-sku", "lines[0].sku"),
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
    let erp = crate::Erp::new().unwrap();
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
    let lines = crate::lines::of_order(&order, &erp).unwrap();
    // (3 × 10.00 − 1.00 − 1.96) ÷ 3, to four digits
    assert_eq!(lines[0].unit_price.to_string(), "9.0133");
    assert_eq!(lines[0].taxes, [72]);
    assert_eq!((lines[2].unit_price.to_string(), &lines[2].source), ("-0.01".into(), &None));
}

/// The total that the sale of an order has to come to, and its lines without a counterpart in the order.
fn booked(change: impl Fn(&mut Order)) -> (String, Vec<String>) {
    let _host = host()
        .setting("services", json!({ "shipping": "SHIPPING", "adjustment": "ADJUSTMENT", "duty": "DUTY" }))
        .install();
    let erp = crate::Erp::new().unwrap();
    let mut order = order();
    change(&mut order);
    let entity = testing::entity(EntityKind::Order, "1001");
    let deed = crate::order::Booking { entity: &entity, order: &order };
    let total = crate::steps::Deed::total(&deed, &erp).unwrap();
    let lines = crate::lines::of_order(&order, &erp).unwrap();
    let extra = lines.iter().filter(|line| line.source.is_none()).map(|line| line.unit_price.to_string());
    (total.normalize().to_string(), extra.collect())
}

#[test]
fn the_rounding_of_cash_is_booked_whether_it_is_in_the_total_or_beside_it() {
    let eur = |amount: &str| Price::shop(amount, "EUR");
    let rounded = |total: &str, rounding: &str| {
        booked(|order| {
            order.totals.total = eur(total);
            order.totals.cash_rounding = Some(eur(rounding));
        })
    };
    // A till that rounds to half a crown: 27.00 of goods, and 0.40 more or less in the drawer.
    assert_eq!(rounded("27.00", "0.40"), ("27.4".into(), vec!["0.40".into()]));
    assert_eq!(rounded("27.40", "0.40"), ("27.4".into(), vec!["0.40".into()]));
    assert_eq!(rounded("27.00", "-0.40"), ("26.6".into(), vec!["-0.40".into()]));
    assert_eq!(rounded("27.00", "0.00"), ("27".into(), vec![]));
    // Discounts and included taxes are parts too.
    let with_discount = booked(|order| {
        order.prices_include_tax = true;
        order.lines[0].discounts = vec![DiscountAllocation { title: None, amount: eur("1.00") }];
        order.totals.total = eur("24.00");
        order.totals.cash_rounding = Some(eur("0.20"));
    });
    assert_eq!(with_discount, ("24.2".into(), vec!["0.20".into()]));
}

#[test]
fn duties_are_a_line_of_their_own_where_the_prices_do_not_hold_them() {
    let eur = |amount: &str| Price::shop(amount, "EUR");
    let added = booked(|order| {
        order.lines[0].duties = vec![eur("4.00")];
        order.totals.duties = Some(eur("4.00"));
        order.totals.total = eur("31.00");
    });
    assert_eq!(added, ("31".into(), vec!["4.00".into()]));
    let within = booked(|order| {
        order.lines[0].duties = vec![eur("4.00")];
        order.duties_included = true;
    });
    assert_eq!(within, ("27".into(), vec![]));
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

#[test]
fn goods_of_a_till_are_handed_over_when_they_cannot_or_need_not_be_sent() {
    let handed_over = |change: fn(&mut Order)| {
        let mut order = order();
        order.store = Some("655".into());
        order.shipping.clear();
        change(&mut order);
        let entity = testing::entity(EntityKind::Order, "1001");
        crate::steps::Deed::handed_over(&crate::order::Booking { entity: &entity, order: &order })
    };
    assert!(handed_over(|order| order.lines[0].ships = false));
    // Shopify's till says of every article that it can be sent; it is fulfilled once it is taken.
    assert!(handed_over(|order| order.fulfilment = FulfilmentState::Fulfilled));
    assert!(!handed_over(|_| ()), "it is ordered in the store, and is still to leave");
    assert!(!handed_over(|order| order.fulfilment = FulfilmentState::Partial));
    let online = |order: &mut Order| {
        order.store = None;
        order.fulfilment = FulfilmentState::Fulfilled;
    };
    assert!(!handed_over(online));
    let sent_home = |order: &mut Order| {
        order.shipping = testing::order().shipping;
        order.fulfilment = FulfilmentState::Fulfilled;
    };
    assert!(!handed_over(sent_home));
}

#[test]
fn a_change_whose_goods_were_handed_over_is_found_only_when_they_are_off_the_books() {
    let handed_over = |shipment: &str| {
        json!({
            "id": 12, "number": "S-77", "state": "processing", "total_amount": number("27.00"), "lines": [],
            "shipments": [{ "id": 21, "number": "P-21", "state": shipment }], "shipment_returns": [],
        })
    };
    let fields = [
        "number",
        "state",
        "total_amount",
        "lines",
        "shipment_state",
        "shipments.state",
        "shipments.number",
        "shipment_returns.state",
        "shipment_returns.number",
    ];
    let mut taken = order();
    taken.store = Some("655".into());
    taken.shipping.clear();
    taken.fulfilment = FulfilmentState::Fulfilled;
    let tea = json!([{ "id": 81, "code": "TEA-250", "sale_uom": 1, "salable": true }]);
    let mut bought = full("processing", 2.0);
    bought["lines"].as_array_mut().unwrap().pop();
    let mut host = host().mapping("warehouse", "655", "12");
    for shipment in ["waiting", "done"] {
        host = host
            .expect(lookup().answer(200, json!([answer("processing", "27.00")])))
            .expect(read_full().answer(200, bought.clone()))
            .expect(codes(&["TEA-250"]).answer(200, tea.clone()))
            .expect(testing::get(&path("sale.sale/12", &fields)).answer(200, handed_over(shipment)));
    }
    let _host = host.install();
    let work = later(Fact::updated(taken));
    assert!(matches!(find(work.clone()), Found::Partial(at) if at.resume == "hand-over/12"));
    assert!(matches!(find(work), Found::Present(_)));
}
