//! Events: their rows, contents, personal data and search terms.

use std::collections::BTreeSet;
use std::sync::Arc;

use crossdock_engine::rows::EventRow;
use crossdock_engine::{Result, search};

use super::writer::ChangeWriter;
use crate::sqlite::bulk::BulkStatement;
use crate::sqlite::rows::codes::Code as _;
use crate::sqlite::rows::digest::Digest;
use crate::sqlite::rows::event::amount;
use crate::sqlite::statement::{statements, to_json};
use crate::sqlite::terms;
use crate::vault::Bound;

statements! {
    EVENT(19) "writing events":
        "INSERT INTO event (id, key, kind, source, entity, root, occurred_at, recorded_at, stamp_at, \
         stamp_believed, stamp_sequence, stamp_progress, effect, digest, inbound, subject, trace, amount, \
         currency) SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL";
    BODY(2) "writing the contents of events":
        "INSERT INTO event_body (event, body) SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL";
    PERSONAL(3) "writing personal data":
        "INSERT INTO personal (event, subject, sealed) \
         SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL";
    SUBJECT_EVENT(2) "writing the events of subjects":
        "INSERT INTO subject_event (rowid, subject) SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL";
    TERM(2) "writing search terms":
        "INSERT INTO event_term (rowid, terms) SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL";
    CUSTOMER_TERM(2) "writing search terms of persons":
        "INSERT INTO customer_term (rowid, terms) SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL";
}

impl ChangeWriter<'_> {
    pub(super) async fn events(&mut self, events: &[&Arc<EventRow>]) -> Result<()> {
        if events.is_empty() {
            return Ok(());
        }
        let named = |event: &&&Arc<EventRow>| event.personal.is_some() || event.subject != event.root;
        let names: BTreeSet<_> =
            events.iter().filter(named).map(|event| Arc::clone(&event.subject)).collect();
        self.prepare_subjects(names).await?;
        let mut rows = BulkStatement::new(&EVENT);
        let mut of_subjects = BulkStatement::new(&SUBJECT_EVENT);
        let mut bodies = BulkStatement::new(&BODY);
        let mut personal = BulkStatement::new(&PERSONAL);
        let mut event_terms = BulkStatement::new(&TERM);
        let mut customer_terms = BulkStatement::new(&CUSTOMER_TERM);
        for event in events {
            let subject = match named(&event) {
                true => Some(self.subject_key(&event.subject)?.id),
                false => None,
            };
            bind_event(&mut rows, event, subject);
            if let Some(subject) = subject {
                of_subjects.row(|args| {
                    args.add(event.id).add(subject);
                });
            }
            let body = to_json("an event", &*event.event)?;
            bodies.row(|args| {
                args.add(event.id).add(body);
            });
            let words = terms::words(&search::terms(&event.entity, &event.root, &event.event.fact));
            event_terms.row(|args| {
                args.add(event.id).add(words);
            });
            let Some(data) = &event.personal else { continue };
            let key = self.subject_key(&event.subject)?;
            let plain = to_json("personal data", &**data)?;
            let sealed = key.sealer.seal(Bound::Personal(event.id), plain.as_bytes())?;
            personal.row(|args| {
                args.add(event.id).add(key.id).add(sealed);
            });
            if let Some(words) = terms::words_of_person(data, self.vault) {
                customer_terms.row(|args| {
                    args.add(event.id).add(words);
                });
            }
        }
        let all =
            [&mut rows, &mut of_subjects, &mut bodies, &mut personal, &mut event_terms, &mut customer_terms];
        for bulk in all {
            bulk.write(self.connection).await?;
        }
        Ok(())
    }
}

fn bind_event(rows: &mut BulkStatement, row: &EventRow, subject: Option<i64>) {
    let (event, stamp) = (&*row.event, &row.stamp);
    let root = (row.root != row.entity).then(|| Arc::clone(&row.root));
    let amount = amount(event);
    rows.row(|args| {
        args.add(row.id)
            .add(Arc::clone(&row.key))
            .add(event.fact.kind())
            .add(Arc::clone(&row.source))
            .add(Arc::clone(&row.entity))
            .add(root)
            .add(event.occurred_at.clone())
            .add(row.recorded_at.0)
            .add(stamp.at)
            .add(stamp.believed)
            .add(stamp.sequence.map(u64::cast_signed))
            .add(stamp.progress)
            .add(row.effect.code())
            .add(Digest(row.digest.to_string()))
            .add(row.inbound)
            .add(subject)
            .add(Arc::clone(&row.trace))
            .add(amount.map(|(amount, _)| amount.to_owned()))
            .add(amount.map(|(_, currency)| currency.to_owned()));
    });
}
