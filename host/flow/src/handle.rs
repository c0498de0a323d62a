//! Operates a running flow. Every operation is durable before it returns, and what an operator does is audited.

use std::sync::Arc;

use crossdock_engine::{Applied, Command, Error, Filter, Replay, Request, Store, Tally};
use crossdock_model::connector::Problem;
use crossdock_model::time::{Clock, Millis};
use crossdock_storage::Writer;

use crate::connectors::{Connectors, Version};
use crate::gate::Gate;
use crate::intake::{Accepted, Intake, Refused};
use crate::journal::Journal;
use crate::setup::{Report, SetupChecks, SetupError};
use crate::swap::{Loader, SwapError, Swapped, Swapper, Wanted};

/// Why an operation was not done.
#[derive(Debug, thiserror::Error)]
pub enum OperationError {
    /// There is no connector of this name.
    #[error("there is no connector `{0}`")]
    NoSuchConnector(String),
    /// The store refused or failed.
    #[error(transparent)]
    Store(#[from] Error),
}

/// How many deliveries one command of a replay looks at.
const REPLAY_PAGE: u32 = 200;

/// Operates a flow. Clones are cheap.
#[derive(Clone)]
pub struct Handle(Arc<Parts>);

/// The services that operations are done by.
pub(crate) struct Parts {
    pub intake: Intake,
    pub commands: Commands,
    pub connectors: Arc<Connectors>,
    pub gate: Arc<Gate>,
    pub journal: Arc<Journal>,
    pub setups: Arc<SetupChecks>,
    pub swapper: Swapper,
}

/// The store, for queries and for an operator's commands.
pub(crate) struct Commands {
    pub store: Store,
    pub writer: Writer,
    pub clock: Arc<dyn Clock>,
}

impl Commands {
    pub fn now(&self) -> Millis {
        self.clock.now()
    }

    pub async fn submit(&self, command: Command) -> Result<Applied, OperationError> {
        Ok(self.writer.submit(command).await?)
    }

    pub async fn tally(&self, command: Command) -> Result<Tally, OperationError> {
        Ok(self.writer.tally(command).await?)
    }
}

impl Handle {
    pub(crate) fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    pub(crate) fn commands(&self) -> &Commands {
        &self.0.commands
    }

    /// Accepts one request for a connector. When this returns `Ok`, the request is durable.
    ///
    /// # Errors
    /// When it is not accepted; then nothing of it is stored.
    pub async fn accept(&self, connector: &str, request: Request) -> Result<Accepted, Refused> {
        self.0.intake.accept(connector, request).await
    }

    /// The store, for queries.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.0.commands.store
    }

    /// The time by the flow's clock.
    #[must_use]
    pub fn now(&self) -> Millis {
        self.0.commands.now()
    }

    /// The connectors: name and plugin.
    #[must_use]
    pub fn connectors(&self) -> Vec<(String, String)> {
        let all = self.0.connectors.all();
        all.iter().map(|connector| (connector.name.clone(), connector.label.clone())).collect()
    }

    /// The versions of a connector's plugin that are loaded, the current one first.
    #[must_use]
    pub fn versions(&self, connector: &str) -> Vec<Version> {
        self.0.connectors.versions(connector)
    }

    /// How many requests are stored and not yet read.
    #[must_use]
    pub fn pending_inbounds(&self) -> i64 {
        self.0.journal.pending()
    }

    /// How much work is in progress, as intake counts it.
    #[must_use]
    pub fn in_progress(&self) -> i64 {
        self.0.gate.level()
    }

    /// The last report on a connector's set-up. None when it was not checked yet, or there is nothing to set up.
    #[must_use]
    pub fn setup(&self, connector: &str) -> Option<Report> {
        self.0.setups.report(connector)
    }

    /// Checks a connector's set-up now, and repairs what is not as it should be when `repair` is true.
    ///
    /// # Errors
    /// When there is nothing to check; not when something was found.
    pub async fn check_setup(&self, connector: &str, repair: bool, by: &str) -> Result<Report, SetupError> {
        self.0.setups.check_for(connector, repair, by).await
    }

    /// Pauses a connector: nothing is sent, and its deliveries stay queued.
    ///
    /// # Errors
    /// When there is no such connector, or the store fails; so for every operation.
    pub async fn pause(&self, connector: &str, reason: &str, by: &str) -> Result<(), OperationError> {
        self.known(connector)?;
        let why = Problem { code: "paused".into(), message: reason.to_owned(), field: None };
        let (connector, by, now) = (connector.to_owned(), by.to_owned(), self.now());
        self.commands().submit(Command::Pause { connector, why, by, now }).await?;
        Ok(())
    }

    /// Resumes a paused connector.
    ///
    /// # Errors
    /// See [`Handle::pause`].
    pub async fn resume(&self, connector: &str, by: &str) -> Result<(), OperationError> {
        self.known(connector)?;
        loop {
            let (connector, by, now) = (connector.to_owned(), by.to_owned(), self.now());
            if !self.commands().tally(Command::Resume { connector, by, now }).await?.more {
                break;
            }
        }
        self.0.journal.made_due(connector);
        Ok(())
    }

