//! A database of a folder, with the engine in front of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use crossdock_engine::{Applied, Attempt, AttemptKind, Claimed, Command, MasterKey, Result, Settle, Store};
use crossdock_model::time::Millis;
use crossdock_rules::outcome::Settlement;
use crossdock_rules::safeguards::Safeguards;
use crossdock_storage::{CacheOptions, Cached, Sqlite, SqliteOptions};

/// An open database.
pub struct Database {
    sqlite: Arc<Sqlite>,
    pub store: Store,
}

/// The file of a folder's database.
pub fn file(folder: &Path) -> PathBuf {
    folder.join("scale.db")
}

/// How the database of a folder is opened: as a host opens it.
pub fn options(folder: &Path) -> SqliteOptions {
    SqliteOptions::new(file(folder), MasterKey::new([7; 32]))
}

impl Database {
    pub async fn open(folder: &Path) -> anyhow::Result<Self> {
        let sqlite = Arc::new(Sqlite::open(options(folder)).await.context("opening the database")?);
        let cached = Arc::new(Cached::new(Arc::clone(&sqlite), CacheOptions::default()));
        let store = Store::new(cached, Arc::clone(&sqlite), Safeguards::default());
        Ok(Self { sqlite, store })
    }

    pub async fn close(self) -> anyhow::Result<()> {
        drop(self.store);
        let sqlite = Arc::into_inner(self.sqlite).context("the database is in use")?;
        sqlite.close().await.context("closing the database")
    }

    /// Does commands in one transaction.
    pub async fn group(&self, commands: Vec<Command>) -> anyhow::Result<Vec<Applied>> {
        let answers: Result<Vec<Applied>> = self.store.apply(commands).await?.into_iter().collect();
        Ok(answers?)
    }

    pub async fn one(&self, command: Command) -> anyhow::Result<Applied> {
        self.group(vec![command]).await?.pop().context("a command was not answered")
    }
}

/// The command that settles a claimed delivery.
pub fn settle(claimed: &Claimed, settlement: Settlement, now: Millis) -> Command {
    let attempt = Attempt {
        kind: AttemptKind::Send,
        started: now,
        ended: now,
        outcome: "posted".into(),
        message: String::new(),
        exchange: Some("POST /orders 201 Created".into()),
    };
    let (delivery, fence) = (claimed.delivery, claimed.fence);
    Command::Settle(Box::new(Settle { delivery, fence, settlement, attempt, now }))
}
