//! Logs and metrics of one connector's folder, and what goes wrong with it.

use std::collections::HashSet;

use crossdock_exchange::Error as FolderError;

/// Why a scan or a write was given up. The next one starts anew.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failed {
    #[error("using the exchange folder: {0}")]
    Folder(#[from] FolderError),
    #[error("using the store: {0}")]
    Store(#[from] crossdock_engine::Error),
}

/// Increments a metric of the connector.
pub(super) fn count(connector: &str, metric: &'static str) {
    metrics::counter!(metric, "connector" => connector.to_owned()).increment(1);
}

/// The files that were refused: each is logged once.
#[derive(Default)]
pub(super) struct RefusedFiles(HashSet<String>);

impl RefusedFiles {
    /// Logs and counts that nothing is done with a file, unless that was logged before.
    pub fn refuse(&mut self, connector: &str, folder: &str, file: &str, why: &str) {
        if self.0.insert(file.to_owned()) {
            tracing::error!(connector, folder, file, "a file is refused: {why}");
            count(connector, "crossdock_files_refused_total");
        }
    }

    /// Forgets the files that are not listed any more.
    pub fn retain<'a>(&mut self, listed: impl Iterator<Item = &'a String>) {
        let listed: HashSet<&String> = listed.collect();
        self.0.retain(|name| listed.contains(name));
    }
}
