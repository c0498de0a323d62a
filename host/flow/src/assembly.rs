//! Builds the drivers of a connector from the services that they need.

use std::sync::Arc;

use crossdock_engine::Store;
use crossdock_model::time::Clock;
use crossdock_rules::safeguards::Safeguards;
use crossdock_storage::Writer;

use crate::admissions::Admissions;
use crate::connector::Connector;
use crate::connectors::Connectors;
use crate::dispatch::{self, Dispatcher};
use crate::folder::{FolderDriver, Inbox, Outbox};
use crate::gate::Gate;
use crate::housekeeping::{Housekeeper, RetentionPeriods};
use crate::journal::Journal;
use crate::outbox::OutboxSignal;
use crate::pauses::Pauses;
use crate::pending::PendingInbounds;
use crate::poll::{Pages, Poller};
use crate::prepare::Preparer;
use crate::randomness::Randomness;
use crate::setup::{SetupChecks, SetupDriver};

/// What is outside of the flow, and the registry of connectors.
#[derive(Clone)]
pub(crate) struct Core {
    pub store: Store,
    pub writer: Writer,
    pub clock: Arc<dyn Clock>,
    pub randomness: Arc<Randomness>,
    pub connectors: Arc<Connectors>,
}

impl Core {
    pub fn pauses(&self) -> Pauses {
        Pauses::new(self.store.clone(), self.writer.clone(), Arc::clone(&self.clock))
    }

    pub fn setup_checks(&self) -> SetupChecks {
        SetupChecks::new(Arc::clone(&self.connectors), self.writer.clone(), Arc::clone(&self.clock))
    }

    pub fn housekeeper(&self, gate: &Arc<Gate>, retention: RetentionPeriods) -> Housekeeper {
        Housekeeper {
            writer: self.writer.clone(),
            clock: Arc::clone(&self.clock),
            connectors: Arc::clone(&self.connectors),
            gate: Arc::clone(gate),
            retention,
        }
    }

    /// The dispatcher of a connector that delivers.
    pub fn dispatcher(
        &self,
        connector: &Connector,
        gate: &Gate,
        outbox: &Arc<OutboxSignal>,
    ) -> Option<Dispatcher> {
        let (sink, load) = (connector.sink.as_ref()?, gate.deliveries(&connector.name)?);
        let parts = dispatch::Parts {
            connectors: Arc::clone(&self.connectors),
            store: self.store.clone(),
            writer: self.writer.clone(),
            clock: Arc::clone(&self.clock),
            randomness: Arc::clone(&self.randomness),
            outbox: Arc::clone(outbox),
        };
        Some(Dispatcher::new(&connector.name, sink, Arc::clone(load), parts))
    }

    /// The poller of a connector that is polled.
    pub fn poller(
        &self,
        connector: &Connector,
        preparer: &Arc<Preparer>,
        admissions: &Arc<Admissions>,
        inbounds: &Arc<dyn PendingInbounds>,
        pauses: &Arc<Pauses>,
    ) -> Option<Poller> {
        let pages = Pages {
            admissions: Arc::clone(admissions),
            inbounds: Arc::clone(inbounds),
            clock: Arc::clone(&self.clock),
            randomness: Arc::clone(&self.randomness),
        };
        Some(Poller {
            connector: connector.name.clone(),
            interval: connector.poll?,
            connectors: Arc::clone(&self.connectors),
            store: self.store.clone(),
            preparer: Arc::clone(preparer),
            pages,
            pauses: Arc::clone(pauses),
            clock: Arc::clone(&self.clock),
            randomness: Arc::clone(&self.randomness),
        })
    }

    /// The driver of a connector's exchange folder.
    pub fn folder(
        &self,
        connector: &Connector,
        journal: &Arc<Journal>,
        gate: &Arc<Gate>,
        pauses: &Arc<Pauses>,
        files_added: &Arc<OutboxSignal>,
        safeguards: Safeguards,
    ) -> Option<FolderDriver> {
        let (name, folder) = (&connector.name, connector.folder.clone()?);
        let (clock, randomness) = (&self.clock, &self.randomness);
        let inbox = Inbox::new(
            name.clone(),
            &folder,
            Arc::clone(journal),
            Arc::clone(gate),
            safeguards,
            Arc::clone(clock),
            Arc::clone(randomness),
        );
        let (store, writer) = (self.store.clone(), self.writer.clone());
        let outbox = Outbox::new(name.clone(), store, writer, Arc::clone(pauses), Arc::clone(clock));
        let (files_added, randomness) = (Arc::clone(files_added), Arc::clone(randomness));
        Some(FolderDriver { connector: name.clone(), folder, inbox, outbox, files_added, randomness })
    }

    pub fn setup_driver(
        &self,
        connector: &Connector,
        checks: &Arc<SetupChecks>,
        pauses: &Arc<Pauses>,
    ) -> SetupDriver {
        SetupDriver {
            connector: connector.name.clone(),
            connectors: Arc::clone(&self.connectors),
            checks: Arc::clone(checks),
            pauses: Arc::clone(pauses),
            randomness: Arc::clone(&self.randomness),
        }
    }
}
