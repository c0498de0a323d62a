//! Later events of an order: changes, cancellation, refunds.

use super::*;

fn cancelled() -> Work {
    later(Fact::cancelled(order()))
}

fn read_for_reversal(fields: &[&str]) -> ExpectedRequest {
    let all: Vec<&str> = crate::sale::REVERSAL_FIELDS.into_iter().chain(fields.iter().copied()).collect();
    testing::get(&path("sale.sale/12", &all))
}

/// Sale 12 with its shipment and its invoice.
fn processed(state: &str, shipment: &str, invoice: &str, ignored: bool) -> Value {
    let none = json!("none");
    json!({
        "id": 12, "number": "S-77", "state": state,
        "shipment_state": if state == "done" { none.clone() } else { json!("waiting") },
        "invoice_state": if state == "done" { none } else { json!("pending") },
        "shipments": [{ "id": 21, "number": "P-21", "state": shipment }], "shipment_returns": [],
        "invoices": [{ "id": 31, "number": null, "state": invoice }],
        "invoices_ignored": if ignored { json!([31]) } else { json!([]) },
        "lines": [
            { "id": 501, "moves": [{ "id": 41, "state": if shipment == "cancelled" { "cancelled" } else { "draft" } }],
              "moves_ignored": if ignored { json!([41]) } else { json!([]) } },
            { "id": 502, "moves": [], "moves_ignored": [] },
        ],
    })
}

fn search_refunds() -> ExpectedRequest {
    search("sale.sale", json!([["origin", "=", "sale.sale,12"]]), &["id"])
}

#[test]
fn a_change_without_a_difference_in_tryton_is_already_there() {
    let _host = host()
        .expect(read_with_lines().respond(200, sale_with_lines("processing", 2.0)))
        .expect(products())
        .install();
    let work = later(Fact::paid(order()));
    assert_eq!(deliver(work), Outcome::AlreadyThere(Receipt::of(sale(Some("S-77")))));
}

#[test]
fn a_quotation_is_rewritten_and_a_difference_to_a_confirmed_sale_is_rejected() {
    let _host = host()
        .expect(read_with_lines().respond(200, sale_with_lines("quotation", 3.0)))
        .expect(products())
        .expect(call_button("draft").respond(200, sale_record("draft", "27.00")))
        .expect(
            testing::put(&path("sale.sale/12", &FIELDS))
                .body_including(json!({ "party": 3, "reference": "#1001" }))
                .respond(200, sale_record("draft", "27.00")),
        )
        .expect(read_with_lines().respond(200, sale_with_lines("processing", 3.0)))
        .expect(products())
        .install();
    let work = later(Fact::updated(order()));
    assert_eq!(deliver(work.clone()), partial("quote/12", None));
    let problem = rejected(deliver(work));
    assert_eq!((problem.code.as_str(), problem.field.as_deref()), ("changed-too-late", Some("lines")));
}

#[test]
fn a_change_with_an_unknown_outcome_is_absent_until_the_sale_matches() {
    let found = || lookup().respond(200, json!([sale_record("processing", "27.00")]));
    let _host = host()
        .expect(found())
        .expect(read_with_lines().respond(200, sale_with_lines("processing", 3.0)))
        .expect(products())
        .expect(found())
        .expect(read_with_lines().respond(200, sale_with_lines("processing", 2.0)))
        .expect(products())
        .expect(lookup().respond(200, json!([sale_record("draft", "27.00")])))
        .install();
    let work = later(Fact::updated(order()));
    assert_eq!(find(work.clone()), Found::Absent);
    assert_eq!(find(work.clone()), Found::Present(Receipt::of(sale(Some("S-77")))));
    assert_eq!(find(work), Found::Absent, "a draft may have the lines from before the change");
}

