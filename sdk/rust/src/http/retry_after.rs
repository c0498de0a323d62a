//! `Retry-After`: seconds, or a date (RFC 9110, section 10.2.3).

use std::time::{SystemTime, UNIX_EPOCH};

/// The milliseconds to wait. A date is compared with the response's own `Date` where it has one, so that the
/// difference between the two clocks does not matter.
pub(super) fn milliseconds(retry_after: Option<&str>, date: Option<&str>) -> Option<u64> {
    let text = retry_after?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return seconds.checked_mul(1000);
    }
    let until = seconds(text)?;
    let now = match date.and_then(|date| seconds(date.trim())) {
        Some(now) => now,
        None => i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs()).ok()?,
    };
    u64::try_from(until.saturating_sub(now).max(0)).ok()?.checked_mul(1000)
}

/// Seconds since 1970 of `Sun, 06 Nov 1994 08:49:37 GMT`, the only date format that senders may generate.
fn seconds(text: &str) -> Option<i64> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut words = text.split_once(", ")?.1.split(' ');
    let day: i64 = words.next()?.parse().ok()?;
    let month_name = words.next()?;
    let month = i64::try_from(MONTHS.iter().position(|month| *month == month_name)?).ok()? + 1;
    let year: i64 = words.next()?.parse().ok().filter(|year| (1970..10_000).contains(year))?;
    let mut clock = words.next()?.split(':').map(|part| part.parse::<i64>().ok());
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    if words.next()? != "GMT" {
        return None;
    }
    // Days since 1970 with the year beginning in March, so that a leap day is a year's last.
    let (year, month) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1 - 719_468;
    Some(((days * 24 + hour) * 60 + minute) * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_dates_are_parsed() {
        assert_eq!(milliseconds(Some("2"), None), Some(2000));
        let date = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(milliseconds(Some("Sun, 06 Nov 1994 08:50:07 GMT"), date), Some(30_000));
        assert_eq!(milliseconds(Some("Sun, 06 Nov 1994 08:00:00 GMT"), date), Some(0), "a date in the past");
        assert_eq!(milliseconds(Some("soon"), None), None);
        assert_eq!(milliseconds(None, date), None);
    }

    #[test]
    fn dates_count_from_1970() {
        assert_eq!(seconds("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(seconds("Thu, 29 Feb 2024 12:00:00 GMT"), Some(1_709_208_000));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:49:37 CET"), None);
    }
}
