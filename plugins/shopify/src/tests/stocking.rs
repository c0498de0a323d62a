//! Counts become levels of the shop's stock.

use crossdock_sdk::stores::Store;
use serde_json::{Value, json};

use super::shop::{Shop, asks, erp, posted, rejected, shop, written};
use super::*;
use crate::admin::operations::{LEVEL_BY_SKU, LEVEL_OF_VARIANT, LOCATIONS, SET_STOCK, STOCK_HERE};

const ITEM: &str = "gid://shopify/InventoryItem/808950810";
const HERE: &str = "gid://shopify/Location/655441491";

fn level(available: &str) -> Level {
    Level {
        sku: Some("TEA-100".into()),
        item: Some("5".into()),
        location: "WH".into(),
        available: Some(available.into()),
        on_hand: None,
        reserved: None,
        incoming: None,
        at: "2026-11-23T09:30:00Z".into(),
    }
}

fn work(level: Level) -> Work {
    testing::work(testing::event(erp(EntityKind::Stock, "5-3"), None, Fact::InventoryCounted(level)))
}

/// A variant with so many at the location; none where it is not stocked.
fn variant(sku: &str, count: Option<i64>) -> Value {
    let level = count.map(|count| json!({ "quantities": [{ "quantity": count }] }));
    json!({
        "id": "gid://shopify/ProductVariant/72",
        "sku": sku,
        "inventoryItem": { "id": ITEM, "tracked": true, "inventoryLevel": level },
    })
}

fn variants(nodes: &[Value]) -> Value {
    json!({ "productVariants": { "nodes": nodes } })
}

fn done() -> Value {
    json!({ "inventorySetQuantities": {
        "inventoryAdjustmentGroup": { "id": "gid://shopify/InventoryAdjustmentGroup/1" }, "userErrors": [],
    } })
}

fn refused(code: &str) -> Value {
    json!({ "inventorySetQuantities": { "userErrors": [
        { "code": code, "field": ["input", "quantities", "0"], "message": "no" },
    ] } })
}

fn mapped() -> Shop {
    shop().mapping("location", "WH", "655441491")
}

/// A shop with so many of the article.
fn holding(count: i64) -> Shop {
    mapped().answers(
        &LEVEL_BY_SKU,
        json!({ "query": "sku:'TEA-100'", "location": HERE, "name": "available" }),
        variants(&[variant("TEA-10", Some(99)), variant("TEA-100", Some(count))]),
    )
}

fn again(shop: Shop, count: i64) -> Shop {
    shop.answers(&LEVEL_BY_SKU, json!({}), variants(&[variant("TEA-100", Some(count))]))
}

/// What the request has to say, from how many to how many.
fn sets(from: i64, to: i64, key: &str) -> Value {
    json!({
        "key": key,
        "input": { "name": "available", "reason": "correction", "quantities": [
            { "inventoryItemId": ITEM, "locationId": HERE, "quantity": to, "changeFromQuantity": from },
        ] },
    })
}

/// The key of a request: what happened, where, and from which quantity to which.
fn key(rest: &str) -> String {
    format!("{:0>26}-808950810-655441491-{rest}", "5-3")
}

#[test]
fn a_count_is_set_if_the_level_is_what_was_read() {
    let came =
        holding(5).answers(&SET_STOCK, sets(5, 12, &key("5-12")), done()).delivers(work(level("12.7")));
    let receipt = posted(came.of);
    assert_eq!(written(&receipt), ["stock/808950810@655441491 stock.available=12"]);
    assert_eq!(receipt.references, [Reference::new("inventory-level", "808950810@655441491")]);
    let came = holding(5).answers(&SET_STOCK, sets(5, 0, &key("5-0")), done()).delivers(work(level("-3")));
    assert_eq!(written(&posted(came.of)), ["stock/808950810@655441491 stock.available=0"], "nothing is owed");
    let came = holding(12).delivers(work(level("12")));
    assert!(matches!(came.of, Outcome::AlreadyThere(_)));
}

#[test]
fn what_was_set_comes_back_under_the_same_name_and_value() {
    let came = holding(5).answers(&SET_STOCK, json!({}), done()).delivers(work(level("12")));
    let written = posted(came.of).written.remove(0);
    let body = json!({
        "inventory_item_id": 808_950_810u64, "location_id": 655_441_491u64, "available": 12,
        "updated_at": "2026-11-23T04:30:00-05:00",
    });
    let back = event("inventory_levels/update", body.to_string());
    assert_eq!(back.entity, written.entity);
    let Fact::InventoryCounted(told) = back.fact else { panic!() };
    assert_eq!(told.available, Some(written.value));
}

