//! The transaction sets: an 850 for an order that the partner does not have, an 860 for a change of one that it has.

use std::collections::BTreeMap;

use crossdock_sdk::prelude::*;

use super::purchase::{Item, Purchase};
use super::text::number;
use super::told::{Difference, Told};
use crate::x12::Draft;

/// The numbers that lines have in the partner's order (PO101), by line. One that was used is not used again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Numbers(BTreeMap<String, u64>);

impl Numbers {
    /// The numbers that were given before.
    pub(crate) fn of(reference: Option<&Reference>) -> Self {
        let lines = reference.into_iter().flat_map(|reference| &reference.lines);
        Self(lines.filter_map(|line| Some((line.line.clone(), line.id.parse().ok()?))).collect())
    }

    fn known(&self, line: &str) -> Option<String> {
        self.0.get(line).map(u64::to_string)
    }

    /// The line's number, the next free one when it has none.
    fn give(&mut self, line: &str) -> String {
        let next = self.0.values().max().map_or(1, |last| last.saturating_add(1));
        self.0.entry(line.to_owned()).or_insert(next).to_string()
    }

    /// The numbers as the lines of a reference.
    pub(crate) fn lines(&self) -> Vec<LineReference> {
        self.0.iter().map(|(line, id)| LineReference { line: line.clone(), id: id.to_string() }).collect()
    }
}

/// What the head of a message says.
pub(crate) struct Head<'a> {
    /// BEG02.
    pub order_type: &'a str,
    pub po: &'a str,
    /// The day of the order, CCYYMMDD.
    pub ordered_on: &'a str,
    /// The day of the change, CCYYMMDD.
    pub changed_on: &'a str,
    /// BCH05.
    pub change: &'a str,
}

/// An 850.
///
/// # Errors
/// `number-too-long`, with the line.
pub(crate) fn order(head: &Head<'_>, purchase: &Purchase, numbers: &mut Numbers) -> Result<Draft, Problem> {
    let mut draft = Draft::new("850");
    draft.push("BEG", ["00", head.order_type, head.po, "", head.ordered_on]);
    header(&mut draft, purchase);
    let standing = purchase.items.iter().filter(|item| !item.quantity.is_zero());
    let (mut count, mut total) = (0_u64, Decimal::ZERO);
    for item in standing {
        let mut elements =
            vec![numbers.give(&item.line), quantity(item)?, item.unit.clone(), item.price.clone()];
        elements.push(String::new());
        elements.extend(articles(item));
        draft.push("PO1", elements);
        details(&mut draft, item);
        count += 1;
        total = total.checked_add(item.quantity).unwrap_or(total);
    }
    summary(&mut draft, count, Some(total));
    Ok(draft)
}

/// An 860 that tells what is different. None when nothing is.
///
/// # Errors
/// `number-too-long`, with the line.
pub(crate) fn change(
    head: &Head<'_>,
    purchase: &Purchase,
    before: Option<&Told>,
    now: &Told,
    numbers: &mut Numbers,
) -> Result<Option<Draft>, Problem> {
    let mut draft = Draft::new("860");
    draft.push("BCH", bch("04", head));
    header(&mut draft, purchase);
    let mut count = 0_u64;
    for item in &purchase.items {
        let known = numbers.known(&item.line).is_some();
        let difference = match before {
            Some(before) => before.difference(item),
            // Nothing is known of what the partner has: everything is told as it stands now.
            None if item.quantity.is_zero() && !known => Difference::None,
            None if item.quantity.is_zero() => Difference::Deleted,
            None if known => Difference::Changed,
            None => Difference::Added,
        };
        let verb = match difference {
            Difference::None => continue,
            Difference::Added => "AI",
            Difference::Deleted => "DI",
            Difference::More => "QI",
            Difference::Fewer => "QD",
            Difference::Priced => "PC",
            Difference::Changed => "CA",
        };
        let line = numbers.give(&item.line);
        let mut elements = vec![line, verb.to_owned(), quantity(item)?, String::new()];
        elements.extend([item.unit.clone(), item.price.clone(), String::new()]);
        elements.extend(articles(item));
        draft.push("POC", elements);
        if difference != Difference::Deleted {
            details(&mut draft, item);
        }
        count += 1;
    }
    for line in before.into_iter().flat_map(|before| before.gone(purchase)) {
        draft.push("POC", [numbers.give(line).as_str(), "DI", "0"]);
        count += 1;
    }
    if count == 0 && before.is_some_and(|before| now.same_terms(before)) {
        return Ok(None);
    }
    summary(&mut draft, count, None);
    Ok(Some(draft))
}

/// An 860 that takes the whole order back.
pub(crate) fn cancel(head: &Head<'_>, currency: &str) -> Draft {
    let mut draft = Draft::new("860");
    draft.push("BCH", bch("01", head));
    draft.push("CUR", ["BY", currency]);
    summary(&mut draft, 0, None);
    draft
}

fn bch<'a>(purpose: &'a str, head: &Head<'a>) -> [&'a str; 11] {
    let Head { order_type, po, ordered_on, changed_on, change } = *head;
    [purpose, order_type, po, "", change, ordered_on, "", "", "", "", changed_on]
}

fn header(draft: &mut Draft, purchase: &Purchase) {
    for (id, elements) in purchase.terms.iter().chain(&purchase.parties) {
        draft.push(id, elements);
    }
}

fn quantity(item: &Item) -> Result<String, Problem> {
    number(item.quantity, 15, &format!("lines.{}.quantity", item.line))
}

fn articles(item: &Item) -> impl Iterator<Item = String> {
    item.articles.iter().flat_map(|(qualifier, number)| [qualifier.clone(), number.clone()])
}

fn details(draft: &mut Draft, item: &Item) {
    if !item.title.is_empty() {
        draft.push("PID", ["F", "", "", "", item.title.as_str()]);
    }
    for charge in &item.charges {
        draft.push("SAC", charge.elements());
    }
}

/// How many lines there are, and their quantities added up where that is a number of ten digits at most.
fn summary(draft: &mut Draft, count: u64, total: Option<Decimal>) {
    let total = total.and_then(|total| number(total, 10, "").ok()).unwrap_or_default();
    draft.push("CTT", [count.to_string(), total]);
}
