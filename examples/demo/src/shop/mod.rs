//! The shop: makes orders as Shopify would, and sends their webhooks as badly as the world does.
//!
//! [`life`] says what happens to an order, [`plan`] what is sent when, [`Shop`] sends it: signed, with at most
//! 5 s for a try (1 s to connect), again and again with the **original** bytes until it is answered 2xx. A
//! forged webhook is the exception: it must be answered 401 and is not sent again after that.
//!
//! The [`Ledger`] is the shop's own record of what it sent and what was accepted; [`crate::verify`] compares it
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
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};

use crate::lock;
use admin::Admin;
use admin::desk::Owed;
use deliver::Courier;
use life::{Life, Plant};
use plan::{Plan, Planted, Purpose};

/// How a shop is set up.
#[derive(Debug, Clone)]
pub struct Options {
    /// What is sent.
    pub plan: plan::Options,
    /// Where to: the full URL of the host's intake, `http://127.0.0.1:8080/in/shopify`.
    pub target: String,
    /// Requests under way at once, those waiting for their next retry included.
    pub concurrency: usize,
    /// Keep to the plan's times; otherwise everything is sent as fast as it is accepted, in the plan's order.
    pub paced: bool,
    /// The longest pause between two tries; the first is a hundredth of it.
    pub longest_pause: Duration,
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
        Self { plan, target: target.into(), concurrency: 48, paced: true, longest_pause }
    }
}

/// What the shop knows of one order's sending.
#[derive(Debug, Clone)]
pub struct Sent {
    /// The order.
    pub life: Arc<Life>,
    /// When the first try of its first webhook began.
    pub first_sent: Option<Instant>,
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
        let accepted = vec![false; life.facts.len()];
        self.orders.push(Sent { life, first_sent: None, accepted });
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
    /// Webhooks accepted that tell what others wrote into the shop.
    pub echoes: u64,
    /// What the last unsuccessful try said.
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

    /// The same with an Admin API: what others write there is in what the shop tells from then on, and is told.
    pub fn start_beside(options: Options, admin: Option<Admin>) -> Self {
        let plan = Plan::new(options.plan.clone());
        let planted = plan.planted();
        let ledger = Arc::new(Mutex::new(Ledger::default()));
        let counters = Arc::new(Counters::default());
        let courier = Courier::new(&options, Arc::clone(&ledger), Arc::clone(&counters));
        let echoing = admin.clone().map(|admin| {
            let secret = options.plan.secret.clone().into_bytes();
            tokio::spawn(echo(admin, courier.clone(), secret, Arc::clone(&counters)))
        });
        let sending =
            tokio::spawn(send_all(plan, options, courier, admin, Arc::clone(&ledger), Arc::clone(&counters)));
        Self { ledger, counters, planted, sending, echoing }
    }

    /// What was planted in the whole run.
    pub fn planted(&self) -> Planted {
        self.planted
    }

    /// Whether everything was sent and accepted (forged webhooks: refused).
    pub fn is_done(&self) -> bool {
        self.sending.is_finished()
    }

    /// Webhooks about the writes of others that are not accepted yet, beside those that nobody took yet.
    pub fn echoes_under_way(&self) -> u64 {
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

/// Tells what others wrote, a moment after it was written.
async fn echo(admin: Admin, courier: Courier, secret: Vec<u8>, counters: Arc<Counters>) {
    let mut rng = SmallRng::seed_from_u64(0x6563_686f);
    let mut number = 0;
    let mut waiting: Vec<(Instant, Owed)> = vec![];
    let mut under_way = JoinSet::new();
    loop {
        for owed in admin.take_owed() {
            let is_known = matches!(owed, Owed::Order(..)) && waiting.iter().any(|(_, other)| *other == owed);
            if !is_known {
                counters.echoing.fetch_add(1, Ordering::Relaxed);
                waiting.push((Instant::now() + Duration::from_millis(rng.random_range(250..1_000)), owed));
            }
        }
        let now = Instant::now();
        let (due, rest): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|(due, _)| *due <= now);
        waiting = rest;
        for (_, owed) in due {
            number += 1;
            let one = admin.word(owed).map(|word| courier.owe(word, &secret, number));
            let (courier, counters) = (courier.clone(), Arc::clone(&counters));
            under_way.spawn(async move {
                if let Some(one) = one {
                    courier.deliver(one).await;
                }
                counters.echoing.fetch_sub(1, Ordering::Relaxed);
            });
        }
        while under_way.try_join_next().is_some() {}
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn send_all(
    mut plan: Plan,
    options: Options,
    courier: Courier,
    admin: Option<Admin>,
    ledger: Arc<Mutex<Ledger>>,
    counters: Arc<Counters>,
) {
    let start = Instant::now();
    let slots = Arc::new(Semaphore::new(options.concurrency.max(1)));
    // Dropped with this task when the shop is, and with it what is under way.
    let mut under_way = JoinSet::new();
    while let Some(mut one) = plan.next() {
        for life in plan.take_new_lives() {
            lock(&ledger).open(life);
        }
        if options.paced {
            tokio::time::sleep_until((start + one.due).into()).await;
        }
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
        if one.purpose == Purpose::First {
            counters.webhooks.fetch_add(1, Ordering::Relaxed);
            let mut ledger = lock(&ledger);
            if let Some(sent) = ledger.orders.get_mut(one.life_index).filter(|sent| sent.first_sent.is_none())
            {
                sent.first_sent = Some(Instant::now());
                if sent.life.plant == Plant::Good {
                    counters.orders.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
        if let Some(body) = admin.as_ref().and_then(|admin| admin.tell(one.life.as_ref()?, one.fact)) {
            one.signature = sign::signature(options.plan.secret.as_bytes(), &body);
            one.body = body;
        }
        let courier = courier.clone();
        under_way.spawn(async move {
            courier.deliver(one).await;
            drop(slot);
        });
        while under_way.try_join_next().is_some() {}
    }
    while under_way.join_next().await.is_some() {}
}

#[cfg(test)]
mod tests;
