//! Polling stock levels, articles and prices.

use super::*;
use crate::catalogue;

fn at(second: i64) -> Value {
    json!({
        "__class__": "datetime", "year": 2026, "month": 11, "day": 23,
        "hour": 6, "minute": 38, "second": second, "microsecond": 0,
    })
}

fn page_of(model: &str, domain: Value, fields: &[&str], limit: u32) -> testing::ExpectedRequest {
    let order = crate::value::encode_query(&json!([["last_modified_at", "ASC"], ["id", "ASC"]]));
    search(model, domain, fields).query("o", &order).query("s", &limit.to_string())
}

fn poll(kinds: &[&str], requests: Vec<testing::ExpectedRequest>) -> Vec<Event> {
    let mut host = host().setting("reports", kinds).setting("price-currency", "USD");
    for request in requests {
        host = host.expect(request);
    }
    let _host = host.install();
    <crate::Tryton as Source>::poll(None, 100).unwrap().events
}

/// A location in warehouse `id`: the nested set has the warehouses side by side, with room for ten locations each.
fn inside(id: i64) -> Value {
    json!({ "id": 1000 + id, "left": id * 100 + 1, "right": id * 100 + 2 })
}

/// A location in no warehouse: a customer.
fn outside() -> Value {
    json!({ "id": 9, "left": 1, "right": 2 })
}

fn stock_move(id: i64, second: i64, from: Value, to: Value) -> Value {
    let product = json!({ "id": 1, "code": "SKU-1" });
    json!({ "id": id, "last_modified_at": at(second), "product": product, "from_location": from, "to_location": to })
}

fn moves(limit: u32, found: Value) -> testing::ExpectedRequest {
    page_of(crate::stock::MODEL, crate::stock::domain(), &crate::stock::MOVE_FIELDS, limit)
        .respond(200, found)
}

/// The request for the warehouses that contain these locations.
fn search_warehouses(locations: Value, warehouses: &[i64]) -> testing::ExpectedRequest {
    let domain = json!([["type", "=", "warehouse"], ["parent", "parent_of", locations]]);
    let found: Vec<Value> =
        warehouses.iter().map(|id| json!({ "id": id, "left": id * 100, "right": id * 100 + 20 })).collect();
    search("stock.location", domain, &["left", "right"]).respond(200, json!(found))
}

/// The request for the quantity of the article in a warehouse: on hand, or available without what is assigned.
fn quantity(warehouse: i64, quantity: f64, available: bool) -> testing::ExpectedRequest {
    let context = json!({ "locations": [warehouse], "with_childs": true, "stock_assign": available });
    search("product.product", json!([["code", "in", ["SKU-1"]]]), &["code", "quantity"])
        .header("x-tryton-context", &crate::value::encode_query(&context))
        .respond(200, json!([{ "id": 1, "code": "SKU-1", "quantity": quantity }]))
}

#[test]
fn levels_are_reported_for_the_warehouses_that_an_article_moved_in() {
    let events = poll(
        &["stock"],
        vec![
            moves(
                30,
                json!([stock_move(1, 10, inside(5), outside()), stock_move(2, 12, inside(7), inside(5))]),
            ),
            search_warehouses(json!([9, 1005, 1007]), &[5, 7]),
            quantity(5, 98.5, false),
            quantity(5, 90.0, true),
            quantity(7, 3.0, false),
            quantity(7, 3.0, true),
        ],
    );
    let [Event { entity, version: Some(version), fact: Fact::InventoryCounted(level), .. }, other] =
        events.as_slice()
    else {
        panic!("{events:?}")
    };
    assert_eq!((entity.kind, entity.id.as_str()), (EntityKind::Stock, "SKU-1@5"));
    assert_eq!(version.at, "2026-11-23T06:38:12.000000Z");
    let counts = (level.available.as_deref(), level.on_hand.as_deref(), level.reserved.as_deref());
    assert_eq!(counts, (Some("90"), Some("98.5"), Some("8.5")));
    assert_eq!((level.location.as_str(), other.entity.id.as_str()), ("5", "SKU-1@7"));
}

