//! Seeds a database with very many orders, for measurements: a few orders that the engine made are multiplied.
//!
//! The rows of *template* orders are read from a database of their own (module `template`). Each copy is the same rows with
//! numbers, times and names of its own (module `copy`): keys, search terms and personal data are computed anew, so that a
//! copy reads like an order that the engine admitted. The rows are inserted in bulk, without a journal (module `insert`).
//!
//! Only with the feature `seed`, which no host has: a crash in the middle leaves a database that is none.

mod compile;
mod copy;
mod insert;
mod names;
mod stored;
mod template;

use crossdock_engine::Result;
use sqlx::SqliteConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _};

use self::copy::Copier;
use self::insert::{Batch, Inserter};
pub use self::names::{Copies, Names};
use self::template::Templates;
use super::database::Options;
use super::schema;
use super::statement::{assembled, failed, unreadable};
use crate::vault::Vault;

/// How many rendered batches wait for the database at most.
const BATCHES_AHEAD: usize = 16;

/// Where rows are copied from and to.
#[derive(Debug)]
pub struct Databases {
    /// The database with the templates, and nothing else.
    pub templates: Options,
    /// The database to be filled: one without orders.
    pub target: Options,
}

/// Fills a database with copies. `names` says what each order is called; the first text of a template tells its rows
/// from those of the others. `progress` hears now and then how many orders there are.
///
/// # Errors
/// When a template has rows that this module does not know how to copy, or a database fails.
pub async fn multiply(
    databases: Databases,
    templates: &[Names],
    copies: Vec<Copies>,
    names: impl Fn(u64) -> Names + Send + 'static,
    mut progress: impl FnMut(u64),
) -> Result<()> {
    let (mut source, source_vault) = open(&databases.templates, "a database with templates").await?;
    let templates = Templates::read(&mut source, &source_vault, templates).await?;
    source.close().await.map_err(failed("closing the templates"))?;
    let (mut target, vault) = open(&databases.target, "the database to be filled").await?;
    prepare(&mut target).await?;
    let tables = templates.tables.clone();
    let (send, mut batches) = tokio::sync::mpsc::channel::<Batch>(BATCHES_AHEAD);
    let rendering = tokio::task::spawn_blocking(move || {
        let mut copier = Copier::new(&templates, &vault, send);
        for part in copies {
            copier.copy(part, &names)?;
        }
        copier.finish()
    });
    let mut inserter = Inserter::new(&mut target, tables);
    while let Some(batch) = batches.recv().await {
        let orders = batch.orders;
        inserter.insert(batch).await?;
        progress(orders);
    }
    let settled = rendering.await.map_err(|error| unreadable("the templates", error))??;
    inserter.finish(settled).await?;
    finish(target).await
}

async fn open(options: &Options, what: &'static str) -> Result<(SqliteConnection, Vault)> {
    let connect = SqliteConnectOptions::new()
        .filename(&options.path)
        .journal_mode(SqliteJournalMode::Off)
        .synchronous(SqliteSynchronous::Off)
        .statement_cache_capacity(64)
        .disable_statement_logging();
    let mut connection = connect.connect().await.map_err(failed(what))?;
    let vault = schema::open(&mut connection, &options.master, &options.node).await?;
    Ok((connection, vault))
}

/// Keys that are hashes fall anywhere in their tables, which therefore have to fit into memory.
async fn prepare(connection: &mut SqliteConnection) -> Result<()> {
    pragma(connection, "PRAGMA locking_mode = EXCLUSIVE").await?;
    pragma(connection, "PRAGMA cache_size = -6000000").await
}

/// Statistics as a host's `ANALYZE` would find them.
async fn finish(mut connection: SqliteConnection) -> Result<()> {
    pragma(&mut connection, "PRAGMA analysis_limit = 1000").await?;
    pragma(&mut connection, "ANALYZE").await?;
    connection.close().await.map_err(failed("closing the database that was filled"))
}

async fn pragma(connection: &mut SqliteConnection, text: &str) -> Result<()> {
    let done = sqlx::raw_sql(assembled(text.to_owned())).execute(connection).await;
    done.map(|_| ()).map_err(failed("seeding the database"))
}
