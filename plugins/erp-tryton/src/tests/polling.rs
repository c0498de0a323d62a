//! Polling: no change is lost between two pages, and no change is reported twice.

use super::*;

fn timestamp(second: i64) -> Value {
    json!({
        "__class__": "datetime", "year": 2026, "month": 11, "day": 23,
        "hour": 6, "minute": 38, "second": second, "microsecond": 293514,
    })
}

fn sale_changed(id: i64, second: i64) -> Value {
    json!({
        "id": id, "number": id.to_string(), "state": "processing", "last_modified_at": timestamp(second),
        "web_id": format!("shopify/acme.myshopify.com/order/{id}"), "currency": { "code": "EUR" },
        "total_amount": number("27.00"), "lines": [],
    })
}

/// The same, as a change that an earlier poll reported.
fn reported_change(id: i64, second: i64) -> Value {
    let mut sale = sale_changed(id, second);
    sale["reported"] = json!(true);
    sale
}

fn poll(cursor: Option<String>) -> Page {
    <crate::Tryton as Source>::poll(cursor, 6).unwrap()
}

fn ids(page: &Page) -> Vec<&str> {
    page.events.iter().map(|event| event.entity.id.as_str()).collect()
}

/// A host for polls that each request sales with this domain and get these sales; the first poll of a round requests
/// shipments and invoices too, of which there are none.
fn script<const N: usize>(polls: [(Value, Value); N]) -> testing::InstalledHost {
    let order = crate::value::encode_query(&json!([["last_modified_at", "ASC"], ["id", "ASC"]]));
    let page_of = |model: &str, domain: Value, fields: &[&str], limit: u32| {
        search(model, domain, fields).query("o", &order).query("s", &limit.to_string())
    };
    let sale: Vec<&str> =
        crate::sale::REVERSAL_FIELDS.into_iter().chain(crate::events::SALE_FIELDS).collect();
    let mut host = host();
    let mut is_first = true;
    for (domain, sales) in polls {
        let count = u32::try_from(sales.as_array().unwrap().len()).unwrap();
        host = host.expect(page_of("sale.sale", domain, &sale, 2).respond(200, sales.clone()));
        if is_first {
            // Sales that were reported before yield no events, and leave their share to the other kinds.
            let remaining = 6 - count + u32::try_from(reported_count(&sales)).unwrap();
            let shipments = json!([["moves.origin.sale.web_shop", "=", 4, "sale.line"]]);
            let shipments = page_of(
                "stock.shipment.out",
                shipments,
                &crate::events::SHIPMENT_FIELDS,
                remaining.div_ceil(2),
            );
            let invoices = json!([["sales.web_shop", "=", 4]]);
            let invoices = page_of("account.invoice", invoices, &crate::events::INVOICE_FIELDS, remaining);
            host = host.expect(shipments.respond(200, json!([]))).expect(invoices.respond(200, json!([])));
        }
        is_first = count < 2;
    }
    host.install()
}

/// The number of these sales that were reported before.
fn reported_count(sales: &Value) -> usize {
    sales.as_array().unwrap().iter().filter(|sale| sale.get("reported").is_some()).count()
}

#[test]
fn records_with_the_same_timestamp_are_reported_once_each_across_pages_and_passes() {
    let shop = json!(["web_shop", "=", 4]);
    let after = |second, id| {
        let at = timestamp(second);
        json!([shop, ["OR", ["last_modified_at", ">", at], [["last_modified_at", "=", at], ["id", ">", id]]]])
    };
    let again = json!([shop, ["last_modified_at", ">=", {
        "__class__": "datetime", "year": 2026, "month": 11, "day": 23,
        "hour": 6, "minute": 37, "second": 10, "microsecond": 293514,
    }]]);
    let host = script([
        (json!([shop]), json!([sale_changed(1, 10), sale_changed(2, 10)])),
        (after(10, 2), json!([sale_changed(3, 10)])),
    ]);
    let page = poll(None);
    assert_eq!((ids(&page), page.more), (vec!["sale-1", "sale-2"], true));
    let page = poll(Some(page.cursor));
    assert_eq!((ids(&page), page.more), (vec!["sale-3"], false));
    drop(host);

    // The next pass begins a minute earlier and reports only the changes that were not reported before.
    let _host = script([
        (again, json!([sale_changed(9, 5), reported_change(1, 10)])),
        (after(10, 1), json!([reported_change(2, 10)])),
    ]);
    let late = poll(Some(page.cursor));
    assert_eq!((ids(&late), late.more), (vec!["sale-9"], true));
    let rest = poll(Some(late.cursor));
    assert_eq!((ids(&rest), rest.more), (vec![], false));
}

