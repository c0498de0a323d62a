//! The shop's Admin API in GraphQL: the counterpart of a connector that writes status back.
//!
//! `POST /admin/api/{version}/graphql.json` with an access token. Every query and mutation that the connector
//! `shopify` sends is understood, and nothing else: an unknown field is an error, as with the vendor. Requests
//! are charged against a bucket of points that refills; over it the answer is `THROTTLED`, as 200 or as 429.
//! Stock is set with compare and `@idempotent` or not at all.
//!
//! What is written comes back as webhooks, a moment later, signed and retried like all others: that is how echoes
//! come about. A webhook carries the state at the time it is sent, and several changes in that moment make one.
//! [`AdminState::writes`](state::AdminState) counts the writes that changed nothing.
//!
//! The shop's own customers take nothing from its stock here: its levels are what others set.

mod answer;
pub(crate) mod order;
mod query;
pub mod state;
mod write;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

use super::life::Life;
use crate::lock;
use state::{AdminState, PendingWebhook, Webhook, Writes};

const BODY_LIMIT: usize = 1 << 20;

/// How the Admin API is set up.
#[derive(Debug, Clone)]
pub struct Options {
    /// The access token that callers must show.
    pub token: String,
    /// The most points in the bucket.
    pub points: f64,
    /// Points that come back each second.
    pub refill: f64,
    /// Pieces of each article at each location when the shop opens.
    pub pieces: i64,
}

impl Options {
    /// A shop of a middling plan.
    pub fn new(token: impl Into<String>) -> Self {
        Self { token: token.into(), points: 4_000.0, refill: 400.0, pieces: 0 }
    }
}

/// How requests ended, apart from writes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Requests with the right token.
    pub requests: u64,
    /// Refused for lack of points.
    pub throttled: u64,
    /// Malformed: syntax, unknown fields, missing keys.
    pub wrong: u64,
}

struct Shared {
    state: Mutex<AdminState>,
    bucket: Mutex<Bucket>,
    traffic: Mutex<Traffic>,
    trouble: Mutex<Option<String>>,
    token: String,
}

/// A running Admin API; it stops when the last clone is dropped.
#[derive(Clone)]
pub struct Admin {
    shared: Arc<Shared>,
    address: SocketAddr,
    _listening: Arc<Listening>,
}

struct Listening(JoinHandle<()>);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.abort();
    }
}

struct Bucket {
    most: f64,
    refill: f64,
    points: f64,
    filled: Instant,
}

impl Bucket {
    fn fill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.filled).as_secs_f64();
        self.points = (self.points + passed * self.refill).min(self.most);
        self.filled = now;
    }

    fn cost(&self, requested: f64, actual: Option<f64>) -> Value {
        json!({ "cost": {
            "requestedQueryCost": requested, "actualQueryCost": actual,
            "throttleStatus": {
                "maximumAvailable": self.most, "currentlyAvailable": self.points.floor(), "restoreRate": self.refill,
            },
        } })
    }
}

