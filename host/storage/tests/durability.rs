//! What was answered survives a power cut, not just a killed process.
//!
//! A child process works a store while a shim under it (`durability/shim.c`) keeps the bytes that were
//! synced apart from those that were only written. The child is killed, the folder is rebuilt from what was
//! synced, and everything the child had been answered has to be there. Another test does the same
//! without syncing, and has to miss something.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command as Process};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossdock_engine::conformance::samples::{
    Driver, ERP, accept, new, order, order_id, posted, reference, t, to,
};
use crossdock_engine::{Admit, Applied, Command, MasterKey, Store};
use crossdock_rules::safeguards::Safeguards;
use crossdock_storage::{CacheOptions, Cached, Sqlite, SqliteOptions};

/// After how many answers the power is cut.
const ANSWERS: usize = 120;

/// Whether the child waits for the disk.
type Open = fn(SqliteOptions) -> SqliteOptions;

fn store(database: Sqlite) -> Store {
    let database = Arc::new(database);
    let cached = Arc::new(Cached::new(Arc::clone(&database), CacheOptions::default()));
    Store::new(cached, database, Safeguards::default())
}

/// The child's part, when this process is the child: works until it is killed, and writes down in a file of
/// another folder what it was answered.
async fn work(open: Open) {
    let folder = std::env::var("POWER_FOLDER").unwrap();
    let mut answered = std::fs::File::create(std::env::var("POWER_ANSWERED").unwrap()).unwrap();
    let options = SqliteOptions::new(Path::new(&folder).join("power.db"), MasterKey::new([7; 32]));
    let store = Driver(store(Sqlite::open(open(options)).await.unwrap()));
    let mut answered = move |what: &str, number: u32| {
        answered.write_all(format!("{what} {number}\n").as_bytes()).unwrap();
    };
    for number in 1.. {
        let inbound = Some(store.accept(accept(&number.to_string(), b"a request")).await.inbound);
        answered("accepted", number);
        let events = vec![new(order("order.placed", number, 0), vec![to(ERP)])];
        let admitted =
            store.one(Command::Admit(Admit { inbound, events, now: t(1), ..Admit::default() })).await;
        assert!(matches!(admitted, Ok(Applied::Admitted(_))));
        answered("admitted", number);
        let claimed = store.claim(t(2)).await;
        answered("claimed", number);
        store.settle(&claimed[0], posted(&[&format!("SO-{number}")]), t(3)).await;
        answered("settled", number);
    }
}

/// A running child, killed when the test ends however it ends.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Has the named test work as a child until the power is cut. Answers what the child was answered but the
/// disk does not have.
async fn lost_to_a_power_cut(test: &str) -> Vec<String> {
    let scratch = tempfile::tempdir().unwrap();
    let path = |name: &str| scratch.path().canonicalize().unwrap().join(name);
    let (folder, disk, answered, shim) = (path("folder"), path("disk"), path("answered"), path("shim.so"));
    std::fs::create_dir(&folder).unwrap();
    std::fs::create_dir(&disk).unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/durability/shim.c");
    let made = Process::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&shim).arg(source).status();
    assert!(made.expect("a C compiler").success());
    let child = Process::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture"])
        .env("LD_PRELOAD", &shim)
        .env("POWER_FOLDER", &folder)
        .env("POWER_DISK", &disk)
        .env("POWER_ANSWERED", &answered)
        .spawn()
        .unwrap();
    let mut child = Killed(child);
    let deadline = Instant::now() + Duration::from_secs(120);
    let lines = || std::fs::read_to_string(&answered).unwrap_or_default();
    while lines().lines().count() < ANSWERS {
        assert!(child.0.try_wait().unwrap().is_none(), "the child ended by itself");
        assert!(Instant::now() < deadline, "the child got only {} answers", lines().lines().count());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    drop(child);
    // The machine comes up again: the names that were synced, with the bytes that were synced.
    let after = path("after");
    std::fs::create_dir(&after).unwrap();
    for name in std::fs::read_to_string(disk.join(".names")).unwrap_or_default().lines() {
        match disk.join(name).exists() {
            true => std::fs::copy(disk.join(name), after.join(name)).map(drop).unwrap(),
            false => std::fs::write(after.join(name), b"").unwrap(),
        }
    }
    let options = SqliteOptions::new(after.join("power.db"), MasterKey::new([7; 32]));
    let Ok(database) = Sqlite::open(options).await else {
        return vec!["the database".into()];
    };
    missing(&Driver(store(database)), &lines()).await
}

/// What was answered and is not there.
async fn missing(store: &Driver, answered: &str) -> Vec<String> {
    let mut last: BTreeMap<u32, &str> = BTreeMap::new();
    for line in answered.lines() {
        let (what, number) = line.split_once(' ').unwrap();
        last.insert(number.parse().unwrap(), what);
    }
    let mut missing = Vec::new();
    for (number, what) in last {
        let stored = store.accept(accept(&number.to_string(), b"a request")).await.duplicate;
        let event = store.0.event_of_key(&format!("{}/placed", order_id(number))).await.unwrap();
        let delivery = match event {
            None => None,
            Some(event) => store.0.event(event).await.unwrap().unwrap().row.deliveries.pop(),
        };
        let sent = delivery.as_ref().is_some_and(|delivery| delivery.sent != "no");
        let settled = delivery.is_some_and(|delivery| delivery.ending.as_deref() == Some("posted"))
            && store.0.references(ERP, &order_id(number)).await.unwrap()
                == [reference(&format!("SO-{number}"))];
        let there = match what {
            "accepted" => stored,
            "admitted" => stored && event.is_some(),
            "claimed" => sent,
            _ => sent && settled,
        };
        if !there {
            missing.push(format!("{what} {number}"));
        }
    }
    missing
}

#[tokio::test]
async fn what_was_answered_survives_a_power_cut() {
    if std::env::var_os("POWER_FOLDER").is_some() {
        return work(|options| options).await;
    }
    assert_eq!(lost_to_a_power_cut("what_was_answered_survives_a_power_cut").await, [] as [&str; 0]);
}

#[tokio::test]
async fn without_syncing_the_test_above_would_fail() {
    if std::env::var_os("POWER_FOLDER").is_some() {
        return work(SqliteOptions::without_sync).await;
    }
    assert_ne!(lost_to_a_power_cut("without_syncing_the_test_above_would_fail").await, [] as [&str; 0]);
}
