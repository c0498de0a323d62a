//! From a kept request to events and what is owed for them.
//!
//! The source plugin reads, the model checks, the routes decide, and one command keeps all of it. What
//! cannot be read or does not hold together goes into quarantine with its reason; the request is kept, and
//! can be read again by a later version of the plugin.

use std::sync::Arc;
use std::time::Duration;

use crossdock_model::check;
use crossdock_model::connector::{Failure, Inbound, Problem};
use crossdock_model::event::Event;
use crossdock_model::time::Millis;
use crossdock_rules::admission::Incoming;
use crossdock_rules::day::Day;
use crossdock_rules::key;
use crossdock_rules::outcome::Fault;
use crossdock_rules::ownership::Speaker;
use crossdock_storage::{Admit, Command, CursorMove, Error, Handed, NewEvent, Request, StoreRecord};
use tracing::Instrument;

use crate::connector::Connector;
use crate::faults::{Point, pass};
use crate::plugins::{Exchange, NoAnswer};
use crate::poll::{self, PATIENCE};
use crate::readers::Slot;
use crate::routes::summary;
use crate::shared::Shared;

/// How often a plugin may fail at a request before it is set aside.
const TRIES: u32 = 3;

/// The method under which an event that was polled, and did not hold together, is kept.
pub(crate) const POLLED: &str = "POLL";

/// A kept request that has not been read.
#[derive(Debug)]
pub(crate) struct Unread {
    pub id: i64,
    pub connector: String,
    pub received_at: crossdock_model::time::Millis,
    pub request: Request,
    pub trace: String,
}

/// Reads one request to the end: its events are kept, or it is in quarantine.
/// `slot` is the right to call the plugin, and is given back when it has answered.
pub(crate) async fn read(shared: &Arc<Shared>, unread: Unread, slot: Slot) {
    let arrived = unread.received_at;
    let file = unread.request.file.clone();
    let span = tracing::info_span!("read", connector = %unread.connector, inbound = unread.id, trace = %unread.trace);
    let id = unread.id;
    let outcome = async {
        let Some(connector) = shared.connectors.get(&unread.connector) else {
            let problem =
                problem("no-connector", format!("there is no connector `{}` any more", unread.connector));
            return Err(Unreadable::For(problem));
        };
        let (events, exchange) = if unread.request.method == POLLED {
            (vec![polled(&unread.request)?], Exchange::default())
        } else {
            receive(&connector, unread).await?
        };
        drop(slot);
        pass(Point::AfterParse);
        let Exchange { files, numbers, .. } = exchange;
        let handed = Handed { connector: connector.name.clone(), files, numbers, now: shared.now() };
        Ok((prepare(shared, &connector, events, arrived).await?, handed))
    }
    .instrument(span.clone())
    .await;
    let _entered = span.enter();
    let hands_over = matches!(&outcome, Ok((_, handed)) if !handed.files.is_empty());
    let command = match outcome {
        Ok((events, handed)) => {
            // From here on it is the order's own trace that tells its way.
            for NewEvent { incoming, trace, .. } in &events {
                tracing::debug!(inbound = id, key = incoming.key, trace, "read");
            }
            let handed = (!handed.is_empty()).then_some(handed);
            Command::Admit(Admit { inbound: Some(id), events, handed, now: shared.now(), ..Admit::default() })
        }
        Err(Unreadable::Now { connector, why, after, pause }) => {
            tracing::warn!(code = why.code, "read again later: {}", why.message);
            if pause {
                poll::pause(shared, &connector, why).await;
            }
            return read_later(shared, id, after);
        }
        Err(Unreadable::For(problem)) => {
            tracing::warn!(code = problem.code, "quarantined: {}", problem.message);
            metrics::counter!("crossdock_quarantined_total").increment(1);
            Command::Quarantine { inbound: id, problem }
        }
    };
    drop(_entered);
    keep(shared, id, file.as_deref(), command).instrument(span).await;
    if hands_over {
        shared.handed.notify_waiters();
    }
}

/// How long to wait before what could not be kept, or read without an answer of its system, is read again.
const AGAIN: Duration = Duration::from_secs(5);

/// Why a request has no events.
enum Unreadable {
    /// It cannot be read: it is set aside.
    For(Problem),
    /// Its system has to be asked and cannot be now.
    Now {
        connector: String,
        why: Problem,
        after: Duration,
        /// True when a person must look at the connector first.
        pause: bool,
    },
}

impl From<Problem> for Unreadable {
    fn from(problem: Problem) -> Self {
        Self::For(problem)
    }
}

/// Reads a request again after a while. It is durable: a host that stops before reads it at its next start.
fn read_later(shared: &Arc<Shared>, inbound: i64, after: Duration) {
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        tokio::select! {
            () = shared.drain.cancelled() => return,
            () = tokio::time::sleep(after) => {}
        }
        match shared.store.inbound(inbound).await {
            Ok(Some(kept)) => shared.unread_again(kept),
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "a request could not be read again; the next start does"),
        }
    });
}

