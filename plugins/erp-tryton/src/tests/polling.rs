//! Polling: nothing is lost between two pages, and nothing is told twice.

use super::*;

fn moment(second: i64) -> Value {
    json!({
        "__class__": "datetime", "year": 2026, "month": 11, "day": 23,
        "hour": 6, "minute": 38, "second": second, "microsecond": 293514,
    })
}

fn changed(id: i64, second: i64) -> Value {
    json!({
        "id": id, "number": id.to_string(), "state": "processing", "last_modified_at": moment(second),
        "web_id": format!("shopify/acme.myshopify.com/order/{id}"), "currency": { "code": "EUR" },
        "total_amount": number("27.00"), "lines": [],
    })
}

/// The same, told by an earlier poll.
fn told(id: i64, second: i64) -> Value {
    let mut sale = changed(id, second);
    sale["told"] = json!(true);
    sale
}

fn poll(cursor: Option<String>) -> Page {
    <crate::Tryton as Source>::poll(cursor, 6).unwrap()
}

fn ids(page: &Page) -> Vec<&str> {
    page.events.iter().map(|event| event.entity.id.as_str()).collect()
}

/// Each poll asks for sales with this domain, which are answered so; the first poll of a round asks for shipments
/// and invoices too, of which there are none.
fn script<const N: usize>(polls: [(Value, Value); N]) -> testing::Installed {
    let order = crate::value::question(&json!([["last_modified_at", "ASC"], ["id", "ASC"]]));
    let first = |model: &str, domain: Value, fields: &[&str], limit: u32| {
        search(model, domain, fields).query("o", &order).query("s", &limit.to_string())
    };
    let sale: Vec<&str> = crate::cancel::FIELDS.into_iter().chain(crate::events::SALE).collect();
    let mut host = host();
    let mut begins = true;
    for (domain, sales) in polls {
        let told = u32::try_from(sales.as_array().unwrap().len()).unwrap();
        host = host.expect(first("sale.sale", domain, &sale, 2).answer(200, sales.clone()));
        if begins {
            // What the sales before have told already leaves its room to the others.
            let left = 6 - told + u32::try_from(ids_told(&sales)).unwrap();
            let shipments = json!([["moves.origin.sale.web_shop", "=", 4, "sale.line"]]);
            let shipments =
                first("stock.shipment.out", shipments, &crate::events::SHIPMENT, left.div_ceil(2));
            let invoices = json!([["sales.web_shop", "=", 4]]);
            let invoices = first("account.invoice", invoices, &crate::events::INVOICE, left);
            host = host.expect(shipments.answer(200, json!([]))).expect(invoices.answer(200, json!([])));
        }
        begins = told < 2;
    }
    host.install()
}

/// How many of these sales are known to have been told before: the tests mark them.
fn ids_told(sales: &Value) -> usize {
    sales.as_array().unwrap().iter().filter(|sale| sale.get("told").is_some()).count()
}

#[test]
fn records_of_one_moment_are_told_once_each_across_pages_and_passes() {
    let shop = json!(["web_shop", "=", 4]);
    let beyond = |second, id| {
        let at = moment(second);
        json!([shop, ["OR", ["last_modified_at", ">", at], [["last_modified_at", "=", at], ["id", ">", id]]]])
    };
    let again = json!([shop, ["last_modified_at", ">=", {
        "__class__": "datetime", "year": 2026, "month": 11, "day": 23,
        "hour": 6, "minute": 37, "second": 10, "microsecond": 293514,
    }]]);
    let host = script([
        (json!([shop]), json!([changed(1, 10), changed(2, 10)])),
        (beyond(10, 2), json!([changed(3, 10)])),
    ]);
    let page = poll(None);
    assert_eq!((ids(&page), page.more), (vec!["sale-1", "sale-2"], true));
    let page = poll(Some(page.cursor));
    assert_eq!((ids(&page), page.more), (vec!["sale-3"], false));
    drop(host);

    // The next pass goes back a minute: what is new there is told, what was told is not.
    let _host = script([(again, json!([changed(9, 5), told(1, 10)])), (beyond(10, 1), json!([told(2, 10)]))]);
    let late = poll(Some(page.cursor));
    assert_eq!((ids(&late), late.more), (vec!["sale-9"], true));
    let rest = poll(Some(late.cursor));
    assert_eq!((ids(&rest), rest.more), (vec![], false));
}

