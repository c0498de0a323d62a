//! The lines of an order, and their totals.
//!
//! The meaning of Square's gross sales differs by country, but a line's total always includes taxes and discounts. So
//! the price of a line is derived from its total, less the added taxes.

use crossdock_sdk::prelude::*;

use crate::amount::{self, price, unit_price};
use crate::api::OrderContext;
use crate::payload::{self, AppliedTax, LineItem, Money, Order};

/// The lines, and their totals.
pub(crate) struct OrderLines {
    pub lines: Vec<Line>,
    /// The modifiers and notes of the lines.
    pub attributes: Vec<LineAttributes>,
    /// True when prices include the tax.
    pub prices_include_tax: bool,
    /// Σ unit price × quantity, before discounts.
    pub subtotal: Decimal,
    pub discounts: Decimal,
    pub tax: Decimal,
}

/// Reads the lines.
///
/// # Errors
/// The problem of the first invalid line, with its field.
pub(crate) fn read(order: &Order, context: &OrderContext, currency: &str) -> Result<OrderLines, Problem> {
    let kinds: Vec<_> = order.taxes.iter().map(|tax| tax.kind.as_deref()).collect();
    // Where only some prices include their tax, all are converted to prices without tax.
    let prices_include_tax = !kinds.is_empty() && kinds.iter().all(|kind| *kind == Some("INCLUSIVE"));
    let mut lines = OrderLines {
        lines: Vec::new(),
        attributes: Vec::new(),
        prices_include_tax,
        subtotal: Decimal::ZERO,
        discounts: Decimal::ZERO,
        tax: Decimal::ZERO,
    };
    for (at, item) in order.line_items.iter().enumerate() {
        lines
            .add_item(item, order, context, currency, at)
            .map_err(|problem| in_list(problem, "line_items", at))?;
    }
    for (at, charge) in order.service_charges.iter().enumerate() {
        // An apportioned charge is already part of the lines' totals.
        if charge.treatment_type.as_deref() != Some("APPORTIONED_TREATMENT") {
            lines
                .add_charge(charge, order, currency, at)
                .map_err(|problem| in_list(problem, "service_charges", at))?;
        }
    }
    Ok(lines)
}

/// The problem with the path of its field prefixed by the list element.
fn in_list(problem: Problem, list: &str, at: usize) -> Problem {
    let field = problem
        .field
        .clone()
        .map_or_else(|| format!("{list}[{at}]"), |field| format!("{list}[{at}].{field}"));
    problem.at(field)
}

impl OrderLines {
    fn add_item(
        &mut self,
        item: &LineItem,
        order: &Order,
        context: &OrderContext,
        currency: &str,
        at: usize,
    ) -> Result<(), Problem> {
        let money = |money: &Option<Money>, field| amount::decimal(money.as_ref(), currency, field);
        let quantity = quantity(&item.quantity)?;
        let (total, tax) =
            (money(&item.total_money, "total_money")?, money(&item.total_tax_money, "total_tax_money")?);
        let discount = money(&item.total_discount_money, "total_discount_money")?;
        let subtotal = total + discount - if self.prices_include_tax { Decimal::ZERO } else { tax };
        let (unit_price, excess) =
            unit_price(subtotal, quantity, money(&item.base_price_money, "base_price_money")?);
        let mut discounts = discounts(item, order, currency, discount)?;
        if !excess.is_zero() {
            discounts
                .push(DiscountAllocation { title: Some("rounding".into()), amount: price(excess, currency) });
        }
        let id = item.catalog_object_id.as_ref();
        let article = id.and_then(|id| context.articles.get(id)).cloned().unwrap_or_default();
        let modifier =
            |named: &payload::Named| Some(Attribute { name: "modifier".into(), value: named.name.clone()? });
        let note = item.note.clone().map(|value| Attribute { name: "note".into(), value });
        self.subtotal += subtotal + excess;
        self.discounts += discount + excess;
        self.tax += tax;
        let line = item.uid.clone().unwrap_or_else(|| (at + 1).to_string());
        let attributes: Vec<_> = item.modifiers.iter().filter_map(modifier).chain(note).collect();
        if !attributes.is_empty() {
            self.attributes.push(LineAttributes { line: line.clone(), attributes });
        }
        self.lines.push(Line {
            id: line,
            kind: match item.item_type.as_deref() {
                Some("GIFT_CARD") => LineKind::GiftCard,
                Some("CUSTOM_AMOUNT") => LineKind::Custom,
                _ if id.is_none() => LineKind::Custom,
                _ => LineKind::Item,
            },
            sku: article.sku,
            product_id: None,
            variant_id: id.cloned(),
            gtin: article.gtin,
            title: title(item),
            quantity: quantity.normalize().to_string(),
            current_quantity: None,
            unit: item.quantity_unit.as_ref().and_then(|unit| self::unit(unit.measurement_unit.as_ref()?)),
            unit_price: price(unit_price, currency),
            regular_price: None,
            discounts,
            taxable: !tax.is_zero(),
            taxes: taxes(&item.applied_taxes, order, currency, tax)?,
            duties: vec![],
            ships: !order.fulfillments.is_empty(),
            grams: None,
            bundle: None,
            location: order.location_id.clone(),
        });
        Ok(())
    }

