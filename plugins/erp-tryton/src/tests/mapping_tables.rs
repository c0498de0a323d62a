//! Mapping the shop's values to Tryton's: tables, the store registry, settings, and unmapped values.

use super::*;

fn of_store(change: impl Fn(&mut Order)) -> Work {
    let mut order = order();
    order.store = Some("655".into());
    change(&mut order);
    placed(order)
}

/// Delivers the work and expects the sale to be created with `with`.
fn deliver_and_expect(host: Host, work: Work, with: Value) {
    let request = create().body_including(with).respond(200, sale_record("draft", "27.00"));
    let _host = host.expect(request).install();
    assert!(matches!(deliver(work), Outcome::Partial(_)));
}

#[test]
fn unmapped_values_are_reported_at_once_and_nothing_is_created() {
    let _host = host()
        .expect(codes(&["SHIPPING", "TEA-250"]).respond(
            200,
            json!([
                { "id": 82, "code": "SHIPPING", "sale_uom": 1, "salable": true },
            ]),
        ))
        .install();
    let unmapped = unmapped(deliver(of_store(|order| {
        order.currency = "SEK".into();
        order.lines[0].unit = Some("GRM".into());
        order.lines[0].taxes[0].title = "PST".into();
        order.lines[0].taxes[0].rate = Some("0.07".into());
        // A mapped order of this customer would create a party in Tryton.
        order.customer = Some(testing::entity(EntityKind::Customer, "501"));
        order.personal = testing::order().personal;
    })));
    let values: Vec<(&str, &str)> =
        unmapped.iter().map(|(table, value)| (table.as_str(), value.as_str())).collect();
    let expected =
        [("unit", "GRM"), ("tax", "PST"), ("sku", "TEA-250"), ("currency", "SEK"), ("warehouse", "655")];
    assert_eq!(values, expected);
}

#[test]
fn goods_leave_from_the_warehouse_of_the_store_without_a_default() {
    let from = |id: i64| json!({ "warehouse": id });
    let registered = |warehouse| host().store(store(warehouse), &[("shopify", "655")]);
    let with_setting = |host: Host| host.setting("warehouses", json!({ "655": 7 })).expect(products());
    deliver_and_expect(
        with_setting(registered(Some("8")).mapping("warehouse", "655", "9")),
        of_store(|_| ()),
        from(9),
    );
    deliver_and_expect(with_setting(registered(Some("8"))), of_store(|_| ()), from(8));
    deliver_and_expect(with_setting(registered(None)), of_store(|_| ()), from(7));
    deliver_and_expect(host().expect(products()), placed(order()), from(5));
    let _host = registered(None).expect(products()).install();
    assert_eq!(unmapped(deliver(of_store(|_| ()))), [("warehouse".into(), "655".into())]);
}

#[test]
fn a_table_takes_precedence_over_the_settings() {
    let tea = json!([
        { "id": 84, "code": "T-1", "sale_uom": 1, "salable": true },
        { "id": 82, "code": "SHIPPING", "sale_uom": 1, "salable": true },
    ]);
    let tables = host()
        .mapping("sku", "TEA-250", "T-1")
        .mapping("tax", "VAT", "79")
        .mapping("currency", "EUR", "3")
        .expect(codes(&["SHIPPING", "T-1"]).respond(200, tea));
    let line = json!({ "product": 84, "taxes": [["add", [79]]] });
    let shipping = json!({ "product": 82 });
    deliver_and_expect(
        tables,
        placed(order()),
        json!({ "currency": 3, "lines": [["create", [line, shipping]]] }),
    );
}

#[test]
fn a_mapping_to_a_value_that_tryton_does_not_have_is_rejected() {
    let products = json!([{ "id": 82, "code": "SHIPPING", "sale_uom": 1, "salable": true }]);
    let sku = host()
        .mapping("sku", "TEA-250", "T-1")
        .expect(codes(&["SHIPPING", "T-1"]).respond(200, products))
        .install();
    let problem = rejected(deliver(placed(order())));
    assert_eq!((problem.code.as_str(), problem.field.as_deref()), ("unknown-sku", Some("lines[0].sku")));
    drop(sku);
    let _tax = host().mapping("tax", "VAT", "AE").install();
    let problem = rejected(deliver(placed(order())));
    assert_eq!(problem.code, "no-id");
    assert!(problem.message.contains("the table tax for VAT has \"AE\""), "{problem}");
}
