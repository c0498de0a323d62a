//! A small HTTP client: pooled, plain `http://`, JSON or bytes, each call with a time limit.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use hyper::{Method, Request, StatusCode};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// Why there was no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request could not be written down: a bad URL or header.
    #[error("building a request")]
    Build(#[source] hyper::http::Error),
    /// Connection refused, reset or closed.
    #[error("sending a request")]
    Send(#[source] hyper_util::client::legacy::Error),
    /// The answer broke off.
    #[error("reading an answer")]
    Read(#[source] hyper::Error),
    /// Nothing within the time limit.
    #[error("waiting for an answer longer than {0:?}")]
    TimedOut(Duration),
    /// The answer is no JSON.
    #[error("reading an answer with status {0} as JSON")]
    Json(StatusCode, #[source] serde_json::Error),
}

/// A cheap-to-clone handle on a connection pool.
#[derive(Clone)]
pub struct Client {
    inner: hyper_util::client::legacy::Client<HttpConnector, Full<Bytes>>,
    limit: Duration,
}

impl Client {
    /// A client that gives up connecting after `connect` and a whole call after `limit`.
    pub fn new(connect: Duration, limit: Duration) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(connect));
        let inner = hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build(connector);
        Self { inner, limit }
    }

    /// Sends, and reads the whole answer.
    ///
    /// # Errors
    /// When there is no complete answer within the limit; any status is an answer.
    pub async fn send(&self, request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes), Error> {
        let call = async {
            let response = self.inner.request(request).await.map_err(Error::Send)?;
            let status = response.status();
            let body = response.into_body().collect().await.map_err(Error::Read)?;
            Ok((status, body.to_bytes()))
        };
        tokio::time::timeout(self.limit, call).await.unwrap_or(Err(Error::TimedOut(self.limit)))
    }

    /// A JSON call with a bearer token (none if empty); a `null` body sends none.
    ///
    /// # Errors
    /// As [`Client::send`], and when the answer is no JSON. An empty answer is `null`.
    pub async fn json(
        &self,
        method: Method,
        url: &str,
        token: &str,
        body: &serde_json::Value,
    ) -> Result<(StatusCode, serde_json::Value), Error> {
        let mut request = Request::builder().method(method).uri(url);
        if !token.is_empty() {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        let body = if body.is_null() {
            Bytes::new()
        } else {
            request = request.header(CONTENT_TYPE, "application/json");
            Bytes::from(body.to_string())
        };
        let (status, answer) = self.send(request.body(Full::new(body)).map_err(Error::Build)?).await?;
        if answer.is_empty() {
            return Ok((status, serde_json::Value::Null));
        }
        let value = serde_json::from_slice(&answer).map_err(|error| Error::Json(status, error))?;
        Ok((status, value))
    }
}
