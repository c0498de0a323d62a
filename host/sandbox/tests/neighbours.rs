//! While a hostile plugin runs, the calls of other connectors stay as fast as they were.

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

/// How often quiet and hostile times take turns: the machine's own noise then falls on both alike.
const ROUNDS: usize = 12;
/// Calls a round.
const CALLS: usize = 40;

/// How long a call of a quiet neighbour takes.
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

/// Calls the hostile plugin, and again where its calls are over soon, until `end` is true.
async fn misbehave(hostile: Guest, again: bool, end: Arc<AtomicBool>) {
    loop {
        let report = deliver(&hostile).await;
        assert!(report.result.is_err(), "{:?}", report.result);
        if !again || end.load(Ordering::Relaxed) {
            return;
        }
    }
}

/// The medians of a quiet neighbour's calls, without and with hostile calls running.
async fn medians(hostile: &Guest, at_once: usize, again: bool) -> (Duration, Duration) {
    let neighbour = guest("ok");
    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        measure(&neighbour, &mut alone).await;
        let end = Arc::new(AtomicBool::new(false));
        let calls = (0..at_once).map(|_| tokio::spawn(misbehave(hostile.clone(), again, end.clone())));
        let calls: Vec<_> = calls.collect();
        // Under way, and past the first moments in which a plugin counts as one that is short.
        tokio::time::sleep(Duration::from_millis(20)).await;
        measure(&neighbour, &mut beside).await;
        end.store(true, Ordering::Relaxed);
        for call in calls {
            call.await.unwrap();
        }
    }
    (median(&mut alone), median(&mut beside))
}

/// A noisy machine gets another chance, a slow host does not get away with it.
async fn stays_fast(hostile: Guest, at_once: usize, again: bool) {
    let mut seen = Vec::new();
    for _ in 0..4 {
        let hostile = hostile.clone();
        // On the workers, like the calls of the host, and not on the test's own thread.
        let (alone, beside) =
            tokio::spawn(async move { medians(&hostile, at_once, again).await }).await.unwrap();
        seen.push((alone, beside));
        if beside <= alone * 2 {
            println!("alone {alone:?}, beside {at_once} hostile calls {beside:?}");
            return;
        }
    }
    panic!("(alone, beside): {seen:?}");
}

fn hostile(mode: &str) -> Guest {
    let limits = Limits { deadline: Duration::from_millis(150), answer: 512 << 10, ..limits() };
    // A host that nobody granted.
    let settings = json!({"mode": mode, "count": 1_000_000, "url": "http://forbidden.example"});
    guest_with(settings, Access::default(), limits)
}

// One test, so that the cases do not run beside each other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neighbours_of_a_hostile_plugin_stay_fast() {
    let cases = [
        ("sleep", 4, false),
        ("panic", 1, false),
        ("memory-bomb", 1, false),
        ("loop", 1, false),
        ("loop", 4, false),
        // Asks a forbidden host again and again, until its deadline.
        ("many-requests", 1, false),
        ("oversized-answer", 1, true),
    ];
    for (mode, at_once, again) in cases {
        println!("{mode}:");
        stays_fast(hostile(mode), at_once, again).await;
    }
}
