//! Files and numbers that plugins hand over, kept with the answer they belong to.

use std::collections::HashSet;

use crossdock_model::time::Millis;
use crossdock_rules::lane::DeliveryState;
use crossdock_rules::outcome::Next;

use super::Sqlite;
use super::batch::Batch;
use super::piles;
use super::sql::{Cells, Pile, fetch};
use crate::command::Applied;
use crate::handed::{Handed, OutFileRow, Outgoing, SettleAll};
use crate::vault::Bound;
use crate::view::Page;
use crate::{Error, Result};

impl Batch<'_> {
    /// Settles all deliveries of one call and keeps what it handed over. Whatever can be refused is refused
    /// before anything has changed.
    pub(super) async fn settle_all(&mut self, all: &SettleAll) -> Result<Applied> {
        let mut seen = HashSet::new();
        for settle in &all.settles {
            let (delivery, fence) = (settle.delivery, settle.fence);
            let row = self.delivery(delivery).await?;
            if *row.connector != *all.handed.connector {
                let id = format!("{delivery} of {}", all.handed.connector);
                return Err(Error::Unknown { what: "delivery", id });
            }
            if row.state != DeliveryState::Sending || row.fence != fence || !seen.insert(delivery) {
                return Err(Error::Fenced { delivery, fence });
            }
        }
        self.may_hand_over(&all.handed).await?;
        let mut settled = Vec::with_capacity(all.settles.len());
        for settle in &all.settles {
            match self.settle(settle).await {
                Ok(Applied::Settled(one)) => settled.push(one),
                Ok(_) => {}
                Err(error) if error.is_fault() => return Err(error),
                // What is settled by now must not stay so: the command is undone as a whole.
                Err(error) => return Err(Error::Transaction(error.to_string())),
            }
        }
        self.hand_over(&all.handed)?;
        if !all.handed.files.is_empty() {
            self.wait_for_files(all)?;
        }
        Ok(Applied::SettledAll(settled))
    }

    /// Lets what the target has received by these files wait without an end until the last of them is handed
    /// over: before that, the target can not confirm anything.
    fn wait_for_files(&mut self, all: &SettleAll) -> Result<()> {
        let file = self.memory.ids.file;
        for settle in &all.settles {
            let Next::Received { overdue_at, .. } = &settle.settlement.next else { continue };
            let row = self.change(settle.delivery)?;
            if row.state == DeliveryState::Received {
                row.due_at = i64::MAX;
                let overdue = overdue_at.0.saturating_sub(settle.now.0).max(0);
                self.piles.out_carries.row(|args| {
                    args.add(file).add(settle.delivery).add(overdue);
                });
            }
        }
        Ok(())
    }

    /// Keeps what a call handed over that settles and admits nothing.
    pub(super) async fn put_files(&mut self, handed: &Handed) -> Result<Applied> {
        self.may_hand_over(handed).await?;
        self.hand_over(handed)?;
        Ok(Applied::Done)
    }

    /// Refuses names that the connector has used before, and finds the key of the day.
    pub(super) async fn may_hand_over(&mut self, handed: &Handed) -> Result<()> {
        if handed.files.is_empty() {
            return Ok(());
        }
        self.load_days([handed.now.day()]).await?;
        let taken = |name: &str| Error::Taken { what: "file", id: format!("{}/{name}", handed.connector) };
        let mut names = HashSet::new();
        let mut wanted = Pile::new(&piles::OUT_NAMES);
        for file in &handed.files {
            let name = (handed.connector.clone(), file.name.clone());
            if self.handed.contains(&name) || !names.insert(file.name.as_str()) {
                return Err(taken(&file.name));
            }
            wanted.row(|args| {
                args.add(name.0).add(name.1);
            });
        }
        match wanted.read(self.connection, &mut self.memory.texts).await?.first() {
            None => Ok(()),
            Some(row) => Err(taken(Cells::of(row).next()?)),
        }
    }

    /// Keeps files and numbers. Whether it may has been looked at before.
    pub(super) fn hand_over(&mut self, handed: &Handed) -> Result<()> {
        let day = handed.now.day();
        for file in &handed.files {
            let id = self.memory.ids.file + 1;
            let sealed = self.day(day)?.seal(Bound::OutFile(id), &file.content)?;
            self.memory.ids.file = id;
            self.handed.insert((handed.connector.clone(), file.name.clone()));
            self.piles.out_file.row(|args| {
                args.add(id)
                    .add(handed.connector.as_str())
                    .add(file.name.as_str())
                    .add(i64::try_from(file.content.len()).unwrap_or(i64::MAX))
                    .add(handed.now.0);
            });
            self.piles.out_body.row(|args| {
                args.add(id).add(day).add(sealed);
            });
        }
        for (name, last) in &handed.numbers {
            self.piles.sequence.row(|args| {
                args.add(handed.connector.as_str())
                    .add(name.as_str())
                    .add(i64::try_from(*last).unwrap_or(i64::MAX));
            });
        }
        Ok(())
    }

    /// Notes that a file has been written to the exchange folder. From here on, what it carries is waited for.
    pub(super) async fn handed_over(&mut self, file: i64, now: Millis) -> Result<Applied> {
        let text = "UPDATE out_file SET handed_at = coalesce(handed_at, ?2) WHERE id = ?1";
        let done = self.execute("noting that a file was handed over", text, |args| {
            args.add(file).add(now.0);
        });
        if done.await? == 0 {
            return Err(Error::Unknown { what: "file", id: file.to_string() });
        }
        let text = "DELETE FROM out_file_carries WHERE file = ? RETURNING delivery, overdue";
        let carried = fetch(self.connection, "looking for what a file carries", text, |args| {
            args.add(file);
        });
        for row in carried.await? {
            let mut cells = Cells::of(&row);
            let (delivery, overdue): (i64, i64) = (cells.next()?, cells.next()?);
            let row = self.delivery(delivery).await?;
            if row.state == DeliveryState::Received && row.due_at == i64::MAX {
                let row = self.change(delivery)?;
                row.due_at = now.0.saturating_add(overdue);
                row.since = now.0;
            }
        }
        Ok(Applied::Done)
    }

    /// Drops the contents of files that were handed over before.
    pub(super) async fn retain_files(&mut self, before: Millis) -> Result<()> {
        let text = "DELETE FROM out_file_body WHERE file IN (SELECT id FROM out_file WHERE handed_at < ?)";
        self.execute("dropping files", text, |args| {
            args.add(before.0);
        })
        .await?;
        Ok(())
    }
}

