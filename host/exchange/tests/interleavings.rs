//! A partner and a host that know nothing of each other, in every order: files that grow, are replaced and
//! sent twice, files that are taken at once or late, a clock that stands still or jumps, and a host that is
//! killed at any step and starts again with nothing but its journal and its outbox.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::expect_used)]

mod disks;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crossdock_exchange::{Error, Exchange, Folder, Layout, Steady};
use crossdock_model::time::Millis;
use disks::{Dying, Memory};
use proptest::prelude::*;
use proptest::test_runner::Config;

const SETTLE: Duration = Duration::from_secs(2);

#[derive(Clone, Debug)]
enum Act {
    /// The partner writes the next part of a file in place.
    Grow { file: u8 },
    /// The partner writes under another name and renames it over what is there.
    Send { file: u8 },
    /// Time passes.
    Wait { millis: u16 },
    /// The host looks, and is killed after so many steps. Meanwhile, between reading and archiving, the
    /// partner may replace a file.
    Scan { steps: u8, replaced: Option<u8> },
    /// The host has something to hand over.
    Owe { file: u8 },
    /// The host hands over what it owes, and is killed after so many steps.
    HandOver { steps: u8 },
    /// The partner takes what is there.
    Take,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        1 => (0..3u8).prop_map(|file| Act::Grow { file }),
        1 => (0..3u8).prop_map(|file| Act::Send { file }),
        1 => (0..2500u16).prop_map(|millis| Act::Wait { millis }),
        2 => (0..14u8, prop::option::of(0..3u8)).prop_map(|(steps, replaced)| Act::Scan { steps, replaced }),
        1 => (0..6u8).prop_map(|file| Act::Owe { file }),
        2 => (0..14u8).prop_map(|steps| Act::HandOver { steps }),
        1 => Just(Act::Take),
    ]
}

/// A whole file says so at its end; one that grows does not before it is done.
fn whole(text: &[u8]) -> bool {
    text.ends_with(b"END")
}

struct World {
    disk: Memory,
    now: i64,
    sent: u32,
    /// What the partner still writes to.
    growing: BTreeMap<u8, Vec<u8>>,
    steady: Steady,
    /// Name and text of what was journaled.
    journal: Vec<(String, Vec<u8>)>,
    /// What was sent and not replaced by the partner itself.
    due: BTreeSet<Vec<u8>>,
    outbox: BTreeMap<String, bool>,
    got: Vec<String>,
}

impl World {
    fn new(ids: bool) -> Self {
        Self {
            disk: Memory::new(ids),
            now: 0,
            sent: 0,
            growing: BTreeMap::new(),
            steady: Steady::new(SETTLE),
            journal: Vec::new(),
            due: BTreeSet::new(),
            outbox: BTreeMap::new(),
            got: Vec::new(),
        }
    }

    fn folder(&self, steps: usize) -> (Exchange<Dying<Memory>>, Dying<Memory>) {
        let disk = Dying::new(self.disk.clone(), steps);
        (Exchange::new(disk.clone(), &Layout::default()), disk)
    }

    /// A file that is being written to does not stand still for as long as it takes to settle.
    async fn wait(&mut self, millis: u16) {
        self.now += i64::from(millis);
        self.disk.set_time(Millis(self.now));
        for file in self.growing.keys().copied().collect::<Vec<_>>() {
            self.grow(file).await;
        }
    }

    /// The name is free for the partner: nothing it sent lies there unread.
    async fn free(&self, name: &str) -> bool {
        let (folder, _) = self.folder(usize::MAX);
        !folder.list().await.unwrap().entries.iter().any(|entry| entry.name == name)
    }

    async fn grow(&mut self, file: u8) {
        let name = format!("g{file}");
        if !self.growing.contains_key(&file) {
            if !self.free(&name).await {
                return;
            }
            self.sent += 1;
        }
        let text = self.growing.entry(file).or_insert_with(|| format!("{}:", self.sent).into_bytes());
        text.extend_from_slice(b"more ");
        let done = text.len() > 20;
        if done {
            text.extend_from_slice(b"END");
        }
        let text = text.clone();
        self.disk.scribble(&format!("in/{name}"), &text);
        if done {
            self.growing.remove(&file);
            self.due.insert(text);
        }
    }

    async fn send(&mut self, file: u8) {
        let name = format!("s{file}");
        self.sent += 1;
        // What lies there is replaced by the partner itself; whether the host was quicker is nobody's loss.
        for entry in self.folder(usize::MAX).0.list().await.unwrap().entries {
            if entry.name == name
                && let Ok(text) = self.folder(usize::MAX).0.read(&entry, 1000).await
            {
                self.due.remove(&text);
            }
        }
        // Of different lengths, since SFTP tells files of one second apart by nothing else.
        let text = format!("{}:{}END", self.sent, "x".repeat(self.sent as usize)).into_bytes();
        self.disk.scribble("in/.new", &text);
        self.disk.replace("in/.new", &format!("in/{name}"));
        self.due.insert(text);
    }

