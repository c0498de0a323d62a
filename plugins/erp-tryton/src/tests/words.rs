//! The shop's words and Tryton's: tables, the store registry, settings, and what none of them has.

use super::*;

fn of_store(change: impl Fn(&mut Order)) -> Work {
    let mut order = order();
    order.store = Some("655".into());
    change(&mut order);
    placed(order)
}

/// What a sale is made with.
fn made(host: Host, work: Work, with: Value) {
    let asked = create().body_with(with).answer(200, answer("draft", "27.00"));
    let _host = host.expect(asked).install();
    assert!(matches!(deliver(work), Outcome::Partial(_)));
}

#[test]
fn what_the_tables_lack_is_told_at_once_and_nothing_is_made() {
    let _host = host()
        .expect(codes(&["SHIPPING", "TEA-250"]).answer(
            200,
            json!([
                { "id": 82, "code": "SHIPPING", "sale_uom": 1, "salable": true },
            ]),
        ))
        .install();
    let missed = unmapped(deliver(of_store(|order| {
        order.currency = "SEK".into();
        order.lines[0].unit = Some("GRM".into());
        order.lines[0].taxes[0].title = "PST".into();
        order.lines[0].taxes[0].rate = Some("0.07".into());
        // A customer would be made in Tryton.
        order.customer = Some(testing::entity(EntityKind::Customer, "501"));
        order.personal = testing::order().personal;
    })));
    let missed: Vec<(&str, &str)> =
        missed.iter().map(|(table, value)| (table.as_str(), value.as_str())).collect();
    let wanted =
        [("unit", "GRM"), ("tax", "PST"), ("sku", "TEA-250"), ("currency", "SEK"), ("warehouse", "655")];
    assert_eq!(missed, wanted);
}

#[test]
fn goods_leave_from_the_warehouse_of_the_store_and_from_nowhere_else() {
    let from = |id: i64| json!({ "warehouse": id });
    let registered = |warehouse| host().store(store(warehouse), &[("shopify", "655")]);
    let set = |host: Host| host.setting("warehouses", json!({ "655": 7 })).expect(products());
    made(set(registered(Some("8")).mapping("warehouse", "655", "9")), of_store(|_| ()), from(9));
    made(set(registered(Some("8"))), of_store(|_| ()), from(8));
    made(set(registered(None)), of_store(|_| ()), from(7));
    made(host().expect(products()), placed(order()), from(5));
    let _host = registered(None).expect(products()).install();
    assert_eq!(unmapped(deliver(of_store(|_| ()))), [("warehouse".into(), "655".into())]);
}

#[test]
fn a_table_counts_before_the_settings() {
    let tea = json!([
        { "id": 84, "code": "T-1", "sale_uom": 1, "salable": true },
        { "id": 82, "code": "SHIPPING", "sale_uom": 1, "salable": true },
    ]);
    let tables = host()
        .mapping("sku", "TEA-250", "T-1")
        .mapping("tax", "VAT", "79")
        .mapping("currency", "EUR", "3")
        .expect(codes(&["SHIPPING", "T-1"]).answer(200, tea));
    let line = json!({ "product": 84, "taxes": [["add", [79]]] });
    let shipping = json!({ "product": 82 });
    made(tables, placed(order()), json!({ "currency": 3, "lines": [["create", [line, shipping]]] }));
}

#[test]
fn a_table_that_says_what_tryton_does_not_know_is_for_a_person() {
    let known = json!([{ "id": 82, "code": "SHIPPING", "sale_uom": 1, "salable": true }]);
    let sku = host()
        .mapping("sku", "TEA-250", "T-1")
        .expect(codes(&["SHIPPING", "T-1"]).answer(200, known))
        .install();
    let problem = rejected(deliver(placed(order())));
    assert_eq!((problem.code.as_str(), problem.field.as_deref()), ("unknown-sku", Some("lines[0].sku")));
    drop(sku);
    let _tax = host().mapping("tax", "VAT", "AE").install();
    let problem = rejected(deliver(placed(order())));
    assert_eq!(problem.code, "no-id");
    assert!(problem.message.contains("the table tax for VAT has \"AE\""), "{problem}");
}
