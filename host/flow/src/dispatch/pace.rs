//! How much may be sent now: concurrency, the rate limit and the breaker, in one place.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crossdock_model::time::Millis;
use crossdock_rules::breaker::{self, Breaker, Permit};
use crossdock_rules::limiter::Limiter;
use crossdock_rules::outcome::{Settlement, Signal};

use crate::connector::Sink;

/// A rate no target is called at: what stands for "no limit but concurrency".
const UNLIMITED: f64 = 1_000_000.0;

/// What may be sent now.
pub(super) enum Room {
    /// So many pieces, each with the breaker's permit.
    Now(Vec<Permit>),
    /// Nothing before this moment.
    At(Millis),
    /// Nothing until a call ends.
    Full,
}

pub(super) struct Pace {
    inner: Mutex<Inner>,
}

struct Inner {
    breaker: Breaker,
    limiter: Limiter,
    concurrency: u32,
    under_way: u32,
}

impl Pace {
    pub fn new(sink: &Sink, now: Millis) -> Self {
        let (rate, burst) = sink.rate.unwrap_or((UNLIMITED, 1_000_000));
        let limiter = Limiter::new(rate, burst, now);
        let breaker = Breaker::new(breaker::Options::default());
        Self { inner: Mutex::new(Inner { breaker, limiter, concurrency: sink.concurrency, under_way: 0 }) }
    }

    /// Takes everything that may be sent now.
    pub fn room(&self, now: Millis) -> Room {
        let mut inner = self.lock();
        let free = inner.concurrency.saturating_sub(inner.under_way);
        if free == 0 {
            return Room::Full;
        }
        let tokens = inner.limiter.take(free, now);
        if tokens == 0 {
            return Room::At(inner.limiter.ready_at(now).max(now.plus(Duration::from_millis(1))));
        }
        let mut permits = Vec::new();
        for _ in 0..tokens {
            let Some(permit) = inner.breaker.permit(now) else { break };
            permits.push(permit);
        }
        let taken = u32::try_from(permits.len()).unwrap_or(u32::MAX);
        inner.limiter.put_back(tokens.saturating_sub(taken));
        inner.under_way = inner.under_way.saturating_add(taken);
        if taken > 0 {
            return Room::Now(permits);
        }
        match inner.breaker.state(now) {
            breaker::State::Open { until } => Room::At(until),
            // The probe is under way: its answer decides.
            breaker::State::HalfOpen | breaker::State::Closed => {
                Room::At(now.plus(Duration::from_millis(50)))
            }
        }
    }

    /// Gives back what was not needed.
    pub fn unused(&self, permits: Vec<Permit>, now: Millis) {
        let mut inner = self.lock();
        let count = u32::try_from(permits.len()).unwrap_or(u32::MAX);
        inner.limiter.put_back(count);
        inner.under_way = inner.under_way.saturating_sub(count);
        for permit in permits {
            inner.breaker.record(permit, Signal::Neither, now);
        }
    }

    /// A call has ended, with what it says about the target.
    pub fn ended(&self, permit: Permit, settlement: &Settlement, now: Millis) {
        let mut inner = self.lock();
        inner.under_way = inner.under_way.saturating_sub(1);
        inner.breaker.record(permit, settlement.breaker, now);
        if let Some(wait) = settlement.slow {
            inner.limiter.throttled(wait, now);
        }
    }

    /// How many pieces are under way.
    pub fn under_way(&self) -> u32 {
        self.lock().under_way
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
