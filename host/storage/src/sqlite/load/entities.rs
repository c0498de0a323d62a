//! What is known of entities: states, pins, references, outbound writes, waits for in-flight writes.

use std::collections::HashMap;
use std::sync::Arc;

use crossdock_engine::Result;
use crossdock_engine::database::{ReadSet, Rows};
use crossdock_engine::keys::EntityKey;
use crossdock_model::common::Reference;
use crossdock_rules::attributes::Fingerprints;
use crossdock_rules::entity_state::EntityState;
use crossdock_rules::version::{Moment, Stamp};

use super::Loader;
use crate::sqlite::bulk::{BulkStatement, find};
use crate::sqlite::rows::digest::Digest;
use crate::sqlite::rows::shown::reference;
use crate::sqlite::rows::waits;
use crate::sqlite::statement::{Cells, Statement, statements};

statements! {
    ENTITIES(2) "reading the states of entities":
        "WITH wanted (c, e) AS (VALUES {rows}) \
         SELECT connector, entity, stamp_at, stamp_believed, stamp_sequence, stamp_progress, digest, exists_there, \
         annulled, reported, enqueued, enqueued_believed FROM wanted CROSS JOIN entity_state ON connector = c AND entity = e";
    PINS(1) "reading pins": "SELECT root, connector FROM pin WHERE root IN ({rows})";
    REFERENCES(2) "reading references":
        "WITH wanted (c, e) AS (VALUES {rows}) \
         SELECT reference.connector, reference.entity, reference.kind, reference.id, reference.number, \
         reference.lines FROM wanted CROSS JOIN reference ON reference.entity = e AND reference.connector = c \
         ORDER BY reference.position";
    OUTBOUND_WRITES(2) "reading outbound writes":
        "WITH wanted (c, e) AS (VALUES {rows}) SELECT connector, entity, written \
         FROM wanted CROSS JOIN outbound_write ON connector = c AND entity = e";
    IN_FLIGHT_WAITS(1) "reading waits for in-flight writes":
        "SELECT delivery, wait FROM in_flight_wait WHERE delivery IN ({rows})";
}

impl Loader<'_> {
    pub(super) async fn entities(&mut self, wanted: &ReadSet, rows: &mut Rows) -> Result<()> {
        for row in by_entity(&ENTITIES, &wanted.entities).read(self.connection).await? {
            let mut cells = Cells::of(&row);
            rows.entities.push((entity_key(&mut cells)?, entity_state(&mut cells)?));
        }
        let mut pins = BulkStatement::new(&PINS);
        for root in &wanted.pins {
            pins.row(|args| {
                args.add(Arc::clone(root));
            });
        }
        for row in pins.read(self.connection).await? {
            let mut cells = Cells::of(&row);
            rows.pins.push((cells.shared()?, cells.shared()?));
        }
        let mut references: HashMap<EntityKey, Vec<Reference>> = HashMap::new();
        for row in by_entity(&REFERENCES, &wanted.references).read(self.connection).await? {
            let mut cells = Cells::of(&row);
            references.entry(entity_key(&mut cells)?).or_default().push(reference(&mut cells)?);
        }
        rows.references.extend(references);
        if self.present.outbound_writes {
            for row in by_entity(&OUTBOUND_WRITES, &wanted.outbound_writes).read(self.connection).await? {
                let mut cells = Cells::of(&row);
                rows.outbound_writes.push((entity_key(&mut cells)?, waits::outbound_writes(&mut cells)?));
            }
        }
        if self.present.in_flight_waits {
            let waiting = wanted.in_flight_waits.iter().copied();
            for row in find(self.connection, &IN_FLIGHT_WAITS, waiting).await? {
                let mut cells = Cells::of(&row);
                rows.in_flight_waits.push((cells.next()?, waits::wait(&mut cells)?));
            }
        }
        Ok(())
    }
}

fn by_entity<'k>(
    statement: &'static Statement,
    keys: impl IntoIterator<Item = &'k EntityKey>,
) -> BulkStatement {
    let mut bulk = BulkStatement::new(statement);
    for key in keys {
        bulk.row(|args| {
            args.add(Arc::clone(&key.connector)).add(Arc::clone(&key.entity));
        });
    }
    bulk
}

fn entity_key(cells: &mut Cells<'_>) -> Result<EntityKey> {
    Ok(EntityKey { connector: cells.shared()?, entity: cells.shared()? })
}

fn moment(cells: &mut Cells<'_>) -> Result<Option<Moment>> {
    let (at, believed): (Option<i64>, Option<i64>) = (cells.next()?, cells.next()?);
    Ok(at.zip(believed).map(|(at, believed)| Moment { at, believed }))
}

fn entity_state(cells: &mut Cells<'_>) -> Result<EntityState> {
    let (at, believed): (Option<i64>, Option<i64>) = (cells.next()?, cells.next()?);
    let sequence = cells.next::<Option<i64>>()?.map(i64::cast_unsigned);
    let (progress, digest): (Option<u32>, Option<Digest>) = (cells.next()?, cells.next()?);
    let newest = at.zip(believed).zip(progress).zip(digest);
    Ok(EntityState {
        newest: newest.map(|(((at, believed), progress), digest)| {
            (Stamp { at, believed, sequence, progress }, digest.0)
        }),
        exists: cells.next()?,
        annulled: cells.next()?,
        reported: cells.next::<Option<&[u8]>>()?.map(Fingerprints::from_bytes),
        enqueued: moment(cells)?,
    })
}
