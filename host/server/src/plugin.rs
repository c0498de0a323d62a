//! Implements the flow's plugin trait by a guest in the sandbox.

use async_trait::async_trait;
use crossdock_engine::OutFile;
use crossdock_flow::plugins::{CallEffects, Finding, NoAnswer, Plugin};
use crossdock_model::connector::{Failure, Found, Inbound, Outcome, Page, Problem, Work};
use crossdock_model::event::Event;
use crossdock_rules::outcome::Fault;
use crossdock_sandbox::{Call, Error, Guest, Report};

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
    async fn receive(
        &self,
        inbound: Inbound,
    ) -> (Result<Result<Vec<Event>, Failure>, NoAnswer>, CallEffects) {
        answer(self.guest.receive(Call::default(), inbound).await, failure)
    }

    async fn poll(&self, cursor: Option<String>, limit: u32) -> Result<Result<Page, Failure>, NoAnswer> {
        answer(self.guest.poll(Call::default(), cursor, limit).await, failure).0
    }

    async fn deliver(&self, trace: &str, work: Vec<Work>) -> (Result<Vec<Outcome>, NoAnswer>, CallEffects) {
        answer(self.guest.deliver(call(trace), work).await, |answer| outcomes(answer))
    }

    async fn find(&self, trace: &str, work: Vec<Work>) -> (Result<Vec<Found>, NoAnswer>, CallEffects) {
        answer(self.guest.find(call(trace), work).await, |_| Vec::new())
    }

    async fn check(&self, address: &str, repair: bool) -> Result<Result<Vec<Finding>, Failure>, NoAnswer> {
        let report = self.guest.check(Call::default(), address.to_owned(), repair).await;
        let (answer, _) = answer(report, failure);
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

/// What a call answered. The plugin does not learn why the host refused to send a request, so where it answers that it
/// is unauthorized, the host's own reason is added.
fn answer<T>(
    mut report: Report<T>,
    unauthorized: impl FnOnce(&mut T) -> Vec<&mut Problem>,
) -> (Result<T, NoAnswer>, CallEffects) {
    if let (Ok(answer), Some(denied)) = (&mut report.result, &report.transcript.denied) {
        for problem in unauthorized(answer) {
            problem.message = format!("{}: {denied}", problem.message);
        }
    }
    let files = report.outbox.files.into_iter().map(|(name, content)| OutFile { name, content });
    let effects = CallEffects {
        summary: report.transcript.summary(),
        files: files.collect(),
        numbers: report.outbox.numbers.into_iter().collect(),
    };
    let result = report.result.map_err(|error| NoAnswer { fault: fault(&error), message: error.to_string() });
    (result, effects)
}

/// Whether the missing answer is the plugin's failure or the host's, which the rules treat differently.
fn fault(error: &Error) -> Fault {
    match error {
        Error::Trapped { .. } | Error::OutOfMemory { .. } => Fault::Trap,
        Error::Deadline { .. } => Fault::Deadline,
        Error::Excess { .. } | Error::BadAnswer { .. } | Error::NotExported { .. } => Fault::BadAnswer,
        // The host had no free instance, could not start one, or could not read its own database: the plugin has not
        // failed.
        Error::Busy { .. } | Error::Start { .. } | Error::Lookup { .. } | Error::Replay { .. } => Fault::Lost,
    }
}

/// The problems of the outcomes `unauthorized`.
fn outcomes(outcomes: &mut [Outcome]) -> Vec<&mut Problem> {
    let unauthorized = outcomes.iter_mut().filter_map(|outcome| match outcome {
        Outcome::Unauthorized(problem) => Some(problem),
        _ => None,
    });
    unauthorized.collect()
}

/// The problem of the answer `unauthorized`.
fn failure<T>(answer: &mut Result<T, Failure>) -> Vec<&mut Problem> {
    match answer {
        Err(Failure::Unauthorized(problem)) => vec![problem],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crossdock_egress::Error as EgressError;
    use crossdock_egress::recorder::Transcript;
    use crossdock_sandbox::Outbox;

    use super::*;

    fn problem() -> Problem {
        Problem { code: "host-not-allowed".into(), message: "POST / was not sent".into(), field: None }
    }

    fn report<T>(result: Result<T, Error>, denied: Option<EgressError>) -> Report<T> {
        let transcript = Transcript { denied, ..Transcript::default() };
        Report { result, transcript, outbox: Outbox::default(), took: Duration::ZERO, memory: 0 }
    }

    #[test]
    fn the_host_is_not_the_plugins_fault() {
        let (reason, output) = (String::new, String::new);
        let errors = [
            Error::Trapped { reason: reason(), output: output() },
            Error::Deadline { after: Duration::ZERO, output: output() },
            Error::OutOfMemory { limit: 0, output: output() },
            Error::Excess { what: "lines", limit: 0, output: output() },
            Error::BadAnswer { reason: reason() },
            Error::Busy { after: Duration::ZERO },
            Error::Start { reason: reason() },
            Error::Lookup { reason: reason() },
            Error::Replay { reason: reason() },
        ];
        for error in errors {
            assert_eq!(fault(&error) != Fault::Lost, error.plugin_failed(), "{error:?}");
        }
    }

    #[test]
    fn why_the_host_kept_a_request_back_is_said_where_the_plugin_is_unauthorized() {
        let denied =
            || EgressError::Unauthorized { reason: "https://login.example said invalid_client".into() };
        let names_the_reason =
            |message: &str| message.contains("POST / was not sent") && message.contains("invalid_client");

        let work = vec![Outcome::Rejected(problem()), Outcome::Unauthorized(problem())];
        let (work, _) = answer(report(Ok(work), Some(denied())), |work| outcomes(work));
        match work.unwrap().as_slice() {
            [Outcome::Rejected(other), Outcome::Unauthorized(said)] => {
                assert!(names_the_reason(&said.message), "{}", said.message);
                assert_eq!(*other, problem(), "what has another reason is left alone");
            }
            other => panic!("{other:?}"),
        }
        let page: Result<Page, Failure> = Err(Failure::Unauthorized(problem()));
        match answer(report(Ok(page), Some(denied())), failure).0.unwrap() {
            Err(Failure::Unauthorized(said)) => assert!(names_the_reason(&said.message), "{}", said.message),
            other => panic!("{other:?}"),
        }
        // The target itself said no: there is nothing to add.
        let page: Result<Page, Failure> = Err(Failure::Unauthorized(problem()));
        let said = answer(report(Ok(page), None), failure).0.unwrap();
        assert_eq!(said, Err(Failure::Unauthorized(problem())));
    }
}
