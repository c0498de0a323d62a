//! The generator of the benchmark: signed, unique orders of about 6 KB over keep-alive connections, and the
//! measurement of their journeys to the ERP.
//!
//! It shares its cores with what it measures, so it does little while it runs: bodies are cut from a few
//! templates (only the nine digits of the order's serial differ, in every id), signatures are made before, and
//! each connection is one task that sends, waits for the answer, and sends again (closed loop). A limit on
//! orders in flight (sent, not yet in the ERP) keeps a host that accepts faster than it delivers from being
//! measured by its backlog.
//!
//! The ERP is an [`crate::erp::Erp`] in calm weather; [`Load::hook`] reports every arrival to the load.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hdrhistogram::Histogram;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::erp::ArrivalHook;
use crate::lock;
use crate::shop::life::{Life, Plant, Profile};
use crate::shop::sign::signature;

/// Templates; each is an order of its own, with other articles, prices and people.
const TEMPLATES: u32 = 64;
/// The serial of the first template and of the first order; nine digits that occur nowhere else in a body.
const TEMPLATE_SERIAL: u32 = 700_000_000;
const FIRST_SERIAL: u32 = 800_000_000;
const DIGITS: usize = 9;

/// Why a benchmark could not be run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The host was not reached.
    #[error("connecting to {0}")]
    Connect(SocketAddr, #[source] std::io::Error),
    /// A connection broke.
    #[error("speaking HTTP to the host")]
    Http(#[from] hyper::Error),
    /// A request could not be built.
    #[error("building a request")]
    Build(#[from] hyper::http::Error),
    /// The host refused a good webhook.
    #[error("the host answered {0} to a good webhook")]
    Refused(StatusCode),
    /// A task of the generator panicked or was cancelled.
    #[error("running a connection")]
    Task(#[from] tokio::task::JoinError),
}

/// How long to generate.
#[derive(Debug, Clone, Copy)]
pub enum Until {
    /// This number of orders.
    Orders(usize),
    /// For this time, with at most this number of orders, all of which are prepared.
    Elapsed(Duration, usize),
}

/// How a load is set up.
#[derive(Debug, Clone)]
pub struct Options {
    /// The host.
    pub address: SocketAddr,
    /// The path of its intake: `/in/shopify`.
    pub path: String,
    /// The shop's domain.
    pub shop: String,
    /// The secret that signs.
    pub secret: String,
    /// Drives the templates.
    pub seed: u64,
    /// The first order's number: another run against the same host needs others (each takes one an order).
    pub offset: u32,
    /// Connections.
    pub connections: usize,
    /// How long to generate.
    pub until: Until,
    /// Orders sent and not yet in the ERP, at most; `None` for as many as the host accepts.
    pub under_way: Option<usize>,
    /// How long to wait for orders in flight after the last one was sent.
    pub drain: Duration,
}

/// The measurements.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Measured {
    /// Webhooks accepted.
    pub accepted: usize,
    /// Of these, orders that reached the ERP.
    pub arrived: usize,
    /// Answers 429 and 503, after which the webhook was sent again.
    pub pushed_back: u64,
    /// Accepted a second, from the first try to the last answer.
    pub intake_per_s: f64,
    /// Journeys a second, from the first try to the last arrival in the ERP.
    pub journeys_per_s: f64,
    /// Milliseconds from the start of the (first) try to the arrival.
    pub p50_ms: f64,
    /// The same, 99th percentile.
    pub p99_ms: f64,
    /// Milliseconds from the start of a try to its 2xx.
    pub intake_p99_ms: f64,
    /// Mean size of a body, in bytes.
    pub body_bytes: usize,
}

/// The body of a template, with gaps for the serial number.
struct Template {
    body: Vec<u8>,
    holes: Vec<usize>,
}

impl Template {
    fn new(shop: &str, seed: u64, serial: u32) -> Self {
        let life = Life::new(shop, seed, serial, Plant::Good, Profile::Plain);
        let body = life.facts.first().map(|fact| fact.body.to_vec()).unwrap_or_default();
        let digits = serial.to_string();
        let mut holes = vec![];
        let mut at = 0;
        while let Some(rest) = body.get(at..at + DIGITS) {
            if rest == digits.as_bytes() {
                holes.push(at);
                at += DIGITS;
            } else {
                at += 1;
            }
        }
        Self { body, holes }
    }

    fn fill(&self, serial: u32) -> Vec<u8> {
        let mut body = self.body.clone();
        let digits = serial.to_string();
        for hole in &self.holes {
            if let Some(hole) = body.get_mut(*hole..*hole + DIGITS) {
                hole.copy_from_slice(digits.as_bytes());
            }
        }
        body
    }
}

/// The orders of a run: prepared and signed, with the measurements of each.
struct Orders {
    templates: Vec<Template>,
    signatures: Vec<String>,
    offset: u32,
    epoch: Instant,
    /// Microseconds after the epoch, plus one; 0 is "not yet".
    sent: Vec<AtomicU64>,
    arrived: Vec<AtomicU64>,
    arrivals: AtomicUsize,
    last_arrival: AtomicU64,
    last_answer: AtomicU64,
    accepted: AtomicUsize,
    pushed_back: AtomicU64,
    intake: Mutex<Vec<u32>>,
    slots: Option<Semaphore>,
}

impl Orders {
    fn serial(&self, index: usize) -> u32 {
        FIRST_SERIAL + (self.offset + index as u32) % 100_000_000
    }

    fn body(&self, index: usize) -> Vec<u8> {
        let template = self.templates.get(index % TEMPLATES as usize);
        template.map(|template| template.fill(self.serial(index))).unwrap_or_default()
    }

    fn now(&self) -> u64 {
        self.at(Instant::now())
    }

    fn at(&self, instant: Instant) -> u64 {
        instant.saturating_duration_since(self.epoch).as_micros() as u64 + 1
    }

    fn arrive(&self, reference: &str, at: Instant) {
        let serial =
            reference.get(reference.len().saturating_sub(DIGITS)..).and_then(|s| s.parse::<u32>().ok());
        let index = serial.and_then(|serial| serial.checked_sub(FIRST_SERIAL + self.offset));
        let Some(arrived) = index.and_then(|index| self.arrived.get(index as usize)) else { return };
        let now = self.at(at);
        if arrived.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            self.arrivals.fetch_add(1, Ordering::Relaxed);
            self.last_arrival.fetch_max(now, Ordering::Relaxed);
            if let Some(slots) = &self.slots {
                slots.add_permits(1);
            }
        }
    }
}

/// A prepared load: bodies are cut and signed, nothing is sent yet.
pub struct Load {
    options: Options,
    orders: Arc<Orders>,
    next: Arc<AtomicUsize>,
}

impl Load {
    /// Prepares; takes some 20 µs an order.
    pub fn new(options: Options) -> Self {
        let count = match options.until {
            Until::Orders(orders) | Until::Elapsed(_, orders) => orders,
        };
        let templates: Vec<Template> = (0..TEMPLATES)
            .map(|n| Template::new(&options.shop, options.seed, TEMPLATE_SERIAL + n * 1_234_567))
            .collect();
        let zeros = || (0..count).map(|_| AtomicU64::new(0)).collect();
        let mut orders = Orders {
            templates,
            signatures: vec![],
            offset: options.offset,
            epoch: Instant::now(),
            sent: zeros(),
            arrived: zeros(),
            arrivals: AtomicUsize::new(0),
            last_arrival: AtomicU64::new(0),
            last_answer: AtomicU64::new(0),
            accepted: AtomicUsize::new(0),
            pushed_back: AtomicU64::new(0),
            intake: Mutex::new(vec![]),
            slots: options.under_way.map(Semaphore::new),
        };
        orders.signatures =
            (0..count).map(|index| signature(options.secret.as_bytes(), &orders.body(index))).collect();
        Self { options, orders: Arc::new(orders), next: Arc::new(AtomicUsize::new(0)) }
    }

    /// For [`crate::erp::Options::on_arrival`].
    pub fn hook(&self) -> ArrivalHook {
        let orders = Arc::clone(&self.orders);
        Arc::new(move |reference, at| orders.arrive(reference, at))
    }

    /// The bytes of one of its orders: for measuring what reading one costs.
    pub fn sample(&self) -> Vec<u8> {
        self.orders.body(0)
    }

    /// How many of the orders are in the ERP so far.
    pub fn arrivals(&self) -> usize {
        self.orders.arrivals.load(Ordering::Relaxed)
    }

    /// Sends everything, waits until it has arrived (or [`Options::drain`] is over), and measures.
    ///
    /// # Errors
    /// When the host is not reached, closes a connection, or refuses a webhook other than by 429 or 503.
    pub async fn run(&self) -> Result<Measured, Error> {
        let start = self.orders.now();
        let end = match self.options.until {
            Until::Orders(_) => None,
            Until::Elapsed(limit, _) => Some(Instant::now() + limit),
        };
        let mut connections = JoinSet::new();
        for _ in 0..self.options.connections.max(1) {
            let connection = Connection::open(&self.options, Arc::clone(&self.orders)).await?;
            connections.spawn(connection.work(Arc::clone(&self.next), end));
        }
        while let Some(ended) = connections.join_next().await {
            ended??;
        }
        let drained = Instant::now() + self.options.drain;
        while self.arrivals() < self.orders.accepted.load(Ordering::Relaxed) && Instant::now() < drained {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Ok(self.measured(start))
    }

    fn measured(&self, start: u64) -> Measured {
        let orders = &self.orders;
        let pairs = orders.sent.iter().zip(&orders.arrived);
        let pairs =
            pairs.map(|(sent, arrived)| (sent.load(Ordering::Relaxed), arrived.load(Ordering::Relaxed)));
        let journeys = pairs.filter(|(_, arrived)| *arrived > 0);
        let journey = quantiles(journeys.map(|(sent, arrived)| arrived.saturating_sub(sent)));
        let intake = quantiles(lock(&orders.intake).iter().map(|micros| u64::from(*micros)));
        let per_s = |count: usize, last: &AtomicU64| {
            let micros = last.load(Ordering::Relaxed).saturating_sub(start).max(1);
            (count as f64 / micros as f64 * 10_000_000.0).round() / 10.0
        };
        let accepted = orders.accepted.load(Ordering::Relaxed);
        let bytes: usize = orders.templates.iter().map(|template| template.body.len()).sum();
        Measured {
            accepted,
            arrived: self.arrivals(),
            pushed_back: orders.pushed_back.load(Ordering::Relaxed),
            intake_per_s: per_s(accepted, &orders.last_answer),
            journeys_per_s: per_s(self.arrivals(), &orders.last_arrival),
            p50_ms: journey.0,
            p99_ms: journey.1,
            intake_p99_ms: intake.1,
            body_bytes: bytes / TEMPLATES as usize,
        }
    }
}

/// The median and the 99th percentile of microseconds, in milliseconds.
fn quantiles(micros: impl Iterator<Item = u64>) -> (f64, f64) {
    // The bounds are valid, so there is always a histogram.
    let Ok(mut histogram) = Histogram::<u64>::new_with_bounds(1, 3_600_000_000, 3) else { return (0.0, 0.0) };
    for value in micros {
        histogram.saturating_record(value);
    }
    let at = |quantile| histogram.value_at_quantile(quantile) as f64 / 1000.0;
    (at(0.5), at(0.99))
}

struct Connection {
    address: SocketAddr,
    path: String,
    shop: String,
    orders: Arc<Orders>,
    sender: SendRequest<Full<Bytes>>,
}

impl Connection {
    async fn open(options: &Options, orders: Arc<Orders>) -> Result<Self, Error> {
        let sender = connect(options.address).await?;
        let (path, shop) = (options.path.clone(), options.shop.clone());
        Ok(Self { address: options.address, path, shop, orders, sender })
    }

    /// Closed loop: the next order is taken when the last was accepted.
    async fn work(mut self, next: Arc<AtomicUsize>, end: Option<Instant>) -> Result<(), Error> {
        let mut taken = vec![];
        let orders = Arc::clone(&self.orders);
        loop {
            if let Some(slots) = &orders.slots {
                // If the host is stuck no order arrives any more, so that this wait needs a limit of its own.
                let slot = tokio::time::timeout(Duration::from_secs(1), slots.acquire()).await;
                match slot {
                    Ok(Ok(slot)) => slot.forget(),
                    _ if end.is_some_and(|end| Instant::now() >= end) => break,
                    _ => continue,
                }
            }
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(sent) = orders.sent.get(index) else { break };
            if end.is_some_and(|end| Instant::now() >= end) {
                break;
            }
            let begun = orders.now();
            sent.store(begun, Ordering::Relaxed);
            self.deliver(index).await?;
            let now = orders.now();
            taken.push(u32::try_from(now - begun).unwrap_or(u32::MAX));
            orders.accepted.fetch_add(1, Ordering::Relaxed);
            orders.last_answer.fetch_max(now, Ordering::Relaxed);
        }
        lock(&orders.intake).append(&mut taken);
        Ok(())
    }

    /// Sends a webhook until it is accepted; the host may answer 429 or 503.
    async fn deliver(&mut self, index: usize) -> Result<(), Error> {
        let body = Bytes::from(self.orders.body(index));
        loop {
            let response = self.sender.send_request(self.request(index, body.clone())?).await?;
            let status = response.status();
            let pause = retry_after(&response);
            let close = response.headers().get(header::CONNECTION).is_some_and(|value| value == "close");
            response.into_body().collect().await?;
            if close {
                self.sender = connect(self.address).await?;
            }
            match status {
                status if status.is_success() => return Ok(()),
                StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
                    self.orders.pushed_back.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(pause).await;
                }
                status => return Err(Error::Refused(status)),
            }
            self.sender.ready().await?;
        }
    }

    fn request(&self, index: usize, body: Bytes) -> Result<Request<Full<Bytes>>, Error> {
        let serial = self.orders.serial(index);
        let signature = self.orders.signatures.get(index).map(String::as_str).unwrap_or_default();
        let request = Request::post(&self.path)
            .header(header::HOST, "bench")
            .header(header::CONTENT_TYPE, "application/json")
            .header("X-Shopify-Topic", "orders/create")
            .header("X-Shopify-Hmac-Sha256", signature)
            .header("X-Shopify-Shop-Domain", &self.shop)
            .header("X-Shopify-API-Version", "2026-07")
            .header("X-Shopify-Webhook-Id", format!("b54557e4-bdd9-4b37-8a5f-000{serial}"))
            .header("X-Shopify-Event-Id", format!("98880550-7158-44d4-b7cd-000{serial}"))
            .header("X-Shopify-Triggered-At", "2026-07-15T10:00:00.000000000Z")
            .header("X-Shopify-Name", "orders-to-erp")
            .body(Full::new(body))?;
        Ok(request)
    }
}

/// How many of these requests this machine can transfer per second: the same load against a server that reads
/// each body and does nothing with it. `options.address` and `under_way` are ignored.
///
/// # Errors
/// As [`Load::run`], and when the server cannot listen.
pub async fn http_floor(options: Options) -> Result<Measured, Error> {
    let unbound = SocketAddr::from(([127, 0, 0, 1], 0));
    let listener = TcpListener::bind(unbound).await.map_err(|error| Error::Connect(unbound, error))?;
    let address = listener.local_addr().map_err(|error| Error::Connect(unbound, error))?;
    let server = tokio::spawn(async move {
        let mut connections = JoinSet::new();
        loop {
            let Ok((stream, _)) = listener.accept().await else { continue };
            let _ = stream.set_nodelay(true);
            let service = service_fn(async |request: Request<Incoming>| {
                let body = request.into_body().collect().await?;
                drop(body);
                Ok::<_, hyper::Error>(Response::new(Full::new(Bytes::new())))
            });
            let connection = hyper::server::conn::http1::Builder::new();
            connections.spawn(connection.serve_connection(TokioIo::new(stream), service));
        }
    });
    let options = Options { address, under_way: None, drain: Duration::ZERO, ..options };
    let measured = Load::new(options).run().await;
    server.abort();
    measured
}

async fn connect(address: SocketAddr) -> Result<SendRequest<Full<Bytes>>, Error> {
    let stream = TcpStream::connect(address).await.map_err(|error| Error::Connect(address, error))?;
    stream.set_nodelay(true).map_err(|error| Error::Connect(address, error))?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    // Ends with its sender; its errors come out of the requests too.
    tokio::spawn(connection);
    Ok(sender)
}

/// The host's `Retry-After`, but at most a second, so that the load does not ease.
fn retry_after<B>(response: &Response<B>) -> Duration {
    let seconds = response.headers().get(header::RETRY_AFTER);
    let seconds = seconds.and_then(|value| value.to_str().ok()).and_then(|value| value.parse::<u64>().ok());
    seconds.map_or(Duration::from_millis(50), |seconds| Duration::from_secs(seconds.min(1)))
}

#[cfg(test)]
mod tests;
