//! Articles and their base prices. In Tryton a product is a variant of a template; what an article is called
//! and costs stands in the template, so a change of either tells the article anew.

use crossdock_sdk::http::Error;
use crossdock_sdk::prelude::*;
use serde_json::{Value, json};

use crate::Erp;
use crate::events::{CHANGED, own, place};
use crate::value::{self, Moment};

/// What is asked of an article.
pub const ARTICLE: [&str; 10] = [
    CHANGED,
    "code",
    "active",
    "description",
    "list_price_used",
    "template.name",
    "template.active",
    "template.last_modified_at",
    "template.products",
    "template.account_category.name",
];

/// Prices are kept for each company.
#[must_use]
pub fn context(erp: &Erp) -> Value {
    json!({ "company": erp.settings.company })
}

/// What is sold, whether it still is or not.
#[must_use]
pub fn articles() -> Value {
    json!([["code", "!=", null], ["template.salable", "=", true], ["active", "in", [true, false]]])
}

/// The templates of what is sold.
#[must_use]
pub fn templates() -> Value {
    json!([["salable", "=", true], ["active", "in", [true, false]]])
}

/// The articles of templates that have changed.
///
/// # Errors
/// Tryton could not be asked.
pub fn of_templates(templates: &[Value], erp: &Erp) -> Result<Vec<Value>, Error> {
    let ids: Vec<i64> = templates.iter().map(value::id).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let domain = json!([["template", "in", ids], ["code", "!=", null], ["active", "in", [true, false]]]);
    erp.rest.search_in(&context(erp), "product.product", &domain, &ARTICLE)
}

/// An article and its price as events.
#[must_use]
pub fn tell(record: &Value, erp: &Erp) -> Vec<(Moment, Event)> {
    let Some((own_change, _)) = place(record) else { return Vec::new() };
    let Some(sku) = value::text(record, "code").filter(|code| !code.is_empty()) else { return Vec::new() };
    let template = record.get("template");
    let changed = template.and_then(|template| Moment::read(template.get(CHANGED)?));
    let at = changed.map_or(own_change, |changed| changed.max(own_change));
    let event = |entity, fact| {
        let event = Event {
            entity,
            parent: None,
            version: Some(Version::at(at.to_string())),
            occurred_at: at.to_string(),
            fact,
        };
        (at, event)
    };
    let mut told = vec![event(
        own(EntityKind::Product, sku.to_owned(), erp),
        Fact::ProductUpdated(product(record, sku, template, at)),
    )];
    if let (Some(price), Some(currency)) =
        (record.get("list_price_used").and_then(value::read_number), &erp.settings.price_currency)
    {
        let price = ListPrice {
            sku: sku.to_owned(),
            amount: Money { amount: price.normalize().to_string(), currency: currency.clone() },
            includes_tax: false,
            price_list: None,
            minimum: None,
            from: None,
            until: None,
            at: at.to_string(),
        };
        told.push(event(own(EntityKind::ListPrice, sku.to_owned(), erp), Fact::PriceUpdated(price)));
    }
    told
}

fn product(record: &Value, sku: &str, template: Option<&Value>, at: Moment) -> Product {
    let filled = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
    let active = |record: Option<&Value>| {
        // Tryton on SQLite answers 0 for false.
        let active = record.and_then(|record| record.get("active"));
        active != Some(&json!(false)) && active != Some(&json!(0))
    };
    let of_template = |field| filled(template.and_then(|template| value::text(template, field)));
    let variants = template.and_then(|template| template.get("products")).map(value::ids).unwrap_or_default();
    Product {
        sku: sku.to_owned(),
        gtin: None,
        title: of_template("name").unwrap_or_else(|| sku.to_owned()),
        description: filled(value::text(record, "description")),
        group: template.filter(|_| variants.len() > 1).map(|template| value::id(template).to_string()),
        options: Vec::new(),
        unit: None,
        tax_class: template
            .and_then(|template| template.get("account_category"))
            .and_then(|category| filled(value::text(category, "name"))),
        grams: None,
        active: active(Some(record)) && active(template),
        at: at.to_string(),
        extensions: None,
    }
}
