//! SQLite: one file, one process, one writer.
//!
//! The write-ahead log is synced with every commit (`synchronous=FULL`), so that what was answered survives a power
//! cut. One connection writes, a few read; a lock of the operating system on a file beside the database keeps a
//! second host away.
//!
//! A unit of work is one transaction of the writer ([`transaction`]): it loads rows by set ([`load`]) and writes one
//! change set ([`write`]), both in few bulk statements ([`bulk`]), since each statement is a hop to the connection's
//! thread. Listings and look-ups read beside it, from other connections ([`queries`]).

mod bulk;
mod database;
mod filter;
mod keys;
mod load;
mod queries;
mod rows;
mod schema;
#[cfg(feature = "seed")]
pub mod seed;
mod state;
mod statement;
mod terms;
#[cfg(test)]
mod tests;
mod transaction;
mod write;

pub use database::{Options, Sqlite};