impl Sqlite {
    pub(super) async fn outgoing(&self, connector: &str, limit: u32) -> Result<Vec<Outgoing>> {
        let text = "SELECT id, connector, name, at, out_file_body.day, sealed, wrapped FROM out_file \
                    JOIN out_file_body ON file = id JOIN day_key ON day_key.day = out_file_body.day \
                    WHERE connector = ? AND handed_at IS NULL ORDER BY id LIMIT ?";
        let mut reader = self.reader().await?;
        let rows = fetch(&mut reader, "reading files to hand over", text, |args| {
            args.add(connector).add(limit);
        });
        let mut files = Vec::new();
        for row in rows.await? {
            let mut cells = Cells::of(&row);
            let (id, connector, name) = (cells.next()?, cells.next()?, cells.next()?);
            let (at, day) = (Millis(cells.next()?), cells.next()?);
            let (sealed, wrapped): (&[u8], &[u8]) = (cells.next()?, cells.next()?);
            let sealer = self.vault().unwrap(Bound::DayKey(day), wrapped)?;
            let content = sealer.open(Bound::OutFile(id), sealed)?;
            files.push(Outgoing { id, connector, name, content, at });
        }
        Ok(files)
    }

    pub(super) async fn files(&self, connector: Option<&str>, page: Page) -> Result<Vec<OutFileRow>> {
        let text = "SELECT id, connector, name, size, at, handed_at FROM out_file \
                    WHERE id < coalesce(?1, id + 1) AND connector = coalesce(?2, connector) \
                    ORDER BY id DESC LIMIT ?3";
        let mut reader = self.reader().await?;
        let rows = fetch(&mut reader, "reading files", text, |args| {
            args.add(page.before).add(connector).add(page.limit);
        });
        rows.await?
            .iter()
            .map(|row| {
                let mut cells = Cells::of(row);
                Ok(OutFileRow {
                    id: cells.next()?,
                    connector: cells.next()?,
                    name: cells.next()?,
                    size: cells.next::<i64>()?.cast_unsigned(),
                    at: Millis(cells.next()?),
                    handed_at: cells.next::<Option<i64>>()?.map(Millis),
                })
            })
            .collect()
    }

    pub(super) async fn last_number(&self, connector: &str, name: &str) -> Result<u64> {
        let text = "SELECT last FROM sequence WHERE connector = ? AND name = ?";
        let mut reader = self.reader().await?;
        let rows = fetch(&mut reader, "reading a sequence", text, |args| {
            args.add(connector).add(name);
        });
        rows.await?.first().map_or(Ok(0), |row| Cells::of(row).next::<i64>().map(i64::cast_unsigned))
    }
}
