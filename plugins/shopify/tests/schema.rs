//! Validates every query and mutation of the plugin against Shopify's schema of its API version:
//! `CROSSDOCK_SHOPIFY_SCHEMA` is the folder that `tests/shopify-schema/up.sh` prints. Without it the tests only print
//! that nothing is validated. The requests of the native tests are validated in the same way.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

mod schema_validator;

use plugin_shopify::admin::VERSION;
use plugin_shopify::admin::operations::{ALL, Operation};
use serde_json::{Value, json};

/// Example variables of an operation.
fn variables(operation: &Operation) -> Value {
    let id = "gid://shopify/Thing/1";
    let money = json!({ "amount": "9.95", "currencyCode": "EUR" });
    match operation.name {
        "OrderFulfilments" | "MoreFulfilmentOrderLines" | "Fulfilment" => json!({ "id": id, "after": "x" }),
        "CreateFulfilment" => json!({
            "fulfillment": {
                "notifyCustomer": true,
                "trackingInfo": { "company": "DHL", "numbers": ["1", "2"], "urls": ["https://a.test", "https://b.test"] },
                "lineItemsByFulfillmentOrder": [
                    { "fulfillmentOrderId": id, "fulfillmentOrderLineItems": [{ "id": id, "quantity": 1 }] }
                ],
            },
            "order": id, "tags": ["erp:packed"], "untag": true,
        }),
        "UpdateTracking" => {
            json!({ "id": id, "tracking": { "number": "1", "url": "https://a.test" }, "notify": false })
        }
        "CancelFulfilment" | "DeleteSubscription" | "OrderCancelled" | "ArticleOfVariant" => {
            json!({ "id": id })
        }
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
        "ActivateStock" => json!({ "item": id, "location": id, "available": 3, "onHand": null, "key": "k" }),
        "Locations" | "Subscriptions" => json!({ "after": null }),
        "OrderStatus" => json!({ "id": id, "namespace": "crossdock", "key": "invoices" }),
        "UpdateStatus" => json!({
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
        "CreateSubscription" => json!({
            "topic": "ORDERS_CREATE",
            "subscription": { "uri": "https://a.test/in/shop", "format": "JSON", "name": "crossdock" },
        }),
        "UpdateSubscription" => json!({ "id": id, "subscription": {
            "uri": "https://a.test/in/shop", "format": "JSON", "name": "crossdock", "filter": "",
            "includeFields": [],
        } }),
        other => panic!("{other} has no example"),
    }
}

#[test]
fn every_operation_is_valid_by_the_vendors_schema() {
    let requests: Vec<Value> =
        ALL.iter().map(|one| json!({ "query": one.text, "variables": variables(one) })).collect();
    let Some(results) = schema_validator::violations(VERSION, &requests) else { return };
    for (operation, violations) in ALL.iter().zip(results) {
        println!("{}: {}", operation.name, if violations.is_empty() { "valid" } else { "invalid" });
        assert!(violations.is_empty(), "{}: {violations:#?}", operation.name);
    }
}

#[test]
fn every_operation_has_its_name_type_and_a_permitted_cost() {
    for Operation { name, text, is_mutation, cost } in ALL {
        let keyword = if *is_mutation { "mutation" } else { "query" };
        assert!(text.starts_with(&format!("{keyword} {name}(")), "{name}");
        // Shopify refuses requests of a higher cost.
        assert!(*cost <= 1000 && (!is_mutation || *cost >= 10), "{name} costs {cost}");
    }
    let mut names: Vec<&str> = ALL.iter().map(|one| one.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), ALL.len());
}

#[test]
fn the_validator_detects_invalid_requests() {
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
    let Some(results) = schema_validator::violations(VERSION, &requests) else { return };
    let invalid: Vec<bool> = results.iter().map(|violations| !violations.is_empty()).collect();
    assert_eq!(invalid, [false, true, true, true, true, true, true, true, false, true], "{results:#?}");
}
