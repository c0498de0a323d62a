//! A sale as an order that was placed, paid and taken home at once.

use crossdock_sdk::prelude::*;
use serde_json::json;

use crate::basket::Basket;
use crate::goods::Goods;
use crate::reading::Reading;
use crate::share::share;
use crate::tender::Moved;
use crate::transaction::Head;
use crate::xml;

/// `order.placed`.
pub(crate) fn event(
    head: &Head<'_>,
    basket: &Basket<'_>,
    reading: &Reading,
    moved: &Moved,
) -> Result<Event, Problem> {
    let at = head.at()?;
    Ok(Event {
        entity: head.order(&head.key),
        parent: None,
        version: Some(Version::at(at.clone())),
        occurred_at: at,
        fact: Fact::placed(order(head, basket, reading, moved)?),
    })
}

/// The sale as an order.
pub(crate) fn order(
    head: &Head<'_>,
    basket: &Basket<'_>,
    reading: &Reading,
    moved: &Moved,
) -> Result<Order, Problem> {
    let currency = basket.currency.as_str();
    let money = |amount: Decimal| price(amount, currency);
    let lines = lines(head, basket, reading);
    let full: Decimal = basket.sold().map(|goods| reading.full(goods)).sum();
    let tax: Decimal = basket.sold().map(Goods::tax).sum::<Decimal>()
        + basket.taxes.iter().filter(|_| reading.whole).map(|tax| tax.amount).sum::<Decimal>();
    let mut discounts = Decimal::ZERO;
    for discount in lines.iter().flat_map(|line| &line.discounts) {
        discounts += money::decimal(&discount.amount.shop.amount)?;
    }
    let due = reading.sale + reading.rounding;
    let left = due - moved.paid;
    Ok(Order {
        number: number(head, basket),
        channel: "pos".into(),
        placed_at: head.at()?,
        processed_at: None,
        business_date: Some(head.date.clone()),
        natural_key: Some(head.key.clone()),
        store: Some(head.store.to_owned()),
        register: Some(head.register.to_owned()),
        staff_id: xml::text(head.node, "OperatorID").map(str::to_owned),
        currency: currency.to_owned(),
        presentment_currency: None,
        prices_include_tax: reading.included,
        duties_included: false,
        payment: if left <= Decimal::ZERO {
            PaymentState::Paid
        } else if moved.paid > Decimal::ZERO {
            PaymentState::PartiallyPaid
        } else {
            PaymentState::Pending
        },
        fulfilment: FulfilmentState::Fulfilled,
        cancelled_at: None,
        cancel_reason: None,
        test: false,
        customer: customer(head, basket),
        personal: None,
        lines,
        shipping: vec![],
        payments: moved.sale.clone(),
        po_number: None,
        discount_codes: vec![],
        totals: Totals {
            lines: money(full),
            discounts: money(discounts),
            shipping: money(Decimal::ZERO),
            tax: money(tax),
            tips: None,
            duties: None,
            cash_rounding: (!reading.rounding.is_zero()).then(|| money(reading.rounding)),
            total: money(reading.sale),
            outstanding: Some(money(left.max(Decimal::ZERO))),
        },
        tags: vec![],
        exchange_of: None,
        extensions: extensions(basket),
    })
}

/// An amount with the currency's places at least.
pub(crate) fn price(amount: Decimal, currency: &str) -> Price {
    let mut amount = amount.normalize();
    if amount.scale() < money::exponent(currency) {
        amount.rescale(money::exponent(currency));
    }
    Price::shop(amount.to_string(), currency)
}

/// What a person calls it: the receipt's number, or where it was printed and the number it had there.
fn number(head: &Head<'_>, basket: &Basket<'_>) -> String {
    let receipt = xml::text(head.node, "ReceiptNumber").or_else(|| xml::text(basket.retail, "ReceiptNumber"));
    receipt.map_or_else(|| format!("{}-{}-{}", head.store, head.register, head.sequence), str::to_owned)
}

/// The customer by the number that the till has, or that of a loyalty card. Names and addresses are left alone.
fn customer(head: &Head<'_>, basket: &Basket<'_>) -> Option<Entity> {
    let customer = xml::child(basket.retail, "Customer").and_then(|told| xml::text(told, "CustomerID"));
    let account = || xml::text(xml::child(basket.retail, "LoyaltyAccount")?, "CustomerID");
    let card = || {
        let line = |line| xml::text(xml::child(line, "LoyaltyMembership")?, "LoyaltyID");
        xml::children(basket.retail, "LineItem").find_map(line)
    };
    let id = customer.or_else(account).or_else(card)?;
    Some(head.settings.entity(EntityKind::Customer, id))
}

