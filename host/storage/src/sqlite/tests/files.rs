//! The database's files: who may open them, and what is never in them.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crossdock_engine::conformance::samples::*;
use crossdock_engine::{Command, Error, MasterKey, SecretText};

use super::super::statement::{Args, rows};
use super::*;

#[tokio::test]
async fn a_second_host_is_kept_away() {
    let first = scratch().await;
    let again = Sqlite::open(options(first.folder.path())).await;
    assert!(matches!(again, Err(Error::InUse { .. })));
    let folder = first.close().await;
    Sqlite::open(options(folder.path())).await.unwrap();
}

#[tokio::test]
async fn a_wrong_master_key_opens_nothing() {
    let folder = scratch().await.close().await;
    let wrong = Options::new(folder.path().join("test.db"), MasterKey::new([8; 32]));
    assert!(matches!(Sqlite::open(wrong).await, Err(Error::WrongMasterKey)));
}

#[tokio::test]
async fn tables_of_another_version_are_refused() {
    let scratch = scratch().await;
    let mut writing = scratch.database.writing.lock().await;
    let text = "UPDATE meta SET value = '99' WHERE name = 'schema'";
    rows(&mut writing.connection, "test", text, Args::default()).await.unwrap();
    drop(writing);
    let folder = scratch.close().await;
    let refused = Sqlite::open(options(folder.path())).await.err().unwrap().to_string();
    assert!(refused.contains("version 99"), "{refused}");
}

#[tokio::test]
async fn everything_is_there_after_opening_again() {
    let scratch = scratch().await;
    let driver = &scratch.driver;
    let (waiting, _) = driver.enqueue(with_person(refund(5, 1), "Ada"), t(1)).await;
    let (placed, _) = driver.enqueue(order("order.placed", 1, 0), t(1)).await;
    let first = driver.claim_only(placed, t(1)).await;
    let inbound = driver.accept(accept("1", b"x")).await.inbound;
    let scratch = scratch_in(scratch.close().await).await;
    let driver = &scratch.driver;
    assert!(driver.accept(accept("1", b"x")).await.duplicate);
    assert_eq!(driver.accept(accept("2", b"y")).await.inbound, inbound + 1);
    assert_eq!(driver.tally(Command::RecoverClaims { now: t(2), limit: 10 }).await.count, 1);
    let claimed = driver.claim_only(placed, t(2)).await;
    assert_eq!((claimed.look_up, claimed.serial), (true, first.serial));
    assert_eq!(driver.settle(&claimed, posted(&["SO-1"]), t(3)).await.released, [waiting]);
    let claimed = driver.claim_only(waiting, t(3)).await;
    assert_eq!(claimed.event, with_person(refund(5, 1), "Ada"));
    assert_eq!((claimed.serial, claimed.parent_references), (first.serial + 1, vec![reference("SO-1")]));
}

/// Whether the bytes are anywhere in the folder's files.
fn on_disk(folder: &Path, wanted: &[u8]) -> bool {
    std::fs::read_dir(folder).unwrap().any(|file| {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        bytes.windows(wanted.len()).any(|part| part == wanted)
    })
}

/// The bytes that a query answers in its only cell.
async fn bytes(database: &Sqlite, text: &'static str) -> Vec<u8> {
    let mut reader = database.reader().await.unwrap();
    let found = rows(&mut reader, "test", text, Args::default()).await.unwrap();
    super::super::statement::Cells::of(&found[0]).next().unwrap()
}

/// The flag in `.cargo/config.toml` has reached SQLite: with a common cache, readers take the writer's pages from it.
#[tokio::test]
async fn each_connection_has_a_page_cache_of_its_own() {
    let scratch = scratch().await;
    let mut reader = scratch.database.reader().await.unwrap();
    let text =
        "SELECT count(*) FROM pragma_compile_options WHERE compile_options LIKE 'ENABLE_MEMORY_MANAGEMENT%'";
    let found = rows(&mut reader, "test", text, Args::default()).await.unwrap();
    let count: i64 = super::super::statement::Cells::of(&found[0]).next().unwrap();
    assert_eq!(count, 0, "SQLite was compiled without the flags of this repository");
}

