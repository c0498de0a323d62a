//! Random numbers for plugin calls.

use std::sync::{Mutex, PoisonError};

use rand::rngs::SmallRng;
use rand::{RngCore, SeedableRng};

/// A source of random numbers.
pub trait Randomness: Send + Sync + 'static {
    /// Fills with random bytes.
    fn fill(&self, bytes: &mut [u8]);
}

/// Unpredictable random numbers.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandomness;

impl Randomness for SystemRandomness {
    fn fill(&self, bytes: &mut [u8]) {
        rand::rng().fill_bytes(bytes);
    }
}

/// Reproducible random numbers from a seed, for tests and simulations.
#[derive(Debug)]
pub struct SeededRandomness(Mutex<SmallRng>);

impl SeededRandomness {
    /// The sequence of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(SmallRng::seed_from_u64(seed)))
    }
}

impl Randomness for SeededRandomness {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(bytes);
    }
}
