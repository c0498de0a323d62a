//! The transaction sets: an 850 for an order that the partner does not have, an 860 for a change of one that it has.

use std::collections::BTreeMap;

use crossdock_sdk::prelude::*;

use super::purchase::{Item, Purchase};
use super::sent_state::{Difference, SentState};
use crate::encode::number;
use crate::x12::SetDraft;

/// The numbers of the lines in the partner's order (PO101), by line id. A number is never reused.
#[derive(Clone, Debug, Default)]
pub(crate) struct LineNumbers(BTreeMap<String, u64>);

impl LineNumbers {
    /// The numbers assigned before.
    pub(crate) fn of(reference: Option<&Reference>) -> Self {
        let lines = reference.into_iter().flat_map(|reference| &reference.lines);
        Self(lines.filter_map(|line| Some((line.line.clone(), line.id.parse().ok()?))).collect())
    }

    fn contains(&self, line: &str) -> bool {
        self.0.contains_key(line)
    }

    /// The line's number; the next free one when it has none.
    fn get_or_assign(&mut self, line: &str) -> String {
        let next = self.0.values().max().map_or(1, |last| last.saturating_add(1));
        self.0.entry(line.to_owned()).or_insert(next).to_string()
    }

    /// The numbers as the lines of a reference.
    pub(crate) fn line_references(&self) -> Vec<LineReference> {
        self.0.iter().map(|(line, id)| LineReference { line: line.clone(), id: id.to_string() }).collect()
    }
}

/// The values of the first segment.
pub(crate) struct Header<'a> {
    /// BEG02.
    pub order_type: &'a str,
    pub po: &'a str,
    /// The date of the order, CCYYMMDD.
    pub ordered_on: &'a str,
    /// The date of the change, CCYYMMDD.
    pub changed_on: &'a str,
    /// BCH05.
    pub change: &'a str,
}

/// An 850.
///
/// # Errors
/// `number-too-long`, with the line.
pub(crate) fn order(
    header: &Header<'_>,
    purchase: &Purchase,
    numbers: &mut LineNumbers,
) -> Result<SetDraft, Problem> {
    let mut draft = SetDraft::new("850");
    draft.push("BEG", ["00", header.order_type, header.po, "", header.ordered_on]);
    push_terms_and_parties(&mut draft, purchase);
    let remaining = purchase.items.iter().filter(|item| !item.quantity.is_zero());
    let (mut count, mut total) = (0_u64, Decimal::ZERO);
    for item in remaining {
        let mut elements =
            vec![numbers.get_or_assign(&item.line), quantity(item)?, item.unit.clone(), item.price.clone()];
        elements.push(String::new());
        elements.extend(articles(item));
        draft.push("PO1", elements);
        push_details(&mut draft, item);
        count += 1;
        total = total.checked_add(item.quantity).unwrap_or(total);
    }
    push_summary(&mut draft, count, Some(total));
    Ok(draft)
}

/// An 860 with the differences between two states. None when there are none.
///
/// # Errors
/// `number-too-long`, with the line.
pub(crate) fn change(
    header: &Header<'_>,
    purchase: &Purchase,
    before: Option<&SentState>,
    after: &SentState,
    numbers: &mut LineNumbers,
) -> Result<Option<SetDraft>, Problem> {
    let mut draft = SetDraft::new("860");
    draft.push("BCH", bch("04", header));
    push_terms_and_parties(&mut draft, purchase);
    let mut count = 0_u64;
    for item in &purchase.items {
        let has_number = numbers.contains(&item.line);
        let difference = match before {
            Some(before) => before.difference(item),
            // The last sent state is unknown: every line is sent as it is now.
            None if item.quantity.is_zero() && !has_number => Difference::None,
            None if item.quantity.is_zero() => Difference::Deleted,
            None if has_number => Difference::Changed,
            None => Difference::Added,
        };
        let change_code = match difference {
            Difference::None => continue,
            Difference::Added => "AI",
            Difference::Deleted => "DI",
            Difference::Increased => "QI",
            Difference::Decreased => "QD",
            Difference::Priced => "PC",
            Difference::Changed => "CA",
        };
        let line = numbers.get_or_assign(&item.line);
        let mut elements = vec![line, change_code.to_owned(), quantity(item)?, String::new()];
        elements.extend([item.unit.clone(), item.price.clone(), String::new()]);
        elements.extend(articles(item));
        draft.push("POC", elements);
        if difference != Difference::Deleted {
            push_details(&mut draft, item);
        }
        count += 1;
    }
    for line in before.into_iter().flat_map(|before| before.removed_lines(purchase)) {
        draft.push("POC", [numbers.get_or_assign(line).as_str(), "DI", "0"]);
        count += 1;
    }
    if count == 0 && before.is_some_and(|before| after.has_same_header(before)) {
        return Ok(None);
    }
    push_summary(&mut draft, count, None);
    Ok(Some(draft))
}

/// An 860 that cancels the order.
pub(crate) fn cancel(header: &Header<'_>, currency: &str) -> SetDraft {
    let mut draft = SetDraft::new("860");
    draft.push("BCH", bch("01", header));
    draft.push("CUR", ["BY", currency]);
    push_summary(&mut draft, 0, None);
    draft
}

fn bch<'a>(purpose: &'a str, header: &Header<'a>) -> [&'a str; 11] {
    let Header { order_type, po, ordered_on, changed_on, change } = *header;
    [purpose, order_type, po, "", change, ordered_on, "", "", "", "", changed_on]
}

fn push_terms_and_parties(draft: &mut SetDraft, purchase: &Purchase) {
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

/// The description and the charges of a line.
fn push_details(draft: &mut SetDraft, item: &Item) {
    if !item.title.is_empty() {
        draft.push("PID", ["F", "", "", "", item.title.as_str()]);
    }
    for charge in &item.charges {
        draft.push("SAC", charge.elements());
    }
}

/// The number of lines, and the sum of their quantities if it has at most ten digits.
fn push_summary(draft: &mut SetDraft, count: u64, total: Option<Decimal>) {
    let total = total.and_then(|total| number(total, 10, "").ok()).unwrap_or_default();
    draft.push("CTT", [count.to_string(), total]);
}
