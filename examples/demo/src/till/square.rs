//! Square's side of a till: orders that are stored in its cloud, thin signed notifications about them, and the API
//! they are fetched from.
//!
//! | request | answer |
//! |---|---|
//! | `GET /v2/orders/{id}` | the order as it is now |
//! | `POST /v2/orders/search` | orders of locations by `updated_at`, in pages |
//! | `GET /v2/payments/{id}` | a payment, with the till's time if it was taken offline |
//! | `POST /v2/catalog/batch-retrieve` | variations with their SKUs |
//!
//! A share of requests is answered 429 or 503. Notifications come in any order, some of them twice, and are
//! repeated until they are accepted; the signature is over the address and the body.

mod made;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hmac::{Hmac, Mac};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::AUTHORIZATION;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

use super::counters::Counters;
use super::sale::{Return, Sale, Tender, Transaction};
use crate::client::Client;
use crate::landscape::stores::Store;
use crate::lock;
use made::{articles, money, order, payment};

/// How Square is set up.
#[derive(Debug, Clone)]
pub struct Options {
    /// The merchant's id.
    pub merchant: String,
    /// The access token that callers must show.
    pub token: String,
    /// The signature key of the subscription.
    pub key: String,
    /// Share of API calls that are answered 429 or 503.
    pub trouble: f64,
    /// Drives the rest.
    pub seed: u64,
}

struct Shared {
    options: Options,
    orders: Mutex<BTreeMap<String, Value>>,
    payments: Mutex<BTreeMap<String, Value>>,
    rng: Mutex<SmallRng>,
    target: Mutex<Option<(String, Arc<Counters>)>>,
    client: Client,
    events: Mutex<u64>,
}

/// A running Square.
#[derive(Clone)]
pub struct Square {
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

/// `x-square-hmacsha256-signature`: HMAC-SHA256 over address and body, in standard base64.
pub fn signature(key: &[u8], url: &str, body: &[u8]) -> String {
    // HMAC takes keys of any length, so the error cannot happen; an empty signature would be refused anyway.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return String::new() };
    mac.update(url.as_bytes());
    mac.update(body);
    STANDARD.encode(mac.finalize().into_bytes())
}

impl Square {
    /// Binds to a free port of the loopback interface and serves on the current runtime.
    ///
    /// # Errors
    /// When it cannot be bound.
    pub async fn start(options: Options) -> std::io::Result<Self> {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let address = listener.local_addr()?;
        let rng = SmallRng::seed_from_u64(options.seed ^ 0x7371_7561_7265);
        let shared = Arc::new(Shared {
            options,
            orders: Mutex::default(),
            payments: Mutex::default(),
            rng: Mutex::new(rng),
            target: Mutex::default(),
            client: Client::new(Duration::from_secs(1), Duration::from_secs(10)),
            events: Mutex::new(0),
        });
        let listening = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self { shared, address, _listening: Arc::new(Listening(listening)) })
    }

    /// `http://127.0.0.1:…`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The merchant's id.
    pub fn merchant(&self) -> String {
        self.shared.options.merchant.clone()
    }

    /// Where notifications go, from now on.
    pub(super) fn subscribe(&self, url: &str, counters: Arc<Counters>) {
        *lock(&self.shared.target) = Some((url.to_owned(), counters));
    }

    /// Square stores a till's transactions, and notifies the host.
    pub(super) async fn report(&self, store: &Store, transactions: &[Transaction], late: bool) {
        for one in transactions {
            let notices = match one {
                Transaction::Sale(sale) => self.sold(store, sale, late),
                Transaction::Return(sale, back) => self.returned(store, sale, back),
                // Square's tills void by a refund.
                Transaction::Void(..) => vec![],
            };
            self.notify(notices).await;
        }
    }

    /// The notifications of a sale; the order goes from open to completed between the first and the others.
    fn sold(&self, store: &Store, sale: &Sale, late: bool) -> Vec<Notice> {
        let id = sale.order_id();
        let payment_id = format!("{id}P");
        let created = if late { Timestamp::now() } else { sale.at };
        let mut orders = lock(&self.shared.orders);
        // An upload that is repeated is known by the till's own key.
        if orders.contains_key(&id) {
            return vec![Notice::Order(id, "order.updated"), Notice::Payment(payment_id, "payment.updated")];
        }
        orders.insert(id.clone(), order(store, sale, created, &payment_id));
        let payment = payment(store, sale, created, &id, &payment_id, late);
        lock(&self.shared.payments).insert(payment_id.clone(), payment);
        let mut notices = vec![Notice::Order(id.clone(), "order.created"), Notice::Pay(id.clone())];
        if late {
            // What was sold offline was paid long before Square stores it.
            notices.reverse();
        }
        notices.extend([Notice::Payment(payment_id, "payment.updated"), Notice::Order(id, "order.updated")]);
        notices
    }

