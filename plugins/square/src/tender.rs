//! The payments of an order, from its tenders.

use crossdock_sdk::prelude::*;
use jiff::Timestamp;

use crate::amount::{self, price};
use crate::payload::{self, Order};

/// The device's time of an offline payment, parsed and as it was reported. Absent when it is later than Square received
/// the payment: a device clock that is ahead is not trusted.
pub(crate) fn offline_time(order: &Order, payment: &payload::Payment) -> Option<(Timestamp, String)> {
    let details = payment.offline_payment_details.as_ref().filter(|_| payment.is_offline_payment)?;
    let device = details.client_created_at.as_ref()?;
    let received = payment.created_at.as_ref().or(order.updated_at.as_ref()).or(order.created_at.as_ref());
    let at: Timestamp = device.parse().ok()?;
    let is_ahead = received
        .and_then(|received| received.parse::<Timestamp>().ok())
        .is_some_and(|received| at > received);
    (!is_ahead).then(|| (at, device.clone()))
}

/// The amount received, and the payments of the order: one per tender, two for a cash tender with change.
///
/// # Errors
/// As [`amount::decimal`].
pub(crate) fn read(
    order: &Order,
    payments: &[payload::Payment],
    currency: &str,
) -> Result<(Decimal, Vec<Payment>), Problem> {
    let (mut paid, mut result) = (Decimal::ZERO, Vec::new());
    for (at, tender) in order.tenders.iter().enumerate() {
        let kind = tender.kind.as_deref().unwrap_or("OTHER");
        if kind == "NO_SALE" {
            continue;
        }
        let field = format!("tenders[{at}]");
        let money = |money: Option<&payload::Money>| amount::decimal(money, currency, &field);
        let amount = money(tender.amount_money.as_ref())?;
        let cash = tender.cash_details.as_ref();
        let change = money(cash.and_then(|cash| cash.change_back_money.as_ref()))?;
        let tendered = money(cash.and_then(|cash| cash.buyer_tendered_money.as_ref()))?;
        let payment = payments
            .iter()
            .find(|payment| tender.payment_id.as_ref().or(tender.id.as_ref()) == Some(&payment.id));
        let (payment_kind, outcome) = kind_and_result(payment, tender);
        if payment_kind == PaymentKind::Sale && outcome == PaymentResult::Success {
            paid += amount;
        }
        let id =
            tender.id.clone().or_else(|| tender.payment_id.clone()).unwrap_or_else(|| (at + 1).to_string());
        let created = tender.created_at.clone().map_or_else(|| order.last_change(), Ok)?;
        // Cash with change: the amount tendered and the change are separate payments.
        let has_change = !change.is_zero() && tendered - change == amount;
        let first = Payment {
            id: id.clone(),
            kind: payment_kind,
            outcome,
            tender: self::kind(kind),
            gateway: kind.to_ascii_lowercase(),
            amount: price(if has_change { tendered } else { amount }, currency),
            at: payment.and_then(|payment| offline_time(order, payment)).map_or(created, |(_, at)| at),
            authorization: tender.payment_id.clone(),
            parent: None,
            test: false,
        };
        if has_change {
            result.push(first.clone());
            result.push(Payment {
                id: format!("{id}/change"),
                kind: PaymentKind::Change,
                amount: price(change, currency),
                ..first
            });
        } else {
            result.push(first);
        }
    }
    Ok((paid, result))
}

/// The type and the result of a payment, from its status, else from the card's.
fn kind_and_result(
    payment: Option<&payload::Payment>,
    tender: &payload::Tender,
) -> (PaymentKind, PaymentResult) {
    let card = tender.card_details.as_ref().and_then(|card| card.status.as_deref());
    match payment.and_then(|payment| payment.status.as_deref()).or(card) {
        Some("APPROVED" | "AUTHORIZED") => (PaymentKind::Authorization, PaymentResult::Success),
        Some("PENDING") => (PaymentKind::Sale, PaymentResult::Pending),
        Some("CANCELED" | "VOIDED") => (PaymentKind::Void, PaymentResult::Success),
        Some("FAILED") => (PaymentKind::Sale, PaymentResult::Failure),
        _ => (PaymentKind::Sale, PaymentResult::Success),
    }
}

/// The tender of Square's tender type, or of a refund's destination type.
pub(crate) fn kind(square_type: &str) -> TenderKind {
    match square_type {
        "CARD" | "THIRD_PARTY_CARD" => TenderKind::Card,
        "CASH" => TenderKind::Cash,
        "SQUARE_GIFT_CARD" | "GIFT_CARD" => TenderKind::GiftCard,
        "WALLET" | "SQUARE_ACCOUNT" => TenderKind::Wallet,
        "BANK_ACCOUNT" => TenderKind::BankTransfer,
        "BUY_NOW_PAY_LATER" => TenderKind::PayLater,
        _ => TenderKind::Other,
    }
}
