//! Another version of a connector's plugin, while work flows.
//!
//! The new version is made ready beside the old one: loaded, compiled and tried out by the [`Loader`], then
//! asked with `find` for what the old one posted lately. Only then do new calls go to it; calls that are under
//! way end on the version they began on. What lasts (cursor, numbers, resume tokens, references) belongs to
//! the connector and not to a version, so it carries over by itself. Where a step fails, the old one goes on.

use std::time::Duration;

use async_trait::async_trait;
use crossdock_model::connector::{Failure, Found, Work};
use crossdock_model::time::Millis;
use crossdock_rules::key;
use crossdock_rules::lookup::Keys;
use crossdock_storage::view::{EventFilter, Page};
use crossdock_storage::{Command, Error, Filter, Store};
use serde::Serialize;

use crate::connector::Connector;
use crate::shared::Shared;

/// How many receipts of the old version the new one has to find.
const RECEIPTS: usize = 5;

/// How far back receipts are looked for, in events.
const BACK: u32 = 50;

/// How often the target of the new version is asked while it cannot answer, and how long after each time.
const TRIES: u32 = 8;
const AGAIN: Duration = Duration::from_millis(500);

/// Makes a connector with another plugin file ready, with the settings, secrets and limits it has.
#[async_trait]
pub trait Loader: Send + Sync + 'static {
    /// Loads, compiles and tries out `plugin` (a name, `name@version` or a file's path) as this connector.
    ///
    /// # Errors
    /// Why it cannot be, for a person.
    async fn load(&self, connector: &str, plugin: &str) -> Result<Connector, String>;
}

/// What a swap did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Swapped {
    /// The connector.
    pub connector: String,
    /// The version that got new calls until now.
    pub from: String,
    /// The version that gets them from now on.
    pub to: String,
    /// How many receipts of the old version the new one was asked for, and found.
    pub receipts: usize,
}

/// Why a swap was refused. The old version goes on.
#[derive(Debug, thiserror::Error)]
pub enum SwapError {
    /// There is no connector of this name.
    #[error("there is no connector `{0}`")]
    NoSuchConnector(String),
    /// It was not swapped before.
    #[error("connector `{0}` was not swapped: there is no version to go back to")]
    NothingBefore(String),
    /// The file does not make a plugin for this connector.
    #[error("connector `{connector}` keeps {version}: {reason}")]
    NotLoaded {
        /// The connector.
        connector: String,
        /// The version that goes on.
        version: String,
        /// Why.
        reason: String,
    },
    /// The new version cannot do what the old one does for this connector.
    #[error("connector `{connector}` keeps {version}: {reason}")]
    Unfit {
        /// The connector.
        connector: String,
        /// The version that goes on.
        version: String,
        /// What it cannot do.
        reason: String,
    },
    /// The new version does not find what the old one posted.
    #[error("connector `{connector}` keeps {version}: {reason}")]
    Blind {
        /// The connector.
        connector: String,
        /// The version that goes on.
        version: String,
        /// What it did not find.
        reason: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] Error),
}

impl SwapError {
    /// The step that failed, as a stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoSuchConnector(_) => "no-such-connector",
            Self::NothingBefore(_) => "nothing-before",
            Self::NotLoaded { .. } => "plugin-not-loaded",
            Self::Unfit { .. } => "plugin-unfit",
            Self::Blind { .. } => "receipts-not-found",
            Self::Store(_) => "store",
        }
    }
}

/// Swaps a connector's plugin. One swap at a time.
pub(crate) async fn swap(
    shared: &Shared,
    loader: &dyn Loader,
    name: &str,
    plugin: &str,
    by: &str,
) -> Result<Swapped, SwapError> {
    let _alone = shared.swapping.lock().await;
    let done = attempt(shared, loader, name, plugin, by).await;
    match &done {
        Ok(swapped) => {
            tracing::info!(connector = name, from = swapped.from, to = swapped.to, "swapped");
            metrics::counter!("crossdock_swaps_total", "connector" => name.to_owned(), "outcome" => "done")
                .increment(1);
        }
        Err(error) => {
            tracing::warn!(connector = name, code = error.code(), "a swap was refused: {error}");
            metrics::counter!("crossdock_swaps_total", "connector" => name.to_owned(), "outcome" => "refused")
                .increment(1);
            let detail = format!("{plugin}: {error}");
            let (by, subject, now) = (by.to_owned(), name.to_owned(), shared.now());
            let action = "connector.swap-refused".to_owned();
            shared.writer.submit(Command::Audit { by, action, subject, detail, now }).await?;
        }
    }
    done
}

async fn attempt(
    shared: &Shared,
    loader: &dyn Loader,
    name: &str,
    plugin: &str,
    by: &str,
) -> Result<Swapped, SwapError> {
    let old = shared.connectors.get(name).ok_or_else(|| SwapError::NoSuchConnector(name.to_owned()))?;
    let connector = || name.to_owned();
    let version = || old.label.clone();
    let next = loader.load(name, plugin).await.map_err(|reason| SwapError::NotLoaded {
        connector: connector(),
        version: version(),
        reason,
    })?;
    if let Some(reason) = unfit(&old, &next) {
        return Err(SwapError::Unfit { connector: connector(), version: version(), reason });
    }
    let receipts = receipts(&*shared.store, name).await?;
    let probed = probe(&next, &receipts, shared.now()).await;
    let receipts =
        probed.map_err(|reason| SwapError::Blind { connector: connector(), version: version(), reason })?;
    let (from, to) = (version(), next.label.clone());
    // The choice is durable before the first call goes to the new version: a host that is killed here starts
    // with the version that was chosen.
    let (by, now) = (by.to_owned(), shared.now());
    let choice = if next.file == next.configured {
        Command::Unchoose { connector: connector(), by, now }
    } else {
        Command::Choose { connector: connector(), plugin: next.file.clone(), by, now }
    };
    shared.writer.submit(choice).await?;
    shared.connectors.swap(next);
    Ok(Swapped { connector: connector(), from, to, receipts })
}

