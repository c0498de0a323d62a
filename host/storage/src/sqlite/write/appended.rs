//! Rows that are only ever added.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crossdock_engine::database::Append;
use crossdock_engine::rows::{AttemptRecord, EventRow};
use crossdock_engine::{Result, SecretText};

use super::writer::ChangeWriter;
use crate::sqlite::bulk::{BulkStatement, find};
use crate::sqlite::rows::codes::Code as _;
use crate::sqlite::rows::request::pack;
use crate::sqlite::statement::{Cells, execute, fetch_first, statements, to_json};
use crate::vault::{Bound, Sealer};

statements! {
    INBOUND_BODY(3) "writing the bytes of requests":
        "INSERT INTO inbound_body (inbound, day, sealed) SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL";
    ATTEMPT(8) "writing attempts":
        "INSERT INTO attempt (delivery, fence, number, kind, started, ended, outcome, message) \
         SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL";
    SUBJECTS_OF(1) "looking for the subjects of events":
        "SELECT personal.event, personal.subject, subject.sealed FROM personal \
         CROSS JOIN subject ON subject.id = personal.subject WHERE personal.event IN ({rows})";
    EXCHANGE(6) "writing exchanges":
        "INSERT INTO exchange (delivery, fence, ended, subject, day, sealed) \
         SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL";
    CONFLICT(8) "writing conflicts":
        "INSERT INTO conflict (event, connector, entity, attribute, value, written, applied, at) \
         SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL ON CONFLICT DO NOTHING";
    AUDIT(5) "writing the audit":
        "INSERT INTO audit (at, by, action, subject, detail) \
         SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL";
    FILE(5) "writing files":
        "INSERT INTO out_file (id, connector, name, size, at) \
         SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL";
    FILE_BODY(3) "writing the contents of files":
        "INSERT INTO out_file_body (file, day, sealed) SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL";
    MAPPING_CHANGE(8) "writing the history of mappings":
        "INSERT INTO mapping_change (connector, tbl, value, version, old, new, at, by) \
         SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL";
    STORE_CHANGE(5) "writing the history of stores":
        "INSERT INTO store_change (store, version, at, by, record) \
         SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL";
    IMPORT "writing an imported file":
        "INSERT INTO imported_file (name, hash, at) VALUES (?, ?, ?) \
         ON CONFLICT DO UPDATE SET hash = excluded.hash, at = excluded.at";
    PLUGIN_CHOICE "writing the choice of a plugin":
        "INSERT INTO plugin_choice (connector, current, previous, at, by) VALUES (?, ?, ?, ?, ?) \
         ON CONFLICT DO UPDATE SET current = excluded.current, previous = excluded.previous, \
         at = excluded.at, by = excluded.by";
    SECRET_ID "looking for a secret":
        "SELECT coalesce((SELECT id FROM secret WHERE name = ?), (SELECT max(id) + 1 FROM secret), 1)";
    SECRET "writing a secret":
        "INSERT INTO secret (id, name, version, sealed, at, by) VALUES (?, ?, ?, ?, ?, ?) \
         ON CONFLICT (id) DO UPDATE SET version = excluded.version, sealed = excluded.sealed, \
         at = excluded.at, by = excluded.by";
}

/// Appended rows, by kind.
#[derive(Default)]
pub(super) struct Appended<'c> {
    events: Vec<&'c Arc<EventRow>>,
    attempts: Vec<&'c AttemptRecord>,
    others: Vec<&'c Append>,
}

impl<'c> Appended<'c> {
    pub(super) fn push(&mut self, append: &'c Append) {
        match append {
            Append::Event(event) => self.events.push(event),
            Append::Attempt(attempt) => self.attempts.push(attempt),
            other => self.others.push(other),
        }
    }
}

