//! Refunds: of returned goods, and of amounts without goods.
//!
//! Square records a return as a separate order: its `returns` name the original order and its lines, its `refunds` the
//! payments. The refund event is derived from that return order, once, with all of its payments; a notification of a
//! refund only triggers reading it. While a payment is pending there is no event: another notification follows. A
//! refund without a return order is derived from the notification itself.

use std::collections::VecDeque;

use crossdock_sdk::prelude::*;

use crate::amount::{self, price};
use crate::api::Api;
use crate::business_day::business_day;
use crate::line::quantity;
use crate::payload::{self, Order, Return};
use crate::repayment::{allocate, completed, exchange_amount, exchange_payment, payment, return_total};
use crate::settings::Settings;
use crate::tender;

/// The events of a notification of a refund.
pub(crate) fn notification_events(notified: &payload::Refund, square: &Api) -> Result<Vec<Event>, Failure> {
    match notified.status.as_deref() {
        Some("COMPLETED") => {}
        Some("REJECTED" | "FAILED") => {
            log::warn(format!("refund {} failed", notified.id));
            return Ok(vec![]);
        }
        _ => return Ok(vec![]),
    }
    let refund_order = match &notified.order_id {
        Some(id) => match square.order(id) {
            Ok(order) => Some(order),
            Err(http::Error::NotFound(_)) => None,
            Err(error) => return Err(error.into()),
        },
        None => None,
    };
    // Where the refund's order does not name the original order, it is the order of the refunded payment.
    let original_order = || -> Result<Option<String>, Failure> {
        let Some(id) = &notified.payment_id else { return Ok(None) };
        Ok(square.payment(id)?.and_then(|payment| payment.order_id))
    };
    match refund_order {
        Some(order) if !order.returns.is_empty() => {
            let all_named = order.returns.iter().all(|returned| returned.source_order_id.is_some());
            let original = if all_named { None } else { original_order()? };
            Ok(return_events(&square.settings, &order, Some((notified, original.as_deref())))?)
        }
        Some(order) if !order.line_items.is_empty() => {
            Ok(vec![amount_event(&square.settings, notified, Some(&order.id))?])
        }
        _ => Ok(vec![amount_event(&square.settings, notified, original_order()?.as_deref())?]),
    }
}

/// The refunds of a return order: none where nothing was returned or a payment is pending. `notified` is the refund of
/// the notification, with the original order if it is known from the refunded payment.
pub(crate) fn return_events(
    settings: &Settings,
    order: &Order,
    notified: Option<(&payload::Refund, Option<&str>)>,
) -> Result<Vec<Event>, Problem> {
    let Some(completed) = completed(order, notified.map(|(refund, _)| refund)) else { return Ok(vec![]) };
    let amounts = order
        .returns
        .iter()
        .flat_map(|returned| returned.return_line_items.iter().map(|line| line.total_money.as_ref()));
    let currency = amount::currency([order.total_money.as_ref()].into_iter().chain(amounts))?;
    let mut payments = VecDeque::new();
    for (refund, notified) in &completed {
        payments.push_back(payment(order, refund, *notified, &currency)?);
    }
    let totals = order
        .returns
        .iter()
        .map(|returned| return_total(returned, &currency))
        .collect::<Result<Vec<_>, _>>()?;
    let exchanged = exchange_amount(order, &currency)?;
    let at = order.created_at.clone().map_or_else(|| order.last_change(), Ok)?;
    // The returned goods paid for the goods taken in exchange.
    if exchanged > Decimal::ZERO {
        payments.push_back(exchange_payment(order, exchanged, PaymentKind::Refund, &currency, &at));
    }
    let last = order.returns.len().saturating_sub(1);
    let mut events = Vec::new();
    for (nth, (returned, total)) in order.returns.iter().zip(totals).enumerate() {
        let original = returned.source_order_id.as_deref().or(notified.and_then(|(_, original)| original));
        let id = if last == 0 { order.id.clone() } else { format!("{}/{}", order.id, nth + 1) };
        let allocated = allocate(&mut payments, (nth < last).then_some(total), &currency)?;
        let mut refund = return_refund(settings, order, returned, &currency, original.is_some(), &at)?;
        refund.payments = allocated;
        refund.personal = notified.and_then(|(refund, _)| staff_note(refund.reason.as_ref()));
        events.push(event(settings, id, original, refund));
    }
    Ok(events)
}

