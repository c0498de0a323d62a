//! An order becomes one sale, whatever fails between the steps.

use super::*;
use crate::sale_source::SaleSource;

#[test]
fn an_order_is_created_quoted_and_confirmed_one_step_per_call() {
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
                .respond(200, sale_record("draft", "27.00")),
        )
        .expect(call_button("quote").respond(200, sale_record("quotation", "27.00")))
        .expect(call_button("confirm").respond(200, sale_record("confirmed", "27.00")))
        .install();
    let mut work = placed(order());
    assert_eq!(deliver(work.clone()), partial("quote/12", None));
    work.resume = Some("quote/12".into());
    assert_eq!(deliver(work.clone()), partial("confirm/12", Some("S-77")));
    work.resume = Some("confirm/12".into());
    assert_eq!(deliver(work), Outcome::Posted(Receipt::of(sale(Some("S-77")))));
}

#[test]
fn a_lost_response_is_unknown_and_find_returns_the_step_to_resume_from() {
    let two = || json!([sale_record("draft", "27.00"), sale_record("draft", "27.00")]);
    let _host = host()
        .expect(products())
        .expect(create().lose_connection())
        .expect(lookup().respond(200, json!([])))
        .expect(lookup().respond(200, json!([sale_record("draft", "27.00")])))
        .expect(lookup().respond(200, json!([sale_record("quotation", "27.00")])))
        .expect(lookup().respond(200, json!([sale_record("processing", "27.00")])))
        .expect(lookup().respond(200, two()))
        .expect(lookup().respond(401, json!({})))
        .expect(lookup().respond_bytes(500, "<!doctype html><title>500</title>"))
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
fn a_taken_web_id_means_that_an_earlier_attempt_succeeded() {
    let _host = host()
        .expect(products())
        .expect(create().respond(400, web_id_taken()))
        .expect(lookup().respond(200, json!([sale_record("processing", "27.00")])))
        .expect(read_with_lines().respond(200, sale_with_lines("processing", 2.0)))
        .expect(products())
        .install();
    assert_eq!(deliver(placed(order())), Outcome::AlreadyThere(Receipt::of(sale(Some("S-77")))));
}

#[test]
fn a_step_that_was_done_already_is_not_repeated() {
    let _host = host()
        .expect(
            call_button("quote").respond(400, refusal("You can not call \"quote\" on \"S-77\" of \"Sale\".")),
        )
        .expect(testing::get(&path("sale.sale/12", &FIELDS)).respond(200, sale_record("quotation", "27.00")))
        .expect(read_with_lines().respond(200, sale_with_lines("quotation", 2.0)))
        .expect(products())
        .expect(
            call_button("confirm")
                .respond(400, refusal("You can not call \"confirm\" on \"S-77\" of \"Sale\".")),
        )
        .expect(testing::get(&path("sale.sale/12", &FIELDS)).respond(200, sale_record("processing", "27.00")))
        .expect(read_with_lines().respond(200, sale_with_lines("processing", 2.0)))
        .expect(products())
        .install();
    let work = Work { resume: Some("quote/12".into()), ..placed(order()) };
    assert_eq!(deliver(work.clone()), partial("confirm/12", Some("S-77")));
    let work = Work { resume: Some("confirm/12".into()), ..work };
    assert_eq!(deliver(work), Outcome::AlreadyThere(Receipt::of(sale(Some("S-77")))));
}

#[test]
fn a_refusal_is_rejected_with_trytons_message() {
    let message = "The number of digits in the value \"'1.5'\" exceeds the limit of \"(None, 0)\".";
    let _host = host()
        .expect(products())
        .expect(create().respond(400, refusal(message)))
        .expect(lookup().respond(200, json!([])))
        .install();
    assert_eq!(rejected(deliver(placed(order()))).message, message);
}

#[test]
fn a_rounding_difference_is_settled_by_a_line_and_a_larger_one_is_rejected() {
    let with_total = |total: &str| {
        let mut order = order();
        order.totals.total = Price::shop(total, "EUR");
        Work { resume: Some("check/12".into()), ..placed(order) }
    };
    let fields = ["code", "sale_uom", "default_uom", "salable"];
    let adjustment = || json!([{ "id": 83, "code": "ADJUSTMENT", "sale_uom": 1, "salable": true }]);
    let _host = host()
        .expect(read_with_lines().respond(200, sale_with_lines("draft", 2.0)))
        .expect(
            search("product.product", json!([["code", "in", ["ADJUSTMENT"]]]), &fields)
                .respond(200, adjustment()),
        )
        .expect(testing::put(&path("sale.sale/12", &FIELDS)).body(json!({ "lines": [["create", [
            { "type": "line", "product": 83, "unit": 1, "quantity": 1, "unit_price": number("-0.02"),
              "taxes": [["add", []]] },
        ]]] })))
        .expect(call_button("quote").respond(200, sale_record("quotation", "26.98")))
        .expect(read_with_lines().respond(200, sale_with_lines("draft", 2.0)))
        .expect(products())
        .install();
    assert_eq!(deliver(with_total("26.98")), partial("confirm/12", Some("S-77")));
    let problem = rejected(deliver(with_total("27.06")));
    assert_eq!((problem.code.as_str(), problem.field.as_deref()), ("total-differs", Some("totals.total")));
    assert!(problem.message.contains("27.06") && problem.message.contains("27.00"), "{problem}");
}

#[test]
fn an_article_problem_names_the_line() {
    let change = |change: fn(&mut Line)| {
        let mut order = order();
        change(&mut order.lines[0]);
        placed(order)
    };
    let tea = json!({ "id": 81, "code": "TEA-250", "sale_uom": 1, "salable": true });
    let not_for_sale = json!({ "id": 81, "code": "TEA-250", "sale_uom": 1, "salable": false });
    let _host = host()
        .expect(codes(&["SHIPPING", "TEA-250"]).respond(200, json!([tea, tea])))
        .expect(codes(&["SHIPPING", "TEA-250"]).respond(200, json!([not_for_sale])))
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
fn prices_become_net_and_taxes_are_mapped_by_title_or_rate() {
    let _host = host().install();
    let erp = crate::erp::Erp::new().unwrap();
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

/// The total that the sale of an order must have, and its lines that are not lines of the order.
fn total_and_extra_lines(change: impl Fn(&mut Order)) -> (String, Vec<String>) {
    let _host = host()
        .setting("services", json!({ "shipping": "SHIPPING", "adjustment": "ADJUSTMENT", "duty": "DUTY" }))
        .install();
    let erp = crate::erp::Erp::new().unwrap();
    let mut order = order();
    change(&mut order);
    let entity = testing::entity(EntityKind::Order, "1001");
    let source = crate::order::OrderSale { entity: &entity, order: &order };
    let total = source.total(&erp).unwrap();
    let lines = crate::lines::of_order(&order, &erp).unwrap();
    let extra = lines.iter().filter(|line| line.source.is_none()).map(|line| line.unit_price.to_string());
    (total.normalize().to_string(), extra.collect())
}

#[test]
fn cash_rounding_is_booked_whether_or_not_the_total_includes_it() {
    let eur = |amount: &str| Price::shop(amount, "EUR");
    let rounded = |total: &str, rounding: &str| {
        total_and_extra_lines(|order| {
            order.totals.total = eur(total);
            order.totals.cash_rounding = Some(eur(rounding));
        })
    };
    // A till that rounds cash: 27.00 of goods, and 0.40 more or less paid.
    assert_eq!(rounded("27.00", "0.40"), ("27.4".into(), vec!["0.40".into()]));
    assert_eq!(rounded("27.40", "0.40"), ("27.4".into(), vec!["0.40".into()]));
    assert_eq!(rounded("27.00", "-0.40"), ("26.6".into(), vec!["-0.40".into()]));
    assert_eq!(rounded("27.00", "0.00"), ("27".into(), vec![]));
    // Discounts and included taxes count towards the sum of the parts.
    let with_discount = total_and_extra_lines(|order| {
        order.prices_include_tax = true;
        order.lines[0].discounts = vec![DiscountAllocation { title: None, amount: eur("1.00") }];
        order.totals.total = eur("24.00");
        order.totals.cash_rounding = Some(eur("0.20"));
    });
    assert_eq!(with_discount, ("24.2".into(), vec!["0.20".into()]));
}

#[test]
fn duties_are_a_line_of_their_own_unless_prices_include_them() {
    let eur = |amount: &str| Price::shop(amount, "EUR");
    let added = total_and_extra_lines(|order| {
        order.lines[0].duties = vec![eur("4.00")];
        order.totals.duties = Some(eur("4.00"));
        order.totals.total = eur("31.00");
    });
    assert_eq!(added, ("31".into(), vec!["4.00".into()]));
    let included = total_and_extra_lines(|order| {
        order.lines[0].duties = vec![eur("4.00")];
        order.duties_included = true;
    });
    assert_eq!(included, ("27".into(), vec![]));
}

#[test]
fn a_new_customer_becomes_a_party_and_a_concurrently_created_one_is_found() {
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
        .expect(search("party.party", code.clone(), &["id"]).respond(200, json!([])))
        .expect(
            testing::post(&path("party.party", &["id"]))
                .body_including(
                    json!({ "name": "Ada Example", "code": "shopify/acme.myshopify.com/customer/501" }),
                )
                .respond(400, refusal("The code on party must be unique.")),
        )
        .expect(search("party.party", code, &["id"]).respond(200, json!([{ "id": 90 }])))
        .expect(
            search("country.country", json!([["code", "=", "DE"]]), &["id"])
                .respond(200, json!([{ "id": 7 }])),
        )
        .expect(search("party.address", address, &["id"]).respond(200, json!([])))
        .expect(
            testing::post(&path("party.address", &["id"]))
                .body_including(json!({ "party": 90, "city": "Berlin" }))
                .respond(400, refusal("The value for \"Hauptstr. 1\" is not valid.")),
        )
        .install();
    let problem = rejected(deliver(placed(testing::order())));
    assert_eq!(problem.code, "address-refused");
    assert!(!problem.message.contains("Hauptstr"), "personal data in {problem}");
}

#[test]
fn goods_changed_hands_in_a_store_when_nothing_is_shippable_or_all_is_fulfilled() {
    let changed_hands = |change: fn(&mut Order)| {
        let mut order = order();
        order.store = Some("655".into());
        order.shipping.clear();
        change(&mut order);
        let entity = testing::entity(EntityKind::Order, "1001");
        crate::order::OrderSale { entity: &entity, order: &order }.goods_changed_hands()
    };
    assert!(changed_hands(|order| order.lines[0].ships = false));
    // Shopify POS reports every article as shippable; the order is fulfilled when the customer takes the goods.
    assert!(changed_hands(|order| order.fulfilment = FulfilmentState::Fulfilled));
    assert!(!changed_hands(|_| ()), "ordered in the store, and not fulfilled yet");
    assert!(!changed_hands(|order| order.fulfilment = FulfilmentState::Partial));
    let online = |order: &mut Order| {
        order.store = None;
        order.fulfilment = FulfilmentState::Fulfilled;
    };
    assert!(!changed_hands(online));
    let shipped = |order: &mut Order| {
        order.shipping = testing::order().shipping;
        order.fulfilment = FulfilmentState::Fulfilled;
    };
    assert!(!changed_hands(shipped));
}

#[test]
fn a_change_of_goods_that_changed_hands_is_present_only_when_the_shipments_are_complete() {
    let with_shipment = |shipment: &str| {
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
    let mut taken_along = order();
    taken_along.store = Some("655".into());
    taken_along.shipping.clear();
    taken_along.fulfilment = FulfilmentState::Fulfilled;
    let tea = json!([{ "id": 81, "code": "TEA-250", "sale_uom": 1, "salable": true }]);
    let mut record = sale_with_lines("processing", 2.0);
    record["lines"].as_array_mut().unwrap().pop();
    let mut host = host().mapping("warehouse", "655", "12");
    for shipment in ["waiting", "done"] {
        host = host
            .expect(lookup().respond(200, json!([sale_record("processing", "27.00")])))
            .expect(read_with_lines().respond(200, record.clone()))
            .expect(codes(&["TEA-250"]).respond(200, tea.clone()))
            .expect(testing::get(&path("sale.sale/12", &fields)).respond(200, with_shipment(shipment)));
    }
    let _host = host.install();
    let work = later(Fact::updated(taken_along));
    assert!(matches!(find(work.clone()), Found::Partial(progress) if progress.resume == "hand-over/12"));
    assert!(matches!(find(work), Found::Present(_)));
}
