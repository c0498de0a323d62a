//! The events of an order, and its snapshot.

use crossdock_sdk::prelude::*;
use serde::Serialize;

use crate::amount::{difference, is_zero, optional_price, price, sum};
use crate::fields::{read_list, unknown_value};
use crate::natural_key::natural_key;
use crate::shop::Shop;
use crate::text::{Id, Text, non_empty};
use crate::{line, payload, payment, personal};

/// The event of an order's webhook. The topic distinguishes placing from a change; the body determines the rest.
pub(crate) fn event(shop: &Shop, topic: Option<&str>, order: payload::Order<'_>) -> Result<Event, Problem> {
    let entity = shop.entity(EntityKind::Order, &order.id);
    let (created, updated) = (order.created_at.to_string(), order.updated_at.to_string());
    let order = snapshot(shop, order)?;
    let was_paid = matches!(
        order.payment,
        PaymentState::Paid | PaymentState::PartiallyRefunded | PaymentState::Refunded
    );
    let (occurred_at, fact) = match (topic, &order.cancelled_at) {
        (_, Some(at)) => (at.clone(), Fact::cancelled(order)),
        (Some("orders/create"), None) => (created, Fact::placed(order)),
        (Some("orders/paid"), None) if was_paid => (updated.clone(), Fact::paid(order)),
        _ => (updated.clone(), Fact::updated(order)),
    };
    Ok(Event { entity, parent: None, version: Some(Version::at(updated)), occurred_at, fact })
}

/// The event of `orders/edited`: a difference. The snapshot follows as `orders/updated`.
pub(crate) fn edit_event(shop: &Shop, edit: payload::Edit<'_>) -> Event {
    let at = String::from(edit.committed_at.unwrap_or(edit.created_at));
    let change = |change: payload::Change<'_>, sign: i64| {
        let delta = (change.delta?.abs().checked_mul(sign)?).to_string();
        Some(LineChange { id: change.id?.to_string(), delta })
    };
    let has_changes =
        |changes: &payload::Changes<'_>| !changes.additions.is_empty() || !changes.removals.is_empty();
    let (discounts_changed, shipping_changed) =
        (has_changes(&edit.discounts.line_item), has_changes(&edit.shipping_lines));
    let added = edit.line_items.additions.into_iter().filter_map(|one| change(one, 1));
    let removed = edit.line_items.removals.into_iter().filter_map(|one| change(one, -1));
    Event {
        entity: shop.entity(EntityKind::Order, &edit.order_id),
        parent: None,
        version: None,
        occurred_at: at.clone(),
        fact: Fact::OrderEdited(OrderEdit {
            id: edit.id.to_string(),
            at,
            lines: added.chain(removed).collect(),
            discounts_changed,
            shipping_changed,
        }),
    }
}

fn snapshot(shop: &Shop, mut order: payload::Order<'_>) -> Result<Order, Problem> {
    let currency = String::from(order.currency.clone());
    let personal = personal::take(&mut order);
    let extensions = extensions(&order);
    let applications = order.discount_applications;
    let lines =
        read_list(order.line_items, "line_items", |(one, _)| line::read(one, &applications, &currency))?;
    let shipping = read_list(order.shipping_lines, "shipping_lines", |(one, nth)| {
        line::shipping(one, nth, &applications, &currency)
    })?;
    let payments = read_list(order.transactions, "transactions", |(one, _)| payment::read(one, &currency))?;
    let totals = Totals {
        lines: price(
            order.total_line_items_price_set,
            order.total_line_items_price,
            &currency,
            "total_line_items_price",
        )?,
        discounts: price(order.total_discounts_set, order.total_discounts, &currency, "total_discounts")?,
        shipping: shipping_total(&shipping, &currency)?,
        tax: price(order.total_tax_set, order.total_tax, &currency, "total_tax")?,
        tips: tips(order.total_tip_received, &lines, &currency)?,
        duties: optional_price(order.original_total_duties_set, None, &currency, "original_total_duties")?,
        cash_rounding: optional_price(
            order.total_cash_rounding_payment_adjustment_set,
            None,
            &currency,
            "total_cash_rounding_payment_adjustment",
        )?
        .filter(|rounding| !is_zero(rounding)),
        total: price(order.total_price_set, order.total_price, &currency, "total_price")?,
        outstanding: optional_price(None, order.total_outstanding, &currency, "total_outstanding")?,
    };
    let attributes = personal.as_ref().map(|personal| personal.attributes.as_slice()).unwrap_or_default();
    let (natural_key, business_date) = natural_key(attributes)?.unzip();
    Ok(Order {
        number: order.name.into(),
        channel: channel(non_empty(order.source_name), order.app_id),
        placed_at: order.created_at.to_string(),
        processed_at: order.processed_at.filter(|at| *at != order.created_at).map(String::from),
        business_date,
        natural_key,
        store: order.location_id.map(|id| id.to_string()),
        register: order.device_id.map(|id| id.to_string()),
        staff_id: order.user_id.map(|id| id.to_string()),
        presentment_currency: non_empty(order.presentment_currency).filter(|other| *other != currency),
        prices_include_tax: order.taxes_included.unwrap_or(false),
        duties_included: order.duties_included.unwrap_or(false),
        payment: payment_state(order.financial_status.as_deref())?,
        fulfilment: fulfilment_state(order.fulfillment_status.as_deref())?,
        cancelled_at: non_empty(order.cancelled_at),
        cancel_reason: non_empty(order.cancel_reason),
        test: order.test.unwrap_or(false),
        customer: order
            .customer
            .and_then(|customer| customer.id)
            .map(|id| shop.entity(EntityKind::Customer, id)),
        personal,
        lines,
        shipping,
        payments,
        po_number: non_empty(order.po_number),
        discount_codes: order.discount_codes.into_iter().filter_map(|code| non_empty(code.code)).collect(),
        totals,
        tags: tags(order.tags.as_deref()),
        exchange_of: None,
        extensions,
        currency,
    })
}

