//! Stock levels.

use crossdock_sdk::stores::Store;
use serde_json::{Value, json};

use super::shop::{Shop, erp, posted, rejected, request_of, shop, written};
use super::*;
use crate::admin::operations::{ACTIVATE_STOCK, LEVEL_BY_SKU, LEVEL_OF_VARIANT, LOCATIONS, SET_STOCK};

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

/// A variant with this quantity at the location; none where it is not stocked.
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

fn success() -> Value {
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

/// A shop with this quantity of the article.
fn shop_with(count: i64) -> Shop {
    mapped().responds(
        &LEVEL_BY_SKU,
        json!({ "query": "sku:'TEA-100'", "location": HERE, "name": "available" }),
        variants(&[variant("TEA-10", Some(99)), variant("TEA-100", Some(count))]),
    )
}

fn stale_then(shop: Shop, count: i64) -> Shop {
    shop.responds(&LEVEL_BY_SKU, json!({}), variants(&[variant("TEA-100", Some(count))]))
}

/// The variables of a request that sets a quantity from another one.
fn set_variables(from: i64, to: i64, key: &str) -> Value {
    json!({
        "key": key,
        "input": { "name": "available", "reason": "correction", "quantities": [
            { "inventoryItemId": ITEM, "locationId": HERE, "quantity": to, "changeFromQuantity": from },
        ] },
    })
}

/// The idempotency key of a request: of the event, the item, the location, and both quantities.
fn key(rest: &str) -> String {
    format!("{:0>26}-808950810-655441491-{rest}", "5-3")
}

#[test]
fn a_level_is_set_if_it_has_not_changed_since_it_was_read() {
    let call = shop_with(5)
        .responds(&SET_STOCK, set_variables(5, 12, &key("5-12")), success())
        .delivers(work(level("12.7")));
    let receipt = posted(call.result);
    assert_eq!(written(&receipt), ["stock/808950810@655441491 stock.available=12"]);
    assert_eq!(receipt.references, [Reference::new("inventory-level", "808950810@655441491")]);
    let call = shop_with(5)
        .responds(&SET_STOCK, set_variables(5, 0, &key("5-0")), success())
        .delivers(work(level("-3")));
    assert_eq!(
        written(&posted(call.result)),
        ["stock/808950810@655441491 stock.available=0"],
        "a negative level is written as zero"
    );
    let call = shop_with(12).delivers(work(level("12")));
    assert!(matches!(call.result, Outcome::AlreadyThere(_)));
}

#[test]
fn the_receipt_matches_the_webhook_of_the_level() {
    let call = shop_with(5).responds(&SET_STOCK, json!({}), success()).delivers(work(level("12")));
    let written = posted(call.result).written.remove(0);
    let body = json!({
        "inventory_item_id": 808_950_810u64, "location_id": 655_441_491u64, "available": 12,
        "updated_at": "2026-11-23T04:30:00-05:00",
    });
    let back = event("inventory_levels/update", body.to_string());
    assert_eq!(back.entity, written.entity);
    let Fact::InventoryCounted(reported) = back.fact else { panic!() };
    assert_eq!(reported.available, Some(written.value));
}

#[test]
fn a_level_that_changed_is_read_again() {
    let stale = || refused("CHANGE_FROM_QUANTITY_STALE");
    let script = shop_with(5).responds(&SET_STOCK, set_variables(5, 12, &key("5-12")), stale());
    let script = stale_then(script, 4).responds(&SET_STOCK, set_variables(4, 12, &key("4-12")), success());
    posted(script.delivers(work(level("12"))).result);
    // A level that keeps changing is retried later.
    let script = shop_with(5).responds(&SET_STOCK, json!({}), stale());
    let script = stale_then(script, 4).responds(&SET_STOCK, json!({}), stale());
    let call = stale_then(script, 3).responds(&SET_STOCK, json!({}), stale()).delivers(work(level("12")));
    assert!(matches!(call.result, Outcome::Unavailable(problem) if problem.code == "stock-moves"));
}

#[test]
fn a_repeated_request_has_the_same_key() {
    let send = || {
        shop_with(5)
            .expects(request_of(&SET_STOCK, set_variables(5, 12, &key("5-12"))).lose_connection())
            .delivers(Work { attempt: 3, serial: 9, ..work(level("12")) })
    };
    let (one, two) = (send(), send());
    assert!(matches!(one.result, Outcome::Unknown(_)));
    assert_eq!(one.variables, two.variables, "no key is made for a try");
    // Applied already: Shopify repeats its response. In progress: it is retried later.
    let call = shop_with(5)
        .responds(&SET_STOCK, json!({}), refused("IDEMPOTENCY_CONCURRENT_REQUEST"))
        .delivers(work(level("12")));
    assert!(matches!(call.result, Outcome::Unavailable(_)));
    // The request with this key failed: the next key is used.
    let script = shop_with(5).responds(
        &SET_STOCK,
        set_variables(5, 12, &key("5-12")),
        refused("IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED"),
    );
    let script = stale_then(script, 5).responds(&SET_STOCK, set_variables(5, 12, &key("5-12-2")), success());
    posted(script.delivers(work(level("12"))).result);
    // Two events have different keys.
    let other = Work { short_key: "OTHER".into(), ..work(level("12")) };
    let call = shop_with(5).responds(&SET_STOCK, json!({}), success()).delivers(other);
    assert_eq!(call.variables[1]["key"], "OTHER-808950810-655441491-5-12");
}

#[test]
fn a_refusal_names_its_argument() {
    let call = shop_with(5)
        .responds(&SET_STOCK, json!({}), refused("INVALID_QUANTITY_TOO_HIGH"))
        .delivers(work(level("2000000000")));
    let problem = rejected(call.result);
    assert_eq!(
        (problem.code.as_str(), problem.field.as_deref()),
        ("invalid-quantity-too-high", Some("input.quantities.0"))
    );
    let call = shop_with(5)
        .responds(&SET_STOCK, json!({}), refused("NON_MUTABLE_INVENTORY_ITEM"))
        .delivers(work(level("12")));
    assert!(matches!(call.result, Outcome::Ignored(why) if why.contains("components")), "a bundle's parent");
}

#[test]
fn an_article_is_mapped_by_the_table() {
    let by_name = || {
        mapped().responds(
            &LEVEL_BY_SKU,
            json!({ "query": "sku:'TEA/1'" }),
            variants(&[variant("TEA/1", Some(12))]),
        )
    };
    let call = by_name().mapping("sku", "TEA-100", "TEA/1").delivers(work(level("12")));
    assert!(matches!(call.result, Outcome::AlreadyThere(_)));
    let call = mapped()
        .mapping("sku", "TEA-100", "gid://shopify/ProductVariant/72")
        .responds(
            &LEVEL_OF_VARIANT,
            json!({ "id": "gid://shopify/ProductVariant/72" }),
            json!({ "productVariant": variant("anything", Some(12)) }),
        )
        .delivers(work(level("12")));
    assert!(matches!(call.result, Outcome::AlreadyThere(_)));
    let call = mapped().mapping("sku", "TEA-100", "-").delivers(work(level("12")));
    assert!(matches!(call.result, Outcome::Ignored(_)), "it is not sold here");
    let mut nameless = level("12");
    nameless.sku = None;
    assert_eq!(rejected(mapped().delivers(work(nameless)).result).code, "sku-missing");
}

#[test]
fn an_unknown_article_is_unmapped() {
    let missing = Outcome::Unmapped(vec![Unmapped { table: "sku".into(), value: "TEA-100".into() }]);
    let none = || mapped().responds(&LEVEL_BY_SKU, json!({}), variants(&[variant("tea-100", Some(1))]));
    assert_eq!(none().delivers(work(level("12"))).result, missing);
    let call = none().setting("unknown-sku", "ignore").delivers(work(level("12")));
    assert!(matches!(call.result, Outcome::Ignored(_)));
    let twice = variants(&[variant("TEA-100", Some(1)), variant("TEA-100", Some(2))]);
    let call = mapped().responds(&LEVEL_BY_SKU, json!({}), twice).delivers(work(level("12")));
    assert_eq!(call.result, missing);
    assert!(call.log[0].contains("2 variants have the SKU TEA-100"), "{:?}", call.log);
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
fn a_location_is_mapped_by_the_table_or_the_registry() {
    let there = variants(&[variant("TEA-100", Some(12))]);
    // The table contains the store's id.
    let call = shop()
        .with(|host| host.store(store("hamburg"), &[("tryton", "WH")]))
        .mapping("location", "hamburg", "655441491")
        .responds(&LEVEL_BY_SKU, json!({ "location": HERE }), there.clone())
        .delivers(work(level("12")));
    assert!(matches!(call.result, Outcome::AlreadyThere(_)));
    // The registry has the store's codes in both systems.
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
            .responds(&LOCATIONS, json!({ "after": null }), page(&[1, 2], Some("c")))
    };
    let call = registered()
        .responds(&LOCATIONS, json!({ "after": "c" }), page(&[655_441_491], None))
        .responds(&LEVEL_BY_SKU, json!({ "location": HERE }), there)
        .delivers(work(level("12")));
    assert!(matches!(call.result, Outcome::AlreadyThere(_)));
    let missing = Outcome::Unmapped(vec![Unmapped { table: "location".into(), value: "WH".into() }]);
    let call = registered()
        .responds(&LOCATIONS, json!({ "after": "c" }), page(&[3], None))
        .delivers(work(level("12")));
    assert_eq!(call.result, missing);
    assert_eq!(shop().delivers(work(level("12"))).result, missing);
    let call = shop().mapping("location", "WH", "-").delivers(work(level("12")));
    assert!(matches!(call.result, Outcome::Ignored(_)), "no place of this shop");
}

#[test]
fn an_article_is_activated_at_a_location_by_its_first_count() {
    let unstocked = || mapped().responds(&LEVEL_BY_SKU, json!({}), variants(&[variant("TEA-100", None)]));
    let begins = json!({ "item": ITEM, "location": HERE, "available": 12, "key": key("begin-12") });
    let done = json!({ "inventoryActivate": {
        "inventoryLevel": { "id": "gid://shopify/InventoryLevel/1" }, "userErrors": [],
    } });
    posted(unstocked().responds(&ACTIVATE_STOCK, begins, done).delivers(work(level("12"))).result);
    assert!(matches!(unstocked().delivers(work(level("0"))).result, Outcome::Ignored(_)), "there is none");
    let call = unstocked().setting("activate-stock", false).delivers(work(level("12")));
    assert_eq!(rejected(call.result).code, "not-stocked-here");
    let mut untracked = variant("TEA-100", Some(1));
    untracked["inventoryItem"]["tracked"] = json!(false);
    let call =
        mapped().responds(&LEVEL_BY_SKU, json!({}), variants(&[untracked])).delivers(work(level("12")));
    assert!(matches!(call.result, Outcome::Ignored(_)));
}

#[test]
fn the_quantity_on_hand_can_be_written_instead() {
    let mut counted = level("12");
    counted.on_hand = Some("20".into());
    let call = mapped()
        .setting("stock-quantity", "on-hand")
        .responds(&LEVEL_BY_SKU, json!({ "name": "on_hand" }), variants(&[variant("TEA-100", Some(5))]))
        .responds(&SET_STOCK, json!({ "input": { "name": "on_hand" } }), success())
        .delivers(work(counted));
    assert_eq!(call.variables[1]["input"]["quantities"][0]["quantity"], 20);
    assert_eq!(posted(call.result).written, [], "what can be sold is another number");
    let call = shop().setting("stock-quantity", "on-hand").delivers(work(level("12")));
    assert!(matches!(call.result, Outcome::Ignored(_)));
}

#[test]
fn a_level_is_found_by_its_quantity() {
    assert!(
        matches!(shop_with(12).finds(work(level("12"))).result, Found::Present(receipt) if receipt.written.len() == 1)
    );
    assert_eq!(shop_with(11).finds(work(level("12"))).result, Found::Absent);
    assert_eq!(shop().finds(work(level("12"))).result, Found::Absent, "an unmapped level was never written");
    let call =
        mapped().expects(request_of(&LEVEL_BY_SKU, json!({})).refuse_connection()).finds(work(level("12")));
    assert!(matches!(call.result, Found::Failed(Failure::Unavailable(_))));
}

#[test]
fn the_shops_own_levels_are_ignored() {
    let mut own = work(level("12"));
    own.event.entity = testing::entity(EntityKind::Stock, "808950810@655441491");
    assert!(matches!(shop().delivers(own).result, Outcome::Ignored(_)));
}
