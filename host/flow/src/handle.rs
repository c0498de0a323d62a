//! What a running flow is operated through. Every operation is durable and audited before it returns.

mod tables;

use std::sync::Arc;

use crossdock_model::connector::Problem;
use crossdock_storage::{Command, Error, Filter, Moved, Replay, Request, Store};

use crate::connectors::Version;
use crate::intake::{self, Accepted, Refused};
use crate::setup::{self, Setup, SetupError};
use crate::shared::Shared;
use crate::swap::{self, Loader, SwapError, Swapped, Wanted};

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

/// Operates a flow. Clones are cheap.
#[derive(Clone)]
pub struct Handle {
    shared: Arc<Shared>,
}

impl Handle {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Takes one request for a connector. When this returns `Ok`, the request is durable.
    ///
    /// # Errors
    /// When it is not taken; then nothing of it is kept.
    pub async fn accept(&self, connector: &str, request: Request) -> Result<Accepted, Refused> {
        intake::accept(&self.shared, connector, request).await
    }

    /// The store, for queries.
    #[must_use]
    pub fn store(&self) -> &dyn Store {
        &*self.shared.store
    }

    /// What time it is for the flow.
    #[must_use]
    pub fn now(&self) -> crossdock_model::time::Millis {
        self.shared.now()
    }

    /// The connectors: name and plugin.
    pub fn connectors(&self) -> Vec<(String, String)> {
        let all = self.shared.connectors.all();
        all.iter().map(|connector| (connector.name.clone(), connector.label.clone())).collect()
    }

    /// The versions of a connector's plugin that are loaded, the current one first.
    #[must_use]
    pub fn versions(&self, connector: &str) -> Vec<Version> {
        self.shared.connectors.versions(connector)
    }

    /// How many requests are kept and not yet read.
    #[must_use]
    pub fn unread(&self) -> i64 {
        self.shared.unread.count()
    }

    /// How much work is in progress, as intake counts it.
    #[must_use]
    pub fn in_progress(&self) -> i64 {
        self.shared.gate.level()
    }

    /// What the last look at a connector's set-up found. None when nobody has looked yet, or there is nothing
    /// to set up.
    #[must_use]
    pub fn setup(&self, connector: &str) -> Option<Setup> {
        self.shared.setups.get(connector)
    }

    /// Looks at a connector's set-up now, and puts right what is not as it should be, when told to.
    ///
    /// # Errors
    /// When there is nothing to look at; not when something was found.
    pub async fn check_setup(&self, connector: &str, repair: bool, by: &str) -> Result<Setup, SetupError> {
        setup::look_now(&self.shared, connector, repair, by).await
    }

    /// Sends nothing more through a connector. What is owed to it is kept.
    ///
    /// # Errors
    /// When there is no such connector, or the store fails; so for every operation.
    pub async fn pause(&self, connector: &str, reason: &str, by: &str) -> Result<(), OperationError> {
        self.known(connector)?;
        let why = Problem { code: "paused".into(), message: reason.to_owned(), field: None };
        let connector = connector.to_owned();
        let command = Command::Pause { connector, why, by: by.to_owned(), now: self.shared.now() };
        self.shared.writer.submit(command).await?;
        Ok(())
    }

    /// Sends through a connector again.
    ///
    /// # Errors
    /// See [`Handle::pause`].
    pub async fn resume(&self, connector: &str, by: &str) -> Result<(), OperationError> {
        self.known(connector)?;
        let connector = connector.to_owned();
        self.shared
            .writer
            .submit(Command::Resume { connector, by: by.to_owned(), now: self.shared.now() })
            .await?;
        Ok(())
    }

    /// Gives a connector another version of its plugin while work flows. See [`swap`].
    ///
    /// # Errors
    /// When the new version cannot take over; then the old one goes on.
    pub async fn swap(
        &self,
        loader: &dyn Loader,
        connector: &str,
        plugin: &str,
        by: &str,
    ) -> Result<Swapped, SwapError> {
        swap::swap(&self.shared, loader, connector, Wanted::Plugin(plugin), by).await
    }

