//! Stock, articles and prices, as Tryton answers for them.

use super::*;
use crate::catalogue;

fn at(second: i64) -> Value {
    json!({
        "__class__": "datetime", "year": 2026, "month": 11, "day": 23,
        "hour": 6, "minute": 38, "second": second, "microsecond": 0,
    })
}

fn first(model: &str, domain: Value, fields: &[&str], limit: u32) -> testing::Exchange {
    let order = crate::value::question(&json!([["last_modified_at", "ASC"], ["id", "ASC"]]));
    search(model, domain, fields).query("o", &order).query("s", &limit.to_string())
}

fn told(kinds: &[&str], exchanges: Vec<testing::Exchange>) -> Vec<Event> {
    let mut host = host().setting("tell", kinds).setting("price-currency", "USD");
    for exchange in exchanges {
        host = host.expect(exchange);
    }
    let _host = host.install();
    <crate::Tryton as Source>::poll(None, 100).unwrap().events
}

/// A place in warehouse `id`: warehouses lie side by side, and hold ten places each.
fn inside(id: i64) -> Value {
    json!({ "id": 1000 + id, "left": id * 100 + 1, "right": id * 100 + 2 })
}

/// A place in no warehouse: a customer.
fn outside() -> Value {
    json!({ "id": 9, "left": 1, "right": 2 })
}

fn moved(id: i64, second: i64, from: Value, to: Value) -> Value {
    let product = json!({ "id": 1, "code": "SKU-1" });
    json!({ "id": id, "last_modified_at": at(second), "product": product, "from_location": from, "to_location": to })
}

fn moves(limit: u32, found: Value) -> testing::Exchange {
    first(crate::stock::MODEL, crate::stock::domain(), &crate::stock::MOVE, limit).answer(200, found)
}

/// The warehouses around these places are asked for.
fn around(places: Value, warehouses: &[i64]) -> testing::Exchange {
    let asked = json!([["type", "=", "warehouse"], ["parent", "parent_of", places]]);
    let found: Vec<Value> =
        warehouses.iter().map(|id| json!({ "id": id, "left": id * 100, "right": id * 100 + 20 })).collect();
    search("stock.location", asked, &["left", "right"]).answer(200, json!(found))
}

/// A warehouse is asked what it has of the article: on hand, then free.
fn counted(warehouse: i64, quantity: f64, free: bool) -> testing::Exchange {
    let context = json!({ "locations": [warehouse], "with_childs": true, "stock_assign": free });
    search("product.product", json!([["code", "in", ["SKU-1"]]]), &["code", "quantity"])
        .header("x-tryton-context", &crate::value::question(&context))
        .answer(200, json!([{ "id": 1, "code": "SKU-1", "quantity": quantity }]))
}

#[test]
fn an_article_that_moved_is_counted_where_it_moved() {
    let events = told(
        &["stock"],
        vec![
            moves(30, json!([moved(1, 10, inside(5), outside()), moved(2, 12, inside(7), inside(5))])),
            around(json!([9, 1005, 1007]), &[5, 7]),
            counted(5, 98.5, false),
            counted(5, 90.0, true),
            counted(7, 3.0, false),
            counted(7, 3.0, true),
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
fn a_level_is_not_older_than_one_that_was_told_before() {
    let late = json!([["state", "in", ["assigned", "done", "cancelled"]], ["product.type", "=", "goods"],
        ["OR", ["from_location.type", "=", "storage"], ["to_location.type", "=", "storage"]],
        ["last_modified_at", ">=", { "__class__": "datetime", "year": 2026, "month": 11, "day": 23,
            "hour": 6, "minute": 37, "second": 40, "microsecond": 0 }]]);
    let _host = host()
        .setting("tell", ["stock"])
        .expect(moves(30, json!([moved(1, 40, inside(5), outside())])))
        .expect(around(json!([9, 1005]), &[5]))
        .expect(counted(5, 98.0, false))
        .expect(counted(5, 98.0, true))
        // It had begun before the other one, and was committed after it.
        .expect(
            first(crate::stock::MODEL, late, &crate::stock::MOVE, 30)
                .answer(200, json!([moved(2, 20, inside(5), outside()), moved(1, 40, inside(5), outside())])),
        )
        .expect(around(json!([9, 1005]), &[5]))
        .expect(counted(5, 90.0, false))
        .expect(counted(5, 90.0, true))
        .install();
    let page = <crate::Tryton as Source>::poll(None, 100).unwrap();
    let next = <crate::Tryton as Source>::poll(Some(page.cursor), 100).unwrap();
    let at = |events: &[Event]| events[0].version.as_ref().map(|version| version.at.clone());
    assert_eq!(at(&next.events), at(&page.events));
    assert_eq!(at(&next.events).as_deref(), Some("2026-11-23T06:38:40.000000Z"));
}

#[test]
fn two_hundred_stores_are_told_within_what_a_call_may_ask() {
    let warehouses: std::collections::BTreeMap<String, i64> =
        (1..=201).map(|store| (store.to_string(), store + 10)).collect();
    // The pages of a morning: every store moves goods.
    let page = |from: i64| -> Vec<Value> {
        (from..from + 30).map(|store| moved(store, 10, inside(store + 10), outside())).collect()
    };
    let mut host = host().setting("tell", ["stock"]).setting("warehouses", warehouses);
    host = host.expect(moves(30, json!(page(1))));
    let stores: Vec<i64> = (11..41).collect();
    let places: Vec<i64> = std::iter::once(9).chain(stores.iter().map(|store| 1000 + store)).collect();
    host = host.expect(around(json!(places), &stores));
    for store in &stores {
        host = host.expect(counted(*store, 4.0, false)).expect(counted(*store, 3.0, true));
    }
    let host = host.install();
    let told = <crate::Tryton as Source>::poll(None, 100).unwrap();
    assert_eq!((told.events.len(), told.more), (30, true));
    assert!(host.requests().len() < 100, "{} requests", host.requests().len());
}

#[test]
fn a_small_share_of_a_page_still_moves_on() {
    let _host = host()
        .setting("tell", ["stock"])
        .expect(moves(1, json!([moved(1, 10, inside(5), outside())])))
        .expect(around(json!([9, 1005]), &[5]))
        .expect(counted(5, 4.0, false))
        .expect(counted(5, 4.0, true))
        .install();
    let page = <crate::Tryton as Source>::poll(None, 1).unwrap();
    assert_eq!((page.events.len(), page.more), (1, true));
}

#[test]
fn an_article_is_told_with_its_price_when_it_or_its_template_changes() {
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
    let events = told(
        &["products"],
        vec![
            first("product.product", catalogue::articles(), &catalogue::ARTICLE, 25)
                .answer(200, json!([article])),
            first("product.template", catalogue::templates(), &["last_modified_at"], 5).answer(200, template),
            search("product.product", of_template, &catalogue::ARTICLE).answer(200, json!([article])),
        ],
    );
    let kinds: Vec<&str> = events.iter().map(|event| event.fact.kind()).collect();
    assert_eq!(kinds, ["product.updated", "price.updated", "product.updated", "price.updated"]);
    // Told twice, and yet one fact: the same version.
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