#[test]
fn a_level_that_moved_is_read_again() {
    let stale = || refused("CHANGE_FROM_QUANTITY_STALE");
    let script = holding(5).answers(&SET_STOCK, sets(5, 12, &key("5-12")), stale());
    let script = again(script, 4).answers(&SET_STOCK, sets(4, 12, &key("4-12")), done());
    posted(script.delivers(work(level("12"))).of);
    // Where it never stands still, later is better than never.
    let script = holding(5).answers(&SET_STOCK, json!({}), stale());
    let script = again(script, 4).answers(&SET_STOCK, json!({}), stale());
    let came = again(script, 3).answers(&SET_STOCK, json!({}), stale()).delivers(work(level("12")));
    assert!(matches!(came.of, Outcome::Unavailable(problem) if problem.code == "stock-moves"));
}

#[test]
fn a_request_that_is_sent_again_is_the_same_request() {
    let send = || {
        holding(5).meets(asks(&SET_STOCK, sets(5, 12, &key("5-12"))).lose_connection()).delivers(Work {
            attempt: 3,
            serial: 9,
            ..work(level("12"))
        })
    };
    let (one, two) = (send(), send());
    assert!(matches!(one.of, Outcome::Unknown(_)));
    assert_eq!(one.variables, two.variables, "no key is made for a try");
    // It was done: Shopify answers what it answered then. It is being done: it is too early to ask.
    let came = holding(5)
        .answers(&SET_STOCK, json!({}), refused("IDEMPOTENCY_CONCURRENT_REQUEST"))
        .delivers(work(level("12")));
    assert!(matches!(came.of, Outcome::Unavailable(_)));
    // It failed, says Shopify, and its key is spent with it.
    let script = holding(5).answers(
        &SET_STOCK,
        sets(5, 12, &key("5-12")),
        refused("IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED"),
    );
    let script = again(script, 5).answers(&SET_STOCK, sets(5, 12, &key("5-12-2")), done());
    posted(script.delivers(work(level("12"))).of);
    // Two events are two requests.
    let other = Work { short_key: "OTHER".into(), ..work(level("12")) };
    let came = holding(5).answers(&SET_STOCK, json!({}), done()).delivers(other);
    assert_eq!(came.variables[1]["key"], "OTHER-808950810-655441491-5-12");
}

#[test]
fn what_shopify_refuses_is_said_with_its_place() {
    let came = holding(5)
        .answers(&SET_STOCK, json!({}), refused("INVALID_QUANTITY_TOO_HIGH"))
        .delivers(work(level("2000000000")));
    let problem = rejected(came.of);
    assert_eq!(
        (problem.code.as_str(), problem.field.as_deref()),
        ("invalid-quantity-too-high", Some("input.quantities.0"))
    );
    let came = holding(5)
        .answers(&SET_STOCK, json!({}), refused("NON_MUTABLE_INVENTORY_ITEM"))
        .delivers(work(level("12")));
    assert!(matches!(came.of, Outcome::Ignored(why) if why.contains("made of")), "a bundle's parent");
}

#[test]
fn an_article_is_what_the_table_says() {
    let by_name = || {
        mapped().answers(
            &LEVEL_BY_SKU,
            json!({ "query": "sku:'TEA/1'" }),
            variants(&[variant("TEA/1", Some(12))]),
        )
    };
    let came = by_name().mapping("sku", "TEA-100", "TEA/1").delivers(work(level("12")));
    assert!(matches!(came.of, Outcome::AlreadyThere(_)));
    let came = mapped()
        .mapping("sku", "TEA-100", "gid://shopify/ProductVariant/72")
        .answers(
            &LEVEL_OF_VARIANT,
            json!({ "id": "gid://shopify/ProductVariant/72" }),
            json!({ "productVariant": variant("anything", Some(12)) }),
        )
        .delivers(work(level("12")));
    assert!(matches!(came.of, Outcome::AlreadyThere(_)));
    let came = mapped().mapping("sku", "TEA-100", "-").delivers(work(level("12")));
    assert!(matches!(came.of, Outcome::Ignored(_)), "it is not sold here");
    let mut nameless = level("12");
    nameless.sku = None;
    assert_eq!(rejected(mapped().delivers(work(nameless)).of).code, "sku-missing");
}

#[test]
fn an_unknown_article_waits_for_the_table() {
    let missing = Outcome::Unmapped(vec![Unmapped { table: "sku".into(), value: "TEA-100".into() }]);
    let none = || mapped().answers(&LEVEL_BY_SKU, json!({}), variants(&[variant("tea-100", Some(1))]));
    assert_eq!(none().delivers(work(level("12"))).of, missing);
    let came = none().setting("unknown-sku", "ignore").delivers(work(level("12")));
    assert!(matches!(came.of, Outcome::Ignored(_)));
    let twice = variants(&[variant("TEA-100", Some(1)), variant("TEA-100", Some(2))]);
    let came = mapped().answers(&LEVEL_BY_SKU, json!({}), twice).delivers(work(level("12")));
    assert_eq!(came.of, missing);
    assert!(came.log[0].contains("2 variants have the SKU TEA-100"), "{:?}", came.log);
}

fn store(id: &str) -> Store {
    Store {
        id: id.into(),
        name: "Hamburg".into(),
        zone: "Europe/Berlin".into(),
        country: None,
        region: None,
        legal_entity: None,
        warehouse: None,
        currency: None,
    }
}

