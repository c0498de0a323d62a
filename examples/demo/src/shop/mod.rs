//! The shop: makes orders as Shopify would, and sends their webhooks doubled, late and out of order, as Shopify does.
//!
//! [`life`] makes the history of an order, [`plan`] decides what is sent when, [`Shop`] sends it: signed, with at
//! most 5 s for a try (1 s to connect), again and again with the **original** bytes until it is answered 2xx. A
//! forged webhook is the exception: it must be answered 401 and is not sent again after that.
//!
//! The [`Ledger`] is the shop's own record of webhooks sent and accepted; [`crate::verify`] compares it
//! with the ERP. The shop knows the host only as a URL.

pub mod admin;
pub(crate) mod catalogue;
mod deliver;
mod expect;
pub mod life;
mod order;
mod payload;
pub mod plan;
pub mod sign;

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};

use crate::lock;
use admin::Admin;
use admin::state::PendingWebhook;
use deliver::WebhookSender;
use life::{Life, Plant};
use plan::{Plan, Planted, Purpose};

/// How a shop is set up.
#[derive(Debug, Clone)]
pub struct Options {
    /// The plan of the webhooks.
    pub plan: plan::Options,
    /// Where to: the full URL of the host's intake, `http://127.0.0.1:8080/in/shopify`.
    pub target: String,
    /// Requests in flight at once, those waiting for their next retry included.
    pub concurrency: usize,
    /// Keep to the plan's times; otherwise everything is sent as fast as it is accepted, in the plan's order.
    pub paced: bool,
    /// The longest pause between two tries; the first is a hundredth of it.
    pub longest_pause: Duration,
    /// Where the shop waits for something else to be done. `None`: nowhere.
    pub gate: Option<Gate>,
}

/// Stops the shop after a number of orders until it is opened.
#[derive(Debug, Clone)]
pub struct Gate {
    /// So many orders are begun before.
    pub after: usize,
    /// Turns true when the shop may go on; it also goes on when the other side is gone.
    pub is_open: watch::Receiver<bool>,
}

impl Options {
    /// A varied shop at 100 orders a second.
    pub fn new(target: impl Into<String>, secret: impl Into<String>, orders: usize, seed: u64) -> Self {
        let plan = plan::Options {
            seed,
            orders,
            shop: "crossdock-demo.myshopify.com".to_owned(),
            secret: secret.into(),
            pace: 100.0,
            spread: Duration::from_secs(5),
            shares: plan::Shares::default(),
        };
        let longest_pause = Duration::from_secs(2);
        Self { plan, target: target.into(), concurrency: 48, paced: true, longest_pause, gate: None }
    }
}

/// How far one order has been sent.
#[derive(Debug, Clone)]
pub struct Sent {
    /// The order.
    pub life: Arc<Life>,
    /// When the first try of the webhook that was sent first began.
    pub first_sent: Option<Instant>,
    /// For each of its facts: when the first try began. From then on the shop shows the fact.
    pub tried: Vec<Option<Instant>>,
    /// For each of its facts: whether any try was answered 2xx.
    pub accepted: Vec<bool>,
}

/// The shop's record of a run.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    /// Every order that has begun.
    pub orders: Vec<Sent>,
}

impl Ledger {
    /// Distinct webhooks of orders that were accepted.
    pub fn accepted_facts(&self) -> usize {
        self.orders.iter().flat_map(|sent| &sent.accepted).filter(|accepted| **accepted).count()
    }

    /// Begins the record of a life; the index is its place in the plan.
    pub(crate) fn open(&mut self, life: Arc<Life>) {
        let (tried, accepted) = (vec![None; life.facts.len()], vec![false; life.facts.len()]);
        self.orders.push(Sent { life, first_sent: None, tried, accepted });
    }
}

/// Figures of a run, for the progress line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// Good orders begun.
    pub orders: usize,
    /// Distinct webhooks begun, forged ones and repetitions apart.
    pub webhooks: u64,
    /// Answered 2xx, repetitions included.
    pub accepted: u64,
    /// Tries that were not answered 2xx: refused, timed out, 5xx.
    pub retries: u64,
    /// Forged webhooks that were answered 401, as they must.
    pub refused_forgeries: u64,
    /// Forged webhooks that were answered 2xx: the host believed them.
    pub believed_forgeries: u64,
    /// Webhooks accepted about the writes of others.
    pub echoes: u64,
    /// Why the last unsuccessful try failed.
    pub last_trouble: Option<String>,
}

#[derive(Default)]
pub(crate) struct Counters {
    orders: AtomicUsize,
    webhooks: AtomicU64,
    accepted: AtomicU64,
    retries: AtomicU64,
    refused_forgeries: AtomicU64,
    believed_forgeries: AtomicU64,
    echoes: AtomicU64,
    echoing: AtomicU64,
    last_trouble: Mutex<Option<String>>,
}

/// A shop at work; it stops sending when this is dropped.
pub struct Shop {
    ledger: Arc<Mutex<Ledger>>,
    counters: Arc<Counters>,
    planted: Planted,
    sending: JoinHandle<()>,
    echoing: Option<JoinHandle<()>>,
}

impl Shop {
    /// Begins to send on the current runtime.
    pub fn start(options: Options) -> Self {
        Self::start_beside(options, None)
    }

