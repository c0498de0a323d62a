//! Payments, with their amounts in the shop's currency.

use crossdock_sdk::prelude::*;

use crate::amount::price;
use crate::fields::{read_list, unknown_value};
use crate::payload;
use crate::text::{List, Text, non_empty};

/// Reads a transaction in the shop's currency.
pub(crate) fn read(one: payload::Transaction<'_>, currency: &str) -> Result<Payment, Problem> {
    if let Some(other) = one.currency.as_deref().filter(|other| *other != currency) {
        let message = format!("the payment is only in {other}, and the shop's currency is {currency}");
        return Err(Problem::new("payment-currency", message).at("currency"));
    }
    let gateway = non_empty(one.gateway).unwrap_or_default();
    Ok(Payment {
        id: one.id.to_string(),
        kind: match &*one.kind {
            "authorization" => PaymentKind::Authorization,
            "capture" => PaymentKind::Capture,
            "sale" => PaymentKind::Sale,
            "void" => PaymentKind::Void,
            "refund" => PaymentKind::Refund,
            "change" => PaymentKind::Change,
            _ => return Err(unknown_value("kind")),
        },
        outcome: match &*one.status {
            "success" => PaymentResult::Success,
            "pending" | "awaiting_response" => PaymentResult::Pending,
            "failure" => PaymentResult::Failure,
            "error" | "unknown" => PaymentResult::Error,
            _ => return Err(unknown_value("status")),
        },
        tender: tender(&gateway, one.payment_details.as_ref()),
        gateway,
        amount: price(None, Some(one.amount), currency, "amount")?,
        at: one.processed_at.unwrap_or(one.created_at).into(),
        authorization: non_empty(one.authorization),
        parent: one.parent_id.map(|id| id.to_string()),
        test: one.test.unwrap_or(false),
    })
}

/// The payments of a refund. Shopify reports them in the customer's currency; the amount in the shop's currency is taken
/// from the refund's totals, which are in both currencies, and never calculated with a rate.
pub(crate) fn of_refund(
    list: List<payload::Transaction<'_>>,
    refund: &Refund,
) -> Result<Vec<Payment>, Problem> {
    let is_foreign =
        |one: &payload::Transaction<'_>| one.currency.as_deref().is_some_and(|c| c != refund.currency);
    if !list.iter().any(is_foreign) {
        return read_list(list, "transactions", |(one, _)| read(one, &refund.currency));
    }
    // A failed transaction has no amount in the shop's currency, and moved no money.
    let effective =
        list.into_iter().filter(|one| !is_foreign(one) || matches!(&*one.status, "success" | "pending"));
    let effective = List(effective.collect());
    let is_single = effective.len() == 1;
    read_list(effective, "transactions", |(mut one, _)| {
        let Some(currency) = one.currency.take().filter(|other| **other != *refund.currency) else {
            return read(one, &refund.currency);
        };
        let amount = String::from(one.amount.clone());
        let shop = if is_single { in_shop_currency(&amount, refund)? } else { None };
        let Some(shop) = shop else {
            let message =
                format!("the repayment in {} cannot be converted to {}", &*currency, refund.currency);
            return Err(Problem::new("payment-currency", message).at("currency"));
        };
        let mut payment = read(one, &refund.currency)?;
        payment.amount = Price {
            shop: Money::new(shop.to_string(), &refund.currency),
            presentment: Some(Money::new(amount, currency)),
        };
        Ok(payment)
    })
}

/// The refund's total in the shop's currency, if its total in the customer's currency equals the amount. A refund does
/// not say whether its prices include tax: both are tried, and only one can match.
fn in_shop_currency(amount: &str, refund: &Refund) -> Result<Option<Decimal>, Problem> {
    let amount = money::decimal(amount)?;
    let parts = refund.lines.iter().map(|line| (&line.subtotal, &line.tax, Decimal::ONE));
    let parts = parts.chain(refund.shipping.iter().map(|line| (&line.subtotal, &line.tax, Decimal::ONE)));
    // A negative adjustment increases the repayment.
    let parts = parts.chain(refund.adjustments.iter().map(|one| (&one.amount, &one.tax, -Decimal::ONE)));
    for with_tax in [true, false] {
        let (mut shop, mut customer) = (Decimal::ZERO, Decimal::ZERO);
        let duties = refund.duties.iter().map(|duty| (duty, None, Decimal::ONE));
        for (net, tax, sign) in parts.clone().map(|(net, tax, sign)| (net, Some(tax), sign)).chain(duties) {
            for price in [Some(net), tax.filter(|_| with_tax)].into_iter().flatten() {
                let presentment = price.presentment.as_ref().unwrap_or(&price.shop);
                shop += sign * money::decimal(&price.shop.amount)?;
                customer += sign * money::decimal(&presentment.amount)?;
            }
        }
        if customer == amount {
            return Ok(Some(shop));
        }
    }
    Ok(None)
}

fn tender(gateway: &str, details: Option<&payload::PaymentDetails<'_>>) -> TenderKind {
    let is_set = |text: &Option<Text<'_>>| text.as_ref().is_some_and(|text| !text.is_empty());
    match gateway {
        "cash" | "Cash" => TenderKind::Cash,
        "gift_card" => TenderKind::GiftCard,
        "shopify_store_credit" | "store_credit" => TenderKind::StoreCredit,
        "paypal" | "amazon_payments" | "apple_pay" | "google_pay" | "shop_pay" | "alipay" => {
            TenderKind::Wallet
        }
        "shop_pay_installments" | "klarna" | "affirm" | "afterpay" | "clearpay" => TenderKind::PayLater,
        "Bank Deposit" | "bank_deposit" => TenderKind::BankTransfer,
        _ if details.is_some_and(|details| is_set(&details.credit_card_wallet)) => TenderKind::Wallet,
        _ if details.is_some_and(|details| is_set(&details.credit_card_company)) => TenderKind::Card,
        "shopify_payments" | "stripe" | "authorize_net" | "braintree" | "adyen" => TenderKind::Card,
        _ => TenderKind::Other,
    }
}
