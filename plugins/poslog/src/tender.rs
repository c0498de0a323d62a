//! Tenders as the till wrote them.

use crossdock_sdk::prelude::*;

use crate::xml::{self, Node};

/// One tender as the till wrote it.
pub(crate) struct Tender<'a> {
    pub node: Node<'a>,
    pub id: String,
    /// The till's name of the tender.
    pub name: &'a str,
    pub kind: TenderKind,
    /// The amount, with the till's sign.
    pub amount: Decimal,
    /// The change returned of it. Positive.
    pub change: Decimal,
    /// True when the whole tender is change.
    pub is_change: bool,
    pub is_refund: bool,
    pub cashback: Decimal,
    pub rounding: Decimal,
}

impl<'a> Tender<'a> {
    /// Reads a `Tender` or a `TenderChange`. Absent when its amount is zero.
    pub(crate) fn read(node: Node<'a>, id: &str) -> Result<Option<Self>, Problem> {
        // Change may be a line of its own, which may contain the tender one level below.
        let is_change_line = xml::is(node, "TenderChange");
        let inner = xml::child(node, "TenderChange");
        let tender = inner.filter(|_| is_change_line && xml::child(node, "Amount").is_none()).unwrap_or(node);
        let Some(amount) = xml::number(tender, "Amount")?.filter(|amount| !amount.is_zero()) else {
            return Ok(None);
        };
        let nested_change = match inner.filter(|_| !is_change_line) {
            Some(inner) => xml::number(inner, "Amount")?.unwrap_or_default().abs(),
            None => Decimal::ZERO,
        };
        let is_change = is_change_line || amount.is_sign_negative() && !nested_change.is_zero();
        let name = xml::attribute(tender, "TenderType")
            .or_else(|| xml::attribute(node, "TenderType"))
            .unwrap_or("Cash");
        let cashback =
            xml::number(node, "Cashback")?.or(xml::number(node, "CashbackAmount")?).unwrap_or_default();
        let rounding = xml::child(node, "Rounding").map(rounding).transpose()?.unwrap_or_default();
        Ok(Some(Self {
            node,
            id: id.to_owned(),
            name,
            kind: kind(name, node),
            amount: if is_change_line { -amount.abs() } else { amount },
            change: if is_change { Decimal::ZERO } else { nested_change },
            is_change,
            is_refund: xml::attribute(node, "TypeCode") == Some("Refund"),
            cashback: cashback.abs(),
            rounding,
        }))
    }

    /// The amount received, less change; negative for a repayment.
    pub(crate) fn net(&self) -> Decimal {
        if self.is_refund { -self.amount.abs() } else { self.amount - self.change }
    }
}

/// The amount that a `Rounding` added; negative when it was subtracted.
pub(crate) fn rounding(node: Node<'_>) -> Result<Decimal, Problem> {
    let amount = xml::number_in(node)?.or(xml::number(node, "Amount")?).unwrap_or_default();
    Ok(match xml::attribute(node, "RoundingDirection") {
        Some("Down") => -amount.abs(),
        Some("Up") => amount.abs(),
        _ => amount,
    })
}

/// The tender of the till's name for it.
pub(crate) fn kind(name: &str, node: Node<'_>) -> TenderKind {
    let name = name.rsplit(':').next().unwrap_or(name).to_ascii_lowercase();
    match name.as_str() {
        "cash" => TenderKind::Cash,
        "creditdebit" | "credit" | "debit" | "creditcard" | "debitcard" | "card" | "ebt" => TenderKind::Card,
        "giftcard" | "storedvalue" | "giftcertificate" => TenderKind::GiftCard,
        "voucher" if xml::descendant(node, "GiftCertificate").is_some() => TenderKind::GiftCard,
        "voucher" | "storecredit" | "creditnote" => TenderKind::StoreCredit,
        "mobilepayment" | "wallet" | "paypal" => TenderKind::Wallet,
        "check" | "cheque" | "banktransfer" | "directdebit" => TenderKind::BankTransfer,
        "accountsreceivable" | "customeraccount" | "onaccount" => TenderKind::PayLater,
        _ => TenderKind::Other,
    }
}
