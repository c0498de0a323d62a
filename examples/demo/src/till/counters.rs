//! Figures of the tills: what they sold and sent, and how it was answered.

use std::sync::atomic::{AtomicU64, Ordering};

/// Figures for the progress line and the table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Sales rung up.
    pub sales: u64,
    /// Sales uploaded late by tills that were offline.
    pub late: u64,
    /// Files and requests that were sent again.
    pub doubled: u64,
    /// Requests that were not answered 2xx.
    pub retries: u64,
    /// Requests that were answered 2xx, and files that were put: so many as the tills have to send, and no more.
    pub accepted: u64,
}

/// The figures while the tills sell.
#[derive(Default)]
pub(crate) struct Counters {
    sales: AtomicU64,
    late: AtomicU64,
    doubled: AtomicU64,
    retries: AtomicU64,
    accepted: AtomicU64,
}

impl Counters {
    /// The figures so far.
    pub(super) fn progress(&self) -> Progress {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Progress {
            sales: read(&self.sales),
            late: read(&self.late),
            doubled: read(&self.doubled),
            retries: read(&self.retries),
            accepted: read(&self.accepted),
        }
    }

    pub(super) fn sold(&self) {
        self.sales.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn uploaded_late(&self, sales: u64) {
        self.late.fetch_add(sales, Ordering::Relaxed);
    }

    pub(crate) fn accepted(&self) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn retried(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn repeated(&self) {
        self.doubled.fetch_add(1, Ordering::Relaxed);
    }
}
