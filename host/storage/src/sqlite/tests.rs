//! The conformance suite on SQLite, and what concerns SQLite alone.

use std::ops::Deref;

use super::*;
use crossdock_rules::outcome::Settlement;

use crate::conformance::echoes::{SHOP, status, tagged, written};
use crate::conformance::samples::*;
use crate::{Accept, Store, Tables as _, Writer, WriterOptions};

/// A store in a folder that goes with it.
struct Scratch {
    store: Sqlite,
    folder: tempfile::TempDir,
}

impl Deref for Scratch {
    type Target = Sqlite;
    fn deref(&self) -> &Sqlite {
        &self.store
    }
}

fn options(folder: &Path) -> Options {
    Options::new(folder.join("crossdock.db"), MasterKey::new([7; 32]))
}

async fn scratch() -> Scratch {
    let folder = tempfile::tempdir().unwrap();
    Scratch { store: Sqlite::open(options(folder.path())).await.unwrap(), folder }
}

mod suite {
    use super::*;

    async fn open() -> (Sqlite, tempfile::TempDir) {
        let Scratch { store, folder } = scratch().await;
        (store, folder)
    }

    crate::conformance!(open());
}

#[tokio::test]
async fn a_second_host_is_kept_away() {
    let first = scratch().await;
    let again = Sqlite::open(options(first.folder.path())).await;
    assert!(matches!(again, Err(Error::InUse { .. })));
    let Scratch { store, folder } = first;
    store.close().await.unwrap();
    Sqlite::open(options(folder.path())).await.unwrap();
}

#[tokio::test]
async fn a_wrong_master_key_opens_nothing() {
    let Scratch { store, folder } = scratch().await;
    store.close().await.unwrap();
    let wrong = Options::new(folder.path().join("crossdock.db"), MasterKey::new([8; 32]));
    assert!(matches!(Sqlite::open(wrong).await, Err(Error::WrongMasterKey)));
}

#[tokio::test]
async fn everything_is_there_after_opening_again() {
    let Scratch { store, folder } = scratch().await;
    let driver = Driver(store);
    let (waiting, _) = driver.owe(with_person(refund(5, 1), "Ada"), t(1)).await;
    let (placed, _) = driver.owe(order("order.placed", 1, 0), t(1)).await;
    let first = driver.claim_only(placed, t(1)).await;
    let inbound = driver.accept(accept("1", b"x")).await.inbound;
    driver.0.close().await.unwrap();
    let driver = Driver(Sqlite::open(options(folder.path())).await.unwrap());
    assert!(driver.accept(accept("1", b"x")).await.duplicate);
    assert_eq!(driver.accept(accept("2", b"y")).await.inbound, inbound + 1);
    assert_eq!(driver.moved(Command::TakeOver { now: t(2) }).await.count, 1);
    let claimed = driver.claim_only(placed, t(2)).await;
    assert_eq!((claimed.find, claimed.serial), (true, first.serial));
    assert_eq!(driver.settle(&claimed, posted(&["SO-1"]), t(3)).await.released, [waiting]);
    let claimed = driver.claim_only(waiting, t(3)).await;
    assert_eq!(claimed.event, with_person(refund(5, 1), "Ada"));
    assert_eq!((claimed.serial, claimed.parent_references), (first.serial + 1, vec![reference("SO-1")]));
}

