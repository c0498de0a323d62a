//! Texts with placeholders for secrets and for parts of a response.
//!
//! `{secret:NAME}` is a secret of the connector, `{/result/0}` a value in the JSON of the response (RFC 6901),
//! `{header:NAME}` a header and `{cookie:NAME}` a cookie of it, `{base64:…}` the base64 of a text that may have
//! placeholders itself. `{{` and `}}` stand for braces.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::header::{HeaderMap, HeaderName};
use serde_json::Value;
use zeroize::Zeroizing;

use super::cookies::CookieJar;
use crate::secret::Secret;
use crate::secrets::Secrets;

/// A text with placeholders.
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

/// The parts of a response that placeholders refer to.
pub(super) struct ResponseParts<'a> {
    pub(super) headers: &'a HeaderMap,
    /// Absent when the body is not JSON.
    pub(super) json: Option<&'a Value>,
    pub(super) cookies: &'a CookieJar,
}

impl Template {
    /// Parses a text. Errors do not repeat the text: it may be a secret in plain text.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut rest = text;
        Self::pieces(&mut rest, false)
    }

    /// Parses to the end of the text, or to the brace that closes the placeholder it is nested in.
    fn pieces(rest: &mut &str, nested: bool) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let unclosed = || "a `{` is not closed; write `{{` for a brace".to_owned();
        loop {
            let mut chars = rest.chars();
            let Some(char) = chars.next() else {
                if nested {
                    return Err(unclosed());
                }
                break;
            };
            let after = chars.as_str();
            let doubled = after.starts_with(char);
            match char {
                '{' if doubled => {
                    plain.push('{');
                    *rest = after.get(1..).unwrap_or_default();
                }
                // Within a placeholder a brace closes it, even before another brace.
                '}' if nested => {
                    *rest = after;
                    break;
                }
                '}' if doubled => {
                    plain.push('}');
                    *rest = after.get(1..).unwrap_or_default();
                }
                '}' => return Err("a `}` closes no placeholder; write `}}` for a brace".to_owned()),
                '{' => {
                    if !plain.is_empty() {
                        pieces.push(Piece::Text(std::mem::take(&mut plain)));
                    }
                    if let Some(inner) = after.strip_prefix("base64:") {
                        *rest = inner;
                        pieces.push(Piece::Base64(Self::pieces(rest, true)?));
                    } else {
                        let (placeholder, beyond) = after.split_once('}').ok_or_else(unclosed)?;
                        *rest = beyond;
                        pieces.push(Piece::parse(placeholder)?);
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

    /// The names of the secrets it uses.
    pub(super) fn secret_names(&self) -> Vec<&str> {
        self.0
            .iter()
            .flat_map(|piece| match piece {
                Piece::Secret(name) => vec![name.as_str()],
                Piece::Base64(inner) => inner.secret_names(),
                _ => Vec::new(),
            })
            .collect()
    }

    /// True when it has placeholders for parts of a response.
    pub(super) fn needs_response(&self) -> bool {
        self.0.iter().any(|piece| match piece {
            Piece::Text(_) | Piece::Secret(_) => false,
            Piece::Pointer(_) | Piece::Header(_) | Piece::Cookie(_) => true,
            Piece::Base64(inner) => inner.needs_response(),
        })
    }

    /// The text with its placeholders filled. Values taken from the response are added to `from_response`.
    pub(super) fn fill(
        &self,
        secrets: &Secrets,
        response: Option<&ResponseParts<'_>>,
        from_response: &mut Vec<Secret>,
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
                    let inner = inner.fill(secrets, response, from_response)?;
                    text.push_str(&Zeroizing::new(STANDARD.encode(inner.as_bytes())));
                }
                Piece::Pointer(_) | Piece::Header(_) | Piece::Cookie(_) => {
                    let value = response.and_then(|response| piece.find(response));
                    let value = value.ok_or_else(|| format!("the response has no {}", piece.describe()))?;
                    text.push_str(value.expose());
                    from_response.push(value);
                }
            }
        }
        Ok(text)
    }
}

impl Piece {
    fn parse(placeholder: &str) -> Result<Self, String> {
        let unknown = || {
            "unknown placeholder; write `{secret:NAME}`, `{/json/pointer}`, `{header:NAME}`, `{cookie:NAME}` or \
             `{base64:…}`"
                .to_owned()
        };
        if placeholder.starts_with('/') {
            return Ok(Self::Pointer(placeholder.to_owned()));
        }
        match placeholder.split_once(':') {
            Some(("secret", name)) if !name.is_empty() => Ok(Self::Secret(name.to_owned())),
            Some(("cookie", name)) if !name.is_empty() => Ok(Self::Cookie(name.to_owned())),
            Some(("header", name)) => name.parse().map(Self::Header).map_err(|_| unknown()),
            _ => Err(unknown()),
        }
    }

    fn find(&self, response: &ResponseParts<'_>) -> Option<Secret> {
        let text = match self {
            Self::Text(_) | Self::Secret(_) | Self::Base64(_) => return None,
            Self::Pointer(pointer) => match response.json?.pointer(pointer)? {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                _ => return None,
            },
            Self::Header(name) => response.headers.get(name)?.to_str().ok()?.to_owned(),
            Self::Cookie(name) => response.cookies.get(name)?.expose().to_owned(),
        };
        (!text.is_empty()).then(|| Secret::new(text))
    }

    fn describe(&self) -> String {
        match self {
            Self::Pointer(pointer) => format!("text or number at `{pointer}`"),
            Self::Header(name) => format!("header `{name}`"),
            Self::Cookie(name) => format!("cookie `{name}`"),
            Self::Text(_) | Self::Secret(_) | Self::Base64(_) => "such placeholder".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(text: &str) -> Result<String, String> {
        let mut headers = HeaderMap::new();
        headers.insert("x-token", "from-header".parse().unwrap());
        let json = serde_json::json!({ "result": [7, "abc"], "d": { "none": null } });
        let jar = CookieJar::default();
        let response = ResponseParts { headers: &headers, json: Some(&json), cookies: &jar };
        let template = Template::parse(text)?;
        template.fill(&Secrets::default(), Some(&response), &mut Vec::new()).map(|text| text.to_string())
    }

    #[test]
    fn placeholders_are_filled() {
        assert_eq!(fill("plain").unwrap(), "plain");
        assert_eq!(fill("a {{b}} {/result/1}{header:X-Token}").unwrap(), "a {b} abcfrom-header");
        let session = STANDARD.encode("admin:7:abc");
        assert_eq!(
            fill("Session {base64:admin:{/result/0}:{/result/1}}").unwrap(),
            format!("Session {session}")
        );
        assert_eq!(fill("{base64:x}}}").unwrap(), format!("{}}}", STANDARD.encode("x")));
    }

    #[test]
    fn a_missing_value_is_named() {
        for (text, expected) in [
            ("{/result/2}", "at `/result/2`"),
            ("{/d/none}", "at `/d/none`"),
            ("{header:x-other}", "header `x-other`"),
            ("{cookie:sid}", "cookie `sid`"),
            ("{secret:token}", "secret `token`"),
        ] {
            assert!(fill(text).unwrap_err().contains(expected), "{text}");
        }
    }

    #[test]
    fn a_malformed_text_is_not_repeated_in_the_error() {
        for text in ["{hunter2", "hunter2}", "{hunter2}", "{secret:}", "{base64:{/a}", "{header:a b}"] {
            let error = Template::parse(text).unwrap_err();
            assert!(error.contains('`') && !error.contains("hunter2"), "{text}: {error}");
        }
    }
}
