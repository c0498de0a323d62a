//! How fast a connector may call: a token bucket that slows down when the target throttles.
//!
//! After a target throttles, no call is made for the delay it asks for, and calls continue at half the rate; from there
//! the rate recovers gradually, so that it settles just below what the target allows.

use std::time::Duration;

use crossdock_model::time::Millis;

/// The lowest rate of a limiter, as a share of its configured rate.
const MIN_RATE_SHARE: f64 = 1.0 / 16.0;
/// How long a limiter would take to recover from zero to its configured rate without being throttled.
const RECOVERY_TIME: Duration = Duration::from_secs(60);

/// How much a sum of fractions of tokens may fall short of a whole one.
const ROUNDING_TOLERANCE: f64 = 1e-6;

/// A token bucket. One token is one call.
#[derive(Clone, Debug)]
pub struct Limiter {
    /// Calls a second as configured.
    rate: f64,
    /// The most tokens it holds.
    burst: f64,
    /// The share of the configured rate that applies now, from [`MIN_RATE_SHARE`] to 1.
    share: f64,
    tokens: f64,
    /// Up to when tokens were counted.
    counted: Millis,
    /// No call before this moment: the target throttled.
    closed_until: Millis,
}

impl Limiter {
    /// A full bucket. `rate` is in calls a second; a rate that is not above zero counts as one call an hour,
    /// a burst of zero as one.
    #[must_use]
    pub fn new(rate: f64, burst: u32, now: Millis) -> Self {
        let rate = if rate > 0.0 { rate } else { 1.0 / 3600.0 };
        let burst = f64::from(burst.max(1));
        Self { rate, burst, share: 1.0, tokens: burst, counted: now, closed_until: now }
    }

    /// Takes up to `wanted` tokens and returns how many were available.
    pub fn take(&mut self, wanted: u32, now: Millis) -> u32 {
        self.count(now);
        if now < self.closed_until {
            return 0;
        }
        // A bucket holds at most `burst` tokens, which is a u32.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let granted = wanted.min((self.tokens + ROUNDING_TOLERANCE).floor() as u32);
        self.tokens = (self.tokens - f64::from(granted)).max(0.0);
        granted
    }

    /// Returns tokens that were taken for calls that were not made.
    pub fn put_back(&mut self, unused: u32) {
        self.tokens = (self.tokens + f64::from(unused)).min(self.burst);
    }

    /// When a token will be available at the latest; `now` when one is.
    #[must_use]
    pub fn ready_at(&self, now: Millis) -> Millis {
        let mut then = self.clone();
        then.count(now);
        let missing = (1.0 - then.tokens).max(0.0);
        // The rate can only rise meanwhile, so this is the latest moment.
        let wait = Duration::try_from_secs_f64(missing / (then.rate * then.share)).unwrap_or(RECOVERY_TIME);
        let whole =
            Duration::from_millis(u64::try_from(wait.as_micros().div_ceil(1_000)).unwrap_or(u64::MAX));
        // No tokens accrue until the target accepts calls again.
        now.max(then.closed_until).plus(whole)
    }

    /// The target throttled: no call for `wait`, then half the rate.
    pub fn throttled(&mut self, wait: Duration, now: Millis) {
        self.count(now);
        // Several calls in flight may be throttled at the same time: that halves the rate once.
        if now >= self.closed_until {
            self.share = (self.share / 2.0).max(MIN_RATE_SHARE);
        }
        self.closed_until = self.closed_until.max(now.plus(wait));
        self.tokens = self.tokens.min(1.0);
    }

