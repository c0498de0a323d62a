//! A run of the demo: an ERP and a shop, a host between them that is killed at random moments, and the verdict.
//!
//! ```text
//! let demo = Demo::new(options).await?;            // the ERP listens: demo.erp_url(), demo.erp_token()
//! let mut host = Process::new(binary, args, ready_url);  // configured with that URL and token
//! let outcome = demo.run(&mut host, &view, intake_url).await?;
//! ```
//!
//! The ERP belongs to the [`Demo`] and survives every kill. Kills are spread over the run by its progress, not
//! by the clock, so that each finds work under way however fast the host is; each comes a random moment after
//! its mark. The host is started again at once.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use crate::erp::{self, Erp};
use crate::host::{Counts, Host, View};
use crate::report::{HeldCount, Latency, Moment, Outcome, Screen, Summary};
use crate::shop::life::Plant;
use crate::shop::{self, Ledger, Shop};
use crate::verify::{outstanding, verify};

/// Why a run could not be finished.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The ERP could not be started.
    #[error("starting the demo's ERP")]
    Erp(#[source] std::io::Error),
    /// Another part of the outside world could not be started.
    #[error("starting the demo's outside world")]
    Outside(#[source] std::io::Error),
    /// The host could not be started or killed.
    #[error("running the host")]
    Host(#[from] crate::host::Error),
}

/// How a run is set up.
#[derive(Clone)]
pub struct Options {
    /// Good orders.
    pub orders: usize,
    /// How often the host is killed.
    pub kills: usize,
    /// Drives shop, ERP and kills.
    pub seed: u64,
    /// The secret the shop signs with.
    pub secret: String,
    /// The ERP.
    pub erp: erp::Options,
    /// The shop; its target is given to [`Demo::run`].
    pub shop: shop::Options,
    /// Give up when nothing has moved for this long.
    pub patience: Duration,
    /// After everything is held, look again this much later: what comes late would be a duplicate.
    pub afterglow: Duration,
    /// Show progress on standard error.
    pub progress: bool,
}

impl Options {
    /// A stormy ERP and a varied shop.
    pub fn new(orders: usize, kills: usize, seed: u64, secret: impl Into<String>) -> Self {
        let secret = secret.into();
        Self {
            orders,
            kills,
            seed,
            erp: erp::Options::stormy(format!("erp-token-{seed}"), seed),
            shop: shop::Options::new("", secret.clone(), orders, seed),
            secret,
            patience: Duration::from_secs(60),
            afterglow: Duration::from_secs(1),
            progress: true,
        }
    }
}

/// The outside world of one run.
pub struct Demo {
    options: Options,
    erp: Erp,
}

impl Demo {
    /// Starts the ERP, so that the host can be configured with its address.
    ///
    /// # Errors
    /// When it cannot listen.
    pub async fn new(options: Options) -> Result<Self, Error> {
        let erp = Erp::start(options.erp.clone()).await.map_err(Error::Erp)?;
        Ok(Self { options, erp })
    }

    /// Where the ERP listens, without a slash at the end.
    pub fn erp_url(&self) -> String {
        self.erp.url()
    }

    /// The bearer token the ERP wants.
    pub fn erp_token(&self) -> &str {
        &self.options.erp.token
    }

    /// The ERP.
    pub fn erp(&self) -> &Erp {
        &self.erp
    }

    /// The shop's domain.
    pub fn shop_domain(&self) -> &str {
        &self.options.shop.plan.shop
    }

    /// Starts the host, lets the shop send everything to `target`, kills the host on the way, waits until the
    /// ERP holds everything (or nothing moves any more), and compares. The host is left running.
    ///
    /// # Errors
    /// When the host cannot be started or killed. What the host gets wrong is in the outcome.
    pub async fn run(&self, host: &mut impl Host, view: &impl View, target: &str) -> Result<Outcome, Error> {
        let first = host.start().await?;
        let shop = Shop::start(shop::Options { target: target.to_owned(), ..self.options.shop.clone() });
        let scene = Scene { demo: self, shop: &shop };
        let drive = Drive {
            kills: self.options.kills,
            seed: self.options.seed,
            patience: self.options.patience,
            longest: self.options.patience,
            afterglow: self.options.afterglow,
            progress: self.options.progress,
        };
        let driven = drive.run(&scene, host, view, first).await?;
        Ok(self.outcome(&shop, driven))
    }

    fn outcome(&self, shop: &Shop, driven: Driven) -> Outcome {
        let Driven { counts, starts, inflight, took } = driven;
        let (ledger, held) = (shop.ledger(), self.erp.held());
        let verdict = verify(&ledger, &held);
        let summary = Summary {
            orders: shop.progress().orders,
            events: ledger.accepted_facts(),
            held: HeldCount::from([("erp", held.orders.len())]),
            lost: verdict.lost.len(),
            duplicated: verdict.duplicated.len(),
            mismatched: verdict.mismatched.len(),
            unknown: counts.unknown,
            exceptions: counts.exceptions,
            quarantined: counts.quarantined,
            kills: inflight.len(),
            inflight_at_kill: inflight.iter().sum(),
            latency_ms: latency(first_tries(&ledger), &arrivals(&held)),
            orders_per_s: round(self.options.orders as f64 / took.as_secs_f64().max(0.001)),
            back: None,
        };
        Outcome {
            summary,
            verdict,
            planted: shop.planted(),
            shop: shop.progress(),
            all_sent: shop.is_done(),
            misdeeds: self.erp.misdeeds(),
            reasons: counts.reasons,
            starts,
            inflight,
            took,
            rows: vec![],
            flaws: vec![],
        }
    }
}

/// The shop and the ERP of a demo.
struct Scene<'a> {
    demo: &'a Demo,
    shop: &'a Shop,
}

impl World for Scene<'_> {
    /// Half of it is sending, half is arriving.
    fn progress(&self) -> f64 {
        let orders = self.demo.options.orders;
        let held = self.demo.erp.order_count().min(orders);
        (self.shop.progress().orders + held) as f64 / (2 * orders.max(1)) as f64
    }

    fn under_way(&self) -> usize {
        outstanding(&self.shop.ledger(), &self.demo.erp.held()) + self.demo.erp.open_requests()
    }

    fn is_sent(&self) -> bool {
        self.shop.is_done()
    }

    fn is_right(&self) -> bool {
        verify(&self.shop.ledger(), &self.demo.erp.held()).is_clean()
    }

    fn is_settled(&self, counts: &Counts) -> bool {
        let planted = self.shop.planted();
        counts.unsettled == 0
            && self.demo.erp.open_requests() == 0
            && counts.exceptions >= planted.exceptions() as u64
            && counts.quarantined >= planted.quarantined() as u64
    }

    fn pulse(&self) -> (u64, u64) {
        (self.demo.erp.misdeeds().writes, self.shop.progress().accepted)
    }

    fn moment(&self) -> Moment {
        let progress = self.shop.progress();
        Moment {
            orders: (progress.orders, self.demo.options.orders),
            held: self.demo.erp.order_count(),
            trouble: progress.last_trouble,
            ..Moment::default()
        }
    }
}

