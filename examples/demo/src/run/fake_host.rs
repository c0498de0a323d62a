//! A host in miniature for the tests of the demo: it stores what it accepts in "durable" memory, loses its tasks
//! when it is killed, and can be made wrong in the ways that the demo must notice.
//!
//! It maps payloads by the table in [`crate::verify`] on its own, so that the table, the shop's expectation and
//! the ERP are tested against one another.

use std::collections::{BTreeMap, HashSet};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

use crate::client::Client;
use crate::host::{Counts, Error, Host, OpenException, View};
use crate::lock;
use crate::shop::sign::signature;

/// The safeguards of the host; each can be switched off.
#[derive(Clone, Copy)]
pub struct Safeguards {
    pub find: bool,
    pub dedupe: bool,
    pub version_gate: bool,
    pub authenticate: bool,
    pub durable: bool,
    /// It sets requests aside that it cannot store; without this it reads them again and again.
    pub sets_aside: bool,
}

impl Safeguards {
    pub const ALL: Self = Self {
        find: true,
        dedupe: true,
        version_gate: true,
        authenticate: true,
        durable: true,
        sets_aside: true,
    };
}

/// After this an unanswered write that is not found was not carried out: 3 s to commit, 5 s of lag.
const MAX_INFLIGHT: Duration = Duration::from_millis(8_200);

/// A host that is not durable loses the requests that it accepted within this time before a kill.
const UNWRITTEN: Duration = Duration::from_millis(700);

#[derive(Default, Clone)]
struct Lane {
    /// The ERP's id, the version it has, and the newest version to send.
    id: Option<String>,
    applied: Option<String>,
    newest: Option<(String, Value)>,
    /// A write that was begun and has no answer yet.
    claimed: Option<Instant>,
    refunds: Vec<RefundJob>,
    exception: Option<String>,
    busy: bool,
    /// When the last of its webhooks was accepted.
    accepted: Option<Instant>,
}

#[derive(Clone)]
struct RefundJob {
    document: Value,
    claimed: Option<Instant>,
    done: bool,
}

#[derive(Default, Clone)]
struct Durable {
    seen: HashSet<String>,
    refunds_seen: HashSet<String>,
    quarantined: u64,
    /// Requests that are read again and again, and how often that was.
    reread: u64,
    readings: u64,
    lanes: BTreeMap<String, Lane>,
}

struct Inner {
    safeguards: Safeguards,
    shop: String,
    secret: String,
    erp: String,
    token: String,
    client: Client,
    durable: Mutex<Durable>,
}

pub struct FakeHost {
    inner: Arc<Inner>,
    address: SocketAddr,
    running: Option<JoinHandle<()>>,
}

/// The host's figures, also while it is down.
pub struct FakeView(Arc<Inner>);

impl FakeHost {
    pub async fn new(safeguards: Safeguards, shop: &str, secret: &str, erp: String, token: &str) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let inner = Inner {
            safeguards,
            shop: shop.to_owned(),
            secret: secret.to_owned(),
            erp,
            token: token.to_owned(),
            client: Client::new(Duration::from_secs(1), Duration::from_secs(10)),
            durable: Mutex::default(),
        };
        Self { inner: Arc::new(inner), address: free.local_addr().unwrap(), running: None }
    }

    pub fn intake(&self) -> String {
        format!("http://{}/in/shopify", self.address)
    }

    pub fn view(&self) -> FakeView {
        FakeView(Arc::clone(&self.inner))
    }
}

