//! A small client of the host's own API, for the command line and the demo.

use anyhow::{Context, anyhow, bail};
use bytes::Bytes;
use http::{Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{self, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// Talks to one host.
#[derive(Clone, Debug)]
pub struct Client {
    http: legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    base: String,
    token: Option<String>,
}

impl Client {
    /// A client of the host at `base` (`http://127.0.0.1:8080`).
    ///
    /// # Errors
    /// When `base` is not a URL.
    pub fn new(base: &str, token: Option<&str>) -> anyhow::Result<Self> {
        let base = base.trim_end_matches('/').to_owned();
        base.parse::<Uri>().with_context(|| format!("`{base}` is not a URL of a host"))?;
        let connector =
            HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1().build();
        let http = legacy::Client::builder(TokioExecutor::new()).build(connector);
        Ok(Self { http, base, token: token.map(str::to_owned) })
    }

    /// Asks for `path` (`/api/v1/events?limit=10`).
    ///
    /// # Errors
    /// When the host cannot be reached or refuses; the message is what the host said.
    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.call(Method::GET, path, None).await
    }

    /// Sends `body` to `path`.
    ///
    /// # Errors
    /// Like [`Client::get`].
    pub async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.call(Method::POST, path, Some(body)).await
    }

    /// Puts `body` at `path`.
    ///
    /// # Errors
    /// Like [`Client::get`].
    pub async fn put(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.call(Method::PUT, path, Some(body)).await
    }

    /// Deletes what is at `path`.
    ///
    /// # Errors
    /// Like [`Client::get`].
    pub async fn delete(&self, path: &str) -> anyhow::Result<Value> {
        self.call(Method::DELETE, path, None).await
    }

    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> anyhow::Result<Value> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let bytes = match body {
            Some(body) => {
                request = request.header("content-type", "application/json");
                Bytes::from(serde_json::to_vec(body)?)
            }
            None => Bytes::new(),
        };
        let answer = self
            .http
            .request(request.body(Full::new(bytes)).context("building the request")?)
            .await
            .map_err(|error| {
                anyhow!("no host answers at {}: {error}; is `crossdock serve` running?", self.base)
            })?;
        let status = answer.status();
        let bytes = answer.into_body().collect().await.context("reading the host's answer")?.to_bytes();
        if status.is_success() {
            if bytes.is_empty() {
                return Ok(Value::Null);
            }
            return serde_json::from_slice(&bytes).context("the host's answer is not JSON");
        }
        let problem: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let detail = problem.get("detail").and_then(Value::as_str).unwrap_or("it gave no reason");
        if status == StatusCode::UNAUTHORIZED {
            bail!("{detail} (set CROSSDOCK_TOKEN, or pass --token)");
        }
        bail!("{detail} ({status})");
    }
}