/// The outside world of a run, as the harness sees it.
pub(crate) trait World {
    /// From 0 to 1; kills are spread over it.
    fn progress(&self) -> f64;
    /// Pieces of work that a kill now would hit.
    fn under_way(&self) -> usize;
    /// Whether everything was sent.
    fn is_sent(&self) -> bool;
    /// Whether everything is held as it must be.
    fn is_right(&self) -> bool;
    /// Whether nobody has anything left to do.
    fn is_settled(&self, counts: &Counts) -> bool;
    /// Changes when something moves.
    fn pulse(&self) -> (u64, u64);
    /// What is to be seen now; time, kills and the host's own figures are added.
    fn moment(&self) -> Moment;
}

/// How a run is driven.
pub(crate) struct Drive {
    pub(crate) kills: usize,
    pub(crate) seed: u64,
    pub(crate) patience: Duration,
    /// The same while the host says that it is not through: it may wait for something.
    pub(crate) longest: Duration,
    pub(crate) afterglow: Duration,
    pub(crate) progress: bool,
}

/// What driving it gave.
pub(crate) struct Driven {
    pub(crate) counts: Counts,
    pub(crate) starts: Vec<Duration>,
    pub(crate) inflight: Vec<usize>,
    pub(crate) took: Duration,
}

impl Drive {
    /// Kills the host on the way, waits until everything is as it must be (or nothing moves any more), and looks
    /// once more after that.
    pub(crate) async fn run(
        &self,
        world: &impl World,
        host: &mut impl Host,
        view: &impl View,
        first: Duration,
    ) -> Result<Driven, Error> {
        let mut starts = vec![first];
        let begun = Instant::now();
        let mut inflight = vec![];
        let mut watch = Watch::new(begun, self.progress);
        let mut schedule = Kills::new(self.kills, self.seed);
        let took = loop {
            tokio::time::sleep(Duration::from_millis(10)).await;
            if schedule.is_due(world.progress()) {
                tokio::time::sleep(schedule.moment()).await;
                let hit = world.under_way();
                host.kill().await?;
                inflight.push(hit);
                starts.push(host.start().await?);
            }
            if let Some(counts) = watch.look(world, view, inflight.len()).await {
                let settled = counts.as_ref().is_some_and(|counts| world.is_settled(counts));
                let done = world.is_sent() && settled && world.is_right();
                let waits = counts.as_ref().is_none_or(|counts| counts.unsettled > 0);
                let patience = if waits { self.longest } else { self.patience };
                let (one, other) = world.pulse();
                watch.note((one, other, counts));
                if done || watch.still_for() > patience {
                    break begun.elapsed();
                }
            }
        };
        tokio::time::sleep(self.afterglow).await;
        watch.screen.end();
        let counts = view.counts().await.ok().or(watch.counts).unwrap_or_default();
        Ok(Driven { counts, starts, inflight, took })
    }
}