impl Admin {
    /// Binds to a free port of the loopback interface and serves on the current runtime.
    ///
    /// # Errors
    /// When it cannot be bound.
    pub async fn start(options: Options) -> std::io::Result<Self> {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let address = listener.local_addr()?;
        let (most, refill) = (options.points, options.refill);
        let bucket = Bucket { most, refill, points: most, filled: Instant::now() };
        let shared = Arc::new(Shared {
            state: Mutex::new(AdminState::new(options.pieces)),
            bucket: Mutex::new(bucket),
            traffic: Mutex::default(),
            trouble: Mutex::default(),
            token: options.token,
        });
        let listening = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self { shared, address, _listening: Arc::new(Listening(listening)) })
    }

    /// `http://127.0.0.1:…`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Counts of the writes so far.
    pub fn writes(&self) -> Writes {
        lock(&self.shared.state).writes
    }

    /// How requests have ended so far.
    pub fn traffic(&self) -> Traffic {
        *lock(&self.shared.traffic)
    }

    /// The fault of the last malformed request.
    pub fn trouble(&self) -> Option<String> {
        lock(&self.shared.trouble).clone()
    }

    /// Pieces by SKU and location.
    pub fn stock(&self) -> BTreeMap<(String, u64), i64> {
        lock(&self.shared.state).stock()
    }

    /// Reads the state of the shop.
    pub fn read<T>(&self, read: impl FnOnce(&AdminState) -> T) -> T {
        read(&lock(&self.shared.state))
    }

    /// The body of the webhook about a customer's change, with the writes of others so far.
    pub(super) fn body(&self, life: &Life, fact: usize) -> Option<Bytes> {
        lock(&self.shared.state).webhook_body(life, fact)
    }

    /// The webhooks that writes have caused since the last call.
    pub(super) fn take_pending(&self) -> Vec<PendingWebhook> {
        std::mem::take(&mut lock(&self.shared.state).pending)
    }

    /// The webhook as it is now.
    pub(super) fn webhook(&self, pending: PendingWebhook) -> Option<Webhook> {
        lock(&self.shared.state).webhook(pending)
    }

    /// How many of them were not taken yet.
    pub fn pending(&self) -> usize {
        lock(&self.shared.state).pending.len()
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let shared = Arc::clone(&shared);
        connections.spawn(async move {
            let _ = stream.set_nodelay(true);
            let service = service_fn(move |request| respond(Arc::clone(&shared), request));
            // An error here is a caller that disconnected.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn respond(
    shared: Arc<Shared>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let (status, body) = match Limited::new(body, BODY_LIMIT).collect().await {
        Err(_) => (StatusCode::BAD_REQUEST, json!({ "errors": "the body broke off" })),
        Ok(body) => {
            let token = head.headers.get("x-shopify-access-token");
            let right = token.is_some_and(|token| token.as_bytes() == shared.token.as_bytes());
            let path = head.uri.path();
            if !right {
                let message = "[API] Invalid API key or access token (unrecognized login or wrong password)";
                (StatusCode::UNAUTHORIZED, json!({ "errors": message }))
            } else if head.method == Method::POST
                && path.starts_with("/admin/api/")
                && path.ends_with("/graphql.json")
            {
                shared.carry_out(&body.to_bytes())
            } else {
                (StatusCode::NOT_FOUND, json!({ "errors": "Not Found" }))
            }
        }
    };
    let mut response = Response::new(Full::new(Bytes::from(body.to_string())));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert("x-shopify-api-version", HeaderValue::from_static(answer::VERSION));
    Ok(response)
}

impl Shared {
    fn carry_out(&self, body: &[u8]) -> (StatusCode, Value) {
        lock(&self.traffic).requests += 1;
        let request = match query::Request::parse(body) {
            Ok(request) => request,
            Err(message) => return self.wrong(message),
        };
        let cost = request.cost().min(lock(&self.bucket).most);
        {
            let mut bucket = lock(&self.bucket);
            bucket.fill(Instant::now());
            if bucket.points < cost {
                let mut traffic = lock(&self.traffic);
                traffic.throttled += 1;
                // The vendor answers either way.
                let status = if traffic.throttled.is_multiple_of(3) {
                    StatusCode::TOO_MANY_REQUESTS
                } else {
                    StatusCode::OK
                };
                let errors = json!([{ "message": "Throttled", "extensions": { "code": "THROTTLED" } }]);
                return (status, json!({ "errors": errors, "extensions": bucket.cost(cost, None) }));
            }
            bucket.points -= cost;
        }
        let data = match self.data(&request) {
            Ok(data) => data,
            Err(message) => return self.wrong(message),
        };
        let actual = if request.writes() { 10.0 } else { cost.min(12.0) };
        let mut bucket = lock(&self.bucket);
        bucket.points = (bucket.points + cost - actual).min(bucket.most);
        (StatusCode::OK, json!({ "data": data, "extensions": bucket.cost(cost, Some(actual)) }))
    }

    fn data(&self, request: &query::Request) -> Result<Value, String> {
        let mut data = Map::new();
        let mut state = lock(&self.state);
        for root in request.roots()? {
            let name = root.field.name.node.as_str();
            let whole = if request.writes() {
                state.write(name, &root.arguments, root.key.as_deref(), Timestamp::now())?
            } else {
                state.query(name, &root.arguments)?
            };
            // Arguments of the root chose the object; those below choose within it.
            data.insert(root.name.clone(), request.cut(root.field, &whole)?);
        }
        Ok(Value::Object(data))
    }

    fn wrong(&self, message: String) -> (StatusCode, Value) {
        lock(&self.traffic).wrong += 1;
        let errors = json!([{ "message": message, "extensions": { "code": "BAD_USER_INPUT" } }]);
        *lock(&self.trouble) = Some(message);
        (StatusCode::OK, json!({ "errors": errors }))
    }
}

#[cfg(test)]
mod tests;
