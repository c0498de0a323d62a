//! Reading a body: what it is about, and which events it makes.

use crossdock_sdk::prelude::*;
use serde::Deserialize;

use crate::payload::{Edit, Order, Refund};
use crate::shipment::Fulfillment;
use crate::text::List;
use crate::{Shop, level, order, refund, shipment};

/// What a body is about.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Subject {
    Order,
    Edit,
    Refund,
    Fulfillment,
    Level,
}

/// A body whose only member says what it is, as an answer of the REST API has it, and as the topic
/// `orders/edited` always does.
#[derive(Deserialize)]
struct Wrapped<'a> {
    #[serde(borrow)]
    order: Option<Order<'a>>,
    order_edit: Option<Edit<'a>>,
    refund: Option<Refund<'a>>,
    #[serde(default)]
    refunds: List<Refund<'a>>,
    fulfillment: Option<Fulfillment<'a>>,
    #[serde(default)]
    fulfillments: List<Fulfillment<'a>>,
    inventory_level: Option<level::InventoryLevel<'a>>,
    #[serde(default)]
    inventory_levels: List<level::InventoryLevel<'a>>,
}

/// What there is, and why it is not read. All of it is money on its way from a payment provider: the vocabulary
/// has orders, refunds and their payments, and no place for these.
const MONEY: &[(&str, &str)] = &[
    ("payout", "a payout to the bank"),
    ("dispute", "a dispute with a cardholder"),
    ("tender_transaction", "a payment apart from its order"),
    ("transaction", "an entry of a payment provider's account"),
];

/// The events of a body. None when its topic is of no interest.
///
/// # Errors
/// What cannot be read, and what is refused, with the reason.
pub(crate) fn read(shop: &Shop, topic: Option<&str>, body: &[u8]) -> Result<Vec<Event>, Problem> {
    let subject = match topic {
        Some("orders/create" | "orders/updated" | "orders/paid" | "orders/cancelled") => Subject::Order,
        Some("orders/edited") => Subject::Edit,
        Some("refunds/create") => Subject::Refund,
        Some("fulfillments/create" | "fulfillments/update") => Subject::Fulfillment,
        Some("inventory_levels/update") => Subject::Level,
        Some(topic) => {
            let resource = topic.split('/').next().unwrap_or(topic);
            return refusal(resource).map_or(Ok(vec![]), Err);
        }
        // What was fetched has no topic; the wrapper of an answer tells what it is.
        None => match wrapper(body) {
            Some(Ok(subject)) => subject,
            Some(Err(problem)) => return Err(problem),
            None => return Err(Problem::new("topic-missing", "nothing says what this is about")),
        },
    };
    if matches!(wrapper(body), Some(Ok(wrapped)) if wrapped == subject) {
        return wrapped(shop, topic, subject, self::body(body)?);
    }
    Ok(vec![match subject {
        Subject::Order => order::event(shop, topic, self::body(body)?)?,
        Subject::Edit => return Err(missing("order_edit")),
        Subject::Refund => refund::event(shop, self::body(body)?)?,
        Subject::Fulfillment => shipment::event(shop, self::body(body)?)?,
        Subject::Level => level::event(shop, self::body(body)?),
    }])
}

fn wrapped(
    shop: &Shop,
    topic: Option<&str>,
    subject: Subject,
    body: Wrapped<'_>,
) -> Result<Vec<Event>, Problem> {
    match subject {
        Subject::Order => Ok(vec![order::event(shop, topic, body.order.ok_or_else(|| missing("order"))?)?]),
        Subject::Edit => Ok(vec![order::edited(shop, body.order_edit.ok_or_else(|| missing("order_edit"))?)]),
        Subject::Refund => all(body.refund, body.refunds, "refund", |one| refund::event(shop, one)),
        Subject::Fulfillment => {
            all(body.fulfillment, body.fulfillments, "fulfillment", |one| shipment::event(shop, one))
        }
        Subject::Level => all(body.inventory_level, body.inventory_levels, "inventory_level", |one| {
            Ok(level::event(shop, one))
        }),
    }
}

/// One or several: an answer has either.
fn all<T>(
    one: Option<T>,
    several: List<T>,
    name: &str,
    event: impl Fn(T) -> Result<Event, Problem>,
) -> Result<Vec<Event>, Problem> {
    let events: Vec<Event> = one.into_iter().chain(several).map(event).collect::<Result<_, _>>()?;
    if events.is_empty() { Err(missing(name)) } else { Ok(events) }
}

/// What the body's only member says that it is about, or why that is not read. None when the fields lie open.
fn wrapper(body: &[u8]) -> Option<Result<Subject, Problem>> {
    let body = body.trim_ascii_start().strip_prefix(b"{")?.trim_ascii_start().strip_prefix(b"\"")?;
    let (name, rest) = body.split_at_checked(body.iter().position(|byte| *byte == b'"')?)?;
    let value = rest.strip_prefix(b"\"")?.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
    // A resource that lies open may well begin with a member of one of these names, but never with its content.
    if !matches!(value.first(), Some(b'{' | b'[')) {
        return None;
    }
    let name = std::str::from_utf8(name).ok()?;
    match name {
        "order" => Some(Ok(Subject::Order)),
        "order_edit" => Some(Ok(Subject::Edit)),
        "refund" | "refunds" => Some(Ok(Subject::Refund)),
        "fulfillment" | "fulfillments" => Some(Ok(Subject::Fulfillment)),
        "inventory_level" | "inventory_levels" => Some(Ok(Subject::Level)),
        _ => Some(Err(refusal(name).unwrap_or_else(|| {
            // The name of a resource; what else stands first in a body may be as long as it likes.
            let name: String = name.chars().take(40).collect();
            Problem::new("resource-not-read", format!("`{name}` is nothing that this version reads"))
        }))),
    }
}

/// Why a resource is not read, where that is worth saying.
fn refusal(resource: &str) -> Option<Problem> {
    let (name, what) = MONEY.iter().find(|(name, _)| resource == *name || resource == format!("{name}s"))?;
    let message = format!(
        "this is {what}: money that a payment provider moves is not read by this version, and nothing of it is booked"
    );
    Some(Problem::new(format!("{}-not-read", name.replace('_', "-")), message))
}

fn missing(what: &str) -> Problem {
    Problem::new("body-unreadable", format!("the body holds no `{what}`"))
}

/// Reads the body, as text: checked once for all texts in it, and not again for each of them.
fn body<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Problem> {
    let text =
        std::str::from_utf8(body).map_err(|_| Problem::new("body-unreadable", "the body is not UTF-8"))?;
    parse(text)
}

/// Reads a text. The problem names the place and what was expected there, never what was found: that may be
/// somebody's name.
pub(crate) fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Problem> {
    serde_json::from_str(text).map_err(|error| {
        let text = error.to_string();
        let said = match text.split_once(", expected ") {
            Some((_, expected)) => format!("expected {expected}"),
            None if text.starts_with("invalid") => format!("a value is wrong at column {}", error.column()),
            None => text,
        };
        Problem::new("body-unreadable", said)
    })
}
