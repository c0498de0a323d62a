//! What the partner asks money for: the 810.

use crossdock_sdk::prelude::*;
use serde_json::json;

use super::order::{Known, stranger};
use super::{Told, article};
use crate::time;
use crate::x12::{Segment, Set};

/// Reads an 810: an invoice, or a credit memo.
pub(crate) fn read(set: &Set<'_>, told: &Told<'_>) -> Result<Vec<Event>, Problem> {
    let head = set.need("BIG")?;
    let date = time::date(head, 1)?;
    let number = head.need(2, "the number of the invoice")?;
    let po = order_number(head, set);
    let known = po.and_then(Known::find);
    if let Some(po) = po.filter(|_| known.is_none()) {
        stranger("810", po, head.number);
    }
    let currency = set.find("CUR").and_then(|cur| cur.get(2)).or(told.settings.currency.as_deref());
    let Some(currency) = currency else {
        let message = format!(
            "the invoice at BIG (segment {}) has no CUR, and there is no setting `currency`",
            head.number
        );
        return Err(head.problem(0, "currency-missing", message));
    };
    let total = article::cents(set.need("TDS")?, 1)?;
    let tax = tax(set)?;
    let money = |amount: Decimal| Money::new(article::amount(amount), currency);
    let credit = matches!(head.value(7), "CR" | "CN");
    let mut lines = Vec::new();
    for (at, it1) in set.body.iter().filter(|segment| segment.id == "IT1").enumerate() {
        lines.push(line(*it1, at, known.as_ref(), told)?);
    }
    let order = known.map(|known| known.entity);
    let document = Document {
        kind: if credit { DocumentKind::CreditMemo } else { DocumentKind::Invoice },
        number: Some(number.to_owned()),
        order: order.clone(),
        state: if head.value(8) == "01" { DocumentState::Cancelled } else { DocumentState::Posted },
        date: Some(date.to_string()),
        reason: None,
        answers: None,
        untaxed: tax.and_then(|tax| total.checked_sub(tax)).map(money),
        tax: tax.map(money),
        total: Some(money(total)),
        lines,
        at: told.at.clone(),
        extensions: po.map(|po| json!({ "purchaseOrder": po }).to_string()),
    };
    let kind = if credit { "credit" } else { "invoice" };
    let id = format!("{kind}-{number}");
    Ok(vec![told.event(EntityKind::Document, id, order, Fact::DocumentUpdated(document))])
}

/// The order that is billed: BIG04; else the one that every line names.
fn order_number<'a>(head: Segment<'a>, set: &Set<'a>) -> Option<&'a str> {
    if let Some(po) = head.get(4) {
        return Some(po);
    }
    let pairs = set.body.iter().filter(|segment| segment.id == "IT1").flat_map(|it1| article::pairs(*it1, 6));
    let mut named = pairs.filter(|(kind, _)| *kind == "PO").map(|(_, po)| po);
    let first = named.next()?;
    named.all(|other| other == first).then_some(first)
}

fn line(
    it1: Segment<'_>,
    at: usize,
    known: Option<&Known>,
    told: &Told<'_>,
) -> Result<DocumentLine, Problem> {
    let id = it1.get(1).map_or_else(|| (at + 1).to_string(), str::to_owned);
    let quantity = if it1.get(2).is_some() { article::number(it1, 2)? } else { Decimal::ZERO };
    let amount = match it1.get(4) {
        Some(_) => article::number(it1, 4)?.checked_mul(quantity),
        None => None,
    };
    Ok(DocumentLine {
        line: known.and_then(|known| known.line(&id)),
        sku: article::sku(it1, 6, told.words),
        quantity: article::plain(quantity),
        amount: amount.map(article::amount),
        state: None,
        reason: None,
        id,
    })
}

/// The tax of the whole: the summary's `TXI`, else its `SAC` of tax. Absent when the invoice tells none.
fn tax(set: &Set<'_>) -> Result<Option<Decimal>, Problem> {
    let summary = || set.body.iter().skip_while(|segment| segment.id != "TDS").copied();
    let add = |sum: Option<Decimal>, amount: Decimal| sum.unwrap_or_default().checked_add(amount).or(sum);
    let mut sum = None;
    for txi in summary().filter(|segment| segment.id == "TXI" && segment.get(2).is_some()) {
        sum = add(sum, article::number(txi, 2)?);
    }
    if sum.is_some() {
        return Ok(sum);
    }
    let tax = |segment: &Segment<'_>| {
        segment.id == "SAC"
            && segment.value(1) == "C"
            && segment.value(2) == "H850"
            && segment.get(5).is_some()
    };
    for sac in summary().filter(tax) {
        sum = add(sum, article::cents(sac, 5)?);
    }
    Ok(sum)
}
