//! How an order was paid.

use crossdock_sdk::prelude::*;
use jiff::Timestamp;

use crate::amount::{self, price};
use crate::payload::{self, Order};

/// The device's time of a payment that was taken offline, with the moment that it is. Absent where it is later than
/// Square heard of the payment: a clock that is ahead is not believed.
pub(crate) fn offline(order: &Order, payment: &payload::Payment) -> Option<(Timestamp, String)> {
    let details = payment.offline_payment_details.as_ref().filter(|_| payment.is_offline_payment)?;
    let device = details.client_created_at.as_ref()?;
    let heard = payment.created_at.as_ref().or(order.updated_at.as_ref()).or(order.created_at.as_ref());
    let at: Timestamp = device.parse().ok()?;
    let ahead = heard.and_then(|heard| heard.parse::<Timestamp>().ok()).is_some_and(|heard| at > heard);
    (!ahead).then(|| (at, device.clone()))
}

/// What came in for good, and the payments of the order, one a tender; a cash tender with change is two.
///
/// # Errors
/// As [`amount::of`].
pub(crate) fn read(
    order: &Order,
    payments: &[payload::Payment],
    currency: &str,
) -> Result<(Decimal, Vec<Payment>), Problem> {
    let (mut paid, mut told) = (Decimal::ZERO, Vec::new());
    for (at, tender) in order.tenders.iter().enumerate() {
        let kind = tender.kind.as_deref().unwrap_or("OTHER");
        if kind == "NO_SALE" {
            continue;
        }
        let field = format!("tenders[{at}]");
        let amount = amount::of(tender.amount_money.as_ref(), currency, &field)?;
        let cash = tender.cash_details.as_ref();
        let change = amount::of(cash.and_then(|cash| cash.change_back_money.as_ref()), currency, &field)?;
        let given = amount::of(cash.and_then(|cash| cash.buyer_tendered_money.as_ref()), currency, &field)?;
        let payment = payments
            .iter()
            .find(|payment| tender.payment_id.as_ref().or(tender.id.as_ref()) == Some(&payment.id));
        let (kind_of, outcome) = done(payment, tender);
        if kind_of == PaymentKind::Sale && outcome == PaymentResult::Success {
            paid += amount;
        }
        let id =
            tender.id.clone().or_else(|| tender.payment_id.clone()).unwrap_or_else(|| (at + 1).to_string());
        let made = tender.created_at.clone().map_or_else(|| crate::order::updated(order), Ok)?;
        // Money over the counter: what was laid down, and what was handed back of it.
        let handed = !change.is_zero() && given - change == amount;
        let first = Payment {
            id: id.clone(),
            kind: kind_of,
            outcome,
            tender: self::kind(kind),
            gateway: kind.to_ascii_lowercase(),
            amount: price(if handed { given } else { amount }, currency),
            at: payment.and_then(|payment| offline(order, payment)).map_or(made, |(_, at)| at),
            authorization: tender.payment_id.clone(),
            parent: None,
            test: false,
        };
        if handed {
            told.push(first.clone());
            told.push(Payment {
                id: format!("{id}/change"),
                kind: PaymentKind::Change,
                amount: price(change, currency),
                ..first
            });
        } else {
            told.push(first);
        }
    }
    Ok((paid, told))
}

/// What the payment did, by its own word where it is known, else by the card's.
fn done(payment: Option<&payload::Payment>, tender: &payload::Tender) -> (PaymentKind, PaymentResult) {
    let card = tender.card_details.as_ref().and_then(|card| card.status.as_deref());
    match payment.and_then(|payment| payment.status.as_deref()).or(card) {
        Some("APPROVED" | "AUTHORIZED") => (PaymentKind::Authorization, PaymentResult::Success),
        Some("PENDING") => (PaymentKind::Sale, PaymentResult::Pending),
        Some("CANCELED" | "VOIDED") => (PaymentKind::Void, PaymentResult::Success),
        Some("FAILED") => (PaymentKind::Sale, PaymentResult::Failure),
        _ => (PaymentKind::Sale, PaymentResult::Success),
    }
}

/// The kind of a tender by Square's word for it, or that of where a refund goes.
pub(crate) fn kind(word: &str) -> TenderKind {
    match word {
        "CARD" | "THIRD_PARTY_CARD" => TenderKind::Card,
        "CASH" => TenderKind::Cash,
        "SQUARE_GIFT_CARD" | "GIFT_CARD" => TenderKind::GiftCard,
        "WALLET" | "SQUARE_ACCOUNT" => TenderKind::Wallet,
        "BANK_ACCOUNT" => TenderKind::BankTransfer,
        "BUY_NOW_PAY_LATER" => TenderKind::PayLater,
        _ => TenderKind::Other,
    }
}
