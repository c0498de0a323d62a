//! A cache in front of a database with one writer: the rows that units of work read again and again.
//!
//! It is a [`Database`] itself. Rows that were read and rows that were written stay in it, with the keys that are
//! known to have no row, until they are the longest unused. It holds committed rows only: what a unit read is what
//! was committed before it, and what a unit wrote gets in when its commit has returned. So a unit that is rolled
//! back, and a command that is refused, leave it as it is; a commit that failed, or was left in the middle, empties
//! it, since nobody knows what came of it.
//!
//! **Invariant**: whatever it holds, the answers are those of the database behind it. It must be the only way to
//! write to that.

mod rows;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use crossdock_engine::Result;
use crossdock_engine::database::{ChangeSet, Database, ReadSet, Rows, Transaction};
use crossdock_rules::attributes::Fingerprint;

use self::rows::CachedRows;

/// How much is cached. With 0 nothing of a kind is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheOptions {
    /// Rows, and lanes, of each kind.
    pub rows: usize,
    /// Events with their contents: most are claimed soon after they were admitted.
    pub events: usize,
}

impl Default for CacheOptions {
    fn default() -> Self {
        Self { rows: 20_000, events: 512 }
    }
}

/// A database with a cache in front of it.
pub struct Cached<D> {
    database: Arc<D>,
    cache: Mutex<Cache>,
}

struct Cache {
    rows: CachedRows,
    /// True from before a commit until it has returned.
    in_doubt: bool,
}

impl<D: Database> Cached<D> {
    /// Puts an empty cache in front of a database.
    #[must_use]
    pub fn new(database: Arc<D>, options: CacheOptions) -> Self {
        let rows = CachedRows::new(options.rows, options.events);
        Self { database, cache: Mutex::new(Cache { rows, in_doubt: false }) }
    }
}

#[async_trait]
impl<D: Database> Database for Cached<D> {
    async fn begin(&self) -> Result<Box<dyn Transaction + '_>> {
        let transaction = self.database.begin().await?;
        let mut cache = lock(&self.cache);
        if std::mem::take(&mut cache.in_doubt) {
            cache.rows.clear();
        }
        drop(cache);
        Ok(Box::new(CachedTransaction { transaction, cache: &self.cache }))
    }

    fn fingerprint(&self, personal: &[u8]) -> Fingerprint {
        self.database.fingerprint(personal)
    }
}

struct CachedTransaction<'d> {
    transaction: Box<dyn Transaction + 'd>,
    cache: &'d Mutex<Cache>,
}

#[async_trait]
impl Transaction for CachedTransaction<'_> {
    async fn load(&mut self, wanted: &ReadSet) -> Result<Rows> {
        let (mut found, missing) = lock(self.cache).rows.split(wanted);
        if !missing.is_empty() {
            let loaded = self.transaction.load(&missing).await?;
            lock(self.cache).rows.add(&missing, &loaded);
            rows::merge(&mut found, loaded);
        }
        Ok(found)
    }

    async fn commit(self: Box<Self>, changes: &ChangeSet) -> Result<u64> {
        lock(self.cache).in_doubt = true;
        let touched = self.transaction.commit(changes).await?;
        let mut cache = lock(self.cache);
        cache.rows.apply(changes);
        cache.in_doubt = false;
        Ok(touched)
    }

    async fn roll_back(self: Box<Self>) -> Result<()> {
        self.transaction.roll_back().await
    }
}

fn lock(cache: &Mutex<Cache>) -> MutexGuard<'_, Cache> {
    cache.lock().unwrap_or_else(PoisonError::into_inner)
}
