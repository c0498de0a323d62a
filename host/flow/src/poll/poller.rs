//! One driver for each polled connector.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossdock_engine::{CursorMove, Error, Store};
use crossdock_model::connector::{Failure, Page};
use crossdock_model::event::Event;
use crossdock_model::time::{Clock, Millis};
use crossdock_rules::retry::Backoff;
use tokio_util::sync::CancellationToken;

use super::pages::{Mode, Pages, PolledEvent};
use crate::connector::Connector;
use crate::connectors::Connectors;
use crate::pauses::Pauses;
use crate::prepare::{Preparer, Unprepared};
use crate::randomness::Randomness;
use crate::retry_after::retry_after;

/// How many events a page may have.
const PAGE_SIZE: u32 = 200;

const BACKOFF: Backoff = Backoff { base: Duration::from_secs(2), cap: Duration::from_secs(300) };

/// The wait after a system asked for one without saying how long.
const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(60);

/// How often the store may fail at a page before its events are admitted one by one.
const MAX_STORE_FAULTS: u32 = 5;

/// The longest sleep between two looks at the clock.
const MAX_SLEEP: Duration = Duration::from_secs(60);

/// Polls one connector. Where it has a window, a poll begins only in it, and then goes on until there is no more,
/// and until it has succeeded.
pub(crate) struct Poller {
    pub connector: String,
    pub interval: Duration,
    pub connectors: Arc<Connectors>,
    pub store: Store,
    pub preparer: Arc<Preparer>,
    pub pages: Pages,
    pub pauses: Arc<Pauses>,
    pub clock: Arc<dyn Clock>,
    pub randomness: Arc<Randomness>,
}

/// When to poll next: so long after a moment, and not before the window opens.
#[derive(Clone, Copy, Debug)]
struct NextPoll {
    from: Instant,
    wait: Duration,
    opens: Millis,
}

impl NextPoll {
    /// How long until then. The interval is measured by the monotonic clock, the window is a time of day.
    fn wait(&self, monotonic: Instant, wall: Millis) -> Duration {
        let passed = monotonic.saturating_duration_since(self.from);
        self.wait.saturating_sub(passed).max(self.opens.since(wall))
    }
}

/// How often polling failed in a row.
#[derive(Default)]
struct Failures {
    /// For whatever reason.
    polls: u32,
    /// Since the store failed.
    store: u32,
}

/// What came of asking for one page.
enum Polled {
    /// There is more at once.
    More,
    /// That was all for now.
    All,
    /// The system asked the host to come back later.
    Later(Duration),
    /// It failed.
    Failed,
}

impl Poller {
    /// Polls until `drain`.
    pub async fn run(self, drain: CancellationToken) {
        let mut failures = Failures::default();
        let mut next = match self.connectors.get(&self.connector) {
            Some(connector) => self.after(Duration::ZERO, window_opening(&connector, self.clock.now())),
            None => return,
        };
        loop {
            let wait = next.wait(self.clock.monotonic(), self.clock.now());
            if !wait.is_zero() {
                tokio::select! {
                    () = drain.cancelled() => return,
                    () = tokio::time::sleep(wait.min(MAX_SLEEP)) => continue,
                }
            }
            if drain.is_cancelled() {
                return;
            }
            let Some(connector) = self.connectors.get(&self.connector) else { return };
            let polled = self.poll(&connector, &mut failures).await;
            let now = self.clock.now();
            next = match polled {
                Polled::More => self.after(Duration::ZERO, now),
                Polled::All => self.after(self.interval, window_opening(&connector, now.plus(self.interval))),
                Polled::Later(wait) => self.after(wait, now),
                Polled::Failed => {
                    let delay = BACKOFF.delay(failures.polls, self.randomness.number());
                    self.after(self.interval.max(delay), now)
                }
            };
            failures.polls =
                if matches!(polled, Polled::Failed) { failures.polls.saturating_add(1) } else { 0 };
        }
    }

    fn after(&self, wait: Duration, opens: Millis) -> NextPoll {
        NextPoll { from: self.clock.monotonic(), wait, opens }
    }

