//! What is charged or taken off beside the price of the goods: discounts, taxes, duties, shipping, tips.

use std::collections::BTreeMap;

use crossdock_sdk::prelude::*;

use super::text::{cents, text};
use crate::settings::Settings;
use crate::tables::Tables;

/// An allowance or a charge, as a `SAC` tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Charge {
    /// `A` is taken off, `C` is charged, `N` is neither: it is in the price, or somebody else's.
    kind: &'static str,
    /// SAC02: `C310` discount, `D240` freight, `H850` tax, `ZZZZ` what the text says.
    code: String,
    /// The amount, in hundredths, never below zero.
    cents: String,
    text: String,
}

impl Charge {
    fn new(
        kind: &'static str,
        code: impl Into<String>,
        amount: Decimal,
        words: &str,
        settings: &Settings,
    ) -> Result<Self, Problem> {
        let cents = cents(amount, "charges")?;
        Ok(Self { kind, code: code.into(), cents, text: text(words, settings.characters, 80) })
    }

    /// The elements of its `SAC`.
    pub(crate) fn elements(&self) -> Vec<String> {
        let mut elements = vec![String::new(); 15];
        for (at, value) in [(0, self.kind), (1, &self.code), (4, &self.cents), (14, &self.text)] {
            if let Some(element) = elements.get_mut(at) {
                value.clone_into(element);
            }
        }
        elements
    }

    /// The same in one word, to be compared.
    pub(crate) fn mark(&self) -> String {
        format!("{}{}{}", self.kind, self.code, self.cents)
    }
}

/// What falls on a line: its discounts, taxes and duties; of a line of which less stands than was `ordered`, that
/// part of them, rounded to hundredths.
pub(crate) fn of_line(
    line: &Line,
    order: &Order,
    (ordered, stands): (Decimal, Decimal),
    field: &str,
    settings: &Settings,
    tables: &Tables<'_>,
) -> Result<Vec<Charge>, Problem> {
    let part = |amount: Decimal| {
        if stands == ordered || ordered.is_zero() {
            return Ok(amount);
        }
        let scaled = amount.checked_mul(stands).and_then(|product| product.checked_div(ordered));
        scaled
            .map(|scaled| scaled.round_dp(2))
            .ok_or_else(|| Problem::new("invalid-amount", "an amount has too many digits").at(field))
    };
    let mut charges = Vec::new();
    let off = part(money::booked(line.discounts.iter().map(|discount| &discount.amount))?)?;
    if !off.is_zero() {
        let titles: Vec<&str> = line.discounts.iter().filter_map(|one| one.title.as_deref()).collect();
        charges.push(Charge::new("A", "C310", off, &titles.join(", "), settings)?);
    }
    for tax in &line.taxes {
        charges.extend(taxed(tax, part(money::booked([&tax.amount])?)?, order, settings, tables)?);
    }
    let duties = part(money::booked(&line.duties)?)?;
    if !duties.is_zero() {
        let kind = if order.duties_included { "N" } else { "C" };
        charges.push(Charge::new(kind, "ZZZZ", duties, "DUTIES", settings)?);
    }
    Ok(charges)
}

/// A tax is charged; what is in the price already, or owed by the marketplace, is only told.
fn taxed(
    tax: &TaxLine,
    amount: Decimal,
    order: &Order,
    settings: &Settings,
    tables: &Tables<'_>,
) -> Result<Option<Charge>, Problem> {
    if amount.is_zero() {
        return Ok(None);
    }
    let code = tables.tax(&tax.title);
    if code.len() != 4 || !code.bytes().all(|letter| letter.is_ascii_alphanumeric()) {
        let message =
            format!("the table `tax` maps {:?} to {code:?}, and X12 wants four letters or digits", tax.title);
        return Err(Problem::new("mapping-unusable", message).at("taxes"));
    }
    let kind = if order.prices_include_tax || tax.channel_liable { "N" } else { "C" };
    Charge::new(kind, code, amount, &tax.title, settings).map(Some)
}

/// What a shipping line costs without tax, and its taxes.
pub(crate) fn shipping(
    line: &ShippingLine,
    order: &Order,
    settings: &Settings,
    tables: &Tables<'_>,
) -> Result<(Decimal, Vec<Charge>), Problem> {
    let off = money::booked(line.discounts.iter().map(|discount| &discount.amount))?;
    let cost = money::booked([&line.price])?.checked_sub(off).unwrap_or_default();
    let mut taxes = Vec::new();
    for tax in &line.taxes {
        taxes.extend(taxed(tax, money::booked([&tax.amount])?, order, settings, tables)?);
    }
    Ok((cost, taxes))
}

/// Shipping that is charged beside the lines.
pub(crate) fn freight(cost: Decimal, title: &str, settings: &Settings) -> Result<Option<Charge>, Problem> {
    (!cost.is_zero()).then(|| Charge::new("C", "D240", cost, title, settings)).transpose()
}

/// What is neither a line's nor shipping: tips, duties of the whole, rounding to what can be paid in cash.
pub(crate) fn beside(order: &Order, settings: &Settings) -> Result<Vec<Charge>, Problem> {
    let mut charges = Vec::new();
    let mut charge = |amount: Decimal, words: &str| {
        if !amount.is_zero() {
            let kind = if amount.is_sign_negative() { "A" } else { "C" };
            charges.push(Charge::new(kind, "ZZZZ", amount.abs(), words, settings)?);
        }
        Ok::<(), Problem>(())
    };
    // A source has tips as lines, or as a sum, or the lines' sum in both.
    let lines: Vec<&Price> =
        order.lines.iter().filter(|line| line.kind == LineKind::Tip).map(|line| &line.unit_price).collect();
    let tips = match &order.totals.tips {
        Some(tips) => money::booked([tips])?,
        None => money::booked(lines)?,
    };
    charge(tips, "TIP")?;
    if order.lines.iter().all(|line| line.duties.is_empty()) {
        charge(money::booked(order.added_duties())?, "DUTIES")?;
    }
    charge(money::booked(&order.totals.cash_rounding)?, "CASH ROUNDING")?;
    Ok(charges)
}

/// What came in by each account that the partner has a name for. Money that was only promised, or did not come,
/// is not told.
pub(crate) fn payments(order: &Order, tables: &Tables<'_>) -> Result<BTreeMap<String, Decimal>, Problem> {
    let mut accounts: BTreeMap<String, Decimal> = BTreeMap::new();
    for payment in order.payments.iter().filter(|one| one.outcome == PaymentResult::Success && !one.test) {
        let amount = money::booked([&payment.amount])?;
        let signed = match payment.kind {
            PaymentKind::Sale | PaymentKind::Capture => amount,
            PaymentKind::Change => -amount,
            PaymentKind::Authorization | PaymentKind::Void | PaymentKind::Refund => continue,
        };
        if let Some(account) = tables.account(payment) {
            let sum = accounts.entry(account).or_default();
            *sum = sum.checked_add(signed).unwrap_or(*sum);
        }
    }
    Ok(accounts)
}
