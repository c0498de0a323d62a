//! A legacy ERP that speaks ANSI X12 through an exchange folder.
//!
//! Orders and their changes go out as 850 and 860; what comes back are acknowledgements (997, TA1), confirmations
//! (855, 865), shipments (856), invoices (810) and stock (846). Nothing is asked and nothing answers at once: a
//! message that was handed over is `received`, and what the partner says of it later confirms it.
//!
//! | room | what it knows |
//! |---|---|
//! | `x12` | envelopes and segments: how X12 lies in a file, whatever it says |
//! | `settings`, `tables`, `time` | the operator's words, the partner's words, days and times |
//! | `interchange` | control numbers, and how what is said of a message is found again |
//! | `outbound` | an order as the partner is told of it |
//! | `inbound` | what the partner tells, as events |
//! | `reply` | the acknowledgement of what was read |

mod inbound;
mod interchange;
mod outbound;
mod reply;
mod settings;
mod tables;
#[cfg(test)]
mod tests;
mod time;
pub mod x12;

use crossdock_sdk::prelude::*;

/// The plugin. It keeps nothing: every call may run in a fresh instance.
pub struct X12Erp;

plugin!(X12Erp: sink, source);

impl Source for X12Erp {
    fn receive(inbound: Inbound) -> Result<Vec<Event>, Failure> {
        Ok(inbound::receive(&inbound.body)?)
    }

    /// The partner is not asked: it puts files into the folder.
    fn poll(cursor: Option<String>, _limit: u32) -> Result<Page, Failure> {
        Ok(Page::empty(cursor))
    }
}

impl Sink for X12Erp {
    fn deliver(work: Vec<Work>) -> Vec<Outcome> {
        outbound::deliver(&work)
    }

    /// A file leaves only when the answer that it was handed over with is kept: what has no receipt has never left.
    fn find(work: Vec<Work>) -> Vec<Found> {
        work.iter().map(outbound::find).collect()
    }
}
