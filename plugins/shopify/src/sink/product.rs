//! Writes articles.
//!
//! Shopify has products with variants; other systems have articles. Weight and GTIN belong to the variant and are
//! written for every article. Title, description and status belong to the product and are written only where it has one
//! variant: several articles of one product would otherwise overwrite each other's values.

use crossdock_sdk::prelude::*;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::article::{self, Article};
use super::lookup;
use crate::admin::response::{MutationPayload, require_payload};
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

/// The shop's currency, and whether its prices include tax.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PriceTerms {
    pub currency_code: String,
    pub taxes_included: bool,
}

/// The fields of an article that differ in the shop.
#[derive(Default)]
struct Changes {
    product: Map<String, Value>,
    variant: Map<String, Value>,
}

/// Delivers an article.
///
/// # Errors
/// The outcome, where it could not be delivered.
pub fn deliver(product: &Product, admin: &Admin) -> Result<Outcome, Outcome> {
    let variant = match find_variant(&product.sku, admin)? {
        (_, Some(variant)) => variant,
        (_, None) if admin.settings.create_products && product.group.is_none() => {
            return create(product, admin);
        }
        (_, None) => return Err(article::not_found(&product.sku, admin)),
    };
    let changes = Changes::of(product, &variant, admin)?;
    if changes.is_empty() {
        return Ok(Outcome::AlreadyThere(receipt(&variant)));
    }
    write(&variant, changes.product, changes.variant, admin)?;
    Ok(Outcome::Posted(receipt(&variant)))
}

/// Looks up whether the article was written.
pub fn find(product: &Product, admin: &Admin) -> Found {
    lookup::from_receipt(require_variant(&product.sku, admin).and_then(|(_, variant)| {
        let changes = Changes::of(product, &variant, admin)?;
        Ok(changes.is_empty().then(|| receipt(&variant)))
    }))
}

/// The variant of a SKU, with the shop's price terms.
///
/// # Errors
/// `unmapped` when the shop does not have it, or a request failed.
pub fn require_variant(sku: &str, admin: &Admin) -> Result<(PriceTerms, Variant), Outcome> {
    let (terms, variant) = find_variant(sku, admin)?;
    Ok((terms, variant.ok_or_else(|| article::not_found(sku, admin))?))
}

/// As [`require_variant`]; the variant is absent when the shop has none with that SKU.
///
/// # Errors
/// The shop has several, does not have the variant that the table names, or a request failed.
fn find_variant(sku: &str, admin: &Admin) -> Result<(PriceTerms, Option<Variant>), Outcome> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct BySku {
        shop: PriceTerms,
        product_variants: Nodes,
    }
    #[derive(Deserialize)]
    struct Nodes {
        nodes: Vec<Variant>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct ById {
        shop: PriceTerms,
        product_variant: Option<Variant>,
    }
    match Article::of(Some(sku))? {
        Article::Variant(variant) => {
            let data: ById = admin.run(&operations::ARTICLE_OF_VARIANT, json!({ "id": variant }))?;
            Ok((data.shop, Some(data.product_variant.ok_or_else(|| article::unmapped(sku))?)))
        }
        Article::Sku(shop_sku) => {
            let variables = json!({ "query": id::search_term("sku", &shop_sku) });
            let data: BySku = admin.run(&operations::ARTICLE_BY_SKU, variables)?;
            let nodes = data.product_variants.nodes;
            Ok((data.shop, Article::find(nodes, &shop_sku, sku, |variant| variant.sku.as_deref())?))
        }
    }
}

/// Writes fields of a product and of its variant, in one request.
///
/// # Errors
/// The shop refused, or the request failed.
pub fn write(
    variant: &Variant,
    mut product: Map<String, Value>,
    mut fields: Map<String, Value>,
    admin: &Admin,
) -> Result<(), Outcome> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Data {
        product_update: Option<MutationPayload>,
        product_variants_bulk_update: Option<MutationPayload>,
    }
    let (writes_product, writes_variant) = (!product.is_empty(), !fields.is_empty());
    product.insert("id".into(), json!(variant.product.id));
    fields.insert("id".into(), json!(variant.id));
    let variables = json!({
        "productId": variant.product.id,
        "products": writes_product, "product": product,
        "articles": writes_variant, "variants": [fields],
    });
    let data: Data = admin.run(&operations::UPDATE_ARTICLE, variables)?;
    for (requested, payload) in
        [(writes_product, data.product_update), (writes_variant, data.product_variants_bulk_update)]
    {
        if requested {
            require_payload(payload, &operations::UPDATE_ARTICLE)?.check()?;
        }
    }
    Ok(())
}