    /// Swaps a connector's plugin for another version while events flow. See [`crate::swap`].
    ///
    /// # Errors
    /// When the new version cannot take over; then the old one stays.
    pub async fn swap(
        &self,
        loader: &dyn Loader,
        connector: &str,
        plugin: &str,
        by: &str,
    ) -> Result<Swapped, SwapError> {
        self.0.swapper.swap(loader, connector, Wanted::Plugin(plugin), by).await
    }

    /// Swaps a connector back to the version that it had before the last swap.
    ///
    /// # Errors
    /// When there is none, or it cannot take over any more.
    pub async fn swap_back(
        &self,
        loader: &dyn Loader,
        connector: &str,
        by: &str,
    ) -> Result<Swapped, SwapError> {
        self.0.swapper.swap(loader, connector, Wanted::Previous, by).await
    }

    /// Retries an exception.
    ///
    /// # Errors
    /// When it is not an exception; see [`Handle::pause`].
    pub async fn retry(&self, delivery: i64, by: &str) -> Result<Tally, OperationError> {
        self.commands().tally(Command::Retry { delivery, by: by.to_owned(), now: self.now() }).await
    }

    /// Discards an exception; the deliveries behind it continue.
    ///
    /// # Errors
    /// See [`Handle::retry`].
    pub async fn discard(&self, delivery: i64, why: &str, by: &str) -> Result<Tally, OperationError> {
        let (why, by, now) = (why.to_owned(), by.to_owned(), self.now());
        self.commands().tally(Command::Discard { delivery, why, by, now }).await
    }

    /// Sends the settled deliveries that match the filter again.
    ///
    /// # Errors
    /// See [`Handle::pause`].
    pub async fn replay(
        &self,
        filter: Filter,
        generation: Option<u32>,
        by: &str,
    ) -> Result<Tally, OperationError> {
        let mut all = Tally::default();
        let mut after = None;
        loop {
            let left =
                filter.limit.map(|limit| limit.saturating_sub(u32::try_from(all.count).unwrap_or(u32::MAX)));
            let replay = Replay {
                filter: Filter { limit: left, ..filter.clone() },
                generation,
                after,
                page: REPLAY_PAGE,
                by: by.to_owned(),
                now: self.now(),
            };
            let tally = self.commands().tally(Command::Replay(replay)).await?;
            all.count += tally.count;
            all.skipped += tally.skipped;
            all.pruned += tally.pruned;
            after = tally.next;
            if after.is_none() || left == Some(0) {
                return Ok(all);
            }
        }
    }

    /// Reads a quarantined request again.
    ///
    /// # Errors
    /// When it is not in quarantine, or its bytes are gone; see [`Handle::pause`].
    pub async fn reread(&self, inbound: i64, by: &str) -> Result<(), OperationError> {
        let gone = || Error::Unknown { what: "quarantined request with its bytes", id: inbound.to_string() };
        let stored = self.store().inbound(inbound).await?;
        let stored = stored.filter(|stored| stored.request.is_some()).ok_or_else(gone)?;
        Ok(self.0.journal.reread(inbound, &stored.connector, by).await?)
    }

    /// Erases a person's data: destroys the key that encrypts it.
    ///
    /// # Errors
    /// See [`Handle::pause`].
    pub async fn erase(&self, subject: &str, by: &str) -> Result<Tally, OperationError> {
        let mut count = 0;
        loop {
            let (subject, by, now) = (subject.to_owned(), by.to_owned(), self.now());
            let tally = self.commands().tally(Command::ErasePerson { subject, by, now }).await?;
            count += tally.count;
            if !tally.more {
                return Ok(Tally { count, ..tally });
            }
        }
    }

    /// Stores an API token by its hash.
    ///
    /// # Errors
    /// See [`Handle::pause`].
    pub async fn put_token(&self, name: &str, hash: [u8; 32], by: &str) -> Result<(), OperationError> {
        let (name, by, now) = (name.to_owned(), by.to_owned(), self.now());
        self.commands().submit(Command::PutToken { name, hash, by, now }).await?;
        Ok(())
    }

    /// Revokes an API token.
    ///
    /// # Errors
    /// When there is no such token; see [`Handle::pause`].
    pub async fn revoke_token(&self, name: &str, by: &str) -> Result<(), OperationError> {
        let (name, by, now) = (name.to_owned(), by.to_owned(), self.now());
        self.commands().submit(Command::RevokeToken { name, by, now }).await?;
        Ok(())
    }

    fn known(&self, connector: &str) -> Result<(), OperationError> {
        if self.0.connectors.contains(connector) {
            return Ok(());
        }
        Err(OperationError::NoSuchConnector(connector.to_owned()))
    }
}
