//! The drivers that move an event along: intake → reader → routes → dispatch → settle, polls, exchange
//! folders and set-ups.
//!
//! This room joins the others and decides nothing itself: what to do is `rules`, what is durable is
//! `storage`, what a plugin is, is behind [`plugins::Plugin`]. It knows no HTTP and no WebAssembly. A
//! [`Flow`] is built once, run until it is told to drain, and operated through cheap clones of its
//! [`Handle`].

pub mod authenticate;
pub mod connector;
mod connectors;
mod dispatch;
mod exchange;
pub mod faults;
mod gate;
mod handle;
mod housekeeping;
mod intake;
pub mod plugins;
mod poll;
mod reader;
mod readers;
pub mod routes;
pub mod setup;
mod shared;
pub mod swap;

use std::sync::Arc;
use std::time::Duration;

use crossdock_model::time::Clock;
use crossdock_rules::ownership::Ownership;
use crossdock_rules::safeguards::Safeguards;
use crossdock_storage::{Store, Writer};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use connector::Connector;
use connectors::Connectors;
pub use connectors::Version;
use gate::Gate;
pub use handle::{Handle, OperationError};
pub use intake::{Accepted, Refused};
use readers::{Places, Queues, Waiting};
use routes::{Routes, Rule};
use shared::Shared;

/// How the flow behaves, beyond its connectors.
#[derive(Clone, Debug)]
pub struct Options {
    /// How much work may be in progress before intake holds newcomers back.
    pub backlog: u64,
    /// How long a newcomer is held before it is sent away.
    pub patience: Duration,
    /// How many requests may be with their plugins at the same moment: a quarter of them of one connector.
    pub readers: usize,
    /// How long raw requests are kept.
    pub retain: Duration,
    /// Where the dice start.
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
            patience: Duration::from_secs(2),
            readers: 64,
            retain: Duration::from_secs(30 * 86_400),
            seed: 0,
            safeguards: Safeguards::default(),
            ownership: Ownership::default(),
        }
    }
}

/// Everything that moves.
pub struct Flow {
    shared: Arc<Shared>,
    unread: Vec<Waiting>,
    options: Options,
}

impl Flow {
    /// Joins the parts. Nothing moves before [`Flow::run`].
    ///
    /// # Errors
    /// When a route's condition cannot be read.
    pub fn new(
        store: Arc<dyn Store>,
        writer: Writer,
        clock: Arc<dyn Clock>,
        connectors: Vec<Connector>,
        rules: Vec<Rule>,
        options: Options,
    ) -> Result<Self, routes::Error> {
        let routes = Routes::compile(rules)?;
        let gate = Gate::new(options.backlog, options.patience);
        let connectors = Connectors::new(connectors);
        let names = connectors.all().into_iter().map(|connector| connector.name.clone());
        let (queues, unread) = Queues::new(names, &gate);
        let shared = Shared::new(
            store,
            writer,
            clock,
            routes,
            connectors,
            options.safeguards,
            options.ownership.clone(),
            gate,
            options.seed,
            queues,
        );
        Ok(Self { shared: Arc::new(shared), unread, options })
    }

    /// What the flow is operated through.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle::new(Arc::clone(&self.shared))
    }

    /// Takes up what a former life left, and moves events until `stop`; then lets what is under way end.
    ///
    /// # Errors
    /// When the store cannot be read at the start.
    pub async fn run(self, stop: CancellationToken) -> Result<(), crossdock_storage::Error> {
        let Self { shared, unread, options } = self;
        housekeeping::take_over(&shared).await?;
        let tasks = TaskTracker::new();
        let reads = TaskTracker::new();
        let places = Places::new(options.readers);
        for waiting in unread {
            tasks.spawn(readers::run(Arc::clone(&shared), waiting, places.clone(), reads.clone()));
        }
        tasks.spawn(housekeeping::recover(Arc::clone(&shared)));
        tasks.spawn(housekeeping::run(Arc::clone(&shared), options.retain));
        for connector in shared.connectors.all() {
            if let Some(sink) = &connector.sink {
                tasks.spawn(dispatch::run(Arc::clone(&shared), connector.name.clone(), sink.clone()));
            }
            if let Some(interval) = connector.poll {
                tasks.spawn(poll::run(Arc::clone(&shared), connector.name.clone(), interval));
            }
            if let Some(folder) = &connector.folder {
                tasks.spawn(exchange::run(Arc::clone(&shared), connector.name.clone(), folder.clone()));
            }
            tasks.spawn(setup::run(Arc::clone(&shared), connector.name.clone()));
        }
        stop.cancelled().await;
        shared.drain.cancel();
        tasks.close();
        tasks.wait().await;
        reads.close();
        reads.wait().await;
        Ok(())
    }
}
