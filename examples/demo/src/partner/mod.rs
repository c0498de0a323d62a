//! The trading partner: a legacy ERP that speaks X12 through an exchange folder, and nothing else.
//!
//! It reads what lies in the host's `out`, whole files only, and puts its answers into the host's `in`: written
//! under a name that ends in `.tmp`, then renamed. It checks what it is sent as partners do: an interchange whose
//! control number it has seen is refused with a TA1, orders whose number does not rise are counted, an envelope that
//! does not fit is refused. [`crate::landscape`] compares its books with what was sold.

pub mod books;
mod documents;
mod now;
pub mod purchase_order;
pub mod reading;
pub mod x12;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rust_decimal::Decimal;
use tokio::task::JoinHandle;

use crate::erp::stock::{Shelves, StockKey};
use crate::lock;
use books::{Books, Pace, Violations};
use now::Now;
use purchase_order::{Answered, PurchaseOrder};
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
    /// Its stock at the start.
    pub shelves: Shelves,
    /// How quick it is.
    pub pace: Pace,
    /// How often it reads the folder.
    pub poll_interval: Duration,
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

struct PartnerState {
    books: Books,
    writer: Writer,
    traffic: Traffic,
}

/// A partner at work; it stops when this is dropped.
pub struct Partner {
    state: Arc<Mutex<PartnerState>>,
    working: JoinHandle<()>,
}

impl Partner {
    /// Opens the books, and begins to poll the folder, on the current runtime.
    pub fn start(options: Options) -> Self {
        let state = PartnerState {
            books: Books::new(options.shelves.clone(), options.pace),
            writer: Writer::new(&options.own, &options.other),
            traffic: Traffic::default(),
        };
        let state = Arc::new(Mutex::new(state));
        let working = tokio::spawn(work(Arc::clone(&state), options));
        Self { state, working }
    }

    /// All its orders, in the order in which they were booked.
    pub fn orders(&self) -> Vec<PurchaseOrder> {
        lock(&self.state).books.orders.clone()
    }

    /// How many orders it has.
    pub fn order_count(&self) -> usize {
        lock(&self.state).books.orders.len()
    }

    /// Steps that its orders have taken so far: booked, acknowledged, confirmed, shipped, invoiced, each once an
    /// order.
    pub fn steps(&self) -> usize {
        let state = lock(&self.state);
        let of = |order: &PurchaseOrder| {
            let Answered { acknowledged, confirmed, shipped, invoiced } = order.answered;
            1 + [acknowledged, confirmed, shipped, invoiced].iter().filter(|number| **number > 0).count()
        };
        state.books.orders.iter().map(of).sum()
    }

    /// The available stock of each article in each warehouse.
    pub fn stock(&self) -> BTreeMap<StockKey, Decimal> {
        lock(&self.state).books.stock()
    }

    /// Messages that broke the rules of the exchange.
    pub fn violations(&self) -> Violations {
        lock(&self.state).books.violations.clone()
    }

    /// Orders for which a document is still to be sent, and one more if an inventory advice is.
    pub fn open(&self) -> usize {
        lock(&self.state).books.open()
    }

    /// Files and messages so far.
    pub fn traffic(&self) -> Traffic {
        let state = lock(&self.state);
        Traffic { acknowledged: state.books.acknowledged, ..state.traffic }
    }
}

impl Drop for Partner {
    fn drop(&mut self) {
        self.working.abort();
    }
}

async fn work(state: Arc<Mutex<PartnerState>>, options: Options) {
    let (out, input) = (options.folder.join("out"), options.folder.join("in"));
    loop {
        for path in files(&out) {
            let Ok(bytes) = std::fs::read(&path) else { continue };
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let answers = lock(&state).receive(&text, Now::read());
            // Answers first: a partner that is gone in between would read the file again, and refuse it.
            for (name, text) in answers {
                put(&input, &name, &text).await;
            }
            let _ = std::fs::remove_file(&path);
        }
        let due = lock(&state).send(Now::read());
        for (name, text) in due {
            put(&input, &name, &text).await;
        }
        tokio::time::sleep(options.poll_interval).await;
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
    // What was written first is read first: the names are the sender's, and do not order them.
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

impl PartnerState {
    /// Reads a file; gives the answers that are sent at once.
    fn receive(&mut self, text: &str, now: Now) -> Vec<(String, String)> {
        self.traffic.read += 1;
        let (date, time) = (now.stamp(), now.stamp());
        let refuse = |control: &str, date: &str, time: &str, code: &str| {
            format!("TA1*{control:0>9}*{date}*{time}*R*{code}")
        };
        let read = match x12::read(text) {
            Ok(read) => read,
            Err(refusal) => {
                self.books.violations.unreadable.push(refusal.to_string());
                let (date, time) = (date.get(2..8).unwrap_or_default(), time.get(8..).unwrap_or_default());
                let ta1 = refuse(&refusal.control, date, time, refusal.code);
                return self.refuse(ta1, now);
            }
        };
        if !self.books.admit(&read) {
            return self.refuse(refuse(&read.control, &read.date, &read.time, "025"), now);
        }
        let mut answers = vec![];
        for group in &read.groups {
            answers.extend(self.books.apply(group, now));
        }
        if answers.is_empty() {
            return vec![];
        }
        vec![self.write("FA", &answers, now)]
    }

    fn refuse(&mut self, ta1: String, now: Now) -> Vec<(String, String)> {
        self.traffic.refused += 1;
        self.traffic.written += 1;
        let text = self.writer.write_ta1(&[ta1], &now.stamp());
        vec![(format!("ta1-{:06}.x12", self.traffic.written), text)]
    }

    /// The documents that are due, one file for each kind.
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
