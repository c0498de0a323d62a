//! What happens to an order later: changes, cancellation, refunds.

use super::*;

fn cancelled() -> Work {
    later(Fact::cancelled(order()))
}

fn read_cancel(fields: &[&str]) -> Exchange {
    let all: Vec<&str> = crate::cancel::FIELDS.into_iter().chain(fields.iter().copied()).collect();
    testing::get(&path("sale.sale/12", &all))
}

/// Sale 12 with what Tryton made of it.
fn made(state: &str, shipment: &str, invoice: &str, ignored: bool) -> Value {
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

fn refunds_of_it() -> Exchange {
    search("sale.sale", json!([["origin", "=", "sale.sale,12"]]), &["id"])
}

#[test]
fn an_order_that_did_not_change_for_tryton_is_already_there() {
    let _host = host().expect(read_full().answer(200, full("processing", 2.0))).expect(products()).install();
    let work = later(Fact::paid(order()));
    assert_eq!(deliver(work), Outcome::AlreadyThere(Receipt::of(sale(Some("S-77")))));
}

#[test]
fn a_draft_is_rewritten_and_a_sale_at_work_is_for_a_person() {
    let _host = host()
        .expect(read_full().answer(200, full("quotation", 3.0)))
        .expect(products())
        .expect(press("draft").answer(200, answer("draft", "27.00")))
        .expect(
            testing::put(&path("sale.sale/12", &FIELDS))
                .body_with(json!({ "party": 3, "reference": "#1001" }))
                .answer(200, answer("draft", "27.00")),
        )
        .expect(read_full().answer(200, full("processing", 3.0)))
        .expect(products())
        .install();
    let work = later(Fact::updated(order()));
    assert_eq!(deliver(work.clone()), partial("quote/12", None));
    let problem = rejected(deliver(work));
    assert_eq!((problem.code.as_str(), problem.field.as_deref()), ("changed-too-late", Some("lines")));
}

#[test]
fn an_unknown_change_is_absent_until_the_sale_says_the_same() {
    let found = || lookup().answer(200, json!([answer("processing", "27.00")]));
    let _host = host()
        .expect(found())
        .expect(read_full().answer(200, full("processing", 3.0)))
        .expect(products())
        .expect(found())
        .expect(read_full().answer(200, full("processing", 2.0)))
        .expect(products())
        .expect(lookup().answer(200, json!([answer("draft", "27.00")])))
        .install();
    let work = later(Fact::updated(order()));
    assert_eq!(find(work.clone()), Found::Absent);
    assert_eq!(find(work.clone()), Found::Present(Receipt::of(sale(Some("S-77")))));
    assert_eq!(find(work), Found::Absent, "a draft may hold the lines of before");
}

#[test]
fn a_sale_at_work_is_taken_back_while_nothing_has_left() {
    let change = |path: &str, body: Value| testing::put(path).body(body);
    let _host = host()
        .expect(read_cancel(&[]).answer(200, made("processing", "waiting", "draft", false)))
        .expect(refunds_of_it().answer(200, json!([])))
        .expect(read_cancel(&[]).answer(200, made("processing", "waiting", "draft", false)))
        .expect(read_cancel(&[]).answer(200, made("processing", "waiting", "draft", false)))
        .expect(testing::post(&path("stock.shipment.out/21/cancel", &["state"])))
        .expect(testing::post(&path("account.invoice/31/cancel", &["state"])))
        .expect(read_cancel(&[]).answer(200, made("processing", "cancelled", "cancelled", false)))
        .expect(change(&path("sale.line/501", &["id"]), json!({ "moves_ignored": [["add", [41]]] })))
        .expect(change(&path("sale.sale/12", &["id"]), json!({ "invoices_ignored": [["add", [31]]] })))
        .expect(testing::post(&path("sale.sale/12/process", &["id"])))
        .expect(read_cancel(&[]).answer(200, made("done", "cancelled", "cancelled", true)))
        // and told once more
        .expect(read_cancel(&[]).answer(200, made("done", "cancelled", "cancelled", true)))
        .expect(refunds_of_it().answer(200, json!([])))
        .expect(read_cancel(&[]).answer(200, made("done", "cancelled", "cancelled", true)))
        .install();
    let receipt = Receipt::of(Reference { lines: vec![], ..sale(Some("S-77")) });
    assert_eq!(deliver(cancelled()), Outcome::Posted(receipt.clone()));
    assert_eq!(deliver(cancelled()), Outcome::AlreadyThere(receipt));
}

#[test]
fn what_is_picked_or_in_the_books_is_not_taken_back() {
    let _host = host()
        .expect(read_cancel(&[]).answer(200, made("processing", "picked", "draft", false)))
        .expect(read_cancel(&[]).answer(200, made("processing", "waiting", "posted", false)))
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
        host().expect(lookup().answer(200, json!([]))).expect(lookup().answer(200, json!([]))).install();
    let work = Work { references: vec![], ..cancelled() };
    assert!(matches!(deliver(work.clone()), Outcome::Ignored(_)));
    assert_eq!(find(work), Found::Absent);
}

const OF_ORDER: [&str; 14] = [
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

/// Sale 12 as a refund reads it.
fn bought(shipment: &str) -> Value {
    let mut sale = made("processing", shipment, "draft", false);
    let lines = full("processing", 2.0)["lines"].clone();
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
fn goods_that_come_back_are_a_negative_line_and_others_are_money_only() {
    let header = json!({
        "origin": "sale.sale,12", "party": 3, "reference": "#1001", "web_shop": 4, "currency": 2,
        "web_id": "shopify/acme.myshopify.com/refund/901",
    });
    let with = |line: Value| {
        let mut body = header.clone();
        body["lines"] = json!([["create", [line]]]);
        create().body_with(body)
    };
    let fields = ["code", "sale_uom", "default_uom", "salable"];
    let service = json!([{ "id": 84, "code": "REFUND", "sale_uom": 1, "salable": true }]);
    let made = json!({ "id": 13, "state": "draft", "total_amount": number("-11.00"), "lines": [601] });
    let _host = host()
        .expect(read_cancel(&OF_ORDER).answer(200, bought("done")))
        .expect(with(json!({ "product": 81, "quantity": -1, "unit_price": number("10.00"), "taxes": [["add", [71]]] }))
            .answer(200, made.clone()))
        .expect(read_cancel(&OF_ORDER).answer(200, bought("done")))
        .expect(search("product.product", json!([["code", "in", ["REFUND"]]]), &fields).answer(200, service))
        .expect(with(json!({ "product": 84, "quantity": -1, "unit_price": number("10.00"), "taxes": [["add", [71]]] }))
            .answer(200, made))
        .install();
    for restock in [RestockKind::Return, RestockKind::NoRestock] {
        let outcome = deliver(refunded(|refund| refund.lines[0].restock = restock));
        let Outcome::Partial(progress) = outcome else { panic!("{outcome:?}") };
        assert_eq!(progress.resume, "quote/13");
        assert_eq!(progress.references[0].lines[0].line, "31");
    }
}

/// What the sale of a refund is made with, of goods that were bought from warehouse 5; or what is said instead.
fn returned(change: impl Fn(&mut Refund), with: Value) -> Outcome {
    let mut sale = bought("done");
    sale["warehouse"] = json!(5);
    let mut host = host()
        .mapping("warehouse", "655", "12")
        .mapping("warehouse", "656", "13")
        .mapping("warehouse", "657", "12")
        .expect(read_cancel(&OF_ORDER).answer(200, sale));
    if !with.is_null() {
        let made = json!({ "id": 13, "state": "draft", "total_amount": number("-11.00"), "lines": [601] });
        host = host.expect(create().body_with(with).answer(200, made));
    }
    let _host = host.install();
    deliver(refunded(change))
}

#[test]
fn goods_come_back_to_where_they_are_and_not_to_where_they_had_left() {
    let to = |warehouse: i64| json!({ "warehouse": warehouse, "origin": "sale.sale,12" });
    let at = |place: Option<&str>, store: Option<&str>, wanted: i64| {
        let outcome = returned(
            |refund| {
                refund.lines[0].location = place.map(Into::into);
                refund.store = store.map(Into::into);
            },
            to(wanted),
        );
        assert!(matches!(outcome, Outcome::Partial(_)), "{outcome:?}");
    };
    at(Some("655"), Some("656"), 12);
    at(None, Some("656"), 13);
    at(None, None, 5);
    let unknown = returned(|refund| refund.lines[0].location = Some("9".into()), Value::Null);
    assert_eq!(unmapped(unknown), [("warehouse".into(), "9".into())]);
}

#[test]
fn goods_that_come_back_to_several_warehouses_are_for_a_person() {
    let two = |second: &'static str| {
        move |refund: &mut Refund| {
            refund.lines[0].location = Some("655".into());
            let other =
                RefundLine { id: "32".into(), location: Some(second.into()), ..refund.lines[0].clone() };
            refund.lines.push(other);
        }
    };
    assert_eq!(rejected(returned(two("656"), Value::Null)).code, "several-warehouses");
    // Two names of one warehouse are one.
    assert!(matches!(returned(two("657"), json!({ "warehouse": 12 })), Outcome::Partial(_)));
}

#[test]
fn money_given_back_in_another_store_moves_no_goods() {
    let services = json!([{ "id": 84, "code": "REFUND", "sale_uom": 1, "salable": true }]);
    let mut sale = bought("done");
    sale["warehouse"] = json!(5);
    let made = json!({ "id": 13, "state": "draft", "total_amount": number("-11.00"), "lines": [601] });
    let _host = host()
        .expect(read_cancel(&OF_ORDER).answer(200, sale))
        .expect(codes(&["REFUND"]).answer(200, services))
        .expect(create().body_with(json!({ "warehouse": 5 })).answer(200, made))
        .install();
    let outcome = deliver(refunded(|refund| {
        refund.lines[0].restock = RestockKind::NoRestock;
        refund.store = Some("nobody knows".into());
    }));
    assert!(matches!(outcome, Outcome::Partial(_)), "{outcome:?}");
}

#[test]
fn a_part_that_never_left_is_for_a_person() {
    let _host = host().expect(read_cancel(&OF_ORDER).answer(200, bought("waiting"))).install();
    let outcome = deliver(refunded(|refund| refund.lines[0].restock = RestockKind::Cancel));
    assert_eq!(rejected(outcome).code, "partly-cancelled");
}

#[test]
fn a_refund_waits_for_its_order() {
    let _host = host().expect(lookup().answer(200, json!([]))).install();
    let work = Work { parent_references: vec![], ..refunded(|_| ()) };
    assert_eq!(deliver(work), Outcome::NotYet(testing::entity(EntityKind::Order, "1001")));
}
