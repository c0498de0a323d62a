//! The money of a return: what was given back, and what went against goods that were taken instead.

use std::collections::VecDeque;

use crossdock_sdk::prelude::*;

use crate::amount::{self, price};
use crate::payload::{self, Order, OrderRefund, Return};
use crate::{order, tender};

/// What of the goods brought back pays for those of the same order that were taken instead: what they come to,
/// less what is given back in money.
pub(crate) fn exchanged(order: &Order, currency: &str) -> Result<Decimal, Problem> {
    if order.line_items.is_empty() {
        return Ok(Decimal::ZERO);
    }
    let mut rest = Decimal::ZERO;
    for back in &order.returns {
        rest += total(back, currency)?;
    }
    for refund in &order.refunds {
        if !matches!(refund.status.as_deref(), Some("REJECTED" | "FAILED")) {
            rest -= amount::of(refund.amount_money.as_ref(), currency, "refunds")?;
        }
    }
    Ok(rest.max(Decimal::ZERO))
}

/// Goods as money: the one side of an exchange or the other.
pub(crate) fn exchange(
    order: &Order,
    amount: Decimal,
    kind: PaymentKind,
    currency: &str,
    at: &str,
) -> Payment {
    Payment {
        id: format!("{}/exchange", order.id),
        kind,
        outcome: PaymentResult::Success,
        tender: TenderKind::Other,
        gateway: "exchange".into(),
        amount: price(amount, currency),
        at: at.to_owned(),
        authorization: None,
        parent: None,
        test: false,
    }
}

/// The money of a return, with the notification that is about it. Absent while some of it is under way, or when
/// nothing was brought back.
pub(crate) fn moved<'a>(
    order: &'a Order,
    told: Option<&'a payload::Refund>,
) -> Option<Vec<(OrderRefund, Option<&'a payload::Refund>)>> {
    if order.returns.is_empty()
        || order.refunds.is_empty() && told.is_none() && order.state.as_deref() != Some("COMPLETED")
    {
        return None;
    }
    let mut moved = Vec::new();
    for refund in &order.refunds {
        let told = told.filter(|told| refund.id.as_deref() == Some(&told.id));
        let status = told.and_then(|told| told.status.as_deref()).or(refund.status.as_deref());
        match status {
            Some("COMPLETED" | "APPROVED") | None => moved.push((refund.clone(), told)),
            Some("REJECTED" | "FAILED") => {}
            Some(_) => return None,
        }
    }
    let own =
        |told: &&payload::Refund| !order.refunds.iter().any(|refund| refund.id.as_deref() == Some(&told.id));
    moved.extend(told.filter(own).map(|told| {
        let refund = OrderRefund {
            id: Some(told.id.clone()),
            tender_id: None,
            created_at: told.created_at.clone(),
            amount_money: told.amount_money.clone(),
            status: told.status.clone(),
        };
        (refund, Some(told))
    }));
    Some(moved)
}

pub(crate) fn payment(
    order: &Order,
    refund: &OrderRefund,
    told: Option<&payload::Refund>,
    currency: &str,
) -> Result<Payment, Problem> {
    let tender = order.tenders.iter().find(|tender| tender.id.is_some() && tender.id == refund.tender_id);
    let word = told.and_then(|told| told.destination_type.as_deref()).or_else(|| tender?.kind.as_deref());
    let id = refund.id.clone().unwrap_or_else(|| format!("{}/refund", order.id));
    Ok(Payment {
        id,
        kind: PaymentKind::Refund,
        outcome: PaymentResult::Success,
        tender: word.map_or(TenderKind::Other, tender::kind),
        gateway: word.unwrap_or("square").to_ascii_lowercase(),
        amount: price(amount::of(refund.amount_money.as_ref(), currency, "refunds")?, currency),
        at: refund.created_at.clone().map_or_else(|| order::updated(order), Ok)?,
        authorization: None,
        parent: told.and_then(|told| told.payment_id.clone()).or_else(|| refund.tender_id.clone()),
        test: false,
    })
}

/// What a return comes to, with everything.
pub(crate) fn total(back: &Return, currency: &str) -> Result<Decimal, Problem> {
    let lines = back.return_line_items.iter().map(|line| line.total_money.as_ref());
    let charges = back.return_service_charges.iter().map(|charge| charge.total_money.as_ref());
    let tips = back.return_tips.iter().map(|tip| tip.applied_money.as_ref());
    let rounding = back.rounding_adjustment.iter().map(|rounding| rounding.amount_money.as_ref());
    let mut sum = Decimal::ZERO;
    for money in lines.chain(charges).chain(tips).chain(rounding) {
        sum += amount::of(money, currency, "returns")?;
    }
    Ok(sum)
}

/// So much of the payments; all that is left where no amount is wanted. One that is too large is taken in part.
pub(crate) fn draw(
    payments: &mut VecDeque<Payment>,
    wanted: Option<Decimal>,
    currency: &str,
) -> Result<Vec<Payment>, Problem> {
    let Some(mut wanted) = wanted else { return Ok(payments.drain(..).collect()) };
    let mut drawn = Vec::new();
    while wanted > Decimal::ZERO
        && let Some(mut payment) = payments.pop_front()
    {
        let amount = money::decimal(&payment.amount.shop.amount)?;
        if amount > wanted {
            let rest = price(amount - wanted, currency);
            payments.push_front(Payment {
                id: format!("{}/rest", payment.id),
                amount: rest,
                ..payment.clone()
            });
            payment.amount = price(wanted, currency);
        }
        wanted -= amount.min(wanted);
        drawn.push(payment);
    }
    Ok(drawn)
}
