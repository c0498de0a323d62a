//! Decodes the bytes of a file as text.

use std::borrow::Cow;

/// The text of a file: UTF-8, or Latin-1 when it is not valid UTF-8. A byte order mark is skipped.
#[must_use]
pub fn text(bytes: &[u8]) -> Cow<'_, str> {
    let bytes = bytes.strip_prefix(&[0xEF, 0xBB, 0xBF]).unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(bytes.iter().copied().map(char::from).collect()),
    }
}
