//! How much one call may send and receive.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::error::Error;

/// What one call may send and receive, and how long one request may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Requests per call.
    pub requests: u64,
    /// Bytes of bodies per call, sent and received together.
    pub bytes: u64,
    /// Bytes of one request's body.
    pub request_bytes: u64,
    /// Bytes of one response's body.
    pub response_bytes: u64,
    /// Concurrent requests of one call; further requests wait.
    pub concurrent_per_call: usize,
    /// Concurrent requests of all the connector's calls together: each takes a connection, and a host has
    /// only so many.
    pub concurrent_per_connector: usize,
    /// From the start of the request to the head of the response.
    pub first_byte: Duration,
    /// Between two parts of the response.
    pub between_bytes: Duration,
    /// From the start of the request to the end of the response.
    pub total: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            requests: 200,
            bytes: 64 << 20,
            request_bytes: 8 << 20,
            response_bytes: 8 << 20,
            concurrent_per_call: 16,
            concurrent_per_connector: 128,
            first_byte: Duration::from_secs(30),
            between_bytes: Duration::from_secs(15),
            total: Duration::from_secs(60),
        }
    }
}

/// What is left of one call's requests and bytes, and its permits for concurrent requests.
#[derive(Debug)]
pub struct Budget {
    requests: AtomicU64,
    bytes: AtomicU64,
    pub(crate) concurrent: Semaphore,
}

impl Budget {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            requests: AtomicU64::new(limits.requests),
            bytes: AtomicU64::new(limits.bytes),
            concurrent: Semaphore::new(limits.concurrent_per_call),
        }
    }

    /// Charges one request.
    pub(crate) fn charge_request(&self) -> Result<(), Error> {
        charge(&self.requests, 1, "requests")
    }

    /// Charges bytes of a body, before they are buffered.
    ///
    /// # Errors
    /// When the call has used up its bytes.
    pub fn charge_bytes(&self, bytes: u64) -> Result<(), Error> {
        charge(&self.bytes, bytes, "bytes")
    }
}

fn charge(left: &AtomicU64, amount: u64, what: &str) -> Result<(), Error> {
    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(amount))
        .map(drop)
        .map_err(|_| Error::BudgetSpent { what: what.to_owned() })
}
