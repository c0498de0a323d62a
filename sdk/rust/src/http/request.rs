//! A request: built, sent, and mapped to a response or an error.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::Error;
use super::response::Response;
use super::transport::{Method, RawRequest};
use super::url::push_query;
#[cfg(target_arch = "wasm32")]
use super::wasi as transport;
use crate::connector::Problem;
#[cfg(not(target_arch = "wasm32"))]
use crate::testing::imports::http as transport;

/// The most bytes of a response body that are read, unless the request sets another limit.
pub const MAX_RESPONSE_BYTES: usize = 4 << 20;

/// A request under construction.
#[derive(Clone, Debug)]
#[must_use = "a request does nothing until it is sent"]
pub struct Request {
    pub(super) raw: RawRequest,
    /// The request in messages: method and path, without the query.
    name: String,
    is_write: bool,
    /// The error that serializing the body returned.
    body_error: Option<Problem>,
}

impl Request {
    pub(super) fn new(method: Method, base: &str, path: &str, headers: Vec<(String, String)>) -> Self {
        Self {
            raw: RawRequest {
                method,
                url: format!("{base}{path}"),
                headers,
                body: Vec::new(),
                timeout: None,
                max_response_bytes: MAX_RESPONSE_BYTES,
            },
            name: format!("{} {path}", method.name()),
            is_write: !matches!(method, Method::Get | Method::Head | Method::Options),
            body_error: None,
        }
    }

    /// Adds a header.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.raw.headers.push((name.into(), value.into()));
        self
    }

    /// Adds a pair to the query, escaped.
    pub fn query(mut self, name: &str, value: impl AsRef<str>) -> Self {
        push_query(&mut self.raw.url, name, value.as_ref());
        self
    }

    /// Sets the body to JSON.
    pub fn json(mut self, value: &impl Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => self.raw.body = body,
            Err(error) => self.body_error = Some(Problem::new("request-unwritable", error.to_string())),
        }
        self.header("content-type", "application/json")
    }

    /// Sets the body to bytes of another media type.
    pub fn body(mut self, media_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.raw.body = body.into();
        self.header("content-type", media_type)
    }

    /// Marks the request as a read although its method suggests a write: a search by `POST`, a query in JSON-RPC.
    pub fn read_only(mut self) -> Self {
        self.is_write = false;
        self
    }

    /// How long to wait for the connection, for the first byte of the response and between two bytes of it. The
    /// host has limits of its own; the shorter one applies.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.raw.timeout = Some(timeout);
        self
    }

    /// The most bytes of a response body to read, instead of [`MAX_RESPONSE_BYTES`].
    pub fn max_response_bytes(mut self, bytes: usize) -> Self {
        self.raw.max_response_bytes = bytes;
        self
    }

    /// Sends the request. Returns a response of any status; [`Response::ok`] maps the status to an error.
    ///
    /// # Errors
    /// When there was no response.
    pub fn send(self) -> Result<Response, Error> {
        if let Some(problem) = self.body_error {
            return Err(Error::Rejected(problem));
        }
        match transport::send(&self.raw) {
            Ok(raw) => Ok(Response { raw, request: self.name, is_write: self.is_write }),
            Err(error) => Err(Error::from_transport(error, &self.name, self.is_write)),
        }
    }

    /// Sends the request and reads the JSON of a 2xx response: [`Self::send`], [`Response::ok`] and
    /// [`Response::json`] in one.
    ///
    /// # Errors
    /// When there was no response, its status is not 2xx, or its body cannot be read.
    pub fn call<T: DeserializeOwned>(self) -> Result<T, Error> {
        self.send()?.ok()?.json()
    }
}
