//! The trading partner: a legacy ERP that speaks X12 through an exchange folder, and nothing else.
//!
//! It reads what lies in the host's `out`, whole files only, and puts its answers into the host's `in`: written
//! under a name that ends in `.tmp`, then renamed. It judges what it is sent as partners do: an interchange whose
//! control number it has seen is refused with a TA1, orders whose number does not rise are noted, an envelope that
//! does not fit is refused. What it holds in the end is compared by [`crate::verify`].

pub mod books;
mod documents;
pub mod reading;
pub mod x12;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rust_decimal::Decimal;
use tokio::task::JoinHandle;

use crate::erp::stock::{Place, Shelves};
use crate::lock;
use books::{Books, Complaints, Held, Now, Pace};
use x12::{Draft, Writer};

/// How the partner is set up.
#[derive(Debug, Clone)]
pub struct Options {
    /// The exchange folder of the host's connector, with `in` and `out`.
    pub folder: PathBuf,
    /// The partner's id in interchanges.
    pub own: String,
    /// The retailer's.
    pub other: String,
    /// What lies on its shelves.
    pub shelves: Shelves,
    /// How quick it is.
    pub pace: Pace,
    /// How often it looks into the folder.
    pub look: Duration,
}

/// Counts for the progress line and the table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Files read.
    pub read: usize,
    /// Files written.
    pub written: usize,
    /// Interchanges refused with a TA1.
    pub refused: usize,
    /// Sets sent that want an acknowledgement.
    pub sent: usize,
    /// Of these, acknowledged.
    pub acknowledged: usize,
}

struct Desk {
    books: Books,
    writer: Writer,
    traffic: Traffic,
}

/// A partner at work; it stops when this is dropped.
pub struct Partner {
    desk: Arc<Mutex<Desk>>,
    working: JoinHandle<()>,
}

impl Partner {
    /// Opens the books, and begins to look into the folder, on the current runtime.
    pub fn start(options: Options) -> Self {
        let desk = Desk {
            books: Books::new(options.shelves.clone(), options.pace),
            writer: Writer::new(&options.own, &options.other),
            traffic: Traffic::default(),
        };
        let desk = Arc::new(Mutex::new(desk));
        let working = tokio::spawn(work(Arc::clone(&desk), options));
        Self { desk, working }
    }

    /// Everything it holds, in the order in which it came.
    pub fn held(&self) -> Vec<Held> {
        lock(&self.desk).books.orders.clone()
    }

    /// How many orders it holds.
    pub fn order_count(&self) -> usize {
        lock(&self.desk).books.orders.len()
    }

    /// What can be sold of each article in each warehouse.
    pub fn stock(&self) -> BTreeMap<Place, Decimal> {
        lock(&self.desk).books.stock()
    }

    /// What it noticed that it should not have had to.
    pub fn complaints(&self) -> Complaints {
        lock(&self.desk).books.complaints.clone()
    }

    /// Orders that it still owes something for, and stock it has not told of.
    pub fn open(&self) -> usize {
        lock(&self.desk).books.open()
    }

    /// What went to and fro.
    pub fn traffic(&self) -> Traffic {
        let desk = lock(&self.desk);
        Traffic { acknowledged: desk.books.acknowledged, ..desk.traffic }
    }
}

impl Drop for Partner {
    fn drop(&mut self) {
        self.working.abort();
    }
}

async fn work(desk: Arc<Mutex<Desk>>, options: Options) {
    let (out, input) = (options.folder.join("out"), options.folder.join("in"));
    loop {
        for path in files(&out) {
            let Ok(bytes) = std::fs::read(&path) else { continue };
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let answers = lock(&desk).receive(&text, Now::read());
            // Answers first: a partner that is gone in between would read the file again, and say so.
            for (name, text) in answers {
                put(&input, &name, &text).await;
            }
            let _ = std::fs::remove_file(&path);
        }
        let due = lock(&desk).send(Now::read());
        for (name, text) in due {
            put(&input, &name, &text).await;
        }
        tokio::time::sleep(options.look).await;
    }
}

/// The whole files of a folder, by name.
fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return vec![] };
    let whole = |path: &PathBuf| path.extension().is_none_or(|end| end != "tmp") && path.is_file();
    let hidden =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
    let paths = entries.flatten().map(|entry| entry.path());
    let all = paths.filter(|path| whole(path) && !hidden(path));
    // What was written first is read first: names are the sender's, and say nothing.
    let mut all: Vec<(String, PathBuf)> = all.map(|path| (control(&path), path)).collect();
    all.sort();
    all.into_iter().map(|(_, path)| path).collect()
}

/// ISA13 of a file, as far as it can be read.
fn control(path: &Path) -> String {
    let text = std::fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let read = text.ok().and_then(|text| x12::read(&text).ok());
    read.map(|read| read.control).unwrap_or_default()
}

async fn put(folder: &Path, name: &str, text: &str) {
    let (writing, path) = (folder.join(format!("{name}.tmp")), folder.join(name));
    loop {
        let written = std::fs::create_dir_all(folder)
            .and_then(|()| std::fs::write(&writing, text))
            .and_then(|()| std::fs::rename(&writing, &path));
        if written.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

impl Desk {
    /// Reads a file; gives what answers it at once.
    fn receive(&mut self, text: &str, now: Now) -> Vec<(String, String)> {
        self.traffic.read += 1;
        let (date, time) = (now.stamp(), now.stamp());
        let refuse = |control: &str, date: &str, time: &str, code: &str| {
            format!("TA1*{control:0>9}*{date}*{time}*R*{code}")
        };
        let read = match x12::read(text) {
            Ok(read) => read,
            Err(refusal) => {
                self.books.complaints.unreadable.push(refusal.to_string());
                let (date, time) = (date.get(2..8).unwrap_or_default(), time.get(8..).unwrap_or_default());
                let word = refuse(&refusal.control, date, time, refusal.code);
                return self.refuse(word, now);
            }
        };
        if !self.books.admit(&read) {
            return self.refuse(refuse(&read.control, &read.date, &read.time, "025"), now);
        }
        let mut answers = vec![];
        for group in &read.groups {
            answers.extend(self.books.take(group, now));
        }
        if answers.is_empty() {
            return vec![];
        }
        vec![self.write("FA", &answers, now)]
    }

    fn refuse(&mut self, word: String, now: Now) -> Vec<(String, String)> {
        self.traffic.refused += 1;
        self.traffic.written += 1;
        let text = self.writer.say(&[word], &now.stamp());
        vec![(format!("ta1-{:06}.x12", self.traffic.written), text)]
    }

    /// What is due, one file a kind of document.
    fn send(&mut self, now: Now) -> Vec<(String, String)> {
        let mut by_group: BTreeMap<&'static str, Vec<Draft>> = BTreeMap::new();
        for (group, draft) in self.books.due(now) {
            by_group.entry(group).or_default().push(draft);
        }
        let sent: usize = by_group.values().map(Vec::len).sum();
        self.traffic.sent += sent;
        by_group.into_iter().map(|(group, drafts)| self.write(group, &drafts, now)).collect()
    }

    fn write(&mut self, group: &str, drafts: &[Draft], now: Now) -> (String, String) {
        self.traffic.written += 1;
        let (control, text) = self.writer.write(group, drafts, &now.stamp());
        (format!("{}-{control:06}.x12", group.to_lowercase()), text)
    }
}

#[cfg(test)]
mod tests;
