//! The checks of an envelope: positions, counts and control numbers.

use crossdock_sdk::connector::Problem;

use super::segment::Segment;

/// The problem of a segment that is not allowed at its position.
pub(super) fn misplaced(segment: Segment<'_>, position: &str) -> Problem {
    let message = format!("{} (segment {}) is {position}", segment.id, segment.number);
    segment.problem(0, "segment-misplaced", message)
}

/// Checks the count in a trailer.
pub(super) fn check_count(
    trailer: Segment<'_>,
    at: usize,
    found: usize,
    counted: &str,
) -> Result<(), Problem> {
    let stated = trailer.value(at);
    if stated.parse() == Ok(found) {
        return Ok(());
    }
    let (name, number) = (trailer.name(at), trailer.number);
    let message = format!("{name} (segment {number}) says {stated:?} {counted}, and there are {found}");
    Err(trailer.problem(at, "count-mismatch", message))
}

/// Checks that a trailer has its header's control number.
pub(super) fn check_control_number(
    trailer: Segment<'_>,
    at: usize,
    header: Segment<'_>,
    header_at: usize,
) -> Result<(), Problem> {
    let (in_trailer, in_header) = (trailer.value(at), header.value(header_at));
    if is_same_number(in_trailer, in_header) {
        return Ok(());
    }
    let message = format!(
        "{} (segment {}) has the control number {in_trailer:?}, and {} (segment {}) has {in_header:?}",
        trailer.name(at),
        trailer.number,
        header.name(header_at),
        header.number
    );
    Err(trailer.problem(at, "control-number-mismatch", message))
}

/// Compares control numbers. Some senders omit their leading zeros.
pub(super) fn is_same_number(one: &str, other: &str) -> bool {
    let is_number = |text: &str| text.bytes().all(|digit| digit.is_ascii_digit()) && !text.is_empty();
    if is_number(one) && is_number(other) {
        one.trim_start_matches('0') == other.trim_start_matches('0')
    } else {
        one == other
    }
}

/// The problem of a control number that occurs twice.
pub(super) fn repeated_control_number(header: Segment<'_>, at: usize, control: &str) -> Problem {
    let (name, number) = (header.name(at), header.number);
    let message = format!("{name} (segment {number}) repeats the control number {control:?}");
    header.problem(at, "control-number-repeated", message)
}
