//! Tryton's timestamps.

use serde_json::{Value, json};

/// A point in time by Tryton's clock (UTC), in microseconds since 1970: the resolution that Tryton stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Timestamp(i64);

const MICROS_PER_SECOND: i64 = 1_000_000;
const MICROS_PER_DAY: i64 = 86_400 * MICROS_PER_SECOND;

impl Timestamp {
    /// Reads a `datetime` of Tryton.
    #[must_use]
    pub fn from_json(value: &Value) -> Option<Self> {
        let part = |name| value.get(name).and_then(Value::as_i64);
        let days = days_since_epoch(part("year")?, part("month")?, part("day")?);
        let seconds = part("hour")? * 3600 + part("minute")? * 60 + part("second")?;
        Some(Self(days * MICROS_PER_DAY + seconds * MICROS_PER_SECOND + part("microsecond")?))
    }

    /// Writes it as a `datetime` for a domain.
    #[must_use]
    pub fn to_json(self) -> Value {
        let (year, month, day) = civil_date(self.0.div_euclid(MICROS_PER_DAY));
        let rest = self.0.rem_euclid(MICROS_PER_DAY);
        let seconds = rest / MICROS_PER_SECOND;
        json!({
            "__class__": "datetime", "year": year, "month": month, "day": day,
            "hour": seconds / 3600, "minute": seconds / 60 % 60, "second": seconds % 60,
            "microsecond": rest % MICROS_PER_SECOND,
        })
    }

    /// The point in time this many seconds earlier.
    #[must_use]
    pub fn minus_seconds(self, seconds: u32) -> Self {
        Self(self.0 - i64::from(seconds) * MICROS_PER_SECOND)
    }
}

/// RFC 3339, in UTC.
impl std::fmt::Display for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (year, month, day) = civil_date(self.0.div_euclid(MICROS_PER_DAY));
        let rest = self.0.rem_euclid(MICROS_PER_DAY);
        let (hour, minute, second) = (
            rest / MICROS_PER_SECOND / 3600,
            rest / MICROS_PER_SECOND / 60 % 60,
            rest / MICROS_PER_SECOND % 60,
        );
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:06}Z",
            rest % MICROS_PER_SECOND
        )
    }
}

/// Days since 1970 of a date in the Gregorian calendar, counted in years that begin in March.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The year, month and day of a number of days since 1970.
fn civil_date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year + era * 400 + i64::from(month <= 2), month, of_year - (153 * shifted + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_round_trip_through_json_to_the_microsecond() {
        for (text, micros) in [
            ("1970-01-01T00:00:00.000000Z", 0),
            ("2026-11-23T06:37:54.767039Z", 1_795_415_874_767_039),
            ("2024-02-29T23:59:59.999999Z", 1_709_251_199_999_999),
            ("1969-12-31T23:59:59.999999Z", -1),
        ] {
            assert_eq!(Timestamp(micros).to_string(), text);
            assert_eq!(Timestamp::from_json(&Timestamp(micros).to_json()), Some(Timestamp(micros)), "{text}");
        }
    }
}
