//! Errors of a request, by what they mean for the work.

use std::fmt;

use super::transport::TransportError;
use crate::connector::{Failure, Found, Outcome, Problem, Throttle};

/// Why a request failed. See the table in [`http`](super).
#[derive(Clone, Debug, PartialEq)]
pub enum Error {
    /// The target is down or out of reach; the request had no effect.
    Unavailable(Problem),
    /// The target throttled the request, which had no effect.
    Throttled(Throttle),
    /// The target does not accept the credentials, or the host does not allow the address: an operator must act.
    Unauthorized(Problem),
    /// The resource does not exist.
    NotFound(Problem),
    /// The state of the target does not allow the request, or the target has applied it already.
    Conflict(Problem),
    /// The target refused the request; retrying does not help.
    Rejected(Problem),
    /// The request was sent; whether it took effect is unknown.
    Unknown(Problem),
}

impl Error {
    /// True when the request certainly changed nothing.
    #[must_use]
    pub fn had_no_effect(&self) -> bool {
        !matches!(self, Self::Unknown(_))
    }
}

/// The outcome of a piece of work whose only, or first, request failed with this error. After an earlier request of
/// the same work took effect, return `partial` instead.
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

/// The failure of a read. A read has no unknown outcome: repeating it is always safe.
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

/// As for [`Failure`].
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

impl Error {
    /// The error of a request that got no response. `request` names it in the message.
    pub(super) fn from_transport(error: TransportError, request: &str, is_write: bool) -> Self {
        match error {
            TransportError::NotSent(reason) => {
                Self::Unavailable(Problem::new("out-of-reach", format!("{request} was not sent: {reason}")))
            }
            TransportError::OverBudget(reason) => {
                Self::Unavailable(Problem::new("over-budget", format!("{request} was not sent: {reason}")))
            }
            TransportError::NotAllowed(reason) => Self::Unauthorized(Problem::new(
                "host-not-allowed",
                format!(
                    "{request} was not sent: the host denied it ({reason}). Check that the address is listed in the \
                     connector's `hosts` and that its secret is set and still accepted"
                ),
            )),
            TransportError::Malformed(reason) => {
                Self::Rejected(Problem::new("request-malformed", format!("{request} was not sent: {reason}")))
            }
            TransportError::MaybeSent(reason) => Self::without_response(
                Problem::new("connection-lost", format!("{request} was sent but not answered: {reason}")),
                is_write,
            ),
        }
    }

    /// The error of a request that was sent and got no usable response: a write may have taken effect.
    pub(super) fn without_response(problem: Problem, is_write: bool) -> Self {
        if is_write { Self::Unknown(problem) } else { Self::Unavailable(problem) }
    }
}
