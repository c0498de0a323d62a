//! Writes the files of the outbox for partners.

use std::sync::Arc;

use crossdock_engine::{Command, PendingFile, Store};
use crossdock_exchange::Put;
use crossdock_model::time::Clock;
use crossdock_storage::Writer;
use tokio_util::sync::CancellationToken;

use super::report::{Failed, RefusedFiles, count};
use crate::connector::Folder;
use crate::faults::{Point, pass};
use crate::pauses::Pauses;

/// How many files are loaded from the store at once.
const PAGE_SIZE: u32 = 16;

/// The outgoing half of one connector's folder.
pub(crate) struct Outbox {
    connector: String,
    store: Store,
    writer: Writer,
    pauses: Arc<Pauses>,
    clock: Arc<dyn Clock>,
    refused: RefusedFiles,
}

impl Outbox {
    pub fn new(
        connector: String,
        store: Store,
        writer: Writer,
        pauses: Arc<Pauses>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { connector, store, writer, pauses, clock, refused: RefusedFiles::default() }
    }

    /// Writes the files that wait, unless the connector is paused.
    pub(super) async fn write(&mut self, folder: &Folder, drain: &CancellationToken) -> Result<(), Failed> {
        if self.pauses.is_paused(&self.connector).await? {
            return Ok(());
        }
        loop {
            let waiting = self.store.outbox(&self.connector, PAGE_SIZE).await?;
            let mut written = 0;
            for file in &waiting {
                if drain.is_cancelled() {
                    return Ok(());
                }
                if self.write_file(folder, file).await? {
                    written += 1;
                }
            }
            if written == 0 || waiting.len() < PAGE_SIZE as usize {
                return Ok(());
            }
        }
    }

    /// Writes one file and records that. False when the folder refuses it.
    async fn write_file(&mut self, folder: &Folder, file: &PendingFile) -> Result<bool, Failed> {
        let put = match folder.files.put(&file.name, &file.content).await {
            Ok(put) => put,
            Err(error) if error.is_fault() => return Err(error.into()),
            Err(error) => {
                let why = format!("it cannot be written: {error}");
                self.refused.refuse(&self.connector, &folder.address, &file.name, &why);
                return Ok(false);
            }
        };
        pass(Point::AfterFileOut);
        let written = Command::FileWritten { file: file.id, now: self.clock.now() };
        self.writer.submit(written).await?;
        let (size, before) = (file.content.len(), put == Put::AlreadyWritten);
        tracing::info!(connector = self.connector, file = file.name, size, before, "written");
        count(&self.connector, "crossdock_files_handed_over_total");
        Ok(true)
    }
}
