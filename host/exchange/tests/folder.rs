//! A folder on a real disk: what is listed, read, archived and put, and what a host that is killed between
//! any two steps leaves behind.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::expect_used)]

mod disks;

use std::path::Path;

use crossdock_exchange::{Disk, Entry, Error, Exchange, Folder, Layout, Local, Put};
use disks::Dying;
use tempfile::TempDir;

const LIMIT: u64 = 1000;

struct There {
    dir: TempDir,
    folder: Exchange<Local>,
}

async fn there() -> There {
    let dir = tempfile::tempdir().unwrap();
    let folder = Exchange::new(Local::new(dir.path()), &Layout::default());
    folder.prepare().await.unwrap();
    There { dir, folder }
}

impl There {
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
async fn whole_files_are_listed_and_nothing_else() {
    let there = there().await;
    for name in ["850.edi", ".hidden", "850.tmp", "850.PART", "x.filepart"] {
        there.write(&format!("in/{name}"), "x");
    }
    let root = there.dir.path();
    std::fs::create_dir(root.join("in/folder")).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", root.join("in/link.edi")).unwrap();
    there.write("in/bell\u{7}.edi", "x");
    let listing = there.folder.list().await.unwrap();
    assert_eq!(listing.entries.iter().map(|entry| &entry.name).collect::<Vec<_>>(), ["850.edi"]);
    assert_eq!(listing.unusable, ["bell\u{7}.edi"]);
}

#[tokio::test]
async fn a_name_that_is_no_text_is_shown_and_not_used() {
    use std::os::unix::ffi::OsStrExt;
    let there = there().await;
    let name = std::ffi::OsStr::from_bytes(b"\xff.edi");
    std::fs::write(there.dir.path().join("in").join(name), "x").unwrap();
    let listing = there.folder.list().await.unwrap();
    assert!(listing.entries.is_empty());
    assert_eq!(listing.unusable, ["\u{fffd}.edi"]);
}

#[tokio::test]
async fn what_was_read_goes_into_the_archive() {
    let there = there().await;
    there.write("in/850.edi", "one");
    let entry = there.only().await;
    assert_eq!(there.folder.read(&entry, LIMIT).await.unwrap(), b"one");
    there.folder.archive(&entry).await.unwrap();
    assert!(there.names("in").is_empty());
    assert_eq!(there.text("archive/in/850.edi").as_deref(), Some("one"));
    assert!(matches!(there.folder.archive(&entry).await, Err(Error::Gone { .. })));
}

#[tokio::test]
async fn the_archive_keeps_every_file_of_a_name() {
    let there = there().await;
    for text in ["one", "two", "two", "three"] {
        there.write("in/orders.edi", text);
        there.folder.archive(&there.only().await).await.unwrap();
    }
    let names = there.names("archive/in");
    assert_eq!(names.len(), 4, "{names:?}");
    assert!(names.iter().all(|name| name.starts_with("orders.edi")));
    assert_eq!(there.text("archive/in/orders.edi").as_deref(), Some("one"));
}

#[tokio::test]
async fn what_is_too_large_stays_unread() {
    let there = there().await;
    there.write("in/a", "12345");
    let entry = there.only().await;
    assert!(matches!(there.folder.read(&entry, 4).await, Err(Error::TooLarge { limit: 4, .. })));
    assert_eq!(there.folder.read(&entry, 5).await.unwrap(), b"12345");
}

#[tokio::test]
async fn what_was_written_to_since_the_listing_is_not_read() {
    let there = there().await;
    there.write("in/a", "one");
    let entry = there.only().await;
    there.write("in/a", "one and more");
    assert!(matches!(there.folder.read(&entry, LIMIT).await, Err(Error::Changed { .. })));
    std::fs::remove_file(there.dir.path().join("in/a")).unwrap();
    assert!(matches!(there.folder.read(&entry, LIMIT).await, Err(Error::Gone { .. })));
}

#[tokio::test]
async fn what_replaced_a_file_that_was_read_is_not_archived() {
    let there = there().await;
    there.write("in/a", "one");
    let entry = there.only().await;
    there.folder.read(&entry, LIMIT).await.unwrap();
    // Of the same size, and of the same time: only the file itself is another.
    let new = there.dir.path().join("in/a.tmp");
    std::fs::write(&new, "two").unwrap();
    let modified = std::fs::metadata(there.dir.path().join("in/a")).unwrap().modified().unwrap();
    std::fs::File::options().write(true).open(&new).unwrap().set_modified(modified).unwrap();
    std::fs::rename(&new, there.dir.path().join("in/a")).unwrap();
    assert!(matches!(there.folder.archive(&entry).await, Err(Error::Changed { .. })));
    assert!(there.names("archive/in").is_empty());
    let entry = there.only().await;
    assert_eq!(there.folder.read(&entry, LIMIT).await.unwrap(), b"two");
}

#[tokio::test]
async fn a_link_is_never_followed() {
    let there = there().await;
    there.write("secret", "s3cret");
    there.write("in/a", "s3cret");
    let entry = there.only().await;
    let root = there.dir.path();
    std::fs::remove_file(root.join("in/a")).unwrap();
    std::os::unix::fs::symlink(root.join("secret"), root.join("in/a")).unwrap();
    assert!(there.folder.read(&entry, LIMIT).await.is_err());
    std::os::unix::fs::symlink(root.join("secret"), root.join("out/.x.edi.tmp")).unwrap();
    there.folder.put("x.edi", b"mine").await.unwrap();
    assert_eq!(there.text("secret").as_deref(), Some("s3cret"));
    assert_eq!(there.text("out/x.edi").as_deref(), Some("mine"));
}

#[tokio::test]
async fn a_file_is_put_whole_and_once() {
    let there = there().await;
    assert_eq!(there.folder.put("855.edi", b"text").await.unwrap(), Put::Now);
    assert_eq!(there.names("out"), ["855.edi"]);
    assert_eq!(there.names("archive/out"), ["855.edi"]);
    // The partner takes it, and the host asks again as after a crash.
    std::fs::remove_file(there.dir.path().join("out/855.edi")).unwrap();
    assert_eq!(there.folder.put("855.edi", b"text").await.unwrap(), Put::Before);
    assert!(there.names("out").is_empty());
}

#[tokio::test]
async fn a_partner_that_writes_into_its_file_does_not_write_into_the_archive() {
    let there = there().await;
    there.folder.put("a", b"text").await.unwrap();
    there.write("out/a", "scribble");
    assert_eq!(there.text("archive/out/a").as_deref(), Some("text"));
}

#[tokio::test]
async fn another_file_of_a_name_is_refused_aloud() {
    let there = there().await;
    there.folder.put("a", b"text").await.unwrap();
    for other in [&b"another"[..], b"texts", b""] {
        assert!(matches!(there.folder.put("a", other).await, Err(Error::Taken { .. })));
    }
    there.write("out/b", "somebody else's");
    assert!(matches!(there.folder.put("b", b"text").await, Err(Error::Exists { .. })));
    assert_eq!(there.text("out/b").as_deref(), Some("somebody else's"));
    for name in ["../up", ".hidden", "a.tmp", ""] {
        assert!(matches!(there.folder.put(name, b"text").await, Err(Error::Name { .. })), "{name}");
    }
}

/// The host is killed at every step of putting a file; the partner takes what lies there at once, or not;
/// then the host tries again until it is done. The partner got the file exactly once, and whole.
#[tokio::test]
async fn a_kill_at_any_step_of_putting_gives_the_partner_one_file() {
    let mut kills = 0;
    for taken_at_once in [false, true] {
        for first in 0.. {
            let mut done_at_first = false;
            for second in 0.. {
                let there = there().await;
                let mut got = Vec::new();
                let take = |got: &mut Vec<String>| {
                    for name in names(&there.dir.path().join("out")) {
                        if !name.starts_with('.') {
                            let path = there.dir.path().join("out").join(name);
                            got.push(std::fs::read_to_string(&path).unwrap());
                            std::fs::remove_file(path).unwrap();
                        }
                    }
                };
                let mut put = None;
                for steps in [first, second, usize::MAX] {
                    let disk = Dying::new(Local::new(there.dir.path()), steps);
                    let tried = Exchange::new(disk.clone(), &Layout::default()).put("a.edi", b"text").await;
                    assert!(tried.is_ok() || disk.died(), "{tried:?}");
                    kills += usize::from(disk.died());
                    put = tried.ok();
                    if taken_at_once {
                        take(&mut got);
                    }
                    if put.is_some() {
                        done_at_first |= steps == first;
                        break;
                    }
                }
                take(&mut got);
                assert_eq!(got, ["text"], "killed at {first} and {second}, taken at once: {taken_at_once}");
                assert!(put.is_some());
                assert_eq!(there.names("out"), [] as [String; 0]);
                assert_eq!(there.text("archive/out/a.edi").as_deref(), Some("text"));
                if done_at_first || second > 12 {
                    break;
                }
            }
            if done_at_first {
                break;
            }
        }
    }
    assert!(kills > 60, "only {kills} kills: the steps were not all reached");
}

/// The same for archiving: what was read is in the archive once, and never anything that was not read.
#[tokio::test]
async fn a_kill_at_any_step_of_archiving_loses_no_file() {
    for replaced in [false, true] {
        for steps in 0.. {
            let there = there().await;
            there.write("in/a.edi", "one");
            let entry = there.only().await;
            if replaced {
                there.write("in/new.tmp", "another");
                std::fs::rename(there.dir.path().join("in/new.tmp"), there.dir.path().join("in/a.edi"))
                    .unwrap();
            }
            let disk = Dying::new(Local::new(there.dir.path()), steps);
            let folder = Exchange::new(disk.clone(), &Layout::default());
            let tried = folder.archive(&entry).await;
            if disk.died() {
                // The next life reads what it finds and archives it.
                for entry in there.folder.list().await.unwrap().entries {
                    assert_eq!(entry.name, "a.edi");
                    let text = there.folder.read(&entry, LIMIT).await.unwrap();
                    assert_eq!(text, if replaced { &b"another"[..] } else { b"one" });
                    there.folder.archive(&entry).await.unwrap();
                }
                assert_eq!(there.names("archive/in"), ["a.edi"]);
                assert!(there.names("in").is_empty());
            } else if replaced {
                assert!(matches!(tried, Err(Error::Changed { .. })));
                assert_eq!(there.names("in"), ["a.edi"]);
                break;
            } else {
                tried.unwrap();
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_file_that_was_taken_goes_first_when_there_is_a_newer_one_of_its_name() {
    let there = there().await;
    there.write("in/a", "one");
    there.write("archive/in/a", "older");
    let entry = there.only().await;
    // Killed after taking it; then the partner writes a new one.
    let disk = Dying::new(Local::new(there.dir.path()), 1);
    assert!(Exchange::new(disk, &Layout::default()).archive(&entry).await.is_err());
    there.write("in/a", "two");
    let entries = there.folder.list().await.unwrap().entries;
    assert_eq!(entries.len(), 2);
    let mut read = Vec::new();
    for _ in 0..2 {
        for entry in there.folder.list().await.unwrap().entries {
            let text = there.folder.read(&entry, LIMIT).await.unwrap();
            if there.folder.archive(&entry).await.is_ok() {
                read.push(String::from_utf8(text).unwrap());
            }
        }
    }
    read.sort();
    assert_eq!(read, ["one", "two"]);
    assert_eq!(there.names("archive/in").len(), 3);
}

#[tokio::test]
async fn a_rename_never_replaces() {
    let there = there().await;
    there.write("in/a", "one");
    there.write("in/b", "two");
    let disk = Local::new(there.dir.path());
    assert!(matches!(disk.rename("in/a", "in/b").await, Err(Error::Exists { .. })));
    assert!(matches!(disk.rename("in/none", "in/c").await, Err(Error::Gone { .. })));
    assert_eq!(there.text("in/b").as_deref(), Some("two"));
}