/// What the vocabulary has no place for: the till's total, where rounding was in it.
fn extensions(basket: &Basket<'_>) -> Option<String> {
    let printed = basket.printed.filter(|_| !basket.rounding.is_zero())?;
    Some(json!({ "printedTotal": printed.to_string() }).to_string())
}

/// The lines, with what was taken off the whole shared among them, and the whole's taxes too.
fn lines(head: &Head<'_>, basket: &Basket<'_>, reading: &Reading) -> Vec<Line> {
    let sold: Vec<&Goods<'_>> = basket.sold().collect();
    let places = money::exponent(&basket.currency);
    let nets: Vec<Decimal> = sold.iter().map(|goods| reading.net(goods)).collect();
    let mut off: Vec<Vec<(Option<String>, Decimal)>> = sold.iter().map(|goods| goods.off.clone()).collect();
    let mut spread = |title: Option<String>, amount: Decimal| {
        for (line, share) in off.iter_mut().zip(share(amount, &nets, places)) {
            if !share.is_zero() {
                line.push((title.clone(), share));
            }
        }
    };
    for (title, amount) in &basket.off {
        spread(title.clone(), *amount);
    }
    let mut own: Vec<(usize, Option<String>, Decimal)> = Vec::new();
    for reward in reading.counted(basket) {
        let title = reward.title.map(str::to_owned);
        let line = reward
            .operator
            .and_then(|operator| sold.iter().position(|goods| goods.operator == Some(operator)));
        match line {
            Some(line) => own.push((line, title, reward.off)),
            None => spread(title, reward.off),
        }
    }
    for (at, title, amount) in own {
        if let Some(line) = off.get_mut(at) {
            line.push((title, amount));
        }
    }
    let mut taxes: Vec<Vec<TaxLine>> = sold
        .iter()
        .map(|goods| goods.taxes.iter().map(|tax| tax.line(tax.amount, &basket.currency)).collect())
        .collect();
    for tax in basket.taxes.iter().filter(|_| reading.whole) {
        let weights = tax.falls_on(&sold, &nets);
        for (line, share) in taxes.iter_mut().zip(share(tax.amount, &weights, places)) {
            if !share.is_zero() {
                line.push(tax.line(share, &basket.currency));
            }
        }
    }
    sold.iter()
        .zip(off)
        .zip(taxes)
        .map(|((goods, off), taxes)| line(head, goods, reading, &basket.currency, off, taxes))
        .collect()
}

fn line(
    head: &Head<'_>,
    goods: &Goods<'_>,
    reading: &Reading,
    currency: &str,
    off: Vec<(Option<String>, Decimal)>,
    taxes: Vec<TaxLine>,
) -> Line {
    let (each, over) = each(reading.full(goods), goods.quantity, goods.regular);
    let discount = |(title, amount): (Option<String>, Decimal)| DiscountAllocation {
        title,
        amount: price(amount, currency),
    };
    let rounding = (!over.is_zero()).then(|| (Some("rounding".to_owned()), over));
    let flagged = xml::said(goods.node, "TaxableFlag");
    Line {
        id: goods.id.clone(),
        kind: goods.kind,
        sku: goods.sku.map(str::to_owned),
        product_id: None,
        variant_id: None,
        gtin: goods.gtin.clone(),
        title: goods.title.clone(),
        quantity: goods.quantity.normalize().to_string(),
        current_quantity: None,
        unit: goods.unit.clone(),
        unit_price: price(each, currency),
        regular_price: goods
            .regular
            .filter(|regular| *regular != each)
            .map(|regular| price(regular, currency)),
        discounts: off.into_iter().chain(rounding).map(discount).collect(),
        taxable: flagged.unwrap_or(!taxes.is_empty()),
        taxes,
        duties: vec![],
        ships: false,
        grams: None,
        bundle: None,
        location: Some(head.store.to_owned()),
    }
}

/// The price of one such that price × quantity is the amount to the last digit, and what it is too much by where
/// no price does that. Tills round what is weighed, and sell two for six: the price on file is taken where it
/// makes the amount.
fn each(amount: Decimal, quantity: Decimal, regular: Option<Decimal>) -> (Decimal, Decimal) {
    if let Some(regular) = regular.filter(|regular| regular.checked_mul(quantity) == Some(amount)) {
        return (regular, Decimal::ZERO);
    }
    let exact = amount.checked_div(quantity).map(|each| each.normalize()).unwrap_or_default();
    if exact.scale() <= 8 && exact * quantity == amount {
        return (exact, Decimal::ZERO);
    }
    let mut up = exact.round_dp(8);
    if up * quantity < amount {
        up += Decimal::new(1, 8);
    }
    (up, up * quantity - amount)
}
