//! The answers of one call, one for each delivery, and how they are written into the record of attempts.

use crossdock_model::connector::{Found, Outcome, Problem, Unmapped};
use crossdock_rules::outcome::{Answer, Fault};

use crate::plugins::NoAnswer;
use crate::problem::problem;

/// Answers in the order of the work, or the one failure that all of it shares.
pub(super) enum Answers {
    Given(std::vec::IntoIter<Answer>),
    None(NoAnswer),
}

impl Answers {
    pub fn outcomes(answered: Result<Vec<Outcome>, NoAnswer>) -> Self {
        Self::new(answered.map(|outcomes| outcomes.into_iter().map(Answer::Outcome).collect()))
    }

    pub fn found(answered: Result<Vec<Found>, NoAnswer>) -> Self {
        Self::new(answered.map(|found| found.into_iter().map(Answer::Found).collect()))
    }

    fn new(answered: Result<Vec<Answer>, NoAnswer>) -> Self {
        match answered {
            Ok(answers) => Self::Given(answers.into_iter()),
            Err(failed) => Self::None(failed),
        }
    }

    /// The answer for the next delivery.
    pub fn next(&mut self) -> Answer {
        match self {
            Self::Given(answers) => answers.next().unwrap_or_else(|| {
                failed(Fault::BadAnswer, "the plugin gave fewer answers than it was given work".to_owned())
            }),
            Self::None(NoAnswer { fault, message }) => failed(*fault, message.clone()),
        }
    }
}

/// A call without an answer of the contract.
pub(super) fn failed(fault: Fault, message: String) -> Answer {
    Answer::Failed { fault, problem: problem("plugin-failed", message) }
}

/// An answer for the record: one word, and what the plugin said.
pub(super) fn describe(answer: &Answer) -> (&'static str, String) {
    match answer {
        Answer::Outcome(outcome) => describe_outcome(outcome),
        Answer::Found(found) => describe_found(found),
        Answer::Failed { fault, problem } => {
            let word = match fault {
                Fault::Trap => "trap",
                Fault::Deadline => "deadline",
                Fault::BadAnswer => "bad-answer",
                Fault::Lost => "lost",
            };
            (word, problem.message.clone())
        }
    }
}

fn describe_outcome(outcome: &Outcome) -> (&'static str, String) {
    match outcome {
        Outcome::Posted(receipt) => ("posted", receipt.note.clone().unwrap_or_default()),
        Outcome::Received(receipt) => ("received", receipt.note.clone().unwrap_or_default()),
        Outcome::AlreadyThere(receipt) => ("already-there", receipt.note.clone().unwrap_or_default()),
        Outcome::Partial(progress) => ("partial", progress.resume.clone()),
        Outcome::NotYet(entity) => ("not-yet", entity.to_string()),
        Outcome::Ignored(why) => ("ignored", why.clone()),
        Outcome::Stale(why) => ("stale", why.clone()),
        Outcome::Unavailable(problem) => ("unavailable", describe_problem(problem)),
        Outcome::Throttled(throttle) => ("throttled", throttle.message.clone()),
        Outcome::Unauthorized(problem) => ("unauthorized", describe_problem(problem)),
        Outcome::Rejected(problem) => ("rejected", describe_problem(problem)),
        Outcome::Unmapped(missing) => ("unmapped", describe_unmapped(missing)),
        Outcome::Unknown(problem) => ("unknown", describe_problem(problem)),
    }
}

fn describe_found(found: &Found) -> (&'static str, String) {
    match found {
        Found::Absent => ("absent", String::new()),
        Found::Pending => ("pending", String::new()),
        Found::Partial(progress) => ("partial", progress.resume.clone()),
        Found::Present(receipt) => ("present", receipt.note.clone().unwrap_or_default()),
        Found::Duplicated(references) => ("duplicated", format!("{} of them", references.len())),
        Found::Failed(_) => ("find-failed", "the target could not be asked".into()),
    }
}

fn describe_problem(problem: &Problem) -> String {
    match &problem.field {
        Some(field) => format!("{}: {} ({field})", problem.code, problem.message),
        None => format!("{}: {}", problem.code, problem.message),
    }
}

fn describe_unmapped(missing: &[Unmapped]) -> String {
    let each: Vec<String> = missing.iter().map(|one| format!("{} {}", one.table, one.value)).collect();
    each.join(", ")
}
