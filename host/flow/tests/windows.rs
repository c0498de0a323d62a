//! Polls that may begin only in their window.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod world;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crossdock_flow::connector::Connector;
use crossdock_model::time::Millis;
use tempfile::TempDir;
use world::{RecordingPlugin, TestClock, World, connector, eventually};

const HOUR: i64 = 3_600_000;

/// Midnight of some day, UTC.
const MIDNIGHT: i64 = 20_000 * 24 * HOUR;

struct Fixture {
    _dir: TempDir,
    clock: Arc<TestClock>,
    plugin: Arc<RecordingPlugin>,
    world: World,
}

impl Fixture {
    /// Polled in a window; the clock stands at `now` after midnight until the test sets it.
    async fn start(window: &str, now: i64, down: bool) -> Self {
        let clock: Arc<TestClock> = Arc::default();
        clock.set(Millis(MIDNIGHT + now));
        let plugin = Arc::new(RecordingPlugin { clock: Arc::clone(&clock), ..RecordingPlugin::default() });
        plugin.down.store(down, Ordering::SeqCst);
        let connector = Connector {
            poll: Some(Duration::from_millis(20)),
            poll_window: window.parse().ok(),
            ..connector(&plugin)
        };
        assert!(connector.poll_window.is_some());
        let dir = tempfile::tempdir().unwrap();
        let world = World::start(dir.path(), Arc::clone(&clock), connector).await;
        Self { _dir: dir, clock, plugin, world }
    }

    fn set_time(&self, now: i64) {
        self.clock.set(Millis(MIDNIGHT + now));
    }

    /// Advances the clock by a second at each look until it has been polled so often.
    async fn advance_until_polled(&self, from: i64, often: usize) {
        let mut now = from;
        eventually("it polls", async || {
            let polled = self.polls().len();
            // The first poll sees the moment that the test began at.
            now += if polled > 0 { 1000 } else { 0 };
            self.set_time(now);
            polled >= often
        })
        .await;
    }

    fn polls(&self) -> Vec<i64> {
        self.plugin.polled.lock().unwrap().iter().map(|at| at.0 - MIDNIGHT).collect()
    }
}

#[tokio::test]
async fn a_poll_begins_when_its_window_opens_and_not_before() {
    let fixture = Fixture::start("0 3 * * * UTC", 3 * HOUR - 100, false).await;
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(fixture.polls(), [] as [i64; 0]);
    fixture.set_time(3 * HOUR);
    eventually("it polls", async || !fixture.polls().is_empty()).await;
    // The window was that moment: the interval does not open it again.
    fixture.set_time(4 * HOUR);
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(fixture.polls(), [3 * HOUR]);
    fixture.world.stop().await;
}

#[tokio::test]
async fn within_a_window_it_polls_at_its_interval() {
    let fixture = Fixture::start("0 3 * * * UTC for 2h", 4 * HOUR, false).await;
    fixture.advance_until_polled(4 * HOUR, 3).await;
    assert!(fixture.polls().iter().all(|at| (4 * HOUR..5 * HOUR).contains(at)), "{:?}", fixture.polls());
    fixture.world.stop().await;
}

#[tokio::test]
async fn a_failed_poll_is_retried_after_its_window_has_closed() {
    let fixture = Fixture::start("0 3 * * * UTC", 3 * HOUR, true).await;
    fixture.advance_until_polled(3 * HOUR, 2).await;
    assert_eq!(fixture.polls()[0], 3 * HOUR);
    assert!(fixture.polls()[1] < 4 * HOUR, "{:?}", fixture.polls());
    fixture.world.stop().await;
}
