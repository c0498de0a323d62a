//! Allowances and charges in addition to the price of the goods: discounts, taxes, duties, shipping, tips.

use std::collections::BTreeMap;

use crossdock_sdk::prelude::*;

use crate::encode::{hundredths, text};
use crate::mapping::OutboundMapping;
use crate::settings::Settings;

/// An allowance or a charge: a `SAC`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Charge {
    /// SAC01: `A` allowance, `C` charge, `N` neither: included in the price, or due to another party.
    indicator: &'static str,
    /// SAC02: `C310` discount, `D240` freight, `H850` tax, `ZZZZ` as described by the text.
    code: String,
    /// SAC05: the amount in hundredths, not negative.
    hundredths: String,
    text: String,
}

impl Charge {
    fn new(
        indicator: &'static str,
        code: impl Into<String>,
        amount: Decimal,
        description: &str,
        settings: &Settings,
    ) -> Result<Self, Problem> {
        Ok(Self {
            indicator,
            code: code.into(),
            hundredths: hundredths(amount, "charges")?,
            text: text(description, settings.characters, 80),
        })
    }

    /// The elements of the `SAC`.
    pub(crate) fn elements(&self) -> Vec<String> {
        let mut elements = vec![String::new(); 15];
        for (at, value) in [(0, self.indicator), (1, &self.code), (4, &self.hundredths), (14, &self.text)] {
            if let Some(element) = elements.get_mut(at) {
                value.clone_into(element);
            }
        }
        elements
    }

    /// The charge without its text in one word, for comparison.
    pub(crate) fn fingerprint(&self) -> String {
        format!("{}{}{}", self.indicator, self.code, self.hundredths)
    }
}

/// The discounts, taxes and duties of a line. When less than the `ordered` quantity is left, its share of them, rounded
/// to hundredths.
pub(crate) fn of_line(
    line: &Line,
    order: &Order,
    (ordered, current): (Decimal, Decimal),
    field: &str,
    settings: &Settings,
    mapping: &OutboundMapping<'_>,
) -> Result<Vec<Charge>, Problem> {
    let share = |amount: Decimal| {
        if current == ordered || ordered.is_zero() {
            return Ok(amount);
        }
        let scaled = amount.checked_mul(current).and_then(|product| product.checked_div(ordered));
        scaled
            .map(|scaled| scaled.round_dp(2))
            .ok_or_else(|| Problem::new("invalid-amount", "an amount has too many digits").at(field))
    };
    let mut charges = Vec::new();
    let discount = share(money::shop_total(line.discounts.iter().map(|discount| &discount.amount))?)?;
    if !discount.is_zero() {
        let titles: Vec<&str> =
            line.discounts.iter().filter_map(|discount| discount.title.as_deref()).collect();
        charges.push(Charge::new("A", "C310", discount, &titles.join(", "), settings)?);
    }
    for tax in &line.taxes {
        charges.extend(tax_charge(tax, share(money::shop_total([&tax.amount])?)?, order, settings, mapping)?);
    }
    let duties = share(money::shop_total(&line.duties)?)?;
    if !duties.is_zero() {
        let indicator = if order.duties_included { "N" } else { "C" };
        charges.push(Charge::new(indicator, "ZZZZ", duties, "DUTIES", settings)?);
    }
    Ok(charges)
}

/// A tax: a charge, or neither allowance nor charge when prices include it or the marketplace is liable for it.
fn tax_charge(
    tax: &TaxLine,
    amount: Decimal,
    order: &Order,
    settings: &Settings,
    mapping: &OutboundMapping<'_>,
) -> Result<Option<Charge>, Problem> {
    if amount.is_zero() {
        return Ok(None);
    }
    let code = mapping.tax(&tax.title);
    if code.len() != 4 || !code.bytes().all(|letter| letter.is_ascii_alphanumeric()) {
        let message =
            format!("the table `tax` maps {:?} to {code:?}, and SAC02 has four letters or digits", tax.title);
        return Err(Problem::new("mapping-unusable", message).at("taxes"));
    }
    let indicator = if order.prices_include_tax || tax.channel_liable { "N" } else { "C" };
    Charge::new(indicator, code, amount, &tax.title, settings).map(Some)
}

/// The price of a shipping line after discounts and without tax, and its taxes.
pub(crate) fn shipping(
    line: &ShippingLine,
    order: &Order,
    settings: &Settings,
    mapping: &OutboundMapping<'_>,
) -> Result<(Decimal, Vec<Charge>), Problem> {
    let discount = money::shop_total(line.discounts.iter().map(|discount| &discount.amount))?;
    let price = money::shop_total([&line.price])?.checked_sub(discount).unwrap_or_default();
    let mut taxes = Vec::new();
    for tax in &line.taxes {
        taxes.extend(tax_charge(tax, money::shop_total([&tax.amount])?, order, settings, mapping)?);
    }
    Ok((price, taxes))
}

/// Shipping as a charge.
pub(crate) fn freight(price: Decimal, title: &str, settings: &Settings) -> Result<Option<Charge>, Problem> {
    (!price.is_zero()).then(|| Charge::new("C", "D240", price, title, settings)).transpose()
}

/// The charges of the order as a whole, without shipping: tips, duties, cash rounding.
pub(crate) fn of_order(order: &Order, settings: &Settings) -> Result<Vec<Charge>, Problem> {
    let mut charges = Vec::new();
    let mut add = |amount: Decimal, description: &str| {
        if !amount.is_zero() {
            let indicator = if amount.is_sign_negative() { "A" } else { "C" };
            charges.push(Charge::new(indicator, "ZZZZ", amount.abs(), description, settings)?);
        }
        Ok::<(), Problem>(())
    };
    // Sources report tips as lines, as a total, or as both.
    let tip_lines: Vec<&Price> =
        order.lines.iter().filter(|line| line.kind == LineKind::Tip).map(|line| &line.unit_price).collect();
    let tips = match &order.totals.tips {
        Some(tips) => money::shop_total([tips])?,
        None => money::shop_total(tip_lines)?,
    };
    add(tips, "TIP")?;
    if order.lines.iter().all(|line| line.duties.is_empty()) {
        add(money::shop_total(order.added_duties())?, "DUTIES")?;
    }
    add(money::shop_total(&order.totals.cash_rounding)?, "CASH ROUNDING")?;
    Ok(charges)
}

/// The captured payments by the partner's account, without those of unmapped tenders.
pub(crate) fn payments(
    order: &Order,
    mapping: &OutboundMapping<'_>,
) -> Result<BTreeMap<String, Decimal>, Problem> {
    let mut accounts: BTreeMap<String, Decimal> = BTreeMap::new();
    for payment in order.payments.iter().filter(|it| it.outcome == PaymentResult::Success && !it.test) {
        let amount = money::shop_total([&payment.amount])?;
        let signed = match payment.kind {
            PaymentKind::Sale | PaymentKind::Capture => amount,
            PaymentKind::Change => -amount,
            PaymentKind::Authorization | PaymentKind::Void | PaymentKind::Refund => continue,
        };
        if let Some(account) = mapping.account(payment) {
            let sum = accounts.entry(account).or_default();
            *sum = sum.checked_add(signed).unwrap_or(*sum);
        }
    }
    Ok(accounts)
}
