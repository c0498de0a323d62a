//! Calls a source plugin for one request.

use std::time::Duration;

use crossdock_engine::{Request, view};
use crossdock_model::connector::{Failure, Inbound, Problem};
use crossdock_model::event::Event;
use crossdock_rules::outcome::Fault;

use crate::connector::Connector;
use crate::lease;
use crate::plugins::{CallEffects, NoAnswer};
use crate::problem::problem;
use crate::retry_after::{MAX_RETRY_AFTER, retry_after};

/// How often a plugin may fail at a request before the request is quarantined.
const MAX_READ_ATTEMPTS: u32 = 3;

/// How long a request that was just accepted may wait in memory to be read.
const MAX_DIRECT_WAIT: Duration = Duration::from_secs(60);

/// The method of a request that stores one polled event.
pub(crate) const POLLED: &str = "POLL";

/// The wait after a system asked for one without saying how long.
const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(5);

/// How long reading one request takes at most, where a plugin call takes up to `deadline`.
pub(crate) fn max_read_time(deadline: Duration) -> Duration {
    deadline.saturating_mul(MAX_READ_ATTEMPTS)
}

/// How long a request is leased to be read: in memory it may wait behind others first.
pub(crate) fn lease_length(deadline: Duration) -> Duration {
    lease::length(deadline, MAX_READ_ATTEMPTS).saturating_add(MAX_DIRECT_WAIT)
}

/// Why a request has no events.
#[derive(Debug)]
pub(super) enum Unreadable {
    /// It cannot be read now: its system cannot be reached, say.
    Postponed {
        why: Problem,
        /// The wait that its system asked for.
        wait: Option<Duration>,
        /// True when the connector has to be paused until a person looks.
        pause: bool,
    },
    /// It cannot be read by this version of the plugin.
    Refused(Problem),
    /// What its events depend on could not be read from the store.
    Store(crossdock_engine::Error),
}

impl From<Problem> for Unreadable {
    fn from(problem: Problem) -> Self {
        Self::Refused(problem)
    }
}

/// Has the connector's plugin read a request. A request that stores a polled event holds that event already.
pub(super) async fn receive(
    connector: &Connector,
    inbound: view::Inbound,
) -> Result<(Vec<Event>, CallEffects), Unreadable> {
    let Some(request) = inbound.request else {
        return Err(problem("body-gone", "the request's body is no longer stored").into());
    };
    if request.method == POLLED {
        return Ok((vec![polled(&request)?], CallEffects::default()));
    }
    let inbound = Inbound {
        id: inbound.id.to_string(),
        received_at: inbound.received_at.to_string(),
        method: request.method,
        file: request.file,
        query: request.query,
        headers: request.headers,
        body: request.body,
    };
    let mut attempts = 0;
    loop {
        attempts += 1;
        let (answer, effects) = connector.plugin.receive(inbound.clone()).await;
        let failed = match answer {
            Ok(Ok(events)) => return Ok((events, effects)),
            Ok(Err(failure)) => return Err(refused(failure)),
            // The host had no instance for it, or could not start one: that says nothing about the request.
            Err(NoAnswer { fault: Fault::Lost, message }) => {
                return Err(postponed(problem("not-started", message), None));
            }
            Err(failed) => failed,
        };
        if attempts >= MAX_READ_ATTEMPTS {
            let message = format!("{} failed {attempts} times: {failed}", connector.label);
            return Err(problem("plugin-failed", message).into());
        }
        tracing::warn!(plugin = connector.label, "reading failed, trying again: {failed}");
    }
}

fn refused(failure: Failure) -> Unreadable {
    match failure {
        Failure::Rejected(problem) => problem.into(),
        Failure::Unavailable(problem) => postponed(problem, None),
        Failure::Unauthorized(why) => Unreadable::Postponed { why, wait: Some(MAX_RETRY_AFTER), pause: true },
        Failure::Throttled(throttle) => {
            let wait = retry_after(throttle.after_ms, DEFAULT_RETRY_AFTER);
            postponed(problem("throttled", throttle.message), Some(wait))
        }
    }
}

fn postponed(why: Problem, wait: Option<Duration>) -> Unreadable {
    Unreadable::Postponed { why, wait, pause: false }
}

fn polled(request: &Request) -> Result<Event, Problem> {
    serde_json::from_slice(&request.body)
        .map_err(|error| problem("unreadable", format!("the stored event cannot be parsed: {error}")))
}
