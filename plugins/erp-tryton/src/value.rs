//! How Tryton writes numbers, days and moments in JSON, and how it wants its questions put.

use crossdock_sdk::prelude::*;
use serde_json::{Value, json};

/// An exact number: Tryton would take a JSON number too, and make a float of it.
#[must_use]
pub fn number(value: Decimal) -> Value {
    json!({ "__class__": "Decimal", "decimal": value.to_string() })
}

/// A quantity. Tryton keeps those as floats; the digits are passed on as they are written.
#[must_use]
pub fn quantity(value: Decimal) -> Value {
    serde_json::from_str(&value.normalize().to_string()).unwrap_or(Value::Null)
}

/// Reads a number in either form.
#[must_use]
pub fn read_number(value: &Value) -> Option<Decimal> {
    match value.get("decimal") {
        Some(text) => money::decimal(text.as_str()?).ok(),
        None => money::decimal(&value.as_number()?.to_string()).ok(),
    }
}

/// A calendar day from `2026-11-23`, or from a moment that begins so.
#[must_use]
pub fn day(text: &str) -> Option<Value> {
    let mut parts = text.get(..10)?.splitn(3, '-').map(|part| part.parse::<u16>().ok());
    Some(
        json!({ "__class__": "date", "year": parts.next()??, "month": parts.next()??, "day": parts.next()?? }),
    )
}

/// Reads a calendar day as `2026-11-23`.
#[must_use]
pub fn read_day(value: &Value) -> Option<String> {
    let part = |name| value.get(name).and_then(Value::as_i64);
    Some(format!("{:04}-{:02}-{:02}", part("year")?, part("month")?, part("day")?))
}

/// The ids in a list of ids or of records.
#[must_use]
pub fn ids(value: &Value) -> Vec<i64> {
    let one = |item: &Value| item.as_i64().or_else(|| item.get("id")?.as_i64());
    value.as_array().into_iter().flatten().filter_map(one).collect()
}

/// The text of a field; absent when null or empty.
#[must_use]
pub fn text<'a>(record: &'a Value, field: &str) -> Option<&'a str> {
    record.get(field)?.as_str().filter(|text| !text.is_empty())
}

/// The records of a field.
pub fn records<'a>(record: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> {
    record.get(field).and_then(Value::as_array).into_iter().flatten()
}

/// The record's id. Every answer of Tryton has one.
#[must_use]
pub fn id(record: &Value) -> i64 {
    record.get("id").and_then(Value::as_i64).unwrap_or_default()
}

/// The id in a field that refers to a record of any model (`sale.line,95`), if it is of this model.
#[must_use]
pub fn reference(record: &Value, field: &str, model: &str) -> Option<i64> {
    let (found, id) = record.get(field)?.as_str()?.split_once(',')?;
    (found == model).then(|| id.parse().ok())?
}

/// A moment by Tryton's clock (UTC), in microseconds since 1970: exactly as fine as Tryton keeps them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Moment(i64);

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

impl Moment {
    /// Reads one.
    #[must_use]
    pub fn read(value: &Value) -> Option<Self> {
        let part = |name| value.get(name).and_then(Value::as_i64);
        let days = days(part("year")?, part("month")?, part("day")?);
        let seconds = part("hour")? * 3600 + part("minute")? * 60 + part("second")?;
        Some(Self(days * DAY + seconds * SECOND + part("microsecond")?))
    }

    /// As Tryton wants it in a question.
    #[must_use]
    pub fn ask(self) -> Value {
        let (year, month, day) = date(self.0.div_euclid(DAY));
        let rest = self.0.rem_euclid(DAY);
        let seconds = rest / SECOND;
        json!({
            "__class__": "datetime", "year": year, "month": month, "day": day,
            "hour": seconds / 3600, "minute": seconds / 60 % 60, "second": seconds % 60,
            "microsecond": rest % SECOND,
        })
    }

    /// So many seconds earlier.
    #[must_use]
    pub fn earlier(self, seconds: u32) -> Self {
        Self(self.0 - i64::from(seconds) * SECOND)
    }
}

/// RFC 3339, in UTC.
impl std::fmt::Display for Moment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (year, month, day) = date(self.0.div_euclid(DAY));
        let rest = self.0.rem_euclid(DAY);
        let (hour, minute, second) = (rest / SECOND / 3600, rest / SECOND / 60 % 60, rest / SECOND % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:06}Z", rest % SECOND)
    }
}

/// Days since 1970 of a day in the Gregorian calendar, counted in years that begin in March.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The other way round.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year + era * 400 + i64::from(month <= 2), month, of_year - (153 * shifted + 2) / 5 + 1)
}

/// Base64 as Tryton wants questions in an address: `urlsafe`, padded.
#[must_use]
pub fn question(value: &Value) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in value.to_string().as_bytes().chunks(3) {
        let bits =
            (0..3).fold(0_usize, |bits, at| bits << 8 | usize::from(chunk.get(at).copied().unwrap_or(0)));
        for at in 0..4 {
            let letter = LETTERS.get(bits >> (18 - 6 * at) & 63).copied().unwrap_or(b'=');
            text.push(if at <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_survive_the_way_there_and_back_to_the_microsecond() {
        for (text, micros) in [
            ("1970-01-01T00:00:00.000000Z", 0),
            ("2026-11-23T06:37:54.767039Z", 1_795_415_874_767_039),
            ("2024-02-29T23:59:59.999999Z", 1_709_251_199_999_999),
            ("1969-12-31T23:59:59.999999Z", -1),
        ] {
            assert_eq!(Moment(micros).to_string(), text);
            assert_eq!(Moment::read(&Moment(micros).ask()), Some(Moment(micros)), "{text}");
        }
    }

    #[test]
    fn quantities_are_written_as_they_are_and_amounts_never_as_floats() {
        assert_eq!(quantity(money::decimal("1.50").unwrap()).to_string(), "1.5");
        assert_eq!(quantity(money::decimal("-3").unwrap()).to_string(), "-3");
        assert_eq!(
            number(money::decimal("25.50").unwrap()),
            json!({"__class__": "Decimal", "decimal": "25.50"})
        );
        assert_eq!(read_number(&json!(0.1)).unwrap().to_string(), "0.1");
        assert_eq!(read_number(&json!(3.0)).unwrap(), Decimal::from(3));
    }

    #[test]
    fn questions_are_urlsafe_base64() {
        assert_eq!(question(&json!([])), "W10=");
        assert_eq!(question(&json!([["id", "=", 1]])), "W1siaWQiLCI9IiwxXV0=");
        assert_eq!(question(&json!("???>>>")), "Ij8_Pz4-PiI=");
    }
}