/// Keeps what was read. The request is durable already: where the store fails it is read again, and where
/// the store refuses what was read, it is set aside.
async fn keep(shared: &Arc<Shared>, inbound: i64, file: Option<&str>, command: Command) {
    let error = match shared.writer.submit(command).await {
        Ok(applied) => return shared.admitted(&applied),
        Err(error) => error,
    };
    // Two readers had it: a request that came while a start took up what was left, for one.
    if matches!(error, crossdock_storage::Error::WrongState { what: "inbound", .. }) {
        tracing::debug!(inbound, "it was read already");
        return;
    }
    if !error.is_fault() {
        let problem = match &error {
            Error::Taken { what: "file", id } => repeated(file, id),
            error => problem("refused", error.to_string()),
        };
        tracing::warn!(code = problem.code, "quarantined: {}", problem.message);
        metrics::counter!("crossdock_quarantined_total").increment(1);
        let command = Command::Quarantine { inbound, problem };
        if let Err(error) = shared.writer.submit(command).await {
            tracing::error!(%error, "a request could not be set aside; the next start reads it");
        }
        return;
    }
    tracing::error!(%error, "what was read could not be kept; it is read again");
    read_later(shared, inbound, AGAIN);
}

/// What is answered with a file of a name that was handed over before is told again: by another file, or by the
/// same one with other content. The answer's name says what it answers, by the plugin's choice.
fn repeated(file: Option<&str>, answer: &str) -> Problem {
    let answer = answer.split_once('/').map_or(answer, |(_, name)| name);
    let told = match file {
        Some(file) => format!("`{file}` repeats what was read before"),
        None => "it repeats what was read before".to_owned(),
    };
    let told =
        format!("{told}: its answer `{answer}` has been handed over already, so nothing of it is kept");
    Problem { field: Some(answer.to_owned()), ..problem("file-repeated", told) }
}

async fn receive(connector: &Connector, unread: Unread) -> Result<(Vec<Event>, Exchange), Unreadable> {
    let inbound = Inbound {
        id: unread.id.to_string(),
        received_at: unread.received_at.to_string(),
        method: unread.request.method,
        file: unread.request.file,
        query: unread.request.query,
        headers: unread.request.headers,
        body: unread.request.body,
    };
    let mut tries = 0;
    loop {
        tries += 1;
        // The last try may have the bytes themselves.
        let (answer, exchange) = connector.plugin.receive(inbound.clone()).await;
        let later = |why: Problem, after: Duration, pause: bool| {
            let connector = connector.name.clone();
            Err(Unreadable::Now { connector, why, after, pause })
        };
        match answer {
            Ok(Ok(events)) => return Ok((events, exchange)),
            Ok(Err(Failure::Rejected(problem))) => return Err(problem.into()),
            Ok(Err(Failure::Unavailable(problem))) => return later(problem, AGAIN, false),
            Ok(Err(Failure::Unauthorized(problem))) => return later(problem, PATIENCE, true),
            Ok(Err(Failure::Throttled(throttle))) => {
                let after = throttle.after_ms.map_or(AGAIN, Duration::from_millis).min(PATIENCE);
                return later(problem("throttled", throttle.message), after, false);
            }
            // The host had no room for it, or could not start it: that says nothing about the request.
            Err(NoAnswer { fault: Fault::Lost, message }) => {
                return later(problem("not-started", message), AGAIN, false);
            }
            Err(failed) if tries >= TRIES => {
                let told = format!("{} failed {tries} times: {failed}", connector.label);
                return Err(problem("plugin-failed", told).into());
            }
            Err(failed) => tracing::warn!(plugin = connector.label, "reading failed, trying again: {failed}"),
        }
    }
}

fn polled(request: &Request) -> Result<Event, Problem> {
    serde_json::from_slice(&request.body)
        .map_err(|error| problem("unreadable", format!("the kept event cannot be read: {error}")))
}

/// Checks events, computes what admission has to know, and routes them. `arrived` is when they came in: for
/// a request that is read again, when it came first.
async fn prepare(
    shared: &Shared,
    connector: &Connector,
    events: Vec<Event>,
    arrived: Millis,
) -> Result<Vec<NewEvent>, Unreadable> {
    let mut prepared = Vec::with_capacity(events.len());
    for event in events {
        let place = place(shared, &event).await.map_err(|error| Unreadable::Now {
            connector: connector.name.clone(),
            why: problem("store-registry", error.to_string()),
            after: AGAIN,
            pause: false,
        })?;
        prepared.push(prepare_one(shared, connector, event, place.as_ref(), arrived)?);
    }
    Ok(prepared)
}

