//! Orders that leave as a whole, with everything that hangs on them.

use std::collections::{BTreeMap, BTreeSet};

use crossdock_engine::{Result, search};
use crossdock_model::common::Personal;
use sqlx::SqliteConnection;

use super::writer::ChangeWriter;
use crate::sqlite::bulk::{BulkStatement, find};
use crate::sqlite::rows::event;
use crate::sqlite::statement::{Cells, Statement, execute, statements};
use crate::sqlite::terms;
use crate::vault::Vault;

statements! {
    EVENTS(1) "reading events that leave": concat!(
        "SELECT ", event::event_columns!(), " FROM event \
         LEFT JOIN event_body ON event_body.event = event.id \
         LEFT JOIN subject AS whose ON whose.id = event.subject \
         LEFT JOIN personal ON personal.event = event.id \
         LEFT JOIN subject ON subject.id = personal.subject WHERE event.id IN ({rows})");
    NO_TERM(2) "dropping search terms":
        "INSERT INTO event_term (event_term, rowid, terms) \
         SELECT 'delete', * FROM (VALUES {rows}) WHERE column1 IS NOT NULL";
    /// Whose data the events came with.
    SUBJECTS(1) "looking for the subjects of events":
        "SELECT id, subject FROM event WHERE subject IS NOT NULL AND id IN ({rows})";
    NO_SUBJECT_EVENT(2) "dropping the events of subjects":
        "INSERT INTO subject_event (subject_event, rowid, subject) \
         SELECT 'delete', * FROM (VALUES {rows}) WHERE column1 IS NOT NULL";
    NO_EVENT(1) "dropping events": "DELETE FROM event WHERE id IN ({rows})";
    NO_BODY(1) "dropping the contents of events": "DELETE FROM event_body WHERE event IN ({rows})";
    NO_PERSONAL(1) "dropping personal data": "DELETE FROM personal WHERE event IN ({rows})";
    NO_CONFLICT(1) "dropping conflicts": "DELETE FROM conflict WHERE event IN ({rows})";
    NO_DELIVERY(1) "dropping deliveries": "DELETE FROM delivery WHERE id IN ({rows})";
    NO_ATTEMPT(1) "dropping attempts": "DELETE FROM attempt WHERE delivery IN ({rows})";
    NO_EXCHANGE(1) "dropping exchanges": "DELETE FROM exchange WHERE delivery IN ({rows})";
    NO_MESSAGE(1) "dropping messages": "DELETE FROM message WHERE delivery IN ({rows})";
    /// A person of whom nothing is left. One of whom something is left keeps the key that it is sealed with.
    GONE(1) "looking for subjects of whom nothing is left":
        "SELECT id, name FROM subject WHERE id IN ({rows}) \
         AND NOT EXISTS (SELECT 1 FROM subject_event WHERE subject_event MATCH subject.id)";
    NO_SUBJECT(1) "dropping subjects": "DELETE FROM subject WHERE id IN ({rows})";
    NO_CUSTOMER_TERM(2) "dropping search terms of persons":
        "INSERT INTO customer_term (customer_term, rowid, terms) \
         SELECT 'delete', * FROM (VALUES {rows}) WHERE column1 IS NOT NULL";
    SECURELY "overwriting search terms of persons that are dropped":
        "INSERT INTO customer_term (customer_term, rank) VALUES ('secure-delete', ?)";
}

/// Search terms of persons that are to be deleted.
pub(super) struct CustomerTerms(BulkStatement);

impl CustomerTerms {
    pub(super) fn new() -> Self {
        Self(BulkStatement::new(&NO_CUSTOMER_TERM))
    }

    /// Adds those of an event.
    pub(super) fn of(&mut self, event: i64, personal: &Personal, vault: &Vault) {
        if let Some(words) = terms::words_of_person(personal, vault) {
            self.0.row(|args| {
                args.add(event).add(words);
            });
        }
    }

    /// Deletes them. What was deleted stays in the file, a keyed hash that no row belongs to, until the index merges.
    pub(super) async fn delete(mut self, connection: &mut SqliteConnection) -> Result<()> {
        self.0.write(connection).await?;
        Ok(())
    }

    /// Deletes them and overwrites them in the file, which reads several pages for each.
    pub(super) async fn overwrite(self, connection: &mut SqliteConnection) -> Result<()> {
        overwriting(connection, true).await?;
        self.delete(connection).await?;
        // The index writes what it has buffered, and so overwrites, before a setting of it changes.
        overwriting(connection, false).await
    }
}

async fn overwriting(connection: &mut SqliteConnection, on: bool) -> Result<()> {
    execute(connection, &SECURELY, |args| {
        args.add(i64::from(on));
    })
    .await?;
    Ok(())
}

impl ChangeWriter<'_> {
    pub(super) async fn prune(&mut self, events: &[i64], deliveries: &[i64]) -> Result<()> {
        self.numbers_leave = true;
        self.drop_terms(events).await?;
        let mut subjects = BTreeSet::new();
        let mut of_subjects = BulkStatement::new(&NO_SUBJECT_EVENT);
        for row in find(self.connection, &SUBJECTS, events.iter().copied()).await? {
            let mut cells = Cells::of(&row);
            let (event, subject): (i64, i64) = (cells.next()?, cells.next()?);
            of_subjects.row(|args| {
                args.add(event).add(subject);
            });
            subjects.insert(subject);
        }
        of_subjects.write(self.connection).await?;
        for statement in [&NO_EVENT, &NO_BODY, &NO_PERSONAL, &NO_CONFLICT] {
            self.drop_numbers(statement, events).await?;
        }
        for statement in [&NO_DELIVERY, &NO_ATTEMPT, &NO_EXCHANGE, &NO_MESSAGE] {
            self.drop_numbers(statement, deliveries).await?;
        }
        let mut gone = BTreeMap::new();
        for row in find(self.connection, &GONE, subjects).await? {
            let mut cells = Cells::of(&row);
            gone.insert(cells.next::<i64>()?, cells.shared()?);
        }
        let ids: Vec<i64> = gone.keys().copied().collect();
        self.drop_numbers(&NO_SUBJECT, &ids).await?;
        for name in gone.values() {
            self.subjects.remove(name);
            self.state.keys.subjects.pop(name);
        }
        Ok(())
    }

    /// The terms of an event are made again from its content: the index finds events by terms, and not terms by events.
    async fn drop_terms(&mut self, events: &[i64]) -> Result<()> {
        let mut dropped = BulkStatement::new(&NO_TERM);
        let mut persons = CustomerTerms::new();
        for row in find(self.connection, &EVENTS, events.iter().copied()).await? {
            let Some(row) = event::read(&mut Cells::of(&row), self.vault)? else { continue };
            let words = terms::words(&search::terms(&row.entity, &row.root, &row.event.fact));
            dropped.row(|args| {
                args.add(row.id).add(words);
            });
            if let Some(data) = &row.personal {
                persons.of(row.id, data, self.vault);
            }
        }
        dropped.write(self.connection).await?;
        persons.delete(self.connection).await
    }

    async fn drop_numbers(&mut self, statement: &'static Statement, numbers: &[i64]) -> Result<()> {
        let mut bulk = BulkStatement::new(statement);
        for number in numbers {
            bulk.row(|args| {
                args.add(*number);
            });
        }
        bulk.write(self.connection).await?;
        Ok(())
    }
}
