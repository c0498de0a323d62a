//! Shares processor time among guests: ticks that interrupt them, and permits for those that compute long.
//!
//! A guest that computes occupies a thread of the host. Ticks interrupt it every few milliseconds; it then
//! yields, and continues when it has one of the few permits for long runs. There are fewer permits than threads,
//! so that however many guests compute without end, a thread is left for all others. Guests that are short, or
//! wait more than they compute, are not affected.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime::{Engine, UpdateDeadline};

/// How often guests are interrupted.
const TICK_INTERVAL: Duration = Duration::from_millis(5);

/// How long a guest may compute before it yields. A little less than the tick interval, so that one tick is
/// enough to detect it.
const TIME_SLICE: Duration = Duration::from_millis(4);

/// Interrupts guests, while any is running.
pub(crate) struct Ticker {
    shared: Arc<TickerState>,
    thread: Thread,
}

#[derive(Default)]
struct TickerState {
    running: AtomicUsize,
    stop: AtomicBool,
}

impl Ticker {
    pub(crate) fn start(engine: &Engine) -> std::io::Result<Self> {
        let shared = Arc::new(TickerState::default());
        let (state, engine) = (shared.clone(), engine.weak());
        let handle = thread::Builder::new().name("crossdock-ticks".to_owned()).spawn(move || {
            while !state.stop.load(Ordering::Acquire) {
                if state.running.load(Ordering::Acquire) == 0 {
                    // An idle host does not wake up two hundred times a second.
                    thread::park();
                    continue;
                }
                thread::sleep(TICK_INTERVAL);
                match engine.upgrade() {
                    Some(engine) => engine.increment_epoch(),
                    None => break,
                }
            }
        })?;
        Ok(Self { shared, thread: handle.thread().clone() })
    }

    /// Ticks until the guard is dropped.
    pub(crate) fn keep_ticking(&self) -> KeepTicking {
        if self.shared.running.fetch_add(1, Ordering::AcqRel) == 0 {
            self.thread.unpark();
        }
        KeepTicking(self.shared.clone())
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

/// Keeps the ticker running.
pub(crate) struct KeepTicking(Arc<TickerState>);

impl Drop for KeepTicking {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The permits for guests that compute long: half of the threads, so that a thread is left for the others.
pub(crate) fn long_run_permits() -> Semaphore {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    Semaphore::new((threads / 2).max(1))
}

/// One call's share of processor time.
pub(crate) struct CpuShare {
    permits: Arc<Semaphore>,
    permit: Mutex<Option<OwnedSemaphorePermit>>,
    start: Instant,
    /// When the current uninterrupted computation began, in nanoseconds since `start`.
    computing_since: AtomicU64,
    deadline: Instant,
}

impl CpuShare {
    pub(crate) fn new(permits: Arc<Semaphore>, time_limit: Duration) -> Arc<Self> {
        let start = Instant::now();
        let (permit, computing_since) = (Mutex::new(None), AtomicU64::new(0));
        Arc::new(Self { permits, permit, start, computing_since, deadline: start + time_limit })
    }

    /// What the guest does at a tick: continue, yield, or end.
    pub(crate) fn tick(self: &Arc<Self>) -> UpdateDeadline {
        let now = Instant::now();
        if now >= self.deadline {
            return UpdateDeadline::Interrupt;
        }
        let since = self.start + Duration::from_nanos(self.computing_since.load(Ordering::Relaxed));
        if now.saturating_duration_since(since) < TIME_SLICE {
            return UpdateDeadline::Continue(1);
        }
        UpdateDeadline::YieldCustom(1, Box::pin(self.clone().yield_to_others()))
    }

    /// Lets other tasks run, then waits for a permit.
    async fn yield_to_others(self: Arc<Self>) {
        self.release();
        // Other tasks run first even if a permit is free.
        tokio::task::yield_now().await;
        let permit = self.permits.clone().acquire_owned().await.ok();
        *self.permit.lock().unwrap_or_else(PoisonError::into_inner) = permit;
        self.start_computing();
    }

    fn release(&self) {
        drop(self.permit.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    fn start_computing(&self) {
        let nanos = u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.computing_since.store(nanos, Ordering::Relaxed);
    }

    /// Runs a call, measuring how long it computes without a pause, and releasing its permit while it waits.
    pub(crate) async fn run<F: Future>(&self, call: F) -> F::Output {
        let mut call = std::pin::pin!(call);
        std::future::poll_fn(|context| {
            self.start_computing();
            let polled = call.as_mut().poll(context);
            self.release();
            polled
        })
        .await
    }
}