pub(crate) fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// When each document came first, by its reference.
pub(crate) fn arrivals(held: &erp::Held) -> HashMap<String, Instant> {
    let mut arrived: HashMap<String, Instant> = HashMap::new();
    for held in &held.orders {
        if let Some(document) = &held.document {
            arrived.entry(document.reference.clone()).or_insert(held.created);
        }
    }
    arrived
}

/// When each good order's first webhook was first tried.
pub(crate) fn first_tries(ledger: &Ledger) -> Vec<(String, Instant)> {
    let good = ledger.orders.iter().filter(|sent| sent.life.plant == Plant::Good);
    good.filter_map(|sent| Some((sent.life.reference.clone(), sent.first_sent?))).collect()
}

/// From an order's first try to its first document.
pub(crate) fn latency(sent: Vec<(String, Instant)>, arrived: &HashMap<String, Instant>) -> Latency {
    // Three digits from a microsecond to an hour; the bounds are valid, so there is always a histogram.
    let Ok(mut histogram) = Histogram::<u64>::new_with_bounds(1, 3_600_000_000, 3) else {
        return Latency { p50: 0.0, p99: 0.0 };
    };
    for (reference, sent) in sent {
        if let Some(arrived) = arrived.get(&reference) {
            let micros = arrived.saturating_duration_since(sent).as_micros();
            histogram.saturating_record(u64::try_from(micros).unwrap_or(u64::MAX));
        }
    }
    let at = |quantile| round(histogram.value_at_quantile(quantile) as f64 / 1000.0);
    Latency { p50: at(0.5), p99: at(0.99) }
}

/// When to kill: one mark in each equal part of the run.
struct Kills {
    marks: Vec<f64>,
    rng: SmallRng,
}

impl Kills {
    fn new(kills: usize, seed: u64) -> Self {
        let mut rng = SmallRng::seed_from_u64(seed ^ 0x6b69_6c6c);
        // The last moments are left out: there is nothing to hit when everything has arrived.
        let part = 0.95 / kills.max(1) as f64;
        let marks = (0..kills).map(|kill| part * (kill as f64 + rng.random::<f64>())).rev().collect();
        Self { marks, rng }
    }

    fn is_due(&mut self, progress: f64) -> bool {
        let due = self.marks.last().is_some_and(|mark| *mark <= progress);
        if due {
            self.marks.pop();
        }
        due
    }

    /// A random moment, so that a kill does not come right after an order has arrived.
    fn moment(&mut self) -> Duration {
        Duration::from_micros(self.rng.random_range(0..200_000))
    }
}

/// Looks at the run once a second while the shop sends and more often after, and knows when it last moved.
struct Watch {
    screen: Screen,
    shown: bool,
    begun: Instant,
    next: Instant,
    second: u64,
    counts: Option<Counts>,
    seen: Option<(u64, u64, Option<Counts>)>,
    moved: Instant,
}

impl Watch {
    fn new(begun: Instant, shown: bool) -> Self {
        let screen = Screen::new();
        Self { screen, shown, begun, next: begun, second: 0, counts: None, seen: None, moved: begun }
    }

    /// `Some` if it is time to see whether the run is over, with the host's figures if it gives them.
    async fn look(&mut self, world: &impl World, view: &impl View, kills: usize) -> Option<Option<Counts>> {
        let now = Instant::now();
        if now < self.next {
            return None;
        }
        self.next = now + Duration::from_millis(if world.is_sent() { 250 } else { 1000 });
        let counts = view.counts().await.ok();
        self.counts = counts.clone().or(self.counts.take());
        let second = self.begun.elapsed().as_secs();
        if self.shown && (second > self.second || second == 0) {
            self.second = second;
            let (moment, waiting) = (world.moment(), counts.is_none());
            self.screen.show(&Moment {
                elapsed: self.begun.elapsed(),
                exceptions: counts.as_ref().map(|counts| (counts.exceptions, counts.quarantined)),
                kills,
                trouble: moment.trouble.clone().filter(|_| waiting),
                ..moment
            });
        }
        Some(counts)
    }

    fn note(&mut self, now: (u64, u64, Option<Counts>)) {
        if self.seen.as_ref() != Some(&now) {
            self.seen = Some(now);
            self.moved = Instant::now();
        }
    }

    fn still_for(&self) -> Duration {
        self.moved.elapsed()
    }
}

#[cfg(test)]
mod fake_host;
#[cfg(test)]
mod tests;
