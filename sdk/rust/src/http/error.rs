//! What went wrong with a request, in the words that decide what happens to the work.

use std::fmt;

use super::Loss;
use crate::connector::{Failure, Found, Outcome, Problem, Throttle};

/// Why a request did not do what it was sent for. See the table in [`http`](super).
#[derive(Clone, Debug, PartialEq)]
pub enum Error {
    /// The target is down or out of reach, and nothing was done.
    Unavailable(Problem),
    /// The target asks for patience, and nothing was done.
    Throttled(Throttle),
    /// The target does not accept the credentials, or the host does not allow the address: a person must look.
    Unauthorized(Problem),
    /// What the request speaks of is not there.
    NotFound(Problem),
    /// The target is in a state that does not allow it, or has it already.
    Conflict(Problem),
    /// The target refuses: trying again changes nothing.
    Rejected(Problem),
    /// The request was sent, and whether it took effect is not known.
    Unknown(Problem),
}

impl Error {
    /// Whether it is certain that the request changed nothing.
    #[must_use]
    pub fn nothing_was_done(&self) -> bool {
        !matches!(self, Self::Unknown(_))
    }
}

/// What becomes of a piece of work whose only, or first, request failed so. After an earlier request that
/// changed something, answer `partial` instead.
impl From<Error> for Outcome {
    fn from(error: Error) -> Self {
        match error {
            Error::Unavailable(problem) => Self::Unavailable(problem),
            Error::Throttled(throttle) => Self::Throttled(throttle),
            Error::Unauthorized(problem) => Self::Unauthorized(problem),
            Error::NotFound(problem) | Error::Conflict(problem) | Error::Rejected(problem) => {
                Self::Rejected(problem)
            }
            Error::Unknown(problem) => Self::Unknown(problem),
        }
    }
}

/// Why a question was not answered. A question has no unknown outcome: asking again is always safe.
impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Unavailable(problem) | Error::Unknown(problem) => Self::Unavailable(problem),
            Error::Throttled(throttle) => Self::Throttled(throttle),
            Error::Unauthorized(problem) => Self::Unauthorized(problem),
            Error::NotFound(problem) | Error::Conflict(problem) | Error::Rejected(problem) => {
                Self::Rejected(problem)
            }
        }
    }
}

/// As for a failure.
impl From<Error> for Found {
    fn from(error: Error) -> Self {
        Self::Failed(error.into())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Throttled(throttle) => f.write_str(&throttle.message),
            Self::Unavailable(problem)
            | Self::Unauthorized(problem)
            | Self::NotFound(problem)
            | Self::Conflict(problem)
            | Self::Rejected(problem)
            | Self::Unknown(problem) => f.write_str(&problem.message),
        }
    }
}

impl std::error::Error for Error {}

impl Loss {
    /// What it means that no answer came to this request.
    pub(super) fn judge(self, request: &str, writes: bool) -> Error {
        match self {
            Self::NotSent(why) => {
                Error::Unavailable(Problem::new("out-of-reach", format!("{request} was not sent: {why}")))
            }
            Self::OverBudget(why) => {
                Error::Unavailable(Problem::new("over-budget", format!("{request} was not sent: {why}")))
            }
            Self::NotAllowed(why) => Error::Unauthorized(Problem::new(
                "host-not-allowed",
                format!(
                    "{request} was not sent: the host denies it ({why}); is the address among the connector's \
                     `hosts`, is its secret there, and is it still accepted?"
                ),
            )),
            Self::Malformed(why) => {
                Error::Rejected(Problem::new("request-malformed", format!("{request} was not sent: {why}")))
            }
            Self::Sent(why) => lost(
                Problem::new("connection-lost", format!("{request} was sent and not answered: {why}")),
                writes,
            ),
        }
    }
}

/// A request that may have taken effect, if it is of those that have one.
pub(super) fn lost(problem: Problem, writes: bool) -> Error {
    if writes { Error::Unknown(problem) } else { Error::Unavailable(problem) }
}