#[test]
fn a_confirmed_sale_is_reversed_while_nothing_has_left() {
    let change = |path: &str, body: Value| testing::put(path).body(body);
    let _host = host()
        .expect(read_for_reversal(&[]).respond(200, processed("processing", "waiting", "draft", false)))
        .expect(search_refunds().respond(200, json!([])))
        .expect(read_for_reversal(&[]).respond(200, processed("processing", "waiting", "draft", false)))
        .expect(read_for_reversal(&[]).respond(200, processed("processing", "waiting", "draft", false)))
        .expect(testing::post(&path("stock.shipment.out/21/cancel", &["state"])))
        .expect(testing::post(&path("account.invoice/31/cancel", &["state"])))
        .expect(read_for_reversal(&[]).respond(200, processed("processing", "cancelled", "cancelled", false)))
        .expect(change(&path("sale.line/501", &["id"]), json!({ "moves_ignored": [["add", [41]]] })))
        .expect(change(&path("sale.sale/12", &["id"]), json!({ "invoices_ignored": [["add", [31]]] })))
        .expect(testing::post(&path("sale.sale/12/process", &["id"])))
        .expect(read_for_reversal(&[]).respond(200, processed("done", "cancelled", "cancelled", true)))
        // and delivered again
        .expect(read_for_reversal(&[]).respond(200, processed("done", "cancelled", "cancelled", true)))
        .expect(search_refunds().respond(200, json!([])))
        .expect(read_for_reversal(&[]).respond(200, processed("done", "cancelled", "cancelled", true)))
        .install();
    let receipt = Receipt::of(Reference { lines: vec![], ..sale(Some("S-77")) });
    assert_eq!(deliver(cancelled()), Outcome::Posted(receipt.clone()));
    assert_eq!(deliver(cancelled()), Outcome::AlreadyThere(receipt));
}

#[test]
fn a_sale_with_picked_goods_or_a_posted_invoice_is_not_reversed() {
    let _host = host()
        .expect(read_for_reversal(&[]).respond(200, processed("processing", "picked", "draft", false)))
        .expect(read_for_reversal(&[]).respond(200, processed("processing", "waiting", "posted", false)))
        .install();
    let problem = rejected(deliver(cancelled()));
    assert_eq!(problem.code, "goods-leaving");
    assert_eq!(
        problem.message,
        "shipment P-21 of sale S-77 is already picked: the goods have to be returned"
    );
    assert_eq!(rejected(deliver(cancelled())).code, "already-invoiced");
}

#[test]
fn an_order_that_was_never_booked_is_not_cancelled() {
    let _host =
        host().expect(lookup().respond(200, json!([]))).expect(lookup().respond(200, json!([]))).install();
    let work = Work { references: vec![], ..cancelled() };
    assert!(matches!(deliver(work.clone()), Outcome::Ignored(_)));
    assert_eq!(find(work), Found::Absent);
}

const ORDER_SALE_FIELDS: [&str; 14] = [
    "reference",
    "party",
    "invoice_address",
    "shipment_address",
    "payment_term",
    "warehouse",
    "company",
    "lines.product",
    "lines.unit",
    "lines.quantity",
    "lines.unit_price",
    "lines.taxes",
    "lines.description",
    "total_amount",
];

/// Sale 12 with the fields that a refund reads.
fn order_sale(shipment: &str) -> Value {
    let mut sale = processed("processing", shipment, "draft", false);
    let lines = sale_with_lines("processing", 2.0)["lines"].clone();
    for (at, line) in lines.as_array().unwrap().iter().enumerate() {
        for (field, value) in line.as_object().unwrap() {
            sale["lines"][at][field] = value.clone();
        }
    }
    for (field, value) in [("party", 3), ("invoice_address", 33), ("shipment_address", 33), ("company", 1)] {
        sale[field] = json!(value);
    }
    sale["reference"] = json!("#1001");
    sale["total_amount"] = number("27.00");
    sale
}

fn refunded(change: impl Fn(&mut Refund)) -> Work {
    let mut refund = testing::refund();
    change(&mut refund);
    Work { parent_references: vec![sale(Some("S-77"))], ..testing::work(testing::refunded(refund)) }
}

#[test]
fn returned_goods_are_a_negative_line_and_other_refunds_are_money_only() {
    let header = json!({
        "origin": "sale.sale,12", "party": 3, "reference": "#1001", "web_shop": 4, "currency": 2,
        "web_id": "shopify/acme.myshopify.com/refund/901",
    });
    let create_with = |line: Value| {
        let mut body = header.clone();
        body["lines"] = json!([["create", [line]]]);
        create().body_including(body)
    };
    let fields = ["code", "sale_uom", "default_uom", "salable"];
    let service = json!([{ "id": 84, "code": "REFUND", "sale_uom": 1, "salable": true }]);
    let made = json!({ "id": 13, "state": "draft", "total_amount": number("-11.00"), "lines": [601] });
    let _host = host()
        .expect(read_for_reversal(&ORDER_SALE_FIELDS).respond(200, order_sale("done")))
        .expect(create_with(json!({ "product": 81, "quantity": -1, "unit_price": number("10.00"), "taxes": [["add", [71]]] }))
            .respond(200, made.clone()))
        .expect(read_for_reversal(&ORDER_SALE_FIELDS).respond(200, order_sale("done")))
        .expect(search("product.product", json!([["code", "in", ["REFUND"]]]), &fields).respond(200, service))
        .expect(create_with(json!({ "product": 84, "quantity": -1, "unit_price": number("10.00"), "taxes": [["add", [71]]] }))
            .respond(200, made))
        .install();
    for restock in [RestockKind::Return, RestockKind::NoRestock] {
        let outcome = deliver(refunded(|refund| refund.lines[0].restock = restock));
        let Outcome::Partial(progress) = outcome else { panic!("{outcome:?}") };
        assert_eq!(progress.resume, "quote/13");
        assert_eq!(progress.references[0].lines[0].line, "31");
    }
}

