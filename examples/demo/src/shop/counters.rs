//! Figures of a run: what the shop has sent, and how it was answered.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::lock;

/// Figures of a run, for the progress line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// Good orders begun.
    pub orders: usize,
    /// Distinct webhooks begun, forged ones and repetitions apart.
    pub webhooks: u64,
    /// Answered 2xx, repetitions included.
    pub accepted: u64,
    /// Tries that were not answered 2xx: refused, timed out, 5xx.
    pub retries: u64,
    /// Forged webhooks that were answered 401, as they must.
    pub refused_forgeries: u64,
    /// Forged webhooks that were answered 2xx: the host believed them.
    pub believed_forgeries: u64,
    /// Webhooks accepted about the writes of others.
    pub echoes: u64,
    /// Why the last unsuccessful try failed.
    pub last_trouble: Option<String>,
}

/// The figures while a run goes on.
#[derive(Default)]
pub(crate) struct Counters {
    pub(super) orders: AtomicUsize,
    pub(super) webhooks: AtomicU64,
    pub(super) accepted: AtomicU64,
    pub(super) retries: AtomicU64,
    pub(super) refused_forgeries: AtomicU64,
    pub(super) believed_forgeries: AtomicU64,
    pub(super) echoes: AtomicU64,
    /// Webhooks about the writes of others that are not accepted yet.
    pub(super) echoing: AtomicU64,
    pub(super) last_trouble: Mutex<Option<String>>,
}

impl Counters {
    /// The figures so far.
    pub(super) fn progress(&self) -> Progress {
        Progress {
            orders: self.orders.load(Ordering::Relaxed),
            webhooks: self.webhooks.load(Ordering::Relaxed),
            accepted: self.accepted.load(Ordering::Relaxed),
            retries: self.retries.load(Ordering::Relaxed),
            refused_forgeries: self.refused_forgeries.load(Ordering::Relaxed),
            believed_forgeries: self.believed_forgeries.load(Ordering::Relaxed),
            echoes: self.echoes.load(Ordering::Relaxed),
            last_trouble: lock(&self.last_trouble).clone(),
        }
    }
}
