//! A blocking HTTP client that knows which answer means which outcome.
//!
//! The host makes the connection: only to the connector's hosts, with the connector's credentials added, and at
//! most so many requests and bytes a call. The connector's rate counts deliveries, not requests. What the plugin has to get right is what an answer, or none, says about the work:
//!
//! | what came back | [`Error`] | as an outcome |
//! |---|---|---|
//! | 2xx | none | |
//! | 400, 422, other 4xx, 3xx | `Rejected`, with the target's own code, message and field | rejected |
//! | 401, 403, or the host does not allow the address | `Unauthorized` | unauthorized |
//! | 404, 410 | `NotFound` | rejected, unless the plugin knows better |
//! | 409 | `Conflict` | rejected, unless the plugin knows better |
//! | 429 | `Throttled`, with `Retry-After` in seconds or as a date | throttled |
//! | 503, no address, connection refused | `Unavailable`: nothing was done | unavailable |
//! | the call has used up its requests or bytes | `Unavailable`, code `over-budget`: nothing was done | unavailable |
//! | other 5xx, connection lost, unreadable answer: to a question | `Unavailable` | unavailable |
//! | the same to a request that changes something | `Unknown` | unknown: the host asks with `find` |
//!
//! A request changes something unless its method is `GET`, `HEAD` or `OPTIONS`, or [`Request::reads`] says that
//! it asks only.
//!
//! ```
//! # use crossdock_sdk::{http, testing};
//! # let _host = testing::Host::new()
//! #     .expect(testing::get("/orders").query("reference", "a b").answer(200, serde_json::json!({ "orders": [] })))
//! #     .expect(testing::put("/orders/SO%2F1").answer(503, serde_json::json!({})))
//! #     .install();
//! let erp = http::Client::new("https://erp.test/");
//! let found: serde_json::Value = erp.get("/orders").query("reference", "a b").call()?;
//! assert_eq!(found["orders"].as_array().unwrap().len(), 0);
//! // A path in pieces is escaped piece by piece.
//! let error = erp.put(["orders", "SO/1"]).json(&found).send()?.ok().unwrap_err();
//! assert!(matches!(error, http::Error::Unavailable(_)));
//! # Ok::<(), http::Error>(())
//! ```

mod error;
mod response;
mod retry_after;
#[cfg(target_arch = "wasm32")]
mod wire;

use std::borrow::Cow;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use error::Error;
pub use response::Response;

use crate::config;
use crate::connector::Problem;
#[cfg(not(target_arch = "wasm32"))]
use crate::testing::host as wire;

/// The most bytes of an answer that are read, unless the request says otherwise.
pub const MAX_ANSWER: usize = 4 << 20;

/// The request's method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Method {
    Get,
    Head,
    Options,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    /// The method as it is sent (`GET`).
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Options => "OPTIONS",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// One target: its base address, and the headers that every request to it carries.
#[derive(Clone, Debug)]
pub struct Client {
    base: String,
    headers: Vec<(String, String)>,
}

impl Client {
    /// A target at this address (`https://erp.example.com/api`); a slash at its end does not matter.
    pub fn new(base: impl Into<String>) -> Self {
        let base: String = base.into();
        Self { base: base.trim_end_matches('/').to_owned(), headers: Vec::new() }
    }

    /// A target at the address that the operator wrote into this setting.
    ///
    /// # Errors
    /// When the setting is missing or no text.
    pub fn from_setting(name: &str) -> Result<Self, Problem> {
        config::get::<String>(name).map(Self::new)
    }

    /// Adds a header to every request. Credentials do not belong here: the host adds them.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// `GET`: asks.
    pub fn get(&self, path: impl Path) -> Request {
        self.request(Method::Get, path)
    }

    /// `POST`: makes something, as a rule.
    pub fn post(&self, path: impl Path) -> Request {
        self.request(Method::Post, path)
    }

    /// `PUT`: replaces something.
    pub fn put(&self, path: impl Path) -> Request {
        self.request(Method::Put, path)
    }

    /// `PATCH`: changes something.
    pub fn patch(&self, path: impl Path) -> Request {
        self.request(Method::Patch, path)
    }

    /// `DELETE`: removes something.
    pub fn delete(&self, path: impl Path) -> Request {
        self.request(Method::Delete, path)
    }

