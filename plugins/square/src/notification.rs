//! Webhook notifications. The host has verified the signature over address and body.

use crossdock_sdk::prelude::*;
use serde::Deserialize;
use serde_json::Value;

use crate::api::Api;
use crate::order::Trigger;
use crate::payload::{Count, Payment, Refund, parse, part};
use crate::{order, refund, stock};

#[derive(Deserialize)]
struct Notification {
    merchant_id: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    event_id: Option<String>,
    #[serde(default)]
    data: Data,
}

#[derive(Default, Deserialize)]
struct Data {
    id: Option<String>,
    #[serde(default)]
    object: Value,
}

/// The events of a notification. None for an unsupported type, and for an operation that is not complete: another
/// notification follows then.
pub(crate) fn read(body: &[u8], square: &Api) -> Result<Vec<Event>, Failure> {
    let notification: Notification = parse(body)?;
    let Some(kind) = notification.kind.filter(|_| notification.event_id.is_some()) else {
        return Err(Problem::new("no-notification", "the body is not a notification of Square").into());
    };
    if let Some(other) = notification.merchant_id.filter(|merchant| *merchant != square.settings.merchant) {
        let message = format!(
            "the notification is about {other}, and this connector is for {}",
            square.settings.merchant
        );
        return Err(Problem::new("other-merchant", message).at("merchant_id").into());
    }
    match kind.as_str() {
        "order.created" => order_events(&order_id(notification.data)?, Some(Trigger::Created), square),
        "order.updated" | "order.fulfillment.updated" => {
            order_events(&order_id(notification.data)?, None, square)
        }
        "payment.created" | "payment.updated" => {
            let payment: Payment = part(object(notification.data, "payment")?)?;
            payment_events(payment, square)
        }
        "refund.created" | "refund.updated" => {
            let refund: Refund = part(object(notification.data, "refund")?)?;
            refund::notification_events(&refund, square)
        }
        "inventory.count.updated" => {
            let counts: Vec<Count> = part(object(notification.data, "inventory_counts")?)?;
            stock::events(&counts, square)
        }
        _ => Ok(vec![]),
    }
}

fn order_events(id: &str, trigger: Option<Trigger>, square: &Api) -> Result<Vec<Event>, Failure> {
    let order = square.order(id)?;
    let context = square.context(&[&order], vec![])?;
    Ok(order::events(&square.settings, &order, &context, trigger)?)
}

/// The events of the order that a payment belongs to. None for a payment without an order.
fn payment_events(payment: Payment, square: &Api) -> Result<Vec<Event>, Failure> {
    let Some(id) = payment.order_id.clone() else { return Ok(vec![]) };
    let order = square.order(&id)?;
    let trigger = (payment.status.as_deref() == Some("COMPLETED")).then_some(Trigger::Paid);
    let context = square.context(&[&order], vec![payment])?;
    Ok(order::events(&square.settings, &order, &context, trigger)?)
}

/// The order's id: in the object, whose name depends on the type of the notification, or else `data.id`.
fn order_id(data: Data) -> Result<String, Problem> {
    let members = data.object.as_object().into_iter().flatten();
    let in_object = members.filter_map(|(_, value)| value.get("order_id")?.as_str()).next();
    let id = in_object.map(str::to_owned).or(data.id).filter(|id| !id.is_empty());
    id.ok_or_else(|| Problem::new("body-unreadable", "the notification names no order").at("data.object"))
}

fn object(data: Data, name: &str) -> Result<Value, Problem> {
    let Value::Object(mut members) = data.object else { return Err(missing(name)) };
    members.remove(name).ok_or_else(|| missing(name))
}

fn missing(name: &str) -> Problem {
    Problem::new("body-unreadable", format!("the notification contains no `{name}`")).at("data.object")
}
