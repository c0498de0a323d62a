//! A folder in a local directory: listing, reading, archiving and writing, also by a host that is killed between
//! any two steps.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::expect_used)]

mod file_systems;

use std::path::Path;

use crossdock_exchange::{Entry, Error, ExchangeFolder, FileSystem, Folder, Layout, Local, Put};
use file_systems::FaultyFs;
use tempfile::TempDir;

const LIMIT: u64 = 1000;

struct Fixture {
    dir: TempDir,
    folder: ExchangeFolder<Local>,
}

async fn fixture() -> Fixture {
    let dir = tempfile::tempdir().unwrap();
    let folder = ExchangeFolder::new(Local::new(dir.path()), &Layout::default());
    folder.prepare().await.unwrap();
    Fixture { dir, folder }
}

impl Fixture {
    fn write(&self, path: &str, text: &str) {
        std::fs::write(self.dir.path().join(path), text).unwrap();
    }

    fn text(&self, path: &str) -> Option<String> {
        std::fs::read_to_string(self.dir.path().join(path)).ok()
    }

    fn names(&self, dir: &str) -> Vec<String> {
        names(&self.dir.path().join(dir))
    }

    async fn only(&self) -> Entry {
        let entries = self.folder.list().await.unwrap().entries;
        assert_eq!(entries.len(), 1, "{entries:?}");
        entries[0].clone()
    }
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn only_finished_regular_files_are_listed() {
    let fixture = fixture().await;
    for name in ["850.edi", ".hidden", "850.tmp", "850.PART", "x.filepart"] {
        fixture.write(&format!("in/{name}"), "x");
    }
    let root = fixture.dir.path();
    std::fs::create_dir(root.join("in/folder")).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", root.join("in/link.edi")).unwrap();
    fixture.write("in/bell\u{7}.edi", "x");
    let listing = fixture.folder.list().await.unwrap();
    assert_eq!(listing.entries.iter().map(|entry| &entry.name).collect::<Vec<_>>(), ["850.edi"]);
    assert_eq!(listing.unusable, ["bell\u{7}.edi"]);
}

#[tokio::test]
async fn a_name_that_is_not_unicode_is_listed_as_unusable() {
    use std::os::unix::ffi::OsStrExt;
    let fixture = fixture().await;
    let name = std::ffi::OsStr::from_bytes(b"\xff.edi");
    std::fs::write(fixture.dir.path().join("in").join(name), "x").unwrap();
    let listing = fixture.folder.list().await.unwrap();
    assert!(listing.entries.is_empty());
    assert_eq!(listing.unusable, ["\u{fffd}.edi"]);
}

#[tokio::test]
async fn a_file_that_was_read_is_archived() {
    let fixture = fixture().await;
    fixture.write("in/850.edi", "one");
    let entry = fixture.only().await;
    assert_eq!(fixture.folder.read(&entry, LIMIT).await.unwrap(), b"one");
    fixture.folder.archive(&entry).await.unwrap();
    assert!(fixture.names("in").is_empty());
    assert_eq!(fixture.text("archive/in/850.edi").as_deref(), Some("one"));
    assert!(matches!(fixture.folder.archive(&entry).await, Err(Error::NotFound { .. })));
}

#[tokio::test]
async fn the_archive_keeps_all_files_of_one_name() {
    let fixture = fixture().await;
    for text in ["one", "two", "two", "three"] {
        fixture.write("in/orders.edi", text);
        fixture.folder.archive(&fixture.only().await).await.unwrap();
    }
    let names = fixture.names("archive/in");
    assert_eq!(names.len(), 4, "{names:?}");
    assert!(names.iter().all(|name| name.starts_with("orders.edi")));
    assert_eq!(fixture.text("archive/in/orders.edi").as_deref(), Some("one"));
}

#[tokio::test]
async fn a_file_over_the_limit_is_not_read() {
    let fixture = fixture().await;
    fixture.write("in/a", "12345");
    let entry = fixture.only().await;
    assert!(matches!(fixture.folder.read(&entry, 4).await, Err(Error::TooLarge { limit: 4, .. })));
    assert_eq!(fixture.folder.read(&entry, 5).await.unwrap(), b"12345");
}

#[tokio::test]
async fn a_file_that_changed_since_the_listing_is_not_read() {
    let fixture = fixture().await;
    fixture.write("in/a", "one");
    let entry = fixture.only().await;
    fixture.write("in/a", "one and more");
    assert!(matches!(fixture.folder.read(&entry, LIMIT).await, Err(Error::Changed { .. })));
    std::fs::remove_file(fixture.dir.path().join("in/a")).unwrap();
    assert!(matches!(fixture.folder.read(&entry, LIMIT).await, Err(Error::NotFound { .. })));
}

#[tokio::test]
async fn a_file_that_replaced_the_one_that_was_read_is_not_archived() {
    let fixture = fixture().await;
    fixture.write("in/a", "one");
    let entry = fixture.only().await;
    fixture.folder.read(&entry, LIMIT).await.unwrap();
    // Same size and same modification time: only the file's identity differs.
    let new = fixture.dir.path().join("in/a.tmp");
    std::fs::write(&new, "two").unwrap();
    let modified = std::fs::metadata(fixture.dir.path().join("in/a")).unwrap().modified().unwrap();
    std::fs::File::options().write(true).open(&new).unwrap().set_modified(modified).unwrap();
    std::fs::rename(&new, fixture.dir.path().join("in/a")).unwrap();
    assert!(matches!(fixture.folder.archive(&entry).await, Err(Error::Changed { .. })));
    assert!(fixture.names("archive/in").is_empty());
    let entry = fixture.only().await;
    assert_eq!(fixture.folder.read(&entry, LIMIT).await.unwrap(), b"two");
}

#[tokio::test]
async fn links_are_not_followed() {
    let fixture = fixture().await;
    fixture.write("secret", "s3cret");
    fixture.write("in/a", "s3cret");
    let entry = fixture.only().await;
    let root = fixture.dir.path();
    std::fs::remove_file(root.join("in/a")).unwrap();
    std::os::unix::fs::symlink(root.join("secret"), root.join("in/a")).unwrap();
    assert!(fixture.folder.read(&entry, LIMIT).await.is_err());
    std::os::unix::fs::symlink(root.join("secret"), root.join("out/.x.edi.tmp")).unwrap();
    fixture.folder.put("x.edi", b"mine").await.unwrap();
    assert_eq!(fixture.text("secret").as_deref(), Some("s3cret"));
    assert_eq!(fixture.text("out/x.edi").as_deref(), Some("mine"));
}

#[tokio::test]
async fn a_file_is_written_once() {
    let fixture = fixture().await;
    assert_eq!(fixture.folder.put("855.edi", b"text").await.unwrap(), Put::Written);
    assert_eq!(fixture.names("out"), ["855.edi"]);
    assert_eq!(fixture.names("archive/out"), ["855.edi"]);
    // The partner takes it, and the host repeats the call as after a crash.
    std::fs::remove_file(fixture.dir.path().join("out/855.edi")).unwrap();
    assert_eq!(fixture.folder.put("855.edi", b"text").await.unwrap(), Put::AlreadyWritten);
    assert!(fixture.names("out").is_empty());
}

#[tokio::test]
async fn a_partner_that_modifies_its_file_does_not_modify_the_archive() {
    let fixture = fixture().await;
    fixture.folder.put("a", b"text").await.unwrap();
    fixture.write("out/a", "modified");
    assert_eq!(fixture.text("archive/out/a").as_deref(), Some("text"));
}

#[tokio::test]
async fn other_contents_under_a_used_name_are_refused() {
    let fixture = fixture().await;
    fixture.folder.put("a", b"text").await.unwrap();
    for other in [&b"another"[..], b"texts", b""] {
        assert!(matches!(fixture.folder.put("a", other).await, Err(Error::NameReused { .. })));
    }
    fixture.write("out/b", "somebody else's");
    assert!(matches!(fixture.folder.put("b", b"text").await, Err(Error::Exists { .. })));
    assert_eq!(fixture.text("out/b").as_deref(), Some("somebody else's"));
    for name in ["../up", ".hidden", "a.tmp", ""] {
        assert!(matches!(fixture.folder.put(name, b"text").await, Err(Error::InvalidName { .. })), "{name}");
    }
}

/// The host is killed at every step of writing a file; the partner takes a file at once, or not; then the host
/// repeats the call until it succeeds. The partner gets the whole file exactly once.
#[tokio::test]
async fn a_kill_at_any_step_of_writing_gives_the_partner_one_file() {
    let mut kills = 0;
    for taken_at_once in [false, true] {
        for first in 0.. {
            let mut succeeded_at_first = false;
            for second in 0.. {
                let fixture = fixture().await;
                let mut received = Vec::new();
                let take = |received: &mut Vec<String>| {
                    for name in names(&fixture.dir.path().join("out")) {
                        if !name.starts_with('.') {
                            let path = fixture.dir.path().join("out").join(name);
                            received.push(std::fs::read_to_string(&path).unwrap());
                            std::fs::remove_file(path).unwrap();
                        }
                    }
                };
                let mut put = None;
                for steps in [first, second, usize::MAX] {
                    let files = FaultyFs::new(Local::new(fixture.dir.path()), steps);
                    let result =
                        ExchangeFolder::new(files.clone(), &Layout::default()).put("a.edi", b"text").await;
                    assert!(result.is_ok() || files.killed(), "{result:?}");
                    kills += usize::from(files.killed());
                    put = result.ok();
                    if taken_at_once {
                        take(&mut received);
                    }
                    if put.is_some() {
                        succeeded_at_first |= steps == first;
                        break;
                    }
                }
                take(&mut received);
                assert_eq!(
                    received,
                    ["text"],
                    "killed at {first} and {second}, taken at once: {taken_at_once}"
                );
                assert!(put.is_some());
                assert_eq!(fixture.names("out"), [] as [String; 0]);
                assert_eq!(fixture.text("archive/out/a.edi").as_deref(), Some("text"));
                if succeeded_at_first || second > 12 {
                    break;
                }
            }
            if succeeded_at_first {
                break;
            }
        }
    }
    assert!(kills > 60, "only {kills} kills: the steps were not all reached");
}

/// The host is killed at every step of archiving. Every file is read, and the archive has each file once and
/// none that was not read.
#[tokio::test]
async fn a_kill_at_any_step_of_archiving_loses_no_file() {
    for replaced in [false, true] {
        for steps in 0.. {
            let fixture = fixture().await;
            fixture.write("in/a.edi", "one");
            let entry = fixture.only().await;
            if replaced {
                fixture.write("in/new.tmp", "another");
                std::fs::rename(fixture.dir.path().join("in/new.tmp"), fixture.dir.path().join("in/a.edi"))
                    .unwrap();
            }
            let files = FaultyFs::new(Local::new(fixture.dir.path()), steps);
            let folder = ExchangeFolder::new(files.clone(), &Layout::default());
            let result = folder.archive(&entry).await;
            if files.killed() {
                // The restarted host reads and archives what it finds.
                for entry in fixture.folder.list().await.unwrap().entries {
                    assert_eq!(entry.name, "a.edi");
                    let text = fixture.folder.read(&entry, LIMIT).await.unwrap();
                    assert_eq!(text, if replaced { &b"another"[..] } else { b"one" });
                    fixture.folder.archive(&entry).await.unwrap();
                }
                assert_eq!(fixture.names("archive/in"), ["a.edi"]);
                assert!(fixture.names("in").is_empty());
            } else if replaced {
                assert!(matches!(result, Err(Error::Changed { .. })));
                assert_eq!(fixture.names("in"), ["a.edi"]);
                break;
            } else {
                result.unwrap();
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_claimed_file_is_archived_before_a_newer_one_of_its_name() {
    let fixture = fixture().await;
    fixture.write("in/a", "one");
    fixture.write("archive/in/a", "older");
    let entry = fixture.only().await;
    // Killed after claiming it; then the partner writes a new one.
    let files = FaultyFs::new(Local::new(fixture.dir.path()), 1);
    assert!(ExchangeFolder::new(files, &Layout::default()).archive(&entry).await.is_err());
    fixture.write("in/a", "two");
    let entries = fixture.folder.list().await.unwrap().entries;
    assert_eq!(entries.len(), 2);
    let mut read = Vec::new();
    for _ in 0..2 {
        for entry in fixture.folder.list().await.unwrap().entries {
            let text = fixture.folder.read(&entry, LIMIT).await.unwrap();
            if fixture.folder.archive(&entry).await.is_ok() {
                read.push(String::from_utf8(text).unwrap());
            }
        }
    }
    read.sort();
    assert_eq!(read, ["one", "two"]);
    assert_eq!(fixture.names("archive/in").len(), 3);
}

#[tokio::test]
async fn a_rename_does_not_replace_a_file() {
    let fixture = fixture().await;
    fixture.write("in/a", "one");
    fixture.write("in/b", "two");
    let files = Local::new(fixture.dir.path());
    assert!(matches!(files.rename("in/a", "in/b").await, Err(Error::Exists { .. })));
    assert!(matches!(files.rename("in/none", "in/c").await, Err(Error::NotFound { .. })));
    assert_eq!(fixture.text("in/b").as_deref(), Some("two"));
}