/// The shipping costs after discounts.
fn shipping_total(shipping: &[ShippingLine], currency: &str) -> Result<Price, Problem> {
    let full = sum(shipping.iter().map(|line| &line.price), currency)?;
    let discounts = shipping.iter().flat_map(|line| &line.discounts).map(|discount| &discount.amount);
    if discounts.clone().next().is_none() { Ok(full) } else { difference(&full, &sum(discounts, currency)?) }
}

/// The total of tips, including those that are lines. An app may add a tip as a line without adding it to the total:
/// then the total is unknown.
fn tips(received: Option<Text<'_>>, lines: &[Line], currency: &str) -> Result<Option<Price>, Problem> {
    let Some(tips) = optional_price(None, received, currency, "total_tip_received")? else { return Ok(None) };
    let mut as_lines = Decimal::ZERO;
    for line in lines.iter().filter(|line| line.kind == LineKind::Tip) {
        as_lines += money::decimal(&line.unit_price.shop.amount)? * money::decimal(&line.quantity)?;
    }
    Ok(if as_lines > money::decimal(&tips.shop.amount)? { None } else { Some(tips) })
}

/// The tags of a comma-separated text.
fn tags(tags: Option<&str>) -> Vec<String> {
    let tags = tags.unwrap_or_default().split(',').map(str::trim);
    tags.filter(|tag| !tag.is_empty()).map(str::to_owned).collect()
}

fn channel(source: Option<String>, app: Option<Id<'_>>) -> String {
    match source.as_deref() {
        Some("shopify_draft_order") => "draft".into(),
        Some(_) => source.unwrap_or_default(),
        None => app.map_or_else(|| "unknown".into(), |app| app.to_string()),
    }
}

fn payment_state(status: Option<&str>) -> Result<PaymentState, Problem> {
    Ok(match status {
        None | Some("" | "pending" | "unpaid") => PaymentState::Pending,
        Some("authorized") => PaymentState::Authorized,
        Some("partially_paid") => PaymentState::PartiallyPaid,
        Some("paid") => PaymentState::Paid,
        Some("partially_refunded") => PaymentState::PartiallyRefunded,
        Some("refunded") => PaymentState::Refunded,
        Some("voided" | "expired") => PaymentState::Voided,
        Some(_) => return Err(unknown_value("financial_status")),
    })
}

fn fulfilment_state(status: Option<&str>) -> Result<FulfilmentState, Problem> {
    Ok(match status {
        Some("partial") => FulfilmentState::Partial,
        Some("fulfilled") => FulfilmentState::Fulfilled,
        Some("restocked") => FulfilmentState::Restocked,
        None => FulfilmentState::Unfulfilled,
        Some(
            "" | "unfulfilled" | "not_eligible" | "open" | "in_progress" | "on_hold" | "scheduled"
            | "request_declined",
        )
        | Some("pending_fulfillment") => FulfilmentState::Unfulfilled,
        Some(_) => return Err(unknown_value("fulfillment_status")),
    })
}

/// Data for which the vocabulary has no field.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Extensions<'a> {
    /// The gateways involved: a webhook names them, but not the amount of each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    payment_gateways: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    company_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    company_location_id: Option<String>,
}

fn extensions(order: &payload::Order<'_>) -> Option<String> {
    let company = order.company.as_ref();
    let extensions = Extensions {
        payment_gateways: order.payment_gateway_names.iter().map(|name| &**name).collect(),
        company_id: company.and_then(|company| company.id.as_ref()).map(ToString::to_string),
        company_location_id: company
            .and_then(|company| company.location_id.as_ref())
            .map(ToString::to_string),
    };
    serde_json::to_string(&extensions).ok().filter(|json| json != "{}")
}
