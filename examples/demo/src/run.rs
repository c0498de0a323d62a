//! Drives a run: kills the host at random moments, and waits until everything is as expected or nothing advances any
//! more.
//!
//! The outside world is a `World` and survives every kill. Kills are spread over the run by its progress, not by the
//! clock, so that each finds work in progress however fast the host is; each comes a random moment after its turn.
//! The host is started again at once. [`crate::landscape`] is the world of the demo; the tests drive a small one,
//! with a miniature host that can be given the faults that a run must detect.
//!
//! Every wait has an end. The world counts steps that are never taken back, and lists what is missing; when neither
//! gets better for longer than the slowness of this run explains (see [`crate::stall`]), the run is over and its
//! verdict names what is missing.

mod figures;
mod missing;

use std::time::{Duration, Instant};

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use crate::host::{Counts, Host, View};
use crate::report::{Moment, Screen};
use crate::stall::{Position, StallDetector};

pub(crate) use figures::{arrivals, first_tries, latency, round};
pub(crate) use missing::Missing;

/// How long the host may take to report its figures; after that a check continues without them.
const MAX_COUNTS_TIME: Duration = Duration::from_secs(30);
/// The pause between two checks is at least this many times as long as a check takes, so that checking does not load
/// a small machine.
const CHECK_PAUSE_FACTOR: u32 = 5;

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
    /// Everything that is not as expected, once all was sent; `counts` are absent while the host does not answer.
    fn missing(&self, counts: Option<&Counts>) -> Missing;
    /// Senders that are not done yet.
    fn unsent(&self) -> Missing;
    /// How long nothing may advance in a run without faults: goods rest before they leave, and a write whose outcome is
    /// unknown is looked up only later.
    fn pause(&self, counts: Option<&Counts>) -> Duration;
    /// The figures of the progress line; time, kills and the host's own figures are added.
    fn moment(&self) -> Moment;
}

/// How a run is driven.
pub(crate) struct Drive {
    pub(crate) kills: usize,
    pub(crate) seed: u64,
    /// The least time without an advance after which a run is stuck.
    pub(crate) min_stall: Duration,
    /// How long after the end everything is checked once more: a late write would be a duplicate.
    pub(crate) quiet_period: Duration,
    pub(crate) progress: bool,
}

/// The result of driving a run.
pub(crate) struct Driven {
    pub(crate) counts: Counts,
    pub(crate) starts: Vec<Duration>,
    pub(crate) inflight: Vec<usize>,
    pub(crate) took: Duration,
    /// Why it was given up as stuck, as a sentence.
    pub(crate) stuck: Option<String>,
}

impl Drive {
    /// Kills the host during the run, and waits until everything is as expected and stays so, or until nothing advances
    /// any more.
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

/// When to kill: at a random progress in each of equal parts of the run.
struct Kills {
    /// The next one is last.
    points: Vec<f64>,
    rng: SmallRng,
}

impl Kills {
    fn new(kills: usize, seed: u64) -> Self {
        let mut rng = SmallRng::seed_from_u64(seed ^ 0x6b69_6c6c);
        // Not near the end: a kill after everything has arrived would test nothing.
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

/// The result of a check.
enum Look {
    /// It is not time to check yet.
    TooEarly,
    /// Something is missing.
    Waiting,
    /// Everything is as expected.
    Done,
    /// Something is missing, and nothing has advanced for too long.
    Stuck(String),
}

/// Checks the run every second while the shop sends and more often after that, and records when it last advanced.
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
        // A kill is a step too, and so is the end of sending; both are bounded.
        let reached = world.reached().saturating_add(kills as u64).saturating_add(u64::from(is_sent));
        let now = Instant::now();
        self.stall.observe(now.saturating_duration_since(begun));
        self.stall.note(now, Position { reached, missing: missing.sum() });
        let took = now.saturating_duration_since(begun);
        let pause = Duration::from_millis(if is_sent { 250 } else { 1000 });
        self.next = now + pause.max(took * CHECK_PAUSE_FACTOR);
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
