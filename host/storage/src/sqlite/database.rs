//! The database: its file, its connections, its keys.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crossdock_engine::{Error, MasterKey, Result};
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection, SqlitePool};
use tokio::sync::Mutex;

use super::schema;
use super::state::WriterState;
use super::statement::failed;
use crate::vault::Vault;

/// How long the writer waits for readers when it truncates the log. Nothing else makes it wait: it is the only one.
const TRUNCATE_WAIT: Duration = Duration::from_secs(1);
/// How many statements a connection keeps prepared.
const PREPARED_STATEMENTS: usize = 512;

/// Where the database is and how it is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// The database's file. It is made, with its folder, when it is not there.
    pub path: PathBuf,
    /// The key that the database's key is sealed with.
    pub master: MasterKey,
    /// The name of this host; written down when the database is made.
    pub node: String,
    /// How many connections read.
    pub readers: u32,
    /// How much memory the writer's page cache takes, in KiB.
    pub cache_kib: u32,
    /// False only where a test shows that the durability test can fail: then a commit does not wait for the disk.
    sync: bool,
}

impl Options {
    /// The usual ones.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>, master: MasterKey) -> Self {
        Self {
            path: path.into(),
            master,
            node: "crossdock".into(),
            readers: 3,
            cache_kib: 16 * 1024,
            sync: true,
        }
    }

    /// Without waiting for the disk: loses what was answered when the power goes. The test of the
    /// durability test must see that.
    #[cfg(feature = "faults")]
    #[must_use]
    pub fn without_sync(self) -> Self {
        Self { sync: false, ..self }
    }
}

/// A database on SQLite.
pub struct Sqlite {
    pub(super) writing: Mutex<Writing>,
    readers: SqlitePool,
    pub(super) vault: Vault,
    // Locked as long as the database is open.
    _lock: File,
}

/// The writer.
pub(super) struct Writing {
    pub(super) connection: SqliteConnection,
    /// None when it has to be read again, because a transaction failed.
    pub(super) state: Option<WriterState>,
    /// True while a transaction is open: one that was dropped in the middle leaves it so.
    pub(super) open: bool,
    /// True when the log still has a destroyed key in it and has to be truncated.
    pub(super) truncate: bool,
}

impl Sqlite {
    /// Opens the database, or makes it.
    ///
    /// # Errors
    /// [`Error::InUse`] when another host has it open, [`Error::WrongMasterKey`], [`Error::Unreadable`] when its
    /// tables are of another version, and whatever the file system or SQLite reports.
    pub async fn open(options: Options) -> Result<Self> {
        let path = &options.path;
        let lock = lock(path)?;
        let connect = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(if options.sync { SqliteSynchronous::Full } else { SqliteSynchronous::Off })
            .busy_timeout(Duration::from_secs(10))
            .foreign_keys(false)
            .statement_cache_capacity(PREPARED_STATEMENTS)
            .row_buffer_size(256)
            .disable_statement_logging();
        let writer = connect
            .clone()
            .busy_timeout(TRUNCATE_WAIT)
            .pragma("cache_size", format!("-{}", options.cache_kib))
            // A write-ahead log of 16 MiB is copied back in one go: seldom, and mostly pages written often.
            .pragma("wal_autocheckpoint", "4000")
            .pragma("journal_size_limit", "67108864")
            // What is deleted is overwritten: a destroyed key must not lie in a free page.
            .pragma("secure_delete", "ON")
            .thread_name(|_| "sqlite-writer".to_owned());
        let mut connection = writer.connect().await.map_err(failed("opening the database"))?;
        let vault = schema::open(&mut connection, &options.master, &options.node).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(options.readers.max(1))
            .connect_with(connect.read_only(true).thread_name(|_| "sqlite-reader".to_owned()))
            .await
            .map_err(failed("opening the database for reading"))?;
        let state = Some(WriterState::read(&mut connection).await?);
        let writing = Mutex::new(Writing { connection, state, open: false, truncate: false });
        Ok(Self { writing, readers, vault, _lock: lock })
    }

    /// Waits for what is being written and closes the database; the log is copied back into it.
    ///
    /// # Errors
    /// When the database cannot be closed in order. Nothing that was answered is lost by that.
    pub async fn close(self) -> Result<()> {
        self.readers.close().await;
        self.writing.into_inner().connection.close().await.map_err(failed("closing the database"))
    }

    /// A connection that can only read.
    pub(super) async fn reader(&self) -> Result<PoolConnection<sqlx::Sqlite>> {
        self.readers.acquire().await.map_err(failed("waiting for a connection to read with"))
    }
}

/// Makes sure that this is the only host that has the database open.
fn lock(path: &Path) -> Result<File> {
    let refused = |source| Error::Open { path: path.to_owned(), source };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(refused)?;
    }
    let mut beside = path.as_os_str().to_owned();
    beside.push(".lock");
    let lock = File::options().create(true).write(true).truncate(false).open(beside).map_err(refused)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(Error::InUse { path: path.to_owned() }),
        Err(TryLockError::Error(source)) => Err(refused(source)),
    }
}
