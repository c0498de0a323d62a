//! Leases of claims: how long one has to be, and whether a call may still be made under it.
//!
//! A claim is stored with the end of its lease; after that the store hands the claimed rows to another claimer.
//! Between the claim and the call lies time that nobody bounds: the commit of the claim, the wait for a slot, the calls
//! before this one. So the lease is checked again immediately before each call. A call that could outlast it is not
//! made; the claim is left to expire, and what was claimed is then treated as any other lost claim.
//!
//! Time that passes is measured by the monotonic clock. The wall clock, by which the store judges, can be set: when it
//! is already past the stored end, the claim may be lost, whatever the monotonic clock says.

use std::time::{Duration, Instant};

use crossdock_model::time::{Clock, Millis};

/// What a lease covers besides calls: the commit of the claim before them, and that of their outcome after them.
const COMMIT_MARGIN: Duration = Duration::from_secs(10);

/// How long a lease has to be for `calls` calls of at most `deadline` each, made one after another.
pub(crate) fn length(deadline: Duration, calls: u32) -> Duration {
    deadline.saturating_mul(calls).saturating_add(COMMIT_MARGIN)
}

/// One moment by both clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub monotonic: Instant,
    pub wall: Millis,
}

impl Moment {
    pub fn now(clock: &dyn Clock) -> Self {
        Self { monotonic: clock.monotonic(), wall: clock.now() }
    }
}

/// The lease of a claim, as the host that made the claim measures it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lease {
    ends: Moment,
}

impl Lease {
    /// A lease of this length. `claimed` is taken before the claim is submitted, and its wall clock is the time that
    /// the claim is stored with: so the lease never ends later here than in the store.
    pub fn new(claimed: Moment, length: Duration) -> Self {
        let monotonic = claimed.monotonic.checked_add(length).unwrap_or(claimed.monotonic);
        Self { ends: Moment { monotonic, wall: claimed.wall.plus(length) } }
    }

    /// True when work of at most this duration, begun now, ends before the lease does.
    pub fn covers(&self, work: Duration, now: Moment) -> bool {
        let ends = now.monotonic.checked_add(work);
        ends.is_some_and(|end| end <= self.ends.monotonic) && now.wall.plus(work) <= self.ends.wall
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALL: Duration = Duration::from_secs(20);

    fn moment(start: Instant, monotonic: u64, wall: u64) -> Moment {
        Moment { monotonic: start + Duration::from_secs(monotonic), wall: Millis(1000 * wall as i64) }
    }

    fn lease(start: Instant) -> Lease {
        Lease::new(moment(start, 0, 0), length(CALL, 2))
    }

    #[test]
    fn a_lease_covers_its_calls_one_after_another() {
        assert_eq!(length(CALL, 2), Duration::from_secs(50));
        let start = Instant::now();
        assert!(lease(start).covers(CALL, moment(start, 0, 0)));
        assert!(lease(start).covers(CALL, moment(start, 20, 20)));
    }

    #[test]
    fn a_call_that_could_outlast_the_lease_is_not_covered() {
        let start = Instant::now();
        assert!(lease(start).covers(CALL, moment(start, 30, 30)));
        assert!(!lease(start).covers(CALL, moment(start, 31, 31)));
        assert!(!lease(start).covers(CALL, moment(start, 50, 50)));
    }

    #[test]
    fn a_wall_clock_that_was_set_back_does_not_extend_the_lease() {
        let start = Instant::now();
        assert!(!lease(start).covers(CALL, moment(start, 31, 0)));
    }

    #[test]
    fn a_wall_clock_that_was_set_forward_ends_the_lease_as_it_does_in_the_store() {
        let start = Instant::now();
        assert!(!lease(start).covers(CALL, moment(start, 0, 31)));
    }

    #[test]
    fn durations_beyond_every_clock_are_no_lease_and_never_covered() {
        let start = Instant::now();
        let endless = Lease::new(moment(start, 0, 0), Duration::MAX);
        assert!(!endless.covers(CALL, moment(start, 0, 0)));
        assert!(!lease(start).covers(Duration::MAX, moment(start, 0, 0)));
    }
}