impl ChangeWriter<'_> {
    pub(super) async fn append(&mut self, appended: Appended<'_>) -> Result<()> {
        let mut days = BTreeSet::new();
        for append in &appended.others {
            match append {
                Append::Body { day, .. } => _ = days.insert(*day),
                Append::File { at, .. } => _ = days.insert(at.day()),
                _ => {}
            }
        }
        let exchanged = appended.attempts.iter().filter(|attempt| attempt.exchange.is_some());
        days.extend(exchanged.map(|attempt| attempt.ended.day()));
        self.prepare_days(days).await?;
        self.events(&appended.events).await?;
        self.attempts(&appended.attempts).await?;
        self.others(&appended.others).await
    }

    async fn attempts(&mut self, attempts: &[&AttemptRecord]) -> Result<()> {
        let mut rows = BulkStatement::new(&ATTEMPT);
        for attempt in attempts {
            rows.row(|args| {
                args.add(attempt.delivery)
                    .add(attempt.fence)
                    .add(attempt.number)
                    .add(attempt.kind.code())
                    .add(attempt.started.0)
                    .add(attempt.ended.0)
                    .add(Arc::clone(&attempt.outcome))
                    .add(Arc::clone(&attempt.message));
            });
        }
        rows.write(self.connection).await?;
        let exchanged: Vec<_> = attempts
            .iter()
            .filter_map(|attempt| attempt.exchange.as_ref().map(|(event, text)| (attempt, *event, text)))
            .collect();
        let mut subjects: HashMap<i64, (i64, Option<Sealer>)> = HashMap::new();
        let events: BTreeSet<i64> = exchanged.iter().map(|(_, event, _)| *event).collect();
        for row in find(self.connection, &SUBJECTS_OF, events).await? {
            let mut cells = Cells::of(&row);
            let (event, subject) = (cells.next()?, cells.next()?);
            let key: Option<&[u8]> = cells.next()?;
            let key = key.map(|key| self.vault.open_key(Bound::SubjectKey(subject), key)).transpose()?;
            subjects.insert(event, (subject, key));
        }
        let mut exchanges = BulkStatement::new(&EXCHANGE);
        for (attempt, event, text) in exchanged {
            let bound = Bound::Exchange(attempt.delivery, attempt.fence);
            let day = attempt.ended.day();
            let (subject, day, sealed) = match subjects.get(&event) {
                // The person was erased: nothing about them is written down any more.
                Some((_, None)) => continue,
                Some((subject, Some(key))) => (Some(*subject), None, key.seal(bound, text.as_bytes())?),
                None => (None, Some(day), self.day_key(day)?.seal(bound, text.as_bytes())?),
            };
            exchanges.row(|args| {
                args.add(attempt.delivery)
                    .add(attempt.fence)
                    .add(attempt.ended.0)
                    .add(subject)
                    .add(day)
                    .add(sealed);
            });
        }
        exchanges.write(self.connection).await?;
        Ok(())
    }

    async fn others(&mut self, others: &[&Append]) -> Result<()> {
        let mut bodies = BulkStatement::new(&INBOUND_BODY);
        let mut conflicts = BulkStatement::new(&CONFLICT);
        let mut audit = BulkStatement::new(&AUDIT);
        let (mut files, mut file_bodies) = (BulkStatement::new(&FILE), BulkStatement::new(&FILE_BODY));
        let mut mapping_changes = BulkStatement::new(&MAPPING_CHANGE);
        let mut store_changes = BulkStatement::new(&STORE_CHANGE);
        for append in others {
            match append {
                Append::Body { inbound, day, request } => {
                    let sealed = self.day_key(*day)?.seal(Bound::Inbound(*inbound), &pack(request)?)?;
                    bodies.row(|args| {
                        args.add(*inbound).add(*day).add(sealed);
                    });
                }
                Append::Conflict(conflict) => conflicts.row(|args| {
                    args.add(conflict.event)
                        .add(Arc::clone(&conflict.connector))
                        .add(Arc::clone(&conflict.entity))
                        .add(conflict.attribute.as_str())
                        .add(conflict.value.clone())
                        .add(conflict.written.clone())
                        .add(conflict.applied)
                        .add(conflict.at.0);
                }),
                Append::Audit(record) => audit.row(|args| {
                    args.add(record.at.0)
                        .add(Arc::clone(&record.by))
                        .add(Arc::clone(&record.action))
                        .add(Arc::clone(&record.subject))
                        .add(Arc::clone(&record.detail));
                }),
                Append::File { id, connector, file, at } => {
                    let day = at.day();
                    let sealed = self.day_key(day)?.seal(Bound::OutFile(*id), &file.content)?;
                    files.row(|args| {
                        args.add(*id)
                            .add(Arc::clone(connector))
                            .add(file.name.clone())
                            .add(i64::try_from(file.content.len()).unwrap_or(i64::MAX))
                            .add(at.0);
                    });
                    file_bodies.row(|args| {
                        args.add(*id).add(day).add(sealed);
                    });
                }
                Append::MappingChange { key, version, old, new, at, by } => mapping_changes.row(|args| {
                    args.add(Arc::clone(&key.connector))
                        .add(Arc::clone(&key.table))
                        .add(Arc::clone(&key.value))
                        .add(*version)
                        .add(old.clone())
                        .add(new.clone())
                        .add(at.0)
                        .add(Arc::clone(by));
                }),
                Append::StoreChange { id, version, record, at, by } => {
                    let record = record.as_ref().map(|row| to_json("a store", &row.record)).transpose()?;
                    store_changes.row(|args| {
                        args.add(Arc::clone(id))
                            .add(version.cast_signed())
                            .add(at.0)
                            .add(Arc::clone(by))
                            .add(record);
                    });
                }
                Append::Import { name, hash, at } => {
                    execute(self.connection, &IMPORT, |args| {
                        args.add(Arc::clone(name)).add(Arc::clone(hash)).add(at.0);
                    })
                    .await?;
                }
                Append::PluginChoice(choice) => {
                    execute(self.connection, &PLUGIN_CHOICE, |args| {
                        args.add(choice.connector.clone())
                            .add(choice.current.clone())
                            .add(choice.previous.clone())
                            .add(choice.at.0)
                            .add(choice.by.clone());
                    })
                    .await?;
                }
                Append::Secret { name, version, value, at, by } => {
                    self.secret(name, *version, value.as_ref(), (at.0, by)).await?;
                }
                // Written elsewhere.
                _ => {}
            }
        }
        for bulk in [
            &mut bodies,
            &mut conflicts,
            &mut audit,
            &mut files,
            &mut file_bodies,
            &mut mapping_changes,
            &mut store_changes,
        ] {
            bulk.write(self.connection).await?;
        }
        Ok(())
    }

    async fn secret(
        &mut self,
        name: &Arc<str>,
        version: u64,
        value: Option<&SecretText>,
        (at, by): (i64, &Arc<str>),
    ) -> Result<()> {
        let id = fetch_first(
            self.connection,
            &SECRET_ID,
            |args| {
                args.add(Arc::clone(name));
            },
            |cells| cells.next::<i64>(),
        );
        let (id, version) = (id.await?.unwrap_or(1), version.cast_signed());
        let seal = |text: &SecretText| self.vault.seal(Bound::Secret(id, version), text.expose().as_bytes());
        let sealed = value.map(seal).transpose()?;
        // The value before must not be readable in the log.
        self.written.destroyed_keys |= version > 1;
        execute(self.connection, &SECRET, |args| {
            args.add(id).add(Arc::clone(name)).add(version).add(sealed).add(at).add(Arc::clone(by));
        })
        .await?;
        Ok(())
    }
}
