//! What the flow needs of a plugin, so that it can be driven without a sandbox.

use async_trait::async_trait;
use crossdock_model::connector::{Failure, Found, Inbound, Outcome, Page, Problem, Work};
use crossdock_model::event::Event;
use crossdock_rules::outcome::Fault;

/// A plugin's call that gave no answer.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct NoAnswer {
    /// What happened to the call, in the words the rules decide by.
    pub fault: Fault,
    /// What happened, for the operator: with the guest's last words.
    pub message: String,
}

/// What a call says about its conversation with the outside, for the attempt's record.
#[derive(Clone, Debug, Default)]
pub struct Exchange {
    /// One line a request: method, address, status, duration. Empty when nothing was sent.
    pub summary: String,
}

/// A connector's plugin, loaded and granted what the operator granted.
#[async_trait]
pub trait Plugin: Send + Sync + 'static {
    /// Reads one request: its events, or why it cannot be read.
    async fn receive(&self, inbound: Inbound) -> Result<Result<Vec<Event>, Problem>, NoAnswer>;

    /// Asks what happened since the cursor.
    async fn poll(&self, cursor: Option<String>, limit: u32) -> Result<Result<Page, Failure>, NoAnswer>;

    /// Tells the system; one outcome a piece of work.
    async fn deliver(&self, trace: &str, work: Vec<Work>) -> (Result<Vec<Outcome>, NoAnswer>, Exchange);

    /// Asks the system whether the work was done; one answer a piece of work.
    async fn find(&self, trace: &str, work: Vec<Work>) -> (Result<Vec<Found>, NoAnswer>, Exchange);
}
