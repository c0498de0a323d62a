//! The transactions of units of work, on the one connection that writes.

use async_trait::async_trait;
use crossdock_engine::Result;
use crossdock_engine::database::{ChangeSet, Database, ReadSet, Rows, Transaction};
use crossdock_rules::attributes::Fingerprint;
use sqlx::SqliteConnection;
use tokio::sync::MutexGuard;

use super::database::{Sqlite, Writing};
use super::load::Loader;
use super::state::{Numbers, WriterState};
use super::statement::{execute, fetch_first, statements, unreadable};
use super::write::{ChangeWriter, Levels};
use crate::vault::Vault;

statements! {
    BEGIN "beginning a transaction": "BEGIN IMMEDIATE";
    COMMIT "committing": "COMMIT";
    ROLLBACK "rolling back": "ROLLBACK";
    TRUNCATE "truncating the log": "PRAGMA wal_checkpoint(TRUNCATE)";
}

/// A transaction of the writer. One that is dropped is rolled back when the next one begins.
struct SqliteTransaction<'d> {
    writing: MutexGuard<'d, Writing>,
    vault: &'d Vault,
    /// The last numbers that were allotted to it.
    allotted: Numbers,
    levels: Levels,
}

#[async_trait]
impl Database for Sqlite {
    async fn begin(&self) -> Result<Box<dyn Transaction + '_>> {
        let mut writing = self.writing.lock().await;
        if writing.open {
            // The last one was dropped in the middle, or its commit failed.
            roll_back(&mut writing.connection).await;
            writing.state = None;
        }
        let Writing { connection, state, open, .. } = &mut *writing;
        *open = true;
        execute(connection, &BEGIN, |_| {}).await?;
        let state = match state {
            Some(state) => state,
            None => state.insert(WriterState::read(connection).await?),
        };
        let allotted = state.numbers;
        Ok(Box::new(SqliteTransaction { writing, vault: &self.vault, allotted, levels: Levels::new() }))
    }

    fn fingerprint(&self, personal: &[u8]) -> Fingerprint {
        self.vault.fingerprint(personal)
    }
}

#[async_trait]
impl Transaction for SqliteTransaction<'_> {
    async fn load(&mut self, wanted: &ReadSet) -> Result<Rows> {
        let Writing { connection, state, .. } = &mut *self.writing;
        let present = state.as_ref().map(|state| state.present).unwrap_or_default();
        let mut rows = Loader { connection, vault: self.vault, present }.load(wanted).await?;
        rows.ids = self.allotted.allot(wanted.ids);
        for key in &wanted.levels {
            self.levels.entry(key.clone()).or_default();
        }
        self.levels.extend(rows.levels.iter().cloned());
        Ok(rows)
    }

    async fn commit(mut self: Box<Self>, changes: &ChangeSet) -> Result<u64> {
        let Writing { connection, state, open, truncate } = &mut *self.writing;
        // Whatever fails from here on: the state is read again, since it may be ahead of the database.
        let mut present = state.take().ok_or_else(|| unreadable("the writer's state", "it was lost"))?;
        let written =
            ChangeWriter::new(connection, self.vault, &mut present, &self.levels).write(changes).await?;
        execute(connection, &COMMIT, |_| {}).await?;
        *open = false;
        *state = Some(present);
        *truncate |= written.destroyed_keys;
        if *truncate {
            *truncate = !truncated(connection).await;
        }
        Ok(written.touched)
    }

    async fn roll_back(mut self: Box<Self>) -> Result<()> {
        let Writing { connection, open, .. } = &mut *self.writing;
        execute(connection, &ROLLBACK, |_| {}).await?;
        *open = false;
        Ok(())
    }
}

/// Copies the log back into the database and cuts it off: older images of the pages that a destroyed key was in are
/// in it. So this follows every commit that destroys a key (a person's, a day's, the master key's, a secret), and no
/// other: what retention deletes is sealed, and the log is reused as it is copied back anyway.
///
/// It waits for readers of older images for as long as the connection's busy timeout. Where that is not enough it is
/// tried again after the next commit. Answers whether it is done.
async fn truncated(connection: &mut SqliteConnection) -> bool {
    match fetch_first(connection, &TRUNCATE, |_| {}, |cells| cells.next::<i64>()).await {
        Ok(busy) => busy == Some(0),
        Err(error) => {
            tracing::warn!(%error, "the log is truncated after the next commit");
            false
        }
    }
}

async fn roll_back(connection: &mut SqliteConnection) {
    // A commit that failed may have ended the transaction already; then there is nothing to roll back.
    let _ = execute(connection, &ROLLBACK, |_| {}).await;
}
