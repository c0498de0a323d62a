//! The lines of an order, and what they come to.
//!
//! Square's own sum of a line holds its taxes and discounts, whatever the country makes of gross sales; so the
//! price of a line is what remains of that sum, and the taxes added on top are taken out of it.

use crossdock_sdk::prelude::*;

use crate::amount::{self, each, price};
use crate::api::Known;
use crate::payload::{self, AppliedTax, LineItem, Money, Order};

/// The lines, and their sums.
pub(crate) struct Sums {
    pub lines: Vec<Line>,
    /// What was chosen or written on them.
    pub written: Vec<LineAttributes>,
    /// True when prices contain the tax.
    pub included: bool,
    pub full: Decimal,
    pub discounts: Decimal,
    pub tax: Decimal,
}

/// Reads the lines.
///
/// # Errors
/// What is wrong with one of them, with its place.
pub(crate) fn read(order: &Order, known: &Known, currency: &str) -> Result<Sums, Problem> {
    let kinds: Vec<_> = order.taxes.iter().map(|tax| tax.kind.as_deref()).collect();
    // Where only some prices contain their tax, all are told without.
    let included = !kinds.is_empty() && kinds.iter().all(|kind| *kind == Some("INCLUSIVE"));
    let zero = Decimal::ZERO;
    let mut sums =
        Sums { lines: Vec::new(), written: Vec::new(), included, full: zero, discounts: zero, tax: zero };
    for (at, item) in order.line_items.iter().enumerate() {
        sums.item(item, order, known, currency, at).map_err(|problem| within(problem, "line_items", at))?;
    }
    for (at, charge) in order.service_charges.iter().enumerate() {
        // A charge that was shared among the lines is in their sums.
        if charge.treatment_type.as_deref() != Some("APPORTIONED_TREATMENT") {
            sums.charge(charge, order, currency, at)
                .map_err(|problem| within(problem, "service_charges", at))?;
        }
    }
    Ok(sums)
}

fn within(problem: Problem, list: &str, at: usize) -> Problem {
    let field = problem
        .field
        .clone()
        .map_or_else(|| format!("{list}[{at}]"), |field| format!("{list}[{at}].{field}"));
    problem.at(field)
}

impl Sums {
    fn item(
        &mut self,
        item: &LineItem,
        order: &Order,
        known: &Known,
        currency: &str,
        at: usize,
    ) -> Result<(), Problem> {
        let money = |told: &Option<Money>, field| amount::of(told.as_ref(), currency, field);
        let quantity = quantity(&item.quantity)?;
        let (total, tax) =
            (money(&item.total_money, "total_money")?, money(&item.total_tax_money, "total_tax_money")?);
        let discount = money(&item.total_discount_money, "total_discount_money")?;
        let full = total + discount - if self.included { Decimal::ZERO } else { tax };
        let (each, over) = each(full, quantity, money(&item.base_price_money, "base_price_money")?);
        let mut discounts = discounts(item, order, currency, discount)?;
        if !over.is_zero() {
            discounts
                .push(DiscountAllocation { title: Some("rounding".into()), amount: price(over, currency) });
        }
        let id = item.catalog_object_id.as_ref();
        let article = id.and_then(|id| known.articles.get(id)).cloned().unwrap_or_default();
        let modifier =
            |named: &payload::Named| Some(Attribute { name: "modifier".into(), value: named.name.clone()? });
        let note = item.note.clone().map(|value| Attribute { name: "note".into(), value });
        self.full += full + over;
        self.discounts += discount + over;
        self.tax += tax;
        let line = item.uid.clone().unwrap_or_else(|| (at + 1).to_string());
        let attributes: Vec<_> = item.modifiers.iter().filter_map(modifier).chain(note).collect();
        if !attributes.is_empty() {
            self.written.push(LineAttributes { line: line.clone(), attributes });
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
            unit_price: price(each, currency),
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

    fn charge(
        &mut self,
        charge: &payload::ServiceCharge,
        order: &Order,
        currency: &str,
        at: usize,
    ) -> Result<(), Problem> {
        let money = |told: &Option<Money>, field| amount::of(told.as_ref(), currency, field);
        let (total, tax) =
            (money(&charge.total_money, "total_money")?, money(&charge.total_tax_money, "total_tax_money")?);
        let full = total - if self.included { Decimal::ZERO } else { tax };
        self.full += full;
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
            unit_price: price(full, currency),
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

/// A quantity as Square writes it: a decimal above zero, with at most five places.
pub(crate) fn quantity(text: &str) -> Result<Decimal, Problem> {
    let quantity = money::decimal(text).ok().map(|quantity| quantity.normalize());
    let sound = |quantity: &Decimal| {
        *quantity > Decimal::ZERO && *quantity < Decimal::from(1_000_000_000_u32) && quantity.scale() <= 5
    };
    quantity.filter(sound).ok_or_else(|| {
        Problem::new("invalid-quantity", "the quantity is no decimal above zero with at most five places")
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

/// What was taken off, each discount's share; where the shares do not make the sum, the sum.
fn discounts(
    item: &LineItem,
    order: &Order,
    currency: &str,
    sum: Decimal,
) -> Result<Vec<DiscountAllocation>, Problem> {
    let mut shares = Vec::new();
    let mut all = Decimal::ZERO;
    for applied in &item.applied_discounts {
        let amount = amount::of(applied.applied_money.as_ref(), currency, "applied_discounts")?;
        let named = order
            .discounts
            .iter()
            .find(|discount| discount.uid.is_some() && discount.uid == applied.discount_uid);
        all += amount;
        if !amount.is_zero() {
            shares.push(DiscountAllocation {
                title: named.and_then(|discount| discount.name.clone()),
                amount: price(amount, currency),
            });
        }
    }
    if all != sum {
        shares = vec![DiscountAllocation { title: None, amount: price(sum, currency) }];
    }
    Ok(shares)
}

/// The taxes; where they do not make the sum, the sum.
fn taxes(
    applied: &[AppliedTax],
    order: &Order,
    currency: &str,
    sum: Decimal,
) -> Result<Vec<TaxLine>, Problem> {
    let mut lines = Vec::new();
    let mut all = Decimal::ZERO;
    let line = |title: Option<String>, rate, amount| TaxLine {
        title: title.unwrap_or_else(|| "Tax".into()),
        rate,
        amount: price(amount, currency),
        jurisdiction: None,
        channel_liable: false,
    };
    for one in applied {
        let amount = amount::of(one.applied_money.as_ref(), currency, "applied_taxes")?;
        let named = order.taxes.iter().find(|tax| tax.uid.is_some() && tax.uid == one.tax_uid);
        let percent = named.and_then(|tax| money::decimal(tax.percentage.as_deref()?).ok());
        let rate = percent.and_then(|percent| percent.checked_div(Decimal::ONE_HUNDRED));
        all += amount;
        if !amount.is_zero() {
            lines.push(line(
                named.and_then(|tax| tax.name.clone()),
                rate.map(|rate| rate.normalize().to_string()),
                amount,
            ));
        }
    }
    if all != sum {
        lines = vec![line(None, None, sum)];
    }
    Ok(lines)
}

/// The unit by UN/ECE Recommendation 20. Absent for pieces and for the merchant's own units.
fn unit(unit: &payload::MeasurementUnit) -> Option<String> {
    let told = [&unit.weight_unit, &unit.volume_unit, &unit.length_unit, &unit.area_unit, &unit.time_unit];
    let code = match told.into_iter().flatten().next()?.as_str() {
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
