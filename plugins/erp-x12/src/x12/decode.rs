//! Bytes that are text.

use std::borrow::Cow;

/// The text of a file: UTF-8, and Latin-1 where it is none, which is what senders mean who write neither.
/// A byte order mark does not count.
#[must_use]
pub fn text(bytes: &[u8]) -> Cow<'_, str> {
    let bytes = bytes.strip_prefix(&[0xEF, 0xBB, 0xBF]).unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(bytes.iter().copied().map(char::from).collect()),
    }
}
