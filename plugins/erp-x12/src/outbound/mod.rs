//! Outbound messages: one interchange per call, with all messages of the call.

mod batch;
mod charges;
mod duplicate;
mod party;
mod purchase;
mod sent_state;
mod transaction_set;
mod writer;

use std::collections::BTreeSet;

use crossdock_sdk::prelude::*;

use self::batch::Message;
use self::writer::Writer;

pub(crate) use sent_state::is_cancelled;

/// Delivers work: an outcome for each piece, and one file with all messages.
pub(crate) fn deliver(work: &[Work]) -> Vec<Outcome> {
    let writer = match Writer::new() {
        Ok(writer) => writer,
        Err(problem) => return work.iter().map(|_| problem.clone().into()).collect(),
    };
    let mut used_numbers = BTreeSet::new();
    let results: Vec<Result<Message, Outcome>> =
        work.iter().map(|work| writer.message(work, &mut used_numbers)).collect();
    batch::send(&writer.settings, results)
}

/// Searches for work in its references: a file is sent only with the outcome of its delivery.
pub(crate) fn find(work: &Work) -> Found {
    match duplicate::earlier_outcome(work) {
        Some(Outcome::AlreadyThere(receipt) | Outcome::Received(receipt)) => Found::Present(receipt),
        _ => Found::Absent,
    }
}
