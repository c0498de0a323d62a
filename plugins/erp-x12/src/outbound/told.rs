//! What the partner was told of an order, kept among the references of the order, so that a change is told as a
//! change: only what is different from what the partner has.
//!
//! Two references of one kind each, whose number is the serial number of the delivery and marks of what was told
//! beside the lines, and whose lines are the lines as they were told: `told` is the last message, `told-before` the
//! one before. A message that is sent once more (it was refused, and somebody tried again) says what is different
//! from the one before.

use std::cmp::Ordering;

use crossdock_sdk::prelude::*;
use sha2::{Digest as _, Sha256};

use super::charges::Charge;
use super::purchase::{Item, Purchase, Row};

/// The kinds of reference.
const TOLD: &str = "told";
const BEFORE: &str = "told-before";
/// Stands for the marks of an order that was taken back.
const CANCELLED: &str = "cancelled";

/// A state of an order, as it was told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    serial: String,
    terms: String,
    /// Absent when nobody was told of a person.
    parties: Option<String>,
    lines: Vec<(String, String)>,
}

/// How a line is different from what was told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Difference {
    /// Nothing is.
    None,
    /// It was not told of.
    Added,
    /// Nothing of it is left.
    Deleted,
    /// There are more, and nothing else is different.
    More,
    /// There are fewer, and nothing else is different.
    Fewer,
    /// The price is, and nothing else.
    Priced,
    /// Several things are.
    Changed,
}

impl Told {
    /// What this message will have told.
    pub(crate) fn of(purchase: &Purchase, serial: u64) -> Self {
        let whom =
            purchase.parties.iter().any(|(id, of)| *id == "N1" && of.first().is_some_and(|of| of == "ST"));
        let standing = purchase.items.iter().filter(|item| !item.quantity.is_zero());
        Self {
            serial: serial.to_string(),
            terms: mark(&purchase.terms, 8),
            // Two bytes tell a change of address from none, and no person from another.
            parties: whom.then(|| mark(&purchase.parties, 2)),
            lines: standing.map(|item| (item.line.clone(), line(item))).collect(),
        }
    }

    /// What the message will have told that takes the order back. None when another delivery told it before.
    pub(crate) fn cancelled(work: &Work) -> Option<Self> {
        let serial = work.serial.to_string();
        let told =
            Self::read(work, TOLD).is_some_and(|last| last.terms == CANCELLED && last.serial != serial);
        (!told).then(|| Self { serial, terms: CANCELLED.to_owned(), ..Self::default() })
    }

    /// What the partner was told before this delivery. Absent when nothing is known of it.
    pub(crate) fn before(work: &Work) -> Option<Self> {
        let last = Self::read(work, TOLD)?;
        if last.serial == work.serial.to_string() { Self::read(work, BEFORE) } else { Some(last) }
    }

    fn read(work: &Work, kind: &str) -> Option<Self> {
        let reference = work.reference(kind)?;
        let mut marks = reference.number.as_deref()?.split('/');
        let (serial, terms, parties) = (marks.next()?, marks.next()?, marks.next()?);
        Some(Self {
            serial: serial.to_owned(),
            terms: terms.to_owned(),
            parties: Some(parties).filter(|parties| !parties.is_empty()).map(str::to_owned),
            lines: reference.lines.iter().map(|line| (line.line.clone(), line.id.clone())).collect(),
        })
    }

    /// The references that keep it, and what was before it.
    pub(crate) fn references(self, po: &str, before: Option<Self>) -> Vec<Reference> {
        let kept = |kind: &str, told: Self| Reference {
            kind: kind.to_owned(),
            id: po.to_owned(),
            number: Some(format!("{}/{}/{}", told.serial, told.terms, told.parties.unwrap_or_default())),
            lines: told.lines.into_iter().map(|(line, id)| LineReference { line, id }).collect(),
        };
        let before = before.map(|before| kept(BEFORE, before));
        [Some(kept(TOLD, self)), before].into_iter().flatten().collect()
    }

    /// True when this tells nothing beside the lines that the other did not. Once a person has been erased, there
    /// is nothing to tell of them.
    pub(crate) fn same_terms(&self, other: &Self) -> bool {
        self.terms == other.terms && (self.parties.is_none() || self.parties == other.parties)
    }

    /// How a line is different from what was told.
    pub(crate) fn difference(&self, item: &Item) -> Difference {
        let told = self.lines.iter().find(|(id, _)| *id == item.line).map(|(_, told)| told.as_str());
        let Some(told) = told else {
            return if item.quantity.is_zero() { Difference::None } else { Difference::Added };
        };
        if item.quantity.is_zero() {
            return Difference::Deleted;
        }
        let now = line(item);
        let (Some(before), Some(after)) = (parts(told), parts(&now)) else { return Difference::Changed };
        match (after.quantity.cmp(&before.quantity), after.price == before.price) {
            _ if told == now => Difference::None,
            _ if after.article != before.article => Difference::Changed,
            (Ordering::Greater, true) => Difference::More,
            (Ordering::Less, true) => Difference::Fewer,
            (Ordering::Equal, false) => Difference::Priced,
            _ => Difference::Changed,
        }
    }

    /// Lines that were told and are not in the order any more: their ids.
    pub(crate) fn gone<'a>(&'a self, purchase: &'a Purchase) -> impl Iterator<Item = &'a str> {
        let there = |id: &str| purchase.items.iter().any(|item| item.line == id);
        self.lines.iter().map(|(id, _)| id.as_str()).filter(move |id| !there(id))
    }
}

/// True when the last message told that the order is cancelled.
pub(crate) fn is_cancelled(references: &[Reference]) -> bool {
    let told = references.iter().find(|one| one.kind == TOLD).and_then(|one| one.number.as_deref());
    told.and_then(|marks| marks.split('/').nth(1)) == Some(CANCELLED)
}

/// A line in one text: `2 10 CH850200 EA VP:TEA-250 …`: quantity, price, what falls on it, and what it is.
fn line(item: &Item) -> String {
    let charges: Vec<String> = item.charges.iter().map(Charge::mark).collect();
    let articles: Vec<String> =
        item.articles.iter().map(|(qualifier, number)| format!("{qualifier}:{number}")).collect();
    let (quantity, charges, articles) = (item.quantity.normalize(), charges.join("+"), articles.join(" "));
    format!("{quantity} {} {charges} {} {articles}", item.price, item.unit)
}

struct Parts<'a> {
    quantity: Decimal,
    price: &'a str,
    article: &'a str,
}

fn parts(line: &str) -> Option<Parts<'_>> {
    let mut parts = line.splitn(4, ' ');
    let (quantity, price, _charges, article) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    Some(Parts { quantity: money::decimal(quantity).ok()?, price, article })
}

/// A mark of what was told, of so many bytes.
fn mark(rows: &[Row], bytes: usize) -> String {
    let mut digest = Sha256::new();
    for (id, elements) in rows {
        digest.update(id);
        for element in elements {
            digest.update([0]);
            digest.update(element);
        }
        digest.update([1]);
    }
    digest.finalize().iter().take(bytes).map(|byte| format!("{byte:02x}")).collect()
}
