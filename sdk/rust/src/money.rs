//! Exact decimals: parsing, sums, and conversion to a currency's smallest unit.
//!
//! The vocabulary represents every number as text; [`Decimal`] is the type to calculate with. Nothing here rounds.
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

/// Parses a decimal number.
///
/// # Errors
/// `invalid-amount` when the text is not a decimal number or has more than 28 digits.
pub fn decimal(text: &str) -> Result<Decimal, Problem> {
    Decimal::from_str_exact(text).map_err(|_| invalid(format!("`{text}` is not a decimal number")))
}

/// The sum of numbers given as text. Zero when there are none.
///
/// # Errors
/// `invalid-amount` when one of them is not a decimal number or the sum has more than 28 digits.
pub fn sum<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Result<Decimal, Problem> {
    texts.into_iter().try_fold(Decimal::ZERO, |sum, text| {
        sum.checked_add(decimal(text.as_ref())?).ok_or_else(|| invalid("the sum has too many digits".into()))
    })
}

/// The sum of the prices' amounts in the shop's currency, which are the amounts to book.
///
/// # Errors
/// As [`sum`].
pub fn shop_total<'a>(prices: impl IntoIterator<Item = &'a Price>) -> Result<Decimal, Problem> {
    sum(prices.into_iter().map(|price| &price.shop.amount))
}

/// The number of decimal places of a currency: 2 for most, 0 for `JPY`, 3 for `KWD` (ISO 4217).
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

/// The amount in the currency's smallest unit: cents for `EUR`.
///
/// # Errors
/// `invalid-amount` when it is not a decimal number or not a whole number of that unit: nothing is rounded.
pub fn minor_units(amount: &str, currency: &str) -> Result<i64, Problem> {
    let scale = Decimal::from(10_u64.pow(exponent(currency)));
    decimal(amount)?
        .checked_mul(scale)
        .filter(|units| units.fract().is_zero())
        .and_then(|units| i64::try_from(units).ok())
        .ok_or_else(|| invalid(format!("{amount} {currency} is not a whole number of the smallest unit")))
}

/// The amount of a number of the currency's smallest units, with the currency's decimal places.
#[must_use]
pub fn from_minor_units(units: i64, currency: &str) -> String {
    Decimal::new(units, exponent(currency)).to_string()
}

fn invalid(message: String) -> Problem {
    Problem::new("invalid-amount", message)
}

impl Money {
    /// An amount in a currency.
    pub fn new(amount: impl Into<String>, currency: impl Into<String>) -> Self {
        Self { amount: amount.into(), currency: currency.into() }
    }
}

impl Price {
    /// A price of a customer who pays in the shop's currency.
    pub fn shop(amount: impl Into<String>, currency: impl Into<String>) -> Self {
        Self { shop: Money::new(amount, currency), presentment: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_exact_decimals_are_parsed() {
        for text in ["", "1e3", "1,5", "NaN", "12345678901234567890123456789.5"] {
            assert_eq!(decimal(text).unwrap_err().code, "invalid-amount", "{text:?}");
        }
        assert_eq!(decimal("-0.0725").unwrap(), Decimal::new(-725, 4));
    }

    #[test]
    fn the_shop_total_ignores_the_customers_currency() {
        let price = Price { shop: Money::new("10.00", "USD"), presentment: Some(Money::new("9.20", "EUR")) };
        assert_eq!(shop_total([&price, &price]).unwrap(), Decimal::from(20));
    }
}
