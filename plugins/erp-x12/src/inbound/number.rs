//! Numbers and amounts: elements of X12 as decimals, and decimals as text of the vocabulary.

use crossdock_sdk::prelude::*;

use crate::x12::Segment;

/// An element of type R: a number with an explicit decimal point.
///
/// # Errors
/// `invalid-number`, with the element; also when it is empty.
pub(crate) fn decimal(segment: Segment<'_>, at: usize) -> Result<Decimal, Problem> {
    parse(segment.value(at)).ok_or_else(|| invalid(segment, at))
}

/// An element of type N2: an amount in hundredths. An amount with a decimal point, which some senders write, is not.
///
/// # Errors
/// `invalid-number`, with the element; also when it is empty.
pub(crate) fn hundredths(segment: Segment<'_>, at: usize) -> Result<Decimal, Problem> {
    let text = segment.value(at);
    let amount = parse(text).ok_or_else(|| invalid(segment, at))?;
    let hundredth = Decimal::new(1, 2);
    if text.contains('.') {
        Ok(amount)
    } else {
        amount.checked_mul(hundredth).ok_or_else(|| invalid(segment, at))
    }
}

/// Parses digits with an optional decimal point, and a sign before or after them.
fn parse(text: &str) -> Option<Decimal> {
    let (text, negative) = match text.strip_suffix('-') {
        Some(rest) => (rest, true),
        None => (text, false),
    };
    let text = text.strip_prefix('+').unwrap_or(text);
    let text = text.strip_prefix('.').map_or_else(|| text.to_owned(), |rest| format!("0.{rest}"));
    let text = text.replacen("-.", "-0.", 1);
    // More digits than any amount has, and few enough for later multiplications.
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let value = money::decimal(text.strip_suffix('.').unwrap_or(&text)).ok().filter(|_| digits <= 18)?;
    Some(if negative { -value } else { value })
}

fn invalid(segment: Segment<'_>, at: usize) -> Problem {
    let (name, number) = (segment.name(at), segment.number);
    segment.problem(at, "invalid-number", format!("{name} (segment {number}) is not a number"))
}

/// A number as text, without trailing zeros.
pub(crate) fn to_text(value: Decimal) -> String {
    value.normalize().to_string()
}

/// An amount as text, with at least two decimals.
pub(crate) fn amount_to_text(value: Decimal) -> String {
    let mut value = value.normalize();
    if value.scale() < 2 {
        value.rescale(2);
    }
    value.to_string()
}
