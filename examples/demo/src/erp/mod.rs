//! A small ERP over HTTP, the counterpart of the plugin `erp-rest`: with the faults that a sink has to cope with.
//!
//! | request | answer |
//! |---|---|
//! | `POST /orders` ([`document::Order`]) | 201 `{"id":"SO-17","lines":[{"line":"…","id":"SO-17-1"}]}` |
//! | `PUT /orders/{id}` | 200 as above; replaces the whole document, the last write wins, no version check |
//! | `POST /orders/{id}/cancel` | 200, as often as one likes |
//! | `GET /orders/{id}` | 200, the document with `id` in it and in its lines; never lags |
//! | `GET /orders?reference=…` | 200 `{"orders":[…]}`; **lags** behind the commit |
//! | `POST /orders/{id}/refunds` ([`document::Refund`]) | 201 `{"id":"CR-5"}` |
//! | `GET /refunds?reference=…` | 200 `{"refunds":[…]}`, each with `id` and `order`; lags |
//! | `POST /adjustments` ([`document::Adjustment`]) | 201 `{"id":"AD-3"}`; changes the stock, and nothing else |
//! | `GET /adjustments?reference=…` | 200 `{"adjustments":[…]}`, each with `id`; lags |
//! | `GET /changes?after=N&limit=M` | 200 `{"changes":[…],"next":N,"more":false}`; never lags, see [`changes`] |
//!
//! Errors are `{"code","message","field"?}`: 400 malformed, 401 wrong bearer token, 404, 422 `unknown-sku` (a SKU
//! that begins with `UNKNOWN`) or `unknown-warehouse`, 429 with `Retry-After` in seconds, 503. References are **not
//! unique**: posting twice makes two documents. A request that was read is carried out even if its caller is gone,
//! but no later than the limit that [`Weather`] states: whoever believes after that limit that it was not, is right
//! on a slow machine too.
//!
//! How badly it behaves is [`Weather`]. The ERP knows nothing of who calls it.

mod api;
pub mod changes;
pub mod document;
pub mod stock;
mod store;
mod stored;
mod weather;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::lock;
use api::{Answer, Call};
use stock::{Shelves, StockKey};
use store::{Now, Store};
pub use stored::{LineId, Parcel, StoredAdjustment, StoredOrder, StoredRefund};
pub use weather::Weather;
use weather::{CallPlan, Ending, FaultSource};

const BODY_LIMIT: usize = 4 << 20;

/// Called at each commit of a new order document: its reference and when.
pub type ArrivalHook = Arc<dyn Fn(&str, Instant) + Send + Sync>;

/// How an ERP is set up.
#[derive(Clone)]
pub struct Options {
    /// Where to listen; port 0 picks a free one.
    pub listen: SocketAddr,
    /// The bearer token that callers must show.
    pub token: String,
    /// Drives all randomness.
    pub seed: u64,
    /// How badly it behaves.
    pub weather: Weather,
    /// Whether documents are stored; a benchmark needs only to know that they arrived.
    pub keep_documents: bool,
    /// Called when an order document is created, before the answer; must be quick.
    pub on_arrival: Option<ArrivalHook>,
    /// Its stock at the start.
    pub shelves: Shelves,
    /// A paid order moves on towards its shipment when it has not changed for this long. `None`: never.
    pub fulfil_after: Option<Duration>,
}

impl Options {
    /// The ERP of the demo: [`Weather::stormy`] on a free port of the loopback interface.
    pub fn stormy(token: impl Into<String>, seed: u64) -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            token: token.into(),
            seed,
            weather: Weather::stormy(),
            keep_documents: true,
            on_arrival: None,
            shelves: Shelves::default(),
            fulfil_after: None,
        }
    }

    /// The ERP of the benchmark: [`Weather::calm`], documents are parsed and counted but not stored.
    pub fn fast(token: impl Into<String>) -> Self {
        Self { weather: Weather::calm(), keep_documents: false, ..Self::stormy(token, 0) }
    }
}

