//! Ways in which a text can be written, undone to look for what it says.

use std::ops::Range;

/// A way of writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Writing {
    /// JSON: `\/`, `\n`, `\u0026`.
    Json,
    /// Addresses: `%2F`.
    Percent,
    /// Forms: the same, and `+` for a space.
    Form,
    /// HTML and XML: `&amp;`, `&#39;`, `&#x27;`.
    Html,
}

/// What a few bytes stand for, and how many they are.
struct Sign {
    written: usize,
    bytes: [u8; 4],
    length: usize,
}

impl Sign {
    fn byte(written: usize, byte: u8) -> Self {
        Self { written, bytes: [byte, 0, 0, 0], length: 1 }
    }

    fn letter(written: usize, letter: char) -> Self {
        let mut bytes = [0; 4];
        let length = letter.encode_utf8(&mut bytes).len();
        Self { written, bytes, length }
    }
}

impl Writing {
    pub(super) const ALL: [Self; 4] = [Self::Json, Self::Percent, Self::Form, Self::Html];

    /// True when something in the text is written in this way.
    pub(super) fn occurs(self, data: &[u8]) -> bool {
        let mark = match self {
            Self::Json => b'\\',
            Self::Percent => b'%',
            Self::Form => b'+',
            Self::Html => b'&',
        };
        memchr::memchr(mark, data).is_some()
    }

    /// What the text says.
    pub(super) fn read(self, data: &[u8]) -> Vec<u8> {
        let mut said = Vec::with_capacity(data.len());
        for (_, sign) in self.signs(data) {
            said.extend(sign.bytes.iter().take(sign.length));
        }
        said
    }

    /// Where in the text that stands which is marked in what it says.
    pub(super) fn places<'a>(
        self,
        data: &'a [u8],
        marked: &'a [bool],
    ) -> impl Iterator<Item = Range<usize>> + 'a {
        let mut said = 0;
        self.signs(data).filter_map(move |(at, sign)| {
            let mine = marked.get(said..said + sign.length).unwrap_or_default();
            said += sign.length;
            mine.contains(&true).then_some(at..at + sign.written)
        })
    }

    fn signs(self, data: &[u8]) -> impl Iterator<Item = (usize, Sign)> + '_ {
        let mut at = 0;
        std::iter::from_fn(move || {
            let rest = data.get(at..)?;
            let first = *rest.first()?;
            let sign = self.sign(first, rest).unwrap_or_else(|| Sign::byte(1, first));
            let place = at;
            at += sign.written;
            Some((place, sign))
        })
    }

    /// What the text begins with, where that is not what it looks like.
    fn sign(self, first: u8, rest: &[u8]) -> Option<Sign> {
        match (self, first) {
            (Self::Json, b'\\') => json(rest),
            (Self::Percent | Self::Form, b'%') => {
                let byte = hexadecimal(rest.get(1..3)?)?;
                Some(Sign::byte(3, u8::try_from(byte).ok()?))
            }
            (Self::Form, b'+') => Some(Sign::byte(1, b' ')),
            (Self::Html, b'&') => html(rest),
            _ => None,
        }
    }
}

fn json(rest: &[u8]) -> Option<Sign> {
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
    Some(Sign::byte(2, byte))
}

/// `\u002B`, or two of them for one letter.
fn unicode(rest: &[u8]) -> Option<Sign> {
    let unit = hexadecimal(rest.get(2..6)?)?;
    if let Some(letter) = char::from_u32(unit) {
        return Some(Sign::letter(6, letter));
    }
    let low = rest.get(6..12)?.strip_prefix(b"\\u")?;
    let units = [u16::try_from(unit).ok()?, u16::try_from(hexadecimal(low)?).ok()?];
    let letter = char::decode_utf16(units).next()?.ok()?;
    Some(Sign::letter(12, letter))
}

fn html(rest: &[u8]) -> Option<Sign> {
    // The longest that is looked for: `&#x0010FFFF;`.
    let end = rest.iter().take(12).position(|byte| *byte == b';')?;
    let name = std::str::from_utf8(rest.get(1..end)?).ok()?.to_ascii_lowercase();
    let letter = match name.as_str() {
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
    Some(Sign::letter(end + 1, letter))
}

/// Digits and nothing else, in either case.
fn hexadecimal(digits: &[u8]) -> Option<u32> {
    let digits = std::str::from_utf8(digits).ok()?;
    let plain = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    plain.then(|| u32::from_str_radix(digits, 16).ok()).flatten()
}
