//! The events of a webhook's body, or of a fetched resource.

use crossdock_sdk::prelude::*;
use serde::Deserialize;

use crate::payload::{Edit, Order, Refund, parse};
use crate::shipment::Fulfillment;
use crate::shop::Shop;
use crate::text::List;
use crate::{level, order, refund, shipment};

/// The type of a resource.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Resource {
    Order,
    Edit,
    Refund,
    Fulfillment,
    Level,
}

/// A resource in a wrapper object whose only member names its type: as in responses of the REST API, and always in the
/// topic `orders/edited`.
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

/// Resources of payment providers, which are rejected: the vocabulary has orders, refunds and their payments, but not
/// these.
const PROVIDER_RESOURCES: &[(&str, &str)] = &[
    ("payout", "a payout to the bank"),
    ("dispute", "a dispute with a cardholder"),
    ("tender_transaction", "a payment without its order"),
    ("transaction", "an entry of a payment provider's account"),
];

/// The events of a body. None for a topic that is not supported.
///
/// # Errors
/// The body cannot be read, or is rejected.
pub(crate) fn read(shop: &Shop, topic: Option<&str>, body: &[u8]) -> Result<Vec<Event>, Problem> {
    let resource = match topic {
        Some("orders/create" | "orders/updated" | "orders/paid" | "orders/cancelled") => Resource::Order,
        Some("orders/edited") => Resource::Edit,
        Some("refunds/create") => Resource::Refund,
        Some("fulfillments/create" | "fulfillments/update") => Resource::Fulfillment,
        Some("inventory_levels/update") => Resource::Level,
        Some(topic) => {
            let name = topic.split('/').next().unwrap_or(topic);
            return rejection(name).map_or(Ok(vec![]), Err);
        }
        // A fetched resource has no topic; the wrapper of the response names its type.
        None => match wrapper(body) {
            Some(Ok(resource)) => resource,
            Some(Err(problem)) => return Err(problem),
            None => {
                return Err(Problem::new("topic-missing", "neither topic nor wrapper names the resource"));
            }
        },
    };
    if matches!(wrapper(body), Some(Ok(wrapped)) if wrapped == resource) {
        return wrapped(shop, topic, resource, self::body(body)?);
    }
    Ok(vec![match resource {
        Resource::Order => order::event(shop, topic, self::body(body)?)?,
        Resource::Edit => return Err(missing("order_edit")),
        Resource::Refund => refund::event(shop, self::body(body)?)?,
        Resource::Fulfillment => shipment::event(shop, self::body(body)?)?,
        Resource::Level => level::event(shop, self::body(body)?),
    }])
}

fn wrapped(
    shop: &Shop,
    topic: Option<&str>,
    resource: Resource,
    body: Wrapped<'_>,
) -> Result<Vec<Event>, Problem> {
    match resource {
        Resource::Order => Ok(vec![order::event(shop, topic, body.order.ok_or_else(|| missing("order"))?)?]),
        Resource::Edit => {
            Ok(vec![order::edit_event(shop, body.order_edit.ok_or_else(|| missing("order_edit"))?)])
        }
        Resource::Refund => all(body.refund, body.refunds, "refund", |one| refund::event(shop, one)),
        Resource::Fulfillment => {
            all(body.fulfillment, body.fulfillments, "fulfillment", |one| shipment::event(shop, one))
        }
        Resource::Level => all(body.inventory_level, body.inventory_levels, "inventory_level", |one| {
            Ok(level::event(shop, one))
        }),
    }
}

/// The events of one or several resources: a response has either.
fn all<T>(
    one: Option<T>,
    several: List<T>,
    name: &str,
    event: impl Fn(T) -> Result<Event, Problem>,
) -> Result<Vec<Event>, Problem> {
    let events: Vec<Event> = one.into_iter().chain(several).map(event).collect::<Result<_, _>>()?;
    if events.is_empty() { Err(missing(name)) } else { Ok(events) }
}

/// The type of resource that the wrapper object names, or why it is not read. None when there is no wrapper.
fn wrapper(body: &[u8]) -> Option<Result<Resource, Problem>> {
    let body = body.trim_ascii_start().strip_prefix(b"{")?.trim_ascii_start().strip_prefix(b"\"")?;
    let (name, rest) = body.split_at_checked(body.iter().position(|byte| *byte == b'"')?)?;
    let value = rest.strip_prefix(b"\"")?.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
    // An unwrapped resource may start with a member of one of these names, but its value is never an object or a list.
    if !matches!(value.first(), Some(b'{' | b'[')) {
        return None;
    }
    let name = std::str::from_utf8(name).ok()?;
    match name {
        "order" => Some(Ok(Resource::Order)),
        "order_edit" => Some(Ok(Resource::Edit)),
        "refund" | "refunds" => Some(Ok(Resource::Refund)),
        "fulfillment" | "fulfillments" => Some(Ok(Resource::Fulfillment)),
        "inventory_level" | "inventory_levels" => Some(Ok(Resource::Level)),
        _ => Some(Err(rejection(name).unwrap_or_else(|| {
            // The first member of an arbitrary body may have any length.
            let name: String = name.chars().take(40).collect();
            Problem::new("resource-not-read", format!("this version does not read the resource `{name}`"))
        }))),
    }
}

/// The rejection of a resource of a payment provider.
fn rejection(resource: &str) -> Option<Problem> {
    let (name, description) =
        PROVIDER_RESOURCES.iter().find(|(name, _)| resource == *name || resource == format!("{name}s"))?;
    let message = format!(
        "this is {description}: money that a payment provider moves is not read by this version and is not booked"
    );
    Some(Problem::new(format!("{}-not-read", name.replace('_', "-")), message))
}

fn missing(name: &str) -> Problem {
    Problem::new("body-unreadable", format!("the body contains no `{name}`"))
}

/// Parses the body as text, so that UTF-8 is validated once and not for each string in it.
fn body<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Problem> {
    let text =
        std::str::from_utf8(body).map_err(|_| Problem::new("body-unreadable", "the body is not UTF-8"))?;
    parse(text)
}
