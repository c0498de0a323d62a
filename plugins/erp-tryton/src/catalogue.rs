//! Articles and their base prices. In Tryton a product is a variant of a template, which has the name and the price,
//! so a change of either reports the article again.

use crossdock_sdk::http::Error;
use crossdock_sdk::prelude::*;
use serde_json::{Value, json};

use crate::erp::Erp;
use crate::identity::{self, LAST_MODIFIED};
use crate::timestamp::Timestamp;
use crate::value;

/// The fields of an article.
pub const ARTICLE_FIELDS: [&str; 10] = [
    LAST_MODIFIED,
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

/// The context of a request for articles: Tryton stores prices by company.
#[must_use]
pub fn context(erp: &Erp) -> Value {
    json!({ "company": erp.settings.company })
}

/// The domain of the articles that are sold, inactive ones included.
#[must_use]
pub fn article_domain() -> Value {
    json!([["code", "!=", null], ["template.salable", "=", true], ["active", "in", [true, false]]])
}

/// The domain of the templates of articles that are sold.
#[must_use]
pub fn template_domain() -> Value {
    json!([["salable", "=", true], ["active", "in", [true, false]]])
}

/// The articles of templates.
///
/// # Errors
/// The request failed.
pub fn of_templates(templates: &[Value], erp: &Erp) -> Result<Vec<Value>, Error> {
    let ids: Vec<i64> = templates.iter().map(value::id).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let domain = json!([["template", "in", ids], ["code", "!=", null], ["active", "in", [true, false]]]);
    erp.rest.search_in_context(&context(erp), "product.product", &domain, &ARTICLE_FIELDS)
}

/// The events of an article and of its price.
#[must_use]
pub fn events(record: &Value, erp: &Erp) -> Vec<(Timestamp, Event)> {
    let Some((article_changed, _)) = identity::last_change(record) else { return Vec::new() };
    let Some(sku) = value::text(record, "code").filter(|code| !code.is_empty()) else { return Vec::new() };
    let template = record.get("template");
    let template_changed = template.and_then(|template| Timestamp::from_json(template.get(LAST_MODIFIED)?));
    let at = template_changed.map_or(article_changed, |changed| changed.max(article_changed));
    let event = |kind, fact| {
        let entity = identity::entity(kind, sku.to_owned(), erp);
        (at, identity::event(at, entity, None, fact))
    };
    let product = product(record, sku, template, at);
    let mut events = vec![event(EntityKind::Product, Fact::ProductUpdated(product))];
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
        events.push(event(EntityKind::ListPrice, Fact::PriceUpdated(price)));
    }
    events
}

fn product(record: &Value, sku: &str, template: Option<&Value>, at: Timestamp) -> Product {
    let non_empty = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
    let active = |record: Option<&Value>| {
        // Tryton on SQLite returns 0 for false.
        let active = record.and_then(|record| record.get("active"));
        active != Some(&json!(false)) && active != Some(&json!(0))
    };
    let of_template = |field| non_empty(template.and_then(|template| value::text(template, field)));
    let variants = template.and_then(|template| template.get("products")).map(value::ids).unwrap_or_default();
    Product {
        sku: sku.to_owned(),
        gtin: None,
        title: of_template("name").unwrap_or_else(|| sku.to_owned()),
        description: non_empty(value::text(record, "description")),
        group: template.filter(|_| variants.len() > 1).map(|template| value::id(template).to_string()),
        options: Vec::new(),
        unit: None,
        tax_class: template
            .and_then(|template| template.get("account_category"))
            .and_then(|category| non_empty(value::text(category, "name"))),
        grams: None,
        active: active(Some(record)) && active(template),
        at: at.to_string(),
        extensions: None,
    }
}