    /// The same with an Admin API: the writes of others are in the webhooks from then on, and cause some of their
    /// own.
    pub fn start_beside(options: Options, admin: Option<Admin>) -> Self {
        let plan = Plan::new(options.plan.clone());
        let planted = plan.planted();
        let ledger = Arc::new(Mutex::new(Ledger::default()));
        let counters = Arc::new(Counters::default());
        let sender = WebhookSender::new(&options, Arc::clone(&ledger), Arc::clone(&counters));
        let echoing = admin.clone().map(|admin| {
            let secret = options.plan.secret.clone().into_bytes();
            tokio::spawn(echo(admin, sender.clone(), secret, Arc::clone(&counters)))
        });
        let sending =
            tokio::spawn(send_all(plan, options, sender, admin, Arc::clone(&ledger), Arc::clone(&counters)));
        Self { ledger, counters, planted, sending, echoing }
    }

    /// The planted requests of the whole run.
    pub fn planted(&self) -> Planted {
        self.planted
    }

    /// Whether everything was sent and accepted (forged webhooks: refused).
    pub fn is_done(&self) -> bool {
        self.sending.is_finished()
    }

    /// Webhooks about the writes of others that are not accepted yet, beside those that are not prepared yet.
    pub fn echoes_in_flight(&self) -> u64 {
        self.counters.echoing.load(Ordering::Relaxed)
    }

    /// Where it is.
    pub fn progress(&self) -> Progress {
        let counters = &self.counters;
        Progress {
            orders: counters.orders.load(Ordering::Relaxed),
            webhooks: counters.webhooks.load(Ordering::Relaxed),
            accepted: counters.accepted.load(Ordering::Relaxed),
            retries: counters.retries.load(Ordering::Relaxed),
            refused_forgeries: counters.refused_forgeries.load(Ordering::Relaxed),
            believed_forgeries: counters.believed_forgeries.load(Ordering::Relaxed),
            echoes: counters.echoes.load(Ordering::Relaxed),
            last_trouble: lock(&counters.last_trouble).clone(),
        }
    }

    /// A copy of the record; the lives in it are shared.
    pub fn ledger(&self) -> Ledger {
        lock(&self.ledger).clone()
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        self.sending.abort();
        if let Some(echoing) = &self.echoing {
            echoing.abort();
        }
    }
}

/// Sends webhooks about the writes of others, a moment after each.
async fn echo(admin: Admin, sender: WebhookSender, secret: Vec<u8>, counters: Arc<Counters>) {
    let mut rng = SmallRng::seed_from_u64(0x6563_686f);
    let mut number = 0;
    let mut waiting: Vec<(Instant, PendingWebhook)> = vec![];
    let mut in_flight = JoinSet::new();
    loop {
        for pending in admin.take_pending() {
            let is_known = matches!(pending, PendingWebhook::Order(..))
                && waiting.iter().any(|(_, other)| *other == pending);
            if !is_known {
                counters.echoing.fetch_add(1, Ordering::Relaxed);
                waiting.push((Instant::now() + Duration::from_millis(rng.random_range(250..1_000)), pending));
            }
        }
        let now = Instant::now();
        let (due, rest): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|(due, _)| *due <= now);
        waiting = rest;
        for (_, pending) in due {
            number += 1;
            let one = admin.webhook(pending).map(|webhook| sender.prepare(webhook, &secret, number));
            let (sender, counters) = (sender.clone(), Arc::clone(&counters));
            in_flight.spawn(async move {
                if let Some(one) = one {
                    sender.deliver(one).await;
                }
                counters.echoing.fetch_sub(1, Ordering::Relaxed);
            });
        }
        while in_flight.try_join_next().is_some() {}
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn send_all(
    mut plan: Plan,
    options: Options,
    sender: WebhookSender,
    admin: Option<Admin>,
    ledger: Arc<Mutex<Ledger>>,
    counters: Arc<Counters>,
) {
    let mut start = Instant::now();
    let mut gate = options.gate;
    let slots = Arc::new(Semaphore::new(options.concurrency.max(1)));
    // Dropped with this task when the shop is, and with it what is in flight.
    let mut in_flight = JoinSet::new();
    while let Some(mut one) = plan.next() {
        let begun = {
            let mut ledger = lock(&ledger);
            plan.take_new_lives().into_iter().for_each(|life| ledger.open(life));
            ledger.orders.len()
        };
        if let Some(mut gate) = gate.take_if(|gate| begun > gate.after) {
            let stopped = Instant::now();
            let _ = gate.is_open.wait_for(|is_open| *is_open).await;
            // The plan goes on where it stopped, or everything that is due by now would be sent at once.
            start += stopped.elapsed();
        }
        if options.paced {
            tokio::time::sleep_until((start + one.due).into()).await;
        }
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
        if one.purpose == Purpose::First {
            counters.webhooks.fetch_add(1, Ordering::Relaxed);
            let mut ledger = lock(&ledger);
            if let Some(sent) = ledger.orders.get_mut(one.life_index) {
                let (now, is_first) = (Instant::now(), sent.first_sent.is_none());
                sent.first_sent.get_or_insert(now);
                if let Some(tried) = sent.tried.get_mut(one.fact) {
                    tried.get_or_insert(now);
                }
                if is_first && sent.life.plant == Plant::Good {
                    counters.orders.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
        if let Some(body) = admin.as_ref().and_then(|admin| admin.body(one.life.as_ref()?, one.fact)) {
            one.signature = sign::signature(options.plan.secret.as_bytes(), &body);
            one.body = body;
        }
        let sender = sender.clone();
        in_flight.spawn(async move {
            sender.deliver(one).await;
            drop(slot);
        });
        while in_flight.try_join_next().is_some() {}
    }
    while in_flight.join_next().await.is_some() {}
}

#[cfg(test)]
mod tests;
