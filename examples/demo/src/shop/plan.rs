//! Which bytes are sent when: lives turned into a stream of tries, with duplicates, late and forged webhooks.
//!
//! A plan is a pure iterator: the same options give the same tries in the same order. It stores only the next few
//! seconds of the shop's time, so the number of orders is not limited by memory.
//!
//! Order: most webhooks follow one another by moments or seconds; a share of
//! lives has a webhook held back until after a later one (so an old state arrives last), or a refund sent
//! before its order. Some webhooks are sent again later: the same event, the same event for a second
//! subscription (other webhook id and name, same event id), or the same bytes under new ids altogether.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::life::{Effect, Life, Plant, Profile, Topic};
use super::sign;

/// Shares of each kind of fault.
#[derive(Debug, Clone, Copy)]
pub struct Shares {
    /// Webhooks sent again as they are.
    pub duplicate: f64,
    /// Webhooks also sent for a second subscription: same event id, other webhook id and name.
    pub second_subscription: f64,
    /// Webhooks sent again under new ids.
    pub same_fact: f64,
    /// Lives in which an earlier webhook arrives after a later one.
    pub reorder: f64,
    /// Extra orders with an unknown SKU.
    pub unknown_sku: f64,
    /// Extra orders that do not balance.
    pub unbalanced: f64,
    /// Extra webhooks that are signed and no JSON.
    pub malformed: f64,
    /// Extra webhooks with a wrong signature.
    pub forged: f64,
}

impl Default for Shares {
    fn default() -> Self {
        Self {
            duplicate: 0.08,
            second_subscription: 0.05,
            same_fact: 0.03,
            reorder: 0.25,
            unknown_sku: 0.01,
            unbalanced: 0.01,
            malformed: 0.005,
            forged: 0.02,
        }
    }
}

impl Shares {
    /// No faults: everything once and in order.
    pub fn none() -> Self {
        Self {
            duplicate: 0.0,
            second_subscription: 0.0,
            same_fact: 0.0,
            reorder: 0.0,
            unknown_sku: 0.0,
            unbalanced: 0.0,
            malformed: 0.0,
            forged: 0.0,
        }
    }
}

/// The bad requests on top of the good orders; known before anything is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Planted {
    /// Orders that must end as one exception each.
    pub unknown_sku: usize,
    /// Orders that must end quarantined.
    pub unbalanced: usize,
    /// Bodies that must end quarantined.
    pub malformed: usize,
    /// Requests that must be answered 401 and counted nowhere.
    pub forged: usize,
}

impl Planted {
    /// How many exceptions these must cause.
    pub fn exceptions(&self) -> usize {
        self.unknown_sku
    }

    /// How many requests the host must have quarantined in the end.
    pub fn quarantined(&self) -> usize {
        self.unbalanced + self.malformed
    }
}

/// Why a try is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The first time.
    First,
    /// Again, in one of the ways in which shops send twice.
    Again,
    /// Signed, but no JSON.
    Malformed,
    /// A wrong signature: must be refused.
    Forged,
    /// It is about a write of somebody else.
    Echo,
}

/// One request to be made, retries apart.
#[derive(Debug, Clone)]
pub struct Try {
    /// When, since the start of the run.
    pub due: Duration,
    /// Which life, counted from 0 in the order in which [`Plan`] gives them; `None` for a malformed or forged one.
    pub life: Option<Arc<Life>>,
    /// Index of the life in its plan.
    pub life_index: usize,
    /// Index of the fact in its life.
    pub fact: usize,
    /// Why.
    pub purpose: Purpose,
    /// `X-Shopify-Topic`
    pub topic: Topic,
    /// `X-Shopify-Event-Id`
    pub event_id: String,
    /// `X-Shopify-Webhook-Id`
    pub webhook_id: String,
    /// `X-Shopify-Name`: the subscription.
    pub subscription: &'static str,
    /// `X-Shopify-Triggered-At`
    pub triggered_at: String,
    /// `X-Shopify-Hmac-Sha256`
    pub signature: String,
    /// The bytes.
    pub body: Bytes,
}

/// How a plan is made.
#[derive(Debug, Clone)]
pub struct Options {
    /// Drives everything.
    pub seed: u64,
    /// Good orders; those that [`Shares`] plants come on top.
    pub orders: usize,
    /// The shop's domain.
    pub shop: String,
    /// The secret that signs.
    pub secret: String,
    /// Orders a second.
    pub pace: f64,
    /// How far apart the webhooks of one order and its duplicates are, at most.
    pub spread: Duration,
    /// The faults.
    pub shares: Shares,
}

