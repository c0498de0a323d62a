//! Writes the base price of an article, or its price on one of the shop's price lists.

use crossdock_sdk::prelude::*;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::article::NOT_IN_SHOP;
use super::lookup;
use super::product::{self, Variant};
use super::shipment_lines::VariantId;
use crate::admin::response::{MutationPayload, require_payload};
use crate::admin::{Admin, id, operations};

/// The mapping table of price lists. Its values are the id of a price list of the shop, or [`NOT_IN_SHOP`].
const TABLE: &str = "price-list";

/// Delivers a price.
///
/// # Errors
/// The outcome, where it could not be delivered.
pub fn deliver(price: &ListPrice, admin: &Admin) -> Result<Outcome, Outcome> {
    let price = VariantPrice::of(price, admin)?;
    if price.is_set(admin)? {
        return Ok(Outcome::AlreadyThere(product::receipt(&price.variant)));
    }
    price.write(admin)?;
    Ok(Outcome::Posted(product::receipt(&price.variant)))
}

/// Looks up whether the price was written.
pub fn find(price: &ListPrice, admin: &Admin) -> Found {
    lookup::from_receipt(
        VariantPrice::of(price, admin)
            .and_then(|price| Ok(price.is_set(admin)?.then(|| product::receipt(&price.variant)))),
    )
}

/// The price to set for a variant.
struct VariantPrice<'a> {
    amount: Decimal,
    money: &'a Money,
    /// The price list. None for the base price.
    list: Option<String>,
    /// The minimum quantity. None when there is none.
    minimum: Option<i64>,
    variant: Variant,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Amount {
    amount: String,
    currency_code: String,
}

impl<'a> VariantPrice<'a> {
    fn of(price: &'a ListPrice, admin: &Admin) -> Result<Self, Outcome> {
        check_validity(price)?;
        let list = match &price.price_list {
            None => None,
            Some(list) => match mappings::require(TABLE, list)?.as_str() {
                NOT_IN_SHOP => {
                    return Err(Outcome::Ignored(format!("price list {list} is not one of this shop")));
                }
                target => Some(id::global("PriceList", target)),
            },
        };
        let minimum = minimum(price)?;
        if list.is_none() && minimum.is_some() {
            return Err(Outcome::Ignored("a base price has no minimum quantity in the shop".into()));
        }
        let (terms, variant) = product::require_variant(&price.sku, admin)?;
        let amount = money::decimal(&price.amount.amount)?;
        if list.is_none() && terms.currency_code != price.amount.currency {
            let message = format!(
                "the price is in {}, and the shop's base prices are in {}",
                price.amount.currency, terms.currency_code
            );
            return Err(Problem::new("price-currency", message).at("amount.currency").into());
        }
        if terms.taxes_included != price.includes_tax {
            let with = |included| if included { "with tax" } else { "without tax" };
            let message = format!(
                "the price is {}, and the shop's prices are {}",
                with(price.includes_tax),
                with(terms.taxes_included)
            );
            return Err(Problem::new("price-tax", message).at("includesTax").into());
        }
        Ok(Self { amount, money: &price.amount, list, minimum, variant })
    }