    /// Calls a second that are allowed now.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.rate * self.share
    }

    /// Adds the tokens of the elapsed time, and lets the rate recover.
    fn count(&mut self, now: Millis) {
        let from = self.counted.max(self.closed_until.min(now));
        let elapsed = now.since(from).as_secs_f64();
        self.counted = self.counted.max(now);
        self.tokens = (self.tokens + elapsed * self.rate * self.share).min(self.burst);
        self.share = (self.share + elapsed / RECOVERY_TIME.as_secs_f64()).min(1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_burst_is_allowed_at_once_and_then_the_rate_applies() {
        let mut limiter = Limiter::new(40.0, 80, Millis(0));
        assert_eq!(limiter.take(100, Millis(0)), 80);
        assert_eq!(limiter.take(1, Millis(0)), 0);
        assert_eq!(limiter.ready_at(Millis(0)), Millis(25));
        assert_eq!(limiter.take(100, Millis(1_000)), 40);
        assert_eq!(limiter.take(100, Millis(60_000)), 80);
    }

    #[test]
    fn tokens_of_calls_that_were_not_made_are_returned() {
        let mut limiter = Limiter::new(1.0, 4, Millis(0));
        assert_eq!(limiter.take(4, Millis(0)), 4);
        limiter.put_back(3);
        assert_eq!(limiter.take(4, Millis(0)), 3);
        limiter.put_back(100);
        assert_eq!(limiter.take(100, Millis(0)), 4);
    }

    #[test]
    fn throttled_waits_and_slows_the_limiter() {
        let mut limiter = Limiter::new(40.0, 80, Millis(0));
        limiter.throttled(Duration::from_secs(2), Millis(0));
        assert_eq!(limiter.take(1, Millis(1_999)), 0);
        assert_eq!(limiter.ready_at(Millis(500)), Millis(2_000));
        assert_eq!(limiter.take(10, Millis(2_000)), 1);
        assert!((limiter.rate() - 20.0).abs() < 0.001);
        assert!(limiter.take(100, Millis(3_000)) <= 21);
    }

    #[test]
    fn calls_throttled_at_the_same_time_halve_the_rate_once() {
        let mut limiter = Limiter::new(40.0, 80, Millis(0));
        for _ in 0..8 {
            limiter.throttled(Duration::from_secs(1), Millis(0));
        }
        assert!((limiter.rate() - 20.0).abs() < 0.001);
        for n in 1..20 {
            limiter.throttled(Duration::from_millis(1), Millis(n * 1_000));
        }
        assert!(limiter.rate() >= 40.0 / 16.0);
    }

    #[test]
    fn a_slowed_limiter_recovers_gradually() {
        let mut limiter = Limiter::new(40.0, 80, Millis(0));
        limiter.throttled(Duration::ZERO, Millis(0));
        limiter.take(1, Millis(6_000));
        assert!((limiter.rate() - 24.0).abs() < 0.01, "{}", limiter.rate());
        limiter.take(1, Millis(60_000));
        assert!((limiter.rate() - 40.0).abs() < 0.01);
    }

    #[test]
    fn a_clock_that_steps_back_mints_no_tokens() {
        let mut limiter = Limiter::new(10.0, 10, Millis(10_000));
        assert_eq!(limiter.take(10, Millis(10_000)), 10);
        assert_eq!(limiter.take(10, Millis(0)), 0);
        assert_eq!(limiter.take(10, Millis(10_000)), 0);
    }

    proptest! {
        #[test]
        fn never_more_calls_than_burst_and_rate_allow(
            rate in 0.5f64..200.0,
            burst in 1u32..100,
            steps in prop::collection::vec((0i64..2_000, 0u32..50), 1..60),
        ) {
            let mut limiter = Limiter::new(rate, burst, Millis(0));
            let (mut now, mut granted) = (0, 0u64);
            for (step, wanted) in steps {
                now += step;
                granted += u64::from(limiter.take(wanted, Millis(now)));
                let allowed = f64::from(burst) + rate * now as f64 / 1000.0;
                prop_assert!(granted as f64 <= allowed + 0.001);
            }
        }

        #[test]
        fn a_token_is_available_when_the_limiter_is_ready(
            rate in 0.5f64..200.0, burst in 1u32..50, drained in 0u32..60, pause in 0u64..5_000, at in 0i64..5_000,
        ) {
            let mut limiter = Limiter::new(rate, burst, Millis(0));
            limiter.take(drained, Millis(0));
            limiter.throttled(Duration::from_millis(pause), Millis(at));
            let ready = limiter.ready_at(Millis(at));
            prop_assert!(limiter.take(1, ready) == 1);
        }
    }
}
