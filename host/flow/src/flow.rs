//! The flow as a whole: built once, run until it is drained.

use std::sync::Arc;
use std::time::Duration;

use crossdock_engine::Store;
use crossdock_model::time::Clock;
use crossdock_rules::ownership::Ownership;
use crossdock_rules::safeguards::Safeguards;
use crossdock_storage::Writer;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::admissions::Admissions;
use crate::assembly::Core;
use crate::connector::Connector;
use crate::connectors::Connectors;
use crate::dispatch::Dispatcher;
use crate::folder::FolderDriver;
use crate::gate::{self, Gate};
use crate::handle::{Commands, Handle, Parts};
use crate::housekeeping::{Housekeeper, RetentionPeriods};
use crate::intake::Intake;
use crate::journal::Journal;
use crate::outbox::OutboxSignal;
use crate::pending::{PendingInbounds, StoredInbounds};
use crate::poll::Poller;
use crate::prepare::Preparer;
use crate::randomness::Randomness;
use crate::read::{
    self, CallSlots, OrphanDriver, ReadDriver, ReadQueues, Reader, Recorder, StoreFaults, lease_length,
    max_read_time,
};
use crate::routes::{self, Routes, Rule};
use crate::setup::SetupDriver;
use crate::swap::Swapper;

/// How the flow behaves, beyond its connectors.
#[derive(Clone, Debug)]
pub struct Options {
    /// How much work may be in progress before intake refuses requests.
    pub backlog: u64,
    /// How long a request waits for work to end before it is refused.
    pub max_intake_wait: Duration,
    /// How many plugin calls may read requests at the same moment: a quarter of them of one connector.
    pub max_reads: usize,
    /// How long data is kept.
    pub retention: RetentionPeriods,
    /// The seed of the flow's random numbers.
    pub seed: u64,
    /// Which safeguards are on.
    pub safeguards: Safeguards,
    /// Who owns which attribute.
    pub ownership: Ownership,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            backlog: 256,
            max_intake_wait: Duration::from_secs(2),
            max_reads: 64,
            retention: RetentionPeriods::default(),
            seed: 0,
            safeguards: Safeguards::default(),
            ownership: Ownership::default(),
        }
    }
}

/// All drivers, ready to run.
pub struct Flow {
    housekeeper: Housekeeper,
    journal: Arc<Journal>,
    orphans: OrphanDriver,
    readers: Vec<ReadDriver>,
    dispatchers: Vec<Dispatcher>,
    pollers: Vec<Poller>,
    folders: Vec<FolderDriver>,
    setups: Vec<SetupDriver>,
    handle: Handle,
    drain: CancellationToken,
}