#[test]
fn a_level_is_not_older_than_one_that_was_reported_before() {
    let late = json!([["state", "in", ["assigned", "done", "cancelled"]], ["product.type", "=", "goods"],
        ["OR", ["from_location.type", "=", "storage"], ["to_location.type", "=", "storage"]],
        ["last_modified_at", ">=", { "__class__": "datetime", "year": 2026, "month": 11, "day": 23,
            "hour": 6, "minute": 37, "second": 40, "microsecond": 0 }]]);
    let _host = host()
        .setting("reports", ["stock"])
        .expect(moves(30, json!([stock_move(1, 40, inside(5), outside())])))
        .expect(search_warehouses(json!([9, 1005]), &[5]))
        .expect(quantity(5, 98.0, false))
        .expect(quantity(5, 98.0, true))
        // A move that began before the first one and was committed after it.
        .expect(page_of(crate::stock::MODEL, late, &crate::stock::MOVE_FIELDS, 30).respond(
            200,
            json!([stock_move(2, 20, inside(5), outside()), stock_move(1, 40, inside(5), outside())]),
        ))
        .expect(search_warehouses(json!([9, 1005]), &[5]))
        .expect(quantity(5, 90.0, false))
        .expect(quantity(5, 90.0, true))
        .install();
    let page = <crate::Tryton as Source>::poll(None, 100).unwrap();
    let next = <crate::Tryton as Source>::poll(Some(page.cursor), 100).unwrap();
    let at = |events: &[Event]| events[0].version.as_ref().map(|version| version.at.clone());
    assert_eq!(at(&next.events), at(&page.events));
    assert_eq!(at(&next.events).as_deref(), Some("2026-11-23T06:38:40.000000Z"));
}

#[test]
fn two_hundred_stores_are_reported_within_the_request_limit_of_a_call() {
    let warehouses: std::collections::BTreeMap<String, i64> =
        (1..=201).map(|store| (store.to_string(), store + 10)).collect();
    // Every store moves goods.
    let page = |from: i64| -> Vec<Value> {
        (from..from + 30).map(|store| stock_move(store, 10, inside(store + 10), outside())).collect()
    };
    let mut host = host().setting("reports", ["stock"]).setting("warehouses", warehouses);
    host = host.expect(moves(30, json!(page(1))));
    let stores: Vec<i64> = (11..41).collect();
    let locations: Vec<i64> = std::iter::once(9).chain(stores.iter().map(|store| 1000 + store)).collect();
    host = host.expect(search_warehouses(json!(locations), &stores));
    for store in &stores {
        host = host.expect(quantity(*store, 4.0, false)).expect(quantity(*store, 3.0, true));
    }
    let host = host.install();
    let first = <crate::Tryton as Source>::poll(None, 100).unwrap();
    assert_eq!((first.events.len(), first.more), (30, true));
    assert!(host.requests().len() < 100, "{} requests", host.requests().len());
}

#[test]
fn a_small_limit_still_advances_the_cursor() {
    let _host = host()
        .setting("reports", ["stock"])
        .expect(moves(1, json!([stock_move(1, 10, inside(5), outside())])))
        .expect(search_warehouses(json!([9, 1005]), &[5]))
        .expect(quantity(5, 4.0, false))
        .expect(quantity(5, 4.0, true))
        .install();
    let page = <crate::Tryton as Source>::poll(None, 1).unwrap();
    assert_eq!((page.events.len(), page.more), (1, true));
}

#[test]
fn an_article_is_reported_with_its_price_when_it_or_its_template_changes() {
    let article = json!({
        "id": 7, "last_modified_at": at(10), "code": "SKU-7", "active": 1, "description": "warm",
        "list_price_used": number("149.00"),
        "template": {
            "id": 5, "name": "Socks", "active": 0, "last_modified_at": at(30), "products": [7, 8],
            "account_category": { "id": 1, "name": "Goods" },
        },
    });
    let of_template = json!([["template", "in", [5]], ["code", "!=", null], ["active", "in", [true, false]]]);
    let template = json!([{ "id": 5, "last_modified_at": at(30) }]);
    let events = poll(
        &["products"],
        vec![
            page_of("product.product", catalogue::article_domain(), &catalogue::ARTICLE_FIELDS, 25)
                .respond(200, json!([article])),
            page_of("product.template", catalogue::template_domain(), &["last_modified_at"], 5)
                .respond(200, template),
            search("product.product", of_template, &catalogue::ARTICLE_FIELDS).respond(200, json!([article])),
        ],
    );
    let kinds: Vec<&str> = events.iter().map(|event| event.fact.kind()).collect();
    assert_eq!(kinds, ["product.updated", "price.updated", "product.updated", "price.updated"]);
    // Reported twice, with the same version: one event.
    assert_eq!(events[0], events[2]);
    let (Fact::ProductUpdated(product), Fact::PriceUpdated(price)) = (&events[0].fact, &events[1].fact)
    else {
        panic!("{events:?}")
    };
    assert_eq!(
        (product.title.as_str(), product.group.as_deref(), product.active),
        ("Socks", Some("5"), false)
    );
    assert_eq!((price.amount.amount.as_str(), price.amount.currency.as_str()), ("149", "USD"));
    assert_eq!(events[0].version.as_ref().unwrap().at, "2026-11-23T06:38:30.000000Z");
}
