//! The store on SQLite: one file, one process, one writer.
//!
//! The write-ahead log is synced with every commit (`synchronous=FULL`), so that what has been answered
//! survives a power cut. One connection writes, a few read; a lock of the operating system on a file
//! beside the database keeps a second host away.

mod admit;
mod batch;
mod choice;
mod claim;
mod confirm;
mod decided;
mod delivery;
mod echo;
mod held;
mod home;
mod landscape;
mod level;
mod mapping;
mod memory;
mod operate;
mod outbox;
mod owe;
mod piles;
mod prepare;
mod read;
mod registry;
mod replay;
mod sale;
mod secret;
mod settle;
mod sql;
mod stuck;
mod tables;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use crossdock_rules::safeguards::Safeguards;
use rand::RngCore as _;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection, SqlitePool};
use tokio::sync::Mutex;

use self::batch::Batch;
use self::memory::{Memory, Recent};
use self::sql::{Cells, doing, execute, fetch};
use crate::command::{Applied, Command};
use crate::vault::{MasterKey, Vault};
use crate::{Error, Result};

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// Where the database is and how it is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// The database's file. It is made, with its folder, when it is not there.
    pub path: PathBuf,
    /// The key that wraps all others.
    pub master: MasterKey,
    /// What this host calls itself; written down when the database is made.
    pub node: String,
    /// How many connections read.
    pub readers: u32,
    /// How much memory the writer's cache takes, in KiB.
    pub cache_kib: u32,
    /// Which safeguards are on.
    pub safeguards: Safeguards,
    /// False only in the test of the durability test: then a commit does not wait for the disk.
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
            safeguards: Safeguards::default(),
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

/// The store.
pub struct Sqlite {
    writing: Mutex<Writing>,
    readers: SqlitePool,
    vault: RwLock<Vault>,
    safeguards: Safeguards,
    // Held as long as the store is open.
    _lock: File,
}

struct Writing {
    connection: SqliteConnection,
    /// None when it may not be true any more, because a transaction failed.
    memory: Option<Memory>,
    /// True while a transaction is open: a caller who went away in the middle leaves it so.
    open: bool,
}

impl Sqlite {
    /// Opens the database, makes it if need be, and brings its tables up to date.
    ///
    /// # Errors
    /// [`Error::InUse`] when another host has it open, [`Error::WrongMasterKey`], and whatever the file
    /// system or the database says.
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
            .statement_cache_capacity(512)
            .row_buffer_size(256)
            .disable_statement_logging();
        let writer = connect
            .clone()
            .pragma("cache_size", format!("-{}", options.cache_kib))
            // A write-ahead log of 16 MiB is copied back in one go: seldom, and mostly pages written often.
            .pragma("wal_autocheckpoint", "4000")
            .pragma("journal_size_limit", "67108864")
            // What is deleted is overwritten: a destroyed key must not rest in a free page.
            .pragma("secure_delete", "ON")
            .thread_name(|_| "sqlite-writer".to_owned());
        let mut connection = writer.connect().await.map_err(doing("opening the database"))?;
        MIGRATIONS.run(&mut connection).await.map_err(|error| Error::Database {
            doing: "bringing the tables up to date",
            source: Box::new(error),
        })?;
        let vault = introduce(&mut connection, Vault::new(&options.master), &options.node).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(options.readers.max(1))
            .connect_with(connect.read_only(true).thread_name(|_| "sqlite-reader".to_owned()))
            .await
            .map_err(doing("opening the database for reading"))?;
        let memory = Some(Memory::read(&mut connection).await?);
        let writing = Mutex::new(Writing { connection, memory, open: false });
        let vault = RwLock::new(vault);
        Ok(Self { writing, readers, vault, safeguards: options.safeguards, _lock: lock })
    }

    /// Waits for what is being written and closes the database; the log is copied back into it.
    ///
    /// # Errors
    /// When the database cannot be closed in order. Nothing that was answered is lost by that.
    pub async fn close(self) -> Result<()> {
        self.readers.close().await;
        self.writing.into_inner().connection.close().await.map_err(doing("closing the database"))
    }

    /// The vault as it is now.
    fn vault(&self) -> Vault {
        self.vault.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sees to it that the vault's master key is the one that the database has: a change of it may have been
    /// undone, or done after all, when whoever asked for it went away.
    async fn fit_vault(&self, connection: &mut SqliteConnection) -> Result<()> {
        let text = "SELECT value FROM meta WHERE name = 'proof'";
        let rows = fetch(connection, "reading what the database is", text, |_| {}).await?;
        let proof: &str = rows.first().map_or(Ok(""), |row| Cells::of(row).next())?;
        let vault = self.vault().proven(proof).ok_or(Error::WrongMasterKey)?;
        *self.vault.write().unwrap_or_else(PoisonError::into_inner) = vault;
        Ok(())
    }

    async fn group(&self, commands: Vec<Command>) -> Result<Vec<Result<Applied>>> {
        let mut writing = self.writing.lock().await;
        let Writing { connection, memory, open } = &mut *writing;
        if std::mem::replace(open, true) {
            // Whoever wrote last went away in the middle of it.
            rollback(connection).await?;
            *memory = None;
            self.fit_vault(connection).await?;
        }
        let known = match memory {
            Some(known) => known,
            None => memory.insert(Memory::read(connection).await?),
        };
        execute(connection, "beginning a transaction", "BEGIN IMMEDIATE", |_| {}).await?;
        let batch = Batch::new(connection, known, self.vault(), self.safeguards);
        let done = Self::together(batch, &commands).await;
        let Done { answers, admitted, erased, vault } = match done {
            Ok(done) => done,
            Err(error) => {
                rollback(connection).await?;
                *memory = None;
                if commands.len() < 2 {
                    *open = false;
                    return Ok(commands.iter().map(|_| Err(Error::Transaction(error.to_string()))).collect());
                }
                // One of them is at fault: each on its own, so that it harms itself alone.
                tracing::warn!(%error, commands = commands.len(), "a group failed; its commands are done one by one");
                execute(connection, "beginning a transaction", "BEGIN IMMEDIATE", |_| {}).await?;
                self.one_by_one(connection, memory, &commands).await?
            }
        };
        if let Some(vault) = vault {
            // Those who read have to know the new master key before they can see what it wrapped.
            *self.vault.write().unwrap_or_else(PoisonError::into_inner) = vault;
        }
        if let Err(error) = execute(connection, "committing", "COMMIT", |_| {}).await {
            *memory = None;
            // Whether it is done or not is looked at, with the next group.
            return Err(error);
        }
        *open = false;
        if erased {
            // Older images of the pages are in the log: copy it back and cut it off.
            let text = "PRAGMA wal_checkpoint(TRUNCATE)";
            fetch(connection, "cutting the log off", text, |_| {}).await?;
        }
        if let Some(memory) = memory {
            remember(memory, commands, admitted);
            memory.trim();
        }
        Ok(answers)
    }

    async fn together<'a>(mut batch: Batch<'a>, commands: &'a [Command]) -> Result<Done> {
        batch.prepare(commands).await?;
        let mut answers = Vec::with_capacity(commands.len());
        for (at, command) in commands.iter().enumerate() {
            match batch.run(at, command).await {
                Err(error) if error.is_fault() => return Err(error),
                answer => answers.push(answer),
            }
        }
        batch.flush().await?;
        let admitted = batch
            .fresh
            .into_iter()
            .filter(|(_, fresh)| fresh.owed > 0)
            .map(|(id, fresh)| (fresh.place, (id, fresh.key, fresh.recorded_at, fresh.owed)))
            .collect();
        let vault = batch.rekeyed.then_some(batch.vault);
        Ok(Done { answers, admitted, erased: batch.erased, vault })
    }

    async fn one_by_one(
        &self,
        connection: &mut SqliteConnection,
        memory: &mut Option<Memory>,
        commands: &[Command],
    ) -> Result<Done> {
        let mut answers = Vec::with_capacity(commands.len());
        let mut vault = None;
        for command in commands {
            execute(connection, "beginning a command", "SAVEPOINT command", |_| {}).await?;
            let known = match memory {
                Some(known) => known,
                None => memory.insert(Memory::read(connection).await?),
            };
            let present = vault.clone().unwrap_or_else(|| self.vault());
            let batch = Batch::new(connection, known, present, self.safeguards);
            match Self::together(batch, std::slice::from_ref(command)).await {
                Ok(mut done) => {
                    answers.extend(done.answers.pop());
                    vault = done.vault.or(vault);
                }
                Err(error) => {
                    execute(connection, "undoing a command", "ROLLBACK TO command", |_| {}).await?;
                    *memory = None;
                    answers.push(Err(error));
                }
            }
            execute(connection, "ending a command", "RELEASE command", |_| {}).await?;
        }
        Ok(Done { answers, admitted: HashMap::new(), erased: true, vault })
    }
}

