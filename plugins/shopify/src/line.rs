//! The lines of an order: goods and shipping, with their discounts, taxes and duties.

use crossdock_sdk::prelude::*;

use crate::amount::{difference, is_zero, optional_price, price};
use crate::payload::{self, Set};
use crate::text::{List, non_empty};

/// Reads an order line.
pub(crate) fn read(
    line: payload::Line<'_>,
    applications: &[payload::DiscountApplication<'_>],
    currency: &str,
) -> Result<Line, Problem> {
    let mut taxes = taxes(line.tax_lines, currency)?;
    let mut duties = Vec::new();
    for payload::Duty { shop_money, presentment_money, tax_lines } in line.duties {
        taxes.append(&mut self::taxes(tax_lines, currency)?);
        duties.push(price(Some(Set { shop_money, presentment_money }), None, currency, "duties")?);
    }
    let discounts = match line.discount_allocations {
        Some(allocations) => discounts(allocations, applications, currency)?,
        // `total_discount` is used only where there are no allocations: beside allocations it is often "0.00".
        None => optional_price(line.total_discount_set, line.total_discount, currency, "total_discount")?
            .filter(|discount| !is_zero(discount))
            .map(|amount| DiscountAllocation { title: None, amount })
            .into_iter()
            .collect(),
    };
    let has_product = line.product_id.is_some() || line.variant_id.is_some();
    let has_vendor = non_empty(line.vendor).is_some();
    let kind = match () {
        () if line.gift_card == Some(true) => LineKind::GiftCard,
        () if line.tip_payment_gateway.is_some() || line.tip_payment_method.is_some() => LineKind::Tip,
        // A deleted product has no ids but still a vendor; a line that the staff entered has neither.
        () if !has_product && !has_vendor => LineKind::Custom,
        () => LineKind::Item,
    };
    let bundle = line.parent_line_item_id.or(line.sales_line_item_group_id);
    Ok(Line {
        id: line.id.to_string(),
        kind,
        sku: non_empty(line.sku),
        product_id: line.product_id.map(|id| id.to_string()),
        variant_id: line.variant_id.map(|id| id.to_string()),
        gtin: None,
        title: non_empty(line.name).or_else(|| non_empty(line.title)).unwrap_or_default(),
        quantity: line.quantity.to_string(),
        current_quantity: line.current_quantity.map(|quantity| quantity.to_string()),
        unit: None,
        unit_price: price(line.price_set, line.price, currency, "price")?,
        regular_price: None,
        discounts,
        taxable: line.taxable.unwrap_or(!taxes.is_empty()),
        taxes,
        duties,
        ships: line.requires_shipping.unwrap_or(true),
        grams: line.grams.filter(|grams| *grams > 0).map(|grams| grams.to_string()),
        bundle: bundle.map(|id| id.to_string()),
        location: None,
    })
}

/// Reads a shipping line.
pub(crate) fn shipping(
    line: payload::ShippingLine<'_>,
    nth: usize,
    applications: &[payload::DiscountApplication<'_>],
    currency: &str,
) -> Result<ShippingLine, Problem> {
    let full = price(line.price_set, line.price, currency, "price")?;
    let mut discounts = discounts(line.discount_allocations, applications, currency)?;
    let charged =
        optional_price(line.discounted_price_set, line.discounted_price, currency, "discounted_price")?;
    if let Some(charged) = charged.filter(|charged| discounts.is_empty() && *charged != full) {
        // Older versions have the discounted price without allocations.
        let amount = difference(&full, &charged)?;
        if !is_zero(&amount) {
            discounts.push(DiscountAllocation { title: None, amount });
        }
    }
    Ok(ShippingLine {
        id: line.id.map_or_else(|| nth.to_string(), |id| id.to_string()),
        title: non_empty(line.title).unwrap_or_default(),
        code: non_empty(line.code),
        price: full,
        discounts,
        taxes: taxes(line.tax_lines, currency)?,
    })
}

fn discounts(
    allocations: List<payload::Allocation<'_>>,
    applications: &[payload::DiscountApplication<'_>],
    currency: &str,
) -> Result<Vec<DiscountAllocation>, Problem> {
    let title = |application: &payload::DiscountApplication<'_>| {
        let texts = [&application.title, &application.code, &application.description];
        texts.into_iter().flatten().find(|text| !text.is_empty()).map(|text| text.to_string())
    };
    let discount = |one: payload::Allocation<'_>| {
        let application = one.discount_application_index.and_then(|index| applications.get(index));
        let amount = price(one.amount_set, one.amount, currency, "discount_allocations")?;
        Ok(DiscountAllocation { title: application.and_then(title), amount })
    };
    allocations.into_iter().map(discount).collect()
}

fn taxes(lines: List<payload::TaxLine<'_>>, currency: &str) -> Result<Vec<TaxLine>, Problem> {
    let tax = |line: payload::TaxLine<'_>| {
        Ok(TaxLine {
            title: non_empty(line.title).unwrap_or_default(),
            // The shortest decimal that equals the float: as Shopify wrote it.
            rate: line.rate.map(|rate| rate.to_string()).filter(|rate| rate.len() <= 28),
            amount: price(line.price_set, line.price, currency, "tax_lines")?,
            jurisdiction: None,
            channel_liable: line.channel_liable.unwrap_or(false),
        })
    };
    lines.into_iter().map(tax).collect()
}