impl Host for FakeHost {
    async fn start(&mut self) -> Result<Duration, Error> {
        let begun = Instant::now();
        // A real one takes a moment to start, and the shop's connections are refused meanwhile.
        tokio::time::sleep(Duration::from_millis(100)).await;
        let listener = loop {
            match TcpListener::bind(self.address).await {
                Ok(listener) => break listener,
                Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        };
        for lane in lock(&self.inner.durable).lanes.values_mut() {
            lane.busy = false;
        }
        self.running = Some(tokio::spawn(run(listener, Arc::clone(&self.inner))));
        Ok(begun.elapsed())
    }

    async fn kill(&mut self) -> Result<(), Error> {
        if let Some(running) = self.running.take() {
            running.abort();
            let _ = running.await;
        }
        if !self.inner.safeguards.durable {
            // What was accepted last was never stored.
            let mut durable = lock(&self.inner.durable);
            durable.lanes.retain(|_, lane| lane.accepted.is_none_or(|at| at.elapsed() > UNWRITTEN));
        }
        Ok(())
    }
}

impl View for FakeView {
    async fn counts(&self) -> Result<Counts, Error> {
        let mut durable = lock(&self.0.durable);
        durable.readings += 1;
        // While one of them is being read, one fewer is unread.
        let unread = durable.reread.saturating_sub(durable.readings % 2);
        let exception = |(entity, lane): (&String, &Lane)| {
            let code = lane.exception.clone()?;
            Some(OpenException { entity: entity.clone(), connector: "erp".to_owned(), code })
        };
        let open_exceptions: Vec<_> = durable.lanes.iter().filter_map(exception).collect();
        let reasons = open_exceptions.iter().map(|exception| (exception.code.clone(), 1));
        let unsettled = durable.lanes.values().filter(|lane| lane.is_open()).count() as u64;
        Ok(Counts {
            exceptions: open_exceptions.len() as u64,
            quarantined: durable.quarantined,
            unknown: 0,
            unsettled: unsettled + unread,
            unread,
            reasons: reasons.collect(),
            open_exceptions,
        })
    }
}

impl Lane {
    fn is_stale(&self, version: &str, gate: bool) -> bool {
        let newest = self.newest.as_ref().map(|(newest, _)| newest);
        gate && newest.is_some_and(|newest| newest.as_str() >= version)
    }

    fn has_unsent_order(&self) -> bool {
        self.newest.as_ref().is_some_and(|(version, _)| self.applied.as_ref() != Some(version))
    }

