//! Reads the files of partners: each becomes a stored request.

use std::sync::Arc;
use std::time::Instant;

use crossdock_engine::{Accept, Request};
use crossdock_exchange::{Entry, Error as FolderError, StableFiles};
use crossdock_model::time::{Clock, Millis};
use crossdock_rules::safeguards::Safeguards;
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use super::report::{Failed, RefusedFiles, count};
use crate::connector::Folder;
use crate::faults::{Point, pass};
use crate::gate::Gate;
use crate::journal::Journal;
use crate::randomness::Randomness;

/// The method of a request that is a file.
const FILE: &str = "FILE";

/// The incoming half of one connector's folder.
pub(crate) struct Inbox {
    connector: String,
    journal: Arc<Journal>,
    gate: Arc<Gate>,
    safeguards: Safeguards,
    clock: Arc<dyn Clock>,
    randomness: Arc<Randomness>,
    /// When this began to watch the folder, by the monotonic clock: how long a file has not changed is counted from
    /// there.
    started: Instant,
    stable: StableFiles,
    refused: RefusedFiles,
}

impl Inbox {
    pub fn new(
        connector: String,
        folder: &Folder,
        journal: Arc<Journal>,
        gate: Arc<Gate>,
        safeguards: Safeguards,
        clock: Arc<dyn Clock>,
        randomness: Arc<Randomness>,
    ) -> Self {
        let (started, stable) = (clock.monotonic(), StableFiles::new(folder.settle));
        let refused = RefusedFiles::default();
        Self { connector, journal, gate, safeguards, clock, randomness, started, stable, refused }
    }

    /// Stores the files that no longer change, as far as there is room for their requests.
    pub(super) async fn scan(&mut self, folder: &Folder, drain: &CancellationToken) -> Result<(), Failed> {
        let listing = folder.files.list().await?;
        self.refused.retain(listing.entries.iter().map(|entry| &entry.name).chain(&listing.unusable));
        for name in &listing.unusable {
            self.refuse(folder, name, "its name cannot be used");
        }
        // Files of one scan arrived together, whichever is stored first: sales, and the closing of their day.
        let arrived = self.clock.now();
        let watched = Millis(0).plus(self.clock.monotonic().saturating_duration_since(self.started));
        for entry in self.stable.observe(listing.entries, watched) {
            if drain.is_cancelled() {
                break;
            }
            if entry.stat.size > folder.limit {
                let limit = folder.limit;
                self.refuse(folder, &entry.name, &format!("it has more than {limit} bytes"));
                continue;
            }
            if !self.gate.enter(&self.connector).await {
                tracing::debug!(connector = self.connector, "files wait: there is too much work in progress");
                break;
            }
            if !self.store(folder, &entry, arrived).await? {
                break;
            }
        }
        Ok(())
    }

    /// Stores a file, and archives it. False when no more files can be stored at the moment.
    async fn store(&self, folder: &Folder, entry: &Entry, arrived: Millis) -> Result<bool, Failed> {
        let body = match folder.files.read(entry, folder.limit).await {
            Ok(body) => body,
            Err(error) if error.is_fault() => return Err(error.into()),
            // Somebody still writes to it, or has removed it: the next scan sees what is there by then.
            Err(_) => return Ok(true),
        };
        let size = body.len();
        let accept = Accept {
            connector: self.connector.clone(),
            dedupe: self.dedupe_key(entry, &body),
            request: Request {
                method: FILE.into(),
                file: Some(entry.name.clone()),
                body,
                ..Request::default()
            },
            received_at: arrived,
            trace: self.randomness.trace(),
            lease: None,
        };
        let accepted = match self.journal.store(accept).await {
            Ok(accepted) => accepted,
            Err(crossdock_engine::Error::Busy) => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        pass(Point::AfterFile);
        let (connector, file) = (&self.connector, &entry.name);
        if accepted.duplicate {
            tracing::info!(connector, file, "a file that was read before");
            count(connector, "crossdock_duplicate_files_total");
        } else {
            tracing::info!(connector, file, size, inbound = accepted.inbound, "read");
            count(connector, "crossdock_files_read_total");
        }
        match folder.files.archive(entry).await {
            Err(error) if error.is_fault() => Err(error.into()),
            Err(FolderError::Exists { path }) => {
                tracing::warn!(connector, path, "a file stays where it is: its archive is full");
                Ok(true)
            }
            // What is there now is another file, and is read as one.
            Ok(()) | Err(_) => Ok(true),
        }
    }

    fn dedupe_key(&self, entry: &Entry, body: &[u8]) -> String {
        if !self.safeguards.dedupe() {
            return self.randomness.trace();
        }
        format!("{FILE} {} {}", entry.name, hex::encode(Sha256::digest(body)))
    }

    fn refuse(&mut self, folder: &Folder, file: &str, why: &str) {
        self.refused.refuse(&self.connector, &folder.address, file, why);
    }
}
