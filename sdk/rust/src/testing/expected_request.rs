//! One request that a test expects, and the response to it.

use serde_json::Value;

use super::sent_request::SentRequest;
use crate::http::transport::{Method, RawResponse, TransportError};
use crate::http::url::push_query;

/// A request that is expected, and the response to it. The default response is 200 with an empty object.
#[derive(Clone, Debug)]
#[must_use = "an expectation has no effect until it is passed to `Host::expect`"]
pub struct ExpectedRequest {
    method: Method,
    path: String,
    headers: Vec<(String, String)>,
    body: Option<Value>,
    body_parts: Vec<Value>,
    result: Result<(u16, Vec<u8>), TransportError>,
    response_headers: Vec<(String, Vec<u8>)>,
}

/// Expects a `GET` of this path (escaped, without the host).
pub fn get(path: &str) -> ExpectedRequest {
    ExpectedRequest::new(Method::Get, path)
}

/// Expects a `POST` to this path.
pub fn post(path: &str) -> ExpectedRequest {
    ExpectedRequest::new(Method::Post, path)
}

/// Expects a `PUT` to this path.
pub fn put(path: &str) -> ExpectedRequest {
    ExpectedRequest::new(Method::Put, path)
}

/// Expects a `PATCH` of this path.
pub fn patch(path: &str) -> ExpectedRequest {
    ExpectedRequest::new(Method::Patch, path)
}

/// Expects a `DELETE` of this path.
pub fn delete(path: &str) -> ExpectedRequest {
    ExpectedRequest::new(Method::Delete, path)
}

impl ExpectedRequest {
    fn new(method: Method, path: &str) -> Self {
        Self {
            method,
            path: path.to_owned(),
            headers: Vec::new(),
            body: None,
            body_parts: Vec::new(),
            result: Ok((200, b"{}".to_vec())),
            response_headers: Vec::new(),
        }
    }

    /// Expects this pair in the query, after those expected so far.
    pub fn query(mut self, name: &str, value: &str) -> Self {
        push_query(&mut self.path, name, value);
        self
    }

    /// Expects this header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Expects exactly this JSON as the body.
    pub fn body(mut self, json: Value) -> Self {
        self.body = Some(json);
        self
    }

    /// Expects a body that contains at least this: objects may have more members, lists may not have more elements.
    pub fn body_including(mut self, json: Value) -> Self {
        self.body_parts.push(json);
        self
    }

    /// Responds with this status and JSON.
    pub fn respond(mut self, status: u16, json: Value) -> Self {
        self.result = Ok((status, json.to_string().into_bytes()));
        self
    }

    /// Responds with this status and these bytes.
    pub fn respond_bytes(mut self, status: u16, body: impl Into<Vec<u8>>) -> Self {
        self.result = Ok((status, body.into()));
        self
    }

    /// Adds a header to the response.
    pub fn response_header(mut self, name: &str, value: &str) -> Self {
        self.response_headers.push((name.to_ascii_lowercase(), value.as_bytes().to_vec()));
        self
    }

    /// Fails before anything is sent.
    pub fn refuse_connection(mut self) -> Self {
        self.result = Err(TransportError::NotSent("the connection was refused".into()));
        self
    }

    /// Loses the connection after the request was sent: the target may have applied it.
    pub fn lose_connection(mut self) -> Self {
        self.result = Err(TransportError::MaybeSent("the connection was lost".into()));
        self
    }

    /// Fails as the host does when the address is not listed in the connector's `hosts`.
    pub fn not_allowed(mut self) -> Self {
        self.result = Err(TransportError::NotAllowed("not listed in `hosts`".into()));
        self
    }

    /// Fails as the host does when the call has used up its budget of requests or bytes.
    pub fn over_budget(mut self) -> Self {
        self.result = Err(TransportError::OverBudget("the call has used up its budget of requests".into()));
        self
    }

    /// The expectation in messages: method and path.
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.method.name(), self.path)
    }

    /// Checks the request and returns the response to it.
    ///
    /// # Panics
    /// When the request is not the expected one.
    pub(super) fn respond_to(self, sent: &SentRequest) -> Result<RawResponse, TransportError> {
        let actual = format!("{} {}", sent.method, sent.path);
        assert!(actual == self.name(), "expected {}, and the plugin sent {actual}", self.name());
        for (name, value) in &self.headers {
            assert_eq!(sent.header(name), Some(value.as_str()), "header `{name}` of {actual}");
        }
        if let Some(body) = &self.body {
            assert_eq!(&sent.json(), body, "body of {actual}");
        }
        for part in &self.body_parts {
            let body = sent.json();
            assert!(contains(&body, part), "body of {actual} does not contain {part:#}: {body:#}");
        }
        let (status, body) = self.result?;
        Ok(RawResponse { status, headers: self.response_headers, body })
    }
}

fn contains(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            part.iter().all(|(name, value)| whole.get(name).is_some_and(|other| contains(other, value)))
        }
        (Value::Array(whole), Value::Array(part)) => {
            whole.len() == part.len() && whole.iter().zip(part).all(|(whole, part)| contains(whole, part))
        }
        _ => whole == part,
    }
}
