//! Tests of the database: the engine's conformance suite with and without a cache, and what is SQLite's own.

mod files;
mod plans;
mod retention;
mod search;
mod transactions;

use std::path::Path;
use std::sync::Arc;

use crossdock_engine::conformance::samples::Driver;
use crossdock_engine::{MasterKey, Store};
use crossdock_rules::safeguards::Safeguards;

use super::{Options, Sqlite};
use crate::{CacheOptions, Cached};

fn options(folder: &Path) -> Options {
    Options::new(folder.join("test.db"), MasterKey::new([7; 32]))
}

/// A database in a folder that goes with it.
struct Scratch {
    database: Arc<Sqlite>,
    driver: Driver,
    folder: tempfile::TempDir,
}

fn store(database: &Arc<Sqlite>) -> Store {
    let cached = Arc::new(Cached::new(Arc::clone(database), CacheOptions::default()));
    Store::new(cached, Arc::clone(database), Safeguards::default())
}

async fn scratch() -> Scratch {
    scratch_in(tempfile::tempdir().unwrap()).await
}

async fn scratch_in(folder: tempfile::TempDir) -> Scratch {
    let database = Arc::new(Sqlite::open(options(folder.path())).await.unwrap());
    let driver = Driver(store(&database));
    Scratch { database, driver, folder }
}

impl Scratch {
    /// Closes the database and leaves its folder.
    async fn close(self) -> tempfile::TempDir {
        drop(self.driver);
        Arc::into_inner(self.database).unwrap().close().await.unwrap();
        self.folder
    }
}

async fn open(cache: CacheOptions) -> (Store, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let database = Arc::new(Sqlite::open(options(folder.path())).await.unwrap());
    let cached = Arc::new(Cached::new(Arc::clone(&database), cache));
    (Store::new(cached, database, Safeguards::default()), folder)
}

mod with_a_cache {
    use super::{CacheOptions, open};

    crossdock_engine::conformance!(open(CacheOptions::default()));
}

mod with_a_cache_of_one {
    use super::{CacheOptions, open};

    crossdock_engine::conformance!(open(CacheOptions { rows: 1, events: 1 }));
}

mod without_a_cache {
    use super::{CacheOptions, open};

    crossdock_engine::conformance!(open(CacheOptions { rows: 0, events: 0 }));
}
