//! Asking systems that do not call: page after page behind a cursor that is kept with the events.

use std::sync::Arc;
use std::time::Duration;

use crossdock_model::connector::{Failure, Page, Problem};
use crossdock_model::time::Millis;
use crossdock_rules::retry::Backoff;
use crossdock_storage::{Command, CursorMove};

use crate::connector::Connector;
use crate::reader::keep_page;
use crate::shared::Shared;

/// How many events a page may have.
const PAGE: u32 = 200;

const BACKOFF: Backoff = Backoff { base: Duration::from_secs(2), cap: Duration::from_secs(300) };

/// The longest that a system's wish for patience is followed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(300);

/// The longest that is slept without a look at the clock.
const LOOK: Duration = Duration::from_secs(60);

/// Polls one connector until the host is told to stop. Where it has a window, a poll begins only in it, and
/// then goes on until there is no more, and until it has worked.
pub(crate) async fn run(shared: Arc<Shared>, name: String, interval: Duration) {
    let mut failed = 0u32;
    let mut due = match shared.connectors.get(&name) {
        Some(connector) => opening(&connector, shared.now()),
        None => return,
    };
    loop {
        let ahead = due.since(shared.now());
        if !ahead.is_zero() {
            tokio::select! {
                () = shared.drain.cancelled() => return,
                () = tokio::time::sleep(ahead.min(LOOK)) => continue,
            }
        }
        if shared.drain.is_cancelled() {
            return;
        }
        let Some(connector) = shared.connectors.get(&name) else { return };
        let polled = poll(&shared, &connector).await;
        let now = shared.now();
        due = match polled {
            Polled::More => now,
            Polled::All => opening(&connector, now.plus(interval)),
            Polled::Later(pause) => now.plus(pause),
            Polled::Failed => now.plus(interval.max(BACKOFF.delay(failed, shared.random()))),
        };
        failed = if matches!(polled, Polled::Failed) { failed.saturating_add(1) } else { 0 };
    }
}

/// When it may be polled, from then on.
fn opening(connector: &Connector, from: Millis) -> Millis {
    connector.poll_window.as_ref().map_or(from, |window| window.next_open(from))
}

enum Polled {
    /// There is more at once.
    More,
    /// That was all for now.
    All,
    /// The system asked for patience.
    Later(Duration),
    /// It did not work.
    Failed,
}

async fn poll(shared: &Arc<Shared>, connector: &Connector) -> Polled {
    let stored =
        match (shared.store.paused(&connector.name).await, shared.store.cursor(&connector.name).await) {
            (Ok(Some(_)), _) => return Polled::All,
            (Ok(None), Ok(cursor)) => cursor.map(|cursor| cursor.cursor),
            (Err(error), _) | (_, Err(error)) => {
                tracing::error!(connector = connector.name, %error, "the cursor cannot be read");
                return Polled::Failed;
            }
        };
    let answer = match connector.plugin.poll(stored.clone(), PAGE).await {
        Ok(answer) => answer,
        Err(failed) => {
            tracing::warn!(connector = connector.name, "polling failed: {failed}");
            return Polled::Failed;
        }
    };
    match answer {
        Ok(page) => keep(shared, connector, stored, page).await,
        Err(Failure::Throttled(throttle)) => {
            tracing::info!(connector = connector.name, "polling waits: {}", throttle.message);
            Polled::Later(patience(throttle.after_ms))
        }
        Err(Failure::Unauthorized(problem)) => {
            pause(shared, &connector.name, problem).await;
            Polled::All
        }
        Err(Failure::Unavailable(problem) | Failure::Rejected(problem)) => {
            tracing::warn!(
                connector = connector.name,
                code = problem.code,
                "polling failed: {}",
                problem.message
            );
            Polled::Failed
        }
    }
}

/// How long a system is left alone that asks for so many milliseconds.
fn patience(asked: Option<u64>) -> Duration {
    asked.map_or(LOOK, Duration::from_millis).min(PATIENCE)
}

async fn keep(shared: &Arc<Shared>, connector: &Connector, from: Option<String>, page: Page) -> Polled {
    if page.events.is_empty() && from.as_deref() == Some(page.cursor.as_str()) {
        return Polled::All;
    }
    let more = page.more;
    let cursor = CursorMove { connector: connector.name.clone(), from, to: page.cursor };
    match keep_page(shared, connector, page.events, cursor).await {
        Ok(count) => {
            tracing::debug!(connector = connector.name, count, "polled");
            if more { Polled::More } else { Polled::All }
        }
        Err(error) => {
            tracing::error!(connector = connector.name, %error, "what was polled could not be kept");
            Polled::Failed
        }
    }
}

/// Stops asking a system, and telling it things, until a person has looked. Where it has been stopped already,
/// what was said then stays.
pub(crate) async fn pause(shared: &Shared, connector: &str, why: Problem) {
    match shared.store.paused(connector).await {
        Ok(None) => {}
        Ok(Some(_)) => return,
        Err(error) => tracing::error!(connector, %error, "whether it is paused cannot be looked up"),
    }
    tracing::error!(connector, code = why.code, "paused: {}", why.message);
    let command =
        Command::Pause { connector: connector.to_owned(), why, by: "host".into(), now: shared.now() };
    if let Err(error) = shared.writer.submit(command).await {
        tracing::error!(connector, %error, "the pause could not be kept");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_is_left_alone_no_longer_than_is_sensible() {
        let seconds = |asked| patience(asked).as_secs();
        assert_eq!([None, Some(5000), Some(u64::MAX)].map(seconds), [60, 5, 300]);
    }
}
