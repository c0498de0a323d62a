//! Conversion of outcomes to results of a look-up.

use crossdock_sdk::prelude::*;

/// The result of a look-up, from the outcome that a delivery has before it writes. An obstacle to the delivery counts as
/// absent: the repeated delivery reports it.
pub fn from_outcome(outcome: Outcome) -> Found {
    match outcome {
        Outcome::Posted(receipt) | Outcome::AlreadyThere(receipt) | Outcome::Received(receipt) => {
            Found::Present(receipt)
        }
        Outcome::Partial(progress) => Found::Partial(progress),
        Outcome::Unavailable(problem) | Outcome::Unknown(problem) => {
            Found::Failed(Failure::Unavailable(problem))
        }
        Outcome::Throttled(throttle) => Found::Failed(Failure::Throttled(throttle)),
        Outcome::Unauthorized(problem) => Found::Failed(Failure::Unauthorized(problem)),
        Outcome::Ignored(_)
        | Outcome::Stale(_)
        | Outcome::Rejected(_)
        | Outcome::Unmapped(_)
        | Outcome::NotYet(_) => Found::Absent,
    }
}

/// The result of looking for the receipt of a write: absent where there is none.
pub fn from_receipt(receipt: Result<Option<Receipt>, Outcome>) -> Found {
    match receipt {
        Ok(Some(receipt)) => Found::Present(receipt),
        Ok(None) => Found::Absent,
        Err(outcome) => from_outcome(outcome),
    }
}