/// The refund of a return, without payments. A line that names no line of the original order becomes an adjustment.
fn return_refund(
    settings: &Settings,
    order: &Order,
    returned: &Return,
    currency: &str,
    has_original: bool,
    at: &str,
) -> Result<Refund, Problem> {
    let money = |money: Option<&payload::Money>, field: &str| amount::decimal(money, currency, field);
    let (mut lines, mut adjustments) = (Vec::new(), Vec::new());
    let mut adjust = |id: String, reason: &str, amount: Decimal, tax: Decimal| {
        if !(amount.is_zero() && tax.is_zero()) {
            let (amount, tax) = (price(-amount, currency), price(-tax, currency));
            adjustments.push(RefundAdjustment { id, reason: reason.into(), amount, tax });
        }
    };
    for (at, line) in returned.return_line_items.iter().enumerate() {
        let field = format!("return_line_items[{at}]");
        let tax = money(line.total_tax_money.as_ref(), &field)?;
        let net = money(line.total_money.as_ref(), &field)? - tax;
        let id = line.uid.clone().unwrap_or_else(|| (at + 1).to_string());
        let Some(order_line) = line.source_line_item_uid.clone().filter(|_| has_original) else {
            adjust(id, "AMOUNT", net, tax);
            continue;
        };
        lines.push(RefundLine {
            id,
            line: order_line,
            quantity: quantity(&line.quantity).map_err(|problem| problem.at(field))?.to_string(),
            restock: if settings.restock { RestockKind::Return } else { RestockKind::NoRestock },
            location: order.location_id.clone().filter(|_| settings.restock),
            subtotal: price(net, currency),
            tax: price(tax, currency),
        });
    }
    for (at, charge) in returned.return_service_charges.iter().enumerate() {
        let tax = money(charge.total_tax_money.as_ref(), "return_service_charges")?;
        let net = money(charge.total_money.as_ref(), "return_service_charges")? - tax;
        adjust(
            charge.uid.clone().unwrap_or_else(|| format!("charge-{}", at + 1)),
            "SERVICE_CHARGE",
            net,
            tax,
        );
    }
    for (at, tip) in returned.return_tips.iter().enumerate() {
        let amount = money(tip.applied_money.as_ref(), "return_tips")?;
        adjust(tip.uid.clone().unwrap_or_else(|| format!("tip-{}", at + 1)), "TIP", amount, Decimal::ZERO);
    }
    if let Some(rounding) = &returned.rounding_adjustment {
        adjust(
            "rounding".into(),
            "CASH_ROUNDING",
            money(rounding.amount_money.as_ref(), "rounding_adjustment")?,
            Decimal::ZERO,
        );
    }
    Ok(Refund { lines, adjustments, ..empty_refund(settings, order.location_id.clone(), currency, at)? })
}

/// The refund of an amount, without goods.
fn amount_event(
    settings: &Settings,
    notified: &payload::Refund,
    original: Option<&str>,
) -> Result<Event, Problem> {
    let currency = amount::currency([notified.amount_money.as_ref()])?;
    let at = notified
        .created_at
        .clone()
        .ok_or_else(|| Problem::new("time-missing", "the refund has no time of creation").at("created_at"))?;
    let destination = notified.destination_type.as_deref();
    let mut refund = empty_refund(settings, notified.location_id.clone(), &currency, &at)?;
    refund.personal = staff_note(notified.reason.as_ref());
    refund.payments = vec![Payment {
        id: notified.id.clone(),
        kind: PaymentKind::Refund,
        outcome: PaymentResult::Success,
        tender: destination.map_or(TenderKind::Other, tender::kind),
        gateway: destination.unwrap_or("square").to_ascii_lowercase(),
        amount: price(amount::decimal(notified.amount_money.as_ref(), &currency, "amount_money")?, &currency),
        at,
        authorization: None,
        parent: notified.payment_id.clone(),
        test: false,
    }];
    Ok(event(settings, notified.id.clone(), original, refund))
}

fn empty_refund(
    settings: &Settings,
    store: Option<String>,
    currency: &str,
    at: &str,
) -> Result<Refund, Problem> {
    Ok(Refund {
        at: at.to_owned(),
        processed_at: None,
        business_date: business_day(settings, store.as_deref(), at)?,
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

fn event(settings: &Settings, id: String, original: Option<&str>, refund: Refund) -> Event {
    Event {
        entity: settings.entity(EntityKind::Refund, id),
        parent: original.map(|order| settings.entity(EntityKind::Order, order)),
        version: None,
        occurred_at: refund.at.clone(),
        fact: Fact::RefundIssued(refund),
    }
}

/// The staff's note, which may contain names.
fn staff_note(reason: Option<&String>) -> Option<Personal> {
    let note = reason.filter(|reason| !reason.trim().is_empty())?.clone();
    Some(Personal { note: Some(note), ..Personal::default() })
}
