//! Money: whole numbers of the currency's smallest unit, which are exact decimals.

use crossdock_sdk::money as decimal;
use crossdock_sdk::prelude::*;

use crate::payload;

/// The amount, which has to be in this currency. Nothing is zero.
///
/// # Errors
/// `currency-mixed` when it is in another one.
pub(crate) fn of(money: Option<&payload::Money>, currency: &str, field: &str) -> Result<Decimal, Problem> {
    let Some(payload::Money { amount: Some(amount), currency: told }) = money else {
        return Ok(Decimal::ZERO);
    };
    if let Some(other) = told.as_ref().filter(|told| *told != currency && *amount != 0) {
        let other: String = other.chars().take(8).collect();
        let message = format!("the amount is in {other}, and the order is in {currency}");
        return Err(Problem::new("currency-mixed", message).at(field));
    }
    Ok(Decimal::new(*amount, decimal::exponent(currency)))
}

/// The amount as a price, with the currency's places at least.
pub(crate) fn price(amount: Decimal, currency: &str) -> Price {
    let mut amount = amount.normalize();
    if amount.scale() < decimal::exponent(currency) {
        amount.rescale(decimal::exponent(currency));
    }
    Price::shop(amount.to_string(), currency)
}

/// The currency of the first amount that says one.
///
/// # Errors
/// `currency-missing` when none does.
pub(crate) fn currency<'a>(
    amounts: impl IntoIterator<Item = Option<&'a payload::Money>>,
) -> Result<String, Problem> {
    let told = amounts.into_iter().flatten().find_map(|money| money.currency.as_ref());
    told.cloned().ok_or_else(|| Problem::new("currency-missing", "no amount says its currency"))
}

/// The price of one such that price × quantity is the amount to the last digit, and what it is too much by where
/// no price does that. The price on file is taken where it makes the amount.
pub(crate) fn each(amount: Decimal, quantity: Decimal, regular: Decimal) -> (Decimal, Decimal) {
    if regular.checked_mul(quantity) == Some(amount) {
        return (regular, Decimal::ZERO);
    }
    let exact = amount.checked_div(quantity).map(|each| each.normalize()).unwrap_or_default();
    let product = |price: Decimal| price.checked_mul(quantity).unwrap_or(amount);
    if exact.scale() <= 8 && product(exact) == amount {
        return (exact, Decimal::ZERO);
    }
    let mut up = exact.round_dp(8);
    if product(up) < amount {
        up += Decimal::new(1, 8);
    }
    (up, product(up) - amount)
}
