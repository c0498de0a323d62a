//! The business day of a time: the store's calendar day, where hours before the day starts belong to the previous day.

use crossdock_sdk::prelude::*;
use jiff::{SignedDuration, Timestamp};

use crate::settings::Settings;

/// The business day of a time at a location. Absent when the location's time zone is unknown.
///
/// # Errors
/// `invalid-time` when `at` is not a time, `zone-unknown` when the store's zone is not a time zone.
pub(crate) fn business_day(
    settings: &Settings,
    location: Option<&str>,
    at: &str,
) -> Result<Option<String>, Problem> {
    let store = location.and_then(|location| stores::find_or_get("square", location));
    let Some(zone) = store.map(|store| store.zone).or_else(|| settings.zone.clone()) else { return Ok(None) };
    let timestamp: Timestamp =
        at.parse().map_err(|_| Problem::new("invalid-time", "a time is not in RFC 3339 format"))?;
    let zoned = timestamp
        .in_tz(&zone)
        .map_err(|_| Problem::new("zone-unknown", format!("`{zone}` is not a time zone")))?;
    let start = settings.day_starts;
    let offset = SignedDuration::from_mins(i64::from(start.hour()) * 60 + i64::from(start.minute()));
    Ok(zoned.datetime().checked_sub(offset).ok().map(|shifted| shifted.date().to_string()))
}
