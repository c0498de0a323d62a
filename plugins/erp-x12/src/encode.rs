//! Encodes texts and numbers as elements of X12, and an interchange as bytes.

use crossdock_sdk::prelude::*;

use crate::settings::{Characters, Settings};

/// A text in the partner's character set, truncated to `max` characters. Letters outside of the character set are
/// transliterated (`ß` becomes `ss`).
pub(crate) fn text(raw: &str, characters: Characters, max: usize) -> String {
    let is_in_set = |letter: char| match characters {
        Characters::Utf8 => true,
        Characters::Latin1 => u32::from(letter) < 256,
        Characters::Ascii => letter.is_ascii(),
    };
    let mut text = String::with_capacity(raw.len());
    for letter in raw.trim().chars() {
        if letter.is_control() {
            text.push(' ');
        } else if is_in_set(letter) {
            text.push(letter);
        } else {
            text.push_str(deunicode::deunicode_char(letter).unwrap_or("?"));
        }
    }
    let end = text.char_indices().nth(max).map_or(text.len(), |(at, _)| at);
    text.truncate(end);
    text.trim().to_owned()
}

/// Whether an identifier can be written unchanged, in at most `max` characters: identifiers are neither truncated nor
/// transliterated, and contain no separators.
pub(crate) fn is_encodable_id(id: &str, max: usize, settings: &Settings) -> bool {
    id.chars().count() <= max
        && text(id, settings.characters, max) == id
        && !id.chars().any(|character| settings.separators.contains(character))
}

/// The bytes of an interchange in a character set.
pub(crate) fn bytes(text: &str, characters: Characters) -> Vec<u8> {
    match characters {
        Characters::Utf8 | Characters::Ascii => text.as_bytes().to_vec(),
        Characters::Latin1 => {
            text.chars().map(|letter| u8::try_from(u32::from(letter)).unwrap_or(b'?')).collect()
        }
    }
}

/// A number of type R: digits and a decimal point, without trailing zeros.
///
/// # Errors
/// `number-too-long` when it has more than `max` digits.
pub(crate) fn number(value: Decimal, max: usize, field: &str) -> Result<String, Problem> {
    let text = value.normalize().to_string();
    if text.bytes().filter(u8::is_ascii_digit).count() > max {
        let message = format!("the number {text} has more than the {max} digits of its element");
        return Err(Problem::new("number-too-long", message).at(field));
    }
    Ok(text)
}

/// An amount of type N2: in hundredths.
///
/// # Errors
/// `amount-too-precise` when it has more than two decimals, `number-too-long` when it has more than 15 digits.
pub(crate) fn hundredths(amount: Decimal, field: &str) -> Result<String, Problem> {
    let hundredths = amount.checked_mul(Decimal::ONE_HUNDRED).unwrap_or(Decimal::MAX).normalize();
    if hundredths.scale() > 0 {
        let message = format!("the amount {amount} has more than the two decimals of its element");
        return Err(Problem::new("amount-too-precise", message).at(field));
    }
    number(hundredths, 15, field)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_outside_of_the_character_set_are_transliterated() {
        assert_eq!(text(" Søren Weiß\n", Characters::Ascii, 60), "Soren Weiss");
        assert_eq!(text("Søren Łuk 李", Characters::Latin1, 60), "Søren Luk Li");
        assert_eq!(text("Łuk", Characters::Utf8, 2), "Łu");
        assert_eq!(bytes("é", Characters::Latin1), [0xE9]);
    }

    #[test]
    fn amounts_in_hundredths_are_exact_or_refused() {
        let amount = |text: &str| hundredths(money::decimal(text).unwrap(), "x");
        assert_eq!(amount("1.10").unwrap(), "110");
        assert_eq!(amount("-0.02").unwrap(), "-2");
        assert_eq!(amount("0.005").unwrap_err().code, "amount-too-precise");
        assert_eq!(amount("79228162514264337593543950").unwrap_err().code, "number-too-long");
        assert_eq!(number(money::decimal("2.500").unwrap(), 15, "x").unwrap(), "2.5");
    }
}
