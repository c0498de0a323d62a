//! Exact decimals: reading, adding up, and counting in a currency's smallest unit.
//!
//! The vocabulary writes every number as text; [`Decimal`] is what it is reckoned with. Nothing here rounds
//! unless it says so.
//!
//! ```
//! use crossdock_sdk::money;
//!
//! let discounts = ["0.10", "0.20"];
//! assert_eq!(money::sum(discounts).unwrap().to_string(), "0.30");
//! assert_eq!(money::minor_units("12.50", "EUR").unwrap(), 1250);
//! assert_eq!(money::minor_units("1250", "JPY").unwrap(), 1250);
//! assert_eq!(money::from_minor_units(1250, "KWD"), "1.250");
//! assert_eq!(money::minor_units("0.005", "EUR").unwrap_err().code, "invalid-amount");
//! ```

pub use rust_decimal::Decimal;

use crate::common::{Money, Price};
use crate::connector::Problem;

/// The number that the text is.
///
/// # Errors
/// `invalid-amount` when it is none, or has more than 28 digits.
pub fn decimal(text: &str) -> Result<Decimal, Problem> {
    Decimal::from_str_exact(text).map_err(|_| invalid(format!("`{text}` is no decimal number")))
}

/// The sum of numbers written as text. Zero when there are none.
///
/// # Errors
/// `invalid-amount` when one of them is no number, or the sum has more than 28 digits.
pub fn sum<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Result<Decimal, Problem> {
    texts.into_iter().try_fold(Decimal::ZERO, |sum, text| {
        sum.checked_add(decimal(text.as_ref())?).ok_or_else(|| invalid("the sum has too many digits".into()))
    })
}

/// The sum of what is booked of each price: its amount in the shop's own currency.
///
/// # Errors
/// As [`sum`].
pub fn booked<'a>(prices: impl IntoIterator<Item = &'a Price>) -> Result<Decimal, Problem> {
    sum(prices.into_iter().map(|price| &price.shop.amount))
}

/// How many decimal places the currency has: 2 for most, 0 for `JPY`, 3 for `KWD` (ISO 4217).
#[must_use]
pub fn exponent(currency: &str) -> u32 {
    match currency {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "UYI"
        | "VND" | "VUV" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        "CLF" | "UYW" => 4,
        _ => 2,
    }
}

/// The amount counted in the currency's smallest unit: cents for `EUR`.
///
/// # Errors
/// `invalid-amount` when it is no number, or is no whole number of that unit: nothing is rounded.
pub fn minor_units(amount: &str, currency: &str) -> Result<i64, Problem> {
    let scale = Decimal::from(10_u64.pow(exponent(currency)));
    decimal(amount)?
        .checked_mul(scale)
        .filter(|units| units.fract().is_zero())
        .and_then(|units| i64::try_from(units).ok())
        .ok_or_else(|| invalid(format!("{amount} {currency} is no whole number of the smallest unit")))
}

/// The amount that so many of the currency's smallest units are, with the currency's decimal places.
#[must_use]
pub fn from_minor_units(units: i64, currency: &str) -> String {
    Decimal::new(units, exponent(currency)).to_string()
}

fn invalid(message: String) -> Problem {
    Problem::new("invalid-amount", message)
}

impl Money {
    /// So much of a currency.
    pub fn new(amount: impl Into<String>, currency: impl Into<String>) -> Self {
        Self { amount: amount.into(), currency: currency.into() }
    }
}

impl Price {
    /// A price in the shop's own currency, which is the customer's too.
    pub fn shop(amount: impl Into<String>, currency: impl Into<String>) -> Self {
        Self { shop: Money::new(amount, currency), presentment: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_exact_decimals_are_amounts() {
        for text in ["", "1e3", "1,5", "NaN", "12345678901234567890123456789.5"] {
            assert_eq!(decimal(text).unwrap_err().code, "invalid-amount", "{text:?}");
        }
        assert_eq!(decimal("-0.0725").unwrap(), Decimal::new(-725, 4));
    }

    #[test]
    fn the_shops_amount_is_booked_never_the_customers() {
        let price = Price { shop: Money::new("10.00", "USD"), presentment: Some(Money::new("9.20", "EUR")) };
        assert_eq!(booked([&price, &price]).unwrap(), Decimal::from(20));
    }
}
