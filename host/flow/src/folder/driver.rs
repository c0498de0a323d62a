//! One driver for each exchange folder: prepares it, and then reads and writes files at its interval.

use std::sync::Arc;
use std::time::Duration;

use crossdock_rules::retry::Backoff;
use tokio_util::sync::CancellationToken;

use super::inbox::Inbox;
use super::outbox::Outbox;
use super::report::{Failed, count};
use crate::connector::Folder;
use crate::outbox::OutboxSignal;
use crate::randomness::Randomness;

const BACKOFF: Backoff = Backoff { base: Duration::from_secs(2), cap: Duration::from_secs(300) };

/// Reads and writes one connector's folder.
pub(crate) struct FolderDriver {
    pub connector: String,
    pub folder: Folder,
    pub inbox: Inbox,
    pub outbox: Outbox,
    pub files_added: Arc<OutboxSignal>,
    pub randomness: Arc<Randomness>,
}

impl FolderDriver {
    /// Reads and writes until `drain`.
    pub async fn run(self, drain: CancellationToken) {
        let Self { connector, folder, mut inbox, mut outbox, files_added, randomness } = self;
        let retries = Retries { connector: &connector, folder: &folder, randomness: &randomness };
        let mut failures = 0u32;
        while let Err(error) = folder.files.prepare().await {
            tracing::error!(connector, folder = folder.address, %error, "the exchange folder cannot be used");
            if !sleep(&drain, retries.delay(&mut failures)).await {
                return;
            }
        }
        let read = async {
            let mut failures = 0;
            loop {
                let scanned = inbox.scan(&folder, &drain).await;
                if !sleep(&drain, retries.pause(scanned, &mut failures, "reading files failed")).await {
                    return;
                }
            }
        };
        let write = async {
            let mut failures = 0;
            loop {
                // Files that are added while this one looks must not be missed.
                let added = files_added.wait();
                let written = outbox.write(&folder, &drain).await;
                let pause = retries.pause(written, &mut failures, "writing files failed");
                tokio::select! {
                    () = drain.cancelled() => return,
                    // More files make an unreachable folder reachable no sooner.
                    () = added, if failures == 0 => {}
                    () = tokio::time::sleep(pause) => {}
                }
            }
        };
        tokio::join!(read, write);
    }
}

/// Sleeps. False when the host is stopped meanwhile.
async fn sleep(drain: &CancellationToken, pause: Duration) -> bool {
    tokio::select! {
        () = drain.cancelled() => false,
        () = tokio::time::sleep(pause) => true,
    }
}

/// How long to wait after a success and after failures in a row.
struct Retries<'a> {
    connector: &'a str,
    folder: &'a Folder,
    randomness: &'a Randomness,
}

impl Retries<'_> {
    fn pause(&self, done: Result<(), Failed>, failures: &mut u32, what: &str) -> Duration {
        let Err(error) = done else {
            *failures = 0;
            return self.folder.every;
        };
        tracing::error!(connector = self.connector, folder = self.folder.address, %error, "{what}");
        count(self.connector, "crossdock_folder_errors_total");
        self.delay(failures)
    }

    fn delay(&self, failures: &mut u32) -> Duration {
        let delay = BACKOFF.delay(*failures, self.randomness.number());
        *failures = failures.saturating_add(1);
        self.folder.every.max(delay)
    }
}
