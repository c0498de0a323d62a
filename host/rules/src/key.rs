//! Idempotency keys: derived from what happened, never minted for a try, a replay or a re-read.

use crossdock_model::event::{Event, Fact, OrderOperation};
use sha2::{Digest as _, Sha256};

use crate::Error;
use crate::admission::Effect;
use crate::version::Stamp;

/// The alphabet of Crockford's base 32: no letter that a person takes for a digit.
const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The key of an event: `system/tenant/kind/id/operation`, with the version where an operation repeats.
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
        Fact::InventoryAdjusted(_) => repeated(entity, "adjusted", stamp),
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

/// The key in 26 letters and digits (Crockford base 32 of its SHA-256, 130 bits), for targets whose
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

/// The key of an event whose plain key is taken by another content: two changes within one tick of the
/// source's clock. The same content always gets the same key.
#[must_use]
pub fn distinct(key: &str, digest: &str) -> String {
    format!("{key}~{}", digest.get(..8).unwrap_or(digest))
}

/// The lane of an event: the identity of the entity whose events are kept in order with it.
#[must_use]
pub fn lane(event: &Event) -> String {
    event.root().to_string()
}

/// What an event is whose key is stored already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Collision {
    /// The same fact again: nothing to do.
    Duplicate,
    /// Another state within one tick of the source's clock: an event of its own, with this key.
    Distinct(String),
}

/// Decides about an event whose key is stored already. A fact that happens once is the same fact however
/// its content is written (a refund read again after its payment went through must not be paid twice); a
/// state that repeats is another one when its content differs.
#[must_use]
pub fn collide(effect: Effect, key: &str, stored_digest: &str, digest: &str) -> Collision {
    match effect {
        Effect::Once | Effect::Difference => Collision::Duplicate,
        _ if stored_digest == digest => Collision::Duplicate,
        _ => Collision::Distinct(distinct(key, digest)),
    }
}
