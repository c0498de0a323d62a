//! Invoices and credit memos: the 810.

use crossdock_sdk::prelude::*;
use serde_json::json;

use super::context::Context;
use super::sent_order::{SentOrder, warn_unknown_order};
use super::{article, number};
use crate::time;
use crate::x12::{Segment, Set};

/// Reads an 810: an invoice, or a credit memo.
pub(crate) fn read(set: &Set<'_>, context: &Context<'_>) -> Result<Vec<Event>, Problem> {
    let big = set.require("BIG")?;
    let date = time::date(big, 1)?;
    let invoice_number = big.require(2, "the invoice number")?;
    let po = order_number(big, set);
    let order = po.and_then(SentOrder::find);
    if let Some(po) = po.filter(|_| order.is_none()) {
        warn_unknown_order("810", po, big.number);
    }
    let currency = set.find("CUR").and_then(|cur| cur.get(2)).or(context.settings.currency.as_deref());
    let Some(currency) = currency else {
        let message = format!(
            "the invoice at BIG (segment {}) has no CUR, and there is no setting `currency`",
            big.number
        );
        return Err(big.problem(0, "currency-missing", message));
    };
    let total = number::hundredths(set.require("TDS")?, 1)?;
    let tax = tax(set)?;
    let money = |amount: Decimal| Money::new(number::amount_to_text(amount), currency);
    let is_credit = matches!(big.value(7), "CR" | "CN");
    let mut lines = Vec::new();
    for (at, it1) in set.body.iter().filter(|segment| segment.id == "IT1").enumerate() {
        lines.push(line(*it1, at, order.as_ref(), context)?);
    }
    let order = order.map(|order| order.entity);
    let document = Document {
        kind: if is_credit { DocumentKind::CreditMemo } else { DocumentKind::Invoice },
        number: Some(invoice_number.to_owned()),
        order: order.clone(),
        state: if big.value(8) == "01" { DocumentState::Cancelled } else { DocumentState::Posted },
        date: Some(date.to_string()),
        reason: None,
        answers: None,
        untaxed: tax.and_then(|tax| total.checked_sub(tax)).map(money),
        tax: tax.map(money),
        total: Some(money(total)),
        lines,
        at: context.at.clone(),
        extensions: po.map(|po| json!({ "purchaseOrder": po }).to_string()),
    };
    let kind = if is_credit { "credit" } else { "invoice" };
    let id = format!("{kind}-{invoice_number}");
    Ok(vec![context.event(EntityKind::Document, id, order, Fact::DocumentUpdated(document))])
}

/// The number of the invoiced order: BIG04, else the one that all lines refer to.
fn order_number<'a>(big: Segment<'a>, set: &Set<'a>) -> Option<&'a str> {
    if let Some(po) = big.get(4) {
        return Some(po);
    }
    let pairs = set.body.iter().filter(|segment| segment.id == "IT1").flat_map(|it1| article::pairs(*it1, 6));
    let mut numbers = pairs.filter(|(qualifier, _)| *qualifier == "PO").map(|(_, po)| po);
    let first = numbers.next()?;
    numbers.all(|other| other == first).then_some(first)
}

fn line(
    it1: Segment<'_>,
    at: usize,
    order: Option<&SentOrder>,
    context: &Context<'_>,
) -> Result<DocumentLine, Problem> {
    let id = it1.get(1).map_or_else(|| (at + 1).to_string(), str::to_owned);
    let quantity = if it1.get(2).is_some() { number::decimal(it1, 2)? } else { Decimal::ZERO };
    let amount = match it1.get(4) {
        Some(_) => number::decimal(it1, 4)?.checked_mul(quantity),
        None => None,
    };
    Ok(DocumentLine {
        line: order.and_then(|order| order.line(&id)),
        sku: article::sku(it1, 6, context.mapping),
        quantity: number::to_text(quantity),
        amount: amount.map(number::amount_to_text),
        state: None,
        reason: None,
        id,
    })
}

/// The total tax: the summary's `TXI`, else its `SAC` of tax. Absent when the summary has neither.
fn tax(set: &Set<'_>) -> Result<Option<Decimal>, Problem> {
    let summary = || set.body.iter().skip_while(|segment| segment.id != "TDS").copied();
    let add = |sum: Option<Decimal>, amount: Decimal| sum.unwrap_or_default().checked_add(amount).or(sum);
    let mut sum = None;
    for txi in summary().filter(|segment| segment.id == "TXI" && segment.get(2).is_some()) {
        sum = add(sum, number::decimal(txi, 2)?);
    }
    if sum.is_some() {
        return Ok(sum);
    }
    let is_tax = |segment: &Segment<'_>| {
        segment.id == "SAC"
            && segment.value(1) == "C"
            && segment.value(2) == "H850"
            && segment.get(5).is_some()
    };
    for sac in summary().filter(is_tax) {
        sum = add(sum, number::hundredths(sac, 5)?);
    }
    Ok(sum)
}
