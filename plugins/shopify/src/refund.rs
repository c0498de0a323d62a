//! What a refund's webhook means.

use crossdock_sdk::prelude::*;

use crate::amount::{maybe, price, zero};
use crate::order::{each, unknown};
use crate::payload::{self, Set};
use crate::text::filled;
use crate::{Shop, payment, people};

/// The event of `refunds/create`. It can happen only once, so it has no version.
pub(crate) fn event(shop: &Shop, refund: payload::Refund<'_>) -> Result<Event, Problem> {
    Ok(Event {
        entity: shop.entity(EntityKind::Refund, &refund.id),
        parent: Some(shop.entity(EntityKind::Order, &refund.order_id)),
        version: None,
        occurred_at: refund.created_at.to_string(),
        fact: Fact::RefundIssued(read(refund)?),
    })
}

fn read(refund: payload::Refund<'_>) -> Result<Refund, Problem> {
    let currency = currency(&refund)?;
    let restocked = refund.restock == Some(true);
    let lines = each(refund.refund_line_items, "refund_line_items", |(line, _)| {
        Ok(RefundLine {
            id: line.id.to_string(),
            line: line.line_item_id.to_string(),
            quantity: line.quantity.to_string(),
            restock: restock(line.restock_type.as_deref(), restocked)?,
            location: line.location_id.map(|id| id.to_string()),
            // `subtotal` and `total_tax` are floats, and so are not read.
            subtotal: price(line.subtotal_set, None, &currency, "subtotal_set")?,
            tax: price(line.total_tax_set, None, &currency, "total_tax_set")?,
        })
    })?;
    let shipping = each(refund.refund_shipping_lines, "refund_shipping_lines", |(line, _)| {
        let id =
            line.shipping_line_id.or(line.id).ok_or_else(|| Problem::new("id-missing", "there is no id"))?;
        Ok(RefundShipping {
            line: id.to_string(),
            subtotal: price(line.subtotal_amount_set, None, &currency, "subtotal_amount_set")?,
            tax: maybe(line.tax_amount_set, None, &currency, "tax_amount_set")?
                .unwrap_or_else(|| zero(&currency)),
        })
    })?;
    let adjustments = each(refund.order_adjustments, "order_adjustments", |(one, _)| {
        Ok(RefundAdjustment {
            id: one.id.to_string(),
            reason: reason(filled(one.kind).or_else(|| filled(one.reason))),
            amount: price(one.amount_set, one.amount, &currency, "amount")?,
            tax: maybe(one.tax_amount_set, one.tax_amount, &currency, "tax_amount")?
                .unwrap_or_else(|| zero(&currency)),
        })
    })?;
    // Shipping given back is told twice where both lists have it.
    let twice = |one: &RefundAdjustment| one.reason == "SHIPPING_REFUND" && !shipping.is_empty();
    let adjustments = adjustments.into_iter().filter(|one| !twice(one)).collect();
    let duties =
        each(refund.duties, "duties", |(duty, _)| price(duty.amount_set, None, &currency, "amount_set"))?;
    let store = refund.transactions.iter().find_map(|one| one.location_id.as_ref()).map(ToString::to_string);
    let transactions = refund.transactions;
    let mut refund = Refund {
        processed_at: refund.processed_at.filter(|at| *at != refund.created_at).map(String::from),
        at: refund.created_at.into(),
        business_date: None,
        store,
        currency,
        lines,
        adjustments,
        shipping,
        duties,
        taxes: vec![],
        payments: vec![],
        return_id: refund.settles.and_then(|settles| settles.id).map(|id| id.to_string()),
        personal: people::noted(refund.note),
        extensions: None,
    };
    refund.payments = payment::of_refund(transactions, &refund)?;
    Ok(refund)
}

/// The shop's currency. A refund does not say it; each `_set` in it does.
fn currency(refund: &payload::Refund<'_>) -> Result<String, Problem> {
    let lines = refund.refund_line_items.iter().filter_map(|line| line.subtotal_set.as_ref());
    let adjustments = refund.order_adjustments.iter().filter_map(|one| one.amount_set.as_ref());
    let shipping = refund.refund_shipping_lines.iter().filter_map(|line| line.subtotal_amount_set.as_ref());
    let mut sets = refund.total_duties_set.iter().chain(lines).chain(adjustments).chain(shipping);
    let set = sets.next().map(|Set { shop_money, .. }| &shop_money.currency_code);
    let paid = || refund.transactions.iter().find_map(|one| one.currency.as_ref());
    let missing = || Problem::new("currency-missing", "nothing in the refund says the shop's currency");
    set.or_else(paid).map(|currency| currency.to_string()).ok_or_else(missing)
}

fn restock(kind: Option<&str>, restocked: bool) -> Result<RestockKind, Problem> {
    Ok(match kind {
        Some("no_restock") => RestockKind::NoRestock,
        Some("cancel") => RestockKind::Cancel,
        Some("return") => RestockKind::Return,
        Some("legacy_restock") => RestockKind::Legacy,
        None if restocked => RestockKind::Legacy,
        None => RestockKind::NoRestock,
        Some(_) => return Err(unknown("restock_type")),
    })
}

/// `Refund discrepancy` and `refund_discrepancy` are the one word `REFUND_DISCREPANCY`.
fn reason(reason: Option<String>) -> String {
    reason
        .map_or_else(|| "OTHER".into(), |reason| reason.trim().replace([' ', '-'], "_").to_ascii_uppercase())
}
