//! The drivers that move an event along: intake → reader → routes → dispatch → settlement; polls, exchange folders
//! and set-ups.
//!
//! This crate joins the others and decides nothing itself: decisions are in `rules`, durable state is in `storage`,
//! and a plugin is behind [`plugins::Plugin`]. It knows no HTTP and no WebAssembly. A [`Flow`] is built once, runs
//! until it is drained, and is operated through cheap clones of its [`Handle`].
//!
//! Each driver is a type of its own with the few collaborators it needs, and runs until its `drain` is cancelled;
//! [`Flow::new`] builds them.

mod admissions;
mod assembly;
pub mod authenticate;
pub mod connector;
mod connectors;
mod dispatch;
pub mod faults;
mod flow;
mod folder;
mod gate;
mod handle;
mod housekeeping;
mod intake;
mod journal;
mod lease;
mod outbox;
mod pauses;
mod pending;
pub mod plugins;
mod poll;
mod prepare;
mod problem;
mod randomness;
mod read;
#[cfg(test)]
mod reading_tests;
mod retry_after;
pub mod routes;
pub mod setup;
pub mod swap;
mod tables;
#[cfg(test)]
mod testing;
mod trace;

pub use connectors::Version;
pub use flow::{Flow, Options};
pub use handle::{Handle, OperationError};
pub use housekeeping::RetentionPeriods;
pub use intake::{Accepted, Refused};
