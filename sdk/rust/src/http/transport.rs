//! What passes between the client and the transport below it: `wasi:http` in a component, the test host natively.

use std::time::Duration;

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

/// A request as it is sent.
#[derive(Clone, Debug)]
pub(crate) struct RawRequest {
    pub(crate) method: Method,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// The limit on the connection, on the first byte of the response and on the time between two bytes.
    pub(crate) timeout: Option<Duration>,
    pub(crate) max_response_bytes: usize,
}

/// A response as it arrived.
#[derive(Debug)]
pub(crate) struct RawResponse {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
}

/// Why there is no response. Each carries a reason for a person.
#[derive(Clone, Debug)]
pub(crate) enum TransportError {
    /// No byte of the request reached the target.
    NotSent(String),
    /// The call has used up its budget of requests or bytes; the next call has a budget of its own.
    OverBudget(String),
    /// The host does not allow the connector to reach this address.
    NotAllowed(String),
    /// The request itself is malformed.
    Malformed(String),
    /// The request, or a part of it, may have reached the target.
    MaybeSent(String),
}
