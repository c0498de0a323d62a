//! The demo: the outside world around a Crossdock host, and the harness that kills the host during the run.
//!
//! This crate is everything that is *not* Crossdock: a [`shop`] that signs, retries, duplicates and reorders its
//! webhooks, and answers the Admin API; eight tills ([`till`]), some of them offline, late, doubled, or a day ahead;
//! a small [`erp`] over HTTP that has no unique key, is slow, throttles, drops connections after having committed,
//! and whose search lags; a trading [`partner`] that speaks X12 through an exchange folder; [`verify`], which
//! compares what the ones sent with what the others hold; [`exceptions`], which compares what the host reports with
//! what it must report; [`load`], the generator of the benchmark; [`run`], which kills a host again and again and
//! waits until everything is as it must be or nothing advances any more ([`stall`]); [`landscape`], which puts all of
//! it around one host; and [`report`], which writes the result.
//!
//! It may not know any crate of the host. It speaks to the host as the world does: over HTTP, and by SIGKILL.
//! Otherwise a mistake in the host could hide the same mistake in its examiner.

pub mod client;
pub mod erp;
pub mod exceptions;
pub mod host;
pub mod landscape;
pub mod load;
pub mod partner;
pub mod report;
pub mod run;
pub mod shop;
pub mod stall;
pub mod till;
pub mod verify;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks, also after a panic elsewhere: what was counted before it is still worth reporting.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
