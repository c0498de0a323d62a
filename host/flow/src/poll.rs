//! Asking systems that do not call: page after page behind a cursor that is kept with the events.

use std::sync::Arc;
use std::time::Duration;

use crossdock_model::connector::{Failure, Page, Problem};
use crossdock_rules::retry::Backoff;
use crossdock_storage::{Command, CursorMove};

use crate::connector::Connector;
use crate::reader::keep_page;
use crate::shared::Shared;

/// How many events a page may have.
const PAGE: u32 = 200;

const BACKOFF: Backoff = Backoff { base: Duration::from_secs(2), cap: Duration::from_secs(300) };

/// Polls one connector until the host is told to stop.
pub(crate) async fn run(shared: Arc<Shared>, name: String, interval: Duration) {
    let mut failed = 0u32;
    loop {
        let pause = match shared.connectors.get(&name) {
            Some(connector) => match poll(&shared, &connector).await {
                Polled::More => Duration::ZERO,
                Polled::All => interval,
                Polled::Later(pause) => pause,
                Polled::Failed => interval.max(BACKOFF.delay(failed, shared.random())),
            },
            None => return,
        };
        failed = if pause <= interval { 0 } else { failed.saturating_add(1) };
        tokio::select! {
            () = shared.drain.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
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
            Polled::Later(Duration::from_millis(throttle.after_ms.unwrap_or(60_000)))
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

/// Stops asking a system, and telling it things, until a person has looked.
pub(crate) async fn pause(shared: &Shared, connector: &str, why: Problem) {
    tracing::error!(connector, code = why.code, "paused: {}", why.message);
    let command =
        Command::Pause { connector: connector.to_owned(), why, by: "host".into(), now: shared.now() };
    if let Err(error) = shared.writer.submit(command).await {
        tracing::error!(connector, %error, "the pause could not be kept");
    }
}
