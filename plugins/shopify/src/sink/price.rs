//! What an article costs, told to the shop: its base price, or its price on one of the shop's price lists.

use crossdock_sdk::prelude::*;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::product::{self, Books, Variant};
use crate::admin::answer::{self, Done};
use crate::admin::{Admin, id, operations};

/// The table that says which of the shop's price lists another system's list is: its id, or `-` for none.
const TABLE: &str = "price-list";

/// Tells the shop.
///
/// # Errors
/// The outcome, where something stood in the way.
pub fn deliver(price: &ListPrice, admin: &Admin) -> Result<Outcome, Outcome> {
    let asked = Asked::of(price, admin)?;
    if asked.is_there(admin)? {
        return Ok(Outcome::AlreadyThere(product::receipt(&asked.variant)));
    }
    asked.write(admin)?;
    Ok(Outcome::Posted(product::receipt(&asked.variant)))
}

/// Whether the shop asks this price.
///
/// # Errors
/// The shop could not be asked.
pub fn find(price: &ListPrice, admin: &Admin) -> Result<Found, Found> {
    let seen = Asked::of(price, admin)
        .and_then(|asked| Ok(asked.is_there(admin)?.then(|| product::receipt(&asked.variant))));
    match seen {
        Ok(Some(receipt)) => Ok(Found::Present(receipt)),
        Ok(None) => Ok(Found::Absent),
        Err(outcome) => Ok(super::found(outcome)),
    }
}

/// A price that is to be asked for a variant.
struct Asked<'a> {
    amount: Decimal,
    money: &'a Money,
    /// The price list. None: the base price.
    list: Option<String>,
    /// From how many on. None: from the first.
    minimum: Option<i64>,
    books: Books,
    variant: Variant,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Amount {
    amount: String,
    currency_code: String,
}

impl<'a> Asked<'a> {
    fn of(price: &'a ListPrice, admin: &Admin) -> Result<Self, Outcome> {
        in_force(price)?;
        let list = match &price.price_list {
            None => None,
            Some(list) => match mappings::demand(TABLE, list)?.as_str() {
                super::article::NOT_HERE => {
                    return Err(Outcome::Ignored(format!("price list {list} is none of this shop's")));
                }
                target => Some(id::global("PriceList", target)),
            },
        };
        let minimum = minimum(price)?;
        if list.is_none() && minimum.is_some() {
            return Err(Outcome::Ignored("the shop's base price is the same for any quantity".into()));
        }
        let (books, variant) = product::read(&price.sku, admin)?;
        let asked = Self {
            amount: money::decimal(&price.amount.amount)?,
            money: &price.amount,
            list,
            minimum,
            books,
            variant,
        };
        if asked.list.is_none() && asked.books.currency_code != price.amount.currency {
            let message = format!(
                "the price is in {}, and the shop's base prices are in {}",
                price.amount.currency, asked.books.currency_code
            );
            return Err(Problem::new("price-currency", message).at("amount.currency").into());
        }
        if asked.books.taxes_included != price.includes_tax {
            let with = |included| if included { "with tax" } else { "without tax" };
            let message = format!(
                "the price is {}, and the shop's prices are {}",
                with(price.includes_tax),
                with(asked.books.taxes_included)
            );
            return Err(Problem::new("price-tax", message).at("includesTax").into());
        }
        Ok(asked)
    }

