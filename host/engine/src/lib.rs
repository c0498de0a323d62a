//! The engine: commands are decided over typed rows, in order, many to a unit of work.
//!
//! A unit of work reads the rows that its commands look at, decides each command without I/O, and yields one
//! change set that the database writes in one transaction. What is decided is written once, here and in `rules`,
//! for every database: [`Database`](database::Database) is all that a database has to do for it, and
//! [`Queries`] what is read beside it.
//!
//! **Invariant**: the engine knows no SQL, no clock, no randomness and no file; times are in the commands,
//! numbers and fingerprints come from the database. It knows no plugin, no HTTP and no configuration.

mod applied;
pub mod assemble;
mod changes;
mod command;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod database;
mod decide;
pub mod delivery;
mod engine;
mod error;
pub mod explain;
pub mod history;
mod ids;
mod index;
pub mod keys;
mod mapping;
mod master_key;
#[cfg(feature = "memory")]
pub mod memory;
mod outbox;
mod plugin_choice;
mod queries;
mod question;
mod registry;
mod row_sets;
pub mod rows;
pub mod search;
mod secret;
mod state;
mod store;
mod table;
pub mod view;

pub use applied::{Accepted, Admitted, AdmittedDelivery, Applied, Claimed, Raised, Settled, Tally};
pub use command::{
    Accept, Admit, Attempt, AttemptKind, Claim, ClaimInbounds, Command, CursorMove, Filter, NewEvent, Replay,
    Request, Retention, Settle, SettleBatch, Target,
};
pub use engine::Engine;
pub use error::{Error, Result};
pub use mapping::{
    EVERY_CONNECTOR, ImportedFile, MAPPING_PREFIX, MappingChange, MappingChanged, MappingFilter, MappingRow,
    Missing, PutMappings, Stored, Unlisted, missing_mapping,
};
pub use master_key::MasterKey;
pub use outbox::{CarriedDelivery, OutFile, OutFileRow, OutboxEntries, PendingFile};
pub use plugin_choice::PluginChoice;
pub use queries::Queries;
pub use registry::{PutStores, StoreChanged, StoreRecord, StoreRow, Weekday};
pub use secret::{SecretRow, SecretText};
pub use store::Store;