#[test]
fn a_place_is_what_the_table_or_the_registry_says() {
    let there = variants(&[variant("TEA-100", Some(12))]);
    // The store's own id stands in the table.
    let came = shop()
        .with(|host| host.store(store("hamburg"), &[("tryton", "WH")]))
        .mapping("location", "hamburg", "655441491")
        .answers(&LEVEL_BY_SKU, json!({ "location": HERE }), there.clone())
        .delivers(work(level("12")));
    assert!(matches!(came.of, Outcome::AlreadyThere(_)));
    // The registry knows the store by both systems.
    let page = |ids: &[u32], next: Option<&str>| {
        let nodes: Vec<Value> =
            ids.iter().map(|id| json!({ "id": format!("gid://shopify/Location/{id}") })).collect();
        json!({ "locations": {
            "nodes": nodes, "pageInfo": { "hasNextPage": next.is_some(), "endCursor": next },
        } })
    };
    let registered = || {
        shop()
            .with(|host| {
                host.store(store("bremen"), &[("shopify", "1")])
                    .store(store("hamburg"), &[("tryton", "WH"), ("shopify", "655441491")])
            })
            .answers(&LOCATIONS, json!({ "after": null }), page(&[1, 2], Some("c")))
    };
    let came = registered()
        .answers(&LOCATIONS, json!({ "after": "c" }), page(&[655_441_491], None))
        .answers(&LEVEL_BY_SKU, json!({ "location": HERE }), there)
        .delivers(work(level("12")));
    assert!(matches!(came.of, Outcome::AlreadyThere(_)));
    let missing = Outcome::Unmapped(vec![Unmapped { table: "location".into(), value: "WH".into() }]);
    let came = registered()
        .answers(&LOCATIONS, json!({ "after": "c" }), page(&[3], None))
        .delivers(work(level("12")));
    assert_eq!(came.of, missing);
    assert_eq!(shop().delivers(work(level("12"))).of, missing);
    let came = shop().mapping("location", "WH", "-").delivers(work(level("12")));
    assert!(matches!(came.of, Outcome::Ignored(_)), "no place of this shop");
}

#[test]
fn an_article_is_stocked_where_it_is_counted_first() {
    let unstocked = || mapped().answers(&LEVEL_BY_SKU, json!({}), variants(&[variant("TEA-100", None)]));
    let begins = json!({ "item": ITEM, "location": HERE, "available": 12, "key": key("begin-12") });
    let done = json!({ "inventoryActivate": {
        "inventoryLevel": { "id": "gid://shopify/InventoryLevel/1" }, "userErrors": [],
    } });
    posted(unstocked().answers(&STOCK_HERE, begins, done).delivers(work(level("12"))).of);
    assert!(matches!(unstocked().delivers(work(level("0"))).of, Outcome::Ignored(_)), "there is none");
    let came = unstocked().setting("activate-stock", false).delivers(work(level("12")));
    assert_eq!(rejected(came.of).code, "not-stocked-here");
    let mut untracked = variant("TEA-100", Some(1));
    untracked["inventoryItem"]["tracked"] = json!(false);
    let came = mapped().answers(&LEVEL_BY_SKU, json!({}), variants(&[untracked])).delivers(work(level("12")));
    assert!(matches!(came.of, Outcome::Ignored(_)));
}

#[test]
fn what_lies_on_the_shelf_can_be_told_instead() {
    let mut counted = level("12");
    counted.on_hand = Some("20".into());
    let came = mapped()
        .setting("stock-quantity", "on-hand")
        .answers(&LEVEL_BY_SKU, json!({ "name": "on_hand" }), variants(&[variant("TEA-100", Some(5))]))
        .answers(&SET_STOCK, json!({ "input": { "name": "on_hand" } }), done())
        .delivers(work(counted));
    assert_eq!(came.variables[1]["input"]["quantities"][0]["quantity"], 20);
    assert_eq!(posted(came.of).written, [], "what can be sold is another number");
    let came = shop().setting("stock-quantity", "on-hand").delivers(work(level("12")));
    assert!(matches!(came.of, Outcome::Ignored(_)));
}

#[test]
fn a_level_is_found_by_its_quantity() {
    assert!(
        matches!(holding(12).finds(work(level("12"))).of, Found::Present(receipt) if receipt.written.len() == 1)
    );
    assert_eq!(holding(11).finds(work(level("12"))).of, Found::Absent);
    assert_eq!(shop().finds(work(level("12"))).of, Found::Absent, "what is not mapped was never told");
    let came = mapped().meets(asks(&LEVEL_BY_SKU, json!({})).refuse_connection()).finds(work(level("12")));
    assert!(matches!(came.of, Found::Failed(Failure::Unavailable(_))));
}

#[test]
fn the_shops_own_counts_are_not_told_back() {
    let mut own = work(level("12"));
    own.event.entity = testing::entity(EntityKind::Stock, "808950810@655441491");
    assert!(matches!(shop().delivers(own).of, Outcome::Ignored(_)));
}
