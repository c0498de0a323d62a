//! Another version of a connector's plugin, while work flows.
//!
//! The new version is made ready beside the old one: loaded, compiled and tried out by the [`Loader`], then
//! asked with `find` for what the old one posted. Only then do new calls go to it; calls that are under
//! way end on the version they began on. What lasts (cursor, numbers, resume tokens, references) belongs to
//! the connector and not to a version, so it carries over by itself. Where a step fails, the old one goes on.
//!
//! The old version's file is kept by its digest, whatever becomes of the file it was loaded from: so it can be
//! gone back to also where the new one was put in its place.

use std::time::Duration;

use async_trait::async_trait;
use crossdock_model::connector::{Failure, Found, Work};
use crossdock_model::time::Millis;
use crossdock_rules::key;
use crossdock_rules::lookup::Keys;
use crossdock_storage::{Choice, Command, Error, Store};
use serde::Serialize;

use crate::connector::Connector;
use crate::shared::Shared;

/// What a plugin is called that is found by the digest of its file: this, and the digest in hexadecimal digits.
pub const BY_DIGEST: &str = "sha256:";

/// How many receipts of the old version the new one has to find.
const RECEIPTS: u32 = 5;

/// What stays findable. A state that a later one can have replaced is not asked for.
const KINDS: [&str; 2] = ["order.placed", "refund.issued"];

/// How long is waited for a target to show what was posted lately, where there is nothing older to ask for.
const PATIENCE: Duration = Duration::from_secs(15);

/// How often the target of the new version is asked while it cannot answer, and how long after each time.
const TRIES: u32 = 8;
const AGAIN: Duration = Duration::from_millis(500);

/// Makes a connector with another plugin file ready, with the settings, secrets and limits it has.
#[async_trait]
pub trait Loader: Send + Sync + 'static {
    /// Loads, compiles and tries out `plugin` (a name, `name@version`, a file's path, or [`BY_DIGEST`] and a
    /// digest) as this connector. What was loaded once is found by its digest from then on.
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
    /// It has gone back already. Going back again would be going forth.
    #[error(
        "connector `{connector}` has gone back to {version} already: there is no version to go back to; `--to` \
         swaps to any other"
    )]
    WentBack {
        /// The connector.
        connector: String,
        /// The version that it went back to.
        version: String,
    },
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
            Self::NothingBefore(_) | Self::WentBack { .. } => "nothing-before",
            Self::NotLoaded { .. } => "plugin-not-loaded",
            Self::Unfit { .. } => "plugin-unfit",
            Self::Blind { .. } => "receipts-not-found",
            Self::Store(_) => "store",
        }
    }
}

/// Which version a connector is to run.
#[derive(Clone, Copy)]
pub(crate) enum Wanted<'a> {
    /// This plugin.
    Plugin(&'a str),
    /// The one before the last swap.
    Before,
}

/// Swaps a connector's plugin. One swap at a time.
pub(crate) async fn swap(
    shared: &Shared,
    loader: &dyn Loader,
    name: &str,
    wanted: Wanted<'_>,
    by: &str,
) -> Result<Swapped, SwapError> {
    let _alone = shared.swapping.lock().await;
    let done = attempt(shared, loader, name, wanted, by).await;
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
            let asked = match wanted {
                Wanted::Plugin(plugin) => plugin,
                Wanted::Before => "back",
            };
            let detail = format!("{asked}: {error}");
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
    wanted: Wanted<'_>,
    by: &str,
) -> Result<Swapped, SwapError> {
    let old = shared.connectors.get(name).ok_or_else(|| SwapError::NoSuchConnector(name.to_owned()))?;
    let connector = || name.to_owned();
    let version = || old.label.clone();
    let (plugin, previous) = match wanted {
        Wanted::Plugin(plugin) => (plugin.to_owned(), Some(format!("{BY_DIGEST}{}", old.digest))),
        Wanted::Before => (before(shared, &old).await?, None),
    };
    let next = loader.load(name, &plugin).await.map_err(|reason| SwapError::NotLoaded {
        connector: connector(),
        version: version(),
        reason,
    })?;
    if let Some(reason) = unfit(&old, &next) {
        return Err(SwapError::Unfit { connector: connector(), version: version(), reason });
    }
    let probed = probe(shared, &next).await?;
    let receipts =
        probed.map_err(|reason| SwapError::Blind { connector: connector(), version: version(), reason })?;
    let (from, to) = (version(), next.label.clone());
    // The choice is durable before the first call goes to the new version: a host that is killed here starts
    // with the version that was chosen.
    let (by, now) = (by.to_owned(), shared.now());
    let plugin = (next.file != next.configured).then(|| next.file.clone());
    let choice = Command::Choose { connector: connector(), plugin, previous, by, now };
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
        // What would be routed to it from now on would wait for a driver that only a start begins.
        (None, Some(_)) => Some(format!(
            "{} also delivers, which {} does not: name it in the configuration and start the host with it",
            next.label, old.label
        )),
        (None, None) => None,
    }
}

