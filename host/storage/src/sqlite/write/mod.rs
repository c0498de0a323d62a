//! Writes of a unit of work: one change set, in few bulk statements.
//!
//! Appended rows are written in the order they were made, as far as that matters: what was appended before a person
//! is erased is written before, and so erased too. Then the keyed rows, then the bulk changes that look at all of
//! them.

mod appended;
mod connectors;
mod entities;
mod events;
mod expire;
mod keyed;
mod keys;
mod people;
mod prune;
mod queue;
mod sales;
mod tables;
mod writer;

use crossdock_engine::Result;
use crossdock_engine::database::{Append, ChangeSet};

use self::appended::Appended;
use self::writer::Written;
pub(super) use self::writer::{ChangeWriter, Levels};

impl ChangeWriter<'_> {
    /// Writes everything. The caller commits, and has the state read again when that fails.
    pub(super) async fn write(mut self, changes: &ChangeSet) -> Result<Written> {
        let mut appended = Appended::default();
        for append in &changes.appended {
            match append {
                Append::EraseSubjects { subjects, at } => {
                    self.append(std::mem::take(&mut appended)).await?;
                    self.erase(subjects, *at).await?;
                }
                Append::Rekey(to) => self.rekey(to).await?,
                Append::Prune { .. } | Append::Expire { .. } | Append::StartIncarnation { .. } => {}
                other => appended.push(other),
            }
        }
        self.append(appended).await?;
        self.keyed(&changes.changed).await?;
        for append in &changes.appended {
            match append {
                Append::Prune { events, deliveries, .. } => self.prune(events, deliveries).await?,
                Append::Expire { retention } => self.expire(retention).await?,
                Append::StartIncarnation { incarnation, skip, at } => {
                    self.start_incarnation(*incarnation, *skip, *at).await?;
                }
                _ => {}
            }
        }
        self.count(changes).await?;
        self.remember();
        Ok(self.written)
    }
}

#[cfg(test)]
pub(super) fn all_statements() -> Vec<&'static [&'static super::statement::Statement]> {
    vec![
        appended::STATEMENTS,
        connectors::STATEMENTS,
        entities::STATEMENTS,
        events::STATEMENTS,
        expire::STATEMENTS,
        keys::STATEMENTS,
        people::STATEMENTS,
        prune::STATEMENTS,
        queue::STATEMENTS,
        sales::STATEMENTS,
        tables::STATEMENTS,
        writer::STATEMENTS,
    ]
}
