//! Money: from decimal texts only. Shopify writes some amounts as floats too; those are never read.

use crossdock_sdk::prelude::*;

use crate::payload::Set;
use crate::text::Text;

/// The price that a `_set` says; without one (older versions), what the plain text says in the shop's currency.
/// What the customer saw is left out where it is the same money.
pub(crate) fn price(
    set: Option<Set<'_>>,
    plain: Option<Text<'_>>,
    currency: &str,
    field: &str,
) -> Result<Price, Problem> {
    if let Some(Set { shop_money, presentment_money }) = set {
        let presentment = presentment_money.filter(|seen| *seen.currency_code != *shop_money.currency_code);
        return Ok(Price {
            shop: Money::new(amount(shop_money.amount, field)?, shop_money.currency_code),
            presentment: presentment
                .map(|seen| Ok::<_, Problem>(Money::new(amount(seen.amount, field)?, seen.currency_code)))
                .transpose()?,
        });
    }
    match plain {
        Some(plain) => Ok(Price::shop(amount(plain, field)?, currency)),
        None => Err(Problem::new("amount-missing", "there is no amount").at(field)),
    }
}

/// The same where the amount may be missing altogether.
pub(crate) fn maybe(
    set: Option<Set<'_>>,
    plain: Option<Text<'_>>,
    currency: &str,
    field: &str,
) -> Result<Option<Price>, Problem> {
    if set.is_none() && plain.is_none() { Ok(None) } else { price(set, plain, currency, field).map(Some) }
}

/// Nothing, in the shop's currency.
pub(crate) fn zero(currency: &str) -> Price {
    Price::shop("0", currency)
}

/// Whether the shop's amount is zero, however it is written.
pub(crate) fn is_zero(price: &Price) -> bool {
    !price.shop.amount.bytes().any(|byte| matches!(byte, b'1'..=b'9'))
}

/// The sum of prices, in both currencies. The customer's amount is left out unless each price has one.
pub(crate) fn sum<'a>(
    prices: impl Iterator<Item = &'a Price> + Clone,
    currency: &str,
) -> Result<Price, Problem> {
    let mut all = prices.clone();
    let (first, second) = (all.next(), all.next());
    let Some(first) = first else { return Ok(zero(currency)) };
    if second.is_none() {
        return Ok(first.clone());
    }
    let seen: Option<Vec<&Money>> = prices.clone().map(|price| price.presentment.as_ref()).collect();
    let seen = match (seen, &first.presentment) {
        (Some(seen), Some(one)) => {
            Some(Money::new(money::sum(seen.iter().map(|money| &money.amount))?.to_string(), &one.currency))
        }
        _ => None,
    };
    Ok(Price {
        shop: Money::new(money::booked(prices)?.to_string(), &first.shop.currency),
        presentment: seen,
    })
}

/// `whole − part`, in both currencies.
pub(crate) fn difference(whole: &Price, part: &Price) -> Result<Price, Problem> {
    let less = |whole: &Money, part: &Money| {
        let rest = money::decimal(&whole.amount)? - money::decimal(&part.amount)?;
        Ok::<_, Problem>(Money::new(rest.to_string(), &whole.currency))
    };
    let seen = whole.presentment.as_ref().zip(part.presentment.as_ref());
    Ok(Price {
        shop: less(&whole.shop, &part.shop)?,
        presentment: seen.map(|(whole, part)| less(whole, part)).transpose()?,
    })
}

/// The text if it is a decimal of the vocabulary: an optional `-`, digits, and maybe a point and digits.
fn amount(text: Text<'_>, field: &str) -> Result<String, Problem> {
    let digits = text.strip_prefix('-').unwrap_or(&text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if number(whole) && number(fraction) && digits.len() <= 29 {
        return Ok(text.into());
    }
    Err(Problem::new("invalid-amount", "what should be an amount is no decimal number").at(field))
}
