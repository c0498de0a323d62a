//! The payments of a return: repayments, and the amount offset against goods taken in exchange.

use std::collections::VecDeque;

use crossdock_sdk::prelude::*;

use crate::amount::{self, price};
use crate::payload::{self, Order, OrderRefund, Return};
use crate::tender;

/// The value of returned goods that pays for goods sold by the same order: the total of the returns, less the
/// repayments.
pub(crate) fn exchange_amount(order: &Order, currency: &str) -> Result<Decimal, Problem> {
    if order.line_items.is_empty() {
        return Ok(Decimal::ZERO);
    }
    let mut remaining = Decimal::ZERO;
    for returned in &order.returns {
        remaining += return_total(returned, currency)?;
    }
    for refund in &order.refunds {
        if !matches!(refund.status.as_deref(), Some("REJECTED" | "FAILED")) {
            remaining -= amount::decimal(refund.amount_money.as_ref(), currency, "refunds")?;
        }
    }
    Ok(remaining.max(Decimal::ZERO))
}

/// The payment, or the refund, that represents the goods of an exchange.
pub(crate) fn exchange_payment(
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

/// The completed repayments of a return order, each with its notification if that is at hand. Absent while one is
/// pending, or when nothing was returned.
pub(crate) fn completed<'a>(
    order: &'a Order,
    notified: Option<&'a payload::Refund>,
) -> Option<Vec<(OrderRefund, Option<&'a payload::Refund>)>> {
    if order.returns.is_empty()
        || order.refunds.is_empty() && notified.is_none() && order.state.as_deref() != Some("COMPLETED")
    {
        return None;
    }
    let mut completed = Vec::new();
    for refund in &order.refunds {
        let notified = notified.filter(|notified| refund.id.as_deref() == Some(&notified.id));
        let status = notified.and_then(|notified| notified.status.as_deref()).or(refund.status.as_deref());
        match status {
            Some("COMPLETED" | "APPROVED") | None => completed.push((refund.clone(), notified)),
            Some("REJECTED" | "FAILED") => {}
            Some(_) => return None,
        }
    }
    let is_new = |notified: &&payload::Refund| {
        !order.refunds.iter().any(|refund| refund.id.as_deref() == Some(&notified.id))
    };
    completed.extend(notified.filter(is_new).map(|notified| {
        let refund = OrderRefund {
            id: Some(notified.id.clone()),
            tender_id: None,
            created_at: notified.created_at.clone(),
            amount_money: notified.amount_money.clone(),
            status: notified.status.clone(),
        };
        (refund, Some(notified))
    }));
    Some(completed)
}

/// The payment of one repayment.
pub(crate) fn payment(
    order: &Order,
    refund: &OrderRefund,
    notified: Option<&payload::Refund>,
    currency: &str,
) -> Result<Payment, Problem> {
    let tender = order.tenders.iter().find(|tender| tender.id.is_some() && tender.id == refund.tender_id);
    let square_tender = notified
        .and_then(|notified| notified.destination_type.as_deref())
        .or_else(|| tender?.kind.as_deref());
    let id = refund.id.clone().unwrap_or_else(|| format!("{}/refund", order.id));
    Ok(Payment {
        id,
        kind: PaymentKind::Refund,
        outcome: PaymentResult::Success,
        tender: square_tender.map_or(TenderKind::Other, tender::kind),
        gateway: square_tender.unwrap_or("square").to_ascii_lowercase(),
        amount: price(amount::decimal(refund.amount_money.as_ref(), currency, "refunds")?, currency),
        at: refund.created_at.clone().map_or_else(|| order.last_change(), Ok)?,
        authorization: None,
        parent: notified
            .and_then(|notified| notified.payment_id.clone())
            .or_else(|| refund.tender_id.clone()),
        test: false,
    })
}

/// The total of a return: lines, charges, tips and rounding.
pub(crate) fn return_total(returned: &Return, currency: &str) -> Result<Decimal, Problem> {
    let lines = returned.return_line_items.iter().map(|line| line.total_money.as_ref());
    let charges = returned.return_service_charges.iter().map(|charge| charge.total_money.as_ref());
    let tips = returned.return_tips.iter().map(|tip| tip.applied_money.as_ref());
    let rounding = returned.rounding_adjustment.iter().map(|rounding| rounding.amount_money.as_ref());
    let mut sum = Decimal::ZERO;
    for money in lines.chain(charges).chain(tips).chain(rounding) {
        sum += amount::decimal(money, currency, "returns")?;
    }
    Ok(sum)
}

/// Takes payments of the given amount from the queue; all remaining ones where no amount is given. A payment that
/// exceeds the amount is split.
pub(crate) fn allocate(
    payments: &mut VecDeque<Payment>,
    amount: Option<Decimal>,
    currency: &str,
) -> Result<Vec<Payment>, Problem> {
    let Some(mut due) = amount else { return Ok(payments.drain(..).collect()) };
    let mut allocated = Vec::new();
    while due > Decimal::ZERO
        && let Some(mut payment) = payments.pop_front()
    {
        let amount = money::decimal(&payment.amount.shop.amount)?;
        if amount > due {
            let rest = price(amount - due, currency);
            payments.push_front(Payment {
                id: format!("{}/rest", payment.id),
                amount: rest,
                ..payment.clone()
            });
            payment.amount = price(due, currency);
        }
        due -= amount.min(due);
        allocated.push(payment);
    }
    Ok(allocated)
}