/// What the new version lacks. Absent when it lacks nothing.
fn unfit(old: &Connector, next: &Connector) -> Option<String> {
    if next.digest == old.digest {
        return Some(format!("the file is the very {} that runs", next.label));
    }
    if next.system != old.system {
        return Some(format!("{} speaks of `{}`, not of `{}`", next.label, next.system, old.system));
    }
    let lacks = |what: &str| Some(format!("{} {what}, as {} does", next.label, old.label));
    if old.intake.is_some() && next.intake.is_none() {
        return lacks("takes no requests");
    }
    if old.poll.is_some() && next.poll.is_none() {
        return lacks("cannot be polled");
    }
    match (&old.sink, &next.sink) {
        (Some(_), None) => lacks("delivers nothing"),
        (Some(had), Some(has)) => {
            let missing = had.kinds.iter().find(|kind| !has.kinds.contains(kind))?;
            lacks(&format!("does not take {missing}"))
        }
        (None, _) => None,
    }
}

/// A receipt of the old version, as work that the new one is asked for.
struct Receipt {
    work: Work,
    /// When it was posted.
    at: Millis,
}

/// What was posted lately. A state that a later one can have replaced is left out: nobody finds it for ever.
async fn receipts(store: &dyn Store, connector: &str) -> Result<Vec<Receipt>, Error> {
    let filter = EventFilter {
        filter: Filter { connector: Some(connector.to_owned()), ..Filter::default() },
        state: Some("settled".into()),
        ..EventFilter::default()
    };
    let mut receipts = Vec::with_capacity(RECEIPTS);
    for row in store.events(&filter, Page { limit: BACK, ..Page::default() }).await? {
        if !matches!(row.kind.as_str(), "order.placed" | "refund.issued") {
            continue;
        }
        let posted = row.deliveries.iter().find(|delivery| {
            delivery.connector == connector && matches!(delivery.ending.as_deref(), Some("posted"))
        });
        let Some(posted) = posted else { continue };
        let Some(delivery) = store.delivery(posted.id).await? else { continue };
        let Some(event) = delivery.body else { continue };
        let parent_references = match &event.parent {
            Some(parent) => store.references(connector, &parent.to_string()).await?,
            None => Vec::new(),
        };
        let work = Work {
            short_key: key::short(&delivery.key),
            key: delivery.key,
            serial: 0,
            attempt: 1,
            resume: delivery.resume,
            event,
            references: delivery.references,
            parent_references,
        };
        receipts.push(Receipt { work, at: posted.since });
        if receipts.len() == RECEIPTS {
            break;
        }
    }
    Ok(receipts)
}

/// Asks the new version for what was posted; how much of it was found. What is younger than the target takes to
/// show what it has may be absent. A target that cannot be searched is not asked.
///
/// # Errors
/// What it does not find.
async fn probe(next: &Connector, receipts: &[Receipt], now: Millis) -> Result<usize, String> {
    let Some(sink) = next.sink.as_ref().filter(|sink| sink.policy.keys == Keys::Find) else { return Ok(0) };
    let mut seen = 0;
    for chunk in receipts.chunks(sink.batch.max(1)) {
        let asked: Vec<Work> = chunk.iter().map(|receipt| receipt.work.clone()).collect();
        let found = find(next, &asked).await?;
        for (Receipt { work, at }, found) in chunk.iter().zip(found) {
            let trouble = match found {
                Found::Present(_) | Found::Partial(_) | Found::Pending => {
                    seen += 1;
                    continue;
                }
                Found::Absent if now < at.plus(sink.policy.max_inflight) => continue,
                Found::Absent => "does not find it".to_owned(),
                Found::Duplicated(references) => format!("finds it {} times", references.len()),
                Found::Failed(failure) => format!("could not look for it: {failure:?}"),
            };
            return Err(format!("{} was posted, and {} {trouble}", work.key, next.label));
        }
    }
    Ok(seen)
}

/// Asks the new version for work. What its target cannot answer at this moment says nothing about the version: it
/// is asked a few times.
async fn find(next: &Connector, asked: &[Work]) -> Result<Vec<Found>, String> {
    let mut tries = 0;
    loop {
        tries += 1;
        let (answer, _) = next.plugin.find("", asked.to_vec()).await;
        let found =
            answer.map_err(|failed| format!("{} cannot be asked for receipts: {failed}", next.label))?;
        let later =
            |found: &Found| matches!(found, Found::Failed(Failure::Unavailable(_) | Failure::Throttled(_)));
        if tries == TRIES || !found.iter().any(later) {
            return Ok(found);
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// Goes back to the version before the last swap.
pub(crate) async fn back(
    shared: &Shared,
    loader: &dyn Loader,
    name: &str,
    by: &str,
) -> Result<Swapped, SwapError> {
    if !shared.connectors.contains(name) {
        return Err(SwapError::NoSuchConnector(name.to_owned()));
    }
    let choices = shared.store.choices().await?;
    let choice = choices.into_iter().find(|choice| choice.connector == name);
    let (Some(connector), Some(choice)) = (shared.connectors.get(name), choice) else {
        return Err(SwapError::NothingBefore(name.to_owned()));
    };
    let before = choice.previous.unwrap_or_else(|| connector.configured.clone());
    swap(shared, loader, name, &before, by).await
}
