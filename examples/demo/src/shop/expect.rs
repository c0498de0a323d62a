//! The document that the ERP must hold for an order or refund of the shop: the mapping, written once more and
//! independently of any plugin. The table is in [`crate::verify`].

use rust_decimal::Decimal;

use super::order::{CURRENCY, Order, Payment, Priced, Refund};
use super::payload::instant;
use crate::erp::document;

pub(super) fn order(shop: &str, order: &Order, priced: &Priced) -> document::Order {
    let name = |who: &super::order::Person| format!("{} {}", who.first_name, who.last_name);
    let who = order.customer.as_ref();
    let state = match order.payment {
        _ if order.cancelled.is_some() => document::State::Cancelled,
        Payment::Paid | Payment::PartiallyRefunded | Payment::Refunded => document::State::Paid,
        Payment::Pending | Payment::Authorized | Payment::Voided => document::State::Open,
    };
    let lines = order.lines.iter().zip(&priced.lines);
    document::Order {
        reference: order_reference(shop, order.id),
        source_version: None,
        ordered_at: instant(order, order.created),
        currency: CURRENCY.to_owned(),
        customer: who.map(|who| document::Customer { name: name(who), email: Some(who.email.clone()) }),
        ship_to: order.ship_to.as_ref().map(|place| document::Address {
            name: who.map(name),
            line1: Some(place.street.clone()),
            line2: place.flat.clone(),
            city: Some(place.region.city.to_owned()),
            postcode: Some(place.zip.clone()),
            region: place.region.province.map(|(_, code)| code.to_owned()),
            country: Some(place.region.country.1.to_owned()),
        }),
        warehouse: None,
        business_date: None,
        payments: vec![],
        lines: lines
            .map(|(line, priced)| document::Line {
                line: line.id.to_string(),
                sku: line.sku.clone(),
                title: Some(line.title.clone()),
                quantity: Decimal::from(line.quantity),
                unit_price: line.price,
                discount: priced.discount(),
                tax: priced.tax(),
                ships: line.grams > 0,
            })
            .collect(),
        shipping: priced.shipping,
        shipping_tax: priced.shipping_taxes.iter().sum(),
        tips: order.tip,
        duties: Decimal::ZERO,
        rounding: Decimal::ZERO,
        tax_included: order.region.taxes_included,
        total: priced.total,
        tax: priced.tax,
        state,
    }
}

pub(super) fn refund(shop: &str, order: &Order, refund: &Refund) -> document::Refund {
    let line_id = |index: usize| order.lines.get(index).map_or(0, |line| line.id);
    document::Refund {
        reference: format!("shopify/{shop}/refund/{}", refund.id),
        refunded_at: Some(instant(order, refund.at)),
        currency: Some(CURRENCY.to_owned()),
        warehouse: None,
        business_date: None,
        amount: refund.amount(),
        lines: refund
            .lines
            .iter()
            .map(|line| document::RefundLine {
                line: line_id(line.line).to_string(),
                quantity: Decimal::from(line.quantity),
                restock_type: line.restock_type.replace('_', "-"),
                subtotal: Some(line.subtotal),
                tax: Some(line.tax),
            })
            .collect(),
    }
}

pub(super) fn order_reference(shop: &str, id: u64) -> String {
    format!("shopify/{shop}/order/{id}")
}