    fn returned(&self, store: &Store, sale: &Sale, back: &Return) -> Vec<Notice> {
        let id = back.reference.rsplit('/').next().unwrap_or_default().to_owned();
        let (net, tax) = back.worth(sale);
        let now = Timestamp::now().to_string();
        let returned = json!({
            "uid": "return-1", "source_order_id": sale.order_id(), "return_line_items": [{
                "uid": "return-line-1", "source_line_item_uid": sale.line_id(back.line),
                "quantity": back.pieces.to_string(), "total_tax_money": money(tax), "total_money": money(net + tax),
            }],
        });
        let refund = json!({
            "id": format!("{id}-refund"), "location_id": store.code, "tender_id": format!("{}P", sale.order_id()),
            "created_at": now, "amount_money": money(net + tax), "status": "APPROVED",
        });
        let order = json!({
            "id": id, "location_id": store.code, "state": "COMPLETED", "version": 2, "created_at": now, "updated_at": now,
            "source": { "name": "Square Point of Sale" }, "returns": [returned], "refunds": [refund],
            "total_money": money(0), "net_amount_due_money": money(0),
        });
        lock(&self.shared.orders).entry(id.clone()).or_insert(order);
        let refund = json!({
            "id": format!("{id}-refund"), "status": "COMPLETED", "location_id": store.code, "order_id": id,
            "payment_id": format!("{}P", sale.order_id()), "amount_money": money(net + tax), "created_at": now,
            "updated_at": now, "version": 2, "destination_type": if sale.tender == Tender::Card { "CARD" } else { "CASH" },
        });
        vec![Notice::Order(id, "order.created"), Notice::Refund(refund)]
    }

    /// Sends notifications, some twice, each until it is accepted.
    async fn notify(&self, notices: Vec<Notice>) {
        for notice in notices {
            let (twice, pause) = {
                let mut rng = lock(&self.shared.rng);
                (rng.random_bool(0.1), Duration::from_millis(rng.random_range(0..120)))
            };
            let Some(body) = self.shared.body(&notice) else { continue };
            for _ in 0..if twice { 2 } else { 1 } {
                self.send(&body).await;
            }
            tokio::time::sleep(pause).await;
        }
    }

    async fn send(&self, body: &str) {
        let Some((url, counters)) = lock(&self.shared.target).clone() else { return };
        let mut pause = Duration::from_millis(50);
        loop {
            let request = Request::post(&url)
                .header("content-type", "application/json")
                .header(
                    "x-square-hmacsha256-signature",
                    signature(self.shared.options.key.as_bytes(), &url, body.as_bytes()),
                )
                .body(Full::new(Bytes::from(body.to_owned())));
            if let Ok(request) = request
                && self.shared.client.send(request).await.is_ok_and(|(status, _)| status.is_success())
            {
                counters.accepted();
                return;
            }
            counters.retried();
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(1));
        }
    }
}

