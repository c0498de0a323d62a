//! The outbox: files and numbers are stored with the answer they belong to.

use std::collections::HashSet;
use std::sync::Arc;

use crossdock_model::time::Millis;
use crossdock_rules::lane::DeliveryState;
use crossdock_rules::outcome::Next;

use crate::applied::Applied;
use crate::changes::Append;
use crate::command::SettleBatch;
use crate::delivery::NEVER;
use crate::error::Error;
use crate::outbox::{CarriedDelivery, OutboxEntries};
use crate::rows::FileRow;
use crate::state::{Decision, State};

impl State<'_> {
    /// Settles all deliveries of one call and stores what it put into the outbox.
    pub(super) fn settle_batch(&mut self, batch: &SettleBatch) -> Decision<Applied> {
        let mut seen = HashSet::new();
        for settle in &batch.settles {
            let (delivery, fence) = (settle.delivery, settle.fence);
            let row = self.claimed_by(delivery, fence)?;
            if *row.connector != *batch.outbox.connector {
                let id = format!("{delivery} of {}", batch.outbox.connector);
                return Err(Error::Unknown { what: "delivery", id }.into());
            }
            if !seen.insert(delivery) {
                return Err(Error::Fenced { delivery, fence }.into());
            }
        }
        let mut settled = Vec::with_capacity(batch.settles.len());
        for settle in &batch.settles {
            settled.push(self.settle(settle)?);
        }
        if let Some(file) = self.store_outbox(&batch.outbox)? {
            self.await_file(file, batch)?;
        }
        Ok(Applied::SettledBatch(settled))
    }

    /// What the target has received by these files awaits its confirmation without a limit until the last of them is
    /// written: before that, the target cannot confirm anything.
    fn await_file(&mut self, file: i64, batch: &SettleBatch) -> Decision<()> {
        let mut carries = Vec::new();
        for settle in &batch.settles {
            let Next::Received { overdue_at, .. } = &settle.settlement.next else { continue };
            if self.delivery(settle.delivery)?.state != DeliveryState::Received {
                continue;
            }
            self.change(settle.delivery, |delivery| delivery.due_at = NEVER)?;
            let confirmation_limit = overdue_at.0.saturating_sub(settle.now.0).max(0);
            carries.push(CarriedDelivery { delivery: settle.delivery, confirmation_limit });
        }
        if !carries.is_empty() {
            self.set_file(file, Some(FileRow { written_at: None, carries }));
        }
        Ok(())
    }

    /// Stores outbox entries of a call that neither settles nor admits anything.
    pub(super) fn put_outbox(&mut self, entries: &OutboxEntries) -> Decision<Applied> {
        self.store_outbox(entries)?;
        Ok(Applied::Done)
    }

    /// Stores files and numbers; a connector uses a file name once. Answers the last file.
    pub(super) fn store_outbox(&mut self, entries: &OutboxEntries) -> Decision<Option<i64>> {
        let connector: Arc<str> = entries.connector.as_str().into();
        let mut last = None;
        for file in &entries.files {
            let name = (Arc::clone(&connector), Arc::from(file.name.as_str()));
            if self.file_names(&name)?.is_some() {
                let id = format!("{connector}/{}", file.name);
                return Err(Error::Taken { what: "file", id }.into());
            }
            let id = self.next_file()?;
            self.set_file_name(name, Some(id));
            self.set_file(id, Some(FileRow { written_at: None, carries: Vec::new() }));
            let (connector, file) = (Arc::clone(&connector), Arc::new(file.clone()));
            self.append(Append::File { id, connector, file, at: entries.now });
            last = Some(id);
        }
        for (name, number) in &entries.numbers {
            let key = (Arc::clone(&connector), Arc::from(name.as_str()));
            let known = self.sequences(&key)?.copied().unwrap_or_default();
            if *number > known {
                self.set_sequence(key, Some(*number));
            }
        }
        Ok(last)
    }

    /// A file was written to the exchange folder. From here on, what it carries awaits its confirmation.
    pub(super) fn file_written(&mut self, file: i64, now: Millis) -> Decision<Applied> {
        let unknown = || Error::Unknown { what: "file", id: file.to_string() };
        let row = self.files(&file)?.cloned().ok_or_else(unknown)?;
        for carried in &row.carries {
            let Some(delivery) = self.deliveries(&carried.delivery)? else { continue };
            if delivery.state == DeliveryState::Received && delivery.due_at == NEVER {
                self.change(carried.delivery, |delivery| {
                    delivery.due_at = Millis(now.0.saturating_add(carried.confirmation_limit));
                    delivery.since = now;
                })?;
            }
        }
        let written_at = Some(row.written_at.unwrap_or(now));
        self.set_file(file, Some(FileRow { written_at, carries: Vec::new() }));
        Ok(Applied::Done)
    }
}
