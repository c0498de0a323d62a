//! Discounts of a line and of the whole transaction.

use crossdock_sdk::prelude::*;

use crate::xml::{self, Node};

/// A discount.
#[derive(Clone)]
pub(crate) struct Discount {
    /// The promotion or the reason.
    pub title: Option<String>,
    /// The amount. Positive.
    pub amount: Decimal,
}

/// Reads a `Discount` of the whole transaction. Absent when its amount is zero.
pub(crate) fn of_transaction(node: Node<'_>) -> Result<Option<Discount>, Problem> {
    let amount = xml::number(node, "Amount")?.unwrap_or_default().abs();
    let title = xml::text(node, "PromotionID").or_else(|| xml::text(node, "ReasonCode"));
    Ok((!amount.is_zero()).then(|| Discount { title: title.map(str::to_owned), amount }))
}

/// Reads the discounts of a line, from its price modifiers and its printed discount.
pub(crate) fn of_line(
    node: Node<'_>,
    quantity: Decimal,
    extended: Decimal,
    list_price: Option<Decimal>,
) -> Result<Vec<Discount>, Problem> {
    let printed = xml::number(node, "ExtendedDiscountAmount")?.unwrap_or_default().abs();
    let mut discounts: Vec<Discount> = Vec::new();
    let mut total = Decimal::ZERO;
    let mut has_surcharge = false;
    for modifier in xml::children(node, "RetailPriceModifier") {
        let Some(amount) = xml::child(modifier, "Amount").filter(|_| !xml::flag(modifier, "VoidFlag")) else {
            continue;
        };
        let value = xml::number_in(amount)?.unwrap_or_default().abs();
        match xml::attribute(amount, "Action").unwrap_or("Subtract") {
            "Subtract" if value.is_zero() => {}
            "Subtract" => {
                total += value;
                discounts.push(Discount { title: title(modifier), amount: value });
            }
            "Add" => {
                total -= value;
                has_surcharge = true;
            }
            _ => {}
        }
    }
    // A surcharge reduces the discounts to their difference; alone it is part of the price.
    if has_surcharge {
        let title = discounts.first().and_then(|discount| discount.title.clone());
        discounts = if total > Decimal::ZERO { vec![Discount { title, amount: total }] } else { Vec::new() };
        total = total.max(Decimal::ZERO);
    }
    if discounts.is_empty() {
        return Ok(if printed.is_zero() {
            discounts
        } else {
            vec![Discount { title: None, amount: printed }]
        });
    }
    // Modifiers are per unit on some tills and per line on others.
    let is_per_unit = |line_discount: Decimal| total != line_discount && total * quantity == line_discount;
    let per_unit = match list_price {
        _ if !printed.is_zero() => is_per_unit(printed),
        Some(list_price) => is_per_unit(list_price * quantity - extended.abs()),
        None => false,
    };
    if per_unit {
        discounts.iter_mut().for_each(|discount| discount.amount *= quantity);
    } else if !printed.is_zero() && printed != total {
        let title = discounts.into_iter().find_map(|discount| discount.title);
        discounts = vec![Discount { title, amount: printed }];
    }
    Ok(discounts)
}

fn title(modifier: Node<'_>) -> Option<String> {
    let rule = || xml::text(xml::child(modifier, "PriceDerivationRule")?, "PriceDerivationRuleID");
    let title =
        xml::text(modifier, "PromotionID").or_else(rule).or_else(|| xml::text(modifier, "ReasonCode"));
    title.or_else(|| xml::attribute(modifier, "MethodCode")).map(str::to_owned)
}
