//! Times and dates. POSLog contains the till's local time, without a zone.

use crossdock_sdk::prelude::*;
use jiff::civil::DateTime;
use jiff::fmt::temporal::{Pieces, PiecesOffset};
use jiff::tz::{Offset, TimeZone};

/// The instant of a till's time, with its offset: the till's own where it wrote one, else that of the store's zone. A
/// local time that occurs twice when clocks are set back is taken as the first.
///
/// # Errors
/// `invalid-time` when it is not a date and a time, `zone-missing` when it has no offset and the store has no zone.
pub(crate) fn instant(text: &str, zone: Option<&TimeZone>, store: &str) -> Result<String, Problem> {
    let invalid = || Problem::new("invalid-time", "the value is not a date and a time");
    let pieces = Pieces::parse(text).map_err(|_| invalid())?;
    let civil = DateTime::from_parts(pieces.date(), pieces.time().ok_or_else(invalid)?);
    let own_offset = pieces.offset().map(|offset| match offset {
        PiecesOffset::Numeric(offset) => offset.offset(),
        _ => Offset::UTC,
    });
    let (timestamp, offset) = match (own_offset, zone) {
        (Some(offset), _) => (offset.to_timestamp(civil).map_err(|_| invalid())?, offset),
        (None, Some(zone)) => {
            let zoned = civil.to_zoned(zone.clone()).map_err(|_| invalid())?;
            (zoned.timestamp(), zoned.offset())
        }
        (None, None) => {
            let message = format!(
                "the till wrote no time zone: add store {store} to the store registry, or set `zone`"
            );
            return Err(Problem::new("zone-missing", message));
        }
    };
    Ok(timestamp.display_with_offset(offset).to_string())
}

/// The calendar day of a till's date: `2026-11-23`, or the same with a time, which is ignored.
pub(crate) fn date(text: &str) -> Option<String> {
    let (day, rest) = text.split_at_checked(10)?;
    let is_date = rest.is_empty() || rest.starts_with('T') || rest.starts_with(' ');
    let date: jiff::civil::Date = day.parse().ok().filter(|_| is_date)?;
    Some(date.to_string())
}