    fn is_there(&self, admin: &Admin) -> Result<bool, Outcome> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Answer {
            price_list: Option<List>,
        }
        #[derive(Deserialize)]
        struct List {
            currency: String,
            prices: Nodes<Fixed>,
        }
        #[derive(Deserialize)]
        struct Nodes<T> {
            nodes: Vec<T>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Fixed {
            variant: super::want::VariantId,
            price: Amount,
            quantity_price_breaks: Nodes<Break>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Break {
            minimum_quantity: i64,
            price: Amount,
        }
        let Some(list) = &self.list else {
            return Ok(money::decimal(&self.variant.price)? == self.amount);
        };
        let query = format!("variant_id:{}", id::local(&self.variant.id));
        let answer: Answer =
            admin.run(&operations::PRICE_ON_LIST, json!({ "list": list, "query": query }))?;
        let Some(found) = answer.price_list else {
            return Err(Problem::new("price-list-unknown", "the shop does not have the price list")
                .at("priceList")
                .into());
        };
        if found.currency != self.money.currency {
            let message = format!(
                "the price is in {}, and the price list is in {}",
                self.money.currency, found.currency
            );
            return Err(Problem::new("price-currency", message).at("amount.currency").into());
        }
        let fixed = found.prices.nodes.into_iter().find(|fixed| fixed.variant.id == self.variant.id);
        let there = match (fixed, self.minimum) {
            (None, _) => None,
            (Some(fixed), None) => Some(fixed.price),
            (Some(fixed), Some(minimum)) => {
                let mut breaks = fixed.quantity_price_breaks.nodes.into_iter();
                breaks.find(|one| one.minimum_quantity == minimum).map(|one| one.price)
            }
        };
        Ok(match there {
            Some(there) => {
                money::decimal(&there.amount)? == self.amount && there.currency_code == self.money.currency
            }
            None => false,
        })
    }

    fn write(&self, admin: &Admin) -> Result<(), Outcome> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Answer {
            quantity_pricing_by_variant_update: Option<Done>,
        }
        let Some(list) = &self.list else {
            let fields = Map::from_iter([("price".to_owned(), json!(self.money.amount))]);
            return product::write(&self.variant, Map::new(), fields, admin);
        };
        let money = json!({ "amount": self.money.amount, "currencyCode": self.money.currency });
        let one = |mut price: Value| {
            if let Some(object) = price.as_object_mut() {
                object.insert("variantId".into(), json!(self.variant.id));
                object.insert("price".into(), money.clone());
            }
            json!([price])
        };
        let (prices, breaks) = match self.minimum {
            None => (one(json!({})), json!([])),
            Some(minimum) => (json!([]), one(json!({ "minimumQuantity": minimum }))),
        };
        let input = json!({
            "pricesToAdd": prices,
            "pricesToDeleteByVariantId": [],
            "quantityPriceBreaksToAdd": breaks,
            "quantityPriceBreaksToDelete": [],
            "quantityRulesToAdd": [],
            "quantityRulesToDeleteByVariantId": [],
        });
        let answer: Answer =
            admin.run(&operations::SET_LIST_PRICE, json!({ "list": list, "input": input }))?;
        answer::said(answer.quantity_pricing_by_variant_update, &operations::SET_LIST_PRICE)?.accepted()?;
        Ok(())
    }
}

/// Shopify asks a price from now on. One that begins later than it was told, or has ended by then, is not that.
fn in_force(price: &ListPrice) -> Result<(), Outcome> {
    let moment = |text: &str, field: &str| {
        let unreadable = || Problem::new("instant-unreadable", "what should be a moment is none").at(field);
        text.parse::<jiff::Timestamp>().map_err(|_| unreadable())
    };
    let told = moment(&price.at, "at")?;
    if let Some(until) = &price.until
        && moment(until, "until")? <= told
    {
        return Err(Outcome::Ignored("the price had ended when it was told".into()));
    }
    if let Some(from) = &price.from
        && moment(from, "from")? > told
    {
        let message = format!("the price holds from {from} on, and the shop asks what it is told at once");
        return Err(Problem::new("price-later", message).at("from").into());
    }
    Ok(())
}

/// From how many on, where that is more than one.
fn minimum(price: &ListPrice) -> Result<Option<i64>, Outcome> {
    let Some(minimum) = price.minimum.as_deref() else { return Ok(None) };
    let whole = Some(money::decimal(minimum)?.normalize()).filter(|number| number.scale() == 0);
    let whole = whole.and_then(|number| i64::try_from(number).ok()).ok_or_else(|| {
        Problem::new("quantity-not-whole", format!("a shop sells whole pieces, and this is {minimum}"))
            .at("minimum")
    })?;
    Ok((whole > 1).then_some(whole))
}