/// What the registry says about the place of an event, where a route or the store's books want to know.
async fn place(shared: &Shared, event: &Event) -> Result<Option<StoreRecord>, crossdock_storage::Error> {
    let booked = || Day::of(event, shared.now()).and_then(|_| summary::place_of(event));
    let Some(code) = shared.routes.asks_for(event).or_else(booked) else { return Ok(None) };
    Ok(shared.store.store_of_code(&event.entity.system, code).await?.map(|row| row.record))
}

fn prepare_one(
    shared: &Shared,
    connector: &Connector,
    mut event: Event,
    place: Option<&StoreRecord>,
    arrived: Millis,
) -> Result<NewEvent, Problem> {
    if event.entity.system != connector.system {
        let told =
            format!("{} speaks of `{}`, not of `{}`", connector.label, connector.system, event.entity.system);
        return Err(Problem { field: Some("entity.system".into()), ..problem("wrong-system", told) });
    }
    if let Err(findings) = check::check(&event) {
        let first = findings.into_iter().next();
        return Err(match first {
            Some(finding) => Problem {
                code: finding.code.to_string(),
                message: finding.message.to_string(),
                field: Some(finding.field.to_string()),
            },
            None => problem("unsound", "the event does not hold together".into()),
        });
    }
    let mut targets = shared
        .routes
        .targets(&event, place, shared.now())
        .map_err(|error| problem("no-route-decision", error.to_string()))?;
    // Nobody is told what they said themselves.
    targets.retain(|target| {
        target.connector != connector.name && shared.takes(&target.connector, event.fact.kind())
    });
    for target in &mut targets {
        let Some(connector) = shared.connectors.get(&target.connector) else { continue };
        (target.system, target.class) = (Some(connector.system.clone()), connector.class);
    }
    let personal = event.take_personal();
    let mut incoming =
        Incoming::of(&event, arrived).map_err(|error| problem("unsound", error.to_string()))?;
    if let Some(place) = place {
        // One store, whatever each system calls it: a till closes the day of what another system tells too.
        incoming.day = incoming.day.map(|day| day.at(place.id.clone()));
    }
    let speaker = Speaker { connector: &connector.name, system: &connector.system, class: connector.class };
    let foreign = shared.ownership.foreign(&event.fact, speaker);
    let overdue = connector.sink.as_ref().map(|sink| sink.policy.overdue).unwrap_or_default();
    let (trace, source) = (trace(&key::lane(&event)), connector.name.clone());
    Ok(NewEvent { event, personal, incoming, source, foreign, overdue, targets, trace })
}

/// Keeps the events of a page and moves the cursor, at once. An event that does not hold together is kept
/// aside as a request of its own; the others go on.
pub(crate) async fn keep_page(
    shared: &Arc<Shared>,
    connector: &Connector,
    events: Vec<Event>,
    cursor: CursorMove,
) -> Result<usize, crossdock_storage::Error> {
    let mut sound = Vec::with_capacity(events.len());
    for event in events {
        let body = serde_json::to_vec(&event).unwrap_or_default();
        let place = place(shared, &event).await?;
        match prepare_one(shared, connector, event, place.as_ref(), shared.now()) {
            Ok(event) => sound.push(event),
            Err(problem) => set_aside(shared, connector, body, problem).await?,
        }
    }
    let count = sound.len();
    let admit = Admit { cursor: Some(cursor), events: sound, now: shared.now(), ..Admit::default() };
    let applied = shared.writer.submit(Command::Admit(admit)).await?;
    shared.admitted(&applied);
    Ok(count)
}

async fn set_aside(
    shared: &Shared,
    connector: &Connector,
    body: Vec<u8>,
    problem: Problem,
) -> Result<(), crossdock_storage::Error> {
    let accepted = shared
        .writer
        .accept(crossdock_storage::Accept {
            connector: connector.name.clone(),
            dedupe: format!("{POLLED} {}", digest(&body)),
            request: Request { method: POLLED.into(), body, ..Request::default() },
            received_at: shared.now(),
            trace: shared.random_trace(),
        })
        .await?;
    if !accepted.duplicate {
        tracing::warn!(connector = connector.name, code = problem.code, "quarantined: {}", problem.message);
        shared.writer.submit(Command::Quarantine { inbound: accepted.inbound, problem }).await?;
    }
    Ok(())
}

/// The trace of everything that belongs to one order: the same for every event, on every host.
pub(crate) fn trace(lane: &str) -> String {
    digest(lane.as_bytes())
}

fn digest(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    let digest = hex::encode(Sha256::digest(bytes));
    digest.get(..32).unwrap_or(&digest).to_owned()
}

fn problem(code: &str, message: String) -> Problem {
    Problem { code: code.to_owned(), message, field: None }
}