/// A notification, or a change without one.
enum Notice {
    Order(String, &'static str),
    /// No notification: the order is paid now.
    Pay(String),
    Payment(String, &'static str),
    Refund(Value),
}

impl Shared {
    /// The notification, or nothing when it is none.
    fn body(&self, notice: &Notice) -> Option<String> {
        let (kind, data) = match notice {
            Notice::Pay(id) => {
                let mut orders = lock(&self.orders);
                let order = orders.get_mut(id)?.as_object_mut()?;
                if let Some(tenders) = order.remove("@tenders") {
                    let updated = Timestamp::now().to_string();
                    order.extend([
                        ("tenders".to_owned(), tenders),
                        ("state".to_owned(), "COMPLETED".into()),
                        ("version".to_owned(), 2.into()),
                        ("updated_at".to_owned(), updated.into()),
                        ("net_amount_due_money".to_owned(), money(0)),
                    ]);
                }
                return None;
            }
            Notice::Order(id, kind) => {
                let orders = lock(&self.orders);
                let order = orders.get(id)?;
                let of = |name: &str| order.get(name).cloned().unwrap_or_default();
                // Thin: what is in the order has to be fetched.
                let thin = json!({
                    "order_id": id, "location_id": of("location_id"), "state": of("state"), "version": of("version"),
                    "created_at": of("created_at"), "updated_at": of("updated_at"),
                });
                let name = kind.replace('.', "_");
                (*kind, json!({ "type": name, "id": id, "object": { name.as_str(): thin } }))
            }
            Notice::Payment(id, kind) => {
                let payment = lock(&self.payments).get(id)?.clone();
                (*kind, json!({ "type": "payment", "id": id, "object": { "payment": payment } }))
            }
            Notice::Refund(refund) => (
                "refund.updated",
                json!({ "type": "refund", "id": refund.get("id"), "object": { "refund": refund } }),
            ),
        };
        let number = {
            let mut events = lock(&self.events);
            *events += 1;
            *events
        };
        let event = json!({
            "merchant_id": self.options.merchant, "type": kind, "created_at": Timestamp::now().to_string(),
            "event_id": format!("10000000-0000-4000-8000-{number:012x}"), "data": data,
        });
        Some(event.to_string())
    }

    fn answer(&self, method: &str, path: &str, body: &[u8]) -> (StatusCode, Value) {
        let mut segments = path.trim_matches('/').split('/');
        let path = (segments.next(), segments.next(), segments.next(), segments.next());
        let missing = || {
            let error = json!({ "category": "INVALID_REQUEST_ERROR", "code": "NOT_FOUND", "detail": "There is no such object." });
            (StatusCode::NOT_FOUND, json!({ "errors": [error] }))
        };
        match (method, path) {
            ("GET", (Some("v2"), Some("orders"), Some(id), None)) => lock(&self.orders)
                .get(id)
                .map_or_else(missing, |order| (StatusCode::OK, json!({ "order": shown(order) }))),
            ("GET", (Some("v2"), Some("payments"), Some(id), None)) => lock(&self.payments)
                .get(id)
                .map_or_else(missing, |one| (StatusCode::OK, json!({ "payment": one }))),
            ("POST", (Some("v2"), Some("orders"), Some("search"), None)) => {
                (StatusCode::OK, self.search(body))
            }
            ("POST", (Some("v2"), Some("catalog"), Some("batch-retrieve"), None)) => {
                (StatusCode::OK, articles(body))
            }
            _ => missing(),
        }
    }

    fn search(&self, body: &[u8]) -> Value {
        let asked: Value = serde_json::from_slice(body).unwrap_or_default();
        let since =
            asked.pointer("/query/filter/date_time_filter/updated_at/start_at").and_then(Value::as_str);
        let since: Option<Timestamp> = since.and_then(|since| since.parse().ok());
        let at = |order: &Value| -> Option<Timestamp> { order.get("updated_at")?.as_str()?.parse().ok() };
        let wanted = asked.get("location_ids").and_then(Value::as_array).cloned().unwrap_or_default();
        let orders = lock(&self.orders);
        let mut found: Vec<&Value> = orders
            .values()
            .filter(|order| order.get("location_id").is_some_and(|location| wanted.contains(location)))
            .filter(|order| since.is_none_or(|since| at(order).is_some_and(|at| at >= since)))
            .collect();
        found.sort_by_key(|order| at(order));
        let number =
            |name: &str| asked.get(name).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
        let from =
            asked.get("cursor").and_then(Value::as_str).and_then(|cursor| cursor.parse().ok()).unwrap_or(0);
        let limit = number("limit").unwrap_or(500).clamp(1, 1000);
        let page: Vec<Value> = found.iter().skip(from).take(limit).map(|order| shown(order)).collect();
        let mut answer = json!({ "orders": page });
        if let Some(answer) = answer.as_object_mut().filter(|_| from + limit < found.len()) {
            answer.insert("cursor".to_owned(), (from + limit).to_string().into());
        }
        answer
    }
}

/// An order without its internal fields.
fn shown(order: &Value) -> Value {
    let mut order = order.clone();
    if let Some(order) = order.as_object_mut() {
        order.remove("@tenders");
    }
    order
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let shared = Arc::clone(&shared);
        connections.spawn(async move {
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
    let body = Limited::new(body, 1 << 20).collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let wanted = format!("Bearer {}", shared.options.token);
    let right = head.headers.get(AUTHORIZATION).is_some_and(|value| value.as_bytes() == wanted.as_bytes());
    let roll = lock(&shared.rng).random::<f64>();
    let error = |code: &str| json!({ "errors": [{ "category": "API_ERROR", "code": code }] });
    let (status, answer) = if !right {
        (StatusCode::UNAUTHORIZED, error("UNAUTHORIZED"))
    } else if roll < shared.options.trouble / 2.0 {
        (StatusCode::TOO_MANY_REQUESTS, error("RATE_LIMITED"))
    } else if roll < shared.options.trouble {
        (StatusCode::SERVICE_UNAVAILABLE, error("SERVICE_UNAVAILABLE"))
    } else {
        shared.answer(head.method.as_str(), head.uri.path(), &body)
    };
    let mut response = Response::new(Full::new(Bytes::from(answer.to_string())));
    *response.status_mut() = status;
    Ok(response)
}
