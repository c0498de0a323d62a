//! Idempotency keys: derived from the event, never generated for an attempt, a replay or a second read.

use crossdock_model::event::{Event, Fact, OrderOperation};
use sha2::{Digest as _, Sha256};

use crate::effect::Effect;
use crate::error::Error;
use crate::version::Stamp;

/// The alphabet of Crockford's base 32: no letter that a person takes for a digit.
const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The operation of a reported difference in stock.
const ADJUSTED: &str = "adjusted";

/// The key of an event: `system/tenant/kind/id/operation`, with the version where an operation repeats, and with
/// the cause of a difference in stock where the source reports it.
///
/// # Errors
/// When the version's instant cannot be read.
pub fn key(event: &Event) -> Result<String, Error> {
    Stamp::of(event).map(|stamp| key_at(event, &stamp))
}

/// The key of an event whose stamp is known.
pub(crate) fn key_at(event: &Event, stamp: &Stamp) -> String {
    let entity = &event.entity;
    match &event.fact {
        Fact::Order(change) => match change.operation {
            OrderOperation::Placed => format!("{entity}/placed"),
            OrderOperation::Updated => repeated(entity, "updated", stamp),
            OrderOperation::Paid => repeated(entity, "paid", stamp),
            OrderOperation::Cancelled => repeated(entity, "cancelled", stamp),
        },
        Fact::RefundIssued(_) => format!("{entity}/issued"),
        Fact::OrderEdited(edit) => format!("{entity}/edited/{}", edit.id),
        Fact::ShipmentUpdated(_)
        | Fact::DocumentUpdated(_)
        | Fact::CustomerUpdated(_)
        | Fact::ProductUpdated(_)
        | Fact::PriceUpdated(_) => repeated(entity, "updated", stamp),
        Fact::DayClosed(_) => format!("{entity}/closed"),
        Fact::InventoryCounted(_) => repeated(entity, "counted", stamp),
        Fact::InventoryAdjusted(change) => match &change.cause {
            // Two tills may take back one article within one tick of the clock.
            Some(cause) => format!("{}/{cause}", repeated(entity, ADJUSTED, stamp)),
            None => repeated(entity, ADJUSTED, stamp),
        },
    }
}

/// `…/updated@2026-11-23T08:30:00Z#7`: the moment in UTC, whatever offset the source wrote it with.
fn repeated(entity: &crossdock_model::common::Entity, operation: &str, stamp: &Stamp) -> String {
    use std::fmt::Write as _;
    let mut key = format!("{entity}/{operation}@");
    // Writing to a String cannot fail.
    let _ = match jiff::Timestamp::from_microsecond(stamp.at) {
        Ok(moment) => write!(key, "{moment}"),
        Err(_) => write!(key, "{}", stamp.at),
    };
    if let Some(sequence) = stamp.sequence {
        let _ = write!(key, "#{sequence}");
    }
    key
}

/// The key in 26 letters and digits (Crockford base 32 of the first 130 bits of its SHA-256), for targets whose
/// reference field is short.
#[must_use]
pub fn short(key: &str) -> String {
    let digest = Sha256::digest(key.as_bytes());
    let mut short = String::with_capacity(26);
    let (mut pending, mut bits) = (0u32, 0u32);
    for byte in digest {
        pending = pending << 8 | u32::from(byte);
        bits += 8;
        while bits >= 5 && short.len() < 26 {
            bits -= 5;
            let five = (pending >> bits & 31) as usize;
            short.push(char::from(CROCKFORD.get(five).copied().unwrap_or(b'0')));
        }
        pending &= (1 << bits) - 1;
        if short.len() == 26 {
            break;
        }
    }
    short
}

/// The key of an event whose plain key belongs to an event with another content: two changes within one tick of
/// the source's clock. The same content always gets the same key.
#[must_use]
pub fn distinct(key: &str, digest: &str) -> String {
    format!("{key}~{}", digest.get(..8).unwrap_or(digest))
}

/// The lane of an event: the identity of its root entity. Events of one root are sent in order.
#[must_use]
pub fn lane(event: &Event) -> String {
    event.root().to_string()
}

/// How an event relates to the stored event with the same key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Collision {
    /// The same fact again: nothing to do.
    Duplicate,
    /// Another state within one tick of the source's clock: an event of its own, with this key.
    Distinct(String),
}

/// Decides whether an event whose key is stored already is a duplicate. A fact that happens once is the same fact
/// whatever its content (a refund read again after its payment went through must not be paid twice), and so is an
/// edit, which has its own number. A state is another one when its content differs, and so is an adjustment of
/// stock: only its content distinguishes it, and it must not be lost.
#[must_use]
pub fn collide(effect: Effect, key: &str, stored_digest: &str, digest: &str) -> Collision {
    match effect {
        Effect::Once => Collision::Duplicate,
        Effect::Difference if !is_adjustment(key) => Collision::Duplicate,
        _ if stored_digest == digest => Collision::Duplicate,
        _ => Collision::Distinct(distinct(key, digest)),
    }
}

/// True for the key of an adjustment of stock.
fn is_adjustment(key: &str) -> bool {
    key.split('/').any(|part| part.strip_prefix(ADJUSTED).is_some_and(|rest| rest.starts_with('@')))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn adjusted(refund: Option<&str>) -> Event {
        let cause = refund
            .map(|id| json!({ "system": "poslog", "tenant": "acme", "kind": "refund", "id": id.to_owned() }));
        let mut value = json!({
            "sku": "A", "location": "7", "delta": "1", "reason": "return", "at": "2026-11-23T10:00:00Z"
        });
        if let Some(cause) = cause {
            value["cause"] = cause;
        }
        serde_json::from_value(json!({
            "entity": { "system": "poslog", "tenant": "acme", "kind": "stock", "id": "7/A" },
            "occurredAt": "2026-11-23T10:00:00Z",
            "fact": { "kind": "inventory.adjusted", "value": value }
        }))
        .unwrap()
    }

    #[test]
    fn returns_at_two_tills_within_one_second_are_two_adjustments() {
        let [one, other] =
            ["7/1/2026-11-23/5", "7/2/2026-11-23/9"].map(|id| key(&adjusted(Some(id))).unwrap());
        assert_ne!(one, other);
        assert_eq!(
            one,
            "poslog/acme/stock/7/A/adjusted@2026-11-23T10:00:00Z/poslog/acme/refund/7/1/2026-11-23/5"
        );
        assert_eq!(key(&adjusted(None)).unwrap(), "poslog/acme/stock/7/A/adjusted@2026-11-23T10:00:00Z");
    }

    #[test]
    fn an_adjustment_that_differs_only_in_content_is_not_lost() {
        for event in [adjusted(None), adjusted(Some("5"))] {
            let key = key(&event).unwrap();
            assert_eq!(collide(Effect::Difference, &key, "aaaaaaaaaa", "aaaaaaaaaa"), Collision::Duplicate);
            let other = collide(Effect::Difference, &key, "aaaaaaaaaa", "bbbbbbbbbb");
            assert_eq!(other, Collision::Distinct(format!("{key}~bbbbbbbb")));
        }
        // An edit has its own number.
        let edit = "shopify/acme/order/1/edited/7";
        assert_eq!(collide(Effect::Difference, edit, "a", "b"), Collision::Duplicate);
    }
}
