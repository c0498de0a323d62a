//! Texts with places for secrets and for what a login answered.
//!
//! `{secret:NAME}` is a secret of the connector, `{/result/0}` a value in the JSON of the login's answer
//! (RFC 6901), `{header:NAME}` a header and `{cookie:NAME}` a cookie of it, `{base64:…}` the base64 of a text
//! that may have such places itself. `{{` and `}}` stand for braces.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::header::{HeaderMap, HeaderName};
use serde_json::Value;
use zeroize::Zeroizing;

use super::cookies::Jar;
use crate::secret::Secrets;

/// A text with places.
#[derive(Clone, Debug)]
pub(super) struct Template(Vec<Piece>);

#[derive(Clone, Debug)]
enum Piece {
    Text(String),
    Secret(String),
    Pointer(String),
    Header(HeaderName),
    Cookie(String),
    Base64(Template),
}

/// What an answer offers to a template.
pub(super) struct Answer<'a> {
    pub(super) headers: &'a HeaderMap,
    /// Absent when the body is no JSON.
    pub(super) json: Option<&'a Value>,
    pub(super) cookies: &'a Jar,
}

impl Template {
    /// Reads a text. What is wrong is said without the text: it may be a secret written as itself.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut rest = text;
        let template = Self::pieces(&mut rest, false)?;
        Ok(template)
    }

    fn pieces(rest: &mut &str, nested: bool) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let unclosed = || "a `{` is not closed; a brace itself is written `{{`".to_owned();
        loop {
            let mut letters = rest.chars();
            let Some(letter) = letters.next() else {
                if nested {
                    return Err(unclosed());
                }
                break;
            };
            let after = letters.as_str();
            let twice = after.starts_with(letter);
            match letter {
                '{' if twice => {
                    plain.push('{');
                    *rest = after.get(1..).unwrap_or_default();
                }
                // In a place a brace closes it, even before another one.
                '}' if nested => {
                    *rest = after;
                    break;
                }
                '}' if twice => {
                    plain.push('}');
                    *rest = after.get(1..).unwrap_or_default();
                }
                '}' => return Err("a `}` closes nothing; a brace itself is written `}}`".to_owned()),
                '{' => {
                    if !plain.is_empty() {
                        pieces.push(Piece::Text(std::mem::take(&mut plain)));
                    }
                    if let Some(inner) = after.strip_prefix("base64:") {
                        *rest = inner;
                        pieces.push(Piece::Base64(Self::pieces(rest, true)?));
                    } else {
                        let (place, beyond) = after.split_once('}').ok_or_else(unclosed)?;
                        *rest = beyond;
                        pieces.push(Piece::parse(place)?);
                    }
                }
                other => {
                    plain.push(other);
                    *rest = after;
                }
            }
        }
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        Ok(Self(pieces))
    }

    /// The names of the secrets it wants.
    pub(super) fn secrets(&self) -> Vec<&str> {
        self.0
            .iter()
            .flat_map(|piece| match piece {
                Piece::Secret(name) => vec![name.as_str()],
                Piece::Base64(inner) => inner.secrets(),
                _ => Vec::new(),
            })
            .collect()
    }

    /// True when it cannot be written before there is an answer.
    pub(super) fn wants_answer(&self) -> bool {
        self.0.iter().any(|piece| match piece {
            Piece::Text(_) | Piece::Secret(_) => false,
            Piece::Pointer(_) | Piece::Header(_) | Piece::Cookie(_) => true,
            Piece::Base64(inner) => inner.wants_answer(),
        })
    }

    /// The text with everything in its place. What was taken from the answer is added to `taken`.
    pub(super) fn write(
        &self,
        secrets: &Secrets,
        answer: Option<&Answer<'_>>,
        taken: &mut Vec<Zeroizing<String>>,
    ) -> Result<Zeroizing<String>, String> {
        let mut text = Zeroizing::new(String::new());
        for piece in &self.0 {
            match piece {
                Piece::Text(plain) => text.push_str(plain),
                Piece::Secret(name) => {
                    let secret = secrets.get(name).ok_or_else(|| format!("there is no secret `{name}`"))?;
                    text.push_str(secret.expose());
                }
                Piece::Base64(inner) => {
                    let inner = inner.write(secrets, answer, taken)?;
                    text.push_str(&Zeroizing::new(STANDARD.encode(inner.as_bytes())));
                }
                Piece::Pointer(_) | Piece::Header(_) | Piece::Cookie(_) => {
                    let found = answer.and_then(|answer| piece.find(answer));
                    let found = found.ok_or_else(|| format!("the answer has no {}", piece.describe()))?;
                    text.push_str(&found);
                    taken.push(found);
                }
            }
        }
        Ok(text)
    }
}

