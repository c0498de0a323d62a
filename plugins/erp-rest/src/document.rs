//! The ERP's own form of an order and a refund, made from the vocabulary's.
//!
//! Amounts are decimal texts in the shop's own currency: that is what is booked, whatever the customer saw.

use std::collections::BTreeMap;

use crossdock_sdk::prelude::*;
use serde_json::{Value, json};

use crate::tables::Tables;

/// An order as the ERP takes it and gives it back.
pub(crate) fn sales_order(event: &Event, order: &Order, tables: &Tables) -> Result<Value, Problem> {
    let entity = &event.entity;
    let off = |discounts: &[DiscountAllocation]| money::booked(discounts.iter().map(|one| &one.amount));
    let tax = |taxes: &[TaxLine]| money::booked(taxes.iter().map(|one| &one.amount));
    let line = |line: &Line| {
        Ok(json!({
            "line": line.id,
            "sku": line.sku.as_deref().map(|sku| tables.article(sku)),
            "title": line.title,
            "quantity": line.quantity,
            "unitPrice": line.unit_price.shop.amount,
            "discount": off(&line.discounts)?,
            "tax": tax(&line.taxes)?,
            "ships": line.ships,
        }))
    };
    let (mut shipping, mut shipping_tax) = (Decimal::ZERO, Decimal::ZERO);
    for line in &order.shipping {
        shipping += money::booked([&line.price])? - off(&line.discounts)?;
        shipping_tax += tax(&line.taxes)?;
    }
    // The host leaves out what the manifest does not ask for, and all of it once the person has been erased.
    let personal = order.personal.as_ref();
    let totals = &order.totals;
    Ok(json!({
        "reference": entity.to_string(),
        "sourceVersion": event.version.as_ref().map(|version| &version.at),
        "orderedAt": order.placed_at,
        "currency": order.currency,
        "customer": personal.filter(|who| who.name.is_some()).map(|who| json!({ "name": who.name, "email": who.email })),
        "shipTo": personal.and_then(|who| who.shipping.as_ref()).map(ship_to),
        "warehouse": tables.warehouse(&entity.system, order.store.as_deref()),
        "businessDate": order.business_date,
        "payments": payments(&order.payments, tables)?,
        "lines": order.lines.iter().map(line).collect::<Result<Vec<_>, Problem>>()?,
        "shipping": shipping,
        "shippingTax": shipping_tax,
        "tips": money::booked(&totals.tips)?,
        "duties": money::booked(order.added_duties())?,
        "rounding": money::booked(&totals.cash_rounding)?,
        "taxIncluded": order.prices_include_tax,
        "total": totals.total.shop.amount,
        "tax": totals.tax.shop.amount,
        "state": match order.payment {
            _ if order.cancelled_at.is_some() => "cancelled",
            PaymentState::Paid | PaymentState::PartiallyRefunded | PaymentState::Refunded => "paid",
            _ => "open",
        },
    }))
}

/// What came into each account. Money that was only promised, or did not come, is not booked.
fn payments(payments: &[Payment], tables: &Tables) -> Result<Vec<Value>, Problem> {
    let mut accounts: BTreeMap<String, Decimal> = BTreeMap::new();
    for payment in payments.iter().filter(|one| one.outcome == PaymentResult::Success && !one.test) {
        let amount = money::booked([&payment.amount])?;
        let signed = match payment.kind {
            PaymentKind::Sale | PaymentKind::Capture => amount,
            PaymentKind::Change => -amount,
            // A refund is a document of its own.
            PaymentKind::Authorization | PaymentKind::Void | PaymentKind::Refund => continue,
        };
        *accounts.entry(tables.account(payment)).or_default() += signed;
    }
    Ok(accounts
        .into_iter()
        .map(|(account, amount)| json!({ "account": account, "amount": amount }))
        .collect())
}

fn ship_to(address: &Address) -> Value {
    json!({
        "name": address.name.as_ref().or(address.company.as_ref()),
        "line1": address.lines.first(),
        "line2": address.lines.get(1),
        "city": address.city,
        "postcode": address.postal_code,
        "region": address.region,
        "country": address.country,
    })
}

/// A refund as the ERP takes it. Its amount is what really went back: pending and failed payments are not booked.
pub(crate) fn credit_note(entity: &Entity, refund: &Refund, tables: &Tables) -> Result<Value, Problem> {
    // Where the goods went, else where the money was given back.
    let place = refund.lines.iter().find_map(|line| line.location.as_deref()).or(refund.store.as_deref());
    let paid = |one: &&Payment| one.kind == PaymentKind::Refund && one.outcome == PaymentResult::Success;
    let line = |line: &RefundLine| {
        json!({
            "line": line.line,
            "quantity": line.quantity,
            "restockType": match line.restock {
                RestockKind::NoRestock => "no-restock",
                RestockKind::Cancel => "cancel",
                RestockKind::Return => "return",
                RestockKind::Legacy => "legacy-restock",
            },
            "subtotal": line.subtotal.shop.amount,
            "tax": line.tax.shop.amount,
        })
    };
    Ok(json!({
        "reference": entity.to_string(),
        "refundedAt": refund.at,
        "currency": refund.currency,
        "warehouse": place.and_then(|place| tables.warehouse(&entity.system, Some(place))),
        "businessDate": refund.business_date,
        "amount": money::booked(refund.payments.iter().filter(paid).map(|one| &one.amount))?,
        "lines": refund.lines.iter().map(line).collect::<Vec<_>>(),
    }))
}

/// A change of stock as the ERP takes it. Its reference is the event's key: an article changes again and again.
pub(crate) fn adjustment(work: &Work, change: &Adjustment, tables: &Tables) -> Value {
    json!({
        "reference": work.key,
        "article": tables.article(&change.sku),
        "warehouse": tables.place(&work.event.entity.system, &change.location),
        "delta": change.delta,
        "reason": match change.reason {
            AdjustmentReason::Sale => "sale",
            AdjustmentReason::Return => "return",
            AdjustmentReason::Receipt => "receipt",
            AdjustmentReason::Transfer => "transfer",
            AdjustmentReason::Count => "count",
            AdjustmentReason::Damage => "damage",
            AdjustmentReason::Shrinkage => "shrinkage",
            AdjustmentReason::Reservation => "reservation",
            AdjustmentReason::Other => "other",
        },
    })
}

/// Whether what the ERP holds says everything that we would have it say. It may say more (ids of its own), it may
/// leave out what is `null` or an empty list, and it may write an amount in another way (`5.0` for `5.00`).
pub(crate) fn says(held: &Value, wanted: &Value) -> bool {
    match (held, wanted) {
        (Value::Object(held), Value::Object(wanted)) => {
            wanted.iter().all(|(name, wanted)| says(held.get(name).unwrap_or(&Value::Null), wanted))
        }
        (Value::Array(held), Value::Array(wanted)) => {
            held.len() == wanted.len() && held.iter().zip(wanted).all(|(held, wanted)| says(held, wanted))
        }
        (Value::Null, Value::Array(wanted)) => wanted.is_empty(),
        (Value::String(held), Value::String(wanted)) if held != wanted => {
            matches!((money::decimal(held), money::decimal(wanted)), (Ok(held), Ok(wanted)) if held == wanted)
        }
        _ => held == wanted,
    }
}
