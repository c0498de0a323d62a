//! The results of the operator's work so far, with what he waits for.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use crate::lock;

/// The results of the operator's work.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Done {
    /// Swaps that were carried out, or refused as expected; the host reports the running version afterwards.
    pub swaps: u64,
    /// Swaps that were refused, of these.
    pub refused: u64,
    /// Deliveries that waited for a missing mapping and continued.
    pub released: u64,
    /// Whether everything was done.
    pub finished: bool,
    /// Failures, a sentence each.
    pub flaws: Vec<String>,
    /// The operator's current waits: `for …`. The run ends when nothing advances, so no wait here has a limit of
    /// its own.
    pub waiting_for: BTreeSet<String>,
}

impl Done {
    /// How many steps were done; no step is done twice.
    pub(in crate::landscape) fn steps(&self) -> u64 {
        self.swaps + self.flaws.len() as u64 + u64::from(self.released > 0) + u64::from(self.finished)
    }
}

/// A wait of the operator, listed as long as this lives.
pub(super) struct Waiting {
    done: Arc<Mutex<Done>>,
    what: String,
}

impl Waiting {
    /// Lists the wait until the result is dropped.
    pub(super) fn new(done: &Arc<Mutex<Done>>, what: String) -> Self {
        lock(done).waiting_for.insert(what.clone());
        Self { done: Arc::clone(done), what }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        lock(&self.done).waiting_for.remove(&self.what);
    }
}
