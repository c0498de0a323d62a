//! Articles.

use serde_json::{Value, json};

use super::shop::{Shop, erp, posted, rejected, shop};
use super::*;
use crate::admin::operations::{ARTICLE_BY_SKU, ARTICLE_OF_VARIANT, CREATE_ARTICLE, UPDATE_ARTICLE};

pub const VARIANT: &str = "gid://shopify/ProductVariant/72";

fn product() -> Product {
    Product {
        sku: "TEA-100".into(),
        gtin: Some("04006381333931".into()),
        title: "Sencha".into(),
        description: Some("Green tea\nfrom <Uji>".into()),
        group: None,
        options: vec![],
        unit: None,
        tax_class: None,
        grams: Some("250.0".into()),
        active: true,
        at: "2026-11-23T09:30:00Z".into(),
        extensions: None,
    }
}

fn work(product: Product) -> Work {
    testing::work(testing::event(erp(EntityKind::Product, "5"), None, Fact::ProductUpdated(product)))
}

/// The shop's variant with the same values as [`product`].
pub fn variant() -> Value {
    json!({
        "id": VARIANT,
        "sku": "TEA-100",
        "barcode": "4006381333931",
        "price": "12.50",
        "inventoryItem": { "measurement": { "weight": { "unit": "KILOGRAMS", "value": 0.25 } } },
        "product": {
            "id": "gid://shopify/Product/71",
            "title": "Sencha",
            "description": "Green tea from <Uji>",
            "status": "ACTIVE",
            "hasOnlyDefaultVariant": true,
        },
    })
}

pub fn found(nodes: &[Value]) -> Value {
    json!({
        "shop": { "currencyCode": "EUR", "taxesIncluded": true },
        "productVariants": { "nodes": nodes },
    })
}

fn shop_with(variant: Value) -> Shop {
    shop().responds(&ARTICLE_BY_SKU, json!({ "query": "sku:'TEA-100'" }), found(&[variant]))
}

fn updated() -> Value {
    json!({ "productUpdate": { "userErrors": [] }, "productVariantsBulkUpdate": { "userErrors": [] } })
}

#[test]
fn unchanged_fields_are_not_written() {
    let call = shop_with(variant()).delivers(work(product()));
    let Outcome::AlreadyThere(receipt) = call.result else { panic!("{:?}", call.result) };
    assert_eq!((receipt.references, receipt.written), (vec![Reference::new("variant", "72")], vec![]));
    assert!(matches!(shop_with(variant()).finds(work(product())).result, Found::Present(_)));
}

#[test]
fn changed_fields_are_written_in_one_request() {
    let mut there = variant();
    there["barcode"] = Value::Null;
    there["inventoryItem"]["measurement"]["weight"] = json!({ "unit": "GRAMS", "value": 200.5 });
    there["product"]["title"] = json!("Tea");
    there["product"]["description"] = json!("");
    there["product"]["status"] = json!("ARCHIVED");
    let call = shop_with(there.clone())
        .responds(
            &UPDATE_ARTICLE,
            json!({
                "products": true, "articles": true, "productId": "gid://shopify/Product/71",
                "product": {
                    "id": "gid://shopify/Product/71", "title": "Sencha", "status": "ACTIVE",
                    "descriptionHtml": "<p>Green tea<br>from &lt;Uji&gt;</p>",
                },
                "variants": [{
                    "id": VARIANT, "barcode": "04006381333931",
                    "inventoryItem": { "measurement": { "weight": { "unit": "GRAMS", "value": 250.0 } } },
                }],
            }),
            updated(),
        )
        .delivers(work(product()));
    posted(call.result);
    assert_eq!(shop_with(there).finds(work(product())).result, Found::Absent);
}

#[test]
fn product_fields_are_not_written_for_products_with_several_variants() {
    let mut there = variant();
    there["product"]["title"] = json!("Sencha, all sizes");
    there["product"]["hasOnlyDefaultVariant"] = json!(false);
    let mut inactive = product();
    inactive.active = false;
    assert!(matches!(shop_with(there).delivers(work(inactive)).result, Outcome::AlreadyThere(_)));
}

