//! What articles are.

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

/// The article as the shop has it when it has all of [`product`].
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

fn having(variant: Value) -> Shop {
    shop().answers(&ARTICLE_BY_SKU, json!({ "query": "sku:'TEA-100'" }), found(&[variant]))
}

fn updated() -> Value {
    json!({ "productUpdate": { "userErrors": [] }, "productVariantsBulkUpdate": { "userErrors": [] } })
}

#[test]
fn what_is_the_same_is_not_written() {
    let came = having(variant()).delivers(work(product()));
    let Outcome::AlreadyThere(receipt) = came.of else { panic!("{:?}", came.of) };
    assert_eq!((receipt.references, receipt.written), (vec![Reference::new("variant", "72")], vec![]));
    assert!(matches!(having(variant()).finds(work(product())).of, Found::Present(_)));
}

#[test]
fn what_differs_is_written_in_one_request() {
    let mut there = variant();
    there["barcode"] = Value::Null;
    there["inventoryItem"]["measurement"]["weight"] = json!({ "unit": "GRAMS", "value": 200.5 });
    there["product"]["title"] = json!("Tea");
    there["product"]["description"] = json!("");
    there["product"]["status"] = json!("ARCHIVED");
    let came = having(there.clone())
        .answers(
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
    posted(came.of);
    assert_eq!(having(there).finds(work(product())).of, Found::Absent);
}

#[test]
fn several_articles_of_one_product_do_not_rename_it_in_turns() {
    let mut there = variant();
    there["product"]["title"] = json!("Sencha, all sizes");
    there["product"]["hasOnlyDefaultVariant"] = json!(false);
    let mut inactive = product();
    inactive.active = false;
    assert!(matches!(having(there).delivers(work(inactive)).of, Outcome::AlreadyThere(_)));
}

#[test]
fn what_people_keep_back_is_not_published() {
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
        let mut script = having(there);
        if writes {
            let done = json!({ "productUpdate": { "userErrors": [] } });
            script = script.answers(
                &UPDATE_ARTICLE,
                json!({ "articles": false, "product": { "status": "ARCHIVED" } }),
                done,
            );
        }
        let came = script.delivers(work(product));
        assert_eq!(matches!(came.of, Outcome::Posted(_)), writes, "{status} {active}: {:?}", came.of);
    }
}

#[test]
fn only_what_the_operator_wants_is_kept() {
    let mut there = variant();
    there["product"]["title"] = json!("The merchant's own words");
    there["barcode"] = Value::Null;
    let came = having(there).setting("product-fields", ["weight", "active"]).delivers(work(product()));
    assert!(matches!(came.of, Outcome::AlreadyThere(_)));
}

#[test]
fn an_article_by_its_variant() {
    let came = shop()
        .mapping("sku", "TEA-100", VARIANT)
        .answers(
            &ARTICLE_OF_VARIANT,
            json!({ "id": VARIANT }),
            json!({ "shop": { "currencyCode": "EUR", "taxesIncluded": true }, "productVariant": variant() }),
        )
        .delivers(work(product()));
    assert!(matches!(came.of, Outcome::AlreadyThere(_)));
}

#[test]
fn a_new_article_is_made_as_a_draft_where_the_operator_wants_it() {
    let none = || shop().answers(&ARTICLE_BY_SKU, json!({}), found(&[]));
    let came = none().delivers(work(product()));
    assert_eq!(came.of, Outcome::Unmapped(vec![Unmapped { table: "sku".into(), value: "TEA-100".into() }]));
    let mut one_of_many = product();
    one_of_many.group = Some("tea".into());
    let came = none().setting("create-products", true).delivers(work(one_of_many));
    assert!(matches!(came.of, Outcome::Unmapped(_)), "a product of several articles is for people");
    let came = none()
        .setting("create-products", true)
        .answers(
            &CREATE_ARTICLE,
            json!({ "input": { "title": "Sencha", "status": "DRAFT", "variants": [{
                "optionValues": [{ "optionName": "Title", "name": "Default Title" }],
                "barcode": "04006381333931",
                "inventoryItem": { "sku": "TEA-100", "tracked": true },
            }] } }),
            json!({ "productSet": { "product": { "id": "gid://shopify/Product/71" }, "userErrors": [] } }),
        )
        .delivers(work(product()));
    assert!(posted(came.of).note.unwrap().contains("draft"));
}

#[test]
fn a_refusal_names_its_argument() {
    let mut there = variant();
    there["barcode"] = Value::Null;
    let refusal = json!({ "productVariantsBulkUpdate": { "userErrors": [
        { "code": "PRODUCT_VARIANT_DOES_NOT_EXIST", "field": ["variants", "0", "id"], "message": "gone" },
    ] } });
    let came = having(there)
        .answers(&UPDATE_ARTICLE, json!({ "products": false }), refusal)
        .delivers(work(product()));
    let problem = rejected(came.of);
    assert_eq!(
        (problem.code.as_str(), problem.field.as_deref()),
        ("product-variant-does-not-exist", Some("variants.0.id"))
    );
}

#[test]
fn a_sku_that_the_shop_has_twice_makes_no_third_article() {
    let twice = found(&[variant(), variant()]);
    let shop = shop().setting("create-products", true);
    let came =
        shop.answers(&ARTICLE_BY_SKU, json!({ "query": "sku:'TEA-100'" }), twice).delivers(work(product()));
    assert!(matches!(came.of, Outcome::Unmapped(_)), "{:?}", came.of);
}

#[test]
fn a_draft_is_made_though_unknown_articles_are_ignored_otherwise() {
    let shop = shop().setting("create-products", true).setting("unknown-sku", "ignore");
    let came = shop
        .answers(&ARTICLE_BY_SKU, json!({ "query": "sku:'TEA-100'" }), found(&[]))
        .answers(&CREATE_ARTICLE, json!({}), json!({ "productSet": { "userErrors": [] } }))
        .delivers(work(product()));
    posted(came.of);
}

#[test]
fn an_answer_that_does_not_say_what_was_done_is_looked_up() {
    let mut there = variant();
    there["barcode"] = Value::Null;
    let came = having(there).answers(&UPDATE_ARTICLE, json!({}), json!({})).delivers(work(product()));
    assert!(matches!(came.of, Outcome::Unknown(_)), "{:?}", came.of);
}
