//! The journal, the queue and everything durable, behind one trait.
//!
//! Work reaches the database as [`Command`]s, many to a physical transaction ([`Store::apply`]); what is
//! read comes back as the records of [`view`]. [`Writer`] makes the groups: it drains whatever has queued
//! into one `apply`, so that accepting, admitting, claiming and settling share one wait for the disk.
//!
//! This room decides nothing by itself: whether an event is stale, joins or waits, and what an outcome
//! means, is `rules`. It knows nothing of plugins, HTTP or configuration, and reads no clock: every
//! command carries the time it happens at. No transaction and no SQL crosses the trait.

mod choice;
mod command;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod error;
mod handed;
mod mapping;
mod registry;
mod secret;
mod sqlite;
mod store;
mod tables;
mod vault;
pub mod view;
mod writer;

pub use choice::Choice;
pub use command::Command;
pub use command::{
    Accept, Accepted, Admit, Admitted, Applied, Attempt, AttemptKind, Claim, Claimed, CursorMove, Filter,
    Moved, NewEvent, Owed, Raised, Replay, Request, Retain, Settle, Settled, Target,
};
pub use error::{Error, Result};
pub use handed::{Handed, OutFile, OutFileRow, Outgoing, SettleAll};
pub use mapping::{
    EVERY_CONNECTOR, Imported, Kept, MappingChange, MappingChanged, MappingFilter, MappingRow, Missing,
    Others, PutMappings, waits_for,
};
pub use registry::{PutStores, StoreChanged, StoreRecord, StoreRow, Weekday};
pub use secret::{SecretRow, SecretText};
pub use sqlite::{Options as SqliteOptions, Sqlite};
pub use store::Store;
pub use tables::Tables;
pub use vault::MasterKey;
pub use writer::{Options as WriterOptions, Writer};
