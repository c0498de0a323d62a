//! What the flow needs of a plugin, so that it can be driven without a sandbox.

use async_trait::async_trait;
use crossdock_model::connector::{Failure, Found, Inbound, Outcome, Page, Work};
use crossdock_model::event::Event;
use crossdock_rules::outcome::Fault;
use crossdock_storage::OutFile;

/// A plugin's call that gave no answer.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct NoAnswer {
    /// What happened to the call, in the words the rules decide by.
    pub fault: Fault,
    /// What happened, for the operator: with the guest's last words.
    pub message: String,
}

/// What a call leaves besides its answer: its conversation with the outside, and what it handed over.
#[derive(Clone, Debug, Default)]
pub struct Exchange {
    /// One line a request: method, address, status, duration. Empty when nothing was sent.
    pub summary: String,
    /// Files for the partner, in the order in which they were handed over. They count when the answer does.
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
    /// True when it was put right.
    pub repaired: bool,
}

/// A connector's plugin, loaded and granted what the operator granted.
#[async_trait]
pub trait Plugin: Send + Sync + 'static {
    /// Reads one request or file: its events, or why it cannot be read.
    async fn receive(&self, inbound: Inbound) -> (Result<Result<Vec<Event>, Failure>, NoAnswer>, Exchange);

    /// Asks what happened since the cursor.
    async fn poll(&self, cursor: Option<String>, limit: u32) -> Result<Result<Page, Failure>, NoAnswer>;

    /// Tells the system; one outcome a piece of work.
    async fn deliver(&self, trace: &str, work: Vec<Work>) -> (Result<Vec<Outcome>, NoAnswer>, Exchange);

    /// Asks the system whether the work was done; one answer a piece of work.
    async fn find(&self, trace: &str, work: Vec<Work>) -> (Result<Vec<Found>, NoAnswer>, Exchange);

    /// Compares the set-up of the system with what it should be, and repairs it when told to.
    async fn check(&self, address: &str, repair: bool) -> Result<Result<Vec<Finding>, Failure>, NoAnswer>;

    /// How many calls are under way, where they are counted.
    fn in_flight(&self) -> u32 {
        0
    }
}
