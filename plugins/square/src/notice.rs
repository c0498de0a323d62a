//! What a notification is about. Its signature covers address and body, so what it says is Square's word.

use crossdock_sdk::prelude::*;
use serde::Deserialize;
use serde_json::Value;

use crate::api::Api;
use crate::payload::{Count, Payment, Refund, parse, part};
use crate::{order, refund, stock};

#[derive(Deserialize)]
struct Notice {
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

/// What made somebody look at an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trigger {
    /// It was created.
    Created,
    /// It was paid, or a part of it.
    Paid,
}

/// The events that a notification is about. None where it is of no interest, or not done yet: then another
/// notification follows.
pub(crate) fn read(body: &[u8], square: &Api) -> Result<Vec<Event>, Failure> {
    let notice: Notice = parse(body)?;
    let Some(kind) = notice.kind.filter(|_| notice.event_id.is_some()) else {
        return Err(Problem::new("no-notification", "the body is no notification of Square").into());
    };
    if let Some(other) = notice.merchant_id.filter(|merchant| *merchant != square.settings.merchant) {
        let message = format!(
            "the notification is about {other}, and this connector is for {}",
            square.settings.merchant
        );
        return Err(Problem::new("other-merchant", message).at("merchant_id").into());
    }
    match kind.as_str() {
        "order.created" => of_order(&order_id(notice.data)?, Some(Trigger::Created), square),
        "order.updated" | "order.fulfillment.updated" => of_order(&order_id(notice.data)?, None, square),
        "payment.created" | "payment.updated" => {
            let payment: Payment = part(object(notice.data, "payment")?)?;
            paid(payment, square)
        }
        "refund.created" | "refund.updated" => {
            let told: Refund = part(object(notice.data, "refund")?)?;
            refund::notified(&told, square)
        }
        "inventory.count.updated" => {
            let counts: Vec<Count> = part(object(notice.data, "inventory_counts")?)?;
            stock::counted(&counts, square)
        }
        _ => Ok(vec![]),
    }
}

fn of_order(id: &str, trigger: Option<Trigger>, square: &Api) -> Result<Vec<Event>, Failure> {
    let order = square.order(id)?;
    let known = square.about(&[&order], vec![])?;
    Ok(order::events(&square.settings, &order, &known, trigger)?)
}

/// A payment changes its order. What is paid without an order has nothing to change.
fn paid(payment: Payment, square: &Api) -> Result<Vec<Event>, Failure> {
    let Some(id) = payment.order_id.clone() else { return Ok(vec![]) };
    let order = square.order(&id)?;
    let trigger = (payment.status.as_deref() == Some("COMPLETED")).then_some(Trigger::Paid);
    let known = square.about(&[&order], vec![payment])?;
    Ok(order::events(&square.settings, &order, &known, trigger)?)
}

/// The order's id: in the object, whose name differs with the kind, or beside it.
fn order_id(data: Data) -> Result<String, Problem> {
    let members = data.object.as_object().into_iter().flatten();
    let told = members.filter_map(|(_, value)| value.get("order_id")?.as_str()).next();
    let id = told.map(str::to_owned).or(data.id).filter(|id| !id.is_empty());
    id.ok_or_else(|| Problem::new("body-unreadable", "the notification names no order").at("data.object"))
}

fn object(data: Data, name: &str) -> Result<Value, Problem> {
    let Value::Object(mut members) = data.object else { return Err(missing(name)) };
    members.remove(name).ok_or_else(|| missing(name))
}

fn missing(name: &str) -> Problem {
    Problem::new("body-unreadable", format!("the notification holds no `{name}`")).at("data.object")
}
