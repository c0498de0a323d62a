//! The business day of a moment: the day on the store's calendar, with the hours before it opens counted to the
//! day before.

use crossdock_sdk::prelude::*;
use jiff::{SignedDuration, Timestamp};

use crate::settings::Settings;

/// Absent when nobody says where the store is.
///
/// # Errors
/// `invalid-time` when it is no moment, `zone-unknown` when the store's zone is none.
pub(crate) fn of(settings: &Settings, location: Option<&str>, at: &str) -> Result<Option<String>, Problem> {
    let store =
        location.and_then(|location| stores::find("square", location).or_else(|| stores::get(location)));
    let Some(zone) = store.map(|store| store.zone).or_else(|| settings.zone.clone()) else { return Ok(None) };
    let moment: Timestamp =
        at.parse().map_err(|_| Problem::new("invalid-time", "what should be a moment is none"))?;
    let zoned = moment
        .in_tz(&zone)
        .map_err(|_| Problem::new("zone-unknown", format!("`{zone}` is no time zone of a store")))?;
    let starts = settings.day_starts;
    let before = SignedDuration::from_mins(i64::from(starts.hour()) * 60 + i64::from(starts.minute()));
    Ok(zoned.datetime().checked_sub(before).ok().map(|moment| moment.date().to_string()))
}
