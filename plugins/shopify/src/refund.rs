//! The event of a refund.

use crossdock_sdk::prelude::*;

use crate::amount::{optional_price, price, zero};
use crate::fields::{read_list, unknown_value};
use crate::payload::{self, Set};
use crate::shop::Shop;
use crate::text::non_empty;
use crate::{payment, personal};

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
    let lines = read_list(refund.refund_line_items, "refund_line_items", |(line, _)| {
        Ok(RefundLine {
            id: line.id.to_string(),
            line: line.line_item_id.to_string(),
            quantity: line.quantity.to_string(),
            restock: restock(line.restock_type.as_deref(), restocked)?,
            location: line.location_id.map(|id| id.to_string()),
            // `subtotal` and `total_tax` are floats and are not read.
            subtotal: price(line.subtotal_set, None, &currency, "subtotal_set")?,
            tax: price(line.total_tax_set, None, &currency, "total_tax_set")?,
        })
    })?;
    let shipping = read_list(refund.refund_shipping_lines, "refund_shipping_lines", |(line, _)| {
        let id =
            line.shipping_line_id.or(line.id).ok_or_else(|| Problem::new("id-missing", "there is no id"))?;
        Ok(RefundShipping {
            line: id.to_string(),
            subtotal: price(line.subtotal_amount_set, None, &currency, "subtotal_amount_set")?,
            tax: optional_price(line.tax_amount_set, None, &currency, "tax_amount_set")?
                .unwrap_or_else(|| zero(&currency)),
        })
    })?;
    let adjustments = read_list(refund.order_adjustments, "order_adjustments", |(one, _)| {
        Ok(RefundAdjustment {
            id: one.id.to_string(),
            reason: reason(non_empty(one.kind).or_else(|| non_empty(one.reason))),
            amount: price(one.amount_set, one.amount, &currency, "amount")?,
            tax: optional_price(one.tax_amount_set, one.tax_amount, &currency, "tax_amount")?
                .unwrap_or_else(|| zero(&currency)),
        })
    })?;
    // Refunded shipping is in both lists: the adjustment is a duplicate then.
    let is_duplicate = |one: &RefundAdjustment| one.reason == "SHIPPING_REFUND" && !shipping.is_empty();
    let adjustments = adjustments.into_iter().filter(|one| !is_duplicate(one)).collect();
    let duties = read_list(refund.duties, "duties", |(duty, _)| {
        price(duty.amount_set, None, &currency, "amount_set")
    })?;
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
        return_id: refund.returned.and_then(|returned| returned.id).map(|id| id.to_string()),
        personal: personal::staff_note(refund.note),
        extensions: None,
    };
    refund.payments = payment::of_refund(transactions, &refund)?;
    Ok(refund)
}

/// The shop's currency: a refund has no field for it, but each `_set` does.
fn currency(refund: &payload::Refund<'_>) -> Result<String, Problem> {
    let lines = refund.refund_line_items.iter().filter_map(|line| line.subtotal_set.as_ref());
    let adjustments = refund.order_adjustments.iter().filter_map(|one| one.amount_set.as_ref());
    let shipping = refund.refund_shipping_lines.iter().filter_map(|line| line.subtotal_amount_set.as_ref());
    let mut sets = refund.total_duties_set.iter().chain(lines).chain(adjustments).chain(shipping);
    let set = sets.next().map(|Set { shop_money, .. }| &shop_money.currency_code);
    let paid = || refund.transactions.iter().find_map(|one| one.currency.as_ref());
    let missing = || Problem::new("currency-missing", "the refund contains no amount in the shop's currency");
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
        Some(_) => return Err(unknown_value("restock_type")),
    })
}

/// Normalizes a reason: `Refund discrepancy` and `refund_discrepancy` are both `REFUND_DISCREPANCY`.
fn reason(reason: Option<String>) -> String {
    reason
        .map_or_else(|| "OTHER".into(), |reason| reason.trim().replace([' ', '-'], "_").to_ascii_uppercase())
}