    fn is_set(&self, admin: &Admin) -> Result<bool, Outcome> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Data {
            price_list: Option<PriceList>,
        }
        #[derive(Deserialize)]
        struct PriceList {
            currency: String,
            prices: Nodes<FixedPrice>,
        }
        #[derive(Deserialize)]
        struct Nodes<T> {
            nodes: Vec<T>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct FixedPrice {
            variant: VariantId,
            price: Amount,
            quantity_price_breaks: Nodes<QuantityBreak>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct QuantityBreak {
            minimum_quantity: i64,
            price: Amount,
        }
        let Some(list) = &self.list else {
            return Ok(money::decimal(&self.variant.price)? == self.amount);
        };
        let query = format!("variant_id:{}", id::local(&self.variant.id));
        let data: Data = admin.run(&operations::PRICE_ON_LIST, json!({ "list": list, "query": query }))?;
        let Some(price_list) = data.price_list else {
            return Err(Problem::new("price-list-unknown", "the shop does not have the price list")
                .at("priceList")
                .into());
        };
        if price_list.currency != self.money.currency {
            let message = format!(
                "the price is in {}, and the price list is in {}",
                self.money.currency, price_list.currency
            );
            return Err(Problem::new("price-currency", message).at("amount.currency").into());
        }
        let fixed = price_list.prices.nodes.into_iter().find(|fixed| fixed.variant.id == self.variant.id);
        let current = match (fixed, self.minimum) {
            (None, _) => None,
            (Some(fixed), None) => Some(fixed.price),
            (Some(fixed), Some(minimum)) => {
                let mut breaks = fixed.quantity_price_breaks.nodes.into_iter();
                breaks.find(|one| one.minimum_quantity == minimum).map(|one| one.price)
            }
        };
        Ok(match current {
            Some(current) => {
                money::decimal(&current.amount)? == self.amount
                    && current.currency_code == self.money.currency
            }
            None => false,
        })
    }

    fn write(&self, admin: &Admin) -> Result<(), Outcome> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Data {
            quantity_pricing_by_variant_update: Option<MutationPayload>,
        }
        let Some(list) = &self.list else {
            let fields = Map::from_iter([("price".to_owned(), json!(self.money.amount))]);
            return product::write(&self.variant, Map::new(), fields, admin);
        };
        let money = json!({ "amount": self.money.amount, "currencyCode": self.money.currency });
        let price_input = |mut price: Value| {
            if let Some(object) = price.as_object_mut() {
                object.insert("variantId".into(), json!(self.variant.id));
                object.insert("price".into(), money.clone());
            }
            json!([price])
        };
        let (prices, breaks) = match self.minimum {
            None => (price_input(json!({})), json!([])),
            Some(minimum) => (json!([]), price_input(json!({ "minimumQuantity": minimum }))),
        };
        let input = json!({
            "pricesToAdd": prices,
            "pricesToDeleteByVariantId": [],
            "quantityPriceBreaksToAdd": breaks,
            "quantityPriceBreaksToDelete": [],
            "quantityRulesToAdd": [],
            "quantityRulesToDeleteByVariantId": [],
        });
        let variables = json!({ "list": list, "input": input });
        let data: Data = admin.run(&operations::SET_LIST_PRICE, variables)?;
        require_payload(data.quantity_pricing_by_variant_update, &operations::SET_LIST_PRICE)?.check()?;
        Ok(())
    }
}

/// Checks that the price is valid at the time of its last change: a price takes effect in Shopify at once.
fn check_validity(price: &ListPrice) -> Result<(), Outcome> {
    let timestamp = |text: &str, field: &str| {
        let invalid = || Problem::new("instant-unreadable", "the value is not a timestamp").at(field);
        text.parse::<jiff::Timestamp>().map_err(|_| invalid())
    };
    let changed = timestamp(&price.at, "at")?;
    if let Some(until) = &price.until
        && timestamp(until, "until")? <= changed
    {
        return Err(Outcome::Ignored("the price had already ended when it was changed".into()));
    }
    if let Some(from) = &price.from
        && timestamp(from, "from")? > changed
    {
        let message = format!("the price is valid from {from}, but a price takes effect in the shop at once");
        return Err(Problem::new("price-later", message).at("from").into());
    }
    Ok(())
}

/// The minimum quantity, where it is more than one.
fn minimum(price: &ListPrice) -> Result<Option<i64>, Outcome> {
    let Some(minimum) = price.minimum.as_deref() else { return Ok(None) };
    let whole = Some(money::decimal(minimum)?.normalize()).filter(|number| number.scale() == 0);
    let whole = whole.and_then(|number| i64::try_from(number).ok()).ok_or_else(|| {
        Problem::new("quantity-not-whole", format!("a shop sells whole units, and the minimum is {minimum}"))
            .at("minimum")
    })?;
    Ok((whole > 1).then_some(whole))
}
