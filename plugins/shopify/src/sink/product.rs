//! What an article is, told to the shop.
//!
//! Shopify knows products with variants, and other systems know articles. Weight and GTIN belong to the variant
//! and are told of every article. Title, description and whether it is sold belong to the product, and are told
//! where it has one variant only: several articles of one product would otherwise rename it in turns.

use crossdock_sdk::prelude::*;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::article::{Article, missing};
use crate::admin::answer::{self, Done};
use crate::admin::{Admin, id, operations};
use crate::settings::ProductField;

/// A variant with its product.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Variant {
    pub id: String,
    pub sku: Option<String>,
    pub price: String,
    pub product: Parent,
    barcode: Option<String>,
    inventory_item: Item,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Parent {
    pub id: String,
    title: String,
    description: String,
    status: String,
    has_only_default_variant: bool,
}

#[derive(Debug, Deserialize)]
struct Item {
    measurement: Measurement,
}

#[derive(Debug, Deserialize)]
struct Measurement {
    weight: Option<Weight>,
}

#[derive(Debug, Deserialize)]
struct Weight {
    unit: String,
    value: f64,
}

/// The shop's books.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Books {
    pub currency_code: String,
    pub taxes_included: bool,
}

/// What of an article differs in the shop.
#[derive(Default)]
struct Gap {
    product: Map<String, Value>,
    variant: Map<String, Value>,
}

/// Tells the shop what an article is.
///
/// # Errors
/// The outcome, where something stood in the way.
pub fn deliver(product: &Product, admin: &Admin) -> Result<Outcome, Outcome> {
    let variant = match look(&product.sku, admin)? {
        (_, Some(variant)) => variant,
        (_, None) if admin.settings.create_products && product.group.is_none() => {
            return create(product, admin);
        }
        (_, None) => return Err(missing(&product.sku, admin)),
    };
    let gap = Gap::of(product, &variant, admin)?;
    if gap.product.is_empty() && gap.variant.is_empty() {
        return Ok(Outcome::AlreadyThere(receipt(&variant)));
    }
    write(&variant, gap.product, gap.variant, admin)?;
    Ok(Outcome::Posted(receipt(&variant)))
}

/// Whether the shop says what the article is.
///
/// # Errors
/// The shop could not be asked.
pub fn find(product: &Product, admin: &Admin) -> Result<Found, Found> {
    let seen = read(&product.sku, admin).and_then(|(_, variant)| {
        let gap = Gap::of(product, &variant, admin)?;
        Ok((gap.product.is_empty() && gap.variant.is_empty()).then(|| receipt(&variant)))
    });
    match seen {
        Ok(Some(receipt)) => Ok(Found::Present(receipt)),
        Ok(None) => Ok(Found::Absent),
        Err(outcome) => Ok(super::found(outcome)),
    }
}

/// The variant of a SKU, and the shop's books.
///
/// # Errors
/// `unmapped` when the shop does not have it; or it could not be asked.
pub fn read(sku: &str, admin: &Admin) -> Result<(Books, Variant), Outcome> {
    let (books, variant) = look(sku, admin)?;
    Ok((books, variant.ok_or_else(|| missing(sku, admin))?))
}

/// The shop's books, and the variant of a SKU. None when the shop has none of that SKU.
///
/// # Errors
/// It has several, the one that the table names is not there, or it could not be asked.
fn look(sku: &str, admin: &Admin) -> Result<(Books, Option<Variant>), Outcome> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct BySku {
        shop: Books,
        product_variants: Nodes,
    }
    #[derive(Deserialize)]
    struct Nodes {
        nodes: Vec<Variant>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct ById {
        shop: Books,
        product_variant: Option<Variant>,
    }
    match Article::of(Some(sku))? {
        Article::Variant(variant) => {
            let found: ById = admin.run(&operations::ARTICLE_OF_VARIANT, json!({ "id": variant }))?;
            Ok((found.shop, Some(found.product_variant.ok_or_else(|| super::article::unmapped(sku))?)))
        }
        Article::Sku(own) => {
            let variables = json!({ "query": id::term("sku", &own) });
            let found: BySku = admin.run(&operations::ARTICLE_BY_SKU, variables)?;
            let nodes = found.product_variants.nodes;
            Ok((found.shop, Article::pick(nodes, &own, sku, |variant| variant.sku.as_deref())?))
        }
    }
}

/// Writes fields of a product and of its variant, in one request.
///
/// # Errors
/// The shop's refusal; or it could not be told.
pub fn write(
    variant: &Variant,
    mut product: Map<String, Value>,
    mut fields: Map<String, Value>,
    admin: &Admin,
) -> Result<(), Outcome> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Answer {
        product_update: Option<Done>,
        product_variants_bulk_update: Option<Done>,
    }
    let (products, articles) = (!product.is_empty(), !fields.is_empty());
    product.insert("id".into(), json!(variant.product.id));
    fields.insert("id".into(), json!(variant.id));
    let variables = json!({
        "productId": variant.product.id,
        "products": products, "product": product,
        "articles": articles, "variants": [fields],
    });
    let answer: Answer = admin.run(&operations::UPDATE_ARTICLE, variables)?;
    for (asked, done) in [(products, answer.product_update), (articles, answer.product_variants_bulk_update)]
    {
        if asked {
            answer::said(done, &operations::UPDATE_ARTICLE)?.accepted()?;
        }
    }
    Ok(())
}

