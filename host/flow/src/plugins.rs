//! What the flow needs of a plugin, so that the flow can be driven without a sandbox.

use async_trait::async_trait;
use crossdock_engine::OutFile;
use crossdock_model::connector::{Failure, Found, Inbound, Outcome, Page, Work};
use crossdock_model::event::Event;
use crossdock_rules::outcome::Fault;

/// A plugin's call that gave no answer.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct NoAnswer {
    /// How the call failed, as the rules distinguish it.
    pub fault: Fault,
    /// What happened, for the operator: with the plugin's last log lines.
    pub message: String,
}

/// What a call produced besides its answer. Files and numbers count only when the answer does.
#[derive(Clone, Debug, Default)]
pub struct CallEffects {
    /// One line for each HTTP request: method, address, status, duration. Empty when nothing was sent.
    pub summary: String,
    /// Files for the partner, in the order in which the plugin wrote them.
    pub files: Vec<OutFile>,
    /// The last number of each sequence that the call was allotted.
    pub numbers: Vec<(String, u64)>,
}

/// Something about the set-up of a system that was not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// A stable code (`subscription-missing`).
    pub code: String,
    /// What was found, and what was done or has to be done about it.
    pub message: String,
    /// True when it was repaired.
    pub repaired: bool,
}

/// A connector's plugin, loaded, with the access that the operator granted. Every call ends within the connector's
/// deadline, the wait for a sandbox instance included.
#[async_trait]
pub trait Plugin: Send + Sync + 'static {
    /// Reads one request or file: its events, or why it cannot be read. Called at least once for every request.
    async fn receive(&self, inbound: Inbound)
    -> (Result<Result<Vec<Event>, Failure>, NoAnswer>, CallEffects);

    /// Asks what happened since the cursor; at most `limit` events.
    async fn poll(&self, cursor: Option<String>, limit: u32) -> Result<Result<Page, Failure>, NoAnswer>;

    /// Delivers to the system; one outcome for each piece of work. Called under a claim that is durable.
    async fn deliver(&self, trace: &str, work: Vec<Work>) -> (Result<Vec<Outcome>, NoAnswer>, CallEffects);

    /// Looks up whether the system has the work already; one answer for each piece of work.
    async fn find(&self, trace: &str, work: Vec<Work>) -> (Result<Vec<Found>, NoAnswer>, CallEffects);

    /// Compares the set-up of the system with what it should be; repairs it when `repair` is true.
    async fn check(&self, address: &str, repair: bool) -> Result<Result<Vec<Finding>, Failure>, NoAnswer>;

    /// How many calls are in flight, where they are counted.
    fn in_flight(&self) -> u32 {
        0
    }
}
