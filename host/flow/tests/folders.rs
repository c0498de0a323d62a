//! An exchange folder between a partner and a flow: which files are read, refused and written, and what a new process
//! does with the files of a killed one.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod world;

use std::sync::Arc;
use std::time::Duration;

use crossdock_engine::view::Page;
use crossdock_exchange::{ExchangeFolder, Folder as _, Layout, Local};
use crossdock_flow::connector::{Connector, Folder};
use tempfile::TempDir;
use world::{RecordingPlugin, TestClock, World, connector, eventually, names};

struct Fixture {
    dir: TempDir,
    plugin: Arc<RecordingPlugin>,
}

impl Fixture {
    fn new() -> Self {
        let fixture = Self { dir: tempfile::tempdir().unwrap(), plugin: Arc::default() };
        std::fs::create_dir_all(fixture.path("in")).unwrap();
        fixture
    }

    fn path(&self, path: &str) -> std::path::PathBuf {
        self.dir.path().join("folder").join(path)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path("in").join(name), text).unwrap();
    }

    fn connector(&self) -> Connector {
        let files = ExchangeFolder::new(Local::new(self.path("")), &Layout::default());
        let folder = Folder {
            files: Arc::new(files),
            address: "folder".into(),
            every: Duration::from_millis(20),
            settle: Duration::from_millis(30),
            limit: 1000,
        };
        Connector { folder: Some(folder), ..connector(&self.plugin) }
    }

    async fn start(&self) -> World {
        World::start(self.dir.path(), Arc::new(TestClock::default()), self.connector()).await
    }

    fn received(&self) -> Vec<(String, String)> {
        let received = self.plugin.received.lock().unwrap();
        let mut received: Vec<_> = received
            .iter()
            .map(|inbound| {
                assert_eq!(inbound.method, "FILE");
                (inbound.file.clone().unwrap(), String::from_utf8(inbound.body.clone()).unwrap())
            })
            .collect();
        received.sort();
        received
    }

    fn text(&self, path: &str) -> String {
        std::fs::read_to_string(self.path(path)).unwrap()
    }
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_stored_whole_and_archived() {
    let fixture = Fixture::new();
    let world = fixture.start().await;
    for (name, text) in
        [("850.edi", "one"), ("half.tmp", "x"), (".hidden", "x"), ("large", &"x".repeat(1001))]
    {
        fixture.write(name, text);
    }
    eventually("it is archived", async || names(fixture.path("archive/in")) == ["850.edi"]).await;
    eventually("it is read", async || !fixture.received().is_empty()).await;
    assert_eq!(fixture.received(), pairs(&[("850.edi", "one")]));
    assert_eq!(names(fixture.path("in")), [".hidden", "half.tmp", "large"]);
    // The half-written file is complete.
    std::fs::rename(fixture.path("in/half.tmp"), fixture.path("in/half")).unwrap();
    eventually("the other too", async || fixture.received().len() == 2).await;
    assert!(world.handle.store().quarantined(None, Page::default()).await.unwrap().is_empty());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_file_twice_is_one_request_and_another_of_its_name_is_another() {
    let fixture = Fixture::new();
    let world = fixture.start().await;
    for (text, archived) in [("one", 1), ("one", 2), ("two", 3)] {
        fixture.write("orders.edi", text);
        eventually("it is archived", async || names(fixture.path("archive/in")).len() == archived).await;
    }
    eventually("both are read", async || fixture.received().len() >= 2).await;
    assert_eq!(fixture.received(), pairs(&[("orders.edi", "one"), ("orders.edi", "two")]));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_the_outbox_is_written_once_and_recorded() {
    let fixture = Fixture::new();
    let world = fixture.start().await;
    world.add_to_outbox("855.edi", "text").await;
    eventually("it is recorded", async || world.outbox_len().await == 0).await;
    assert_eq!(fixture.text("out/855.edi"), "text");
    std::fs::remove_file(fixture.path("out/855.edi")).unwrap();
    world.stop().await;
    let world = fixture.start().await;
    world.add_to_outbox("856.edi", "another").await;
    eventually("the next one too", async || world.outbox_len().await == 0).await;
    assert_eq!(names(fixture.path("out")), ["856.edi"]);
    world.stop().await;
}

/// Killed between the write and its record: the partner has the file, the database does not know.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_written_and_not_recorded_is_not_written_again() {
    let fixture = Fixture::new();
    let files = ExchangeFolder::new(Local::new(fixture.path("")), &Layout::default());
    files.prepare().await.unwrap();
    files.put("855.edi", b"text").await.unwrap();
    std::fs::remove_file(fixture.path("out/855.edi")).unwrap();
    let world = fixture.start().await;
    world.add_to_outbox("855.edi", "text").await;
    eventually("it is recorded", async || world.outbox_len().await == 0).await;
    assert!(names(fixture.path("out")).is_empty());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_written_delays_no_other() {
    let fixture = Fixture::new();
    let files = ExchangeFolder::new(Local::new(fixture.path("")), &Layout::default());
    files.prepare().await.unwrap();
    files.put("1.edi", b"of a former process").await.unwrap();
    let world = fixture.start().await;
    world.add_to_outbox("1.edi", "other text").await;
    world.add_to_outbox("2.edi", "text").await;
    eventually("the second is written", async || fixture.path("out/2.edi").exists()).await;
    eventually("and recorded", async || world.outbox_len().await == 1).await;
    assert_eq!(fixture.text("out/1.edi"), "of a former process");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_connector_reads_files_and_writes_none() {
    let fixture = Fixture::new();
    let world = fixture.start().await;
    world.handle.pause("erp", "stocktaking", "test").await.unwrap();
    world.add_to_outbox("855.edi", "text").await;
    fixture.write("850.edi", "one");
    eventually("it is read", async || fixture.received().len() == 1).await;
    assert!(names(fixture.path("out")).is_empty());
    world.handle.resume("erp", "test").await.unwrap();
    eventually("it is written", async || fixture.path("out/855.edi").exists()).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugins_answer_to_a_file_is_written() {
    let fixture = Fixture::new();
    let world = fixture.start().await;
    fixture.write("850.edi", "ack me");
    eventually("it is written", async || fixture.path("out/ack-850.edi").exists()).await;
    assert_eq!(fixture.text("out/ack-850.edi"), "ack");
    world.stop().await;
}

/// The plugin names its answer after the file that it answers.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_answered_before_is_quarantined_with_the_answer_it_repeats() {
    let fixture = Fixture::new();
    let world = fixture.start().await;
    fixture.write("a.edi", "ack me as 997-ISA13-45.edi");
    eventually("it is answered", async || fixture.path("out/997-ISA13-45.edi").exists()).await;
    fixture.write("b.edi", "ack me as 997-ISA13-45.edi");
    let store = world.handle.store();
    let quarantined = async || store.quarantined(None, Page::default()).await.unwrap();
    eventually("it is quarantined", async || !quarantined().await.is_empty()).await;
    let problem = quarantined().await.remove(0).problem;
    assert_eq!(
        (problem.code.as_str(), problem.field.as_deref()),
        ("file-repeated", Some("997-ISA13-45.edi"))
    );
    assert!(problem.message.contains("`b.edi` repeats") && problem.message.contains("997-ISA13-45"));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_cannot_be_used_is_retried() {
    let fixture = Fixture::new();
    let folder = fixture.dir.path().join("folder");
    std::fs::remove_dir_all(&folder).unwrap();
    std::fs::write(&folder, "no directory").unwrap();
    let world = fixture.start().await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    std::fs::remove_file(&folder).unwrap();
    eventually("it is created", async || fixture.path("in").is_dir()).await;
    fixture.write("850.edi", "one");
    eventually("it is read", async || fixture.received().len() == 1).await;
    world.stop().await;
}