    /// Gives a connector the version back that it had before the last swap.
    ///
    /// # Errors
    /// When there is none, or it cannot take over any more.
    pub async fn swap_back(
        &self,
        loader: &dyn Loader,
        connector: &str,
        by: &str,
    ) -> Result<Swapped, SwapError> {
        swap::swap(&self.shared, loader, connector, Wanted::Before, by).await
    }

    /// Tries an exception again.
    ///
    /// # Errors
    /// When it is no exception; see [`Handle::pause`].
    pub async fn retry(&self, delivery: i64, by: &str) -> Result<Moved, OperationError> {
        let command = Command::Retry { delivery, by: by.to_owned(), now: self.shared.now() };
        Ok(self.shared.writer.moved(command).await?)
    }

    /// Gives an exception up; what waits behind it goes on.
    ///
    /// # Errors
    /// See [`Handle::retry`].
    pub async fn discard(&self, delivery: i64, why: &str, by: &str) -> Result<Moved, OperationError> {
        let now = self.shared.now();
        let command = Command::Discard { delivery, why: why.to_owned(), by: by.to_owned(), now };
        Ok(self.shared.writer.moved(command).await?)
    }

    /// Sends again what was settled and fits the filter.
    ///
    /// # Errors
    /// See [`Handle::pause`].
    pub async fn replay(
        &self,
        filter: Filter,
        generation: Option<u32>,
        by: &str,
    ) -> Result<Moved, OperationError> {
        let replay = Replay { filter, generation, by: by.to_owned(), now: self.shared.now() };
        Ok(self.shared.writer.moved(Command::Replay(replay)).await?)
    }

    /// Reads a quarantined request again.
    ///
    /// # Errors
    /// When it is not in quarantine, or its bytes are gone; see [`Handle::pause`].
    pub async fn reread(&self, inbound: i64, by: &str) -> Result<(), OperationError> {
        let gone = || Error::Unknown { what: "quarantined request with its bytes", id: inbound.to_string() };
        let kept = self.shared.store.inbound(inbound).await?;
        let kept = kept.filter(|kept| kept.request.is_some()).ok_or_else(gone)?;
        self.shared
            .writer
            .submit(Command::Reread { inbound, by: by.to_owned(), now: self.shared.now() })
            .await?;
        self.shared.unread_again(kept);
        Ok(())
    }

    /// Erases a person: destroys the key that everything personal about them rests under.
    ///
    /// # Errors
    /// See [`Handle::pause`].
    pub async fn erase(&self, subject: &str, by: &str) -> Result<Moved, OperationError> {
        let command =
            Command::ErasePerson { subject: subject.to_owned(), by: by.to_owned(), now: self.shared.now() };
        Ok(self.shared.writer.moved(command).await?)
    }

    /// Keeps a token by its hash.
    ///
    /// # Errors
    /// See [`Handle::pause`].
    pub async fn put_token(&self, name: &str, hash: [u8; 32], by: &str) -> Result<(), OperationError> {
        let (name, by) = (name.to_owned(), by.to_owned());
        let command = Command::PutToken { name, hash, by, now: self.shared.now() };
        self.shared.writer.submit(command).await?;
        Ok(())
    }

    /// Makes a token worthless.
    ///
    /// # Errors
    /// When there is no such token; see [`Handle::pause`].
    pub async fn revoke_token(&self, name: &str, by: &str) -> Result<(), OperationError> {
        let command =
            Command::RevokeToken { name: name.to_owned(), by: by.to_owned(), now: self.shared.now() };
        self.shared.writer.submit(command).await?;
        Ok(())
    }

    fn known(&self, connector: &str) -> Result<(), OperationError> {
        if self.shared.connectors.contains(connector) {
            return Ok(());
        }
        Err(OperationError::NoSuchConnector(connector.to_owned()))
    }
}
