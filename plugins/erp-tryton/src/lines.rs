//! The lines that the sale of an order must have, derived from the order and the configuration without a request.
//!
//! Tryton's prices are without tax and after discounts: it adds the taxes itself, by its own rates. `booking` settles
//! the differences that result.

use crossdock_sdk::prelude::*;

use crate::erp::Erp;
use crate::tables;

/// A line that a sale must have.
#[derive(Debug, Clone, PartialEq)]
pub struct RequiredLine {
    /// The line's id in the shop. Absent for amounts that are not lines in the shop.
    pub source: Option<String>,
    pub article: Article,
    pub quantity: Decimal,
    /// Without tax, after discounts, rounded to the digits that Tryton stores of a price.
    pub unit_price: Decimal,
    pub taxes: Vec<i64>,
    /// The path in the order, for problems.
    pub field: String,
}

/// What a line sells.
#[derive(Debug, Clone, PartialEq)]
pub enum Article {
    /// The product with this code, in this unit or in the product's sale unit. `is_sku`: the code is a SKU of the
    /// shop that the table `sku` does not map.
    Code { code: String, unit: Option<i64>, is_sku: bool },
    /// A product and a unit by Tryton's ids.
    Known { product: i64, unit: i64 },
    /// A text without a product.
    Text(String),
}

impl Article {
    /// A service product of the settings, in its sale unit.
    #[must_use]
    pub fn service(code: &str) -> Self {
        Self::Code { code: code.into(), unit: None, is_sku: false }
    }

    /// The product code.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Code { code, .. } => Some(code),
            Self::Known { .. } | Self::Text(_) => None,
        }
    }
}

/// The lines of an order. Values that are unmapped are recorded in the tables.
///
/// # Errors
/// `no-sku`; `no-service-product`; or a value that cannot be read.
pub fn of_order(order: &Order, erp: &Erp) -> Result<Vec<RequiredLine>, Problem> {
    let settings = &erp.settings;
    let included = order.prices_include_tax;
    let digits = settings.price_digits;
    let mut required = Vec::new();
    for (at, line) in order.lines.iter().enumerate() {
        let field = format!("lines[{at}]");
        let quantity = money::decimal(&line.quantity)?;
        let gross = money::decimal(&line.unit_price.shop.amount)?.saturating_mul(quantity);
        let net = net(gross, line.discounts.iter().map(|discount| &discount.amount), &line.taxes, included)?;
        required.push(RequiredLine {
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
        let net = net(gross, line.discounts.iter().map(|discount| &discount.amount), &line.taxes, included)?;
        let taxes = taxes(&line.taxes, erp)?;
        let article = Article::service(&settings.services.shipping);
        required.push(RequiredLine {
            source: Some(line.id.clone()),
            article,
            quantity: Decimal::ONE,
            unit_price: net.round_dp(digits),
            taxes,
            field,
        });
    }
    let mut add_charge = |amount: Decimal, service: Option<&String>, name: &str, field: &str| {
        if amount.is_zero() {
            return Ok(());
        }
        required.push(service_line(service.ok_or_else(|| no_service_product(name, field))?, amount, field));
        Ok::<(), Problem>(())
    };
    // Sources report tips as lines, as a total, or both. The part of the total that no line has becomes a line.
    let mut tip_lines = Decimal::ZERO;
    for line in order.lines.iter().filter(|line| line.kind == LineKind::Tip) {
        tip_lines +=
            money::decimal(&line.unit_price.shop.amount)?.saturating_mul(money::decimal(&line.quantity)?);
    }
    let tips = (money::shop_total(order.totals.tips.iter())? - tip_lines).max(Decimal::ZERO);
    add_charge(tips, settings.services.tip.as_ref(), "tips", "totals.tips")?;
    let duties = money::shop_total(order.added_duties())?;
    add_charge(duties, settings.services.duty.as_ref(), "duties", "totals.duties")?;
    let rounding = money::shop_total(order.totals.cash_rounding.iter())?;
    add_charge(rounding, Some(&settings.services.adjustment), "rounding", "totals.cashRounding")?;
    Ok(required)
}

/// A line of a service product without taxes.
#[must_use]
pub fn service_line(product_code: &str, amount: Decimal, field: &str) -> RequiredLine {
    RequiredLine {
        source: None,
        article: Article::service(product_code),
        quantity: Decimal::ONE,
        unit_price: amount,
        taxes: vec![],
        field: field.into(),
    }
}

/// The problem of a charge that the settings name no service product for.
#[must_use]
pub fn no_service_product(name: &str, field: &str) -> Problem {
    Problem::new("no-service-product", format!("the settings name no product of Tryton for {name}")).at(field)
}

fn article(line: &Line, erp: &Erp, field: &str) -> Result<Article, Problem> {
    let services = &erp.settings.services;
    match line.kind {
        LineKind::Custom => Ok(Article::Text(line.title.clone())),
        LineKind::Tip => {
            services.tip.as_deref().map(Article::service).ok_or_else(|| no_service_product("tips", field))
        }
        LineKind::GiftCard => services
            .gift_card
            .as_deref()
            .map(Article::service)
            .ok_or_else(|| no_service_product("gift cards", field)),
        LineKind::Item => {
            let sku = line.sku.as_ref().filter(|sku| !sku.is_empty()).ok_or_else(|| {
                let title = &line.title;
                Problem::new("no-sku", format!("\"{title}\" has no SKU")).at(format!("{field}.sku"))
            })?;
            let unit = match line.unit.as_deref() {
                None | Some("C62") => None,
                Some(unit) => erp.tables.unit(unit, &erp.settings)?,
            };
            let (code, mapped) = tables::product_code(sku);
            Ok(Article::Code { code, unit, is_sku: !mapped })
        }
    }
}

fn net<'a>(
    gross: Decimal,
    discounts: impl Iterator<Item = &'a Price>,
    taxes: &[TaxLine],
    included: bool,
) -> Result<Decimal, Problem> {
    let net = gross - money::shop_total(discounts)?;
    Ok(if included { net - money::shop_total(taxes.iter().map(|tax| &tax.amount))? } else { net })
}

fn taxes(taxes: &[TaxLine], erp: &Erp) -> Result<Vec<i64>, Problem> {
    let mut ids = Vec::new();
    for tax in taxes {
        // A tax of zero needs no counterpart: shops report "0.00" for tax-exempt customers.
        if !money::decimal(&tax.amount.shop.amount)?.is_zero() {
            ids.extend(erp.tables.tax(tax, &erp.settings)?);
        }
    }
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}
