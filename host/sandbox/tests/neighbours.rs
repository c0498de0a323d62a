//! Calls of other connectors stay fast while a hostile plugin runs.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

mod guests;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossdock_egress::Access;
use crossdock_sandbox::{Guest, Limits};
use guests::{deliver, guest, guest_with, limits, note};
use serde_json::json;

/// Quiet and hostile measurements alternate, so that noise of the machine affects both alike.
const ROUNDS: usize = 12;
/// Calls per round.
const CALLS: usize = 40;

/// Measures the calls of a quiet neighbour.
async fn measure(quiet: &Guest, into: &mut Vec<Duration>) {
    for _ in 0..CALLS {
        let start = Instant::now();
        assert_eq!(note(quiet).await, "done");
        into.push(start.elapsed());
    }
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// Calls the hostile plugin once, or repeatedly until `end` is true.
async fn misbehave(hostile: Guest, repeat: bool, end: Arc<AtomicBool>) {
    loop {
        let report = deliver(&hostile).await;
        assert!(report.result.is_err(), "{:?}", report.result);
        if !repeat || end.load(Ordering::Relaxed) {
            return;
        }
    }
}

/// The medians of a quiet neighbour's calls, without and with hostile calls running.
async fn medians(hostile: &Guest, concurrent: usize, repeat: bool) -> (Duration, Duration) {
    let neighbour = guest("ok");
    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        measure(&neighbour, &mut alone).await;
        let end = Arc::new(AtomicBool::new(false));
        let calls = (0..concurrent).map(|_| tokio::spawn(misbehave(hostile.clone(), repeat, end.clone())));
        let calls: Vec<_> = calls.collect();
        // Running, and for longer than the time slice of a short call.
        tokio::time::sleep(Duration::from_millis(20)).await;
        measure(&neighbour, &mut beside).await;
        end.store(true, Ordering::Relaxed);
        for call in calls {
            call.await.unwrap();
        }
    }
    (median(&mut alone), median(&mut beside))
}

/// Repeats the measurement on a noisy machine; a host that is really slow fails every time.
async fn assert_stays_fast(hostile: Guest, concurrent: usize, repeat: bool) {
    let mut seen = Vec::new();
    for _ in 0..4 {
        let hostile = hostile.clone();
        // On the runtime's workers, like the host's calls, and not on the test's own thread.
        let (alone, beside) =
            tokio::spawn(async move { medians(&hostile, concurrent, repeat).await }).await.unwrap();
        seen.push((alone, beside));
        if beside <= alone * 2 {
            println!("alone {alone:?}, beside {concurrent} hostile calls {beside:?}");
            return;
        }
    }
    panic!("(alone, beside): {seen:?}");
}

fn hostile(mode: &str) -> Guest {
    let limits = Limits { deadline: Duration::from_millis(150), answer: 512 << 10, ..limits() };
    // A host that is not allowed.
    let settings = json!({"mode": mode, "count": 1_000_000, "url": "http://forbidden.example"});
    guest_with(settings, Access::default(), limits)
}

// One test, so that the cases do not run concurrently.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neighbours_of_a_hostile_plugin_stay_fast() {
    let cases = [
        ("sleep", 4, false),
        ("panic", 1, false),
        ("memory-bomb", 1, false),
        ("loop", 1, false),
        ("loop", 4, false),
        // Sends requests to a forbidden host until its deadline.
        ("many-requests", 1, false),
        ("oversized-answer", 1, true),
    ];
    for (mode, concurrent, repeat) in cases {
        println!("{mode}:");
        assert_stays_fast(hostile(mode), concurrent, repeat).await;
    }
}
