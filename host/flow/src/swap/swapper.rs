//! Does a swap, step by step, and writes it down.

use std::sync::Arc;

use crossdock_engine::{Command, PluginChoice, Store};
use crossdock_model::time::Clock;
use crossdock_storage::Writer;
use serde::Serialize;

use super::compatibility::incompatibility;
use super::error::SwapError;
use super::loader::{BY_DIGEST, Loader};
use super::probe::probe;
use crate::connector::Connector;
use crate::connectors::Connectors;

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
    /// How many deliveries that the old version posted the new one was asked for, and found.
    pub receipts: usize,
}

/// Which version a connector is to run.
#[derive(Clone, Copy)]
pub(crate) enum Wanted<'a> {
    /// This plugin.
    Plugin(&'a str),
    /// The one before the last swap.
    Previous,
}

/// Swaps plugins, one at a time.
pub(crate) struct Swapper {
    store: Store,
    writer: Writer,
    clock: Arc<dyn Clock>,
    connectors: Arc<Connectors>,
    /// Held during a swap.
    swapping: tokio::sync::Mutex<()>,
}

impl Swapper {
    pub fn new(store: Store, writer: Writer, clock: Arc<dyn Clock>, connectors: Arc<Connectors>) -> Self {
        Self { store, writer, clock, connectors, swapping: tokio::sync::Mutex::default() }
    }

    /// Swaps a connector's plugin. A swap that is refused is written to the audit log, as one that is done is.
    pub async fn swap(
        &self,
        loader: &dyn Loader,
        name: &str,
        wanted: Wanted<'_>,
        by: &str,
    ) -> Result<Swapped, SwapError> {
        let _swapping = self.swapping.lock().await;
        let done = self.attempt(loader, name, wanted, by).await;
        match &done {
            Ok(swapped) => {
                tracing::info!(connector = name, from = swapped.from, to = swapped.to, "swapped");
                count(name, "done");
            }
            Err(error) => {
                tracing::warn!(connector = name, code = error.code(), "a swap was refused: {error}");
                count(name, "refused");
                let asked = match wanted {
                    Wanted::Plugin(plugin) => plugin,
                    Wanted::Previous => "back",
                };
                let detail = format!("{asked}: {error}");
                let (by, subject, now) = (by.to_owned(), name.to_owned(), self.clock.now());
                let action = "connector.swap-refused".to_owned();
                self.writer.submit(Command::Audit { by, action, subject, detail, now }).await?;
            }
        }
        done
    }

    async fn attempt(
        &self,
        loader: &dyn Loader,
        name: &str,
        wanted: Wanted<'_>,
        by: &str,
    ) -> Result<Swapped, SwapError> {
        let old = self.connectors.get(name).ok_or_else(|| SwapError::NoSuchConnector(name.to_owned()))?;
        let connector = || name.to_owned();
        let version = || old.label.clone();
        let (plugin, previous) = match wanted {
            Wanted::Plugin(plugin) => (plugin.to_owned(), Some(format!("{BY_DIGEST}{}", old.digest))),
            Wanted::Previous => (self.previous(&old).await?, None),
        };
        let loaded = loader.load(name, &plugin).await;
        let next = loaded.map_err(|reason| SwapError::NotLoaded {
            connector: connector(),
            version: version(),
            reason,
        })?;
        if let Some(reason) = incompatibility(&old, &next) {
            return Err(SwapError::Incompatible { connector: connector(), version: version(), reason });
        }
        let probed = probe(&self.store, &*self.clock, &next).await?;
        let receipts = probed.map_err(|reason| SwapError::ReceiptsNotFound {
            connector: connector(),
            version: version(),
            reason,
        })?;
        let (from, to) = (version(), next.label.clone());
        // The choice is durable before the first call goes to the new version: a host that is killed here starts
        // with the version that was chosen.
        let (by, now) = (by.to_owned(), self.clock.now());
        let plugin = (next.file != next.configured).then(|| next.file.clone());
        let choice = Command::ChoosePlugin { connector: connector(), plugin, previous, by, now };
        self.writer.submit(choice).await?;
        self.connectors.swap(next);
        Ok(Swapped { connector: connector(), from, to, receipts })
    }

    /// The plugin that ran before the last swap.
    async fn previous(&self, current: &Connector) -> Result<String, SwapError> {
        let choices = self.store.plugin_choices().await?;
        match choices.into_iter().find(|choice| choice.connector == current.name) {
            None => Err(SwapError::NoPreviousVersion(current.name.clone())),
            Some(PluginChoice { previous: None, connector, .. }) => {
                Err(SwapError::AlreadySwappedBack { connector, version: current.label.clone() })
            }
            Some(PluginChoice { previous: Some(previous), .. }) => Ok(previous),
        }
    }
}

fn count(connector: &str, outcome: &'static str) {
    metrics::counter!("crossdock_swaps_total", "connector" => connector.to_owned(), "outcome" => outcome)
        .increment(1);
}
