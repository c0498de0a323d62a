//! Tryton's JSON: numbers, dates, ids, references, and the encoding of domains in a query string.

use crossdock_sdk::prelude::*;
use serde_json::{Value, json};

/// An exact number. Tryton accepts a JSON number too, but converts it to a float.
#[must_use]
pub fn number(value: Decimal) -> Value {
    json!({ "__class__": "Decimal", "decimal": value.to_string() })
}

/// A quantity. Tryton stores quantities as floats; the digits are passed on as they are written.
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

/// A date from `2026-11-23`, or from a timestamp that begins with one.
#[must_use]
pub fn date(text: &str) -> Option<Value> {
    let mut parts = text.get(..10)?.splitn(3, '-').map(|part| part.parse::<u16>().ok());
    Some(
        json!({ "__class__": "date", "year": parts.next()??, "month": parts.next()??, "day": parts.next()?? }),
    )
}

/// Reads a date as `2026-11-23`.
#[must_use]
pub fn read_date(value: &Value) -> Option<String> {
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

/// The record's id. Every record in a response of Tryton has one.
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

/// Encodes a domain or a context as Tryton expects it in a query string or a header: URL-safe Base64, padded.
#[must_use]
pub fn encode_query(value: &Value) -> String {
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
    fn quantities_preserve_their_digits_and_amounts_are_never_floats() {
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
    fn queries_are_url_safe_base64() {
        assert_eq!(encode_query(&json!([])), "W10=");
        assert_eq!(encode_query(&json!([["id", "=", 1]])), "W1siaWQiLCI9IiwxXV0=");
        assert_eq!(encode_query(&json!("???>>>")), "Ij8_Pz4-PiI=");
    }
}