/// A receipt of the old version, as work that the new one is asked for.
struct Receipt {
    work: Work,
    /// When it was posted.
    at: Millis,
}

/// What was posted before then, newest first.
async fn receipts(store: &dyn Store, connector: &str, before: Millis) -> Result<Vec<Receipt>, Error> {
    let mut posted = Vec::new();
    for kind in KINDS {
        posted.extend(store.posted(connector, kind, before, RECEIPTS).await?);
    }
    posted.sort_unstable_by(|a, b| b.cmp(a));
    let mut receipts = Vec::new();
    for id in posted.into_iter().take(RECEIPTS as usize) {
        let Some(delivery) = store.delivery(id).await? else { continue };
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
        receipts.push(Receipt { work, at: delivery.row.since });
    }
    Ok(receipts)
}

/// Asks the new version for what was posted; how much of it was found. All that its target must show by now has to
/// be found. What is younger may be absent; but where there is nothing older, something of it must be found, and
/// the target is given the time. A target that cannot be searched is not asked.
async fn probe(shared: &Shared, next: &Connector) -> Result<Result<usize, String>, Error> {
    let Some(sink) = next.sink.as_ref().filter(|sink| sink.policy.keys == Keys::Find) else {
        return Ok(Ok(0));
    };
    let (store, now) = (&*shared.store, shared.now());
    let shown = i64::try_from(sink.policy.max_inflight.as_millis()).unwrap_or(i64::MAX);
    let mut open = receipts(store, &next.name, Millis(now.0.saturating_sub(shown))).await?;
    if open.is_empty() {
        open = receipts(store, &next.name, Millis(i64::MAX)).await?;
    }
    let end = tokio::time::Instant::now() + PATIENCE;
    let mut seen = 0;
    loop {
        let mut absent = Vec::new();
        while !open.is_empty() {
            let rest = open.split_off(sink.batch.clamp(1, open.len()));
            let asked: Vec<Work> = open.iter().map(|receipt| receipt.work.clone()).collect();
            let found = match find(next, &asked).await {
                Ok(found) => found,
                Err(reason) => return Ok(Err(reason)),
            };
            let now = shared.now();
            for (receipt, found) in open.into_iter().zip(found) {
                let trouble = match found {
                    Found::Present(_) | Found::Partial(_) | Found::Pending => {
                        seen += 1;
                        continue;
                    }
                    Found::Absent if now < receipt.at.plus(sink.policy.max_inflight) => {
                        absent.push(receipt);
                        continue;
                    }
                    Found::Absent => "does not find it".to_owned(),
                    Found::Duplicated(references) => format!("finds it {} times", references.len()),
                    Found::Failed(failure) => format!("could not look for it: {failure:?}"),
                };
                return Ok(Err(format!("{} was posted, and {} {trouble}", receipt.work.key, next.label)));
            }
            open = rest;
        }
        let Some(one) = absent.first().filter(|_| seen == 0) else { return Ok(Ok(seen)) };
        if tokio::time::Instant::now() >= end {
            let key = &one.work.key;
            return Ok(Err(format!(
                "{key} was posted a moment ago, and {} does not find it yet: try again later",
                next.label
            )));
        }
        tokio::time::sleep(AGAIN).await;
        open = absent;
    }
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

/// The plugin that ran before the last swap.
async fn before(shared: &Shared, now: &Connector) -> Result<String, SwapError> {
    let choices = shared.store.choices().await?;
    match choices.into_iter().find(|choice| choice.connector == now.name) {
        None => Err(SwapError::NothingBefore(now.name.clone())),
        Some(Choice { previous: None, connector, .. }) => {
            Err(SwapError::WentBack { connector, version: now.label.clone() })
        }
        Some(Choice { previous: Some(previous), .. }) => Ok(previous),
    }
}
