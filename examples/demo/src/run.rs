//! How every run goes: kills at random moments, and the wait until everything is as it must be, or nothing
//! advances any more.
//!
//! The outside world is a `World` and survives every kill. Kills are spread over the run by its progress, not by the
//! clock, so that each finds work in progress however fast the host is; each comes a random moment after its turn.
//! The host is started again at once. [`crate::landscape`] is the world of the demo; the tests drive a small one,
//! with a host in miniature that can be made wrong in the ways that a run must notice.
//!
//! Every wait has an end. The world counts steps that are never taken back, and lists what is missing; when neither gets
//! better for longer than the slowness of this run explains (see [`crate::stall`]), the run is over and its verdict
//! names what is missing.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use crate::erp;
use crate::host::{Counts, Host, View};
use crate::report::{Latency, Moment, Screen};
use crate::shop::Ledger;
use crate::shop::life::Plant;
use crate::shop::plan::Planted;
use crate::stall::{Position, StallDetector};
use crate::verify::{Finding, Verdict};

/// The host is given so long to answer for its figures; after that the look goes on without them.
const MAX_COUNTS_TIME: Duration = Duration::from_secs(30);
/// The pause between two looks is at least so many times as long as a look takes, so that looking does not become
/// the work of a small machine.
const LOOK_PAUSE_FACTOR: u32 = 5;

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
    fn in_progress(&self) -> usize;
    /// Whether everything was sent.
    fn is_sent(&self) -> bool;
    /// How many steps have been reached that are never taken back. There is a highest number.
    fn reached(&self) -> u64;
    /// Everything that is not as it must be, once all was sent; `counts` are absent while the host does not answer.
    fn missing(&self, counts: Option<&Counts>) -> Missing;
    /// Senders that are not done yet.
    fn unsent(&self) -> Missing;
    /// For how long nothing may advance though all goes well: goods rest before they leave, and a write whose outcome is
    /// unknown is looked up only later.
    fn pause(&self, counts: Option<&Counts>) -> Duration;
    /// The figures of the progress line; time, kills and the host's own figures are added.
    fn moment(&self) -> Moment;
}

/// Everything that is missing before a run is done: a number and a name for each kind, with an example where there is
/// one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Missing(Vec<(u64, String)>);

impl Missing {
    /// Adds so many of something; none are not added.
    pub(crate) fn add(&mut self, number: u64, what: impl Into<String>) {
        if number > 0 {
            self.0.push((number, what.into()));
        }
    }

    /// Adds the findings of a comparison, with the first of each kind.
    pub(crate) fn findings(&mut self, verdict: &Verdict) {
        let mut by_kind: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
        for (kind, finding) in verdict.findings() {
            by_kind.entry(kind).or_default().push(finding);
        }
        for (kind, findings) in by_kind {
            let first = findings.first().map(ToString::to_string).unwrap_or_default();
            self.add(findings.len() as u64, format!("{kind} ({first})"));
        }
    }

    /// Adds the faults in the host's figures.
    pub(crate) fn host(&mut self, counts: Option<&Counts>, planted: Planted, disagreements: &[String]) {
        let Some(counts) = counts else {
            self.add(1, "answer of the host");
            return;
        };
        // A request that is read becomes deliveries: that it is read is progress all the same.
        self.add(counts.unread, "requests that the host has not read");
        self.add(counts.unsettled, "requests and deliveries that the host has not settled");
        let quarantined = counts.quarantined.abs_diff(planted.quarantined() as u64);
        self.add(quarantined, format!("too many or too few of {} in quarantine", planted.quarantined()));
        let first = disagreements.first().map(String::as_str).unwrap_or_default();
        self.add(disagreements.len() as u64, format!("wrong exceptions ({first})"));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    fn sum(&self) -> u64 {
        self.0.iter().fold(0, |sum: u64, (number, _)| sum.saturating_add(*number))
    }
}

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let all: Vec<String> = self.0.iter().map(|(number, what)| format!("{number} {what}")).collect();
        write!(f, "{}", if all.is_empty() { "nothing".to_owned() } else { all.join("; ") })
    }
}

/// How a run is driven.
pub(crate) struct Drive {
    pub(crate) kills: usize,
    pub(crate) seed: u64,
    /// The least time without an advance after which a run is stuck.
    pub(crate) min_stall: Duration,
    /// Once everything is as it must be, look again so much later: a late write would be a duplicate.
    pub(crate) quiet_period: Duration,
    pub(crate) progress: bool,
}

/// The result of driving a run.
pub(crate) struct Driven {
    pub(crate) counts: Counts,
    pub(crate) starts: Vec<Duration>,
    pub(crate) inflight: Vec<usize>,
    pub(crate) took: Duration,
    /// Why it was given up as stuck, a sentence.
    pub(crate) stuck: Option<String>,
}

