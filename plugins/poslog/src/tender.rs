//! How it was paid: tenders, change, and what returned goods pay for when others are taken instead.

use std::collections::VecDeque;

use crossdock_sdk::prelude::*;

use crate::basket::{Basket, rounding};
use crate::reading::Reading;
use crate::transaction::Head;
use crate::xml::{self, Node};

/// One tender as the till wrote it.
pub(crate) struct Tender<'a> {
    node: Node<'a>,
    id: String,
    /// The till's word for the kind.
    pub name: &'a str,
    pub kind: TenderKind,
    /// Signed as the till signs it.
    pub amount: Decimal,
    /// What was handed back of it. Positive.
    change: Decimal,
    /// True when all of it is money handed back as change.
    is_change: bool,
    refund: bool,
    cashback: Decimal,
    pub rounding: Decimal,
}

impl<'a> Tender<'a> {
    /// Absent when it is of nothing.
    pub(crate) fn read(_: &Head<'a>, node: Node<'a>, id: &str) -> Result<Option<Self>, Problem> {
        // Change may be a line of its own, the tender it is in a level deeper.
        let alone = xml::is(node, "TenderChange");
        let inner = xml::child(node, "TenderChange");
        let told = inner.filter(|_| alone && xml::child(node, "Amount").is_none()).unwrap_or(node);
        let Some(amount) = xml::number(told, "Amount")?.filter(|amount| !amount.is_zero()) else {
            return Ok(None);
        };
        let nested = match inner.filter(|_| !alone) {
            Some(inner) => xml::number(inner, "Amount")?.unwrap_or_default().abs(),
            None => Decimal::ZERO,
        };
        let is_change = alone || amount.is_sign_negative() && !nested.is_zero();
        let name = xml::attribute(told, "TenderType")
            .or_else(|| xml::attribute(node, "TenderType"))
            .unwrap_or("Cash");
        let cashback =
            xml::number(node, "Cashback")?.or(xml::number(node, "CashbackAmount")?).unwrap_or_default();
        let rounded = xml::child(node, "Rounding").map(rounding).transpose()?.unwrap_or_default();
        Ok(Some(Self {
            node,
            id: id.to_owned(),
            name,
            kind: kind(name, node),
            amount: if alone { -amount.abs() } else { amount },
            change: if is_change { Decimal::ZERO } else { nested },
            is_change,
            refund: xml::attribute(node, "TypeCode") == Some("Refund"),
            cashback: cashback.abs(),
            rounding: rounded,
        }))
    }

    /// What it brought into the till.
    pub(crate) fn net(&self) -> Decimal {
        if self.refund { -self.amount.abs() } else { self.amount - self.change }
    }
}

/// Where the money went.
pub(crate) struct Moved {
    /// What was paid for the goods sold, change included.
    pub sale: Vec<Payment>,
    /// What of it counts: payments less change.
    pub paid: Decimal,
    /// What was paid back, in the order of the receipt.
    pub back: VecDeque<Payment>,
}

/// Tells payments, change and refunds apart. When goods are brought back and others taken, what the one is worth
/// pays for the other: a payment and a refund by the gateway `exchange`.
///
/// # Errors
/// `foreign-tender` when a tender is told in another currency.
pub(crate) fn settle(head: &Head<'_>, basket: &Basket<'_>, reading: &Reading) -> Result<Moved, Problem> {
    let at = head.at()?;
    let giving = reading.sale < reading.back;
    let mut moved = Moved { sale: Vec::new(), paid: Decimal::ZERO, back: VecDeque::new() };
    let payment = |id: String, kind, tender, gateway: &str, amount: Decimal| Payment {
        id: format!("{}/{id}", head.key),
        kind,
        outcome: PaymentResult::Success,
        tender,
        gateway: gateway.to_owned(),
        amount: crate::sale::price(amount, &basket.currency),
        at: at.clone(),
        authorization: None,
        parent: None,
        test: false,
    };
    let mut cashback = Decimal::ZERO;
    for tender in &basket.tenders {
        if let Some(told) =
            xml::child(tender.node, "Amount").and_then(|told| xml::attribute(told, "Currency"))
            && told != basket.currency
        {
            let message = "the tender is told in another currency than the sale";
            return Err(Problem::new("foreign-tender", message).at(xml::place(tender.node)));
        }
        let amount = tender.amount.abs();
        let out = tender.refund || tender.amount.is_sign_negative() && !tender.is_change && giving;
        if out {
            moved.back.push_back(payment(
                tender.id.clone(),
                PaymentKind::Refund,
                tender.kind,
                tender.name,
                amount,
            ));
            continue;
        }
        let change = if tender.amount.is_sign_negative() { amount } else { tender.change };
        if !tender.amount.is_sign_negative() {
            let authorization = xml::child(tender.node, "Authorization");
            let code = authorization.and_then(|told| {
                xml::text(told, "ReferenceNumber").or_else(|| xml::text(told, "AuthorizationCode"))
            });
            let made = payment(tender.id.clone(), PaymentKind::Sale, tender.kind, tender.name, amount);
            moved.sale.push(Payment { authorization: code.map(str::to_owned), ..made });
            moved.paid += amount;
            cashback += tender.cashback;
        }
        if !change.is_zero() {
            let id = format!("{}/change", tender.id);
            moved.sale.push(payment(id, PaymentKind::Change, TenderKind::Cash, "Cash", change));
            moved.paid -= change;
        }
    }
    let exchanged = reading.sale.min(reading.back);
    if exchanged > Decimal::ZERO {
        let tender = TenderKind::Other;
        moved.sale.push(payment("exchange".into(), PaymentKind::Sale, tender, "exchange", exchanged));
        moved.back.push_back(payment("exchange".into(), PaymentKind::Refund, tender, "exchange", exchanged));
        moved.paid += exchanged;
    }
    // Cash taken along on a card is change, where no line says that it was handed out.
    if !cashback.is_zero() && moved.paid - cashback == reading.sale + reading.rounding {
        moved.sale.push(payment("cashback".into(), PaymentKind::Change, TenderKind::Cash, "Cash", cashback));
        moved.paid -= cashback;
    }
    Ok(moved)
}

/// The kind of a tender by the till's word for it.
pub(crate) fn kind(name: &str, node: Node<'_>) -> TenderKind {
    let word = name.rsplit(':').next().unwrap_or(name).to_ascii_lowercase();
    match word.as_str() {
        "cash" => TenderKind::Cash,
        "creditdebit" | "credit" | "debit" | "creditcard" | "debitcard" | "card" | "ebt" => TenderKind::Card,
        "giftcard" | "storedvalue" | "giftcertificate" => TenderKind::GiftCard,
        "voucher" if xml::below(node, "GiftCertificate").is_some() => TenderKind::GiftCard,
        "voucher" | "storecredit" | "creditnote" => TenderKind::StoreCredit,
        "mobilepayment" | "wallet" | "paypal" => TenderKind::Wallet,
        "check" | "cheque" | "banktransfer" | "directdebit" => TenderKind::BankTransfer,
        "accountsreceivable" | "customeraccount" | "onaccount" => TenderKind::PayLater,
        _ => TenderKind::Other,
    }
}
