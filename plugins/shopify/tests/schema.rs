//! Every query and mutation that the plugin knows, held against Shopify's own schema of the version it speaks:
//! `CROSSDOCK_SHOPIFY_SCHEMA` is the folder that `tests/shopify-schema/up.sh` prints. Without it there is nothing to
//! hold them against, and the test says so. What the native tests really send is judged in the same way.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

mod judge;

use plugin_shopify::admin::VERSION;
use plugin_shopify::admin::operations::{ALL, Operation};
use serde_json::{Value, json};

/// Variables that an operation takes.
fn variables(operation: &Operation) -> Value {
    let id = "gid://shopify/Thing/1";
    let money = json!({ "amount": "9.95", "currencyCode": "EUR" });
    match operation.name {
        "OrderGoods" | "MoreGoods" | "Fulfilment" => json!({ "id": id, "after": "x" }),
        "Fulfil" => json!({
            "fulfillment": {
                "notifyCustomer": true,
                "trackingInfo": { "company": "DHL", "numbers": ["1", "2"], "urls": ["https://a.test", "https://b.test"] },
                "lineItemsByFulfillmentOrder": [
                    { "fulfillmentOrderId": id, "fulfillmentOrderLineItems": [{ "id": id, "quantity": 1 }] }
                ],
            },
            "order": id, "tags": ["erp:packed"], "untag": true,
        }),
        "Track" => {
            json!({ "id": id, "tracking": { "number": "1", "url": "https://a.test" }, "notify": false })
        }
        "Unfulfil" | "Unsubscribe" | "OrderCancelled" | "ArticleOfVariant" => json!({ "id": id }),
        "LevelBySku" => json!({ "query": "sku:'A'", "location": id, "name": "available" }),
        "LevelOfVariant" => json!({ "id": id, "location": id, "name": "on_hand" }),
        "SetStock" => json!({
            "key": "k",
            "input": {
                "name": "available", "reason": "correction",
                "quantities": [
                    { "inventoryItemId": id, "locationId": id, "quantity": 3, "changeFromQuantity": 5 }
                ],
            },
        }),
        "StockHere" => json!({ "item": id, "location": id, "available": 3, "onHand": null, "key": "k" }),
        "Locations" | "Subscriptions" => json!({ "after": null }),
        "OrderStatus" => json!({ "id": id, "namespace": "crossdock", "key": "invoices" }),
        "TellStatus" => json!({
            "id": id, "add": ["a"], "remove": ["b"], "adds": true, "removes": true, "numbers": true,
            "metafields": [{
                "ownerId": id, "namespace": "crossdock", "key": "invoices", "value": "[\"R-1\"]",
                "type": "list.single_line_text_field", "compareDigest": "x",
            }],
        }),
        "CancelOrder" => json!({
            "id": id, "reason": "OTHER", "restock": false, "notify": false, "note": "why",
            "refund": { "originalPaymentMethodsRefund": true },
        }),
        "ArticleBySku" => json!({ "query": "sku:'A'" }),
        "UpdateArticle" => json!({
            "productId": id, "products": true, "articles": true,
            "product": { "id": id, "title": "Tea", "descriptionHtml": "<p>Tea</p>", "status": "ARCHIVED" },
            "variants": [{
                "id": id, "barcode": "04006381333931", "price": "9.95",
                "inventoryItem": { "measurement": { "weight": { "unit": "GRAMS", "value": 250.0 } } },
            }],
        }),
        "CreateArticle" => json!({ "input": {
            "title": "Tea", "status": "DRAFT", "descriptionHtml": "<p>Tea</p>",
            "productOptions": [{ "name": "Title", "values": [{ "name": "Default Title" }] }],
            "variants": [{
                "optionValues": [{ "optionName": "Title", "name": "Default Title" }],
                "barcode": "04006381333931",
                "inventoryItem": {
                    "sku": "TEA", "tracked": true,
                    "measurement": { "weight": { "unit": "GRAMS", "value": 250.0 } },
                },
            }],
        } }),
        "PriceOnList" => json!({ "list": id, "query": "variant_id:1" }),
        "SetListPrice" => json!({ "list": id, "input": {
            "pricesToAdd": [{ "variantId": id, "price": money }],
            "pricesToDeleteByVariantId": [],
            "quantityPriceBreaksToAdd": [{ "variantId": id, "price": money, "minimumQuantity": 10 }],
            "quantityPriceBreaksToDelete": [],
            "quantityRulesToAdd": [], "quantityRulesToDeleteByVariantId": [],
        } }),
        "Subscribe" => json!({
            "topic": "ORDERS_CREATE",
            "subscription": { "uri": "https://a.test/in/shop", "format": "JSON", "name": "crossdock" },
        }),
        "Resubscribe" => json!({ "id": id, "subscription": {
            "uri": "https://a.test/in/shop", "format": "JSON", "name": "crossdock", "filter": "",
            "includeFields": [],
        } }),
        other => panic!("{other} has no example"),
    }
}

