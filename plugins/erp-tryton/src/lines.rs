//! What an order's lines are in Tryton, decided from the order and the operator's words alone; and the same after
//! the articles have been looked up.
//!
//! Tryton's prices are without tax and after discounts: it adds the taxes itself, by its own rates. What it
//! then calculates differently is a matter for `sale`.

use crossdock_sdk::prelude::*;
use serde_json::{Map, Value, json};

use crate::Erp;
use crate::tables;
use crate::value;

/// A line as the order means it.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    /// The line's id in the shop. Absent for what the order has without a line.
    pub source: Option<String>,
    pub article: Article,
    pub quantity: Decimal,
    /// Without tax, after discounts, rounded to the digits Tryton keeps of a price.
    pub unit_price: Decimal,
    pub taxes: Vec<i64>,
    /// Where in the order it is, for whoever has to look.
    pub field: String,
}

/// What a line is about.
#[derive(Debug, Clone, PartialEq)]
pub enum Article {
    /// The product with this code, counted in this unit, or in the product's own. It may be the shop's own word
    /// for the article, which the table `sku` would give another.
    Code { code: String, unit: Option<i64>, own: bool },
    /// A product that is already known by Tryton's ids.
    Known { product: i64, unit: i64 },
    /// No product: only a text.
    Text(String),
}

/// A line as Tryton has it, or is to have it.
#[derive(Debug, Clone, PartialEq)]
pub struct SaleLine {
    pub product: Option<i64>,
    pub unit: Option<i64>,
    pub quantity: Decimal,
    pub unit_price: Decimal,
    /// Ascending.
    pub taxes: Vec<i64>,
    /// What a line without a product is about. A product speaks for itself, and what a user writes beside it
    /// is no difference.
    pub description: Option<String>,
}

/// The fields of a sale that [`SaleLine::read`] needs.
pub const FIELDS: [&str; 6] =
    ["lines.product", "lines.unit", "lines.quantity", "lines.unit_price", "lines.taxes", "lines.description"];

/// The lines of an order. What the tables lack of them is noted there.
///
/// # Errors
/// What the order has and the settings say nothing about.
pub fn of_order(order: &Order, erp: &Erp) -> Result<Vec<Wanted>, Problem> {
    let settings = &erp.settings;
    let included = order.prices_include_tax;
    let digits = settings.price_digits;
    let mut wanted = Vec::new();
    for (at, line) in order.lines.iter().enumerate() {
        let field = format!("lines[{at}]");
        let quantity = money::decimal(&line.quantity)?;
        let gross = money::decimal(&line.unit_price.shop.amount)?.saturating_mul(quantity);
        let net = net(gross, line.discounts.iter().map(|share| &share.amount), &line.taxes, included)?;
        wanted.push(Wanted {
            source: Some(line.id.clone()),
            article: article(line, erp, &field)?,
            quantity,
            unit_price: net.checked_div(quantity).unwrap_or_default().round_dp(digits),
            taxes: taxes(&line.taxes, erp)?,
            field,
        });
    }
    for (at, line) in order.shipping.iter().enumerate() {
        let field = format!("shipping[{at}]");
        let gross = money::decimal(&line.price.shop.amount)?;
        let net = net(gross, line.discounts.iter().map(|share| &share.amount), &line.taxes, included)?;
        let taxes = taxes(&line.taxes, erp)?;
        let article = code(&settings.services.shipping);
        wanted.push(Wanted {
            source: Some(line.id.clone()),
            article,
            quantity: Decimal::ONE,
            unit_price: net.round_dp(digits),
            taxes,
            field,
        });
    }
    let mut extra = |amount: Decimal, service: Option<&String>, name: &str, field: &str| {
        if amount.is_zero() {
            return Ok(());
        }
        let article = code(service.ok_or_else(|| no_service(name, field))?);
        wanted.push(Wanted {
            source: None,
            article,
            quantity: Decimal::ONE,
            unit_price: amount,
            taxes: vec![],
            field: field.into(),
        });
        Ok::<(), Problem>(())
    };
    // A source prints tips as lines, as a sum, or both: what the lines do not hold is a line of its own.
    let mut tips = Decimal::ZERO;
    for line in order.lines.iter().filter(|line| line.kind == LineKind::Tip) {
        tips += money::decimal(&line.unit_price.shop.amount)?.saturating_mul(money::decimal(&line.quantity)?);
    }
    let missing = (money::booked(order.totals.tips.iter())? - tips).max(Decimal::ZERO);
    extra(missing, settings.services.tip.as_ref(), "tips", "totals.tips")?;
    let duties = money::booked(order.added_duties())?;
    extra(duties, settings.services.duty.as_ref(), "duties", "totals.duties")?;
    let rounding = money::booked(order.totals.cash_rounding.iter())?;
    extra(rounding, Some(&settings.services.adjustment), "rounding", "totals.cashRounding")?;
    Ok(wanted)
}