#[test]
fn a_record_that_changed_again_is_reported_again() {
    let shop = json!(["web_shop", "=", 4]);
    let again = json!([shop, ["last_modified_at", ">=", {
        "__class__": "datetime", "year": 2026, "month": 11, "day": 23,
        "hour": 6, "minute": 37, "second": 10, "microsecond": 293514,
    }]]);
    let _host =
        script([(json!([shop]), json!([sale_changed(1, 10)])), (again, json!([sale_changed(1, 11)]))]);
    let page = poll(None);
    assert_eq!(ids(&poll(Some(page.cursor))), ["sale-1"]);
}

#[test]
fn an_event_has_the_order_it_belongs_to() {
    let _host = script([(json!([["web_shop", "=", 4]]), json!([sale_changed(1001, 10)]))]);
    let page = poll(None);
    let [event] = page.events.as_slice() else { panic!("{:?}", page.events) };
    assert_eq!(event.parent, Some(testing::entity(EntityKind::Order, "1001")));
    assert_eq!(event.version, Some(Version::at("2026-11-23T06:38:10.293514Z")));
    let Fact::DocumentUpdated(document) = &event.fact else { panic!("{:?}", event.fact) };
    assert_eq!((document.state, document.order.as_ref()), (DocumentState::Processing, event.parent.as_ref()));
}

#[test]
fn a_foreign_cursor_is_refused() {
    let _host = host().install();
    let failure = <crate::Tryton as Source>::poll(Some("17".into()), 6).unwrap_err();
    assert!(matches!(failure, Failure::Rejected(problem) if problem.code == "cursor-unreadable"));
}

#[test]
fn a_pass_that_has_ended_begins_again_after_the_passes_of_all_kinds() {
    let order = crate::value::encode_query(&json!([["last_modified_at", "ASC"], ["id", "ASC"]]));
    let sale: Vec<&str> =
        crate::sale::REVERSAL_FIELDS.into_iter().chain(crate::events::SALE_FIELDS).collect();
    let of_shop = json!(["moves.origin.sale.web_shop", "=", 4, "sale.line"]);
    let at = timestamp(10);
    let after_last =
        json!(["OR", ["last_modified_at", ">", at], [["last_modified_at", "=", at], ["id", ">", 3]]]);
    let page_of = |model: &str, domain: Value, fields: &[&str], limit: u32, found: Value| {
        let request = search(model, domain, fields).query("o", &order).query("s", &limit.to_string());
        request.respond(200, found)
    };
    let shipments = |domain: Value, found: Value| {
        page_of("stock.shipment.out", domain, &crate::events::SHIPMENT_FIELDS, 3, found)
    };
    let shipment = |id: i64| json!({ "id": id, "state": "done", "last_modified_at": timestamp(10), "outgoing_moves": [] });
    let _host = host()
        .expect(page_of("sale.sale", json!([["web_shop", "=", 4]]), &sale, 2, json!([sale_changed(1, 10)])))
        .expect(shipments(json!([of_shop]), json!([shipment(1), shipment(2), shipment(3)])))
        .expect(page_of(
            "account.invoice",
            json!([["sales.web_shop", "=", 4]]),
            &crate::events::INVOICE_FIELDS,
            5,
            json!([]),
        ))
        .expect(shipments(json!([of_shop, after_last]), json!([])))
        .install();
    let page = poll(None);
    assert_eq!((ids(&page), page.more), (vec!["sale-1"], true));
    let page = poll(Some(page.cursor));
    assert_eq!((ids(&page), page.more), (vec![], false));
}

#[test]
fn a_shipment_and_a_level_have_the_same_id_of_a_warehouse() {
    let line =
        json!([{ "id": 501, "sale": { "id": 12, "web_id": "shopify/acme.myshopify.com/order/1001" } }]);
    let _host = host()
        .setting("reports", ["shipments"])
        .expect(
            testing::get(&path("stock.shipment.out", &crate::events::SHIPMENT_FIELDS))
                .query("d", &encode_query(&json!([["moves.origin.sale.web_shop", "=", 4, "sale.line"]])))
                .query("o", &encode_query(&json!([["last_modified_at", "ASC"], ["id", "ASC"]])))
                .query("s", "6")
                .respond(
                    200,
                    json!([{
                        "id": 21, "number": "P-21", "state": "done", "last_modified_at": timestamp(10), "warehouse": 5,
                        "outgoing_moves": [{ "id": 41, "origin": "sale.line,501", "quantity": 2.0 }],
                    }]),
                ),
        )
        .expect(
            search("sale.line", json!([["id", "in", [501]]]), &["sale.web_id", "sale.origin"])
                .respond(200, line),
        )
        .install();
    let page = poll(None);
    let Fact::ShipmentUpdated(shipment) = &page.events[0].fact else { panic!("{:?}", page.events) };
    assert_eq!(shipment.location.as_deref(), Some("5"));
}