/// Everything the ERP ever committed, duplicates included, in the order of commits.
#[derive(Debug, Clone, Default)]
pub struct Documents {
    /// Orders.
    pub orders: Vec<StoredOrder>,
    /// Refunds.
    pub refunds: Vec<StoredRefund>,
}

/// How requests ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CallCounts {
    /// Requests read.
    pub requests: u64,
    /// Answered 429.
    pub throttled: u64,
    /// Answered 503.
    pub unavailable: u64,
    /// Writes committed, then the connection dropped.
    pub dropped_after_commit: u64,
    /// Writes not committed, and the connection dropped.
    pub dropped_before_commit: u64,
    /// Writes carried out.
    pub writes: u64,
}

struct Shared {
    store: Mutex<Store>,
    /// `None` in calm weather, so that a benchmark does not queue for it.
    faults: Option<Mutex<FaultSource>>,
    authorization: String,
    on_arrival: Option<ArrivalHook>,
    open: AtomicUsize,
    requests: AtomicU64,
    throttled: AtomicU64,
    unavailable: AtomicU64,
    dropped_after: AtomicU64,
    dropped_before: AtomicU64,
    writes: AtomicU64,
}

/// A running ERP; it stops when this is dropped.
pub struct Erp {
    shared: Arc<Shared>,
    address: SocketAddr,
    listening: JoinHandle<()>,
    fulfilling: Option<JoinHandle<()>>,
}

/// The currency of the ERP's prices.
const CURRENCY: &str = "USD";

