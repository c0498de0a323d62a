//! Files: what partners put into a connector's exchange folder, and what is owed to them.
//!
//! In: a file that has come to rest is journaled whole, as a request of the method `FILE`, and moved to the
//! archive once that is durable. The same bytes under the same name are one request, however often they
//! come, so a host that is killed in between reads the file again and nothing twice.
//!
//! Out: what plugins handed over was kept with their answers. It is written to the folder, and that is
//! noted; the folder itself tells a host that was killed in between that it was written.
//!
//! A paused connector hands nothing over, as it sends nothing. It goes on reading: what a partner tells is
//! kept, as requests are that come by HTTP.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use crossdock_exchange::{Entry, Error as FolderError, Put, Steady};
use crossdock_model::time::Millis;
use crossdock_rules::retry::Backoff;
use crossdock_storage::{Accept, Command, Request};
use sha2::{Digest, Sha256};

use crate::connector::Folder;
use crate::faults::{Point, pass};
use crate::reader::Unread;
use crate::shared::Shared;

/// The method under which a file is journaled.
pub(crate) const FILE: &str = "FILE";

/// How many files are taken out of the database at once.
const PAGE: u32 = 16;

const BACKOFF: Backoff = Backoff { base: Duration::from_secs(2), cap: Duration::from_secs(300) };

/// Why a round was not ended. The next one begins anew.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error(transparent)]
    Store(#[from] crossdock_storage::Error),
}

/// Reads and writes one connector's folder until the host is told to stop.
pub(crate) async fn run(shared: Arc<Shared>, name: String, folder: Folder) {
    let mut tries = 0u32;
    while let Err(error) = folder.files.prepare().await {
        tracing::error!(connector = name, folder = folder.place, %error, "the exchange folder cannot be used");
        if !rest(&shared, folder.every.max(BACKOFF.delay(tries, shared.random()))).await {
            return;
        }
        tries = tries.saturating_add(1);
    }
    let desk = Desk { shared: &shared, name: &name, folder: &folder };
    tokio::join!(desk.take_in(), desk.hand_over());
}

/// Waits. False when the host is told to stop meanwhile.
async fn rest(shared: &Shared, pause: Duration) -> bool {
    tokio::select! {
        () = shared.drain.cancelled() => false,
        () = tokio::time::sleep(pause) => true,
    }
}

struct Desk<'a> {
    shared: &'a Shared,
    name: &'a str,
    folder: &'a Folder,
}