    /// What `flow` does with a folder: read, journal unless it is known, archive.
    async fn scan(&mut self, steps: usize, mut replaced: Option<u8>) {
        let (folder, disk) = self.folder(steps);
        let Ok(listing) = folder.list().await else { return self.died(&disk) };
        for entry in self.steady.rested(listing.entries, Millis(self.now)) {
            let text = match folder.read(&entry, 1000).await {
                Ok(text) => text,
                Err(Error::Changed { .. } | Error::Gone { .. }) => continue,
                Err(_) => return self.died(&disk),
            };
            assert!(whole(&text), "half a file was read");
            let kept = (entry.name.clone(), text);
            if !self.journal.contains(&kept) {
                self.journal.push(kept);
            }
            if let Some(file) = replaced.take() {
                self.send(file).await;
            }
            match folder.archive(&entry).await {
                Ok(()) | Err(Error::Changed { .. } | Error::Gone { .. }) => {}
                Err(_) => return self.died(&disk),
            }
        }
    }

    async fn hand_over(&mut self, steps: usize) {
        let (folder, disk) = self.folder(steps);
        let waiting: Vec<String> =
            self.outbox.iter().filter(|(_, noted)| !**noted).map(|(name, _)| name.clone()).collect();
        for name in waiting {
            match folder.put(&name, text(&name).as_bytes()).await {
                Ok(_) => {}
                Err(_) => return self.died(&disk),
            }
            // A last chance to be killed: between the folder and the note of it.
            if crossdock_exchange::Disk::stat(&disk, "out").await.is_err() {
                return self.died(&disk);
            }
            self.outbox.insert(name, true);
        }
    }

    fn died(&mut self, disk: &Dying<Memory>) {
        assert!(disk.died(), "the folder failed by itself");
        self.steady = Steady::new(SETTLE);
    }

    fn take(&mut self) {
        for (path, bytes) in self.disk.take("out") {
            let name = path.strip_prefix("out/").unwrap().to_owned();
            assert_eq!(bytes, text(&name).as_bytes(), "half a file was handed over");
            self.got.push(name);
        }
    }
}

fn text(name: &str) -> String {
    format!("the text of {name}, END")
}

async fn live(ids: bool, acts: Vec<Act>) {
    let mut world = World::new(ids);
    for act in acts {
        match act {
            Act::Grow { file } => world.grow(file).await,
            Act::Send { file } => world.send(file).await,
            Act::Wait { millis } => world.wait(millis).await,
            Act::Scan { steps, replaced } => world.scan(steps.into(), replaced).await,
            Act::Owe { file } => {
                world.outbox.entry(format!("o{file}")).or_insert(false);
            }
            Act::HandOver { steps } => world.hand_over(steps.into()).await,
            Act::Take => world.take(),
        }
    }
    // The partner ends what it began; the host is left in peace.
    for file in 0..3 {
        while world.growing.contains_key(&file) {
            world.grow(file).await;
        }
    }
    for _ in 0..6 {
        world.wait(2500).await;
        world.scan(usize::MAX, None).await;
        world.hand_over(usize::MAX).await;
        world.take();
    }
    assert!(world.disk.contents("in").is_empty(), "something was left lying");
    let read: Vec<&Vec<u8>> = world.journal.iter().map(|(_, text)| text).collect();
    for text in &world.due {
        let text_shown = String::from_utf8_lossy(text);
        assert_eq!(read.iter().filter(|read| **read == text).count(), 1, "{text_shown} was lost or doubled");
    }
    let archived = world.disk.contents("archive/in");
    for text in &archived {
        assert!(read.contains(&text), "{} was archived unread", String::from_utf8_lossy(text));
    }
    for text in &world.due {
        assert!(archived.contains(text), "{} is not in the archive", String::from_utf8_lossy(text));
    }
    let owed: Vec<String> = world.outbox.keys().cloned().collect();
    let mut got = world.got;
    got.sort();
    assert_eq!(got, owed, "each file goes out once");
}

proptest! {
    #![proptest_config(Config { cases: 400, failure_persistence: None, ..Config::default() })]

    #[test]
    fn nothing_is_lost_doubled_or_read_by_halves(
        ids in any::<bool>(),
        acts in prop::collection::vec(act(), 1..60),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(live(ids, acts));
    }
}

/// What the test above could not find if it were blind: a host that reads at the first scan reads halves.
#[tokio::test]
async fn without_settling_halves_are_read() {
    let mut world = World::new(true);
    world.grow(0).await;
    let (folder, _) = world.folder(usize::MAX);
    let entry = folder.list().await.unwrap().entries.remove(0);
    assert!(!whole(&folder.read(&entry, 1000).await.unwrap()));
}