impl Flow {
    /// Builds the drivers. Nothing moves before [`Flow::run`].
    ///
    /// # Errors
    /// When a route's condition does not compile.
    pub fn new(
        store: Store,
        writer: Writer,
        clock: Arc<dyn Clock>,
        connectors: Vec<Connector>,
        rules: Vec<Rule>,
        options: Options,
    ) -> Result<Self, routes::Error> {
        let routes = Routes::compile(rules)?;
        let connectors = Arc::new(Connectors::new(connectors));
        let randomness = Arc::new(Randomness::seeded(options.seed));
        let core = Core { store, writer, clock, randomness, connectors };
        let all = core.connectors.all();
        let drain = CancellationToken::new();

        let gate_options = gate::Options { limit: options.backlog, max_wait: options.max_intake_wait };
        let delivering = all.iter().map(|connector| (connector.name.clone(), connector.sink.is_some()));
        let gate = Arc::new(Gate::new(gate_options, delivering));
        let leases = all.iter().map(|connector| (connector.name.clone(), lease_length(connector.deadline)));
        let (queues, receivers) = ReadQueues::new(leases, &gate);
        let inbounds: Arc<dyn PendingInbounds> =
            Arc::new(StoredInbounds::new(core.store.clone(), core.writer.clone()));
        let pauses = Arc::new(core.pauses());
        let outbox = Arc::new(OutboxSignal::default());
        let admissions = Arc::new(Admissions::new(Arc::new(core.writer.clone()), Arc::clone(&gate)));
        let preparer = Arc::new(Preparer::new(
            core.store.clone(),
            Arc::clone(&core.connectors),
            routes,
            options.ownership,
            Arc::clone(&core.clock),
        ));
        let journal = Arc::new(Journal::new(Arc::clone(&inbounds), queues.clone(), Arc::clone(&core.clock)));
        let recorder = Arc::new(Recorder {
            admissions: Arc::clone(&admissions),
            inbounds: Arc::clone(&inbounds),
            outbox: Arc::clone(&outbox),
            clock: Arc::clone(&core.clock),
            randomness: Arc::clone(&core.randomness),
            faults: StoreFaults::default(),
        });
        let orphans = OrphanDriver {
            connectors: Arc::clone(&core.connectors),
            inbounds: Arc::clone(&inbounds),
            recorder: Arc::clone(&recorder),
            clock: Arc::clone(&core.clock),
        };
        let reader = Arc::new(Reader {
            connectors: Arc::clone(&core.connectors),
            preparer: Arc::clone(&preparer),
            pauses: Arc::clone(&pauses),
            recorder,
            clock: Arc::clone(&core.clock),
        });
        let slots = CallSlots::new(options.max_reads);
        let readers = receivers.into_iter().filter_map(|(name, direct)| {
            let (queue, connector) = (queues.get(&name)?.clone(), core.connectors.get(&name)?);
            Some(ReadDriver::new(read::Parts {
                connector: name,
                queue,
                direct,
                slots: slots.for_connector(),
                connectors: Arc::clone(&core.connectors),
                inbounds: Arc::clone(&inbounds),
                reader: Arc::clone(&reader) as _,
                clock: Arc::clone(&core.clock),
                max_read_time: max_read_time(connector.deadline),
            }))
        });
        let readers = readers.collect();

        let checks = Arc::new(core.setup_checks());
        let (mut dispatchers, mut pollers, mut folders) = (Vec::new(), Vec::new(), Vec::new());
        let mut setups = Vec::new();
        for connector in &all {
            dispatchers.extend(core.dispatcher(connector, &gate, &outbox));
            pollers.extend(core.poller(connector, &preparer, &admissions, &inbounds, &pauses));
            folders.extend(core.folder(connector, &journal, &gate, &pauses, &outbox, options.safeguards));
            setups.push(core.setup_driver(connector, &checks, &pauses));
        }

        let intake = Intake {
            connectors: Arc::clone(&core.connectors),
            journal: Arc::clone(&journal),
            gate: Arc::clone(&gate),
            safeguards: options.safeguards,
            clock: Arc::clone(&core.clock),
            randomness: Arc::clone(&core.randomness),
            drain: drain.clone(),
        };
        let housekeeper = core.housekeeper(&gate, options.retention);
        let Core { store, writer, clock, connectors, .. } = core;
        let swapper =
            Swapper::new(store.clone(), writer.clone(), Arc::clone(&clock), Arc::clone(&connectors));
        let commands = Commands { store, writer, clock };
        let handle = Handle::new(Parts {
            intake,
            journal: Arc::clone(&journal),
            commands,
            connectors,
            gate,
            setups: checks,
            swapper,
        });
        Ok(Self {
            housekeeper,
            journal,
            orphans,
            readers,
            dispatchers,
            pollers,
            folders,
            setups,
            handle,
            drain,
        })
    }

    /// What the flow is operated through.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Takes over what a former process left, and moves events until `stop`; then lets calls in flight end.
    ///
    /// # Errors
    /// When the claims of a former process cannot be released, or its unread requests cannot be counted.
    pub async fn run(self, stop: CancellationToken) -> Result<(), crossdock_engine::Error> {
        self.housekeeper.take_over().await?;
        self.journal.count_pending().await?;
        let (tasks, reads) = (TaskTracker::new(), TaskTracker::new());
        let drain = self.drain;
        for driver in self.readers {
            tasks.spawn(driver.run(reads.clone(), drain.clone()));
        }
        tasks.spawn(self.orphans.run(drain.clone()));
        tasks.spawn(self.housekeeper.run(drain.clone()));
        for dispatcher in self.dispatchers {
            tasks.spawn(dispatcher.run(drain.clone()));
        }
        for poller in self.pollers {
            tasks.spawn(poller.run(drain.clone()));
        }
        for folder in self.folders {
            tasks.spawn(folder.run(drain.clone()));
        }
        for setup in self.setups {
            tasks.spawn(setup.run(drain.clone()));
        }
        drop(self.handle);
        stop.cancelled().await;
        drain.cancel();
        tasks.close();
        tasks.wait().await;
        reads.close();
        reads.wait().await;
        Ok(())
    }
}
