//! The keys of persons and of the database: destroyed, or sealed anew.

use std::sync::Arc;

use crossdock_engine::{MasterKey, Result};
use crossdock_model::time::Millis;
use uuid::Uuid;

use super::prune::CustomerTerms;
use super::writer::ChangeWriter;
use crate::sqlite::bulk::BulkStatement;
use crate::sqlite::rows::event::personal as personal_of;
use crate::sqlite::statement::{Cells, execute, statements};

statements! {
    PERSONAL(1) "reading the personal data of persons":
        "SELECT personal.event, personal.subject, personal.sealed, subject.sealed FROM subject \
         CROSS JOIN subject_event ON subject_event MATCH subject.id \
         CROSS JOIN personal ON personal.event = subject_event.rowid \
         WHERE subject.sealed IS NOT NULL AND subject.name IN ({rows})";
    ERASED(1) "erasing persons":
        "UPDATE subject SET sealed = NULL, erased_at = ? WHERE sealed IS NOT NULL AND name IN ({rows})";
    DATABASE_KEY "sealing the key of the database": "UPDATE meta SET value = ? WHERE name = 'database_key'";
    /// All open deliveries at once: the host has been restored from a backup and does nothing else yet.
    INCARNATION_SENT "starting a new incarnation":
        "UPDATE delivery SET sent = 1, look_up = 1, sent_at = max(sent_at, ?1), finds = 0, \
         fence = fence + iif(state = 2, 1, 0), lease_until = 0, state = iif(state = 2, 1, state) \
         WHERE state <> 5";
    SKIP_SERIALS "skipping serial numbers": "UPDATE serial SET last = last + ?";
    SKIP_SEQUENCES "skipping sequence numbers": "UPDATE sequence SET last = last + ?";
    INCARNATION "writing the incarnation": "UPDATE meta SET value = ? WHERE name = 'incarnation'";
    NO_WAITS "dropping waits for in-flight writes": "DELETE FROM in_flight_wait";
    NO_AWAITED "dropping waits for in-flight writes": "DELETE FROM in_flight_awaited";
}

impl ChangeWriter<'_> {
    /// Destroys the keys of subjects, and their search terms.
    pub(super) async fn erase(&mut self, subjects: &[Arc<str>], at: Millis) -> Result<()> {
        let mut personal = BulkStatement::new(&PERSONAL);
        let mut keys = BulkStatement::with_first(&ERASED, at.0);
        for name in subjects {
            for bulk in [&mut personal, &mut keys] {
                bulk.row(|args| {
                    args.add(Arc::clone(name));
                });
            }
            self.subjects.remove(name);
            self.state.keys.subjects.pop(name);
        }
        // The terms are made again from the data, as long as that can be read.
        let mut terms = CustomerTerms::new();
        for row in personal.read(self.connection).await? {
            let mut cells = Cells::of(&row);
            let event = cells.next()?;
            if let Some(data) = personal_of(&mut cells, event, self.vault)? {
                terms.of(event, &data, self.vault);
            }
        }
        terms.overwrite(self.connection).await?;
        keys.write(self.connection).await?;
        self.written.destroyed_keys = true;
        Ok(())
    }

    /// Seals the key of the database with another master key. Nothing else rests under the master key.
    pub(super) async fn rekey(&mut self, to: &MasterKey) -> Result<()> {
        let sealed = self.vault.sealed_key(to)?;
        execute(self.connection, &DATABASE_KEY, |args| {
            args.add(sealed);
        })
        .await?;
        self.written.destroyed_keys = true;
        Ok(())
    }

    pub(super) async fn start_incarnation(&mut self, incarnation: Uuid, skip: u64, at: Millis) -> Result<()> {
        self.written.touched += execute(self.connection, &INCARNATION_SENT, |args| {
            args.add(at.0);
        })
        .await?;
        let skip = i64::try_from(skip).unwrap_or(i64::MAX);
        for statement in [&SKIP_SERIALS, &SKIP_SEQUENCES] {
            execute(self.connection, statement, |args| {
                args.add(skip);
            })
            .await?;
        }
        execute(self.connection, &INCARNATION, |args| {
            args.add(incarnation.to_string());
        })
        .await?;
        execute(self.connection, &NO_WAITS, |_| {}).await?;
        execute(self.connection, &NO_AWAITED, |_| {}).await?;
        Ok(())
    }
}
