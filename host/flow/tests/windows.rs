//! Polls that may begin only in their window.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod world;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crossdock_flow::connector::Connector;
use crossdock_model::time::Millis;
use tempfile::TempDir;
use world::{Hands, Scribe, World, connector, eventually};

const HOUR: i64 = 3_600_000;

/// Midnight of some day, UTC.
const MIDNIGHT: i64 = 20_000 * 24 * HOUR;

struct There {
    _dir: TempDir,
    clock: Arc<Hands>,
    scribe: Arc<Scribe>,
    world: World,
}

impl There {
    /// Polled in a window; it is `now` after midnight, and stays so until the test says otherwise.
    async fn start(window: &str, now: i64, down: bool) -> Self {
        let clock: Arc<Hands> = Arc::default();
        clock.set(Millis(MIDNIGHT + now));
        let scribe = Arc::new(Scribe { clock: Arc::clone(&clock), ..Scribe::default() });
        scribe.down.store(down, Ordering::SeqCst);
        let connector = Connector {
            poll: Some(Duration::from_millis(20)),
            poll_window: window.parse().ok(),
            ..connector(&scribe)
        };
        assert!(connector.poll_window.is_some());
        let dir = tempfile::tempdir().unwrap();
        let world = World::start(dir.path(), Arc::clone(&clock), connector).await;
        Self { _dir: dir, clock, scribe, world }
    }

    fn turn(&self, now: i64) {
        self.clock.set(Millis(MIDNIGHT + now));
    }

    /// Lets time pass, a second at each look, until it has been polled so often.
    async fn turn_on_until_polled(&self, from: i64, often: usize) {
        let mut now = from;
        eventually("it polls", async || {
            let polled = self.polls().len();
            // The first poll sees the moment that the test began at.
            now += if polled > 0 { 1000 } else { 0 };
            self.turn(now);
            polled >= often
        })
        .await;
    }

    fn polls(&self) -> Vec<i64> {
        self.scribe.polled.lock().unwrap().iter().map(|at| at.0 - MIDNIGHT).collect()
    }
}

#[tokio::test]
async fn a_poll_begins_when_its_window_opens_and_not_before() {
    let there = There::start("0 3 * * * UTC", 3 * HOUR - 100, false).await;
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(there.polls(), [] as [i64; 0]);
    there.turn(3 * HOUR);
    eventually("it polls", async || !there.polls().is_empty()).await;
    // The window was that moment: the interval does not open it again.
    there.turn(4 * HOUR);
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(there.polls(), [3 * HOUR]);
    there.world.stop().await;
}

#[tokio::test]
async fn within_a_window_it_polls_as_often_as_it_is_told() {
    let there = There::start("0 3 * * * UTC for 2h", 4 * HOUR, false).await;
    there.turn_on_until_polled(4 * HOUR, 3).await;
    assert!(there.polls().iter().all(|at| (4 * HOUR..5 * HOUR).contains(at)), "{:?}", there.polls());
    there.world.stop().await;
}

#[tokio::test]
async fn what_did_not_work_is_tried_again_though_the_window_has_closed() {
    let there = There::start("0 3 * * * UTC", 3 * HOUR, true).await;
    there.turn_on_until_polled(3 * HOUR, 2).await;
    assert_eq!(there.polls()[0], 3 * HOUR);
    assert!(there.polls()[1] < 4 * HOUR, "{:?}", there.polls());
    there.world.stop().await;
}
