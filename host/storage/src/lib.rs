//! Databases behind the engine's traits, and the queue of writes in front of the engine.
//!
//! [`Sqlite`] is a [`Database`](crossdock_engine::database::Database) and answers the
//! [`Queries`](crossdock_engine::Queries); [`Cached`] remembers the rows that are read most. [`Writer`] groups the
//! commands of many callers, so that they share one wait for the disk.
//!
//! **Invariant**: nothing is decided here. A database reads the rows that the engine asks for and writes the change
//! set that it yields; it knows no plugin, no HTTP, no configuration, and no clock. [`Writer`] queues commands and hands
//! them to the engine.

mod cache;
mod sqlite;
mod vault;
mod writer;

pub use cache::{CacheOptions, Cached};
#[cfg(feature = "seed")]
pub use sqlite::seed;
pub use sqlite::{Options as SqliteOptions, Sqlite};
pub use writer::{Options as WriterOptions, Writer};

use std::sync::Arc;

use crossdock_engine::Store;
use crossdock_rules::safeguards::Safeguards;

/// Opens a SQLite database and puts the engine and a cache in front of it.
///
/// # Errors
/// See [`Sqlite::open`].
pub async fn open_sqlite(
    options: SqliteOptions,
    cache: CacheOptions,
    safeguards: Safeguards,
) -> crossdock_engine::Result<Store> {
    let database = Arc::new(Sqlite::open(options).await?);
    let cached = Arc::new(Cached::new(Arc::clone(&database), cache));
    Ok(Store::new(cached, database, safeguards))
}
