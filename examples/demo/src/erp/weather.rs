//! How badly the ERP behaves: how each request ends is drawn from a seed and a few shares.

use std::time::{Duration, Instant};

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

/// Timers are never exact: a commit may be so much later than it should be.
const COMMIT_GRACE: Duration = Duration::from_secs(1);

/// How slow, busy and unreliable the ERP is.
#[derive(Debug, Clone)]
pub struct Weather {
    /// An ordinary call takes between these two.
    pub latency: (Duration, Duration),
    /// Share of calls that are slow: up to `slow_up_to`.
    pub slow: f64,
    /// The longest a call takes, and so the longest until it has committed: a call that would commit later, since the
    /// machine is busy, does not commit at all.
    pub slow_up_to: Duration,
    /// More requests a second than this are answered 429 with `Retry-After: 1`.
    pub throttle_per_s: Option<u32>,
    /// Share of calls answered 503; nothing is committed.
    pub unavailable: f64,
    /// Share of writes whose connection is dropped after the commit, without an answer.
    pub drop_after_commit: f64,
    /// Share of writes whose connection is dropped and nothing is committed: to the caller it looks the same.
    pub drop_before_commit: f64,
    /// A commit is found by search only after up to this long, uniform for each document.
    pub search_lag: Duration,
}

impl Weather {
    /// The faults of the demo.
    ///
    /// An unanswered write has committed within [`Self::slow_up_to`] (2 s, and a second of grace), even if the caller
    /// is gone, and is found by search within [`Self::search_lag`] (5 s) of that, or it never will: "absent" may be
    /// believed after 8 s.
    pub fn stormy() -> Self {
        Self {
            latency: (Duration::from_millis(3), Duration::from_millis(40)),
            slow: 0.02,
            slow_up_to: Duration::from_secs(2),
            throttle_per_s: Some(250),
            unavailable: 0.01,
            drop_after_commit: 0.06,
            drop_before_commit: 0.01,
            search_lag: Duration::from_secs(5),
        }
    }

    /// Nothing goes wrong and nothing takes time: the floor of a benchmark.
    pub fn calm() -> Self {
        Self {
            latency: (Duration::ZERO, Duration::ZERO),
            slow: 0.0,
            slow_up_to: Duration::ZERO,
            throttle_per_s: None,
            unavailable: 0.0,
            drop_after_commit: 0.0,
            drop_before_commit: 0.0,
            search_lag: Duration::ZERO,
        }
    }

    /// Whether requests can be answered on the spot, without drawing anything.
    pub(super) fn is_calm(&self) -> bool {
        self.latency.1.is_zero()
            && self.slow == 0.0
            && self.throttle_per_s.is_none()
            && self.unavailable == 0.0
            && self.drop_after_commit == 0.0
            && self.drop_before_commit == 0.0
            && self.search_lag.is_zero()
    }
}

/// How a call ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Answer,
    Unavailable,
    DropAfterCommit,
    DropBeforeCommit,
}

/// How one request goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct CallPlan {
    pub(super) before_commit: Duration,
    /// It commits within this time or not at all.
    pub(super) commit_limit: Duration,
    pub(super) after_commit: Duration,
    pub(super) lag: Duration,
    pub(super) ending: Ending,
}

/// Draws how requests go, and counts them for the throttle.
pub(super) struct FaultSource {
    weather: Weather,
    rng: SmallRng,
    tokens: f64,
    refilled: Instant,
}

impl FaultSource {
    pub(super) fn new(weather: Weather, seed: u64, now: Instant) -> Self {
        let tokens = f64::from(weather.throttle_per_s.unwrap_or(0));
        Self { weather, rng: SmallRng::seed_from_u64(seed), tokens, refilled: now }
    }

    /// Takes one request's share of the rate; `false` means 429. The bucket holds one second's worth.
    pub(super) fn admit(&mut self, now: Instant) -> bool {
        let Some(rate) = self.weather.throttle_per_s.map(f64::from) else { return true };
        let passed = now.saturating_duration_since(self.refilled).as_secs_f64();
        self.refilled = now;
        self.tokens = (self.tokens + passed * rate).min(rate);
        if self.tokens < 1.0 {
            return false;
        }
        self.tokens -= 1.0;
        true
    }

    /// How the next request goes.
    pub(super) fn plan(&mut self, write: bool) -> CallPlan {
        let Self { weather, rng, .. } = self;
        let (least, most) = weather.latency;
        let total = if rng.random_bool(weather.slow.clamp(0.0, 1.0)) {
            most + (weather.slow_up_to.saturating_sub(most)).mul_f64(rng.random::<f64>())
        } else {
            // Most calls are near the fast end, as of any server that is not overloaded.
            least + most.saturating_sub(least).mul_f64(rng.random::<f64>().powi(2))
        };
        let before_commit = total.mul_f64(rng.random::<f64>());
        let lag = weather.search_lag.mul_f64(rng.random::<f64>());
        let (after, before) = (weather.drop_after_commit, weather.drop_before_commit);
        let roll = rng.random::<f64>();
        let ending = if roll < weather.unavailable {
            Ending::Unavailable
        } else if write && roll < weather.unavailable + after {
            Ending::DropAfterCommit
        } else if write && roll < weather.unavailable + after + before {
            Ending::DropBeforeCommit
        } else {
            Ending::Answer
        };
        CallPlan {
            before_commit,
            commit_limit: most.max(weather.slow_up_to) + COMMIT_GRACE,
            after_commit: total.saturating_sub(before_commit),
            lag,
            ending,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_follow_the_shares_and_the_seed() {
        let now = Instant::now();
        let mut faults = FaultSource::new(Weather::stormy(), 7, now);
        let plans: Vec<CallPlan> = (0..20_000).map(|_| faults.plan(true)).collect();
        let share = |ending| plans.iter().filter(|f| f.ending == ending).count() as f64 / 20_000.0;
        assert!((share(Ending::DropAfterCommit) - 0.06).abs() < 0.01);
        assert!(share(Ending::Unavailable) > 0.005);
        assert!(plans.iter().all(|f| f.before_commit + f.after_commit <= Duration::from_secs(2)));
        assert!(plans.iter().all(|f| f.lag <= Duration::from_secs(5)));
        assert!(plans.iter().any(|f| f.lag > Duration::from_secs(4)));
        let mut again = FaultSource::new(Weather::stormy(), 7, now);
        assert!(plans.iter().all(|f| f.before_commit == again.plan(true).before_commit));
        assert!((0..5_000).all(|_| {
            let ending = faults.plan(false).ending;
            ending == Ending::Answer || ending == Ending::Unavailable
        }));
    }

    #[test]
    fn the_throttle_lets_its_rate_through() {
        let start = Instant::now();
        let mut faults = FaultSource::new(Weather { throttle_per_s: Some(10), ..Weather::calm() }, 1, start);
        assert_eq!((0..30).filter(|_| faults.admit(start)).count(), 10);
        let later = start + Duration::from_millis(500);
        assert_eq!((0..30).filter(|_| faults.admit(later)).count(), 5);
    }
}
