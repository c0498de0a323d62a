//! The circuit breaker of a connector: while its target is down, no delivery is claimed for it.
//!
//! It counts only calls that found the target down, never refusals. Deliveries that it delays use up no attempts, so
//! an outage raises no exceptions. After a cool-down one call probes the target; each probe that finds it still down
//! doubles the cool-down.

use std::time::Duration;

use crossdock_model::time::Millis;

use crate::outcome::Signal;

/// When a circuit breaker opens and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// How many calls in a row must find the target down to open it.
    pub threshold: u32,
    /// How long it stays open at first.
    pub cool_down: Duration,
    /// How long it stays open at most.
    pub max_cool_down: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { threshold: 5, cool_down: Duration::from_secs(1), max_cool_down: Duration::from_secs(60) }
    }
}

/// Which calls the circuit breaker permits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// All calls.
    Closed,
    /// No call before this moment.
    Open {
        /// When a probe is permitted.
        until: Millis,
    },
    /// One call, the probe.
    HalfOpen,
}

/// The permission to make one call. Returned to the circuit breaker with the signal of the call.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a permit that is not returned blocks the probe"]
pub struct Permit {
    /// The generation in which it was given: an answer from before the outage says nothing about the target now.
    generation: u64,
    probe: bool,
}

impl Permit {
    /// True when the call is the probe of a target that was down: see [`crate::outcome::CallContext::probe`].
    #[must_use]
    pub fn is_probe(&self) -> bool {
        self.probe
    }
}

/// The circuit breaker. Lives in memory: after a restart the target is assumed to be up.
#[derive(Debug)]
pub struct Breaker {
    options: Options,
    state: Phase,
    /// Rises with every change of phase.
    generation: u64,
    cool_down: Duration,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    Closed { down: u32 },
    Open { until: Millis },
    HalfOpen { probing: bool },
}

