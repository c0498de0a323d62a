//! A sandboxed plugin as the flow calls it.

use async_trait::async_trait;
use crossdock_flow::plugins::{Exchange, Finding, NoAnswer, Plugin};
use crossdock_model::connector::{Failure, Found, Inbound, Outcome, Page, Work};
use crossdock_model::event::Event;
use crossdock_rules::outcome::Fault;
use crossdock_sandbox::{Call, Error, Guest, Report};
use crossdock_storage::OutFile;

/// A connector's plugin in its sandbox.
pub struct Sandboxed {
    guest: Guest,
}

impl Sandboxed {
    /// The plugin of one connector.
    pub fn new(guest: Guest) -> Self {
        Self { guest }
    }
}

#[async_trait]
impl Plugin for Sandboxed {
    async fn receive(&self, inbound: Inbound) -> (Result<Result<Vec<Event>, Failure>, NoAnswer>, Exchange) {
        answer(self.guest.receive(Call::default(), inbound).await)
    }

    async fn poll(&self, cursor: Option<String>, limit: u32) -> Result<Result<Page, Failure>, NoAnswer> {
        answer(self.guest.poll(Call::default(), cursor, limit).await).0
    }

    async fn deliver(&self, trace: &str, work: Vec<Work>) -> (Result<Vec<Outcome>, NoAnswer>, Exchange) {
        answer(self.guest.deliver(call(trace), work).await)
    }

    async fn find(&self, trace: &str, work: Vec<Work>) -> (Result<Vec<Found>, NoAnswer>, Exchange) {
        answer(self.guest.find(call(trace), work).await)
    }

    async fn check(&self, address: &str, repair: bool) -> Result<Result<Vec<Finding>, Failure>, NoAnswer> {
        let (answer, _) = answer(self.guest.check(Call::default(), address.to_owned(), repair).await);
        let finding = |found: crossdock_sandbox::Finding| Finding {
            code: found.code,
            message: found.message,
            repaired: found.repaired,
        };
        answer.map(|checked| checked.map(|findings| findings.into_iter().map(finding).collect()))
    }
}

fn call(trace: &str) -> Call {
    Call { trace: trace.to_owned(), ..Call::default() }
}

fn answer<T>(report: Report<T>) -> (Result<T, NoAnswer>, Exchange) {
    let files = report.handed.files.into_iter().map(|(name, content)| OutFile { name, content });
    let exchange = Exchange {
        summary: report.transcript.summary(),
        files: files.collect(),
        numbers: report.handed.numbers.into_iter().collect(),
    };
    let result = report.result.map_err(|error| NoAnswer { fault: fault(&error), message: error.to_string() });
    (result, exchange)
}

/// Whose fault it is that there is no answer, as the rules ask.
fn fault(error: &Error) -> Fault {
    match error {
        Error::Trapped { .. } | Error::OutOfMemory { .. } => Fault::Trap,
        Error::Deadline { .. } => Fault::Deadline,
        // The host had no room or could not start it: not the plugin's fault.
        Error::Busy { .. } | Error::Start { .. } => Fault::Lost,
        _ => Fault::BadAnswer,
    }
}
