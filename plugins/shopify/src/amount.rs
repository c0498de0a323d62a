//! Prices, from decimal texts only. Shopify also writes some amounts as floats, which are never read.

use crossdock_sdk::prelude::*;

use crate::payload::Set;
use crate::text::Text;

/// The price of a `_set`; without one (older versions), the plain amount in the shop's currency. The customer's amount
/// is omitted where it is in the shop's currency.
pub(crate) fn price(
    set: Option<Set<'_>>,
    plain: Option<Text<'_>>,
    currency: &str,
    field: &str,
) -> Result<Price, Problem> {
    if let Some(Set { shop_money, presentment_money }) = set {
        let presentment = presentment_money.filter(|other| *other.currency_code != *shop_money.currency_code);
        return Ok(Price {
            shop: Money::new(amount(shop_money.amount, field)?, shop_money.currency_code),
            presentment: presentment
                .map(|other| Ok::<_, Problem>(Money::new(amount(other.amount, field)?, other.currency_code)))
                .transpose()?,
        });
    }
    match plain {
        Some(plain) => Ok(Price::shop(amount(plain, field)?, currency)),
        None => Err(Problem::new("amount-missing", "there is no amount").at(field)),
    }
}

/// As [`price`]; absent where there is neither a `_set` nor a plain amount.
pub(crate) fn optional_price(
    set: Option<Set<'_>>,
    plain: Option<Text<'_>>,
    currency: &str,
    field: &str,
) -> Result<Option<Price>, Problem> {
    if set.is_none() && plain.is_none() { Ok(None) } else { price(set, plain, currency, field).map(Some) }
}

/// Zero in the shop's currency.
pub(crate) fn zero(currency: &str) -> Price {
    Price::shop("0", currency)
}

/// Whether the shop's amount is zero, in any notation.
pub(crate) fn is_zero(price: &Price) -> bool {
    !price.shop.amount.bytes().any(|byte| matches!(byte, b'1'..=b'9'))
}

/// The sum of prices, in both currencies. The customer's amount is omitted unless all prices have one.
pub(crate) fn sum<'a>(
    prices: impl Iterator<Item = &'a Price> + Clone,
    currency: &str,
) -> Result<Price, Problem> {
    let mut iterator = prices.clone();
    let (first, second) = (iterator.next(), iterator.next());
    let Some(first) = first else { return Ok(zero(currency)) };
    if second.is_none() {
        return Ok(first.clone());
    }
    let amounts: Option<Vec<&Money>> = prices.clone().map(|price| price.presentment.as_ref()).collect();
    let presentment = match (amounts, &first.presentment) {
        (Some(amounts), Some(one)) => Some(Money::new(
            money::sum(amounts.iter().map(|money| &money.amount))?.to_string(),
            &one.currency,
        )),
        _ => None,
    };
    Ok(Price { shop: Money::new(money::shop_total(prices)?.to_string(), &first.shop.currency), presentment })
}

/// `whole − part`, in both currencies.
pub(crate) fn difference(whole: &Price, part: &Price) -> Result<Price, Problem> {
    let subtract = |whole: &Money, part: &Money| {
        let rest = money::decimal(&whole.amount)? - money::decimal(&part.amount)?;
        Ok::<_, Problem>(Money::new(rest.to_string(), &whole.currency))
    };
    let presentment = whole.presentment.as_ref().zip(part.presentment.as_ref());
    Ok(Price {
        shop: subtract(&whole.shop, &part.shop)?,
        presentment: presentment.map(|(whole, part)| subtract(whole, part)).transpose()?,
    })
}

/// The text if it is a decimal of the vocabulary: an optional `-`, digits, and optionally a point and digits.
fn amount(text: Text<'_>, field: &str) -> Result<String, Problem> {
    let digits = text.strip_prefix('-').unwrap_or(&text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if is_number(whole) && is_number(fraction) && digits.len() <= 29 {
        return Ok(text.into());
    }
    Err(Problem::new("invalid-amount", "the amount is not a decimal number").at(field))
}
