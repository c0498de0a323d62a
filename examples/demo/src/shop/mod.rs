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
mod counters;
mod deliver;
mod expect;
mod ledger;
pub mod life;
pub mod market;
mod options;
mod order;
mod payload;
pub mod plan;
pub mod sign;

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};

use crate::lock;
use admin::Admin;
use admin::state::PendingWebhook;
use counters::Counters;
use deliver::WebhookSender;
use life::Plant;
use plan::{Plan, Planted, Purpose};

pub use counters::Progress;
pub use ledger::{Ledger, Sent};
pub use options::{Gate, Options};

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
        self.counters.progress()
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