impl Gap {
    fn of(product: &Product, variant: &Variant, admin: &Admin) -> Result<Self, Outcome> {
        let keeps = |field| admin.settings.keeps(field);
        let mut gap = Self::default();
        if let Some(gtin) = product.gtin.as_ref().filter(|_| keeps(ProductField::Gtin))
            && variant.barcode.as_deref().map(gtin14) != Some(gtin14(gtin))
        {
            gap.variant.insert("barcode".into(), json!(gtin));
        }
        if let Some(grams) = product.grams.as_deref().filter(|_| keeps(ProductField::Weight)) {
            let there = variant.inventory_item.measurement.weight.as_ref();
            if there.and_then(Weight::grams) != Some(money::decimal(grams)?.normalize()) {
                gap.variant.insert("inventoryItem".into(), json!({ "measurement": weight(grams)? }));
            }
        }
        let parent = &variant.product;
        if !parent.has_only_default_variant {
            return Ok(gap);
        }
        if keeps(ProductField::Title) && parent.title != product.title {
            gap.product.insert("title".into(), json!(product.title));
        }
        if let Some(text) = product.description.as_ref().filter(|_| keeps(ProductField::Description))
            && words(text) != words(&parent.description)
        {
            gap.product.insert("descriptionHtml".into(), json!(html(text)));
        }
        // What a person keeps as a draft, or unlisted, is not published by another system.
        match (product.active, parent.status.as_str()) {
            (true, "ARCHIVED") if keeps(ProductField::Active) => {
                gap.product.insert("status".into(), json!("ACTIVE"));
            }
            (false, status) if status != "ARCHIVED" && keeps(ProductField::Active) => {
                gap.product.insert("status".into(), json!("ARCHIVED"));
            }
            _ => {}
        }
        Ok(gap)
    }
}

/// Makes a product of one article, as a draft: what it looks like is for people.
fn create(product: &Product, admin: &Admin) -> Result<Outcome, Outcome> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Answer {
        product_set: Option<Done>,
    }
    let Article::Sku(sku) = Article::of(Some(&product.sku))? else {
        return Err(super::article::unmapped(&product.sku));
    };
    let mut item = Map::from_iter([("sku".to_owned(), json!(sku)), ("tracked".to_owned(), json!(true))]);
    if let Some(grams) = product.grams.as_deref() {
        item.insert("measurement".into(), weight(grams)?);
    }
    let option = json!({ "optionName": "Title", "name": "Default Title" });
    let mut variant = Map::from_iter([
        ("optionValues".to_owned(), json!([option])),
        ("inventoryItem".to_owned(), Value::Object(item)),
    ]);
    variant.extend(product.gtin.as_ref().map(|gtin| ("barcode".to_owned(), json!(gtin))));
    let mut input = Map::from_iter([
        ("title".to_owned(), json!(product.title)),
        ("status".to_owned(), json!("DRAFT")),
        ("productOptions".to_owned(), json!([{ "name": "Title", "values": [{ "name": "Default Title" }] }])),
        ("variants".to_owned(), json!([variant])),
    ]);
    input.extend(product.description.as_ref().map(|text| ("descriptionHtml".to_owned(), json!(html(text)))));
    let answer: Answer = admin.run(&operations::CREATE_ARTICLE, json!({ "input": input }))?;
    answer::said(answer.product_set, &operations::CREATE_ARTICLE)?.accepted()?;
    Ok(Outcome::Posted(Receipt {
        references: vec![],
        written: vec![],
        note: Some(format!("{sku} is a draft in the shop")),
    }))
}

/// What the shop calls the article. Nothing of it comes back: the shop's products are not read.
pub fn receipt(variant: &Variant) -> Receipt {
    Receipt::of(Reference::new("variant", id::local(&variant.id)))
}

impl Weight {
    /// In grams. None in units that are no whole number of grams.
    fn grams(&self) -> Option<Decimal> {
        // The shortest decimal that is this float: what Shopify wrote.
        let value = money::decimal(&self.value.to_string()).ok()?;
        match self.unit.as_str() {
            "GRAMS" => Some(value.normalize()),
            "KILOGRAMS" => value.checked_mul(Decimal::from(1000)).map(|grams| grams.normalize()),
            _ => None,
        }
    }
}

fn weight(grams: &str) -> Result<Value, Problem> {
    let wrong = || Problem::new("weight-unreadable", "the weight is no number").at("grams");
    let value: f64 = money::decimal(grams)?.to_string().parse().map_err(|_| wrong())?;
    Ok(json!({ "weight": { "unit": "GRAMS", "value": value } }))
}

/// GTINs are the same whatever zeros are before them.
fn gtin14(code: &str) -> String {
    format!("{:0>14}", code.trim())
}

/// A text as it is compared: tags and spaces say nothing.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Plain text as HTML: an empty line ends a paragraph, a line's end breaks it.
fn html(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\r', "");
    let paragraphs = escaped.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty());
    paragraphs.map(|paragraph| format!("<p>{}</p>", paragraph.replace('\n', "<br>"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_stays_text_in_the_shop() {
        assert_eq!(
            html("Tea & <b>more</b>\nfrom Assam\r\n\r\n\n\nDrink it."),
            "<p>Tea &amp; &lt;b&gt;more&lt;/b&gt;<br>from Assam</p><p>Drink it.</p>"
        );
        assert_eq!(html(" \n"), "");
    }

    #[test]
    fn weights_are_compared_in_grams() {
        let grams =
            |unit: &str, value: f64| Weight { unit: unit.into(), value }.grams().map(|g| g.to_string());
        assert_eq!(grams("GRAMS", 250.0).as_deref(), Some("250"));
        assert_eq!(grams("KILOGRAMS", 0.25).as_deref(), Some("250"));
        assert_eq!(grams("POUNDS", 1.0), None);
        assert_eq!(weight("0.50").unwrap(), json!({ "weight": { "unit": "GRAMS", "value": 0.5 } }));
    }
}
