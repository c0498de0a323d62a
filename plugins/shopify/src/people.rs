//! Whatever says who the customer is. It goes into `personal` and nowhere else.

use crossdock_sdk::prelude::*;

use crate::payload;
use crate::text::{List, Text, filled};

/// The personal part of an order, taken out of it. Absent when there is nothing, as at the till.
pub(crate) fn of(order: &mut payload::Order<'_>) -> Option<Personal> {
    let billing = order.billing_address.take().map(address);
    let shipping = order.shipping_address.take().map(address);
    let customer = order.customer.as_mut();
    let (mut name, mut email, mut phone) = (None, None, None);
    if let Some(customer) = customer {
        name = full_name(customer.first_name.take(), customer.last_name.take());
        email = filled(customer.email.take());
        phone = filled(customer.phone.take());
    }
    let of_address = |address: &Option<Address>| address.as_ref().and_then(|address| address.name.clone());
    let card = order.payment_details.as_ref().and_then(|details| details.credit_card_number.as_deref());
    let ip = filled(order.browser_ip.take());
    let written = |line: &mut payload::Line<'_>| {
        let attributes = attached(std::mem::take(&mut line.properties));
        (!attributes.is_empty()).then(|| LineAttributes { line: line.id.to_string(), attributes })
    };
    let personal = Personal {
        name: name.or_else(|| of_address(&billing)).or_else(|| of_address(&shipping)),
        email: filled(order.email.take()).or_else(|| filled(order.contact_email.take())).or(email),
        phone: filled(order.phone.take()).or(phone),
        billing,
        shipping,
        locale: filled(order.customer_locale.take()),
        note: filled(order.note.take()),
        ip_address: ip.or_else(|| filled(order.client_details.as_mut()?.browser_ip.take())),
        status_url: filled(order.order_status_url.take()),
        card_last4: card.and_then(last4),
        attributes: attached(std::mem::take(&mut order.note_attributes)),
        line_attributes: order.line_items.0.iter_mut().filter_map(written).collect(),
    };
    (personal != Personal::default()).then_some(personal)
}

/// The staff's note on a refund.
pub(crate) fn noted(note: Option<Text<'_>>) -> Option<Personal> {
    filled(note).map(|note| Personal { note: Some(note), ..Personal::default() })
}

/// What was attached, as texts. What is `null` is not there.
fn attached(properties: List<payload::Property<'_>>) -> Vec<Attribute> {
    let attribute = |property: payload::Property<'_>| {
        let value = match property.value {
            serde_json::Value::Null => return None,
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        };
        Some(Attribute { name: filled(property.name)?, value })
    };
    properties.into_iter().filter_map(attribute).collect()
}

fn address(address: payload::Address<'_>) -> Address {
    let lines = [address.address1, address.address2];
    Address {
        name: filled(address.name).or_else(|| full_name(address.first_name, address.last_name)),
        company: filled(address.company),
        lines: lines.into_iter().filter_map(filled).collect(),
        city: filled(address.city),
        region: filled(address.province_code).or_else(|| filled(address.province)),
        postal_code: filled(address.zip),
        country: filled(address.country_code),
        phone: filled(address.phone),
    }
}

fn full_name(first: Option<Text<'_>>, last: Option<Text<'_>>) -> Option<String> {
    match (filled(first), filled(last)) {
        (Some(first), Some(last)) => Some(format!("{first} {last}")),
        (one, other) => one.or(other),
    }
}

/// `•••• •••• •••• 4242` is `4242`.
fn last4(number: &str) -> Option<String> {
    let last = number.get(number.len().checked_sub(4)?..)?;
    last.bytes().all(|byte| byte.is_ascii_digit()).then(|| last.to_owned())
}
