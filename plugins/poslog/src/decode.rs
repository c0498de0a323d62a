//! Bytes that are text: UTF-8, UTF-16, and what Windows tills write.

use std::borrow::Cow;

use crossdock_sdk::prelude::*;

/// What Windows-1252 has from 0x80 on, where it differs from Latin-1. The five bytes that it leaves open stay
/// what they are in Latin-1.
const WINDOWS: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}',
    '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// The text. UTF-16 is known by its byte order mark; everything else is UTF-8 unless the declaration says
/// otherwise.
///
/// # Errors
/// `not-text` when the bytes are not what they should be, `encoding-unknown` for an encoding that is not read.
pub(crate) fn text(bytes: &[u8]) -> Result<Cow<'_, str>, Problem> {
    let wide = |bytes: &[u8], read: fn([u8; 2]) -> u16| {
        let units = bytes.chunks(2).map(|pair| match *pair {
            [first, second] => read([first, second]),
            // Half a unit is none: it makes the text unreadable, as it should.
            _ => 0xD800,
        });
        char::decode_utf16(units)
            .collect::<Result<String, _>>()
            .map(Cow::Owned)
            .map_err(|_| not_text("UTF-16"))
    };
    if let Some(rest) = bytes.strip_prefix(&[0xFF, 0xFE]) {
        return wide(rest, u16::from_le_bytes);
    }
    if let Some(rest) = bytes.strip_prefix(&[0xFE, 0xFF]) {
        return wide(rest, u16::from_be_bytes);
    }
    let bytes = bytes.strip_prefix(&[0xEF, 0xBB, 0xBF]).unwrap_or(bytes);
    match declared(bytes).as_deref() {
        None | Some("utf-8" | "utf8" | "us-ascii" | "ascii") => {
            std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|_| not_text("UTF-8"))
        }
        // Whoever says Latin-1 writes Windows-1252 as often, and its control characters never.
        Some("iso-8859-1" | "latin1" | "windows-1252" | "cp1252") => {
            Ok(Cow::Owned(bytes.iter().map(|byte| single(*byte)).collect()))
        }
        Some(other) => {
            let message = format!("the file is in the encoding `{}`, which is not read", brief(other));
            Err(Problem::new("encoding-unknown", message))
        }
    }
}

fn single(byte: u8) -> char {
    byte.checked_sub(0x80).and_then(|at| WINDOWS.get(usize::from(at)).copied()).unwrap_or(char::from(byte))
}

fn not_text(encoding: &str) -> Problem {
    Problem::new("not-text", format!("the file is no {encoding} text"))
}

/// What the XML declaration says about the encoding, in lower case.
fn declared(bytes: &[u8]) -> Option<String> {
    let head = bytes.get(..bytes.len().min(200))?;
    let end = head.iter().position(|byte| *byte == b'>')?;
    let head = std::str::from_utf8(head.get(..end)?).ok()?.strip_prefix("<?xml")?;
    let (_, value) = head.split_once("encoding")?;
    let value = value.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|letter| matches!(letter, '"' | '\''))?;
    let value = value.strip_prefix(quote)?;
    value.split_once(quote).map(|(name, _)| name.to_ascii_lowercase())
}

fn brief(text: &str) -> String {
    text.chars().take(40).collect()
}
