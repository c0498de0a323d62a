//! Amounts: integers in the currency's smallest unit, converted to exact decimals.

use crossdock_sdk::prelude::*;

use crate::payload;

/// The amount of money in the given currency. Zero when it is absent.
///
/// # Errors
/// `currency-mixed` when it is in another currency.
pub(crate) fn decimal(
    money: Option<&payload::Money>,
    currency: &str,
    field: &str,
) -> Result<Decimal, Problem> {
    let Some(payload::Money { amount: Some(amount), currency: actual }) = money else {
        return Ok(Decimal::ZERO);
    };
    if let Some(other) = actual.as_ref().filter(|actual| *actual != currency && *amount != 0) {
        let other: String = other.chars().take(8).collect();
        let message = format!("the amount is in {other}, and the order is in {currency}");
        return Err(Problem::new("currency-mixed", message).at(field));
    }
    Ok(Decimal::new(*amount, money::exponent(currency)))
}

/// The amount as a price, with at least the currency's number of decimal places.
pub(crate) fn price(amount: Decimal, currency: &str) -> Price {
    let mut amount = amount.normalize();
    if amount.scale() < money::exponent(currency) {
        amount.rescale(money::exponent(currency));
    }
    Price::shop(amount.to_string(), currency)
}

/// The currency of the first amount that has one.
///
/// # Errors
/// `currency-missing` when none has one.
pub(crate) fn currency<'a>(
    amounts: impl IntoIterator<Item = Option<&'a payload::Money>>,
) -> Result<String, Problem> {
    let currency = amounts.into_iter().flatten().find_map(|money| money.currency.as_ref());
    currency.cloned().ok_or_else(|| Problem::new("currency-missing", "no amount has a currency"))
}

/// The unit price for which price × quantity is exactly the amount. Where there is none, a rounded-up price, and the
/// excess of price × quantity over the amount. The list price is preferred where it yields the amount.
pub(crate) fn unit_price(amount: Decimal, quantity: Decimal, list_price: Decimal) -> (Decimal, Decimal) {
    if list_price.checked_mul(quantity) == Some(amount) {
        return (list_price, Decimal::ZERO);
    }
    let exact = amount.checked_div(quantity).map(|price| price.normalize()).unwrap_or_default();
    let product = |price: Decimal| price.checked_mul(quantity).unwrap_or(amount);
    if exact.scale() <= 8 && product(exact) == amount {
        return (exact, Decimal::ZERO);
    }
    let mut rounded = exact.round_dp(8);
    if product(rounded) < amount {
        rounded += Decimal::new(1, 8);
    }
    (rounded, product(rounded) - amount)
}
