//! Prices from amounts.

use crossdock_sdk::prelude::*;

/// The amount as a price, with at least the currency's number of decimal places.
pub(crate) fn price(amount: Decimal, currency: &str) -> Price {
    let mut amount = amount.normalize();
    if amount.scale() < money::exponent(currency) {
        amount.rescale(money::exponent(currency));
    }
    Price::shop(amount.to_string(), currency)
}

/// The unit price for which price × quantity is exactly the amount. Where there is none, a rounded-up price, and the
/// excess of price × quantity over the amount. Tills round weighed goods and sell two for six: the list price is
/// preferred where it yields the amount.
pub(crate) fn unit_price(
    amount: Decimal,
    quantity: Decimal,
    list_price: Option<Decimal>,
) -> (Decimal, Decimal) {
    if let Some(list_price) = list_price.filter(|price| price.checked_mul(quantity) == Some(amount)) {
        return (list_price, Decimal::ZERO);
    }
    let exact = amount.checked_div(quantity).map(|price| price.normalize()).unwrap_or_default();
    if exact.scale() <= 8 && exact * quantity == amount {
        return (exact, Decimal::ZERO);
    }
    let mut rounded = exact.round_dp(8);
    if rounded * quantity < amount {
        rounded += Decimal::new(1, 8);
    }
    (rounded, rounded * quantity - amount)
}
