//! The flow's one source of random numbers. It starts from a seed, so that a run can be repeated.

use std::sync::{Mutex, PoisonError};

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

/// A seeded generator that all drivers draw from.
pub(crate) struct Randomness(Mutex<SmallRng>);

impl Randomness {
    pub fn seeded(seed: u64) -> Self {
        Self(Mutex::new(SmallRng::seed_from_u64(seed)))
    }

    /// Any number, evenly spread.
    pub fn number(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).random()
    }

    /// 128 bits in hexadecimal digits: the trace of a request before it is known what it belongs to.
    pub fn trace(&self) -> String {
        format!("{:016x}{:016x}", self.number(), self.number())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers() {
        let draw = |seed| {
            let randomness = Randomness::seeded(seed);
            (randomness.number(), randomness.trace())
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }
}
