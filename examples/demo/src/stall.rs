//! When a wait is given up: after nothing has advanced for longer than the slowness seen in this run explains.
//!
//! A fixed time limit fails on a slow machine, and a wait without a limit may never end. So a wait here reports a
//! position, and is given up only when the position no longer advances. [`StallDetector`] is the rule, [`until`] the
//! wait that tests use. This module knows neither shop nor host, and reads no clock.

use std::time::{Duration, Instant};

/// The factor by which observed durations count, since a machine may become slower than it was so far.
const SLOWNESS_FACTOR: u32 = 3;

/// How often [`until`] asks.
const ASK_INTERVAL: Duration = Duration::from_millis(50);

/// [`until`] ends after this number of stall limits even if each answer differs from the one before.
const MAX_STALL_LIMITS: u32 = 5;

/// The position of a run. It advances when `reached` grows, or when `missing` is lower than ever since `reached` last
/// grew. Both are natural numbers and `reached` has an upper bound, so no run advances for ever: one that repeats the
/// same states stalls like one that stands still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Steps that were reached and are never taken back, each counted once.
    pub reached: u64,
    /// The number of missing things.
    pub missing: u64,
}

/// Decides whether something has stopped advancing.
///
/// The limit is a minimum, plus a pause that is due by design (goods that rest before they leave), plus three times
/// the slowest that was observed: the longest time between two advances, and every other duration given to
/// [`Self::observe`]. On a slow machine all of these are longer, and so is the limit.
#[derive(Debug, Clone)]
pub struct StallDetector {
    min_limit: Duration,
    best: Option<Position>,
    advanced_at: Instant,
    slowest: Duration,
}

impl StallDetector {
    /// A detector that waits at least `min_limit` for the next advance, counted from `now`.
    pub fn new(min_limit: Duration, now: Instant) -> Self {
        Self { min_limit, best: None, advanced_at: now, slowest: Duration::ZERO }
    }

    /// Records the position at `now`; true when it is an advance.
    pub fn note(&mut self, now: Instant, position: Position) -> bool {
        let advances = self.best.is_none_or(|best| {
            position.reached > best.reached
                || (position.reached == best.reached && position.missing < best.missing)
        });
        if advances {
            self.observe(now.saturating_duration_since(self.advanced_at));
            self.best = Some(position);
            self.advanced_at = now;
        }
        advances
    }

    /// Records how long something took that has to happen between two advances: a start of the host, an answer.
    pub fn observe(&mut self, took: Duration) {
        self.slowest = self.slowest.max(took);
    }

    /// The longest time without an advance, where `pause` is expected by design.
    pub fn limit(&self, pause: Duration) -> Duration {
        self.min_limit + pause + self.slowest * SLOWNESS_FACTOR
    }

    /// The time since the last advance.
    pub fn stalled_for(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.advanced_at)
    }

    /// Whether nothing has advanced for longer than the limit.
    pub fn is_stalled(&self, now: Instant, pause: Duration) -> bool {
        self.stalled_for(now) > self.limit(pause)
    }
}

/// Repeats a question until the answer is `Ok`.
///
/// # Errors
/// The last answer, when it has been the same for longer than the stall limit (at least `min_limit`), and in any
/// case after five times that: an answer that says how far things are keeps the wait alive while they move.
pub async fn until<T, E: std::fmt::Display>(
    min_limit: Duration,
    mut ask: impl AsyncFnMut() -> Result<T, E>,
) -> Result<T, E> {
    let begun = Instant::now();
    let mut stall = StallDetector::new(min_limit, begun);
    let (mut answers, mut last) = (0, None);
    loop {
        let asked = Instant::now();
        let error = match ask().await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        let now = Instant::now();
        stall.observe(now.saturating_duration_since(asked));
        let text = error.to_string();
        if last.as_ref() != Some(&text) {
            (answers, last) = (answers + 1, Some(text));
        }
        stall.note(now, Position { reached: answers, missing: 0 });
        let limit = stall.limit(Duration::ZERO);
        let elapsed = now.saturating_duration_since(begun);
        if stall.is_stalled(now, Duration::ZERO) || elapsed > limit * MAX_STALL_LIMITS {
            return Err(error);
        }
        tokio::time::sleep(ASK_INTERVAL).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIN: Duration = Duration::from_secs(10);

    struct Clock(Instant);

    impl Clock {
        fn at(&self, second: u64) -> Instant {
            self.0 + Duration::from_secs(second)
        }
    }

    fn detector() -> (Clock, StallDetector) {
        let now = Instant::now();
        (Clock(now), StallDetector::new(MIN, now))
    }

    fn position(reached: u64, missing: u64) -> Position {
        Position { reached, missing }
    }

    #[test]
    fn standing_still_is_a_stall_and_a_pause_by_design_is_not() {
        let (clock, mut stall) = detector();
        assert!(stall.note(clock.at(0), position(1, 5)));
        assert!(!stall.note(clock.at(10), position(1, 5)));
        assert!(!stall.is_stalled(clock.at(10), Duration::ZERO));
        assert!(stall.is_stalled(clock.at(11), Duration::ZERO));
        assert!(!stall.is_stalled(clock.at(11), Duration::from_secs(5)));
    }

    /// Like a host that reads the same requests again and again.
    #[test]
    fn going_round_in_circles_is_a_stall() {
        let (clock, mut stall) = detector();
        for second in 0..=100 {
            stall.note(clock.at(second), position(3, 5 + second % 2));
            if stall.is_stalled(clock.at(second), Duration::ZERO) {
                assert_eq!(second, 11);
                return;
            }
        }
        panic!("it never ended");
    }

    #[test]
    fn missing_things_may_increase_when_more_was_reached() {
        let (clock, mut stall) = detector();
        stall.note(clock.at(0), position(1, 2));
        assert!(stall.note(clock.at(1), position(2, 9)));
        assert!(!stall.note(clock.at(2), position(2, 9)));
        assert!(stall.note(clock.at(3), position(2, 8)));
        assert!(!stall.note(clock.at(4), position(1, 0)), "what was reached is not taken back");
    }

    #[test]
    fn the_slower_things_are_the_longer_is_the_limit() {
        let (clock, mut stall) = detector();
        let mut now = 0;
        for (reached, pause) in [5, 20, 60, 180].into_iter().enumerate() {
            now += pause;
            assert!(!stall.is_stalled(clock.at(now), Duration::ZERO), "after {pause} s");
            stall.note(clock.at(now), position(reached as u64, 0));
        }
        assert_eq!(stall.limit(Duration::ZERO), MIN + Duration::from_secs(540));
        let (_, mut stall) = detector();
        stall.observe(Duration::from_secs(7));
        assert_eq!(stall.limit(Duration::ZERO), MIN + Duration::from_secs(21));
    }

    #[tokio::test]
    async fn a_wait_lives_as_long_as_the_answer_changes() {
        let limit = Duration::from_millis(200);
        let mut asked = 0;
        let answer = until(limit, async || {
            asked += 1;
            tokio::time::sleep(Duration::from_millis(20)).await;
            if asked < 12 { Err(format!("{asked} of 12")) } else { Ok(asked) }
        });
        assert_eq!(answer.await, Ok(12));
        let same = until(Duration::ZERO, async || Err::<(), _>("nothing yet"));
        assert_eq!(same.await, Err("nothing yet"));
        let mut asked = 0;
        let flips = until(Duration::ZERO, async || {
            asked += 1;
            Err::<(), _>(format!("{}", asked % 2))
        });
        assert!(flips.await.is_err());
    }
}
