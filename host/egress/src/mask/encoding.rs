//! Text encodings that are decoded to search for a secret, with the way back from decoded to encoded bytes.

use std::ops::Range;

/// A text encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// JSON escapes: `\/`, `\n`, `\u0026`.
    Json,
    /// Percent encoding: `%2F`.
    Percent,
    /// Form encoding: percent encoding, and `+` for a space.
    Form,
    /// HTML and XML entities: `&amp;`, `&#39;`, `&#x27;`.
    Html,
}

/// One decoded character or byte, and how many bytes encode it.
struct Symbol {
    encoded_length: usize,
    bytes: [u8; 4],
    length: usize,
}

impl Symbol {
    fn byte(encoded_length: usize, byte: u8) -> Self {
        Self { encoded_length, bytes: [byte, 0, 0, 0], length: 1 }
    }

    fn char(encoded_length: usize, char: char) -> Self {
        let mut bytes = [0; 4];
        let length = char.encode_utf8(&mut bytes).len();
        Self { encoded_length, bytes, length }
    }
}

impl Encoding {
    pub(super) const ALL: [Self; 4] = [Self::Json, Self::Percent, Self::Form, Self::Html];

    /// True when the data has an escape character of this encoding.
    pub(super) fn occurs_in(self, data: &[u8]) -> bool {
        let escape = match self {
            Self::Json => b'\\',
            Self::Percent => b'%',
            Self::Form => b'+',
            Self::Html => b'&',
        };
        memchr::memchr(escape, data).is_some()
    }

    /// The decoded data. Malformed escapes stay as they are.
    pub(super) fn decode(self, data: &[u8]) -> Vec<u8> {
        let mut decoded = Vec::with_capacity(data.len());
        for (_, symbol) in self.symbols(data) {
            decoded.extend(symbol.bytes.iter().take(symbol.length));
        }
        decoded
    }

    /// The ranges of the data that decode to the selected bytes.
    pub(super) fn encoded_ranges<'a>(
        self,
        data: &'a [u8],
        selected: &'a [bool],
    ) -> impl Iterator<Item = Range<usize>> + 'a {
        let mut decoded = 0;
        self.symbols(data).filter_map(move |(at, symbol)| {
            let own = selected.get(decoded..decoded + symbol.length).unwrap_or_default();
            decoded += symbol.length;
            own.contains(&true).then_some(at..at + symbol.encoded_length)
        })
    }

    fn symbols(self, data: &[u8]) -> impl Iterator<Item = (usize, Symbol)> + '_ {
        let mut next = 0;
        std::iter::from_fn(move || {
            let rest = data.get(next..)?;
            let first = *rest.first()?;
            let symbol = self.escape(first, rest).unwrap_or_else(|| Symbol::byte(1, first));
            let at = next;
            next += symbol.encoded_length;
            Some((at, symbol))
        })
    }

    /// The escape sequence that the text begins with, if it begins with one.
    fn escape(self, first: u8, rest: &[u8]) -> Option<Symbol> {
        match (self, first) {
            (Self::Json, b'\\') => json(rest),
            (Self::Percent | Self::Form, b'%') => {
                let byte = hexadecimal(rest.get(1..3)?)?;
                Some(Symbol::byte(3, u8::try_from(byte).ok()?))
            }
            (Self::Form, b'+') => Some(Symbol::byte(1, b' ')),
            (Self::Html, b'&') => html(rest),
            _ => None,
        }
    }
}

fn json(rest: &[u8]) -> Option<Symbol> {
    let byte = match rest.get(1)? {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 8,
        b'f' => 12,
        b'u' => return unicode(rest),
        other @ (b'"' | b'\'' | b'\\' | b'/') => *other,
        _ => return None,
    };
    Some(Symbol::byte(2, byte))
}

/// `\u002B`, or a surrogate pair.
fn unicode(rest: &[u8]) -> Option<Symbol> {
    let unit = hexadecimal(rest.get(2..6)?)?;
    if let Some(char) = char::from_u32(unit) {
        return Some(Symbol::char(6, char));
    }
    let low = rest.get(6..12)?.strip_prefix(b"\\u")?;
    let units = [u16::try_from(unit).ok()?, u16::try_from(hexadecimal(low)?).ok()?];
    let char = char::decode_utf16(units).next()?.ok()?;
    Some(Symbol::char(12, char))
}

fn html(rest: &[u8]) -> Option<Symbol> {
    // `&#x0010FFFF;` is the longest entity that is decoded.
    let end = rest.iter().take(12).position(|byte| *byte == b';')?;
    let name = std::str::from_utf8(rest.get(1..end)?).ok()?.to_ascii_lowercase();
    let char = match name.as_str() {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "plus" => '+',
        "sol" => '/',
        "equals" => '=',
        number => {
            let number = number.strip_prefix('#')?;
            let code = match number.strip_prefix('x') {
                Some(digits) => hexadecimal(digits.as_bytes())?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)?
        }
    };
    Some(Symbol::char(end + 1, char))
}

/// Hexadecimal digits in either case, and nothing else.
fn hexadecimal(digits: &[u8]) -> Option<u32> {
    let digits = std::str::from_utf8(digits).ok()?;
    let plain = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    plain.then(|| u32::from_str_radix(digits, 16).ok()).flatten()
}
