//! What was brought back and given back.
//!
//! Square keeps a return as an order of its own: its `returns` name the order and the lines that were sold, its
//! `refunds` the money. So the refund is that order's, once, with all of its money; a notification of a refund
//! only says when to look. Money that is still under way is waited for: another notification follows. A refund
//! of an amount without goods is the refund's own.

use std::collections::VecDeque;

use crossdock_sdk::prelude::*;

use crate::amount::{self, price};
use crate::api::Api;
use crate::line::quantity;
use crate::payload::{self, Order, Return};
use crate::repaid::{draw, exchange, exchanged, moved, payment, total};
use crate::settings::Settings;
use crate::{day, order, tender};

/// The events that a notification of a refund is about.
pub(crate) fn notified(told: &payload::Refund, square: &Api) -> Result<Vec<Event>, Failure> {
    match told.status.as_deref() {
        Some("COMPLETED") => {}
        Some("REJECTED" | "FAILED") => {
            log::warn(format!("refund {} came to nothing", told.id));
            return Ok(vec![]);
        }
        _ => return Ok(vec![]),
    }
    let kept = match &told.order_id {
        Some(id) => match square.order(id) {
            Ok(order) => Some(order),
            Err(http::Error::NotFound(_)) => None,
            Err(error) => return Err(error.into()),
        },
        None => None,
    };
    // The refund is of the payment's order, where its own order does not name another.
    let sale = || -> Result<Option<String>, Failure> {
        let Some(id) = &told.payment_id else { return Ok(None) };
        Ok(square.payment(id)?.and_then(|payment| payment.order_id))
    };
    match kept {
        Some(order) if !order.returns.is_empty() => {
            let named = order.returns.iter().all(|back| back.source_order_id.is_some());
            let sale = if named { None } else { sale()? };
            Ok(of_order(&square.settings, &order, Some((told, sale.as_deref())))?)
        }
        Some(order) if !order.line_items.is_empty() => {
            Ok(vec![of_amount(&square.settings, told, Some(&order.id))?])
        }
        _ => Ok(vec![of_amount(&square.settings, told, sale()?.as_deref())?]),
    }
}

/// The refunds that an order holds: none, where nothing was brought back, or its money is still under way. `told`
/// is the refund that made somebody look, and the order it is of where that is known from its payment.
pub(crate) fn of_order(
    settings: &Settings,
    order: &Order,
    told: Option<(&payload::Refund, Option<&str>)>,
) -> Result<Vec<Event>, Problem> {
    let Some(moved) = moved(order, told.map(|(told, _)| told)) else { return Ok(vec![]) };
    let amounts = order
        .returns
        .iter()
        .flat_map(|back| back.return_line_items.iter().map(|line| line.total_money.as_ref()));
    let currency = amount::currency([order.total_money.as_ref()].into_iter().chain(amounts))?;
    let mut payments = VecDeque::new();
    for (refund, told) in &moved {
        payments.push_back(payment(order, refund, *told, &currency)?);
    }
    let totals = order.returns.iter().map(|back| total(back, &currency)).collect::<Result<Vec<_>, _>>()?;
    let exchanged = exchanged(order, &currency)?;
    let at = order.created_at.clone().map_or_else(|| order::updated(order), Ok)?;
    // What was taken in exchange was paid with the goods that were brought back.
    if exchanged > Decimal::ZERO {
        payments.push_back(exchange(order, exchanged, PaymentKind::Refund, &currency, &at));
    }
    let last = order.returns.len().saturating_sub(1);
    let mut events = Vec::new();
    for (nth, (back, total)) in order.returns.iter().zip(totals).enumerate() {
        let sale = back.source_order_id.as_deref().or(told.and_then(|(_, sale)| sale));
        let id = if last == 0 { order.id.clone() } else { format!("{}/{}", order.id, nth + 1) };
        let drawn = draw(&mut payments, (nth < last).then_some(total), &currency)?;
        let mut refund = goods(settings, order, back, &currency, sale.is_some(), &at)?;
        refund.payments = drawn;
        refund.personal = told.and_then(|(told, _)| noted(told.reason.as_ref()));
        events.push(event(settings, id, sale, refund));
    }
    Ok(events)
}