impl Changes {
    fn of(product: &Product, variant: &Variant, admin: &Admin) -> Result<Self, Outcome> {
        let writes = |field| admin.settings.writes(field);
        let mut changes = Self::default();
        if let Some(gtin) = product.gtin.as_ref().filter(|_| writes(ProductField::Gtin))
            && variant.barcode.as_deref().map(gtin14) != Some(gtin14(gtin))
        {
            changes.variant.insert("barcode".into(), json!(gtin));
        }
        if let Some(grams) = product.grams.as_deref().filter(|_| writes(ProductField::Weight)) {
            let current = variant.inventory_item.measurement.weight.as_ref();
            if current.and_then(Weight::grams) != Some(money::decimal(grams)?.normalize()) {
                changes.variant.insert("inventoryItem".into(), json!({ "measurement": weight(grams)? }));
            }
        }
        let parent = &variant.product;
        if !parent.has_only_default_variant {
            return Ok(changes);
        }
        if writes(ProductField::Title) && parent.title != product.title {
            changes.product.insert("title".into(), json!(product.title));
        }
        if let Some(text) = product.description.as_ref().filter(|_| writes(ProductField::Description))
            && collapse_whitespace(text) != collapse_whitespace(&parent.description)
        {
            changes.product.insert("descriptionHtml".into(), json!(html(text)));
        }
        // A product that the staff has set to draft or unlisted is not published.
        match (product.active, parent.status.as_str()) {
            (true, "ARCHIVED") if writes(ProductField::Active) => {
                changes.product.insert("status".into(), json!("ACTIVE"));
            }
            (false, status) if status != "ARCHIVED" && writes(ProductField::Active) => {
                changes.product.insert("status".into(), json!("ARCHIVED"));
            }
            _ => {}
        }
        Ok(changes)
    }

    fn is_empty(&self) -> bool {
        self.product.is_empty() && self.variant.is_empty()
    }
}

/// Creates a product with one variant, as a draft: the staff completes and publishes it.
fn create(product: &Product, admin: &Admin) -> Result<Outcome, Outcome> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Data {
        product_set: Option<MutationPayload>,
    }
    let Article::Sku(sku) = Article::of(Some(&product.sku))? else {
        return Err(article::unmapped(&product.sku));
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
    let data: Data = admin.run(&operations::CREATE_ARTICLE, json!({ "input": input }))?;
    require_payload(data.product_set, &operations::CREATE_ARTICLE)?.check()?;
    Ok(Outcome::Posted(Receipt {
        references: vec![],
        written: vec![],
        note: Some(format!("{sku} is a draft in the shop")),
    }))
}

/// The receipt of an article. It lists no written attributes: the shop's products are not read back.
pub fn receipt(variant: &Variant) -> Receipt {
    Receipt::of(Reference::new("variant", id::local(&variant.id)))
}

impl Weight {
    /// The weight in grams. None for units that are not a whole number of grams.
    fn grams(&self) -> Option<Decimal> {
        // The shortest decimal that equals the float: as Shopify wrote it.
        let value = money::decimal(&self.value.to_string()).ok()?;
        match self.unit.as_str() {
            "GRAMS" => Some(value.normalize()),
            "KILOGRAMS" => value.checked_mul(Decimal::from(1000)).map(|grams| grams.normalize()),
            _ => None,
        }
    }
}

fn weight(grams: &str) -> Result<Value, Problem> {
    let invalid = || Problem::new("weight-unreadable", "the weight is not a number").at("grams");
    let value: f64 = money::decimal(grams)?.to_string().parse().map_err(|_| invalid())?;
    Ok(json!({ "weight": { "unit": "GRAMS", "value": value } }))
}

/// A GTIN with 14 digits: leading zeros do not distinguish GTINs.
fn gtin14(code: &str) -> String {
    format!("{:0>14}", code.trim())
}

/// A text in the form in which it is compared.
fn collapse_whitespace(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Plain text as HTML: an empty line separates paragraphs, a line break becomes `<br>`.
fn html(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\r', "");
    let paragraphs = escaped.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty());
    paragraphs.map(|paragraph| format!("<p>{}</p>", paragraph.replace('\n', "<br>"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_is_escaped_as_html() {
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
