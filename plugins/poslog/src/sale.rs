//! A sale as an order that was placed, paid and fulfilled at once.

use crossdock_sdk::prelude::*;
use serde_json::json;

use crate::allocation::allocate;
use crate::amount::{price, unit_price};
use crate::basket::Basket;
use crate::discount::Discount;
use crate::header::Header;
use crate::interpretation::Interpretation;
use crate::line_item::LineItem;
use crate::payments::Payments;
use crate::tax::Tax;
use crate::xml;

/// The `order.placed` event of a sale.
pub(crate) fn event(
    header: &Header<'_>,
    basket: &Basket<'_>,
    interpretation: &Interpretation,
    payments: &Payments,
) -> Result<Event, Problem> {
    let at = header.time()?;
    Ok(Event {
        entity: header.order(&header.key),
        parent: None,
        version: Some(Version::at(at.clone())),
        occurred_at: at,
        fact: Fact::placed(order(header, basket, interpretation, payments)?),
    })
}

/// The sale as an order.
pub(crate) fn order(
    header: &Header<'_>,
    basket: &Basket<'_>,
    interpretation: &Interpretation,
    payments: &Payments,
) -> Result<Order, Problem> {
    let currency = basket.currency.as_str();
    let money = |amount: Decimal| price(amount, currency);
    let lines = lines(header, basket, interpretation);
    let subtotal: Decimal = basket.sold().map(|item| interpretation.undiscounted(item)).sum();
    let tax: Decimal = basket.sold().map(LineItem::tax).sum::<Decimal>()
        + transaction_taxes(basket, interpretation).map(|tax| tax.amount).sum::<Decimal>();
    let mut discounts = Decimal::ZERO;
    for discount in lines.iter().flat_map(|line| &line.discounts) {
        discounts += money::decimal(&discount.amount.shop.amount)?;
    }
    let due = interpretation.sale_total + interpretation.rounding;
    let outstanding = due - payments.paid;
    Ok(Order {
        number: number(header, basket),
        channel: "pos".into(),
        placed_at: header.time()?,
        processed_at: None,
        business_date: Some(header.date.clone()),
        natural_key: Some(header.key.clone()),
        store: Some(header.store.to_owned()),
        register: Some(header.register.to_owned()),
        staff_id: xml::text(header.node, "OperatorID").map(str::to_owned),
        currency: currency.to_owned(),
        presentment_currency: None,
        prices_include_tax: interpretation.prices_include_tax,
        duties_included: false,
        payment: if outstanding <= Decimal::ZERO {
            PaymentState::Paid
        } else if payments.paid > Decimal::ZERO {
            PaymentState::PartiallyPaid
        } else {
            PaymentState::Pending
        },
        fulfilment: FulfilmentState::Fulfilled,
        cancelled_at: None,
        cancel_reason: None,
        test: false,
        customer: customer(header, basket),
        personal: None,
        lines,
        shipping: vec![],
        payments: payments.sale.clone(),
        po_number: None,
        discount_codes: vec![],
        totals: Totals {
            lines: money(subtotal),
            discounts: money(discounts),
            shipping: money(Decimal::ZERO),
            tax: money(tax),
            tips: None,
            duties: None,
            cash_rounding: (!interpretation.rounding.is_zero()).then(|| money(interpretation.rounding)),
            total: money(interpretation.sale_total),
            outstanding: Some(money(outstanding.max(Decimal::ZERO))),
        },
        tags: vec![],
        exchange_of: None,
        extensions: extensions(basket),
    })
}

/// The human-readable number: the receipt's, else store, register and sequence.
fn number(header: &Header<'_>, basket: &Basket<'_>) -> String {
    let receipt =
        xml::text(header.node, "ReceiptNumber").or_else(|| xml::text(basket.retail, "ReceiptNumber"));
    receipt.map_or_else(|| format!("{}-{}-{}", header.store, header.register, header.sequence), str::to_owned)
}

/// The customer by the till's customer number, else by that of a loyalty card. Names and addresses are not read.
fn customer(header: &Header<'_>, basket: &Basket<'_>) -> Option<Entity> {
    let customer =
        xml::child(basket.retail, "Customer").and_then(|customer| xml::text(customer, "CustomerID"));
    let account = || xml::text(xml::child(basket.retail, "LoyaltyAccount")?, "CustomerID");
    let card = || {
        let line = |line| xml::text(xml::child(line, "LoyaltyMembership")?, "LoyaltyID");
        xml::children(basket.retail, "LineItem").find_map(line)
    };
    let id = customer.or_else(account).or_else(card)?;
    Some(header.settings.entity(EntityKind::Customer, id))
}

/// The printed total, where it includes rounding: the vocabulary has no field for it.
fn extensions(basket: &Basket<'_>) -> Option<String> {
    let printed = basket.printed_total.filter(|_| !basket.rounding.is_zero())?;
    Some(json!({ "printedTotal": printed.to_string() }).to_string())
}

/// The taxes of the whole transaction that are in addition to those of the lines.
fn transaction_taxes<'b>(
    basket: &'b Basket<'_>,
    interpretation: &Interpretation,
) -> impl Iterator<Item = &'b Tax> {
    let applies = interpretation.adds_transaction_taxes;
    basket.taxes.iter().filter(move |_| applies)
}

