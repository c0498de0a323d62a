//! Decodes the bytes of a file: UTF-8, UTF-16, Latin-1 and Windows-1252.

use std::borrow::Cow;

use crossdock_sdk::prelude::*;

/// Windows-1252 from 0x80 to 0x9F, where it differs from Latin-1. Its five undefined bytes are taken as Latin-1.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}',
    '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// The text. UTF-16 is detected by its byte order mark; anything else is UTF-8 unless the XML declaration names another
/// encoding.
///
/// # Errors
/// `not-text` when the bytes are invalid in their encoding, `encoding-unknown` for an unsupported encoding.
pub(crate) fn text(bytes: &[u8]) -> Result<Cow<'_, str>, Problem> {
    let utf16 = |bytes: &[u8], to_unit: fn([u8; 2]) -> u16| {
        let units = bytes.chunks(2).map(|pair| match *pair {
            [first, second] => to_unit([first, second]),
            // An odd trailing byte: an unpaired surrogate makes decoding fail.
            _ => 0xD800,
        });
        char::decode_utf16(units)
            .collect::<Result<String, _>>()
            .map(Cow::Owned)
            .map_err(|_| not_text("UTF-16"))
    };
    if let Some(rest) = bytes.strip_prefix(&[0xFF, 0xFE]) {
        return utf16(rest, u16::from_le_bytes);
    }
    if let Some(rest) = bytes.strip_prefix(&[0xFE, 0xFF]) {
        return utf16(rest, u16::from_be_bytes);
    }
    let bytes = bytes.strip_prefix(&[0xEF, 0xBB, 0xBF]).unwrap_or(bytes);
    match declared_encoding(bytes).as_deref() {
        None | Some("utf-8" | "utf8" | "us-ascii" | "ascii") => {
            std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|_| not_text("UTF-8"))
        }
        // Files declared as Latin-1 are often Windows-1252, and never contain Latin-1's control characters.
        Some("iso-8859-1" | "latin1" | "windows-1252" | "cp1252") => {
            Ok(Cow::Owned(bytes.iter().map(|byte| windows_1252_char(*byte)).collect()))
        }
        Some(other) => {
            let message = format!("the encoding `{}` is not supported", truncate(other));
            Err(Problem::new("encoding-unknown", message))
        }
    }
}

fn windows_1252_char(byte: u8) -> char {
    byte.checked_sub(0x80)
        .and_then(|at| WINDOWS_1252.get(usize::from(at)).copied())
        .unwrap_or(char::from(byte))
}

fn not_text(encoding: &str) -> Problem {
    Problem::new("not-text", format!("the file is not valid {encoding}"))
}

/// The encoding in the XML declaration, in lower case.
fn declared_encoding(bytes: &[u8]) -> Option<String> {
    let head = bytes.get(..bytes.len().min(200))?;
    let end = head.iter().position(|byte| *byte == b'>')?;
    let head = std::str::from_utf8(head.get(..end)?).ok()?.strip_prefix("<?xml")?;
    let (_, value) = head.split_once("encoding")?;
    let value = value.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|letter| matches!(letter, '"' | '\''))?;
    let value = value.strip_prefix(quote)?;
    value.split_once(quote).map(|(name, _)| name.to_ascii_lowercase())
}

fn truncate(text: &str) -> String {
    text.chars().take(40).collect()
}