#[test]
fn drafts_and_unlisted_products_are_not_published() {
    for (status, active, writes) in [
        ("DRAFT", true, false),
        ("UNLISTED", true, false),
        ("DRAFT", false, true),
        ("ARCHIVED", false, false),
    ] {
        let mut there = variant();
        there["product"]["status"] = json!(status);
        let mut product = product();
        product.active = active;
        let mut script = shop_with(there);
        if writes {
            let done = json!({ "productUpdate": { "userErrors": [] } });
            script = script.responds(
                &UPDATE_ARTICLE,
                json!({ "articles": false, "product": { "status": "ARCHIVED" } }),
                done,
            );
        }
        let call = script.delivers(work(product));
        assert_eq!(matches!(call.result, Outcome::Posted(_)), writes, "{status} {active}: {:?}", call.result);
    }
}

#[test]
fn only_the_configured_fields_are_written() {
    let mut there = variant();
    there["product"]["title"] = json!("The merchant's own words");
    there["barcode"] = Value::Null;
    let call = shop_with(there).setting("product-fields", ["weight", "active"]).delivers(work(product()));
    assert!(matches!(call.result, Outcome::AlreadyThere(_)));
}

#[test]
fn an_article_may_be_mapped_to_a_variant() {
    let call = shop()
        .mapping("sku", "TEA-100", VARIANT)
        .responds(
            &ARTICLE_OF_VARIANT,
            json!({ "id": VARIANT }),
            json!({ "shop": { "currencyCode": "EUR", "taxesIncluded": true }, "productVariant": variant() }),
        )
        .delivers(work(product()));
    assert!(matches!(call.result, Outcome::AlreadyThere(_)));
}

#[test]
fn a_new_article_is_created_as_a_draft_where_configured() {
    let none = || shop().responds(&ARTICLE_BY_SKU, json!({}), found(&[]));
    let call = none().delivers(work(product()));
    assert_eq!(
        call.result,
        Outcome::Unmapped(vec![Unmapped { table: "sku".into(), value: "TEA-100".into() }])
    );
    let mut one_of_many = product();
    one_of_many.group = Some("tea".into());
    let call = none().setting("create-products", true).delivers(work(one_of_many));
    assert!(matches!(call.result, Outcome::Unmapped(_)), "a product of several articles is for people");
    let call = none()
        .setting("create-products", true)
        .responds(
            &CREATE_ARTICLE,
            json!({ "input": { "title": "Sencha", "status": "DRAFT", "variants": [{
                "optionValues": [{ "optionName": "Title", "name": "Default Title" }],
                "barcode": "04006381333931",
                "inventoryItem": { "sku": "TEA-100", "tracked": true },
            }] } }),
            json!({ "productSet": { "product": { "id": "gid://shopify/Product/71" }, "userErrors": [] } }),
        )
        .delivers(work(product()));
    assert!(posted(call.result).note.unwrap().contains("draft"));
}

#[test]
fn a_refusal_names_its_argument() {
    let mut there = variant();
    there["barcode"] = Value::Null;
    let refusal = json!({ "productVariantsBulkUpdate": { "userErrors": [
        { "code": "PRODUCT_VARIANT_DOES_NOT_EXIST", "field": ["variants", "0", "id"], "message": "gone" },
    ] } });
    let call = shop_with(there)
        .responds(&UPDATE_ARTICLE, json!({ "products": false }), refusal)
        .delivers(work(product()));
    let problem = rejected(call.result);
    assert_eq!(
        (problem.code.as_str(), problem.field.as_deref()),
        ("product-variant-does-not-exist", Some("variants.0.id"))
    );
}

#[test]
fn no_article_is_created_for_an_ambiguous_sku() {
    let twice = found(&[variant(), variant()]);
    let shop = shop().setting("create-products", true);
    let call =
        shop.responds(&ARTICLE_BY_SKU, json!({ "query": "sku:'TEA-100'" }), twice).delivers(work(product()));
    assert!(matches!(call.result, Outcome::Unmapped(_)), "{:?}", call.result);
}

#[test]
fn a_draft_is_created_even_if_unknown_skus_are_ignored() {
    let shop = shop().setting("create-products", true).setting("unknown-sku", "ignore");
    let call = shop
        .responds(&ARTICLE_BY_SKU, json!({ "query": "sku:'TEA-100'" }), found(&[]))
        .responds(&CREATE_ARTICLE, json!({}), json!({ "productSet": { "userErrors": [] } }))
        .delivers(work(product()));
    posted(call.result);
}

#[test]
fn a_response_without_a_result_is_unknown() {
    let mut there = variant();
    there["barcode"] = Value::Null;
    let call = shop_with(there).responds(&UPDATE_ARTICLE, json!({}), json!({})).delivers(work(product()));
    assert!(matches!(call.result, Outcome::Unknown(_)), "{:?}", call.result);
}
