//! Days and times as X12 writes them: without a zone, in that of whoever wrote them.

use crossdock_sdk::prelude::*;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

use crate::x12::Segment;

/// A moment: the day and the time of two elements of a segment. Without a time, the day's begin.
///
/// # Errors
/// `invalid-date` or `invalid-time`, with the element.
pub(crate) fn moment(
    segment: Segment<'_>,
    day: usize,
    time: usize,
    zone: &TimeZone,
) -> Result<String, Problem> {
    let date = date(segment, day)?;
    let time = match segment.get(time) {
        None => Time::midnight(),
        Some(text) => clock(text).ok_or_else(|| {
            let (name, number) = (segment.name(time), segment.number);
            segment.problem(time, "invalid-time", format!("{name} (segment {number}) is no time: {text:?}"))
        })?,
    };
    at(DateTime::from_parts(date, time), zone).ok_or_else(|| {
        let (name, number) = (segment.name(day), segment.number);
        segment.problem(day, "invalid-date", format!("{name} (segment {number}) is out of reach"))
    })
}

/// The day of an element.
///
/// # Errors
/// `invalid-date`, with the element; also when it is empty.
pub(crate) fn date(segment: Segment<'_>, at: usize) -> Result<Date, Problem> {
    let text = segment.value(at);
    day(text).ok_or_else(|| {
        let (name, number) = (segment.name(at), segment.number);
        segment.problem(at, "invalid-date", format!("{name} (segment {number}) is no day: {text:?}"))
    })
}

/// `CCYYMMDD`, or `YYMMDD` of the years 1970 to 2069.
fn day(text: &str) -> Option<Date> {
    let full = match text.len() {
        8 => text.to_owned(),
        6 => format!("{}{text}", if text < "70" { "20" } else { "19" }),
        _ => return None,
    };
    let part = |range: std::ops::Range<usize>| digits(full.get(range)?);
    Date::new(part(0..4)?, part(4..6)?.try_into().ok()?, part(6..8)?.try_into().ok()?).ok()
}

/// `HHMM`, `HHMMSS`, and hundredths behind them, which do not count.
fn clock(text: &str) -> Option<Time> {
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

/// An hour that the clocks go through twice is taken for the first.
fn at(civil: DateTime, zone: &TimeZone) -> Option<String> {
    let zoned = civil.to_zoned(zone.clone()).ok()?;
    Some(zoned.timestamp().display_with_offset(zoned.offset()).to_string())
}

/// The day and the time of a moment, as the partner writes them: `20261123` and `0930`.
pub(crate) fn stamp(now: Timestamp, zone: &TimeZone) -> (String, String) {
    let local = now.to_zoned(zone.clone()).datetime();
    let (date, time) = (local.date(), local.time());
    (compact(date), format!("{:02}{:02}", time.hour(), time.minute()))
}

/// `20261123`.
pub(crate) fn compact(date: Date) -> String {
    format!("{:04}{:02}{:02}", date.year(), date.month(), date.day())
}

/// The calendar day that an instant or a day of the vocabulary begins with, as X12 writes it.
pub(crate) fn day_of(text: &str) -> Option<String> {
    text.get(..10)?.parse::<Date>().ok().map(compact)
}
