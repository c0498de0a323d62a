//! What a payment is, and what it was in the shop's money.

use crossdock_sdk::prelude::*;

use crate::amount::price;
use crate::order::{each, unknown};
use crate::payload;
use crate::text::{List, Text, filled};

/// A transaction in the shop's money.
pub(crate) fn read(one: payload::Transaction<'_>, currency: &str) -> Result<Payment, Problem> {
    if let Some(other) = one.currency.as_deref().filter(|other| *other != currency) {
        let message = format!("the payment is told in {other} only, and the books are in {currency}");
        return Err(Problem::new("payment-currency", message).at("currency"));
    }
    let gateway = filled(one.gateway).unwrap_or_default();
    Ok(Payment {
        id: one.id.to_string(),
        kind: match &*one.kind {
            "authorization" => PaymentKind::Authorization,
            "capture" => PaymentKind::Capture,
            "sale" => PaymentKind::Sale,
            "void" => PaymentKind::Void,
            "refund" => PaymentKind::Refund,
            "change" => PaymentKind::Change,
            _ => return Err(unknown("kind")),
        },
        outcome: match &*one.status {
            "success" => PaymentResult::Success,
            "pending" | "awaiting_response" => PaymentResult::Pending,
            "failure" => PaymentResult::Failure,
            "error" | "unknown" => PaymentResult::Error,
            _ => return Err(unknown("status")),
        },
        tender: tender(&gateway, one.payment_details.as_ref()),
        gateway,
        amount: price(None, Some(one.amount), currency, "amount")?,
        at: one.processed_at.unwrap_or(one.created_at).into(),
        authorization: filled(one.authorization),
        parent: one.parent_id.map(|id| id.to_string()),
        test: one.test.unwrap_or(false),
    })
}

/// The payments of a refund. Shopify tells them in the money the customer paid in; what that is in the shop's
/// money is taken from the refund's own sums, which are told in both, and never from a rate.
pub(crate) fn of_refund(
    list: List<payload::Transaction<'_>>,
    refund: &Refund,
) -> Result<Vec<Payment>, Problem> {
    let foreign =
        |one: &payload::Transaction<'_>| one.currency.as_deref().is_some_and(|c| c != refund.currency);
    if !list.iter().any(foreign) {
        return each(list, "transactions", |(one, _)| read(one, &refund.currency));
    }
    // One that failed moved nothing, and cannot be told in the shop's money.
    let moved = list.into_iter().filter(|one| !foreign(one) || matches!(&*one.status, "success" | "pending"));
    let moved = List(moved.collect());
    let alone = moved.len() == 1;
    each(moved, "transactions", |(mut one, _)| {
        let Some(seen) = one.currency.take().filter(|seen| **seen != *refund.currency) else {
            return read(one, &refund.currency);
        };
        let amount = String::from(one.amount.clone());
        let shop = if alone { in_shop_money(&amount, refund)? } else { None };
        let Some(shop) = shop else {
            let message = format!("what was paid back in {} cannot be told in {}", &*seen, refund.currency);
            return Err(Problem::new("payment-currency", message).at("currency"));
        };
        let mut payment = read(one, &refund.currency)?;
        payment.amount = Price {
            shop: Money::new(shop.to_string(), &refund.currency),
            presentment: Some(Money::new(amount, seen)),
        };
        Ok(payment)
    })
}

/// What the refund comes to in the shop's money, if what it comes to in the customer's is this amount. A refund
/// does not say whether its prices include tax: both readings are tried, and only one can fit.
fn in_shop_money(amount: &str, refund: &Refund) -> Result<Option<Decimal>, Problem> {
    let amount = money::decimal(amount)?;
    let given = refund.lines.iter().map(|line| (&line.subtotal, &line.tax, Decimal::ONE));
    let given = given.chain(refund.shipping.iter().map(|line| (&line.subtotal, &line.tax, Decimal::ONE)));
    // Adjustments are signed from the shop's side: negative gives more back.
    let given = given.chain(refund.adjustments.iter().map(|one| (&one.amount, &one.tax, -Decimal::ONE)));
    for with_tax in [true, false] {
        let (mut shop, mut seen) = (Decimal::ZERO, Decimal::ZERO);
        let duties = refund.duties.iter().map(|duty| (duty, None, Decimal::ONE));
        for (net, tax, sign) in given.clone().map(|(net, tax, sign)| (net, Some(tax), sign)).chain(duties) {
            for price in [Some(net), tax.filter(|_| with_tax)].into_iter().flatten() {
                let presentment = price.presentment.as_ref().unwrap_or(&price.shop);
                shop += sign * money::decimal(&price.shop.amount)?;
                seen += sign * money::decimal(&presentment.amount)?;
            }
        }
        if seen == amount {
            return Ok(Some(shop));
        }
    }
    Ok(None)
}

fn tender(gateway: &str, details: Option<&payload::PaymentDetails<'_>>) -> TenderKind {
    let says = |text: &Option<Text<'_>>| text.as_ref().is_some_and(|text| !text.is_empty());
    match gateway {
        "cash" | "Cash" => TenderKind::Cash,
        "gift_card" => TenderKind::GiftCard,
        "shopify_store_credit" | "store_credit" => TenderKind::StoreCredit,
        "paypal" | "amazon_payments" | "apple_pay" | "google_pay" | "shop_pay" | "alipay" => {
            TenderKind::Wallet
        }
        "shop_pay_installments" | "klarna" | "affirm" | "afterpay" | "clearpay" => TenderKind::PayLater,
        "Bank Deposit" | "bank_deposit" => TenderKind::BankTransfer,
        _ if details.is_some_and(|details| says(&details.credit_card_wallet)) => TenderKind::Wallet,
        _ if details.is_some_and(|details| says(&details.credit_card_company)) => TenderKind::Card,
        "shopify_payments" | "stripe" | "authorize_net" | "braintree" | "adyen" => TenderKind::Card,
        _ => TenderKind::Other,
    }
}
