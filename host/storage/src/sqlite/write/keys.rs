//! The keys that a unit of work seals with: of days and of subjects, made where there is none.

use std::collections::BTreeSet;
use std::sync::Arc;

use crossdock_engine::Result;

use super::writer::ChangeWriter;
use crate::sqlite::bulk::{BulkStatement, find};
use crate::sqlite::keys::SubjectKey;
use crate::sqlite::statement::{Cells, statements, unreadable};
use crate::vault::{Bound, Sealer};

statements! {
    DAY_KEYS(1) "reading the keys of days": "SELECT day, sealed FROM day_key WHERE day IN ({rows})";
    NEW_DAY_KEY(2) "writing the keys of days":
        "INSERT INTO day_key (day, sealed) SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL";
    SUBJECTS(1) "reading the keys of subjects":
        "SELECT name, id, sealed FROM subject WHERE sealed IS NOT NULL AND name IN ({rows})";
    NEW_SUBJECT(3) "writing the keys of subjects":
        "INSERT INTO subject (id, name, sealed) SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL";
}

impl ChangeWriter<'_> {
    /// Sees to it that these days have keys.
    pub(super) async fn prepare_days(&mut self, days: BTreeSet<i64>) -> Result<()> {
        let mut unknown = BTreeSet::new();
        for day in days {
            if self.days.contains_key(&day) {
                continue;
            }
            match self.state.keys.days.get(&day) {
                Some(key) => {
                    self.days.insert(day, key.clone());
                }
                None => {
                    unknown.insert(day);
                }
            }
        }
        if unknown.is_empty() {
            return Ok(());
        }
        for row in find(self.connection, &DAY_KEYS, unknown.iter().copied()).await? {
            let mut cells = Cells::of(&row);
            let day = cells.next()?;
            self.days.insert(day, self.vault.open_key(Bound::DayKey(day), cells.next()?)?);
        }
        let mut new = BulkStatement::new(&NEW_DAY_KEY);
        for day in unknown {
            if !self.days.contains_key(&day) {
                let (key, sealed) = self.vault.make_key(Bound::DayKey(day))?;
                new.row(|args| {
                    args.add(day).add(sealed);
                });
                self.days.insert(day, key);
            }
        }
        new.write(self.connection).await?;
        Ok(())
    }

    /// The key of a day that was prepared.
    pub(super) fn day_key(&self, day: i64) -> Result<&Sealer> {
        self.days.get(&day).ok_or_else(|| unreadable(format!("the key of day {day}"), "it was not read"))
    }

    /// Sees to it that these persons have keys.
    pub(super) async fn prepare_subjects(&mut self, names: BTreeSet<Arc<str>>) -> Result<()> {
        let mut unknown = BTreeSet::new();
        for name in names {
            if self.subjects.contains_key(&name) {
                continue;
            }
            match self.state.keys.subjects.get(&name) {
                Some(key) => {
                    self.subjects.insert(name, key.clone());
                }
                None => {
                    unknown.insert(name);
                }
            }
        }
        if unknown.is_empty() {
            return Ok(());
        }
        let mut wanted = BulkStatement::new(&SUBJECTS);
        for name in &unknown {
            wanted.row(|args| {
                args.add(Arc::clone(name));
            });
        }
        for row in wanted.read(self.connection).await? {
            let mut cells = Cells::of(&row);
            let (name, id) = (cells.shared()?, cells.next()?);
            let sealer = self.vault.open_key(Bound::SubjectKey(id), cells.next()?)?;
            self.subjects.insert(name, SubjectKey { id, sealer });
        }
        let mut new = BulkStatement::new(&NEW_SUBJECT);
        for name in unknown {
            if self.subjects.contains_key(&name) {
                continue;
            }
            let id = self.state.numbers.subject + 1;
            self.state.numbers.subject = id;
            let (sealer, sealed) = self.vault.make_key(Bound::SubjectKey(id))?;
            new.row(|args| {
                args.add(id).add(Arc::clone(&name)).add(sealed);
            });
            self.subjects.insert(name, SubjectKey { id, sealer });
        }
        new.write(self.connection).await?;
        Ok(())
    }

    /// The key of a person that was prepared.
    pub(super) fn subject_key(&self, name: &Arc<str>) -> Result<&SubjectKey> {
        self.subjects.get(name).ok_or_else(|| unreadable(format!("the key of {name}"), "it was not read"))
    }
}