/// Delivers a refund of goods that had left from warehouse 5. Expects the sale to be created with `with`, unless null.
fn deliver_return(change: impl Fn(&mut Refund), with: Value) -> Outcome {
    let mut sale = order_sale("done");
    sale["warehouse"] = json!(5);
    let mut host = host()
        .mapping("warehouse", "655", "12")
        .mapping("warehouse", "656", "13")
        .mapping("warehouse", "657", "12")
        .expect(read_for_reversal(&ORDER_SALE_FIELDS).respond(200, sale));
    if !with.is_null() {
        let made = json!({ "id": 13, "state": "draft", "total_amount": number("-11.00"), "lines": [601] });
        host = host.expect(create().body_including(with).respond(200, made));
    }
    let _host = host.install();
    deliver(refunded(change))
}

#[test]
fn goods_go_into_the_warehouse_of_their_location_and_not_the_one_they_had_left() {
    let to = |warehouse: i64| json!({ "warehouse": warehouse, "origin": "sale.sale,12" });
    let expect = |location: Option<&str>, store: Option<&str>, warehouse: i64| {
        let outcome = deliver_return(
            |refund| {
                refund.lines[0].location = location.map(Into::into);
                refund.store = store.map(Into::into);
            },
            to(warehouse),
        );
        assert!(matches!(outcome, Outcome::Partial(_)), "{outcome:?}");
    };
    expect(Some("655"), Some("656"), 12);
    expect(None, Some("656"), 13);
    expect(None, None, 5);
    let unknown = deliver_return(|refund| refund.lines[0].location = Some("9".into()), Value::Null);
    assert_eq!(unmapped(unknown), [("warehouse".into(), "9".into())]);
}

#[test]
fn goods_returned_to_several_warehouses_are_rejected() {
    let two_locations = |second: &'static str| {
        move |refund: &mut Refund| {
            refund.lines[0].location = Some("655".into());
            let other =
                RefundLine { id: "32".into(), location: Some(second.into()), ..refund.lines[0].clone() };
            refund.lines.push(other);
        }
    };
    assert_eq!(rejected(deliver_return(two_locations("656"), Value::Null)).code, "several-warehouses");
    // Two locations of the same warehouse.
    assert!(matches!(deliver_return(two_locations("657"), json!({ "warehouse": 12 })), Outcome::Partial(_)));
}

#[test]
fn money_refunded_in_another_store_moves_no_goods() {
    let services = json!([{ "id": 84, "code": "REFUND", "sale_uom": 1, "salable": true }]);
    let mut sale = order_sale("done");
    sale["warehouse"] = json!(5);
    let made = json!({ "id": 13, "state": "draft", "total_amount": number("-11.00"), "lines": [601] });
    let _host = host()
        .expect(read_for_reversal(&ORDER_SALE_FIELDS).respond(200, sale))
        .expect(codes(&["REFUND"]).respond(200, services))
        .expect(create().body_including(json!({ "warehouse": 5 })).respond(200, made))
        .install();
    let outcome = deliver(refunded(|refund| {
        refund.lines[0].restock = RestockKind::NoRestock;
        refund.store = Some("unmapped".into());
    }));
    assert!(matches!(outcome, Outcome::Partial(_)), "{outcome:?}");
}

#[test]
fn a_refund_of_a_part_that_never_left_is_rejected() {
    let _host =
        host().expect(read_for_reversal(&ORDER_SALE_FIELDS).respond(200, order_sale("waiting"))).install();
    let outcome = deliver(refunded(|refund| refund.lines[0].restock = RestockKind::Cancel));
    assert_eq!(rejected(outcome).code, "partly-cancelled");
}

#[test]
fn a_refund_waits_for_its_order() {
    let _host = host().expect(lookup().respond(200, json!([]))).install();
    let work = Work { parent_references: vec![], ..refunded(|_| ()) };
    assert_eq!(deliver(work), Outcome::NotYet(testing::entity(EntityKind::Order, "1001")));
}