/// The tries of a run, in the order of their times.
pub struct Plan {
    options: Options,
    rng: SmallRng,
    /// Orders and bad requests that are still to begin, last first.
    beginnings: Vec<Beginning>,
    planted: Planted,
    begun: usize,
    lives: usize,
    upcoming: BinaryHeap<Reverse<Scheduled>>,
    new_lives: VecDeque<Arc<Life>>,
    sequence: u64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Beginning {
    Order(Plant),
    Malformed,
    Forged,
}

struct Scheduled {
    due: Duration,
    sequence: u64,
    one: Try,
}

impl PartialEq for Scheduled {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Scheduled {}

impl PartialOrd for Scheduled {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Scheduled {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.due, self.sequence).cmp(&(other.due, other.sequence))
    }
}

impl Plan {
    /// Plans a run.
    pub fn new(options: Options) -> Self {
        let count = |share: f64| (options.orders as f64 * share).ceil() as usize;
        let planted = Planted {
            unknown_sku: count(options.shares.unknown_sku),
            unbalanced: count(options.shares.unbalanced),
            malformed: count(options.shares.malformed),
            forged: count(options.shares.forged),
        };
        let mut rng = SmallRng::seed_from_u64(options.seed);
        let mut beginnings = vec![Beginning::Order(Plant::Good); options.orders];
        let extra = [
            (planted.unknown_sku, Beginning::Order(Plant::UnknownSku)),
            (planted.unbalanced, Beginning::Order(Plant::Unbalanced)),
            (planted.malformed, Beginning::Malformed),
            (planted.forged, Beginning::Forged),
        ];
        for (number, what) in extra {
            beginnings.extend(std::iter::repeat_n(what, number));
        }
        rand::seq::SliceRandom::shuffle(beginnings.as_mut_slice(), &mut rng);
        Self {
            options,
            rng,
            beginnings,
            planted,
            begun: 0,
            lives: 0,
            upcoming: BinaryHeap::new(),
            new_lives: VecDeque::new(),
            sequence: 0,
        }
    }

    /// The planted requests of the whole run.
    pub fn planted(&self) -> Planted {
        self.planted
    }

    /// The lives that began since the last call, in the order of their indexes.
    pub fn take_new_lives(&mut self) -> VecDeque<Arc<Life>> {
        std::mem::take(&mut self.new_lives)
    }

    fn start_of_next(&self) -> Duration {
        Duration::from_secs_f64(self.begun as f64 / self.options.pace.max(0.001))
    }

    fn begin(&mut self, what: Beginning) {
        let start = self.start_of_next();
        // Nine digits; seeds give different orders, so that two runs can meet in one database.
        let block = (self.options.seed % 800) as u32;
        let serial = 100_000_000 + block * 1_000_000 + (self.begun as u32 % 1_000_000);
        self.begun += 1;
        match what {
            Beginning::Order(plant) => {
                let Options { shop, seed, .. } = &self.options;
                let life = Arc::new(Life::new(shop, *seed, serial, plant, Profile::Varied));
                let index = self.lives;
                self.lives += 1;
                self.new_lives.push_back(Arc::clone(&life));
                self.schedule_life(&life, index, start);
            }
            Beginning::Malformed | Beginning::Forged => self.schedule_bad(what, serial, start),
        }
    }

    fn schedule_life(&mut self, life: &Arc<Life>, index: usize, start: Duration) {
        let mut dues = vec![];
        let mut due = start;
        for fact in &life.facts {
            if !dues.is_empty() {
                // Some follow at once, so that an edit or a cancellation meets its create unsent; most when the
                // ERP has it. People take a while before they cancel.
                due += match fact.topic {
                    _ if self.rng.random_bool(0.1) => Duration::ZERO,
                    Topic::Cancelled => self.options.spread.mul_f64(0.5) + self.within(0.5),
                    _ if self.rng.random_bool(0.3) => self.within(0.01),
                    _ => self.within(0.7),
                };
            }
            dues.push(due);
        }
        if life.facts.len() > 1 && self.rng.random_bool(self.options.shares.reorder) {
            self.reorder(life, &mut dues);
        }
        for (fact, due) in dues.into_iter().enumerate() {
            let first = self.first(life, index, fact, due);
            self.duplicate(life.plant, &first);
            self.push(first);
        }
    }

