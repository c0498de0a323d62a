//! A legacy ERP that exchanges ANSI X12 files through an exchange folder.
//!
//! Orders and their changes are sent as 850 and 860. Inbound files are acknowledgements (997, TA1), confirmations
//! (855, 865), ship notices (856), invoices (810) and stock levels (846). There are no requests and no immediate
//! responses: a message that was sent is `received`, and later files of the partner confirm it.
//!
//! | module | purpose |
//! |---|---|
//! | `x12` | X12 files: envelopes and segments, whatever their content |
//! | `settings`, `mapping` | the operator's configuration, and the mapping between the merchant's and the partner's codes |
//! | `time`, `encode` | dates and times; texts and numbers as elements |
//! | `interchange`, `reference_kind` | control numbers and ids of messages; the references that the host stores |
//! | `outbound` | orders and changes as messages |
//! | `inbound` | the partner's transaction sets as events |
//! | `acknowledge` | acknowledgements of inbound interchanges |

mod acknowledge;
mod encode;
mod inbound;
mod interchange;
mod mapping;
mod outbound;
mod reference_kind;
mod settings;
#[cfg(test)]
mod tests;
mod time;
pub mod x12;

use crossdock_sdk::prelude::*;

/// The plugin. It has no state: every call may run in a new instance.
pub struct X12Erp;

plugin!(X12Erp: sink, source);

impl Source for X12Erp {
    fn receive(inbound: Inbound) -> Result<Vec<Event>, Failure> {
        Ok(inbound::receive(&inbound.body)?)
    }

    /// Nothing is polled: the partner's files arrive in the exchange folder.
    fn poll(cursor: Option<String>, _limit: u32) -> Result<Page, Failure> {
        Ok(Page::empty(cursor))
    }
}

impl Sink for X12Erp {
    fn deliver(work: Vec<Work>) -> Vec<Outcome> {
        outbound::deliver(&work)
    }

    /// A file is sent only when the host has stored the outcome of its delivery: without a receipt, nothing was sent.
    fn find(work: Vec<Work>) -> Vec<Found> {
        work.iter().map(outbound::find).collect()
    }
}