/// The product with this code, in its own unit.
#[must_use]
pub fn code(code: &str) -> Article {
    Article::Code { code: code.into(), unit: None, own: false }
}

/// What is said when the settings name no product for something.
#[must_use]
pub fn no_service(name: &str, field: &str) -> Problem {
    Problem::new("no-service-product", format!("the settings name no product of Tryton for {name}")).at(field)
}

fn article(line: &Line, erp: &Erp, field: &str) -> Result<Article, Problem> {
    let services = &erp.settings.services;
    match line.kind {
        LineKind::Custom => Ok(Article::Text(line.title.clone())),
        LineKind::Tip => services.tip.as_deref().map(code).ok_or_else(|| no_service("tips", field)),
        LineKind::GiftCard => {
            services.gift_card.as_deref().map(code).ok_or_else(|| no_service("gift cards", field))
        }
        LineKind::Item => {
            let sku = line.sku.as_ref().filter(|sku| !sku.is_empty()).ok_or_else(|| {
                let title = &line.title;
                Problem::new("no-sku", format!("\"{title}\" has no SKU")).at(format!("{field}.sku"))
            })?;
            let unit = match line.unit.as_deref() {
                None | Some("C62") => None,
                Some(unit) => erp.tables.unit(unit, &erp.settings)?,
            };
            let (code, mapped) = tables::article(sku);
            Ok(Article::Code { code, unit, own: !mapped })
        }
    }
}

fn net<'a>(
    gross: Decimal,
    discounts: impl Iterator<Item = &'a Price>,
    taxes: &[TaxLine],
    included: bool,
) -> Result<Decimal, Problem> {
    let net = gross - money::booked(discounts)?;
    Ok(if included { net - money::booked(taxes.iter().map(|tax| &tax.amount))? } else { net })
}

