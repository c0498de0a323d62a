//! What every run is made of: kills at random moments, and the wait until everything is as it must be, or nothing
//! moves any more.
//!
//! The outside world is a `World` and survives every kill. Kills are spread over the run by its progress, not
//! by the clock, so that each finds work under way however fast the host is; each comes a random moment after
//! its mark. The host is started again at once. [`crate::landscape`] is the world of the demo; the tests drive a small
//! one, with a host in miniature that can be made wrong in the ways that a run must notice.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use crate::erp;
use crate::host::{Counts, Host, View};
use crate::report::{Latency, Moment, Screen};
use crate::shop::Ledger;
use crate::shop::life::Plant;

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
mod small;
#[cfg(test)]
mod tests;