impl Breaker {
    /// A closed circuit breaker.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self { options, state: Phase::Closed { down: 0 }, generation: 0, cool_down: options.cool_down }
    }

    /// Requests permission to make one call. None while the target is assumed to be down.
    pub fn permit(&mut self, now: Millis) -> Option<Permit> {
        if let Phase::Open { until } = self.state
            && now >= until
        {
            self.change(Phase::HalfOpen { probing: false });
        }
        match &mut self.state {
            Phase::Closed { .. } => Some(Permit { generation: self.generation, probe: false }),
            Phase::Open { .. } | Phase::HalfOpen { probing: true } => None,
            Phase::HalfOpen { probing } => {
                *probing = true;
                Some(Permit { generation: self.generation, probe: true })
            }
        }
    }

    /// Takes a permit back with the signal of its call; `Neither` for a call that was not made.
    pub fn record(&mut self, permit: Permit, signal: Signal, now: Millis) {
        if permit.generation != self.generation {
            return;
        }
        match (&mut self.state, signal) {
            (Phase::Closed { down }, Signal::Up) => *down = 0,
            (Phase::Closed { down }, Signal::Down) => {
                *down = down.saturating_add(1);
                if *down >= self.options.threshold {
                    self.cool_down = self.options.cool_down;
                    self.open(now);
                }
            }
            (Phase::HalfOpen { .. }, Signal::Up) => self.change(Phase::Closed { down: 0 }),
            (Phase::HalfOpen { .. }, Signal::Down) => {
                self.cool_down = self.cool_down.saturating_mul(2).min(self.options.max_cool_down);
                self.open(now);
            }
            (Phase::HalfOpen { probing }, Signal::Neither) => *probing = false,
            (Phase::Closed { .. }, Signal::Neither) | (Phase::Open { .. }, _) => {}
        }
    }

    /// Which calls it permits now.
    #[must_use]
    pub fn state(&self, now: Millis) -> State {
        match self.state {
            Phase::Closed { .. } => State::Closed,
            Phase::Open { until } if now < until => State::Open { until },
            Phase::Open { .. } | Phase::HalfOpen { .. } => State::HalfOpen,
        }
    }

    fn open(&mut self, now: Millis) {
        self.change(Phase::Open { until: now.plus(self.cool_down) });
    }

    fn change(&mut self, phase: Phase) {
        self.state = phase;
        self.generation = self.generation.wrapping_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: Options =
        Options { threshold: 3, cool_down: Duration::from_secs(1), max_cool_down: Duration::from_secs(3) };

    fn call(breaker: &mut Breaker, signal: Signal, now: i64) -> bool {
        match breaker.permit(Millis(now)) {
            Some(permit) => {
                breaker.record(permit, signal, Millis(now));
                true
            }
            None => false,
        }
    }

    fn down(breaker: &mut Breaker, now: i64) {
        for _ in 0..3 {
            assert!(call(breaker, Signal::Down, now));
        }
    }

    #[test]
    fn a_breaker_opens_when_the_target_is_repeatedly_down() {
        let mut breaker = Breaker::new(OPTIONS);
        down(&mut breaker, 0);
        assert_eq!(breaker.state(Millis(0)), State::Open { until: Millis(1_000) });
        assert!(!call(&mut breaker, Signal::Up, 999));
    }

    #[test]
    fn a_breaker_does_not_count_refusals() {
        let mut breaker = Breaker::new(OPTIONS);
        for now in 0..100 {
            assert!(call(&mut breaker, Signal::Down, now));
            assert!(call(&mut breaker, Signal::Down, now));
            // It answered, so it is up, whatever the answer.
            assert!(call(&mut breaker, Signal::Up, now));
        }
        assert_eq!(breaker.state(Millis(100)), State::Closed);
        for now in 0..100 {
            assert!(call(&mut breaker, Signal::Neither, now));
        }
        assert_eq!(breaker.state(Millis(100)), State::Closed);
    }

    #[test]
    fn one_probe_is_permitted_after_the_cool_down_and_closes_the_breaker() {
        let mut breaker = Breaker::new(OPTIONS);
        down(&mut breaker, 0);
        let probe = breaker.permit(Millis(1_000)).unwrap();
        assert!(probe.is_probe());
        assert_eq!(breaker.permit(Millis(1_000)), None);
        breaker.record(probe, Signal::Up, Millis(1_200));
        assert_eq!(breaker.state(Millis(1_200)), State::Closed);
        assert!(!breaker.permit(Millis(1_200)).unwrap().is_probe());
    }

    #[test]
    fn each_failed_probe_doubles_the_cool_down_up_to_a_limit() {
        let mut breaker = Breaker::new(OPTIONS);
        down(&mut breaker, 0);
        assert!(call(&mut breaker, Signal::Down, 1_000));
        assert_eq!(breaker.state(Millis(1_000)), State::Open { until: Millis(3_000) });
        assert!(call(&mut breaker, Signal::Down, 3_000));
        assert_eq!(breaker.state(Millis(3_000)), State::Open { until: Millis(6_000) });
        assert!(call(&mut breaker, Signal::Up, 6_000));
        down(&mut breaker, 7_000);
        assert_eq!(breaker.state(Millis(7_000)), State::Open { until: Millis(8_000) });
    }

    #[test]
    fn a_probe_without_a_signal_permits_another() {
        let mut breaker = Breaker::new(OPTIONS);
        down(&mut breaker, 0);
        assert!(call(&mut breaker, Signal::Neither, 1_000));
        assert!(call(&mut breaker, Signal::Up, 1_001));
        assert_eq!(breaker.state(Millis(1_001)), State::Closed);
    }

    #[test]
    fn answers_from_before_the_outage_do_not_count() {
        let mut breaker = Breaker::new(OPTIONS);
        let early = breaker.permit(Millis(0)).unwrap();
        let late = breaker.permit(Millis(0)).unwrap();
        down(&mut breaker, 0);
        breaker.record(early, Signal::Up, Millis(10));
        assert_eq!(breaker.state(Millis(10)), State::Open { until: Millis(1_000) });
        let probe = breaker.permit(Millis(1_000)).unwrap();
        breaker.record(late, Signal::Down, Millis(1_000));
        assert_eq!(breaker.state(Millis(1_000)), State::HalfOpen);
        breaker.record(probe, Signal::Up, Millis(1_001));
        assert_eq!(breaker.state(Millis(1_001)), State::Closed);
    }
}