    /// Holds an earlier webhook back until after the last, or sends a refund before everything else.
    fn reorder(&mut self, life: &Life, dues: &mut [Duration]) {
        let refund = life.facts.iter().position(|fact| matches!(fact.effect, Effect::Refund(_)));
        let last = dues.iter().max().copied().unwrap_or_default();
        let later = last + self.within(0.1) + self.within(0.9);
        match refund {
            Some(refund) if self.rng.random_bool(0.5) => {
                let first = dues.first().copied().unwrap_or_default();
                let delay = self.within(0.3);
                for (index, due) in dues.iter_mut().enumerate() {
                    *due = if index == refund { first } else { *due + delay };
                }
            }
            _ => {
                let held_back = self.rng.random_range(0..dues.len().saturating_sub(1).max(1));
                if let Some(due) = dues.get_mut(held_back) {
                    *due = later;
                }
            }
        }
    }

    fn duplicate(&mut self, plant: Plant, first: &Try) {
        let Shares { duplicate, second_subscription, same_fact, .. } = self.options.shares;
        if self.rng.random_bool(duplicate) {
            let due = first.due + self.within(1.0);
            self.push(Try { due, purpose: Purpose::Again, ..first.clone() });
        }
        // What cannot be read has no identity but its ids: under new ones it would rightly count twice.
        if plant == Plant::Unbalanced {
            return;
        }
        if self.rng.random_bool(second_subscription) {
            let due = first.due + self.within(0.5);
            let webhook_id = self.uuid();
            let subscription = "orders-for-search";
            self.push(Try { due, purpose: Purpose::Again, webhook_id, subscription, ..first.clone() });
        }
        if self.rng.random_bool(same_fact) {
            let due = first.due + self.within(1.0);
            let (webhook_id, event_id) = (self.uuid(), self.uuid());
            self.push(Try { due, purpose: Purpose::Again, webhook_id, event_id, ..first.clone() });
        }
    }

    fn first(&mut self, life: &Arc<Life>, index: usize, fact: usize, due: Duration) -> Try {
        let (topic, triggered_at, body) = life
            .facts
            .get(fact)
            .map(|fact| (fact.topic, fact.triggered_at.clone(), fact.body.clone()))
            .unwrap_or((Topic::Created, String::new(), Bytes::new()));
        Try {
            due,
            life: Some(Arc::clone(life)),
            life_index: index,
            fact,
            purpose: Purpose::First,
            topic,
            event_id: self.uuid(),
            webhook_id: self.uuid(),
            subscription: "orders-to-erp",
            triggered_at,
            signature: sign::signature(self.options.secret.as_bytes(), &body),
            body,
        }
    }

    /// A webhook that must not become an order: cut off, or a good order that somebody else signed.
    fn schedule_bad(&mut self, what: Beginning, serial: u32, start: Duration) {
        let Options { shop, seed, .. } = &self.options;
        let life = Arc::new(Life::new(shop, *seed, serial, Plant::Good, Profile::Varied));
        let mut bad = Try { life: None, ..self.first(&life, usize::MAX, 0, start) };
        if what == Beginning::Forged {
            bad.purpose = Purpose::Forged;
            bad.signature = sign::signature(b"not the secret", &bad.body);
        } else {
            bad.purpose = Purpose::Malformed;
            let end = self.rng.random_range(1..bad.body.len().max(2));
            bad.body = bad.body.slice(..end.min(bad.body.len()));
            bad.signature = sign::signature(self.options.secret.as_bytes(), &bad.body);
        }
        self.push(bad);
    }

    fn push(&mut self, one: Try) {
        self.sequence += 1;
        self.upcoming.push(Reverse(Scheduled { due: one.due, sequence: self.sequence, one }));
    }

    /// A random part of this share of the spread.
    fn within(&mut self, share: f64) -> Duration {
        self.options.spread.mul_f64(share * self.rng.random::<f64>())
    }

    fn uuid(&mut self) -> String {
        let bits: u128 = self.rng.random();
        let hex = format!("{bits:032x}");
        let part = |range: std::ops::Range<usize>| hex.get(range).unwrap_or_default().to_owned();
        // Version 4, variant 1, as the shop's own.
        format!("{}-{}-4{}-a{}-{}", part(0..8), part(8..12), part(13..16), part(17..20), part(20..32))
    }
}

impl Iterator for Plan {
    type Item = Try;

    fn next(&mut self) -> Option<Try> {
        loop {
            let upcoming = self.upcoming.peek().map(|Reverse(scheduled)| scheduled.due);
            let begin = upcoming.is_none_or(|due| self.start_of_next() <= due);
            match self.beginnings.last().copied() {
                Some(what) if begin => {
                    self.beginnings.pop();
                    self.begin(what);
                }
                _ => return self.upcoming.pop().map(|Reverse(scheduled)| scheduled.one),
            }
        }
    }
}