#[test]
fn a_record_that_changed_again_is_told_again() {
    let shop = json!(["web_shop", "=", 4]);
    let again = json!([shop, ["last_modified_at", ">=", {
        "__class__": "datetime", "year": 2026, "month": 11, "day": 23,
        "hour": 6, "minute": 37, "second": 10, "microsecond": 293514,
    }]]);
    let _host = script([(json!([shop]), json!([changed(1, 10)])), (again, json!([changed(1, 11)]))]);
    let page = poll(None);
    assert_eq!(ids(&poll(Some(page.cursor))), ["sale-1"]);
}

#[test]
fn an_event_says_which_order_it_belongs_to() {
    let _host = script([(json!([["web_shop", "=", 4]]), json!([changed(1001, 10)]))]);
    let page = poll(None);
    let [event] = page.events.as_slice() else { panic!("{:?}", page.events) };
    assert_eq!(event.parent, Some(testing::entity(EntityKind::Order, "1001")));
    assert_eq!(event.version, Some(Version::at("2026-11-23T06:38:10.293514Z")));
    let Fact::DocumentUpdated(document) = &event.fact else { panic!("{:?}", event.fact) };
    assert_eq!((document.state, document.order.as_ref()), (DocumentState::Processing, event.parent.as_ref()));
}

#[test]
fn a_cursor_of_somebody_else_is_refused() {
    let _host = host().install();
    let failure = <crate::Tryton as Source>::poll(Some("17".into()), 6).unwrap_err();
    assert!(matches!(failure, Failure::Rejected(problem) if problem.code == "cursor-unreadable"));
}

#[test]
fn a_pass_that_has_ended_rests_until_the_others_have() {
    let order = crate::value::question(&json!([["last_modified_at", "ASC"], ["id", "ASC"]]));
    let sale: Vec<&str> = crate::cancel::FIELDS.into_iter().chain(crate::events::SALE).collect();
    let of_shop = json!(["moves.origin.sale.web_shop", "=", 4, "sale.line"]);
    let at = moment(10);
    let beyond =
        json!(["OR", ["last_modified_at", ">", at], [["last_modified_at", "=", at], ["id", ">", 3]]]);
    let first = |model: &str, domain: Value, fields: &[&str], limit: u32, found: Value| {
        let asked = search(model, domain, fields).query("o", &order).query("s", &limit.to_string());
        asked.answer(200, found)
    };
    let shipments =
        |domain: Value, found: Value| first("stock.shipment.out", domain, &crate::events::SHIPMENT, 3, found);
    let goods =
        |id: i64| json!({ "id": id, "state": "done", "last_modified_at": moment(10), "outgoing_moves": [] });
    let _host = host()
        .expect(first("sale.sale", json!([["web_shop", "=", 4]]), &sale, 2, json!([changed(1, 10)])))
        .expect(shipments(json!([of_shop]), json!([goods(1), goods(2), goods(3)])))
        .expect(first(
            "account.invoice",
            json!([["sales.web_shop", "=", 4]]),
            &crate::events::INVOICE,
            5,
            json!([]),
        ))
        .expect(shipments(json!([of_shop, beyond]), json!([])))
        .install();
    let page = poll(None);
    assert_eq!((ids(&page), page.more), (vec!["sale-1"], true));
    let page = poll(Some(page.cursor));
    assert_eq!((ids(&page), page.more), (vec![], false));
}

#[test]
fn a_shipment_and_a_level_call_a_warehouse_by_the_same_name() {
    let line =
        json!([{ "id": 501, "sale": { "id": 12, "web_id": "shopify/acme.myshopify.com/order/1001" } }]);
    let _host = host()
        .setting("tell", ["shipments"])
        .expect(
            testing::get(&path("stock.shipment.out", &crate::events::SHIPMENT))
                .query("d", &question(&json!([["moves.origin.sale.web_shop", "=", 4, "sale.line"]])))
                .query("o", &question(&json!([["last_modified_at", "ASC"], ["id", "ASC"]])))
                .query("s", "6")
                .answer(
                    200,
                    json!([{
                        "id": 21, "number": "P-21", "state": "done", "last_modified_at": moment(10), "warehouse": 5,
                        "outgoing_moves": [{ "id": 41, "origin": "sale.line,501", "quantity": 2.0 }],
                    }]),
                ),
        )
        .expect(
            search("sale.line", json!([["id", "in", [501]]]), &["sale.web_id", "sale.origin"])
                .answer(200, line),
        )
        .install();
    let page = poll(None);
    let Fact::ShipmentUpdated(shipment) = &page.events[0].fact else { panic!("{:?}", page.events) };
    assert_eq!(shipment.location.as_deref(), Some("5"));
}