    fn add_charge(
        &mut self,
        charge: &payload::ServiceCharge,
        order: &Order,
        currency: &str,
        at: usize,
    ) -> Result<(), Problem> {
        let money = |money: &Option<Money>, field| amount::decimal(money.as_ref(), currency, field);
        let (total, tax) =
            (money(&charge.total_money, "total_money")?, money(&charge.total_tax_money, "total_tax_money")?);
        let subtotal = total - if self.prices_include_tax { Decimal::ZERO } else { tax };
        self.subtotal += subtotal;
        self.tax += tax;
        self.lines.push(Line {
            id: charge.uid.clone().unwrap_or_else(|| format!("charge-{}", at + 1)),
            kind: LineKind::Custom,
            sku: None,
            product_id: None,
            variant_id: None,
            gtin: None,
            title: charge.name.clone().unwrap_or_else(|| "Service charge".into()),
            quantity: "1".into(),
            current_quantity: None,
            unit: None,
            unit_price: price(subtotal, currency),
            regular_price: None,
            discounts: vec![],
            taxable: !tax.is_zero(),
            taxes: taxes(&charge.applied_taxes, order, currency, tax)?,
            duties: vec![],
            ships: false,
            grams: None,
            bundle: None,
            location: order.location_id.clone(),
        });
        Ok(())
    }
}

/// Parses a quantity of Square: a positive decimal with at most five decimal places.
pub(crate) fn quantity(text: &str) -> Result<Decimal, Problem> {
    let quantity = money::decimal(text).ok().map(|quantity| quantity.normalize());
    let is_valid = |quantity: &Decimal| {
        *quantity > Decimal::ZERO && *quantity < Decimal::from(1_000_000_000_u32) && quantity.scale() <= 5
    };
    quantity.filter(is_valid).ok_or_else(|| {
        Problem::new("invalid-quantity", "the quantity is not a positive decimal with at most five places")
            .at("quantity")
    })
}

fn title(item: &LineItem) -> String {
    let name = item.name.clone().unwrap_or_default();
    match item.variation_name.as_ref().filter(|variation| !variation.is_empty() && **variation != name) {
        Some(variation) if name.is_empty() => variation.clone(),
        Some(variation) => format!("{name} ({variation})"),
        None => name,
    }
}

/// The line's share of each discount. Where the shares do not add up to the total, the total as one share.
fn discounts(
    item: &LineItem,
    order: &Order,
    currency: &str,
    total: Decimal,
) -> Result<Vec<DiscountAllocation>, Problem> {
    let mut shares = Vec::new();
    let mut sum = Decimal::ZERO;
    for applied in &item.applied_discounts {
        let amount = amount::decimal(applied.applied_money.as_ref(), currency, "applied_discounts")?;
        let named = order
            .discounts
            .iter()
            .find(|discount| discount.uid.is_some() && discount.uid == applied.discount_uid);
        sum += amount;
        if !amount.is_zero() {
            shares.push(DiscountAllocation {
                title: named.and_then(|discount| discount.name.clone()),
                amount: price(amount, currency),
            });
        }
    }
    if sum != total {
        shares = vec![DiscountAllocation { title: None, amount: price(total, currency) }];
    }
    Ok(shares)
}

/// The taxes. Where they do not add up to the total, the total as one tax.
fn taxes(
    applied: &[AppliedTax],
    order: &Order,
    currency: &str,
    total: Decimal,
) -> Result<Vec<TaxLine>, Problem> {
    let mut lines = Vec::new();
    let mut sum = Decimal::ZERO;
    let line = |title: Option<String>, rate, amount| TaxLine {
        title: title.unwrap_or_else(|| "Tax".into()),
        rate,
        amount: price(amount, currency),
        jurisdiction: None,
        channel_liable: false,
    };
    for applied in applied {
        let amount = amount::decimal(applied.applied_money.as_ref(), currency, "applied_taxes")?;
        let named = order.taxes.iter().find(|tax| tax.uid.is_some() && tax.uid == applied.tax_uid);
        let percent = named.and_then(|tax| money::decimal(tax.percentage.as_deref()?).ok());
        let rate = percent.and_then(|percent| percent.checked_div(Decimal::ONE_HUNDRED));
        sum += amount;
        if !amount.is_zero() {
            lines.push(line(
                named.and_then(|tax| tax.name.clone()),
                rate.map(|rate| rate.normalize().to_string()),
                amount,
            ));
        }
    }
    if sum != total {
        lines = vec![line(None, None, total)];
    }
    Ok(lines)
}

/// The unit by UN/ECE Recommendation 20. Absent for pieces and for the merchant's own units.
fn unit(unit: &payload::MeasurementUnit) -> Option<String> {
    let units = [&unit.weight_unit, &unit.volume_unit, &unit.length_unit, &unit.area_unit, &unit.time_unit];
    let code = match units.into_iter().flatten().next()?.as_str() {
        "METRIC_MILLIGRAM" => "MGM",
        "METRIC_GRAM" => "GRM",
        "METRIC_KILOGRAM" => "KGM",
        "IMPERIAL_WEIGHT_OUNCE" => "ONZ",
        "IMPERIAL_POUND" => "LBR",
        "IMPERIAL_STONE" => "STI",
        "METRIC_MILLILITER" => "MLT",
        "METRIC_LITER" => "LTR",
        "GENERIC_FLUID_OUNCE" => "OZA",
        "GENERIC_PINT" => "PTL",
        "GENERIC_QUART" => "QTL",
        "GENERIC_GALLON" => "GLL",
        "METRIC_MILLIMETER" => "MMT",
        "METRIC_CENTIMETER" => "CMT",
        "METRIC_METER" => "MTR",
        "METRIC_KILOMETER" => "KMT",
        "IMPERIAL_INCH" => "INH",
        "IMPERIAL_FOOT" => "FOT",
        "IMPERIAL_YARD" => "YRD",
        "METRIC_SQUARE_METER" => "MTK",
        "IMPERIAL_SQUARE_FOOT" => "FTK",
        "GENERIC_HOUR" => "HUR",
        "GENERIC_MINUTE" => "MIN",
        "GENERIC_DAY" => "DAY",
        _ => return None,
    };
    Some(code.into())
}
