//! The state of an order as the partner was sent it, stored in references of the order, so that a change message
//! contains only the differences.
//!
//! There are two references: the state of the last message, and that of the message before. The number of a reference
//! has the serial number of the delivery and fingerprints of the order's terms and parties, and its lines are the
//! fingerprints of the order's lines. A message that is sent again, because it was refused and retried, contains the
//! differences to the message before it.

use std::cmp::Ordering;

use crossdock_sdk::prelude::*;
use sha2::{Digest as _, Sha256};

use super::charges::Charge;
use super::purchase::{Item, Purchase};
use crate::reference_kind::{LAST_SENT, PREVIOUSLY_SENT};
use crate::x12::SegmentDraft;

/// Replaces the fingerprint of the terms when the order was cancelled.
const CANCELLED: &str = "cancelled";

/// The state of an order in a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SentState {
    /// The serial number of the delivery.
    serial: String,
    /// The fingerprint of the terms.
    terms: String,
    /// The fingerprint of the parties. Absent for a message without a recipient.
    parties: Option<String>,
    /// The fingerprints of the lines, by line id.
    lines: Vec<(String, String)>,
}

/// The difference between a line and its last sent state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Difference {
    None,
    /// The line was not sent before.
    Added,
    /// The quantity is zero now.
    Deleted,
    /// Only the quantity changed: it increased.
    Increased,
    /// Only the quantity changed: it decreased.
    Decreased,
    /// Only the price changed.
    Priced,
    /// Several values changed.
    Changed,
}

impl SentState {
    /// The state after a message for this order.
    pub(crate) fn of(purchase: &Purchase, serial: u64) -> Self {
        let has_recipient = purchase
            .parties
            .iter()
            .any(|(id, elements)| *id == "N1" && elements.first().is_some_and(|role| role == "ST"));
        let remaining = purchase.items.iter().filter(|item| !item.quantity.is_zero());
        Self {
            serial: serial.to_string(),
            terms: fingerprint(&purchase.terms, 8),
            // Two bytes suffice to notice a changed address, and cannot be reversed to a person.
            parties: has_recipient.then(|| fingerprint(&purchase.parties, 2)),
            lines: remaining.map(|item| (item.line.clone(), line_fingerprint(item))).collect(),
        }
    }

    /// The state after a message that cancels the order. None when another delivery has sent the cancellation.
    pub(crate) fn cancelled(work: &Work) -> Option<Self> {
        let serial = work.serial.to_string();
        let is_sent =
            Self::read(work, LAST_SENT).is_some_and(|last| last.terms == CANCELLED && last.serial != serial);
        (!is_sent).then(|| Self { serial, terms: CANCELLED.to_owned(), ..Self::default() })
    }

    /// The state before this delivery. Absent when nothing was sent before.
    pub(crate) fn before(work: &Work) -> Option<Self> {
        let last = Self::read(work, LAST_SENT)?;
        if last.serial == work.serial.to_string() { Self::read(work, PREVIOUSLY_SENT) } else { Some(last) }
    }

    fn read(work: &Work, kind: &str) -> Option<Self> {
        let reference = work.reference(kind)?;
        let mut parts = reference.number.as_deref()?.split('/');
        let (serial, terms, parties) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Self {
            serial: serial.to_owned(),
            terms: terms.to_owned(),
            parties: Some(parties).filter(|parties| !parties.is_empty()).map(str::to_owned),
            lines: reference.lines.iter().map(|line| (line.line.clone(), line.id.clone())).collect(),
        })
    }

    /// The references that store this state and the state before.
    pub(crate) fn references(self, po: &str, before: Option<Self>) -> Vec<Reference> {
        let reference = |kind: &str, state: Self| Reference {
            kind: kind.to_owned(),
            id: po.to_owned(),
            number: Some(format!("{}/{}/{}", state.serial, state.terms, state.parties.unwrap_or_default())),
            lines: state.lines.into_iter().map(|(line, id)| LineReference { line, id }).collect(),
        };
        let before = before.map(|before| reference(PREVIOUSLY_SENT, before));
        [Some(reference(LAST_SENT, self)), before].into_iter().flatten().collect()
    }

    /// Whether the terms and parties are the same as in the other state. Erased personal data is no difference.
    pub(crate) fn has_same_header(&self, other: &Self) -> bool {
        self.terms == other.terms && (self.parties.is_none() || self.parties == other.parties)
    }

    /// The difference between a line and its state here.
    pub(crate) fn difference(&self, item: &Item) -> Difference {
        let sent = self.lines.iter().find(|(id, _)| *id == item.line).map(|(_, sent)| sent.as_str());
        let Some(sent) = sent else {
            return if item.quantity.is_zero() { Difference::None } else { Difference::Added };
        };
        if item.quantity.is_zero() {
            return Difference::Deleted;
        }
        let current = line_fingerprint(item);
        let (Some(before), Some(after)) = (LineParts::of(sent), LineParts::of(&current)) else {
            return Difference::Changed;
        };
        match (after.quantity.cmp(&before.quantity), after.price == before.price) {
            _ if sent == current => Difference::None,
            _ if after.article != before.article => Difference::Changed,
            (Ordering::Greater, true) => Difference::Increased,
            (Ordering::Less, true) => Difference::Decreased,
            (Ordering::Equal, false) => Difference::Priced,
            _ => Difference::Changed,
        }
    }

    /// The ids of lines that were sent and are no longer part of the order.
    pub(crate) fn removed_lines<'a>(&'a self, purchase: &'a Purchase) -> impl Iterator<Item = &'a str> {
        let exists = |id: &str| purchase.items.iter().any(|item| item.line == id);
        self.lines.iter().map(|(id, _)| id.as_str()).filter(move |id| !exists(id))
    }
}

/// Whether the last message cancelled the order.
pub(crate) fn is_cancelled(references: &[Reference]) -> bool {
    let last = references.iter().find(|reference| reference.kind == LAST_SENT);
    let number = last.and_then(|reference| reference.number.as_deref());
    number.and_then(|parts| parts.split('/').nth(1)) == Some(CANCELLED)
}

/// A line as text: quantity, price, charges, unit and articles, `2 10 CH850200 EA VP:TEA-250 …`.
fn line_fingerprint(item: &Item) -> String {
    let charges: Vec<String> = item.charges.iter().map(Charge::fingerprint).collect();
    let articles: Vec<String> =
        item.articles.iter().map(|(qualifier, number)| format!("{qualifier}:{number}")).collect();
    let (quantity, charges, articles) = (item.quantity.normalize(), charges.join("+"), articles.join(" "));
    format!("{quantity} {} {charges} {} {articles}", item.price, item.unit)
}

/// The parts of a line's fingerprint.
struct LineParts<'a> {
    quantity: Decimal,
    price: &'a str,
    article: &'a str,
}

impl<'a> LineParts<'a> {
    fn of(fingerprint: &'a str) -> Option<Self> {
        let mut parts = fingerprint.splitn(4, ' ');
        let (quantity, price, _charges, article) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        Some(Self { quantity: money::decimal(quantity).ok()?, price, article })
    }
}

/// The first bytes of a digest of segments, in hexadecimal.
fn fingerprint(segments: &[SegmentDraft], bytes: usize) -> String {
    let mut digest = Sha256::new();
    for (id, elements) in segments {
        digest.update(id);
        for element in elements {
            digest.update([0]);
            digest.update(element);
        }
        digest.update([1]);
    }
    digest.finalize().iter().take(bytes).map(|byte| format!("{byte:02x}")).collect()
}
