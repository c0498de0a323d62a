//! Delivering one webhook: headers, time limits, and retries until it is accepted.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::Full;
use hyper::{Method, Request, StatusCode};
use rand::Rng;
use rand::SeedableRng;
use rand::rngs::SmallRng;

use super::admin::state::Webhook;
use super::counters::Counters;
use super::ledger::Ledger;
use super::options::Options;
use super::plan::{Purpose, Try};
use super::sign;
use crate::client::{self, Client};
use crate::lock;

/// The vendor's: 1 s to connect, 5 s in all.
const CONNECT: Duration = Duration::from_secs(1);
const WHOLE: Duration = Duration::from_secs(5);

#[derive(Clone)]
pub(super) struct WebhookSender {
    client: Client,
    target: Arc<str>,
    shop: Arc<str>,
    longest_pause: Duration,
    seed: u64,
    ledger: Arc<Mutex<Ledger>>,
    counters: Arc<Counters>,
}

impl WebhookSender {
    pub(super) fn new(options: &Options, ledger: Arc<Mutex<Ledger>>, counters: Arc<Counters>) -> Self {
        Self {
            client: Client::new(CONNECT, WHOLE),
            target: options.target.as_str().into(),
            shop: options.plan.shop.as_str().into(),
            longest_pause: options.longest_pause,
            seed: options.plan.seed,
            ledger,
            counters,
        }
    }

    /// Sends until accepted; a forged one until refused with 401, or believed.
    pub(super) async fn deliver(&self, one: Try) {
        let mut rng = SmallRng::seed_from_u64(self.seed ^ one.due.as_nanos() as u64);
        let mut pause = self.longest_pause / 100;
        loop {
            let trouble = match self.attempt(&one).await {
                Ok(status) if status.is_success() => {
                    self.accepted(&one);
                    return;
                }
                Ok(StatusCode::UNAUTHORIZED) if one.purpose == Purpose::Forged => {
                    self.counters.refused_forgeries.fetch_add(1, Ordering::Relaxed);
                    return;
                }
                Ok(status) => format!("the host answered {status}"),
                Err(error) => describe(&error),
            };
            self.counters.retries.fetch_add(1, Ordering::Relaxed);
            *lock(&self.counters.last_trouble) = Some(trouble);
            tokio::time::sleep(pause.mul_f64(0.5 + rng.random::<f64>() / 2.0)).await;
            pause = (pause * 2).min(self.longest_pause);
        }
    }

    /// The try of a webhook about a write.
    pub(super) fn prepare(&self, webhook: Webhook, secret: &[u8], number: u64) -> Try {
        Try {
            due: Duration::from_nanos(number),
            life: None,
            life_index: usize::MAX,
            fact: 0,
            purpose: Purpose::Echo,
            topic: webhook.topic,
            event_id: format!("00000000-0000-4000-a000-{number:012x}"),
            webhook_id: format!("00000000-0000-4000-b000-{number:012x}"),
            subscription: "orders-to-erp",
            triggered_at: webhook.triggered_at,
            signature: sign::signature(secret, &webhook.body),
            body: webhook.body,
        }
    }

    fn accepted(&self, one: &Try) {
        if one.purpose == Purpose::Echo {
            self.counters.echoes.fetch_add(1, Ordering::Relaxed);
            return;
        }
        if one.purpose == Purpose::Forged {
            self.counters.believed_forgeries.fetch_add(1, Ordering::Relaxed);
            return;
        }
        self.counters.accepted.fetch_add(1, Ordering::Relaxed);
        let mut ledger = lock(&self.ledger);
        let sent = ledger.orders.get_mut(one.life_index);
        if let Some(accepted) = sent.and_then(|sent| sent.accepted.get_mut(one.fact)) {
            *accepted = true;
        }
    }

    async fn attempt(&self, one: &Try) -> Result<StatusCode, client::Error> {
        let request = Request::builder()
            .method(Method::POST)
            .uri(&*self.target)
            .header("Content-Type", "application/json")
            .header("User-Agent", "Shopify-Captain-Hook")
            .header("X-Shopify-Topic", one.topic.as_str())
            .header("X-Shopify-Hmac-Sha256", &one.signature)
            .header("X-Shopify-Shop-Domain", &*self.shop)
            .header("X-Shopify-API-Version", "2026-07")
            .header("X-Shopify-Webhook-Id", &one.webhook_id)
            .header("X-Shopify-Event-Id", &one.event_id)
            .header("X-Shopify-Triggered-At", &one.triggered_at)
            .header("X-Shopify-Name", one.subscription)
            .body(Full::new(one.body.clone()))
            .map_err(client::Error::Build)?;
        self.client.send(request).await.map(|(status, _)| status)
    }
}

/// The error and what caused it, in one line.
pub(crate) fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests;
