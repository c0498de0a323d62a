//! Counts how often the store failed at the events of a request.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// How often the store may fail at one request before the request is quarantined.
const MAX_STORE_FAULTS: u32 = 8;

/// The faults of requests that had one and are not finished. In memory: a new process begins to count anew.
#[derive(Default)]
pub(crate) struct StoreFaults(Mutex<HashMap<i64, u32>>);

impl StoreFaults {
    /// Counts one more fault of a request. True when it was the last that is tolerated.
    pub fn is_exhausted(&self, inbound: i64) -> bool {
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = faults.entry(inbound).or_insert(0);
        *count = count.saturating_add(1);
        *count >= MAX_STORE_FAULTS
    }

    /// The request is finished.
    pub fn forget(&self, inbound: i64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&inbound);
    }
}
