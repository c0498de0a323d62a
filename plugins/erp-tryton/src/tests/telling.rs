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

#[test]
fn an_article_that_moved_is_counted_in_its_warehouse() {
    let moved = |id: i64, second: i64| json!({ "id": id, "last_modified_at": at(second), "product": { "id": 1, "code": "SKU-1" } });
    let counted = |quantity: f64| {
        let asked = search("product.product", json!([["code", "in", ["SKU-1"]]]), &["code", "quantity"]);
        asked.answer(200, json!([{ "id": 1, "code": "SKU-1", "quantity": quantity }]))
    };
    let events = told(
        &["stock"],
        vec![
            first(crate::stock::MODEL, crate::stock::domain(), &crate::stock::MOVE, 100)
                .answer(200, json!([moved(1, 10), moved(2, 12)])),
            counted(98.5),
            counted(90.0),
        ],
    );
    let [Event { entity, version: Some(version), fact: Fact::InventoryCounted(level), .. }] =
        events.as_slice()
    else {
        panic!("{events:?}")
    };
    assert_eq!((entity.kind, entity.id.as_str()), (EntityKind::Stock, "SKU-1@5"));
    assert_eq!(version.at, "2026-11-23T06:38:12.000000Z");
    let counts = (level.available.as_deref(), level.on_hand.as_deref(), level.reserved.as_deref());
    assert_eq!(counts, (Some("90"), Some("98.5"), Some("8.5")));
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
