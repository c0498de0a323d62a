//! An answer, and what its status means.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::lost;
use super::{Answer, Error, retry_after};
use crate::connector::{Problem, Throttle};

/// The longest message that is taken over from a target, in characters.
const MAX_MESSAGE: usize = 400;

/// What the target answered.
#[derive(Debug)]
pub struct Response {
    pub(super) answer: Answer,
    pub(super) request: String,
    pub(super) writes: bool,
}

impl Response {
    /// The status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.answer.status
    }

    /// The first header of this name, whatever its case. `None` as well when it is no text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.answer.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(value).ok()
    }

    /// The body's bytes.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.answer.body
    }

    /// Reads the body as JSON.
    ///
    /// # Errors
    /// When it is something else. After a request that changes something this is [`Error::Unknown`]: the target
    /// has done something, and what is not known.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(self.body()).map_err(|error| {
            let message = format!("the answer to {} cannot be read: {error}", self.request);
            lost(Problem::new("answer-unreadable", message), self.writes)
        })
    }

    /// The answer if its status is 2xx.
    ///
    /// # Errors
    /// What another status means; see the table in [`http`](super).
    pub fn ok(self) -> Result<Self, Error> {
        let status = self.answer.status;
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
            500.. => lost(self.problem("server-error"), self.writes),
            _ => Error::Rejected(self.problem("rejected")),
        })
    }

    /// What the target says is wrong: the code, message and field of its JSON, where it has them under one of
    /// their usual names, else the beginning of its text.
    #[must_use]
    pub fn problem(&self, code: &str) -> Problem {
        let said = Said::read(self.body());
        let message = match said.message {
            Some(message) => message,
            None => format!("{} was answered with status {}", self.request, self.answer.status),
        };
        Problem {
            code: said.code.unwrap_or_else(|| code.to_owned()),
            message: message.chars().take(MAX_MESSAGE).collect(),
            field: said.field,
        }
    }
}

/// What could be made out of the body of a refusal.
#[derive(Default)]
struct Said {
    code: Option<String>,
    message: Option<String>,
    field: Option<String>,
}

impl Said {
    fn read(body: &[u8]) -> Self {
        let Ok(json) = serde_json::from_slice::<Value>(body) else {
            let text = String::from_utf8_lossy(body);
            let text = text.trim();
            // A page for a browser says nothing to an operator.
            let plain = !text.is_empty() && !text.starts_with('<');
            return Self { message: plain.then(|| text.to_owned()), ..Self::default() };
        };
        // `{"error": {"code": …, "message": …}}` is as usual as the same without the wrapper.
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