impl Erp {
    /// Binds and serves on the current runtime.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn start(options: Options) -> std::io::Result<Self> {
        let listener = TcpListener::bind(options.listen).await?;
        let address = listener.local_addr()?;
        let faults = (!options.weather.is_calm())
            .then(|| Mutex::new(FaultSource::new(options.weather.clone(), options.seed, Instant::now())));
        let shared = Arc::new(Shared {
            store: Mutex::new(Store::new(options.keep_documents)),
            faults,
            authorization: format!("Bearer {}", options.token),
            on_arrival: options.on_arrival,
            open: AtomicUsize::new(0),
            requests: AtomicU64::new(0),
            throttled: AtomicU64::new(0),
            unavailable: AtomicU64::new(0),
            dropped_after: AtomicU64::new(0),
            dropped_before: AtomicU64::new(0),
            writes: AtomicU64::new(0),
        });
        lock(&shared.store).open(&options.shelves, CURRENCY, Timestamp::now());
        let listening = tokio::spawn(accept(listener, Arc::clone(&shared)));
        let fulfilling = options.fulfil_after.map(|rested| tokio::spawn(fulfil(Arc::clone(&shared), rested)));
        Ok(Self { shared, address, listening, fulfilling })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:…`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A copy of everything it stores.
    pub fn held(&self) -> Documents {
        let store = lock(&self.shared.store);
        Documents { orders: store.orders().to_vec(), refunds: store.refunds().to_vec() }
    }

    /// How many order documents it stores.
    pub fn order_count(&self) -> usize {
        lock(&self.shared.store).orders().len()
    }

    /// How many different references its orders and refunds have: repetitions of one are not counted.
    pub fn distinct_documents(&self) -> usize {
        lock(&self.shared.store).distinct_documents()
    }

    /// Parcels that have left, and orders that are invoiced.
    pub fn fulfilled_steps(&self) -> usize {
        lock(&self.shared.store).fulfilled_steps()
    }

    /// The available stock of each article in each warehouse.
    pub fn stock(&self) -> BTreeMap<StockKey, Decimal> {
        lock(&self.shared.store).stock()
    }

    /// Paid orders whose goods have not all left.
    pub fn unshipped(&self) -> usize {
        lock(&self.shared.store).unshipped()
    }

    /// How many changes its feed has by now.
    pub fn changes(&self) -> usize {
        lock(&self.shared.store).changes.len()
    }

    /// Requests that were read and are not yet carried out or answered, also those whose caller is gone.
    pub fn open_requests(&self) -> usize {
        self.shared.open.load(Ordering::Relaxed)
    }

    /// How requests ended so far.
    pub fn call_counts(&self) -> CallCounts {
        let shared = &self.shared;
        CallCounts {
            requests: shared.requests.load(Ordering::Relaxed),
            throttled: shared.throttled.load(Ordering::Relaxed),
            unavailable: shared.unavailable.load(Ordering::Relaxed),
            dropped_after_commit: shared.dropped_after.load(Ordering::Relaxed),
            dropped_before_commit: shared.dropped_before.load(Ordering::Relaxed),
            writes: shared.writes.load(Ordering::Relaxed),
        }
    }
}

impl Drop for Erp {
    fn drop(&mut self) {
        self.listening.abort();
        if let Some(fulfilling) = &self.fulfilling {
            fulfilling.abort();
        }
    }
}

impl Now {
    fn read() -> Self {
        Self { instant: Instant::now(), at: Timestamp::now() }
    }
}

/// The warehouse: looks again and again for what has to leave.
async fn fulfil(shared: Arc<Shared>, rested: Duration) {
    let pause = (rested / 8).max(Duration::from_millis(20));
    loop {
        tokio::time::sleep(pause).await;
        lock(&shared.store).fulfil(rested, Now::read());
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    // Connections end with the listener: the set aborts its tasks when it is dropped.
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        connections.spawn(serve(stream, Arc::clone(&shared)));
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    // Answers are small; waiting to fill a packet would only add latency. A failure to set it costs only that.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| respond(Arc::clone(&shared), request));
    // An error here is a caller that went away, or our own `Dropped`.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// The connection is to be closed without an answer; hyper does so when a service fails.
#[derive(Debug, thiserror::Error)]
#[error("the connection was dropped on purpose")]
struct Dropped;

impl From<Infallible> for Dropped {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

async fn respond(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Dropped> {
    let (open, read_at) = (Open::new(Arc::clone(&shared)), Instant::now());
    shared.requests.fetch_add(1, Ordering::Relaxed);
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, BODY_LIMIT).collect().await else {
        return Ok(response(Answer::error(StatusCode::BAD_REQUEST, "malformed", "the body broke off")));
    };
    let authorized = head
        .headers
        .get(AUTHORIZATION)
        .is_some_and(|value| value.as_bytes() == shared.authorization.as_bytes());
    if !authorized {
        return Ok(response(Answer::error(StatusCode::UNAUTHORIZED, "unauthorized", "wrong token")));
    }
    let parsed = || api::parse(&head.method, head.uri.path(), head.uri.query(), &body.to_bytes());
    let Some(faults) = &shared.faults else {
        let answer = parsed().map_or_else(|refused| refused, |call| shared.carry_out(call, CallPlan::CALM));
        return Ok(response(answer));
    };
    let call = parsed();
    let plan = {
        let mut faults = lock(faults);
        if !faults.admit(Instant::now()) {
            shared.throttled.fetch_add(1, Ordering::Relaxed);
            let answer = Answer::error(StatusCode::TOO_MANY_REQUESTS, "throttled", "too many requests");
            let mut response = response(answer);
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
            return Ok(response);
        }
        faults.plan(call.as_ref().is_ok_and(Call::writes))
    };
    // A task of its own: what was read is carried out even if the caller is killed meanwhile.
    let work = tokio::spawn(async move {
        let _open = open;
        work(&shared, call, plan, read_at).await
    });
    work.await.unwrap_or(Err(Dropped)).map(response)
}

async fn work(
    shared: &Shared,
    call: Result<Call, Answer>,
    plan: CallPlan,
    read_at: Instant,
) -> Result<Answer, Dropped> {
    tokio::time::sleep(plan.before_commit).await;
    // A machine may be too busy to wake us in time.
    let ending = if read_at.elapsed() > plan.commit_limit { Ending::DropBeforeCommit } else { plan.ending };
    let answer = match (ending, call) {
        (Ending::DropBeforeCommit, _) => {
            shared.dropped_before.fetch_add(1, Ordering::Relaxed);
            return Err(Dropped);
        }
        (Ending::Unavailable, _) => {
            shared.unavailable.fetch_add(1, Ordering::Relaxed);
            Answer::error(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "try again later")
        }
        (_, Ok(call)) => shared.carry_out(call, plan),
        (_, Err(refused)) => refused,
    };
    tokio::time::sleep(plan.after_commit).await;
    if ending == Ending::DropAfterCommit {
        shared.dropped_after.fetch_add(1, Ordering::Relaxed);
        return Err(Dropped);
    }
    Ok(answer)
}

impl CallPlan {
    const CALM: Self = Self {
        before_commit: Duration::ZERO,
        commit_limit: Duration::MAX,
        after_commit: Duration::ZERO,
        lag: Duration::ZERO,
        ending: Ending::Answer,
    };
}

impl Shared {
    fn carry_out(&self, call: Call, plan: CallPlan) -> Answer {
        let now = Now::read();
        if call.writes() {
            self.writes.fetch_add(1, Ordering::Relaxed);
        }
        let mut store = lock(&self.store);
        if let Some(warehouse) = call.warehouse().filter(|warehouse| !store.knows(Some(warehouse))) {
            return Answer::unknown_warehouse(warehouse);
        }
        match call {
            Call::CreateOrder(order) => {
                if let Some(hook) = &self.on_arrival {
                    hook(&order.reference, now.instant);
                }
                let stored = store.create_order(order, now, plan.lag);
                drop(store);
                Answer::order_ids(StatusCode::CREATED, &stored)
            }
            Call::ReplaceOrder(id, order) => match store.replace_order(&id, order, now) {
                Some(stored) => Answer::order_ids(StatusCode::OK, &stored),
                None => Answer::not_found(),
            },
            Call::CancelOrder(id) => match store.cancel_order(&id, now) {
                Some(stored) => {
                    Answer::json(StatusCode::OK, &json!({ "id": stored.id, "state": "cancelled" }))
                }
                None => Answer::not_found(),
            },
            Call::GetOrder(id) => match store.order(&id) {
                Some(stored) => Answer::json(StatusCode::OK, &api::order_view(stored)),
                None => Answer::not_found(),
            },
            Call::FindOrders(reference) => {
                let found: Vec<_> =
                    store.search_orders(&reference, now.instant).into_iter().map(api::order_view).collect();
                Answer::json(StatusCode::OK, &json!({ "orders": found }))
            }
            Call::CreateRefund(order, refund) => match store.create_refund(&order, refund, now, plan.lag) {
                Some(stored) => Answer::json(StatusCode::CREATED, &json!({ "id": stored.id })),
                None => Answer::not_found(),
            },
            Call::FindRefunds(reference) => {
                let found: Vec<_> =
                    store.search_refunds(&reference, now.instant).into_iter().map(api::refund_view).collect();
                Answer::json(StatusCode::OK, &json!({ "refunds": found }))
            }
            Call::Adjust(change) => match store.adjust(change, now, plan.lag) {
                Some(stored) => Answer::json(StatusCode::CREATED, &json!({ "id": stored.id })),
                None => Answer::unknown_article(),
            },
            Call::FindAdjustments(reference) => {
                let found = store.search_adjustments(&reference, now.instant);
                let found: Vec<_> = found.into_iter().map(api::adjustment_view).collect();
                Answer::json(StatusCode::OK, &json!({ "adjustments": found }))
            }
            Call::Changes { after, limit } => {
                let feed = store.changes.after(after, limit);
                drop(store);
                let page = json!({ "changes": feed.changes, "next": feed.next, "more": feed.more });
                Answer::json(StatusCode::OK, &page)
            }
        }
    }
}

fn response(answer: Answer) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(answer.body)));
    *response.status_mut() = answer.status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Counts a request as open for as long as it lives.
struct Open(Arc<Shared>);

impl Open {
    fn new(shared: Arc<Shared>) -> Self {
        shared.open.fetch_add(1, Ordering::Relaxed);
        Self(shared)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
pub(crate) mod tests;
