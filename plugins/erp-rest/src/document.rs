//! The ERP's documents, built from the vocabulary's records.
//!
//! Amounts are decimal texts in the shop's currency, which is booked, not in the customer's.

use std::collections::BTreeMap;

use crossdock_sdk::prelude::*;
use serde_json::{Value, json};

use crate::tables::Tables;

/// An order as the ERP accepts and returns it.
pub(crate) fn sales_order(event: &Event, order: &Order, tables: &Tables) -> Result<Value, Problem> {
    let entity = &event.entity;
    let discount =
        |discounts: &[DiscountAllocation]| money::shop_total(discounts.iter().map(|one| &one.amount));
    let tax = |taxes: &[TaxLine]| money::shop_total(taxes.iter().map(|one| &one.amount));
    let line = |line: &Line| {
        Ok(json!({
            "line": line.id,
            "sku": line.sku.as_deref().map(|sku| tables.article(sku)),
            "title": line.title,
            "quantity": line.quantity,
            "unitPrice": line.unit_price.shop.amount,
            "discount": discount(&line.discounts)?,
            "tax": tax(&line.taxes)?,
            "ships": line.ships,
        }))
    };
    let (mut shipping, mut shipping_tax) = (Decimal::ZERO, Decimal::ZERO);
    for line in &order.shipping {
        shipping += money::shop_total([&line.price])? - discount(&line.discounts)?;
        shipping_tax += tax(&line.taxes)?;
    }
    // The host includes only the fields that the manifest requests, and none once the person has been erased.
    let personal = order.personal.as_ref();
    let totals = &order.totals;
    Ok(json!({
        "reference": entity.to_string(),
        "sourceVersion": event.version.as_ref().map(|version| &version.at),
        "orderedAt": order.placed_at,
        "currency": order.currency,
        "customer": personal
            .filter(|personal| personal.name.is_some())
            .map(|personal| json!({ "name": personal.name, "email": personal.email })),
        "shipTo": personal.and_then(|who| who.shipping.as_ref()).map(ship_to),
        "warehouse": tables.warehouse(&entity.system, order.store.as_deref()),
        "businessDate": order.business_date,
        "payments": payments(&order.payments, tables)?,
        "lines": order.lines.iter().map(line).collect::<Result<Vec<_>, Problem>>()?,
        "shipping": shipping,
        "shippingTax": shipping_tax,
        "tips": money::shop_total(&totals.tips)?,
        "duties": money::shop_total(order.added_duties())?,
        "rounding": money::shop_total(&totals.cash_rounding)?,
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

/// The amount received per account. Authorizations and failed payments are not booked.
fn payments(payments: &[Payment], tables: &Tables) -> Result<Vec<Value>, Problem> {
    let mut accounts: BTreeMap<String, Decimal> = BTreeMap::new();
    for payment in payments.iter().filter(|one| one.outcome == PaymentResult::Success && !one.test) {
        let amount = money::shop_total([&payment.amount])?;
        let signed = match payment.kind {
            PaymentKind::Sale | PaymentKind::Capture => amount,
            PaymentKind::Change => -amount,
            // A refund is a separate document.
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

/// A refund as the ERP accepts it. Its amount is the sum of the successful payments; pending and failed payments are
/// not booked.
pub(crate) fn credit_note(entity: &Entity, refund: &Refund, tables: &Tables) -> Result<Value, Problem> {
    // The location that the goods went to, else the store that issued the refund.
    let location = refund.lines.iter().find_map(|line| line.location.as_deref()).or(refund.store.as_deref());
    let repaid =
        |payment: &&Payment| payment.kind == PaymentKind::Refund && payment.outcome == PaymentResult::Success;
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
        "warehouse": location.and_then(|location| tables.warehouse(&entity.system, Some(location))),
        "businessDate": refund.business_date,
        "amount": money::shop_total(refund.payments.iter().filter(repaid).map(|one| &one.amount))?,
        "lines": refund.lines.iter().map(line).collect::<Vec<_>>(),
    }))
}

/// A stock adjustment as the ERP accepts it. Its reference is the event's key, since one stock entity is adjusted many
/// times.
pub(crate) fn adjustment(work: &Work, adjustment: &Adjustment, tables: &Tables) -> Value {
    json!({
        "reference": work.key,
        "article": tables.article(&adjustment.sku),
        "warehouse": tables.required_warehouse(&work.event.entity.system, &adjustment.location),
        "delta": adjustment.delta,
        "reason": match adjustment.reason {
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

/// Whether a document of the ERP contains the expected content. The ERP may add members (its own ids), omit those that
/// are `null` or an empty list, and format amounts differently (`5.0` for `5.00`).
pub(crate) fn contains(actual: &Value, expected: &Value) -> bool {
    match (actual, expected) {
        (Value::Object(actual), Value::Object(expected)) => expected
            .iter()
            .all(|(name, expected)| contains(actual.get(name).unwrap_or(&Value::Null), expected)),
        (Value::Array(actual), Value::Array(expected)) => {
            actual.len() == expected.len()
                && actual.iter().zip(expected).all(|(actual, expected)| contains(actual, expected))
        }
        (Value::Null, Value::Array(expected)) => expected.is_empty(),
        (Value::String(actual), Value::String(expected)) if actual != expected => {
            matches!((money::decimal(actual), money::decimal(expected)), (Ok(a), Ok(b)) if a == b)
        }
        _ => actual == expected,
    }
}