fn taxes(taxes: &[TaxLine], erp: &Erp) -> Result<Vec<i64>, Problem> {
    let mut ids = Vec::new();
    for tax in taxes {
        // A tax of nothing needs no counterpart: shops print "0.00" for the exempt.
        if !money::decimal(&tax.amount.shop.amount)?.is_zero() {
            ids.extend(erp.tables.tax(tax, &erp.settings)?);
        }
    }
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

/// Looks the articles up, all in one question. A line whose article the table `sku` has to name is left out, and
/// noted there.
///
/// # Errors
/// `unknown-sku`, `ambiguous-sku`, `not-for-sale`; or the question was not answered.
pub fn resolve(wanted: &[Wanted], erp: &Erp) -> Result<Vec<SaleLine>, http::Error> {
    let mut codes: Vec<&str> = wanted.iter().filter_map(|line| line.article.code()).collect();
    codes.sort_unstable();
    codes.dedup();
    let products = if codes.is_empty() { Vec::new() } else { products(&codes, erp)? };
    let one = |line: &Wanted| {
        let (product, unit, description) = match &line.article {
            Article::Text(text) => (None, None, Some(text.clone())),
            Article::Known { product, unit } => (Some(*product), Some(*unit), None),
            Article::Code { code, unit, own } => {
                let found = find(code, *own, &products, &line.field, erp).map_err(http::Error::Rejected)?;
                let Some(product) = found else { return Ok(None) };
                if product.get("salable") == Some(&Value::Bool(false)) {
                    let why = format!("Tryton's product \"{code}\" is not for sale");
                    return Err(http::Error::Rejected(refused("not-for-sale", why, &line.field)));
                }
                let sold = |name| product.get(name).and_then(Value::as_i64);
                let own = sold("sale_uom").or_else(|| sold("default_uom"));
                (Some(value::id(product)), unit.or(own), None)
            }
        };
        Ok(Some(SaleLine {
            product,
            unit,
            quantity: line.quantity,
            unit_price: line.unit_price,
            taxes: line.taxes.clone(),
            description,
        }))
    };
    wanted.iter().filter_map(|line| one(line).transpose()).collect()
}

/// The products with these codes.
///
/// # Errors
/// The question was not answered.
pub fn products(codes: &[&str], erp: &Erp) -> Result<Vec<Value>, http::Error> {
    let fields = ["code", "sale_uom", "default_uom", "salable"];
    erp.rest.search("product.product", &json!([["code", "in", codes]]), &fields)
}

/// The product with a code. `None` when the code is the shop's own word, which the table `sku` does not have: that
/// is noted there.
///
/// # Errors
/// `unknown-sku`, `ambiguous-sku`.
pub fn find<'a>(
    code: &str,
    own: bool,
    products: &'a [Value],
    field: &str,
    erp: &Erp,
) -> Result<Option<&'a Value>, Problem> {
    let mut matching = products.iter().filter(|product| value::text(product, "code") == Some(code));
    match (matching.next(), matching.next()) {
        (None, _) if own => {
            erp.tables.miss_sku(code);
            Ok(None)
        }
        (None, _) => {
            let why = format!("Tryton has no product with the code \"{code}\"");
            Err(refused("unknown-sku", why, field))
        }
        (Some(_), Some(_)) => {
            let why = format!("Tryton has several products with the code \"{code}\"");
            Err(refused("ambiguous-sku", why, field))
        }
        (found, None) => Ok(found),
    }
}

fn refused(code: &str, why: String, field: &str) -> Problem {
    Problem::new(code, why).at(format!("{field}.sku"))
}

impl Article {
    fn code(&self) -> Option<&str> {
        match self {
            Self::Code { code, .. } => Some(code),
            Self::Known { .. } | Self::Text(_) => None,
        }
    }
}

impl SaleLine {
    /// As Tryton wants it.
    #[must_use]
    pub fn write(&self) -> Value {
        let field = |name: &str, id: Option<i64>| id.map(|id| (name.to_owned(), json!(id)));
        let mut line =
            Map::from_iter(field("product", self.product).into_iter().chain(field("unit", self.unit)));
        line.extend(self.description.as_ref().map(|text| ("description".to_owned(), json!(text))));
        line.insert("type".into(), json!("line"));
        line.insert("quantity".into(), value::quantity(self.quantity));
        line.insert("unit_price".into(), value::number(self.unit_price));
        line.insert("taxes".into(), json!([["add", self.taxes]]));
        Value::Object(line)
    }

    /// Reads one. Absent for titles, subtotals and comments, which have no quantity.
    #[must_use]
    pub fn read(line: &Value) -> Option<Self> {
        let id = |name| line.get(name).and_then(|field| field.as_i64().or_else(|| field.get("id")?.as_i64()));
        let mut taxes = value::ids(line.get("taxes")?);
        taxes.sort_unstable();
        let product = id("product");
        Some(Self {
            product,
            unit: id("unit"),
            quantity: value::read_number(line.get("quantity")?)?,
            unit_price: value::read_number(line.get("unit_price")?)?,
            taxes,
            description: value::text(line, "description").filter(|_| product.is_none()).map(Into::into),
        })
    }
}