#[tokio::test]
async fn no_person_and_no_destroyed_key_is_in_the_files() {
    let scratch = scratch().await;
    let folder = scratch.folder.path();
    scratch.driver.enqueue(with_person(order("order.placed", 1, 0), "Ada Lovelace"), t(1)).await;
    let mut request = accept("1", b"{\"name\": \"Ada Lovelace\"}");
    request.request.headers.push(("x-person".into(), "Ada Lovelace".into()));
    scratch.driver.accept(request).await;
    assert!(!on_disk(folder, b"Ada Lovelace") && !on_disk(folder, b"ada lovelace"));
    assert!(on_disk(folder, b"shopify/acme/customer/77"));
    let key = bytes(&scratch.database, "SELECT sealed FROM subject").await;
    // The index leaves out what a word has in common with the one before it.
    let term =
        hex::encode(scratch.database.vault.search_term(b"name:ada lovelace")).split_off(4).into_bytes();
    assert!(on_disk(folder, &key) && on_disk(folder, &term));
    let subject = "shopify/acme/customer/77".to_owned();
    let erased = scratch.driver.tally(Command::ErasePerson { subject, by: "me".into(), now: t(2) }).await;
    assert_eq!(erased.count, 1);
    assert!(!on_disk(folder, &key), "the destroyed key can still be read");
    assert!(!on_disk(folder, &term), "the person can still be searched for");
}

#[tokio::test]
async fn a_new_master_key_is_the_only_one_that_opens() {
    let scratch = scratch().await;
    let driver = &scratch.driver;
    let put = Command::PutSecret {
        name: "token".into(),
        value: SecretText::new("hunter2".into()),
        expected: None,
        by: "me".into(),
        now: t(1),
    };
    driver.one(put).await.unwrap();
    let (delivery, _) = driver.enqueue(with_person(order("order.placed", 1, 0), "Ada"), t(1)).await;
    let inbound = driver.accept(accept("1", b"stored")).await.inbound;
    assert!(!on_disk(scratch.folder.path(), b"hunter2"));
    let old =
        bytes(&scratch.database, "SELECT CAST(value AS BLOB) FROM meta WHERE name = 'database_key'").await;
    let to = MasterKey::new([8; 32]);
    driver.one(Command::Rekey { to: to.clone(), by: "me".into(), now: t(2) }).await.unwrap();
    assert!(!on_disk(scratch.folder.path(), &old), "what the old master key opens is still there");
    let folder = scratch.close().await;
    assert!(matches!(Sqlite::open(options(folder.path())).await, Err(Error::WrongMasterKey)));
    let database = Arc::new(Sqlite::open(Options::new(folder.path().join("test.db"), to)).await.unwrap());
    let driver = Driver(store(&database));
    assert_eq!(driver.0.secret("token").await.unwrap().unwrap().0.expose(), "hunter2");
    let claimed = driver.claim_only(delivery, t(3)).await;
    assert_eq!(claimed.event, with_person(order("order.placed", 1, 0), "Ada"));
    let stored = driver.0.inbound(inbound).await.unwrap().unwrap();
    assert_eq!(stored.request.unwrap().body, b"stored");
}

#[tokio::test]
async fn a_change_of_the_master_key_that_is_dropped_midway_leaves_one_key() {
    for wait in 0..20 {
        let scratch = scratch().await;
        let handle = scratch.driver.0.clone();
        let secret = |name: &str, now| Command::PutSecret {
            name: name.into(),
            value: SecretText::new(name.into()),
            expected: None,
            by: "me".into(),
            now: t(now),
        };
        handle.apply(vec![secret("before", 1)]).await.unwrap();
        let to = MasterKey::new([8; 32]);
        let task = {
            let (handle, to) = (handle.clone(), to.clone());
            tokio::spawn(async move {
                handle.apply(vec![Command::Rekey { to, by: "me".into(), now: t(2) }]).await
            })
        };
        tokio::time::sleep(Duration::from_micros(wait * 150)).await;
        task.abort();
        let _ = task.await;
        assert!(handle.apply(vec![secret("after", 3)]).await.unwrap()[0].is_ok());
        drop(handle);
        let folder = scratch.close().await;
        // Whichever it is: the key that opens the database opens everything in it.
        let opened = match Sqlite::open(options(folder.path())).await {
            Ok(opened) => opened,
            Err(Error::WrongMasterKey) => {
                Sqlite::open(Options::new(folder.path().join("test.db"), to)).await.unwrap()
            }
            Err(other) => panic!("{other}"),
        };
        for name in ["before", "after"] {
            let text = crossdock_engine::Queries::secret(&opened, name).await.unwrap().unwrap().0;
            assert_eq!(text.expose(), name, "{wait}");
        }
    }
}