/// The goods of a return. A line that names no line of the sale is an amount only.
fn goods(
    settings: &Settings,
    order: &Order,
    back: &Return,
    currency: &str,
    of_sale: bool,
    at: &str,
) -> Result<Refund, Problem> {
    let money = |told: Option<&payload::Money>, field: &str| amount::of(told, currency, field);
    let (mut lines, mut adjustments) = (Vec::new(), Vec::new());
    let mut adjust = |id: String, reason: &str, amount: Decimal, tax: Decimal| {
        if !(amount.is_zero() && tax.is_zero()) {
            let (amount, tax) = (price(-amount, currency), price(-tax, currency));
            adjustments.push(RefundAdjustment { id, reason: reason.into(), amount, tax });
        }
    };
    for (at, line) in back.return_line_items.iter().enumerate() {
        let field = format!("return_line_items[{at}]");
        let tax = money(line.total_tax_money.as_ref(), &field)?;
        let net = money(line.total_money.as_ref(), &field)? - tax;
        let id = line.uid.clone().unwrap_or_else(|| (at + 1).to_string());
        let Some(sold) = line.source_line_item_uid.clone().filter(|_| of_sale) else {
            adjust(id, "AMOUNT", net, tax);
            continue;
        };
        lines.push(RefundLine {
            id,
            line: sold,
            quantity: quantity(&line.quantity).map_err(|problem| problem.at(field))?.to_string(),
            restock: if settings.restock { RestockKind::Return } else { RestockKind::NoRestock },
            location: order.location_id.clone().filter(|_| settings.restock),
            subtotal: price(net, currency),
            tax: price(tax, currency),
        });
    }
    for (at, charge) in back.return_service_charges.iter().enumerate() {
        let tax = money(charge.total_tax_money.as_ref(), "return_service_charges")?;
        let net = money(charge.total_money.as_ref(), "return_service_charges")? - tax;
        adjust(
            charge.uid.clone().unwrap_or_else(|| format!("charge-{}", at + 1)),
            "SERVICE_CHARGE",
            net,
            tax,
        );
    }
    for (at, tip) in back.return_tips.iter().enumerate() {
        let amount = money(tip.applied_money.as_ref(), "return_tips")?;
        adjust(tip.uid.clone().unwrap_or_else(|| format!("tip-{}", at + 1)), "TIP", amount, Decimal::ZERO);
    }
    if let Some(rounding) = &back.rounding_adjustment {
        adjust(
            "rounding".into(),
            "CASH_ROUNDING",
            money(rounding.amount_money.as_ref(), "rounding_adjustment")?,
            Decimal::ZERO,
        );
    }
    Ok(Refund { lines, adjustments, ..bare(settings, order.location_id.clone(), currency, at)? })
}

/// A refund of an amount, without goods.
fn of_amount(settings: &Settings, told: &payload::Refund, sale: Option<&str>) -> Result<Event, Problem> {
    let currency = amount::currency([told.amount_money.as_ref()])?;
    let at = told.created_at.clone().ok_or_else(|| {
        Problem::new("time-missing", "the refund does not say when it was made").at("created_at")
    })?;
    let word = told.destination_type.as_deref();
    let mut refund = bare(settings, told.location_id.clone(), &currency, &at)?;
    refund.personal = noted(told.reason.as_ref());
    refund.payments = vec![Payment {
        id: told.id.clone(),
        kind: PaymentKind::Refund,
        outcome: PaymentResult::Success,
        tender: word.map_or(TenderKind::Other, tender::kind),
        gateway: word.unwrap_or("square").to_ascii_lowercase(),
        amount: price(amount::of(told.amount_money.as_ref(), &currency, "amount_money")?, &currency),
        at,
        authorization: None,
        parent: told.payment_id.clone(),
        test: false,
    }];
    Ok(event(settings, told.id.clone(), sale, refund))
}

fn bare(settings: &Settings, store: Option<String>, currency: &str, at: &str) -> Result<Refund, Problem> {
    Ok(Refund {
        at: at.to_owned(),
        processed_at: None,
        business_date: day::of(settings, store.as_deref(), at)?,
        store,
        currency: currency.to_owned(),
        lines: vec![],
        adjustments: vec![],
        shipping: vec![],
        duties: vec![],
        taxes: vec![],
        payments: vec![],
        return_id: None,
        personal: None,
        extensions: None,
    })
}

fn event(settings: &Settings, id: String, sale: Option<&str>, refund: Refund) -> Event {
    Event {
        entity: settings.entity(EntityKind::Refund, id),
        parent: sale.map(|sale| settings.entity(EntityKind::Order, sale)),
        version: None,
        occurred_at: refund.at.clone(),
        fact: Fact::RefundIssued(refund),
    }
}

/// The staff's note, which people write names in.
fn noted(reason: Option<&String>) -> Option<Personal> {
    let note = reason.filter(|reason| !reason.trim().is_empty())?.clone();
    Some(Personal { note: Some(note), ..Personal::default() })
}
