//! Random interleavings of a partner and a host: files that grow, are replaced and sent twice, files that are
//! taken at once or late, a clock that stands still or jumps, and a host that is killed at any step and restarts
//! with its journal and its outbox.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::expect_used)]

mod file_systems;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crossdock_exchange::{Error, ExchangeFolder, Folder, Layout, StableFiles};
use crossdock_model::time::Millis;
use file_systems::{FaultyFs, MemoryFs};
use proptest::prelude::*;
use proptest::test_runner::Config;

const SETTLE: Duration = Duration::from_secs(2);

#[derive(Clone, Debug)]
enum Action {
    /// The partner writes the next part of a file in place.
    Grow { file: u8 },
    /// The partner writes under another name and renames it over what is there.
    Send { file: u8 },
    /// Time passes.
    Wait { millis: u16 },
    /// The host scans the folder, and is killed after a number of steps. Between reading and archiving, the
    /// partner may replace a file.
    Scan { steps: u8, replaced: Option<u8> },
    /// The host adds a file to its outbox.
    Enqueue { file: u8 },
    /// The host writes the files of its outbox, and is killed after a number of steps.
    WriteOutbox { steps: u8 },
    /// The partner takes the files in `out/`.
    Take,
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        1 => (0..3u8).prop_map(|file| Action::Grow { file }),
        1 => (0..3u8).prop_map(|file| Action::Send { file }),
        1 => (0..2500u16).prop_map(|millis| Action::Wait { millis }),
        2 => (0..14u8, prop::option::of(0..3u8)).prop_map(|(steps, replaced)| Action::Scan { steps, replaced }),
        1 => (0..6u8).prop_map(|file| Action::Enqueue { file }),
        2 => (0..14u8).prop_map(|steps| Action::WriteOutbox { steps }),
        1 => Just(Action::Take),
    ]
}

/// True for a complete file: a growing one has no end mark.
fn is_complete(text: &[u8]) -> bool {
    text.ends_with(b"END")
}

struct World {
    files: MemoryFs,
    now: i64,
    sent: u32,
    /// Files that the partner is still writing.
    growing: BTreeMap<u8, Vec<u8>>,
    stable_files: StableFiles,
    /// Name and text of the journaled files.
    journal: Vec<(String, Vec<u8>)>,
    /// Files that were sent and not replaced by the partner itself.
    expected: BTreeSet<Vec<u8>>,
    /// Whether each file of the outbox is recorded as written.
    outbox: BTreeMap<String, bool>,
    /// Files that the partner took.
    received: Vec<String>,
}

impl World {
    fn new(ids: bool) -> Self {
        Self {
            files: MemoryFs::new(ids),
            now: 0,
            sent: 0,
            growing: BTreeMap::new(),
            stable_files: StableFiles::new(SETTLE),
            journal: Vec::new(),
            expected: BTreeSet::new(),
            outbox: BTreeMap::new(),
            received: Vec::new(),
        }
    }

    fn folder(&self, steps: usize) -> (ExchangeFolder<FaultyFs<MemoryFs>>, FaultyFs<MemoryFs>) {
        let files = FaultyFs::new(self.files.clone(), steps);
        (ExchangeFolder::new(files.clone(), &Layout::default()), files)
    }

    /// A file that is being written changes within the settle time.
    async fn wait(&mut self, millis: u16) {
        self.now += i64::from(millis);
        self.files.set_time(Millis(self.now));
        for file in self.growing.keys().copied().collect::<Vec<_>>() {
            self.grow(file).await;
        }
    }

    /// True when `in/` has no unread file of the name.
    async fn is_free(&self, name: &str) -> bool {
        let (folder, _) = self.folder(usize::MAX);
        !folder.list().await.unwrap().entries.iter().any(|entry| entry.name == name)
    }

    async fn grow(&mut self, file: u8) {
        let name = format!("g{file}");
        if !self.growing.contains_key(&file) {
            if !self.is_free(&name).await {
                return;
            }
            self.sent += 1;
        }
        let text = self.growing.entry(file).or_insert_with(|| format!("{}:", self.sent).into_bytes());
        text.extend_from_slice(b"more ");
        let is_last = text.len() > 20;
        if is_last {
            text.extend_from_slice(b"END");
        }
        let text = text.clone();
        self.files.write_in_place(&format!("in/{name}"), &text);
        if is_last {
            self.growing.remove(&file);
            self.expected.insert(text);
        }
    }

    async fn send(&mut self, file: u8) {
        let name = format!("s{file}");
        self.sent += 1;
        // The partner replaces its own file: the earlier one may be read or not.
        for entry in self.folder(usize::MAX).0.list().await.unwrap().entries {
            if entry.name == name
                && let Ok(text) = self.folder(usize::MAX).0.read(&entry, 1000).await
            {
                self.expected.remove(&text);
            }
        }
        // With different lengths: SFTP cannot distinguish files of one second otherwise.
        let text = format!("{}:{}END", self.sent, "x".repeat(self.sent as usize)).into_bytes();
        self.files.write_in_place("in/.new", &text);
        self.files.replace("in/.new", &format!("in/{name}"));
        self.expected.insert(text);
    }