    /// Asks for one page and stores it.
    async fn poll(&self, connector: &Connector, failures: &mut Failures) -> Polled {
        let cursor = match self.cursor(connector).await {
            Ok(Some(cursor)) => cursor,
            Ok(None) => return Polled::All,
            Err(error) => {
                tracing::error!(connector = connector.name, %error, "reading the cursor failed");
                return Polled::Failed;
            }
        };
        match connector.plugin.poll(cursor.clone(), PAGE_SIZE).await {
            Ok(Ok(page)) => self.store(connector, cursor, page, failures).await,
            Ok(Err(failure)) => self.refused(connector, failure).await,
            Err(failed) => {
                tracing::warn!(connector = connector.name, "polling failed: {failed}");
                Polled::Failed
            }
        }
    }

    /// The stored cursor. None when the connector is paused.
    async fn cursor(&self, connector: &Connector) -> Result<Option<Option<String>>, Error> {
        if self.pauses.is_paused(&connector.name).await? {
            return Ok(None);
        }
        let cursor = self.store.cursor(&connector.name).await?;
        Ok(Some(cursor.map(|cursor| cursor.cursor)))
    }

    async fn refused(&self, connector: &Connector, failure: Failure) -> Polled {
        match failure {
            Failure::Throttled(throttle) => {
                tracing::info!(connector = connector.name, "polling waits: {}", throttle.message);
                Polled::Later(retry_after(throttle.after_ms, DEFAULT_RETRY_AFTER))
            }
            Failure::Unauthorized(problem) => {
                self.pauses.pause(&connector.name, problem).await;
                Polled::All
            }
            Failure::Unavailable(problem) | Failure::Rejected(problem) => {
                let (code, message) = (problem.code, problem.message);
                tracing::warn!(connector = connector.name, code, "polling failed: {message}");
                Polled::Failed
            }
        }
    }

    async fn store(
        &self,
        connector: &Connector,
        from: Option<String>,
        page: Page,
        failures: &mut Failures,
    ) -> Polled {
        if page.events.is_empty() && from.as_deref() == Some(page.cursor.as_str()) {
            return Polled::All;
        }
        let mode = if failures.store < MAX_STORE_FAULTS { Mode::Together } else { Mode::OneByOne };
        let cursor = CursorMove { connector: connector.name.clone(), from, to: page.cursor };
        let stored = match self.prepare(connector, page.events).await {
            Ok(events) => self.pages.store(events, cursor, mode).await,
            Err(error) => Err(error),
        };
        match stored {
            Ok(count) => {
                failures.store = 0;
                tracing::debug!(connector = connector.name, count, "polled");
                if page.more { Polled::More } else { Polled::All }
            }
            Err(error) => {
                failures.store = failures.store.saturating_add(u32::from(error.is_fault()));
                tracing::error!(connector = connector.name, %error, "storing a polled page failed");
                Polled::Failed
            }
        }
    }

    async fn prepare(&self, connector: &Connector, events: Vec<Event>) -> Result<Vec<PolledEvent>, Error> {
        let mut polled = Vec::with_capacity(events.len());
        for event in events {
            let body = serde_json::to_vec(&event).unwrap_or_default();
            let prepared = match self.preparer.prepare(connector, event, self.clock.now()).await {
                Ok(event) => Ok(event),
                Err(Unprepared::Refused(problem)) => Err(problem),
                Err(Unprepared::Registry(error)) => return Err(error),
            };
            polled.push(PolledEvent { body, prepared });
        }
        Ok(polled)
    }
}

/// The first moment from then on at which the connector may be polled.
fn window_opening(connector: &Connector, from: Millis) -> Millis {
    connector.poll_window.as_ref().map_or(from, |window| window.next_open(from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_passes_by_the_monotonic_clock_and_the_window_opens_by_the_wall_clock() {
        let from = Instant::now();
        let second = Duration::from_secs(1);
        let next = NextPoll { from, wait: second * 10, opens: Millis(100_000) };
        assert_eq!(next.wait(from, Millis(100_000)), second * 10);
        assert_eq!(next.wait(from + second * 4, Millis(0)), second * 100);
        assert_eq!(next.wait(from + second * 4, Millis(99_000)), second * 6);
        assert_eq!(next.wait(from + second * 10, Millis(99_000)), second);
        assert_eq!(next.wait(from + second * 10, Millis(200_000)), Duration::ZERO);
    }
}
