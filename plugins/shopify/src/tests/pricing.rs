//! What articles cost.

use serde_json::{Value, json};

use super::products::{VARIANT, found, variant};
use super::shop::{Shop, erp, posted, rejected, shop};
use super::*;
use crate::admin::operations::{ARTICLE_BY_SKU, PRICE_ON_LIST, SET_LIST_PRICE, UPDATE_ARTICLE};

fn price(amount: &str) -> ListPrice {
    ListPrice {
        sku: "TEA-100".into(),
        amount: Money::new(amount, "EUR"),
        includes_tax: true,
        price_list: None,
        minimum: None,
        from: None,
        until: None,
        at: "2026-11-23T09:30:00+01:00".into(),
    }
}

fn work(price: ListPrice) -> Work {
    testing::work(testing::event(erp(EntityKind::ListPrice, "5"), None, Fact::PriceUpdated(price)))
}

fn having() -> Shop {
    shop().answers(&ARTICLE_BY_SKU, json!({ "query": "sku:'TEA-100'" }), found(&[variant()]))
}

#[test]
fn a_base_price_is_the_variants() {
    let done = json!({ "productVariantsBulkUpdate": { "userErrors": [] } });
    let came = having()
        .answers(
            &UPDATE_ARTICLE,
            json!({ "products": false, "articles": true, "variants": [{ "id": VARIANT, "price": "13.90" }] }),
            done,
        )
        .delivers(work(price("13.90")));
    posted(came.of);
    assert!(matches!(having().delivers(work(price("12.5"))).of, Outcome::AlreadyThere(_)));
    assert!(matches!(having().finds(work(price("12.500"))).of, Found::Present(_)));
    assert_eq!(having().finds(work(price("13.90"))).of, Found::Absent);
}

#[test]
fn a_price_that_is_something_else_is_refused() {
    let refused = |change: fn(&mut ListPrice)| {
        let mut price = price("13.90");
        change(&mut price);
        let problem = rejected(having().delivers(work(price)).of);
        (problem.code, problem.field.unwrap())
    };
    assert_eq!(
        refused(|price| price.amount.currency = "CHF".into()),
        ("price-currency".into(), "amount.currency".into())
    );
    assert_eq!(refused(|price| price.includes_tax = false), ("price-tax".into(), "includesTax".into()));
}

#[test]
fn a_price_holds_from_when_it_is_told() {
    let at = |from: Option<&str>, until: Option<&str>| {
        let mut price = price("12.50");
        (price.from, price.until) = (from.map(Into::into), until.map(Into::into));
        price
    };
    let came = shop().delivers(work(at(Some("2026-12-01T00:00:00Z"), None)));
    assert_eq!(rejected(came.of).code, "price-later");
    let came = shop().delivers(work(at(None, Some("2026-11-23T08:30:00Z"))));
    assert!(matches!(came.of, Outcome::Ignored(_)), "it had ended, in whatever offset");
    let came = having().delivers(work(at(Some("2026-11-23T08:30:00Z"), Some("2026-12-01T00:00:00Z"))));
    assert!(matches!(came.of, Outcome::AlreadyThere(_)));
    let came = shop().delivers(work(at(Some("soon"), None)));
    assert_eq!(rejected(came.of).code, "instant-unreadable");
    let mut some = price("9.90");
    some.minimum = Some("10".into());
    assert!(matches!(shop().delivers(work(some)).of, Outcome::Ignored(_)), "base prices have no breaks");
}

fn on_list(minimum: Option<&str>) -> ListPrice {
    ListPrice { price_list: Some("B2B".into()), minimum: minimum.map(Into::into), ..price("9.90") }
}

/// A price list with these prices of the variant.
fn listing(shop: Shop, prices: &[Value]) -> Shop {
    shop.mapping("price-list", "B2B", "31").answers(
        &PRICE_ON_LIST,
        json!({ "list": "gid://shopify/PriceList/31", "query": "variant_id:72" }),
        json!({ "priceList": { "currency": "EUR", "prices": { "nodes": prices } } }),
    )
}

fn fixed(amount: &str, breaks: &[(i64, &str)]) -> Value {
    let money = |amount: &str| json!({ "amount": amount, "currencyCode": "EUR" });
    let breaks: Vec<Value> = breaks
        .iter()
        .map(|(minimum, amount)| json!({ "minimumQuantity": minimum, "price": money(amount) }))
        .collect();
    json!({ "variant": { "id": VARIANT }, "price": money(amount), "quantityPriceBreaks": { "nodes": breaks } })
}

#[test]
fn a_price_lists_price_is_set_on_that_list() {
    let came = shop().delivers(work(on_list(None)));
    assert_eq!(
        came.of,
        Outcome::Unmapped(vec![Unmapped { table: "price-list".into(), value: "B2B".into() }])
    );
    let done = || json!({ "quantityPricingByVariantUpdate": { "userErrors": [] } });
    let money = json!({ "amount": "9.90", "currencyCode": "EUR" });
    let came = listing(having(), &[])
        .answers(
            &SET_LIST_PRICE,
            json!({ "list": "gid://shopify/PriceList/31", "input": {
                "pricesToAdd": [{ "variantId": VARIANT, "price": money }], "quantityPriceBreaksToAdd": [],
            } }),
            done(),
        )
        .delivers(work(on_list(None)));
    posted(came.of);
    let came = listing(having(), &[fixed("9.90", &[])]).delivers(work(on_list(None)));
    assert!(matches!(came.of, Outcome::AlreadyThere(_)));
    let came = listing(having(), &[fixed("12.00", &[(5, "9.90")])])
        .answers(
            &SET_LIST_PRICE,
            json!({ "input": { "pricesToAdd": [], "quantityPriceBreaksToAdd": [
                { "variantId": VARIANT, "price": money, "minimumQuantity": 10 },
            ] } }),
            done(),
        )
        .delivers(work(on_list(Some("10"))));
    posted(came.of);
    let came = listing(having(), &[fixed("12.00", &[(10, "9.9")])]).delivers(work(on_list(Some("10"))));
    assert!(matches!(came.of, Outcome::AlreadyThere(_)));
    let came = listing(having(), &[fixed("9.90", &[])]).delivers(work(on_list(Some("1"))));
    assert!(matches!(came.of, Outcome::AlreadyThere(_)), "from the first on is no break");
    assert_eq!(
        rejected(shop().mapping("price-list", "B2B", "31").delivers(work(on_list(Some("2.5")))).of).code,
        "quantity-not-whole"
    );
    let came = having()
        .mapping("price-list", "B2B", "31")
        .answers(&PRICE_ON_LIST, json!({}), json!({ "priceList": null }))
        .delivers(work(on_list(None)));
    assert_eq!(rejected(came.of).code, "price-list-unknown");
    let came = shop().mapping("price-list", "B2B", "-").delivers(work(on_list(None)));
    assert!(matches!(came.of, Outcome::Ignored(_)));
}