    /// Reads, journals unless known, and archives, as the driver of a folder does.
    async fn scan(&mut self, steps: usize, mut replaced: Option<u8>) {
        let (folder, files) = self.folder(steps);
        let Ok(listing) = folder.list().await else { return self.restart(&files) };
        for entry in self.stable_files.observe(listing.entries, Millis(self.now)) {
            let text = match folder.read(&entry, 1000).await {
                Ok(text) => text,
                Err(Error::Changed { .. } | Error::NotFound { .. }) => continue,
                Err(_) => return self.restart(&files),
            };
            assert!(is_complete(&text), "an incomplete file was read");
            let record = (entry.name.clone(), text);
            if !self.journal.contains(&record) {
                self.journal.push(record);
            }
            if let Some(file) = replaced.take() {
                self.send(file).await;
            }
            match folder.archive(&entry).await {
                Ok(()) | Err(Error::Changed { .. } | Error::NotFound { .. }) => {}
                Err(_) => return self.restart(&files),
            }
        }
    }

    async fn write_outbox(&mut self, steps: usize) {
        let (folder, files) = self.folder(steps);
        let due: Vec<String> =
            self.outbox.iter().filter(|(_, recorded)| !**recorded).map(|(name, _)| name.clone()).collect();
        for name in due {
            match folder.put(&name, text(&name).as_bytes()).await {
                Ok(_) => {}
                Err(_) => return self.restart(&files),
            }
            // It can also be killed between the write and the record of it.
            if crossdock_exchange::FileSystem::stat(&files, "out").await.is_err() {
                return self.restart(&files);
            }
            self.outbox.insert(name, true);
        }
    }

    fn restart(&mut self, files: &FaultyFs<MemoryFs>) {
        assert!(files.killed(), "the folder failed without a kill");
        self.stable_files = StableFiles::new(SETTLE);
    }

    fn take(&mut self) {
        for (path, bytes) in self.files.take("out") {
            let name = path.strip_prefix("out/").unwrap().to_owned();
            assert_eq!(bytes, text(&name).as_bytes(), "an incomplete file was written");
            self.received.push(name);
        }
    }
}

fn text(name: &str) -> String {
    format!("the text of {name}, END")
}

async fn run(ids: bool, actions: Vec<Action>) {
    let mut world = World::new(ids);
    for action in actions {
        match action {
            Action::Grow { file } => world.grow(file).await,
            Action::Send { file } => world.send(file).await,
            Action::Wait { millis } => world.wait(millis).await,
            Action::Scan { steps, replaced } => world.scan(steps.into(), replaced).await,
            Action::Enqueue { file } => {
                world.outbox.entry(format!("o{file}")).or_insert(false);
            }
            Action::WriteOutbox { steps } => world.write_outbox(steps.into()).await,
            Action::Take => world.take(),
        }
    }
    // The partner finishes its files; the host is not killed any more.
    for file in 0..3 {
        while world.growing.contains_key(&file) {
            world.grow(file).await;
        }
    }
    for _ in 0..6 {
        world.wait(2500).await;
        world.scan(usize::MAX, None).await;
        world.write_outbox(usize::MAX).await;
        world.take();
    }
    assert!(world.files.contents("in").is_empty(), "a file was left unread");
    let read: Vec<&Vec<u8>> = world.journal.iter().map(|(_, text)| text).collect();
    for text in &world.expected {
        let text_shown = String::from_utf8_lossy(text);
        assert_eq!(
            read.iter().filter(|read| **read == text).count(),
            1,
            "{text_shown} was not read exactly once"
        );
    }
    let archived = world.files.contents("archive/in");
    for text in &archived {
        assert!(read.contains(&text), "{} was archived unread", String::from_utf8_lossy(text));
    }
    for text in &world.expected {
        assert!(archived.contains(text), "{} is not in the archive", String::from_utf8_lossy(text));
    }
    let enqueued: Vec<String> = world.outbox.keys().cloned().collect();
    let mut received = world.received;
    received.sort();
    assert_eq!(received, enqueued, "each file is written once");
}

proptest! {
    #![proptest_config(Config { cases: 400, failure_persistence: None, ..Config::default() })]

    #[test]
    fn every_complete_file_is_read_and_written_exactly_once(
        ids in any::<bool>(),
        actions in prop::collection::vec(action(), 1..60),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(run(ids, actions));
    }
}

/// Proves that the test above can fail: a host that reads at the first scan reads incomplete files.
#[tokio::test]
async fn without_the_settle_time_incomplete_files_are_read() {
    let mut world = World::new(true);
    world.grow(0).await;
    let (folder, _) = world.folder(usize::MAX);
    let entry = folder.list().await.unwrap().entries.remove(0);
    assert!(!is_complete(&folder.read(&entry, 1000).await.unwrap()));
}
