//! What is known of entities.

use std::sync::Arc;

use crossdock_engine::Result;
use crossdock_engine::database::Changed;
use crossdock_engine::keys::EntityKey;
use crossdock_rules::attributes::Fingerprints;

use super::keyed::Table;
use super::writer::ChangeWriter;
use crate::sqlite::bulk::BulkStatement;
use crate::sqlite::rows::digest::Digest;
use crate::sqlite::rows::waits::{outbound_writes_json, wait_json};
use crate::sqlite::statement::{Args, statements, to_json};

statements! {
    ENTITY(12) "writing the states of entities":
        "INSERT INTO entity_state (connector, entity, stamp_at, stamp_believed, stamp_sequence, stamp_progress, \
         digest, exists_there, annulled, reported, enqueued, enqueued_believed) \
         SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL ON CONFLICT DO UPDATE SET \
         stamp_at = excluded.stamp_at, stamp_believed = excluded.stamp_believed, \
         stamp_sequence = excluded.stamp_sequence, stamp_progress = excluded.stamp_progress, \
         digest = excluded.digest, exists_there = excluded.exists_there, annulled = excluded.annulled, \
         reported = excluded.reported, enqueued = excluded.enqueued, \
         enqueued_believed = excluded.enqueued_believed";
    NO_ENTITY(2) "deleting the states of entities":
        "DELETE FROM entity_state WHERE (connector, entity) IN (VALUES {rows})";
    PIN(2) "writing pins":
        "INSERT INTO pin (root, connector) SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL \
         ON CONFLICT DO UPDATE SET connector = excluded.connector";
    NO_PIN(1) "deleting pins": "DELETE FROM pin WHERE root IN ({rows})";
    /// A row that is as it was is not written.
    REFERENCE(7) "writing references":
        "INSERT INTO reference (entity, connector, position, kind, id, number, lines) \
         SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL ON CONFLICT DO UPDATE SET \
         kind = excluded.kind, id = excluded.id, number = excluded.number, lines = excluded.lines \
         WHERE (kind, id, number, lines) IS NOT (excluded.kind, excluded.id, excluded.number, excluded.lines)";
    NO_REFERENCE "deleting references":
        "DELETE FROM reference WHERE entity = ? AND connector = ? AND position >= ?";
    OUTBOUND_WRITE(3) "writing outbound writes":
        "INSERT INTO outbound_write (connector, entity, written) \
         SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL \
         ON CONFLICT DO UPDATE SET written = excluded.written";
    NO_OUTBOUND_WRITE(2) "deleting outbound writes":
        "DELETE FROM outbound_write WHERE (connector, entity) IN (VALUES {rows})";
    WAIT(2) "writing waits for in-flight writes":
        "INSERT INTO in_flight_wait (delivery, wait) SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL \
         ON CONFLICT DO UPDATE SET wait = excluded.wait";
    NO_WAIT(1) "deleting waits for in-flight writes": "DELETE FROM in_flight_wait WHERE delivery IN ({rows})";
    AWAITED(2) "writing waits for in-flight writes":
        "INSERT INTO in_flight_awaited (in_flight, delivery) \
         SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL ON CONFLICT DO NOTHING";
    NO_AWAITED(1) "deleting waits for in-flight writes":
        "DELETE FROM in_flight_awaited WHERE delivery IN ({rows})";
}

fn bind_entity(args: &mut Args, key: &EntityKey) {
    args.add(Arc::clone(&key.connector)).add(Arc::clone(&key.entity));
}

impl ChangeWriter<'_> {
    pub(super) async fn entities(&mut self, changed: &Changed) -> Result<()> {
        Table { put: &ENTITY, delete: &NO_ENTITY }
            .write(self.connection, &changed.entities, bind_entity, |args, _, state| {
                let stamp = state.newest.as_ref().map(|(stamp, _)| stamp);
                args.add(stamp.map(|stamp| stamp.at))
                    .add(stamp.map(|stamp| stamp.believed))
                    .add(stamp.and_then(|stamp| stamp.sequence.map(u64::cast_signed)))
                    .add(stamp.map(|stamp| stamp.progress))
                    .add(state.newest.as_ref().map(|(_, digest)| Digest(digest.clone())))
                    .add(state.exists)
                    .add(state.annulled)
                    .add(state.reported.as_ref().map(Fingerprints::to_bytes))
                    .add(state.enqueued.map(|moment| moment.at))
                    .add(state.enqueued.map(|moment| moment.believed));
                Ok(())
            })
            .await?;
        Table { put: &PIN, delete: &NO_PIN }
            .write(
                self.connection,
                &changed.pins,
                |args, root| {
                    args.add(Arc::clone(root));
                },
                |args, _, connector| {
                    args.add(Arc::clone(connector));
                    Ok(())
                },
            )
            .await?;
        self.references(changed).await?;
        self.state.present.outbound_writes |= !changed.outbound_writes.is_empty();
        Table { put: &OUTBOUND_WRITE, delete: &NO_OUTBOUND_WRITE }
            .write(self.connection, &changed.outbound_writes, bind_entity, |args, _, writes| {
                args.add(outbound_writes_json(writes)?);
                Ok(())
            })
            .await?;
        self.waits(changed).await
    }

    async fn references(&mut self, changed: &Changed) -> Result<()> {
        let mut rows = BulkStatement::new(&REFERENCE);
        for (key, references) in &changed.references {
            let references = references.as_deref().unwrap_or_default();
            for (position, reference) in references.iter().enumerate() {
                let lines = match reference.lines.is_empty() {
                    true => None,
                    false => Some(to_json("the lines of a reference", &reference.lines)?),
                };
                rows.row(|args| {
                    args.add(Arc::clone(&key.entity))
                        .add(Arc::clone(&key.connector))
                        .add(i64::try_from(position).unwrap_or(i64::MAX))
                        .add(reference.kind.clone())
                        .add(reference.id.clone())
                        .add(reference.number.clone())
                        .add(lines);
                });
            }
        }
        rows.write(self.connection).await?;
        // References are added to, not taken away: rows are deleted only where none is left.
        for (key, _) in changed.references.iter().filter(|(_, row)| row.as_ref().is_none_or(Vec::is_empty)) {
            crate::sqlite::statement::execute(self.connection, &NO_REFERENCE, |args| {
                args.add(Arc::clone(&key.entity)).add(Arc::clone(&key.connector)).add(0);
            })
            .await?;
        }
        Ok(())
    }

    async fn waits(&mut self, changed: &Changed) -> Result<()> {
        if changed.in_flight_waits.is_empty() {
            return Ok(());
        }
        self.state.present.in_flight_waits = true;
        Table { put: &WAIT, delete: &NO_WAIT }
            .write(
                self.connection,
                &changed.in_flight_waits,
                |args, delivery| {
                    args.add(*delivery);
                },
                |args, _, wait| {
                    args.add(wait_json(wait)?);
                    Ok(())
                },
            )
            .await?;
        let (mut dropped, mut awaited) = (BulkStatement::new(&NO_AWAITED), BulkStatement::new(&AWAITED));
        for (delivery, wait) in &changed.in_flight_waits {
            dropped.row(|args| {
                args.add(*delivery);
            });
            for in_flight in wait.iter().flat_map(|wait| &wait.in_flight) {
                awaited.row(|args| {
                    args.add(*in_flight).add(*delivery);
                });
            }
        }
        dropped.write(self.connection).await?;
        awaited.write(self.connection).await?;
        Ok(())
    }
}
