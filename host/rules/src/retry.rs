//! When to try again: exponential backoff with full jitter.
//!
//! Full jitter (any delay between zero and the ceiling) spreads the retries of a thousand orders that failed together;
//! with a fixed delay they would all be sent together again.

use std::time::Duration;

/// How the ceiling of the delay grows with each failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The ceiling before the first retry. Each further retry doubles it.
    pub base: Duration,
    /// The largest ceiling.
    pub cap: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { base: Duration::from_secs(1), cap: Duration::from_secs(300) }
    }
}

impl Backoff {
    /// The longest delay before the next attempt, when `failed` attempts had failed before the current one.
    #[must_use]
    pub fn ceiling(&self, failed: u32) -> Duration {
        self.base.saturating_mul(1u32.checked_shl(failed).unwrap_or(u32::MAX)).min(self.cap)
    }

    /// The delay before the next attempt, when `failed` attempts had failed before the current one; `random` is any number, evenly spread.
    #[must_use]
    pub fn delay(&self, failed: u32, random: u64) -> Duration {
        let ceiling = self.ceiling(failed).as_millis();
        // `random` / 2^64 of the ceiling and one, rounded down, so that both zero and the ceiling occur.
        let share = (ceiling.saturating_add(1)).saturating_mul(u128::from(random)) >> 64;
        Duration::from_millis(u64::try_from(share).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BACKOFF: Backoff = Backoff { base: Duration::from_millis(200), cap: Duration::from_secs(60) };

    #[test]
    fn a_retry_waits_with_exponential_backoff_up_to_a_cap() {
        let ceilings: Vec<u128> = (0..10).map(|n| BACKOFF.ceiling(n).as_millis()).collect();
        assert_eq!(ceilings, [200, 400, 800, 1600, 3200, 6400, 12800, 25600, 51200, 60000]);
        assert_eq!(BACKOFF.ceiling(40), BACKOFF.cap);
        assert_eq!(BACKOFF.ceiling(u32::MAX), BACKOFF.cap);
    }

    #[test]
    fn jitter_is_full() {
        assert_eq!(BACKOFF.delay(3, 0), Duration::ZERO);
        assert_eq!(BACKOFF.delay(3, u64::MAX), Duration::from_millis(1600));
        assert_eq!(BACKOFF.delay(3, u64::MAX / 2), Duration::from_millis(800));
    }

    proptest! {
        #[test]
        fn a_delay_never_exceeds_its_ceiling(failed: u32, random: u64) {
            prop_assert!(BACKOFF.delay(failed, random) <= BACKOFF.ceiling(failed));
        }

        #[test]
        fn a_delay_grows_with_the_random_number(failed in 0u32..20, a: u64, b: u64) {
            let (low, high) = (a.min(b), a.max(b));
            prop_assert!(BACKOFF.delay(failed, low) <= BACKOFF.delay(failed, high));
        }
    }
}