    /// A request by any method.
    pub fn request(&self, method: Method, path: impl Path) -> Request {
        let path = path.path();
        Request {
            writes: !matches!(method, Method::Get | Method::Head | Method::Options),
            name: format!("{} {path}", method.name()),
            method,
            url: format!("{}{path}", self.base),
            headers: self.headers.clone(),
            body: Vec::new(),
            timeout: None,
            max_answer: MAX_ANSWER,
            flaw: None,
        }
    }
}

/// The path of a request below the client's base address.
pub trait Path {
    /// The path, with a slash at its start and escaped.
    fn path(&self) -> Cow<'_, str>;
}

/// A path as it is, already escaped (`/orders`).
impl Path for &str {
    fn path(&self) -> Cow<'_, str> {
        if self.is_empty() || self.starts_with('/') { Cow::Borrowed(self) } else { format!("/{self}").into() }
    }
}

/// A path in pieces, each of which is escaped: `["orders", id, "cancel"]`.
impl<const N: usize> Path for [&str; N] {
    fn path(&self) -> Cow<'_, str> {
        let mut path = String::new();
        for piece in self {
            path.push('/');
            escape(piece, &mut path);
        }
        path.into()
    }
}

/// A request that is being put together.
#[derive(Clone, Debug)]
#[must_use = "a request does nothing until it is sent"]
pub struct Request {
    pub(crate) method: Method,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) max_answer: usize,
    /// What the request is called in messages: method and path, without the query.
    name: String,
    writes: bool,
    /// What kept the body from being written.
    flaw: Option<Problem>,
}

impl Request {
    /// Adds a header.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Adds a pair to the query, escaped.
    pub fn query(mut self, name: &str, value: impl AsRef<str>) -> Self {
        self.url.push(if self.url.contains('?') { '&' } else { '?' });
        escape(name, &mut self.url);
        self.url.push('=');
        escape(value.as_ref(), &mut self.url);
        self
    }

    /// Sets the body to JSON.
    pub fn json(mut self, value: &impl Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => self.body = body,
            Err(error) => self.flaw = Some(Problem::new("request-unwritable", error.to_string())),
        }
        self.header("content-type", "application/json")
    }

    /// Sets the body to bytes of another kind.
    pub fn body(mut self, media_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.header("content-type", media_type)
    }

    /// Says that the request changes nothing, though its method may: a search by `POST`, a query in JSON-RPC.
    pub fn reads(mut self) -> Self {
        self.writes = false;
        self
    }

    /// How long to wait for the connection, for the first byte of the answer and between two bytes of it. The
    /// host has limits of its own; the shorter one counts.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// The most bytes of an answer to read, instead of [`MAX_ANSWER`].
    pub fn max_answer(mut self, bytes: usize) -> Self {
        self.max_answer = bytes;
        self
    }

    /// Sends the request. Any answer is one, whatever its status: [`Response::ok`] judges it.
    ///
    /// # Errors
    /// When there was no answer.
    pub fn send(self) -> Result<Response, Error> {
        if let Some(flaw) = self.flaw {
            return Err(Error::Rejected(flaw));
        }
        match wire::exchange(&self) {
            Ok(answer) => Ok(Response { answer, request: self.name, writes: self.writes }),
            Err(loss) => Err(loss.judge(&self.name, self.writes)),
        }
    }

    /// Sends the request and reads the JSON of a 2xx answer: [`Self::send`], [`Response::ok`] and
    /// [`Response::json`] in one.
    ///
    /// # Errors
    /// When there was no answer, or not one of 2xx, or not one that could be read.
    pub fn call<T: DeserializeOwned>(self) -> Result<T, Error> {
        self.send()?.ok()?.json()
    }
}

/// What came over the wire.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
}

/// Why nothing came over the wire.
#[derive(Clone, Debug)]
pub(crate) enum Loss {
    /// Not a byte of the request reached the target.
    NotSent(String),
    /// The call has used up the requests or bytes that the host allows it; another call may ask again.
    OverBudget(String),
    /// The host does not let the connector speak to this address.
    NotAllowed(String),
    /// The request itself is malformed.
    Malformed(String),
    /// The request, or a part of it, was on its way.
    Sent(String),
}

/// Escapes everything that has a meaning in an address, and everything that is not ASCII.
fn escape(text: &str, out: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let digit = |nibble: u8| HEX.get(usize::from(nibble)).copied().map_or('0', char::from);
            out.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
}

#[cfg(test)]
mod tests;