    fn is_open(&self) -> bool {
        let has_unsent_refund = self.refunds.iter().any(|refund| !refund.done);
        self.exception.is_none() && (self.has_unsent_order() || has_unsent_refund)
    }
}

async fn run(listener: TcpListener, inner: Arc<Inner>) {
    let mut tasks = JoinSet::new();
    tasks.spawn(dispatch(Arc::clone(&inner)));
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let inner = Arc::clone(&inner);
        let service = service_fn(move |request| intake(Arc::clone(&inner), request));
        tasks.spawn(async move {
            let connection = hyper::server::conn::http1::Builder::new();
            let _ = connection.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn intake(inner: Arc<Inner>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let header =
        |name: &str| head.headers.get(name).map(|v| v.to_str().unwrap().to_owned()).unwrap_or_default();
    let status = match body.collect().await {
        Err(_) => StatusCode::BAD_REQUEST,
        Ok(body) => {
            let body = body.to_bytes();
            let signed = header("X-Shopify-Hmac-Sha256") == signature(inner.secret.as_bytes(), &body);
            if inner.safeguards.authenticate && !signed {
                StatusCode::UNAUTHORIZED
            } else {
                let event = format!("{} {}", header("X-Shopify-Topic"), header("X-Shopify-Event-Id"));
                inner.accept(&header("X-Shopify-Topic"), event, &body);
                StatusCode::OK
            }
        }
    };
    let mut response = Response::new(Full::new(Bytes::new()));
    *response.status_mut() = status;
    Ok(response)
}

fn money(value: &Value) -> Decimal {
    value.as_str().unwrap().parse().unwrap()
}

fn sum(values: &Value, field: &str) -> Decimal {
    values.as_array().unwrap().iter().map(|value| money(&value[field])).sum()
}

impl Inner {
    fn accept(&self, topic: &str, event: String, body: &[u8]) {
        let mut durable = lock(&self.durable);
        if !durable.seen.insert(event) && self.safeguards.dedupe {
            durable.reread += u64::from(!self.safeguards.sets_aside);
            return;
        }
        let Ok(payload) = serde_json::from_slice::<Value>(body) else {
            durable.quarantined += 1;
            return;
        };
        if topic == "refunds/create" {
            let order = format!("shopify/{}/order/{}", self.shop, payload["order_id"]);
            let document = self.refund(&payload);
            let new = durable.refunds_seen.insert(document["reference"].to_string());
            if new || !self.safeguards.dedupe {
                let job = RefundJob { document, claimed: None, done: false };
                durable.lanes.entry(order).or_default().refunds.push(job);
            }
            return;
        }
        let Some(document) = self.order(&payload) else {
            durable.quarantined += 1;
            return;
        };
        // All offsets of one order are the same, so its instants compare as text.
        let version = payload["updated_at"].as_str().unwrap().to_owned();
        let lane = durable.lanes.entry(document["reference"].as_str().unwrap().to_owned()).or_default();
        lane.accepted = Some(Instant::now());
        if !lane.is_stale(&version, self.safeguards.version_gate) {
            lane.newest = Some((version, document));
        }
    }

    /// The table of [`crate::verify`]; `None` if the order does not balance.
    fn order(&self, order: &Value) -> Option<Value> {
        let mut goods = Decimal::ZERO;
        let lines: Vec<Value> = order["line_items"]
            .as_array()?
            .iter()
            .map(|line| {
                let discount = sum(&line["discount_allocations"], "amount");
                goods += money(&line["price"]) * Decimal::from(line["quantity"].as_u64().unwrap()) - discount;
                json!({
                    "line": line["id"].to_string(), "sku": line["sku"], "quantity": line["quantity"],
                    "unitPrice": line["price"], "discount": discount, "tax": sum(&line["tax_lines"], "price"),
                })
            })
            .collect();
        let shipping = sum(&order["shipping_lines"], "discounted_price");
        let shipping_tax: Decimal =
            order["shipping_lines"].as_array()?.iter().map(|line| sum(&line["tax_lines"], "price")).sum();
        let tax = if order["taxes_included"] == true { Decimal::ZERO } else { money(&order["total_tax"]) };
        if goods + shipping + tax + money(&order["total_tip_received"]) != money(&order["total_price"]) {
            return None;
        }
        let paid = ["paid", "partially_refunded", "refunded"];
        let state = match order["financial_status"].as_str()? {
            _ if !order["cancelled_at"].is_null() => "cancelled",
            status if paid.contains(&status) => "paid",
            _ => "open",
        };
        let place = &order["shipping_address"];
        let place = (!place.is_null()).then(
            || json!({ "city": place["city"], "postcode": place["zip"], "country": place["country_code"] }),
        );
        Some(json!({
            "reference": format!("shopify/{}/order/{}", self.shop, order["id"]), "orderedAt": order["created_at"],
            "sourceVersion": order["updated_at"], "currency": order["currency"], "shipTo": place,
            "lines": lines, "shipping": shipping, "shippingTax": shipping_tax,
            "tips": order["total_tip_received"], "taxIncluded": order["taxes_included"],
            "total": order["total_price"], "tax": order["total_tax"], "state": state,
        }))
    }

    fn refund(&self, refund: &Value) -> Value {
        let payments = refund["transactions"].as_array().unwrap().iter();
        let amount: Decimal = payments
            .filter(|p| p["kind"] == "refund" && p["status"] == "success")
            .map(|p| money(&p["amount"]))
            .sum();
        let lines: Vec<Value> = refund["refund_line_items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|line| {
                json!({
                    "line": line["line_item_id"].to_string(), "quantity": line["quantity"],
                    "restockType": line["restock_type"],
                    "subtotal": line["subtotal_set"]["shop_money"]["amount"],
                    "tax": line["total_tax_set"]["shop_money"]["amount"],
                })
            })
            .collect();
        json!({
            "reference": format!("shopify/{}/refund/{}", self.shop, refund["id"]), "amount": amount, "lines": lines,
        })
    }

    async fn call(&self, method: Method, path: &str, body: &Value) -> Option<(u16, Value)> {
        let url = format!("{}{path}", self.erp);
        let answer = self.client.json(method, &url, &self.token, body).await;
        answer.ok().map(|(status, body)| (status.as_u16(), body))
    }

    fn lane<T>(&self, name: &str, change: impl FnOnce(&mut Lane) -> T) -> T {
        change(lock(&self.durable).lanes.entry(name.to_owned()).or_default())
    }

    /// Sends the next document of a lane.
    async fn step(&self, name: &str) {
        let lane = self.lane(name, |lane| lane.clone());
        if let Some((version, document)) = lane.newest.clone().filter(|_| lane.has_unsent_order()) {
            match &lane.id {
                None => self.create(name, &lane, &version, &document).await,
                Some(id) => self.replace(name, &lane, id, &version, &document).await,
            }
        } else if let Some(id) = &lane.id
            && let Some(index) = lane.refunds.iter().position(|refund| !refund.done)
        {
            self.send_refund(name, &lane.refunds[index], index, id).await;
        }
    }

    async fn create(&self, name: &str, lane: &Lane, version: &str, document: &Value) {
        if let Some(claimed) = lane.claimed {
            match self.find(&format!("/orders?reference={name}"), "orders", claimed).await {
                Found::Present(found) => self.lane(name, |lane| {
                    lane.id = found["id"].as_str().map(str::to_owned);
                    lane.applied = found["sourceVersion"].as_str().map(str::to_owned);
                    lane.claimed = None;
                }),
                Found::Absent => self.lane(name, |lane| lane.claimed = None),
                Found::NotYet => {}
            }
            return;
        }
        if document["state"] == "cancelled" {
            return self.lane(name, |lane| lane.applied = Some(version.to_owned()));
        }
        self.lane(name, |lane| lane.claimed = Some(Instant::now()));
        let answer = self.call(Method::POST, "/orders", document).await;
        self.lane(name, |lane| match answer {
            Some((201, made)) => {
                lane.id = made["id"].as_str().map(str::to_owned);
                lane.applied = Some(version.to_owned());
                lane.claimed = None;
            }
            Some((422, problem)) => lane.exception = Some(problem["code"].to_string()),
            Some(_) => lane.claimed = None,
            None => {}
        });
    }

    async fn replace(&self, name: &str, lane: &Lane, id: &str, version: &str, document: &Value) {
        if let Some(claimed) = lane.claimed {
            // The write may still be in flight: by id the ERP shows it as soon as it is carried out.
            let got = self.call(Method::GET, &format!("/orders/{id}"), &Value::Null).await;
            let there =
                got.as_ref().and_then(|(_, order)| order["sourceVersion"].as_str()).map(str::to_owned);
            self.lane(name, |lane| {
                if there.is_some() && there != lane.applied {
                    lane.applied = there;
                    lane.claimed = None;
                } else if claimed.elapsed() > MAX_INFLIGHT || !self.safeguards.find {
                    lane.claimed = None;
                }
            });
            return;
        }
        self.lane(name, |lane| lane.claimed = Some(Instant::now()));
        let answer = self.call(Method::PUT, &format!("/orders/{id}"), document).await;
        self.lane(name, |lane| match answer {
            Some((200, _)) => {
                lane.applied = Some(version.to_owned());
                lane.claimed = None;
            }
            Some(_) => lane.claimed = None,
            None => {}
        });
    }

    async fn send_refund(&self, name: &str, job: &RefundJob, index: usize, order: &str) {
        let change =
            |change: &dyn Fn(&mut RefundJob)| self.lane(name, |lane| change(&mut lane.refunds[index]));
        if let Some(claimed) = job.claimed {
            let path = format!("/refunds?reference={}", job.document["reference"].as_str().unwrap());
            match self.find(&path, "refunds", claimed).await {
                Found::Present(_) => change(&|job| job.done = true),
                Found::Absent => change(&|job| job.claimed = None),
                Found::NotYet => {}
            }
            return;
        }
        change(&|job| job.claimed = Some(Instant::now()));
        match self.call(Method::POST, &format!("/orders/{order}/refunds"), &job.document).await {
            Some((201, _)) => change(&|job| job.done = true),
            Some(_) => change(&|job| job.claimed = None),
            None => {}
        }
    }

    async fn find(&self, path: &str, list: &str, claimed: Instant) -> Found {
        if !self.safeguards.find {
            return Found::Absent;
        }
        // Asked before the search, or the write could be carried out and indexed between the two.
        let late = claimed.elapsed() > MAX_INFLIGHT;
        match self.call(Method::GET, path, &Value::Null).await {
            Some((200, found)) => match found[list].as_array().and_then(|found| found.first()) {
                Some(found) => Found::Present(found.clone()),
                None if late => Found::Absent,
                None => Found::NotYet,
            },
            _ => Found::NotYet,
        }
    }
}

enum Found {
    Present(Value),
    Absent,
    NotYet,
}

async fn dispatch(inner: Arc<Inner>) {
    let mut tasks = JoinSet::new();
    loop {
        let due: Vec<String> = {
            let mut durable = lock(&inner.durable);
            let open = durable.lanes.iter_mut().filter(|(_, lane)| !lane.busy && lane.is_open());
            open.map(|(name, lane)| {
                lane.busy = true;
                name.clone()
            })
            .collect()
        };
        for name in due {
            let inner = Arc::clone(&inner);
            tasks.spawn(async move {
                inner.step(&name).await;
                // A refusal or an open question is looked at again soon, not at once.
                tokio::time::sleep(Duration::from_millis(30)).await;
                inner.lane(&name, |lane| lane.busy = false);
            });
        }
        while tasks.try_join_next().is_some() {}
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
