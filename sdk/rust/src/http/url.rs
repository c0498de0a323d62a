//! Percent-encoding of paths and queries.

/// Appends a name and a value to the URL's query, both escaped.
pub(crate) fn push_query(url: &mut String, name: &str, value: &str) {
    url.push(if url.contains('?') { '&' } else { '?' });
    push_escaped(url, name);
    url.push('=');
    push_escaped(url, value);
}

/// Appends text with every character escaped that has a meaning in a URL or is not ASCII.
pub(crate) fn push_escaped(url: &mut String, text: &str) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            url.push(char::from(byte));
        } else {
            let digit = |nibble: u8| HEX.get(usize::from(nibble)).copied().map_or('0', char::from);
            url.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
}
