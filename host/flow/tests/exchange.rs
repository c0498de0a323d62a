//! An exchange folder between a partner and a flow: what is read, what is refused, what is handed over, and
//! what the next life makes of what a killed one left.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod world;

use std::sync::Arc;
use std::time::Duration;

use crossdock_exchange::{Exchange, Folder as _, Layout, Local};
use crossdock_flow::connector::{Connector, Folder};
use crossdock_storage::view::Page;
use tempfile::TempDir;
use world::{Hands, Scribe, World, connector, eventually, names};

struct There {
    dir: TempDir,
    scribe: Arc<Scribe>,
}

impl There {
    fn new() -> Self {
        let there = Self { dir: tempfile::tempdir().unwrap(), scribe: Arc::default() };
        std::fs::create_dir_all(there.path("in")).unwrap();
        there
    }

    fn path(&self, path: &str) -> std::path::PathBuf {
        self.dir.path().join("folder").join(path)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path("in").join(name), text).unwrap();
    }

    fn connector(&self) -> Connector {
        let files = Exchange::new(Local::new(self.path("")), &Layout::default());
        let folder = Folder {
            files: Arc::new(files),
            place: "folder".into(),
            every: Duration::from_millis(20),
            settle: Duration::from_millis(30),
            limit: 1000,
        };
        Connector { folder: Some(folder), ..connector(&self.scribe) }
    }

    async fn start(&self) -> World {
        World::start(self.dir.path(), Arc::new(Hands::default()), self.connector()).await
    }

    fn received(&self) -> Vec<(String, String)> {
        let received = self.scribe.received.lock().unwrap();
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
async fn a_file_is_journaled_whole_and_archived() {
    let there = There::new();
    let world = there.start().await;
    for (name, text) in
        [("850.edi", "one"), ("half.tmp", "x"), (".hidden", "x"), ("large", &"x".repeat(1001))]
    {
        there.write(name, text);
    }
    eventually("it is archived", async || names(there.path("archive/in")) == ["850.edi"]).await;
    eventually("it is read", async || !there.received().is_empty()).await;
    assert_eq!(there.received(), pairs(&[("850.edi", "one")]));
    assert_eq!(names(there.path("in")), [".hidden", "half.tmp", "large"]);
    // What was half is whole.
    std::fs::rename(there.path("in/half.tmp"), there.path("in/half")).unwrap();
    eventually("the other too", async || there.received().len() == 2).await;
    assert!(world.handle.store().quarantined(None, Page::default()).await.unwrap().is_empty());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_file_twice_is_one_request_and_another_of_its_name_is_another() {
    let there = There::new();
    let world = there.start().await;
    for (text, archived) in [("one", 1), ("one", 2), ("two", 3)] {
        there.write("orders.edi", text);
        eventually("it is archived", async || names(there.path("archive/in")).len() == archived).await;
    }
    eventually("both are read", async || there.received().len() >= 2).await;
    assert_eq!(there.received(), pairs(&[("orders.edi", "one"), ("orders.edi", "two")]));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_handed_over_is_written_once_and_noted() {
    let there = There::new();
    let world = there.start().await;
    world.owe("855.edi", "text").await;
    eventually("it is noted", async || world.waiting().await == 0).await;
    assert_eq!(there.text("out/855.edi"), "text");
    std::fs::remove_file(there.path("out/855.edi")).unwrap();
    world.stop().await;
    let world = there.start().await;
    world.owe("856.edi", "another").await;
    eventually("the next one too", async || world.waiting().await == 0).await;
    assert_eq!(names(there.path("out")), ["856.edi"]);
    world.stop().await;
}

/// Killed between the folder and the note: the partner has the file, the database does not know.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_and_not_noted_is_not_written_again() {
    let there = There::new();
    let files = Exchange::new(Local::new(there.path("")), &Layout::default());
    files.prepare().await.unwrap();
    files.put("855.edi", b"text").await.unwrap();
    std::fs::remove_file(there.path("out/855.edi")).unwrap();
    let world = there.start().await;
    world.owe("855.edi", "text").await;
    eventually("it is noted", async || world.waiting().await == 0).await;
    assert!(names(there.path("out")).is_empty());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_handed_over_holds_no_other_up() {
    let there = There::new();
    let files = Exchange::new(Local::new(there.path("")), &Layout::default());
    files.prepare().await.unwrap();
    files.put("1.edi", b"of a former life").await.unwrap();
    let world = there.start().await;
    world.owe("1.edi", "other text").await;
    world.owe("2.edi", "text").await;
    eventually("the second is written", async || there.path("out/2.edi").exists()).await;
    eventually("and noted", async || world.waiting().await == 1).await;
    assert_eq!(there.text("out/1.edi"), "of a former life");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_connector_reads_on_and_hands_nothing_over() {
    let there = There::new();
    let world = there.start().await;
    world.handle.pause("erp", "stocktaking", "test").await.unwrap();
    world.owe("855.edi", "text").await;
    there.write("850.edi", "one");
    eventually("it is read", async || there.received().len() == 1).await;
    assert!(names(there.path("out")).is_empty());
    world.handle.resume("erp", "test").await.unwrap();
    eventually("it is written", async || there.path("out/855.edi").exists()).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_plugin_answers_to_a_file_goes_out() {
    let there = There::new();
    let world = there.start().await;
    there.write("850.edi", "ack me");
    eventually("it is written", async || there.path("out/ack-850.edi").exists()).await;
    assert_eq!(there.text("out/ack-850.edi"), "ack");
    world.stop().await;
}

/// The answer's name is what tells: it is named after what it answers.
#[tokio::test(flavor = "multi_thread")]
async fn what_has_been_answered_before_is_set_aside_and_says_what_it_repeats() {
    let there = There::new();
    let world = there.start().await;
    there.write("a.edi", "ack me as 997-ISA13-45.edi");
    eventually("it is answered", async || there.path("out/997-ISA13-45.edi").exists()).await;
    there.write("b.edi", "ack me as 997-ISA13-45.edi");
    let store = world.handle.store();
    let aside = async || store.quarantined(None, Page::default()).await.unwrap();
    eventually("it is set aside", async || !aside().await.is_empty()).await;
    let problem = aside().await.remove(0).problem;
    assert_eq!(
        (problem.code.as_str(), problem.field.as_deref()),
        ("file-repeated", Some("997-ISA13-45.edi"))
    );
    assert!(problem.message.contains("`b.edi` repeats") && problem.message.contains("997-ISA13-45"));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_cannot_be_used_is_used_when_it_can() {
    let there = There::new();
    let folder = there.dir.path().join("folder");
    std::fs::remove_dir_all(&folder).unwrap();
    std::fs::write(&folder, "no directory").unwrap();
    let world = there.start().await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    std::fs::remove_file(&folder).unwrap();
    eventually("it is made", async || there.path("in").is_dir()).await;
    there.write("850.edi", "one");
    eventually("it is read", async || there.received().len() == 1).await;
    world.stop().await;
}