impl Drive {
    /// Kills the host during the run, waits until everything is as it must be and stays so (or nothing advances any
    /// more).
    pub(crate) async fn run(
        &self,
        world: &impl World,
        host: &mut impl Host,
        view: &impl View,
        first: Duration,
    ) -> Result<Driven, Error> {
        let begun = Instant::now();
        let (mut starts, mut inflight) = (vec![first], vec![]);
        let mut watch = Watch::new(begun, self);
        watch.stall.observe(first);
        let mut schedule = Kills::new(self.kills, self.seed);
        let mut done_at: Option<Instant> = None;
        let stuck = loop {
            tokio::time::sleep(Duration::from_millis(10)).await;
            if schedule.is_due(world.progress()) {
                tokio::time::sleep(schedule.delay()).await;
                let hit = world.in_progress();
                host.kill().await?;
                inflight.push(hit);
                match host.start().await {
                    Ok(took) => {
                        watch.stall.observe(took);
                        starts.push(took);
                    }
                    Err(error) => {
                        break Some(format!(
                            "the host did not come back after kill {}: {error}",
                            inflight.len()
                        ));
                    }
                }
            }
            match watch.look(world, view, inflight.len()).await {
                Look::TooEarly => {}
                Look::Done => {
                    let since = *done_at.get_or_insert_with(Instant::now);
                    if since.elapsed() >= self.quiet_period {
                        break None;
                    }
                }
                Look::Waiting => done_at = None,
                Look::Stuck(on) => break Some(on),
            }
        };
        let took = done_at.unwrap_or_else(Instant::now).saturating_duration_since(begun);
        watch.screen.end();
        let counts = watch.counts.unwrap_or_default();
        Ok(Driven { counts, starts, inflight, took, stuck })
    }
}

pub(crate) fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// When each document came first, by its reference.
pub(crate) fn arrivals(documents: &erp::Documents) -> HashMap<String, Instant> {
    let mut arrived: HashMap<String, Instant> = HashMap::new();
    for stored in &documents.orders {
        if let Some(document) = &stored.document {
            arrived.entry(document.reference.clone()).or_insert(stored.created);
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

/// When to kill: at one point of progress in each equal part of the run.
struct Kills {
    /// The next one is last.
    points: Vec<f64>,
    rng: SmallRng,
}

impl Kills {
    fn new(kills: usize, seed: u64) -> Self {
        let mut rng = SmallRng::seed_from_u64(seed ^ 0x6b69_6c6c);
        // The last moments are left out: there is nothing to hit when everything has arrived.
        let part = 0.95 / kills.max(1) as f64;
        let points = (0..kills).map(|kill| part * (kill as f64 + rng.random::<f64>())).rev().collect();
        Self { points, rng }
    }

    fn is_due(&mut self, progress: f64) -> bool {
        let due = self.points.last().is_some_and(|point| *point <= progress);
        if due {
            self.points.pop();
        }
        due
    }

    /// A random moment, so that a kill does not come right after an order has arrived.
    fn delay(&mut self) -> Duration {
        Duration::from_micros(self.rng.random_range(0..200_000))
    }
}

/// The result of a look.
enum Look {
    /// It is not time to look.
    TooEarly,
    /// Something is missing.
    Waiting,
    /// Everything is as it must be.
    Done,
    /// Something is missing, and nothing has advanced for too long.
    Stuck(String),
}

/// Looks at the run once a second while the shop sends and more often after, and knows when it last advanced.
struct Watch {
    screen: Screen,
    shown: bool,
    begun: Instant,
    next: Instant,
    second: u64,
    /// The host's last figures.
    counts: Option<Counts>,
    stall: StallDetector,
}

impl Watch {
    fn new(begun: Instant, drive: &Drive) -> Self {
        let (screen, stall) = (Screen::new(), StallDetector::new(drive.min_stall, begun));
        Self { screen, shown: drive.progress, begun, next: begun, second: 0, counts: None, stall }
    }

    async fn look(&mut self, world: &impl World, view: &impl View, kills: usize) -> Look {
        let begun = Instant::now();
        if begun < self.next {
            return Look::TooEarly;
        }
        let counts = tokio::time::timeout(MAX_COUNTS_TIME, view.counts()).await.ok().and_then(Result::ok);
        self.counts = counts.clone().or(self.counts.take());
        self.show(world, counts.as_ref(), kills);
        let is_sent = world.is_sent();
        let missing = if is_sent { world.missing(counts.as_ref()) } else { world.unsent() };
        // A kill is a step too, and so is that everything was sent: there are so many and no more.
        let reached = world.reached().saturating_add(kills as u64).saturating_add(u64::from(is_sent));
        let now = Instant::now();
        self.stall.observe(now.saturating_duration_since(begun));
        self.stall.note(now, Position { reached, missing: missing.sum() });
        let took = now.saturating_duration_since(begun);
        let pause = Duration::from_millis(if is_sent { 250 } else { 1000 });
        self.next = now + pause.max(took * LOOK_PAUSE_FACTOR);
        if is_sent && missing.is_empty() {
            return Look::Done;
        }
        let pause = world.pause(counts.as_ref());
        if !self.stall.is_stalled(now, pause) {
            return Look::Waiting;
        }
        let (stalled, limit) = (self.stall.stalled_for(now), self.stall.limit(pause));
        let also = if is_sent { Missing::default() } else { world.missing(counts.as_ref()) };
        Look::Stuck(format!(
            "nothing has advanced for {:.0} s (limit {:.0} s); missing: {}",
            stalled.as_secs_f64(),
            limit.as_secs_f64(),
            missing.and(also),
        ))
    }

    fn show(&mut self, world: &impl World, counts: Option<&Counts>, kills: usize) {
        let second = self.begun.elapsed().as_secs();
        if !self.shown || (second <= self.second && second > 0) {
            return;
        }
        self.second = second;
        let moment = world.moment();
        self.screen.show(&Moment {
            elapsed: self.begun.elapsed(),
            exceptions: counts.map(|counts| (counts.exceptions, counts.quarantined)),
            kills,
            trouble: moment.trouble.clone().filter(|_| counts.is_none()),
            ..moment
        });
    }
}

#[cfg(test)]
mod fake_host;
#[cfg(test)]
mod small;
#[cfg(test)]
mod tests;
