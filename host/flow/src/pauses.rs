//! Pauses of connectors that the host itself decides, and looking them up.

use std::sync::Arc;

use crossdock_engine::{Command, Error, Store};
use crossdock_model::connector::Problem;
use crossdock_model::time::Clock;
use crossdock_storage::Writer;

/// Looks up and makes pauses.
pub(crate) struct Pauses {
    store: Store,
    writer: Writer,
    clock: Arc<dyn Clock>,
}

impl Pauses {
    pub fn new(store: Store, writer: Writer, clock: Arc<dyn Clock>) -> Self {
        Self { store, writer, clock }
    }

    pub async fn is_paused(&self, connector: &str) -> Result<bool, Error> {
        Ok(self.store.paused(connector).await?.is_some())
    }

    /// Sends nothing more to a connector and polls it no more, until a person resumes it. The reason of an earlier
    /// pause stays.
    pub async fn pause(&self, connector: &str, why: Problem) {
        match self.is_paused(connector).await {
            Ok(false) => {}
            Ok(true) => return,
            Err(error) => {
                tracing::error!(connector, %error, "looking up whether a connector is paused failed")
            }
        }
        tracing::error!(connector, code = why.code, "paused: {}", why.message);
        let (connector, by, now) = (connector.to_owned(), "host".to_owned(), self.clock.now());
        let command = Command::Pause { connector: connector.clone(), why, by, now };
        if let Err(error) = self.writer.submit(command).await {
            tracing::error!(connector, %error, "storing the pause failed");
        }
    }
}