#[tokio::test]
async fn an_echo_is_known_though_the_host_was_killed_twice_meanwhile() {
    let Scratch { store, folder } = scratch().await;
    let driver = Driver(store);
    let placed = tagged(0, &[], |_| ());
    driver.told_by(SHOP, placed.clone(), &[ERP], 0).await;
    let claimed = driver.claim(t(0)).await.pop().unwrap();
    driver.settle(&claimed, posted(&["SO-1"]), t(0)).await;
    driver.told_by(ERP, status(1, "accepted"), &[SHOP], 1).await;
    driver.claim_of(SHOP, 1, t(1)).await;
    driver.0.close().await.unwrap();

    let driver = Driver(Sqlite::open(options(folder.path())).await.unwrap());
    driver.moved(Command::TakeOver { now: t(2) }).await;
    let back = driver.told_by(SHOP, tagged(2, &["SO-1"], |_| ()), &[ERP], 2).await;
    assert_eq!(back.owed[0].what, "waiting");
    driver.0.close().await.unwrap();

    let driver = Driver(Sqlite::open(options(folder.path())).await.unwrap());
    driver.moved(Command::TakeOver { now: t(3) }).await;
    assert!(driver.claim(t(3)).await.is_empty());
    let looking = driver.claim_of(SHOP, 1, t(3)).await.pop().unwrap();
    let ours = vec![written(&placed, "order.tags", "SO-1")];
    driver.settle(&looking, Settlement { written: ours, ..posted(&[]) }, t(4)).await;
    assert_eq!(driver.state(back.owed[0].delivery).await, "echo");
    let left: i64 =
        sqlx::query_scalar("SELECT count(*) FROM held").fetch_one(&driver.0.readers).await.unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn what_comes_in_the_group_of_a_retention_is_kept_under_its_days_key() {
    let Scratch { store, folder: _folder } = scratch().await;
    let day = t(2 * 86_400);
    let young = |dedupe: &str| Command::Accept(Accept { received_at: day, ..accept(dedupe, b"young") });
    store.apply(vec![young("1")]).await.unwrap();
    let retain = crate::Retain { bodies_before: day, exchanges_before: day };
    let mut writing = store.writing.lock().await;
    let Writing { connection, memory, .. } = &mut *writing;
    execute(connection, "beginning a transaction", "BEGIN IMMEDIATE", |_| {}).await.unwrap();
    let batch = Batch::new(connection, memory.as_mut().unwrap(), store.vault(), store.safeguards);
    let done = Sqlite::together(batch, &[Command::Retain(retain), young("2")]).await;
    assert_eq!(done.map(|done| done.answers.len()).map_err(|error| error.to_string()), Ok(2));
}

/// Whether the bytes are anywhere in the folder's files.
fn on_disk(folder: &Path, wanted: &[u8]) -> bool {
    std::fs::read_dir(folder).unwrap().any(|file| {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        bytes.windows(wanted.len()).any(|part| part == wanted)
    })
}

#[tokio::test]
async fn no_person_and_no_destroyed_key_is_in_the_files() {
    let store = scratch().await;
    let folder = store.folder.path().to_owned();
    let driver = Driver(store.store);
    driver.owe(with_person(order("order.placed", 1, 0), "Ada Lovelace"), t(1)).await;
    let mut request = accept("1", b"{\"name\": \"Ada Lovelace\"}");
    request.request.headers.push(("x-person".into(), "Ada Lovelace".into()));
    driver.accept(request).await;
    assert!(!on_disk(&folder, b"Ada Lovelace"));
    assert!(on_disk(&folder, b"shopify/acme/customer/77"));
    let mut reader = driver.0.reader().await.unwrap();
    let rows = fetch(&mut reader, "test", "SELECT wrapped FROM subject_key", |_| {}).await.unwrap();
    let wrapped: Vec<u8> = Cells::of(&rows[0]).next().unwrap();
    drop(reader);
    assert!(on_disk(&folder, &wrapped));
    let subject = "shopify/acme/customer/77".to_owned();
    driver.moved(Command::ErasePerson { subject, by: "me".into(), now: t(2) }).await;
    assert!(!on_disk(&folder, &wrapped), "the destroyed key can still be read");
}

#[tokio::test]
async fn a_new_master_key_is_the_only_one_that_opens() {
    let Scratch { store, folder } = scratch().await;
    let driver = Driver(store);
    let put = Command::PutSecret {
        name: "token".into(),
        value: crate::SecretText::new("hunter2".into()),
        expected: None,
        by: "me".into(),
        now: t(1),
    };
    driver.one(put).await.unwrap();
    let (delivery, _) = driver.owe(with_person(order("order.placed", 1, 0), "Ada"), t(1)).await;
    driver.accept(accept("1", b"kept")).await;
    assert!(!on_disk(folder.path(), b"hunter2"));
    let mut reader = driver.0.reader().await.unwrap();
    let text = "SELECT wrapped FROM subject_key UNION ALL SELECT wrapped FROM day_key UNION ALL \
                SELECT sealed FROM secret";
    let rows = fetch(&mut reader, "test", text, |_| {}).await.unwrap();
    let old: Vec<Vec<u8>> = rows.iter().map(|row| Cells::of(row).next().unwrap()).collect();
    drop(reader);
    assert_eq!(old.len(), 3);
    let to = MasterKey::new([8; 32]);
    driver.moved(Command::Rekey { to: to.clone(), by: "me".into(), now: t(2) }).await;
    for wrapped in &old {
        assert!(!on_disk(folder.path(), wrapped), "what the old master key opens is still there");
    }
    driver.0.close().await.unwrap();
    assert!(matches!(Sqlite::open(options(folder.path())).await, Err(Error::WrongMasterKey)));
    let driver = Driver(Sqlite::open(Options { master: to, ..options(folder.path()) }).await.unwrap());
    assert_eq!(driver.0.secret("token").await.unwrap().unwrap().0.expose(), "hunter2");
    assert_eq!(
        driver.claim_only(delivery, t(3)).await.event,
        with_person(order("order.placed", 1, 0), "Ada")
    );
    assert_eq!(driver.0.pending(0, 1).await.unwrap()[0].request.as_ref().unwrap().body, b"kept");
}

#[tokio::test]
async fn a_change_of_the_master_key_that_is_left_in_the_middle_leaves_one_key() {
    for wait in 0..20 {
        let Scratch { store, folder } = scratch().await;
        let store = Arc::new(store);
        let secret = |name: &str, now| Command::PutSecret {
            name: name.into(),
            value: crate::SecretText::new(name.into()),
            expected: None,
            by: "me".into(),
            now: t(now),
        };
        store.apply(vec![secret("before", 1)]).await.unwrap();
        let to = MasterKey::new([8; 32]);
        let task = {
            let (store, to) = (Arc::clone(&store), to.clone());
            tokio::spawn(
                async move { store.apply(vec![Command::Rekey { to, by: "me".into(), now: t(2) }]).await },
            )
        };
        tokio::time::sleep(Duration::from_micros(wait * 150)).await;
        task.abort();
        let _ = task.await;
        assert!(store.apply(vec![secret("after", 3)]).await.unwrap()[0].is_ok());
        Arc::into_inner(store).unwrap().close().await.unwrap();
        // Whichever it is: the key that opens the database opens everything in it.
        let opened = match Sqlite::open(options(folder.path())).await {
            Ok(opened) => opened,
            Err(Error::WrongMasterKey) => {
                Sqlite::open(Options { master: to, ..options(folder.path()) }).await.unwrap()
            }
            Err(other) => panic!("{other}"),
        };
        for name in ["before", "after"] {
            assert_eq!(opened.secret(name).await.unwrap().unwrap().0.expose(), name, "{wait}");
        }
    }
}

#[tokio::test]
async fn a_command_that_harms_harms_itself_alone() {
    let Scratch { store, folder: _folder } = scratch().await;
    let driver = Driver(store);
    let first = driver.accept(accept("1", b"x")).await.inbound;
    // The row that the next inbound's body would take is taken behind the store's back.
    {
        let mut writing = driver.0.writing.lock().await;
        let text = "INSERT INTO inbound_body (inbound, day, sealed) VALUES (?, 0, x'00')";
        execute(&mut writing.connection, "test", text, |args| {
            args.add(first + 2);
        })
        .await
        .unwrap();
    }
    let group = ["2", "3", "4"].map(|dedupe| Command::Accept(accept(dedupe, b"y")));
    let answers = driver.0.apply(group.into()).await.unwrap();
    let kept: Vec<bool> = answers.iter().map(Result::is_ok).collect();
    assert_eq!(kept, [true, false, false]);
    assert_eq!(driver.0.pending(0, 10).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_caller_who_goes_away_in_the_middle_leaves_the_store_usable() {
    let Scratch { store, folder: _folder } = scratch().await;
    let store = Arc::new(store);
    for wait in 0..20 {
        let task = {
            let store = Arc::clone(&store);
            let accept = accept(&format!("gone {wait}"), &[b'x'; 5000]);
            tokio::spawn(async move { store.apply(vec![Command::Accept(accept)]).await })
        };
        tokio::time::sleep(Duration::from_micros(wait * 50)).await;
        task.abort();
        let kept = store.apply(vec![Command::Accept(accept(&format!("kept {wait}"), b"y"))]).await.unwrap();
        assert!(kept[0].is_ok());
    }
    let bodies: Vec<_> =
        store.pending(0, 100).await.unwrap().into_iter().filter_map(|it| it.request).collect();
    assert_eq!(bodies.iter().filter(|request| request.body == b"y").count(), 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_answers_each_its_own_after_the_commit() {
    let Scratch { store, folder: _folder } = scratch().await;
    let store = Arc::new(store);
    let (writer, task) = Writer::start(store.clone(), WriterOptions { queue: 1000, group: 64 });
    let wake = writer.wake(ERP);
    let callers: Vec<_> = (0..300u32)
        .map(|number| {
            let (writer, store) = (writer.clone(), store.clone());
            tokio::spawn(async move {
                let kept = writer.accept(accept(&number.to_string(), &number.to_be_bytes())).await.unwrap();
                let read = store.inbound(kept.inbound).await.unwrap().unwrap();
                assert_eq!(read.request.unwrap().body, number.to_be_bytes());
                let events = vec![new(order("order.placed", number, 0), vec![to(ERP)])];
                let admit = crate::Admit {
                    inbound: Some(kept.inbound),
                    cursor: None,
                    handed: None,
                    events,
                    now: t(1),
                };
                let admitted = writer.admit(admit).await.unwrap();
                assert_eq!(
                    store.event(admitted.events[0]).await.unwrap().unwrap().row.entity,
                    order_id(number)
                );
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    wake.notified().await;
    drop(writer);
    task.await.unwrap();
}

#[tokio::test(flavor = "current_thread")]
async fn a_full_queue_refuses_whom_it_can_and_lets_others_wait() {
    let Scratch { store, folder: _folder } = scratch().await;
    let store = Arc::new(store);
    let (writer, _task) = Writer::start(store, WriterOptions { queue: 2, group: 1 });
    let accept = |number: u32| Accept { ..accept(&number.to_string(), b"x") };
    let mut answers = Vec::new();
    for number in 0..50 {
        let writer = writer.clone();
        answers.push(tokio::spawn(async move { writer.accept(accept(number)).await }));
    }
    let waiting = writer.submit(Command::Accept(accept(99)));
    let (mut kept, mut busy) = (0, 0);
    for answer in answers {
        match answer.await.unwrap() {
            Ok(_) => kept += 1,
            Err(Error::Busy) => busy += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert!(kept >= 2 && busy > 0, "{kept} kept, {busy} refused");
    waiting.await.unwrap();
}
