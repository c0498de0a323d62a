//! Prices.

use serde_json::{Value, json};

use super::articles::{VARIANT, found, variant};
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

fn shop_with_variant() -> Shop {
    shop().responds(&ARTICLE_BY_SKU, json!({ "query": "sku:'TEA-100'" }), found(&[variant()]))
}

#[test]
fn a_base_price_is_written_to_the_variant() {
    let done = json!({ "productVariantsBulkUpdate": { "userErrors": [] } });
    let call = shop_with_variant()
        .responds(
            &UPDATE_ARTICLE,
            json!({ "products": false, "articles": true, "variants": [{ "id": VARIANT, "price": "13.90" }] }),
            done,
        )
        .delivers(work(price("13.90")));
    posted(call.result);
    assert!(matches!(shop_with_variant().delivers(work(price("12.5"))).result, Outcome::AlreadyThere(_)));
    assert!(matches!(shop_with_variant().finds(work(price("12.500"))).result, Found::Present(_)));
    assert_eq!(shop_with_variant().finds(work(price("13.90"))).result, Found::Absent);
}

#[test]
fn a_price_in_another_currency_or_with_other_tax_is_rejected() {
    let refused = |change: fn(&mut ListPrice)| {
        let mut price = price("13.90");
        change(&mut price);
        let problem = rejected(shop_with_variant().delivers(work(price)).result);
        (problem.code, problem.field.unwrap())
    };
    assert_eq!(
        refused(|price| price.amount.currency = "CHF".into()),
        ("price-currency".into(), "amount.currency".into())
    );
    assert_eq!(refused(|price| price.includes_tax = false), ("price-tax".into(), "includesTax".into()));
}

#[test]
fn a_price_that_is_not_valid_yet_is_rejected() {
    let at = |from: Option<&str>, until: Option<&str>| {
        let mut price = price("12.50");
        (price.from, price.until) = (from.map(Into::into), until.map(Into::into));
        price
    };
    let call = shop().delivers(work(at(Some("2026-12-01T00:00:00Z"), None)));
    assert_eq!(rejected(call.result).code, "price-later");
    let call = shop().delivers(work(at(None, Some("2026-11-23T08:30:00Z"))));
    assert!(matches!(call.result, Outcome::Ignored(_)), "the period has ended, in another offset");
    let call =
        shop_with_variant().delivers(work(at(Some("2026-11-23T08:30:00Z"), Some("2026-12-01T00:00:00Z"))));
    assert!(matches!(call.result, Outcome::AlreadyThere(_)));
    let call = shop().delivers(work(at(Some("soon"), None)));
    assert_eq!(rejected(call.result).code, "instant-unreadable");
    let mut some = price("9.90");
    some.minimum = Some("10".into());
    assert!(matches!(shop().delivers(work(some)).result, Outcome::Ignored(_)), "base prices have no breaks");
}

fn on_list(minimum: Option<&str>) -> ListPrice {
    ListPrice { price_list: Some("B2B".into()), minimum: minimum.map(Into::into), ..price("9.90") }
}

/// A price list with these prices of the variant.
fn with_price_list(shop: Shop, prices: &[Value]) -> Shop {
    shop.mapping("price-list", "B2B", "31").responds(
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
fn a_list_price_is_written_to_the_mapped_price_list() {
    let call = shop().delivers(work(on_list(None)));
    assert_eq!(
        call.result,
        Outcome::Unmapped(vec![Unmapped { table: "price-list".into(), value: "B2B".into() }])
    );
    let done = || json!({ "quantityPricingByVariantUpdate": { "userErrors": [] } });
    let money = json!({ "amount": "9.90", "currencyCode": "EUR" });
    let call = with_price_list(shop_with_variant(), &[])
        .responds(
            &SET_LIST_PRICE,
            json!({ "list": "gid://shopify/PriceList/31", "input": {
                "pricesToAdd": [{ "variantId": VARIANT, "price": money }], "quantityPriceBreaksToAdd": [],
            } }),
            done(),
        )
        .delivers(work(on_list(None)));
    posted(call.result);
    let call = with_price_list(shop_with_variant(), &[fixed("9.90", &[])]).delivers(work(on_list(None)));
    assert!(matches!(call.result, Outcome::AlreadyThere(_)));
    let call = with_price_list(shop_with_variant(), &[fixed("12.00", &[(5, "9.90")])])
        .responds(
            &SET_LIST_PRICE,
            json!({ "input": { "pricesToAdd": [], "quantityPriceBreaksToAdd": [
                { "variantId": VARIANT, "price": money, "minimumQuantity": 10 },
            ] } }),
            done(),
        )
        .delivers(work(on_list(Some("10"))));
    posted(call.result);
    let call = with_price_list(shop_with_variant(), &[fixed("12.00", &[(10, "9.9")])])
        .delivers(work(on_list(Some("10"))));
    assert!(matches!(call.result, Outcome::AlreadyThere(_)));
    let call = with_price_list(shop_with_variant(), &[fixed("9.90", &[])]).delivers(work(on_list(Some("1"))));
    assert!(matches!(call.result, Outcome::AlreadyThere(_)), "from the first on is no break");
    assert_eq!(
        rejected(shop().mapping("price-list", "B2B", "31").delivers(work(on_list(Some("2.5")))).result).code,
        "quantity-not-whole"
    );
    let call = shop_with_variant()
        .mapping("price-list", "B2B", "31")
        .responds(&PRICE_ON_LIST, json!({}), json!({ "priceList": null }))
        .delivers(work(on_list(None)));
    assert_eq!(rejected(call.result).code, "price-list-unknown");
    let call = shop().mapping("price-list", "B2B", "-").delivers(work(on_list(None)));
    assert!(matches!(call.result, Outcome::Ignored(_)));
}
