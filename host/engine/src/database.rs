//! What the engine asks of a database: set-based reads of typed rows, and one atomic write.
//!
//! A unit of work begins a [`Transaction`], reads the rows that its decisions look at ([`ReadSet`] → [`Rows`]),
//! decides without I/O, and commits one [`ChangeSet`]. Nothing is written before that, so every read of a unit
//! sees the database as it was at its beginning.
//!
//! **Scopes.** A unit writes only rows that it has read (rows of new numbers belong to the lane, the key or the
//! connector that was read for them), and asks for a row before it relies on its absence. So the read set names
//! every scope that a decision depends on, absent rows included: a database without a single writer locks these,
//! in the order of the set, before it reads.

use async_trait::async_trait;
use crossdock_rules::attributes::Fingerprint;

use crate::error::Result;

pub use crate::changes::{Append, ChangeSet};
pub use crate::question::{Answer, Pass, Question, replay_filter};
pub use crate::row_sets::{Changed, FirstIds, IdCounts, ReadSet, Rows};

/// A database: what is durable behind the engine.
#[async_trait]
pub trait Database: Send + Sync + 'static {
    /// Begins the one physical transaction of a unit of work. Dropping it undoes it.
    async fn begin(&self) -> Result<Box<dyn Transaction + '_>>;

    /// A fingerprint of a personal text under a secret of the database: it distinguishes texts, and cannot be
    /// guessed without the secret.
    fn fingerprint(&self, personal: &[u8]) -> Fingerprint;
}

/// One physical transaction.
#[async_trait]
pub trait Transaction: Send {
    /// Reads rows, as they were when the transaction began.
    async fn load(&mut self, wanted: &ReadSet) -> Result<Rows>;

    /// Writes everything, durably, or nothing. Answers how many rows the bulk changes touched
    /// ([`Append::Expire`], [`Append::StartIncarnation`]).
    async fn commit(self: Box<Self>, changes: &ChangeSet) -> Result<u64>;

    /// Ends the transaction without a change.
    async fn roll_back(self: Box<Self>) -> Result<()>;
}
