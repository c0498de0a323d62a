//! A database that lives in memory, for tests and for the walk of small histories.
//!
//! It behaves as every database behind [`Database`](crate::database::Database) has to, and costs little: a
//! [`Memory`] is cloned by sharing its tables, each of which is copied only when a clone changes it. There is no
//! encryption: erasing a subject removes its personal data, and the master key is only remembered.
//!
//! **Invariant**: it decides nothing. It knows no clock and no randomness, so the same commands give the same rows
//! and the same [digest](Memory::digest).

mod append;
mod database;
mod deliveries;
mod digest;
mod events;
mod filter;
mod histories;
mod listing;
mod operators;
mod queries;
mod questions;
mod retention;
mod state;
mod tables;

#[cfg(test)]
mod tests;

pub use database::{CommitFault, Memory};
pub use digest::{Lens, Parts};
