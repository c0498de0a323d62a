//! The personal data of an order. It is stored in `personal` and nowhere else.

use crossdock_sdk::prelude::*;

use crate::payload;
use crate::text::{List, Text, non_empty};

/// Takes the personal data out of an order. Absent when there is none, as for most till sales.
pub(crate) fn take(order: &mut payload::Order<'_>) -> Option<Personal> {
    let billing = order.billing_address.take().map(address);
    let shipping = order.shipping_address.take().map(address);
    let customer = order.customer.as_mut();
    let (mut name, mut email, mut phone) = (None, None, None);
    if let Some(customer) = customer {
        name = full_name(customer.first_name.take(), customer.last_name.take());
        email = non_empty(customer.email.take());
        phone = non_empty(customer.phone.take());
    }
    let address_name = |address: &Option<Address>| address.as_ref().and_then(|address| address.name.clone());
    let card = order.payment_details.as_ref().and_then(|details| details.credit_card_number.as_deref());
    let ip = non_empty(order.browser_ip.take());
    let line_attributes = |line: &mut payload::Line<'_>| {
        let attributes = attributes(std::mem::take(&mut line.properties));
        (!attributes.is_empty()).then(|| LineAttributes { line: line.id.to_string(), attributes })
    };
    let personal = Personal {
        name: name.or_else(|| address_name(&billing)).or_else(|| address_name(&shipping)),
        email: non_empty(order.email.take()).or_else(|| non_empty(order.contact_email.take())).or(email),
        phone: non_empty(order.phone.take()).or(phone),
        billing,
        shipping,
        locale: non_empty(order.customer_locale.take()),
        note: non_empty(order.note.take()),
        ip_address: ip.or_else(|| non_empty(order.client_details.as_mut()?.browser_ip.take())),
        status_url: non_empty(order.order_status_url.take()),
        card_last4: card.and_then(last4),
        attributes: attributes(std::mem::take(&mut order.note_attributes)),
        line_attributes: order.line_items.0.iter_mut().filter_map(line_attributes).collect(),
    };
    (personal != Personal::default()).then_some(personal)
}

/// The staff's note on a refund.
pub(crate) fn staff_note(note: Option<Text<'_>>) -> Option<Personal> {
    non_empty(note).map(|note| Personal { note: Some(note), ..Personal::default() })
}

/// The properties as attributes with text values, without those that are `null`.
fn attributes(properties: List<payload::Property<'_>>) -> Vec<Attribute> {
    let attribute = |property: payload::Property<'_>| {
        let value = match property.value {
            serde_json::Value::Null => return None,
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        };
        Some(Attribute { name: non_empty(property.name)?, value })
    };
    properties.into_iter().filter_map(attribute).collect()
}

fn address(address: payload::Address<'_>) -> Address {
    let lines = [address.address1, address.address2];
    Address {
        name: non_empty(address.name).or_else(|| full_name(address.first_name, address.last_name)),
        company: non_empty(address.company),
        lines: lines.into_iter().filter_map(non_empty).collect(),
        city: non_empty(address.city),
        region: non_empty(address.province_code).or_else(|| non_empty(address.province)),
        postal_code: non_empty(address.zip),
        country: non_empty(address.country_code),
        phone: non_empty(address.phone),
    }
}

fn full_name(first: Option<Text<'_>>, last: Option<Text<'_>>) -> Option<String> {
    match (non_empty(first), non_empty(last)) {
        (Some(first), Some(last)) => Some(format!("{first} {last}")),
        (one, other) => one.or(other),
    }
}

/// `•••• •••• •••• 4242` is `4242`.
fn last4(number: &str) -> Option<String> {
    let last = number.get(number.len().checked_sub(4)?..)?;
    last.bytes().all(|byte| byte.is_ascii_digit()).then(|| last.to_owned())
}
