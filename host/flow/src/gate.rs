//! Admission control: intake must know when reading and dispatch fall behind.
//!
//! What is behind a target that is down, paused or slow by agreement does not count: that is what the
//! queue is for, and it is durable. What counts is work this machine has accepted and could be doing now.
//! A request that comes while there is too much of it waits a moment, which slows a patient sender to the
//! pace of the host, and is then sent away with a time to come back.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::Notify;

/// Work of one sort that is in progress.
#[derive(Debug)]
pub struct Load {
    count: AtomicI64,
    excused: AtomicBool,
    /// True when it keeps out only those who add to it.
    own: bool,
    eased: Arc<Notify>,
}

impl Load {
    /// `count` more are in progress; fewer when negative. Never falls below zero.
    pub fn add(&self, count: i64) {
        let add = |now: i64| Some(now.saturating_add(count).max(0));
        let _ = self.count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
        if count < 0 {
            self.eased.notify_waiters();
        }
    }

    /// Exactly `count` are in progress.
    pub fn set(&self, count: i64) {
        self.count.store(count.max(0), Ordering::Relaxed);
        self.eased.notify_waiters();
    }

    /// Says whether the work waits for something this machine cannot speed up.
    pub fn excuse(&self, excused: bool) {
        self.excused.store(excused, Ordering::Relaxed);
        if excused {
            self.eased.notify_waiters();
        }
    }

    /// How many are in progress.
    #[must_use]
    pub fn count(&self) -> i64 {
        self.count.load(Ordering::Relaxed)
    }

    fn counts(&self) -> i64 {
        if self.excused.load(Ordering::Relaxed) { 0 } else { self.count() }
    }
}

/// Adds up loads and holds newcomers back: by what all share, and by what their own connector has to read. One
/// whose system hangs, and whose requests pile up, keeps no other out.
#[derive(Debug)]
pub struct Gate {
    loads: RwLock<Vec<Arc<Load>>>,
    limit: i64,
    patience: Duration,
    eased: Arc<Notify>,
}

impl Gate {
    /// A gate that lets in while less than `limit` is in progress for whoever comes, and else holds for
    /// `patience`.
    #[must_use]
    pub fn new(limit: u64, patience: Duration) -> Self {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        Self { loads: RwLock::default(), limit, patience, eased: Arc::default() }
    }

    /// A new sort of work to count, for everybody who comes.
    pub fn load(&self) -> Arc<Load> {
        self.add(false)
    }

    /// A new sort of work to count for those alone who come with it.
    pub fn own_load(&self) -> Arc<Load> {
        self.add(true)
    }

    fn add(&self, own: bool) -> Arc<Load> {
        let load = Arc::new(Load {
            count: AtomicI64::new(0),
            excused: AtomicBool::new(false),
            own,
            eased: Arc::clone(&self.eased),
        });
        self.loads.write().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&load));
        load
    }

    /// True when there is room now, or soon, for what will be a part of this load.
    pub async fn enter(&self, own: &Load) -> bool {
        if self.level_for(own) < self.limit {
            return true;
        }
        let room = async {
            loop {
                let eased = self.eased.notified();
                if self.level_for(own) < self.limit {
                    return;
                }
                eased.await;
            }
        };
        tokio::time::timeout(self.patience, room).await.is_ok()
    }

    fn level_for(&self, own: &Load) -> i64 {
        let loads = self.loads.read().unwrap_or_else(PoisonError::into_inner);
        let shared: i64 = loads.iter().filter(|load| !load.own).map(|load| load.counts()).sum();
        shared.saturating_add(own.counts())
    }

    /// How much is in progress.
    #[must_use]
    pub fn level(&self) -> i64 {
        self.loads.read().unwrap_or_else(PoisonError::into_inner).iter().map(|load| load.counts()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_full_gate_holds_and_then_refuses() {
        let gate = Gate::new(2, Duration::from_millis(20));
        let own = gate.own_load();
        gate.load().add(2);
        let before = tokio::time::Instant::now();
        assert!(!gate.enter(&own).await);
        assert!(before.elapsed() >= Duration::from_millis(20));
    }

    #[tokio::test]
    async fn who_waits_is_let_in_when_work_is_done() {
        let gate = Arc::new(Gate::new(2, Duration::from_secs(60)));
        let load = gate.load();
        load.add(2);
        let waiting = tokio::spawn({
            let (gate, own) = (Arc::clone(&gate), gate.own_load());
            async move { gate.enter(&own).await }
        });
        tokio::task::yield_now().await;
        load.add(-1);
        assert!(waiting.await.unwrap());
    }

    #[tokio::test]
    async fn what_waits_for_a_target_that_is_down_keeps_nobody_out() {
        let gate = Gate::new(2, Duration::from_secs(1));
        let down = gate.load();
        down.add(1000);
        down.excuse(true);
        assert!(gate.enter(&gate.own_load()).await);
    }

    #[tokio::test]
    async fn what_one_connector_has_to_read_keeps_no_other_out() {
        let gate = Gate::new(2, Duration::from_millis(20));
        let (full, other) = (gate.own_load(), gate.own_load());
        full.add(2);
        assert!(!gate.enter(&full).await && gate.enter(&other).await);
        assert_eq!(gate.level(), 2);
    }
}
