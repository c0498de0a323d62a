//! A response, and what its status means.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::Error;
use super::retry_after;
use super::transport::RawResponse;
use crate::connector::{Problem, Throttle};

/// The longest message taken from a response body, in characters.
const MAX_MESSAGE_CHARS: usize = 400;

/// The target's response, of any status.
#[derive(Debug)]
pub struct Response {
    pub(super) raw: RawResponse,
    /// The request in messages.
    pub(super) request: String,
    pub(super) is_write: bool,
}

impl Response {
    /// The status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.raw.status
    }

    /// The first header of this name, ignoring case. `None` when it is absent or not UTF-8.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.raw.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(value).ok()
    }

    /// The body's bytes.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.raw.body
    }

    /// Reads the body as JSON.
    ///
    /// # Errors
    /// When it is not the JSON expected. For a write this is [`Error::Unknown`]: the target has applied something, and
    /// the response does not say what.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(self.body()).map_err(|error| {
            let message = format!("the response to {} cannot be read: {error}", self.request);
            Error::without_response(Problem::new("answer-unreadable", message), self.is_write)
        })
    }

    /// The response if its status is 2xx.
    ///
    /// # Errors
    /// The error that another status means; see the table in [`http`](super).
    pub fn ok(self) -> Result<Self, Error> {
        let status = self.raw.status;
        Err(match status {
            200..=299 => return Ok(self),
            401 | 403 => Error::Unauthorized(self.problem("unauthorized")),
            404 | 410 => Error::NotFound(self.problem("not-found")),
            409 => Error::Conflict(self.problem("conflict")),
            429 => Error::Throttled(Throttle {
                after_ms: retry_after::milliseconds(self.header("retry-after"), self.header("date")),
                message: self.problem("throttled").message,
            }),
            503 => Error::Unavailable(self.problem("unavailable")),
            500.. => Error::without_response(self.problem("server-error"), self.is_write),
            _ => Error::Rejected(self.problem("rejected")),
        })
    }

    /// The problem that the body describes: code, message and field of its JSON where they have one of the usual
    /// names, else the beginning of its text. `code` is used when the body has none.
    #[must_use]
    pub fn problem(&self, code: &str) -> Problem {
        let error = ErrorBody::parse(self.body());
        let message = match error.message {
            Some(message) => message,
            None => format!("the response to {} has status {}", self.request, self.raw.status),
        };
        Problem {
            code: error.code.unwrap_or_else(|| code.to_owned()),
            message: message.chars().take(MAX_MESSAGE_CHARS).collect(),
            field: error.field,
        }
    }
}

/// The parts of an error response's body that could be recognized.
#[derive(Default)]
struct ErrorBody {
    code: Option<String>,
    message: Option<String>,
    field: Option<String>,
}

impl ErrorBody {
    fn parse(body: &[u8]) -> Self {
        let Ok(json) = serde_json::from_slice::<Value>(body) else {
            let text = String::from_utf8_lossy(body);
            let text = text.trim();
            // An HTML page is of no use to an operator.
            let plain = !text.is_empty() && !text.starts_with('<');
            return Self { message: plain.then(|| text.to_owned()), ..Self::default() };
        };
        // Both `{"error": {"code": …, "message": …}}` and the same without the wrapper are common.
        let inner = json.get("error").filter(|error| error.is_object()).unwrap_or(&json);
        let text = |names: &[&str]| {
            names
                .iter()
                .find_map(|name| inner.get(name)?.as_str())
                .filter(|text| !text.is_empty())
                .map(str::to_owned)
        };
        Self {
            code: text(&["code"]).map(|code| slug(&code)).filter(|code| !code.is_empty()),
            message: text(&["message", "detail", "error_description", "error", "title"]),
            field: text(&["field", "path", "target"]),
        }
    }
}

/// `Unknown_SKU` and `unknown sku` become `unknown-sku`: codes are lower-case words with hyphens.
fn slug(code: &str) -> String {
    let words = code.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-")
}
