//! Articles and numbers, as a line of the partner's has them.

use crossdock_sdk::prelude::*;

use crate::tables::Words;
use crate::x12::Segment;

/// The partner's article numbers, the best first.
const ARTICLES: [&str; 9] = ["VP", "VN", "VA", "BP", "IN", "SA", "MG", "UP", "EN"];

/// The merchant's SKU of a segment whose pairs of qualifier and number begin at this element: the one that was
/// sent along (`SK`), else by the table `article` of the partner's own number.
pub(crate) fn sku(segment: Segment<'_>, from: usize, words: &Words) -> Option<String> {
    let pairs = pairs(segment, from);
    let of = |wanted: &str| pairs.iter().find(|(kind, _)| *kind == wanted).map(|(_, number)| *number);
    match of("SK") {
        Some(sku) => Some(sku.to_owned()),
        None => {
            let known = ARTICLES.iter().find_map(|kind| of(kind));
            known.or_else(|| pairs.first().map(|(_, number)| *number)).map(|article| words.sku(article))
        }
    }
}

/// The pairs of qualifier and number, those that are whole.
pub(crate) fn pairs<'a>(segment: Segment<'a>, from: usize) -> Vec<(&'a str, &'a str)> {
    let elements: Vec<&str> = segment.elements().skip(from.saturating_sub(1)).map(str::trim).collect();
    let whole = |pair: &[&'a str]| match pair {
        [kind, number] if !kind.is_empty() && !number.is_empty() => Some((*kind, *number)),
        _ => None,
    };
    elements.chunks(2).filter_map(whole).collect()
}

/// The number of an element, of type R: its point is written.
///
/// # Errors
/// `invalid-number`, with the element; also when it is empty.
pub(crate) fn number(segment: Segment<'_>, at: usize) -> Result<Decimal, Problem> {
    decimal(segment.value(at)).ok_or_else(|| wrong(segment, at))
}

/// An amount of type N2: in hundredths. Where the sender writes a point, it is taken at its word.
///
/// # Errors
/// `invalid-number`, with the element; also when it is empty.
pub(crate) fn cents(segment: Segment<'_>, at: usize) -> Result<Decimal, Problem> {
    let text = segment.value(at);
    let amount = decimal(text).ok_or_else(|| wrong(segment, at))?;
    let hundredth = Decimal::new(1, 2);
    if text.contains('.') {
        Ok(amount)
    } else {
        amount.checked_mul(hundredth).ok_or_else(|| wrong(segment, at))
    }
}

/// Digits, with a sign before or behind them, with a point or a comma among them.
fn decimal(text: &str) -> Option<Decimal> {
    let (text, negative) = match text.strip_suffix('-') {
        Some(rest) => (rest, true),
        None => (text, false),
    };
    let text = text.strip_prefix('+').unwrap_or(text);
    let text = text.strip_prefix('.').map_or_else(|| text.to_owned(), |rest| format!("0.{rest}"));
    let text = text.replacen("-.", "-0.", 1);
    // Far beyond any amount, and far below what multiplying could break.
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let value = money::decimal(text.strip_suffix('.').unwrap_or(&text)).ok().filter(|_| digits <= 18)?;
    Some(if negative { -value } else { value })
}

fn wrong(segment: Segment<'_>, at: usize) -> Problem {
    let (name, number) = (segment.name(at), segment.number);
    segment.problem(at, "invalid-number", format!("{name} (segment {number}) is no number"))
}

/// A number of the vocabulary: without zeros that say nothing.
pub(crate) fn plain(value: Decimal) -> String {
    value.normalize().to_string()
}

/// An amount of the vocabulary: with two decimals at least.
pub(crate) fn amount(value: Decimal) -> String {
    let mut value = value.normalize();
    if value.scale() < 2 {
        value.rescale(2);
    }
    value.to_string()
}