/// The lines, with the discounts, rewards and taxes of the whole transaction allocated to them.
fn lines(header: &Header<'_>, basket: &Basket<'_>, interpretation: &Interpretation) -> Vec<Line> {
    let sold: Vec<&LineItem<'_>> = basket.sold().collect();
    let places = money::exponent(&basket.currency);
    let amounts: Vec<Decimal> = sold.iter().map(|item| interpretation.discounted(item)).collect();
    let discounts = discounts(basket, interpretation, &sold, &amounts, places);
    let mut taxes: Vec<Vec<TaxLine>> = sold
        .iter()
        .map(|item| item.taxes.iter().map(|tax| tax.line(tax.amount, &basket.currency)).collect())
        .collect();
    for tax in transaction_taxes(basket, interpretation) {
        let weights = tax_weights(tax, &sold, &amounts);
        for (line, share) in taxes.iter_mut().zip(allocate(tax.amount, &weights, places)) {
            if !share.is_zero() {
                line.push(tax.line(share, &basket.currency));
            }
        }
    }
    sold.iter()
        .zip(discounts)
        .zip(taxes)
        .map(|((item, discounts), taxes)| {
            line(header, item, interpretation, &basket.currency, discounts, taxes)
        })
        .collect()
}

/// The discounts of each line: its own, its shares of those of the whole transaction, and its rewards.
fn discounts(
    basket: &Basket<'_>,
    interpretation: &Interpretation,
    sold: &[&LineItem<'_>],
    amounts: &[Decimal],
    places: u32,
) -> Vec<Vec<Discount>> {
    let mut discounts: Vec<Vec<Discount>> = sold.iter().map(|item| item.discounts.clone()).collect();
    let mut allocate_discount = |title: Option<String>, amount: Decimal| {
        for (line, share) in discounts.iter_mut().zip(allocate(amount, amounts, places)) {
            if !share.is_zero() {
                line.push(Discount { title: title.clone(), amount: share });
            }
        }
    };
    for discount in &basket.discounts {
        allocate_discount(discount.title.clone(), discount.amount);
    }
    let mut line_rewards: Vec<(usize, Discount)> = Vec::new();
    for reward in interpretation.deducted_rewards(basket) {
        let title = reward.title.map(str::to_owned);
        let line = reward
            .operator_sequence
            .and_then(|sequence| sold.iter().position(|item| item.operator_sequence == Some(sequence)));
        match line {
            Some(line) => line_rewards.push((line, Discount { title, amount: reward.amount })),
            None => allocate_discount(title, reward.amount),
        }
    }
    for (at, reward) in line_rewards {
        if let Some(line) = discounts.get_mut(at) {
            line.push(reward);
        }
    }
    discounts
}

/// The weights by which a tax of the whole transaction is allocated: the amounts of the lines that refer to the tax
/// (`Itemizers Tax1="true"`), or else of all lines that are not flagged as free of tax.
fn tax_weights(tax: &Tax, sold: &[&LineItem<'_>], amounts: &[Decimal]) -> Vec<Decimal> {
    let flag = tax.id.as_ref().map(|id| format!("Tax{id}"));
    let refers = |item: &LineItem<'_>| {
        let itemizers = xml::child(item.node, "Itemizers");
        itemizers.zip(flag.as_ref()).is_some_and(|(node, flag)| xml::flag(node, flag))
    };
    let any_refers = sold.iter().any(|item| refers(item));
    let is_taxed = |item: &LineItem<'_>| {
        if any_refers { refers(item) } else { xml::boolean(item.node, "TaxableFlag") != Some(false) }
    };
    let weight =
        |(item, amount): (&&LineItem<'_>, &Decimal)| if is_taxed(item) { *amount } else { Decimal::ZERO };
    sold.iter().zip(amounts).map(weight).collect()
}

fn line(
    header: &Header<'_>,
    item: &LineItem<'_>,
    interpretation: &Interpretation,
    currency: &str,
    discounts: Vec<Discount>,
    taxes: Vec<TaxLine>,
) -> Line {
    let (unit_price, excess) = unit_price(interpretation.undiscounted(item), item.quantity, item.list_price);
    let rounding =
        (!excess.is_zero()).then(|| Discount { title: Some("rounding".to_owned()), amount: excess });
    let allocation = |discount: Discount| DiscountAllocation {
        title: discount.title,
        amount: price(discount.amount, currency),
    };
    let taxable_flag = xml::boolean(item.node, "TaxableFlag");
    Line {
        id: item.id.clone(),
        kind: item.kind,
        sku: item.sku.map(str::to_owned),
        product_id: None,
        variant_id: None,
        gtin: item.gtin.clone(),
        title: item.title.clone(),
        quantity: item.quantity.normalize().to_string(),
        current_quantity: None,
        unit: item.unit.clone(),
        unit_price: price(unit_price, currency),
        regular_price: item
            .list_price
            .filter(|list_price| *list_price != unit_price)
            .map(|list_price| price(list_price, currency)),
        discounts: discounts.into_iter().chain(rounding).map(allocation).collect(),
        taxable: taxable_flag.unwrap_or(!taxes.is_empty()),
        taxes,
        duties: vec![],
        ships: false,
        grams: None,
        bundle: None,
        location: Some(header.store.to_owned()),
    }
}
