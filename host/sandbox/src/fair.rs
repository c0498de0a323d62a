//! Time for everybody: ticks that interrupt guests, and turns for those that compute long.
//!
//! A guest that computes occupies a thread of the host. Ticks interrupt it every few milliseconds; it then
//! lets others run, and goes on when it has one of the few places for guests that compute long. Fewer
//! places than threads: however many guests run wild, a thread is left for all others. A guest that is
//! short, or waits more than it computes, never notices.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime::{Engine, UpdateDeadline};

/// How often guests are interrupted.
const TICK: Duration = Duration::from_millis(5);

/// How long a guest may compute in one go before it has to take turns. A little less than a tick, so that
/// one tick is enough to notice.
const SLICE: Duration = Duration::from_millis(4);

/// Interrupts guests, as long as any is running.
pub(crate) struct Ticker {
    shared: Arc<Ticking>,
    thread: Thread,
}

#[derive(Default)]
struct Ticking {
    running: AtomicUsize,
    stop: AtomicBool,
}

impl Ticker {
    pub(crate) fn start(engine: &Engine) -> std::io::Result<Self> {
        let shared = Arc::new(Ticking::default());
        let (ticking, engine) = (shared.clone(), engine.weak());
        let handle = thread::Builder::new().name("crossdock-ticks".to_owned()).spawn(move || {
            while !ticking.stop.load(Ordering::Acquire) {
                if ticking.running.load(Ordering::Acquire) == 0 {
                    // An idle host does not wake up two hundred times a second for nobody.
                    thread::park();
                    continue;
                }
                thread::sleep(TICK);
                match engine.upgrade() {
                    Some(engine) => engine.increment_epoch(),
                    None => break,
                }
            }
        })?;
        Ok(Self { shared, thread: handle.thread().clone() })
    }

    /// Keeps the ticks going until the answer is dropped.
    pub(crate) fn running(&self) -> Running {
        if self.shared.running.fetch_add(1, Ordering::AcqRel) == 0 {
            self.thread.unpark();
        }
        Running(self.shared.clone())
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

/// A guest is running.
pub(crate) struct Running(Arc<Ticking>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The places for guests that compute long: half of the threads, so that a thread is left for the others.
pub(crate) fn places() -> Arc<Semaphore> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    Arc::new(Semaphore::new((threads / 2).max(1)))
}

/// One call's share of the time.
pub(crate) struct Turn {
    places: Arc<Semaphore>,
    place: Mutex<Option<OwnedSemaphorePermit>>,
    base: Instant,
    /// When the guest began to compute without a pause, in nanoseconds since `base`.
    since: AtomicU64,
    deadline: Instant,
}

impl Turn {
    pub(crate) fn new(places: Arc<Semaphore>, deadline: Duration) -> Arc<Self> {
        let base = Instant::now();
        let deadline = base + deadline;
        Arc::new(Self { places, place: Mutex::new(None), base, since: AtomicU64::new(0), deadline })
    }

    /// What a tick means for the guest.
    pub(crate) fn tick(self: &Arc<Self>) -> UpdateDeadline {
        let now = Instant::now();
        if now >= self.deadline {
            return UpdateDeadline::Interrupt;
        }
        let since = self.base + Duration::from_nanos(self.since.load(Ordering::Relaxed));
        if now.saturating_duration_since(since) < SLICE {
            return UpdateDeadline::Continue(1);
        }
        UpdateDeadline::YieldCustom(1, Box::pin(self.clone().next()))
    }

    /// Waits for the next turn.
    async fn next(self: Arc<Self>) {
        self.leave();
        // Even with a place free, everybody else goes first.
        tokio::task::yield_now().await;
        let place = self.places.clone().acquire_owned().await.ok();
        *self.place.lock().unwrap_or_else(PoisonError::into_inner) = place;
        self.begin();
    }

    fn leave(&self) {
        drop(self.place.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    fn begin(&self) {
        let nanos = u64::try_from(self.base.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.since.store(nanos, Ordering::Relaxed);
    }

    /// Runs a call, so that it is known how long it computes without a pause, and that it keeps no place
    /// while it waits.
    pub(crate) async fn run<F: Future>(&self, call: F) -> F::Output {
        let mut call = std::pin::pin!(call);
        std::future::poll_fn(|context| {
            self.begin();
            let polled = call.as_mut().poll(context);
            self.leave();
            polled
        })
        .await
    }
}