impl Desk<'_> {
    async fn take_in(&self) {
        let mut steady = Steady::new(self.folder.settle);
        let mut told = Told::default();
        let mut failed = 0;
        loop {
            let done = self.scan(&mut steady, &mut told).await;
            let pause = self.pause(done, &mut failed, "files cannot be read");
            if !rest(self.shared, pause).await {
                return;
            }
        }
    }

    async fn hand_over(&self) {
        let mut told = Told::default();
        let mut failed = 0;
        loop {
            // Whoever hands over while this one looks must not be missed.
            let woken = self.shared.handed.notified();
            tokio::pin!(woken);
            woken.as_mut().enable();
            let done = self.put_out(&mut told).await;
            let pause = self.pause(done, &mut failed, "files cannot be handed over");
            tokio::select! {
                () = self.shared.drain.cancelled() => return,
                // What cannot be reached is not reached any sooner by more files.
                () = woken, if failed == 0 => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    fn pause(&self, done: Result<(), Failed>, failed: &mut u32, what: &str) -> Duration {
        let Err(error) = done else {
            *failed = 0;
            return self.folder.every;
        };
        tracing::error!(connector = self.name, folder = self.folder.place, %error, "{what}");
        self.count("crossdock_folder_errors_total");
        let pause = self.folder.every.max(BACKOFF.delay(*failed, self.shared.random()));
        *failed = failed.saturating_add(1);
        pause
    }

    /// Reads what has come to rest.
    async fn scan(&self, steady: &mut Steady, told: &mut Told) -> Result<(), Failed> {
        let listing = self.folder.files.list().await?;
        told.forget_all_but(listing.entries.iter().map(|entry| &entry.name).chain(&listing.unusable));
        for name in &listing.unusable {
            self.refuse(told, name, "its name cannot be used");
        }
        // What is found at one look came together, whatever is journaled first: sales, and the closing of their day.
        let arrived = self.shared.now();
        for entry in steady.rested(listing.entries, arrived) {
            if self.shared.drain.is_cancelled() {
                break;
            }
            if entry.stat.size > self.folder.limit {
                let limit = self.folder.limit;
                self.refuse(told, &entry.name, &format!("it has more than {limit} bytes"));
                continue;
            }
            if !self.shared.gate.enter(&self.shared.unread.of(self.name).load).await {
                tracing::debug!(
                    connector = self.name,
                    "files wait: there is more to do than can be done now"
                );
                break;
            }
            if !self.take(&entry, arrived).await? {
                break;
            }
        }
        Ok(())
    }

    /// Journals a file, and archives it. False when nothing more can be journaled at the moment.
    async fn take(&self, entry: &Entry, arrived: Millis) -> Result<bool, Failed> {
        let body = match self.folder.files.read(entry, self.folder.limit).await {
            Ok(body) => body,
            Err(error) if error.is_fault() => return Err(error.into()),
            // Somebody still writes to it, or has taken it back: the next scan sees what it is by then.
            Err(_) => return Ok(true),
        };
        let size = body.len();
        let dedupe = if self.shared.safeguards.dedupe() {
            format!("{FILE} {} {}", entry.name, hex::encode(Sha256::digest(&body)))
        } else {
            self.shared.random_trace()
        };
        let request =
            Request { method: FILE.into(), file: Some(entry.name.clone()), body, ..Request::default() };
        let accept = Accept {
            connector: self.name.to_owned(),
            dedupe,
            request: request.clone(),
            received_at: arrived,
            trace: self.shared.random_trace(),
        };
        let (received_at, trace) = (accept.received_at, accept.trace.clone());
        let accepted = match self.shared.writer.accept(accept).await {
            Ok(accepted) => accepted,
            Err(crossdock_storage::Error::Busy) => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        pass(Point::AfterFile);
        if accepted.duplicate {
            tracing::info!(connector = self.name, file = entry.name, "a file that was read before");
            self.count("crossdock_duplicate_files_total");
        } else {
            tracing::info!(
                connector = self.name,
                file = entry.name,
                size,
                inbound = accepted.inbound,
                "read"
            );
            self.count("crossdock_files_read_total");
            let connector = self.name.to_owned();
            self.shared.unread.put(Unread { id: accepted.inbound, connector, received_at, request, trace });
        }
        match self.folder.files.archive(entry).await {
            Err(error) if error.is_fault() => Err(error.into()),
            Err(FolderError::Exists { path }) => {
                tracing::warn!(connector = self.name, path, "a file stays where it is: its archive is full");
                Ok(true)
            }
            // What is there now is another file, and is read as one.
            Ok(()) | Err(_) => Ok(true),
        }
    }

    /// Writes what waits.
    async fn put_out(&self, told: &mut Told) -> Result<(), Failed> {
        if self.shared.store.paused(self.name).await?.is_some() {
            return Ok(());
        }
        loop {
            let waiting = self.shared.store.outbox(self.name, PAGE).await?;
            let mut written = 0;
            for file in &waiting {
                if self.shared.drain.is_cancelled() {
                    return Ok(());
                }
                let put = match self.folder.files.put(&file.name, &file.content).await {
                    Ok(put) => put,
                    Err(error) if error.is_fault() => return Err(error.into()),
                    Err(error) => {
                        self.refuse(told, &file.name, &format!("it cannot be handed over: {error}"));
                        continue;
                    }
                };
                pass(Point::AfterHandOver);
                let noted = Command::HandedOver { file: file.id, now: self.shared.now() };
                self.shared.writer.submit(noted).await?;
                written += 1;
                let (size, before) = (file.content.len(), put == Put::Before);
                tracing::info!(connector = self.name, file = file.name, size, before, "handed over");
                self.count("crossdock_files_handed_over_total");
            }
            if written == 0 || waiting.len() < PAGE as usize {
                return Ok(());
            }
        }
    }

    /// Says once of a file that nothing is done with it.
    fn refuse(&self, told: &mut Told, file: &str, why: &str) {
        if told.0.insert(file.to_owned()) {
            tracing::error!(
                connector = self.name,
                folder = self.folder.place,
                file,
                "a file is refused: {why}"
            );
            self.count("crossdock_files_refused_total");
        }
    }

    fn count(&self, what: &'static str) {
        metrics::counter!(what, "connector" => self.name.to_owned()).increment(1);
    }
}

/// The files of which something has been said already.
#[derive(Default)]
struct Told(HashSet<String>);

impl Told {
    fn forget_all_but<'a>(&mut self, names: impl Iterator<Item = &'a String>) {
        let there: HashSet<&String> = names.collect();
        self.0.retain(|name| there.contains(name));
    }
}
