//! Dates and times of X12, which have no time zone: they are in the partner's.

use crossdock_sdk::prelude::*;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

use crate::x12::Segment;

/// The point in time of a date element and a time element, as RFC 3339. Midnight when the time is absent.
///
/// # Errors
/// `invalid-date` or `invalid-time`, with the element.
pub(crate) fn date_time(
    segment: Segment<'_>,
    date_at: usize,
    time_at: usize,
    zone: &TimeZone,
) -> Result<String, Problem> {
    let date = date(segment, date_at)?;
    let time = match segment.get(time_at) {
        None => Time::midnight(),
        Some(text) => parse_time(text).ok_or_else(|| {
            let (name, number) = (segment.name(time_at), segment.number);
            let message = format!("{name} (segment {number}) is not a time: {text:?}");
            segment.problem(time_at, "invalid-time", message)
        })?,
    };
    in_zone(DateTime::from_parts(date, time), zone).ok_or_else(|| {
        let (name, number) = (segment.name(date_at), segment.number);
        segment.problem(date_at, "invalid-date", format!("{name} (segment {number}) is out of range"))
    })
}

/// The date of an element.
///
/// # Errors
/// `invalid-date`, with the element; also when it is empty.
pub(crate) fn date(segment: Segment<'_>, at: usize) -> Result<Date, Problem> {
    let text = segment.value(at);
    parse_date(text).ok_or_else(|| {
        let (name, number) = (segment.name(at), segment.number);
        segment.problem(at, "invalid-date", format!("{name} (segment {number}) is not a date: {text:?}"))
    })
}

/// Parses `CCYYMMDD`, or `YYMMDD` of the years 1970 to 2069.
fn parse_date(text: &str) -> Option<Date> {
    let full = match text.len() {
        8 => text.to_owned(),
        6 => format!("{}{text}", if text < "70" { "20" } else { "19" }),
        _ => return None,
    };
    let part = |range: std::ops::Range<usize>| digits(full.get(range)?);
    Date::new(part(0..4)?, part(4..6)?.try_into().ok()?, part(6..8)?.try_into().ok()?).ok()
}

/// Parses `HHMM` or `HHMMSS`. Hundredths of a second after them are ignored.
fn parse_time(text: &str) -> Option<Time> {
    if !(4..=8).contains(&text.len()) {
        return None;
    }
    let part = |range: std::ops::Range<usize>| digits(text.get(range)?)?.try_into().ok();
    let second = if text.len() >= 6 { part(4..6)? } else { 0 };
    Time::new(part(0..2)?, part(2..4)?, second, 0).ok()
}

fn digits(text: &str) -> Option<i16> {
    text.bytes().all(|digit| digit.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// A local time that occurs twice, when clocks are set back, is the first of both.
fn in_zone(civil: DateTime, zone: &TimeZone) -> Option<String> {
    let zoned = civil.to_zoned(zone.clone()).ok()?;
    Some(zoned.timestamp().display_with_offset(zoned.offset()).to_string())
}

/// The date and the time in the partner's zone: `20261123` and `0930`.
pub(crate) fn date_and_time(now: Timestamp, zone: &TimeZone) -> (String, String) {
    let local = now.to_zoned(zone.clone()).datetime();
    let (date, time) = (local.date(), local.time());
    (x12_date(date), format!("{:02}{:02}", time.hour(), time.minute()))
}

/// A date as X12 writes it: `20261123`.
fn x12_date(date: Date) -> String {
    format!("{:04}{:02}{:02}", date.year(), date.month(), date.day())
}

/// The date at the beginning of an RFC 3339 time or date, as X12 writes it.
pub(crate) fn x12_date_of(text: &str) -> Option<String> {
    text.get(..10)?.parse::<Date>().ok().map(x12_date)
}