#[test]
fn every_text_is_valid_by_the_vendors_schema() {
    let requests: Vec<Value> =
        ALL.iter().map(|one| json!({ "query": one.text, "variables": variables(one) })).collect();
    let Some(judged) = judge::complaints(VERSION, &requests) else { return };
    for (operation, complaints) in ALL.iter().zip(judged) {
        println!("{}: {}", operation.name, if complaints.is_empty() { "valid" } else { "refused" });
        assert!(complaints.is_empty(), "{}: {complaints:#?}", operation.name);
    }
}

#[test]
fn every_text_is_what_it_is_called() {
    for Operation { name, text, writes, cost } in ALL {
        let keyword = if *writes { "mutation" } else { "query" };
        assert!(text.starts_with(&format!("{keyword} {name}(")), "{name}");
        // Shopify answers nothing that costs more.
        assert!(*cost <= 1000 && (!writes || *cost >= 10), "{name} costs {cost}");
    }
    let mut names: Vec<&str> = ALL.iter().map(|one| one.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), ALL.len());
}

#[test]
fn the_judge_refuses_what_is_wrong() {
    let order = "query Q($id: ID!) { order(id: $id) { name } }";
    let set = |directive: &str| {
        format!(
            "mutation M($input: InventorySetQuantitiesInput!) {{ inventorySetQuantities(input: $input){directive} \
             {{ userErrors {{ message }} }} }}"
        )
    };
    let input = json!({ "input": { "name": "available", "reason": "correction", "quantities": [] } });
    let compare = json!({ "input": { "name": "available", "reason": "correction", "quantities": [
        { "inventoryItemId": "1", "locationId": "1", "quantity": 1, "compareQuantity": 2 },
    ] } });
    let key = " @idempotent(key: \"k\")";
    let requests = [
        json!({ "query": order, "variables": { "id": "1" }, "data": { "order": { "name": "#1" } } }),
        json!({ "query": order, "variables": {} }),
        json!({ "query": order, "variables": { "id": "1", "other": 1 } }),
        json!({ "query": order, "variables": { "id": "1" }, "data": { "order": { "name": "#1", "tags": [] } } }),
        json!({ "query": order, "variables": { "id": "1" }, "data": { "order": {} } }),
        json!({ "query": "{ order(id: 1) { nam } }" }),
        json!({ "query": "{ shop { fulfillmentServices { handle } taxShipping } order(id: 1) { totalPrice } }" }),
        json!({ "query": set(""), "variables": input }),
        json!({ "query": set(key), "variables": input }),
        // The field of older versions.
        json!({ "query": set(key), "variables": compare }),
    ];
    let Some(judged) = judge::complaints(VERSION, &requests) else { return };
    let refused: Vec<bool> = judged.iter().map(|complaints| !complaints.is_empty()).collect();
    assert_eq!(refused, [false, true, true, true, true, true, true, true, false, true], "{judged:#?}");
}
