//! One dispatcher for each sink: claims no more than may be sent now, calls the plugin, records the outcomes.
//!
//! The claim is the durable record that a delivery may have been sent, so it is made only for what the rate limit,
//! the breaker and the concurrency allow at this moment. A delivery stops counting against concurrency when the
//! plugin has answered, not when the answer is durable: so the next claim is written in the transaction that settles
//! the last one. Immediately before a call the lease of its claim is checked again ([`crate::lease`]).

mod answers;
mod call;
mod dispatcher;
mod pace;
mod record;

pub(crate) use dispatcher::{Dispatcher, Parts};