/// Events that somebody will claim soon, by command and place in it: id, key, when they were kept, and how
/// many deliveries carry them.
type Admitted = HashMap<(usize, usize), (i64, Arc<str>, i64, u32)>;

/// What came of a group before it is committed.
struct Done {
    answers: Vec<Result<Applied>>,
    admitted: Admitted,
    /// True when something was erased.
    erased: bool,
    /// The vault from here on, when the master key was changed.
    vault: Option<Vault>,
}

/// Keeps the events of a committed group for those who claim them.
fn remember(memory: &mut Memory, commands: Vec<Command>, mut admitted: Admitted) {
    for (at, command) in commands.into_iter().enumerate() {
        let Command::Admit(admit) = command else { continue };
        for (place, new) in admit.events.into_iter().enumerate() {
            let Some((id, key, recorded_at, owed)) = admitted.remove(&(at, place)) else { continue };
            let mut event = new.event;
            if let Some(personal) = new.personal {
                event.put_personal(personal);
            }
            memory.keep(id, Recent { event, key, trace: new.trace.into(), recorded_at, owed });
        }
    }
}

async fn rollback(connection: &mut SqliteConnection) -> Result<()> {
    // A commit that failed may have ended the transaction already; then there is nothing to roll back.
    let _ = execute(connection, "rolling back", "ROLLBACK", |_| {}).await;
    Ok(())
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

/// Writes down in a new database what it is, and looks in an old one whether the master key is right.
async fn introduce(connection: &mut SqliteConnection, vault: Vault, node: &str) -> Result<Vault> {
    let text = "SELECT proof.value, marks.value FROM meta AS proof JOIN meta AS marks \
                WHERE proof.name = 'proof' AND marks.name = 'marks'";
    if let Some(row) = fetch(connection, "reading what the database is", text, |_| {}).await?.first() {
        let mut cells = Cells::of(row);
        let right = vault.proves(cells.next()?);
        return if right { vault.with_marks(cells.next()?) } else { Err(Error::WrongMasterKey) };
    }
    let mut bytes = [0; 16];
    rand::rng().fill_bytes(&mut bytes);
    let incarnation = uuid::Builder::from_random_bytes(bytes).into_uuid().to_string();
    let (proof, marks) = (vault.proof()?, vault.sealed_marks()?);
    let text =
        "INSERT INTO meta (name, value) VALUES ('proof', ?), ('marks', ?), ('incarnation', ?), ('node', ?)";
    execute(connection, "writing what the database is", text, |args| {
        args.add(proof).add(marks).add(incarnation).add(node);
    })
    .await?;
    Ok(vault)
}
