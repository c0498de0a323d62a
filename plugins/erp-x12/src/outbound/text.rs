//! Words and numbers as they may stand in an element.

use crossdock_sdk::prelude::*;

use crate::settings::{Characters, Settings};

/// A text in the characters that the partner reads, cut to what the element holds. Letters that the partner does
/// not have become those they are spelled with (`ß` is `ss`).
pub(crate) fn text(raw: &str, characters: Characters, most: usize) -> String {
    let has = |one: char| match characters {
        Characters::Utf8 => true,
        Characters::Latin1 => u32::from(one) < 256,
        Characters::Ascii => one.is_ascii(),
    };
    let mut text = String::with_capacity(raw.len());
    for one in raw.trim().chars() {
        if one.is_control() {
            text.push(' ');
        } else if has(one) {
            text.push(one);
        } else {
            text.push_str(deunicode::deunicode_char(one).unwrap_or("?"));
        }
    }
    let end = text.char_indices().nth(most).map_or(text.len(), |(at, _)| at);
    text.truncate(end);
    text.trim().to_owned()
}

/// True for what is written to the letter, in so many characters: numbers that name something are not spelled in
/// another way, and have nothing that separates.
pub(crate) fn is_whole(number: &str, most: usize, settings: &Settings) -> bool {
    number.chars().count() <= most
        && text(number, settings.characters, most) == number
        && !number.chars().any(|one| settings.separators.has(one))
}

/// The bytes of an interchange that is written in these characters.
pub(crate) fn bytes(text: &str, characters: Characters) -> Vec<u8> {
    match characters {
        Characters::Utf8 | Characters::Ascii => text.as_bytes().to_vec(),
        Characters::Latin1 => text.chars().map(|one| u8::try_from(u32::from(one)).unwrap_or(b'?')).collect(),
    }
}

/// A number of type R: digits and a point, as few as say it.
///
/// # Errors
/// `number-too-long` when it has more digits than the element holds.
pub(crate) fn number(value: Decimal, most: usize, field: &str) -> Result<String, Problem> {
    let text = value.normalize().to_string();
    if text.bytes().filter(u8::is_ascii_digit).count() > most {
        let message = format!("the number {text} has more than the {most} digits that X12 holds there");
        return Err(Problem::new("number-too-long", message).at(field));
    }
    Ok(text)
}

/// An amount of type N2: two decimals that are not written.
///
/// # Errors
/// `amount-too-precise` when it has more than two decimals, `number-too-long` when it has more than 15 digits.
pub(crate) fn cents(amount: Decimal, field: &str) -> Result<String, Problem> {
    let cents = amount.checked_mul(Decimal::ONE_HUNDRED).unwrap_or(Decimal::MAX).normalize();
    if cents.scale() > 0 {
        let message = format!("the amount {amount} has more than the two decimals that X12 holds there");
        return Err(Problem::new("amount-too-precise", message).at(field));
    }
    number(cents, 15, field)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_that_the_partner_does_not_have_are_spelled() {
        assert_eq!(text(" Søren Weiß\n", Characters::Ascii, 60), "Soren Weiss");
        assert_eq!(text("Søren Łuk 李", Characters::Latin1, 60), "Søren Luk Li");
        assert_eq!(text("Łuk", Characters::Utf8, 2), "Łu");
        assert_eq!(bytes("é", Characters::Latin1), [0xE9]);
    }

    #[test]
    fn implied_decimals_are_exact_or_refused() {
        let amount = |text: &str| cents(money::decimal(text).unwrap(), "x");
        assert_eq!(amount("1.10").unwrap(), "110");
        assert_eq!(amount("-0.02").unwrap(), "-2");
        assert_eq!(amount("0.005").unwrap_err().code, "amount-too-precise");
        assert_eq!(amount("79228162514264337593543950").unwrap_err().code, "number-too-long");
        assert_eq!(number(money::decimal("2.500").unwrap(), 15, "x").unwrap(), "2.5");
    }
}