impl Piece {
    fn parse(place: &str) -> Result<Self, String> {
        let wrong = || {
            "a place is none of `{secret:NAME}`, `{/json/pointer}`, `{header:NAME}`, `{cookie:NAME}` and \
             `{base64:…}`"
                .to_owned()
        };
        if place.starts_with('/') {
            return Ok(Self::Pointer(place.to_owned()));
        }
        match place.split_once(':') {
            Some(("secret", name)) if !name.is_empty() => Ok(Self::Secret(name.to_owned())),
            Some(("cookie", name)) if !name.is_empty() => Ok(Self::Cookie(name.to_owned())),
            Some(("header", name)) => name.parse().map(Self::Header).map_err(|_| wrong()),
            _ => Err(wrong()),
        }
    }

    fn find(&self, answer: &Answer<'_>) -> Option<Zeroizing<String>> {
        let text = match self {
            Self::Text(_) | Self::Secret(_) | Self::Base64(_) => return None,
            Self::Pointer(pointer) => match answer.json?.pointer(pointer)? {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                _ => return None,
            },
            Self::Header(name) => answer.headers.get(name)?.to_str().ok()?.to_owned(),
            Self::Cookie(name) => answer.cookies.get(name)?.expose().to_owned(),
        };
        (!text.is_empty()).then(|| Zeroizing::new(text))
    }

    fn describe(&self) -> String {
        match self {
            Self::Pointer(pointer) => format!("text or number at `{pointer}`"),
            Self::Header(name) => format!("header `{name}`"),
            Self::Cookie(name) => format!("cookie `{name}`"),
            Self::Text(_) | Self::Secret(_) | Self::Base64(_) => "such place".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(text: &str) -> Result<String, String> {
        let mut headers = HeaderMap::new();
        headers.insert("x-token", "from-header".parse().unwrap());
        let json = serde_json::json!({ "result": [7, "abc"], "d": { "none": null } });
        let jar = Jar::default();
        let answer = Answer { headers: &headers, json: Some(&json), cookies: &jar };
        let template = Template::parse(text)?;
        template.write(&Secrets::default(), Some(&answer), &mut Vec::new()).map(|text| text.to_string())
    }

    #[test]
    fn places_are_filled() {
        assert_eq!(write("plain").unwrap(), "plain");
        assert_eq!(write("a {{b}} {/result/1}{header:X-Token}").unwrap(), "a {b} abcfrom-header");
        let session = STANDARD.encode("admin:7:abc");
        assert_eq!(
            write("Session {base64:admin:{/result/0}:{/result/1}}").unwrap(),
            format!("Session {session}")
        );
        assert_eq!(write("{base64:x}}}").unwrap(), format!("{}}}", STANDARD.encode("x")));
    }

    #[test]
    fn what_is_not_there_is_said() {
        for (text, said) in [
            ("{/result/2}", "at `/result/2`"),
            ("{/d/none}", "at `/d/none`"),
            ("{header:x-other}", "header `x-other`"),
            ("{cookie:sid}", "cookie `sid`"),
            ("{secret:token}", "secret `token`"),
        ] {
            assert!(write(text).unwrap_err().contains(said), "{text}");
        }
    }

    #[test]
    fn what_is_malformed_is_said_without_the_text() {
        for text in ["{hunter2", "hunter2}", "{hunter2}", "{secret:}", "{base64:{/a}", "{header:a b}"] {
            let said = Template::parse(text).unwrap_err();
            assert!(said.contains('`') && !said.contains("hunter2"), "{text}: {said}");
        }
    }
}
