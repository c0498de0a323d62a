//! The rows that a group writes, table by table, and the questions that it asks for all its commands.

use sqlx::SqliteConnection;

use super::delivery;
use super::sql::{Pile, Template, Texts};
use crate::Result;

macro_rules! templates {
    ($($(#[$doc:meta])* $name:ident($width:literal) $doing:literal: $text:expr;)+) => {
        $($(#[$doc])* pub(super) static $name: Template = Template { doing: $doing, width: $width, text: $text };)+
    };
}

templates! {
    INBOUND(5) "writing inbounds":
        "INSERT INTO inbound (id, connector, received_at, state, trace) \
         SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL";
    SEEN(2) "writing what was seen":
        "INSERT INTO inbound_seen (mark, inbound) SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL";
    BODY(3) "writing bodies":
        "INSERT INTO inbound_body (inbound, day, sealed) \
         SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL";
    DAY_KEY(2) "writing day keys":
        "INSERT INTO day_key (day, wrapped) SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL";
    READ(1) "marking inbounds as read": "UPDATE inbound SET state = 1 WHERE id IN ({rows})";
    EVENT(15) "writing events":
        "INSERT INTO event (id, key, kind, entity, root, occurred_at, recorded_at, stamp_at, stamp_sequence, \
         stamp_progress, effect, digest, inbound, subject, trace) \
         SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL";
    EVENT_BODY(2) "writing events' bodies":
        "INSERT INTO event_body (event, body) SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL";
    PERSONAL(3) "writing personal data":
        "INSERT INTO personal (event, subject, sealed) SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL";
    SUBJECT_KEY(3) "writing subjects' keys":
        "INSERT INTO subject_key (id, subject, wrapped) SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL";
    ATTEMPT(8) "writing attempts":
        "INSERT INTO attempt (delivery, fence, number, kind, started, ended, outcome, message) \
         SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL";
    EXCHANGE(6) "writing exchanges":
        "INSERT INTO exchange (delivery, fence, ended, subject, day, sealed) \
         SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL";
    ENTITY(11) "writing what is known of entities":
        "INSERT INTO entity_state (connector, entity, stamp_at, stamp_believed, stamp_sequence, stamp_progress, digest, \
         there, annulled, told, owed_at) \
         SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL ON CONFLICT DO UPDATE SET \
         stamp_at = excluded.stamp_at, stamp_believed = excluded.stamp_believed, \
         stamp_sequence = excluded.stamp_sequence, stamp_progress = excluded.stamp_progress, digest = excluded.digest, there = excluded.there, \
         annulled = excluded.annulled, told = excluded.told, owed_at = excluded.owed_at";
    PIN(2) "writing pins":
        "INSERT INTO pin (root, connector) SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL";
    REFERENCE(6) "writing references":
        "INSERT INTO reference (ref, connector, entity, kind, id, number) \
         SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL \
         ON CONFLICT (ref) DO UPDATE SET number = excluded.number";
    NO_LINES(1) "dropping references' lines": "DELETE FROM reference_line WHERE ref IN ({rows})";
    LINE(3) "writing references' lines":
        "INSERT INTO reference_line (ref, line, id) \
         SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL ON CONFLICT DO NOTHING";
    SERIAL(2) "writing serial numbers":
        "INSERT INTO serial (connector, last) SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL \
         ON CONFLICT DO UPDATE SET last = excluded.last";
    PAUSED(4) "pausing connectors":
        "INSERT INTO paused (connector, code, message, since) \
         SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL \
         ON CONFLICT DO UPDATE SET code = excluded.code, message = excluded.message, since = excluded.since";
    OUT_FILE(5) "keeping files":
        "INSERT INTO out_file (id, connector, name, size, at) \
         SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL";
    OUT_BODY(3) "keeping files' contents":
        "INSERT INTO out_file_body (file, day, sealed) \
         SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL";
    OUT_CARRIES(3) "keeping what files carry":
        "INSERT INTO out_file_carries (file, delivery, overdue) \
         SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL";
    SEQUENCE(3) "keeping sequence numbers":
        "INSERT INTO sequence (connector, name, last) SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL \
         ON CONFLICT DO UPDATE SET last = max(last, excluded.last)";
    MAPPING(6) "writing mappings":
        "INSERT INTO mapping (connector, tbl, value, target, at, by) \
         SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL \
         ON CONFLICT DO UPDATE SET target = excluded.target, at = excluded.at, by = excluded.by";
    NO_MAPPING(3) "removing mappings":
        "DELETE FROM mapping WHERE (connector, tbl, value) IN (VALUES {rows})";
    MAPPING_CHANGE(8) "writing mappings' history":
        "INSERT INTO mapping_change (connector, tbl, version, at, by, value, before, after) \
         SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL";
    STORE(5) "writing stores":
        "INSERT INTO store (id, version, record, at, by) \
         SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL \
         ON CONFLICT DO UPDATE SET version = excluded.version, record = excluded.record, at = excluded.at, \
         by = excluded.by";
    NO_STORE(1) "removing stores": "DELETE FROM store WHERE id IN ({rows})";
    STORE_CODE(3) "writing stores' codes":
        "INSERT INTO store_code (system, code, store) \
         SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL";
    NO_STORE_CODES(1) "removing stores' codes": "DELETE FROM store_code WHERE store IN ({rows})";
    STORE_CHANGE(5) "writing stores' history":
        "INSERT INTO store_change (store, version, at, by, record) \
         SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL";
    REWRAP_SUBJECT(2) "wrapping subjects' keys again":
        "UPDATE subject_key SET wrapped = column2 FROM (VALUES {rows}) WHERE id = column1";
    REWRAP_DAY(2) "wrapping days' keys again":
        "UPDATE day_key SET wrapped = column2 FROM (VALUES {rows}) WHERE day = column1";
    REWRAP_SECRET(2) "sealing secrets again":
        "UPDATE secret SET sealed = column2 FROM (VALUES {rows}) WHERE id = column1";
    WRITTEN(5) "keeping what was written":
        "INSERT INTO written (connector, entity, attribute, value, at) \
         SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL \
         ON CONFLICT DO UPDATE SET at = excluded.at, value = CASE \
         WHEN substr(char(31) || value, -length(excluded.value) - 1) = char(31) || excluded.value THEN value \
         WHEN length(value) > 4000 THEN excluded.value ELSE value || char(31) || excluded.value END";
    CONFLICT(7) "writing conflicts":
        "INSERT INTO conflict (event, connector, entity, attribute, value, applied, at, written) \
         SELECT wanted.*, (SELECT value FROM written WHERE written.connector = column2 \
         AND written.entity = column3 AND written.attribute = column4 \
         AND column4 NOT IN ('order.note', 'order.personal')) \
         FROM (VALUES {rows}) AS wanted WHERE column1 IS NOT NULL ON CONFLICT DO NOTHING";
    SALE(2) "keeping what sales are called":
        "INSERT INTO natural_key (key, entity) SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL";
    ALIAS(2) "keeping who told a sale first":
        "INSERT INTO alias (entity, first) SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL";
    CLOSED_DAY(5) "closing days":
        "INSERT INTO closed_day (store, date, closed_at, arrived, event) \
         SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL";
    MESSAGE(3) "keeping messages":
        "INSERT INTO message (connector, id, delivery) SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL \
         ON CONFLICT DO UPDATE SET delivery = excluded.delivery";
    LEVEL(7) "keeping stock levels":
        "INSERT INTO stock_level (source, sku, location, place, available, stamp_at, sequence) \
         SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL ON CONFLICT DO UPDATE SET \
         place = excluded.place, available = excluded.available, stamp_at = excluded.stamp_at, \
         sequence = excluded.sequence \
         WHERE (excluded.stamp_at, excluded.sequence) >= (stock_level.stamp_at, stock_level.sequence)";
    SETTLED(2) "counting what is settled":
        "INSERT INTO settled (connector, count) SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL \
         ON CONFLICT DO UPDATE SET count = count + excluded.count";

    /// Inbounds of marks.
    SEEN_BEFORE(1) "looking for duplicates": "SELECT mark, inbound FROM inbound_seen WHERE mark IN ({rows})";
    /// Which of these inbounds have yet to be read.
    PENDING(1) "looking for pending inbounds": "SELECT id FROM inbound WHERE state = 0 AND id IN ({rows})";
    /// Events of keys.
    KEYS(1) "looking for keys": "SELECT key, id, digest FROM event WHERE key IN ({rows})";
    /// What is known of entities, given as connector and identity.
    ENTITIES(2) "reading what is known of entities":
        "WITH wanted (c, e) AS (VALUES {rows}) \
         SELECT connector, entity, stamp_at, stamp_believed, stamp_sequence, stamp_progress, digest, there, \
         annulled, told, owed_at FROM wanted CROSS JOIN entity_state ON connector = c AND entity = e";
    /// Files of names, given as connector and name.
    OUT_NAMES(2) "looking for files":
        "WITH wanted (c, n) AS (VALUES {rows}) \
         SELECT name FROM wanted CROSS JOIN out_file ON connector = c AND name = n";
    /// Mappings, given as connector, table and value.
    MAPPINGS(3) "reading mappings":
        "WITH wanted (c, t, v) AS (VALUES {rows}) SELECT connector, tbl, value, target FROM wanted \
         CROSS JOIN mapping ON connector = c AND tbl = t AND value = v";
    /// What was written about entities, given as connector and identity.
    WRITTEN_OF(2) "reading what was written":
        "WITH wanted (c, e) AS (VALUES {rows}) SELECT connector, entity, attribute, value \
         FROM wanted CROSS JOIN written ON connector = c AND entity = e";
    /// Which orders told sales first.
    SALES(1) "reading what sales are called": "SELECT key, entity FROM natural_key WHERE key IN ({rows})";
    /// Which orders tell what another told first.
    ALIASES(1) "reading who told a sale first": "SELECT entity, first FROM alias WHERE entity IN ({rows})";
    /// Closed days, given as store and date.
    CLOSED_DAYS(2) "reading closed days":
        "WITH wanted (s, d) AS (VALUES {rows}) SELECT store, date, closed_at, arrived \
         FROM wanted CROSS JOIN closed_day ON store = s AND date = d";
    /// The levels of sums, given as lane, article and place.
    LEVELS_OF(3) "reading stock levels":
        "WITH wanted (l, s, p) AS (VALUES {rows}) SELECT l, available \
         FROM wanted CROSS JOIN stock_level ON sku = s AND place = p";
    /// The pins of roots.
    PINS(1) "reading pins": "SELECT root, connector FROM pin WHERE root IN ({rows})";
    /// The live keys of subjects.
    SUBJECTS(1) "reading subjects' keys":
        "SELECT subject, id, wrapped FROM subject_key WHERE wrapped IS NOT NULL AND subject IN ({rows})";
    /// Whose personal data events came with.
    SUBJECT_OF(1) "looking for events' subjects":
        "SELECT event, personal.subject, wrapped FROM personal \
         JOIN subject_key ON subject_key.id = personal.subject WHERE event IN ({rows})";
    /// What entities are called, given as identity and connector.
    REFERENCES(2) "reading references":
        "WITH wanted (e, c) AS (VALUES {rows}) \
         SELECT reference.connector, reference.entity, reference.ref, reference.kind, reference.id, \
         reference.number, line, reference_line.id FROM wanted \
         CROSS JOIN reference ON reference.entity = e AND reference.connector = c \
         LEFT JOIN reference_line ON reference_line.ref = reference.ref ORDER BY reference.ref";
    /// What a claim hands out: delivery, the event it is for, and the event it carries.
    CONTENT(3) "reading events":
        "WITH wanted (d, e, p) AS (VALUES {rows}) \
         SELECT d, event.key, event.trace, event.recorded_at, body, personal.subject, sealed, wrapped FROM wanted \
         CROSS JOIN event ON event.id = e \
         LEFT JOIN event_body ON event_body.event = p LEFT JOIN personal ON personal.event = p \
         LEFT JOIN subject_key ON subject_key.id = personal.subject";
}

/// What a group writes, in the order it is written.
pub(super) struct Piles {
    pub inbound: Pile,
    pub seen: Pile,
    pub body: Pile,
    pub day_key: Pile,
    pub read: Pile,
    pub event: Pile,
    pub event_body: Pile,
    pub personal: Pile,
    pub subject_key: Pile,
    pub delivery: Pile,
    pub attempt: Pile,
    pub exchange: Pile,
    pub entity: Pile,
    pub pin: Pile,
    pub reference: Pile,
    pub no_lines: Pile,
    pub line: Pile,
    pub serial: Pile,
    pub out_file: Pile,
    pub out_body: Pile,
    pub out_carries: Pile,
    pub sequence: Pile,
    pub written: Pile,
    pub conflict: Pile,
    pub sale: Pile,
    pub alias: Pile,
    pub closed_day: Pile,
    pub message: Pile,
    pub level: Pile,
    pub settled: Pile,
    pub paused: Pile,
}

impl Default for Piles {
    fn default() -> Self {
        Self {
            inbound: Pile::new(&INBOUND),
            seen: Pile::new(&SEEN),
            body: Pile::new(&BODY),
            day_key: Pile::new(&DAY_KEY),
            read: Pile::new(&READ),
            event: Pile::new(&EVENT),
            event_body: Pile::new(&EVENT_BODY),
            personal: Pile::new(&PERSONAL),
            subject_key: Pile::new(&SUBJECT_KEY),
            delivery: Pile::new(&delivery::WRITE),
            attempt: Pile::new(&ATTEMPT),
            exchange: Pile::new(&EXCHANGE),
            entity: Pile::new(&ENTITY),
            pin: Pile::new(&PIN),
            reference: Pile::new(&REFERENCE),
            no_lines: Pile::new(&NO_LINES),
            line: Pile::new(&LINE),
            serial: Pile::new(&SERIAL),
            out_file: Pile::new(&OUT_FILE),
            out_body: Pile::new(&OUT_BODY),
            out_carries: Pile::new(&OUT_CARRIES),
            sequence: Pile::new(&SEQUENCE),
            written: Pile::new(&WRITTEN),
            conflict: Pile::new(&CONFLICT),
            sale: Pile::new(&SALE),
            alias: Pile::new(&ALIAS),
            closed_day: Pile::new(&CLOSED_DAY),
            message: Pile::new(&MESSAGE),
            level: Pile::new(&LEVEL),
            settled: Pile::new(&SETTLED),
            paused: Pile::new(&PAUSED),
        }
    }
}

impl Piles {
    /// Writes everything.
    pub(super) async fn write(&mut self, connection: &mut SqliteConnection, texts: &mut Texts) -> Result<()> {
        for pile in [
            &mut self.inbound,
            &mut self.seen,
            &mut self.body,
            &mut self.day_key,
            &mut self.read,
            &mut self.event,
            &mut self.event_body,
            &mut self.personal,
            &mut self.subject_key,
            &mut self.delivery,
            &mut self.attempt,
            &mut self.exchange,
            &mut self.entity,
            &mut self.pin,
            &mut self.reference,
            &mut self.no_lines,
            &mut self.line,
            &mut self.serial,
            &mut self.out_file,
            &mut self.out_body,
            &mut self.out_carries,
            &mut self.sequence,
            &mut self.written,
            &mut self.conflict,
            &mut self.sale,
            &mut self.alias,
            &mut self.closed_day,
            &mut self.message,
            &mut self.level,
            &mut self.settled,
            &mut self.paused,
        ] {
            if !pile.is_empty() {
                pile.write(connection, texts).await?;
            }
        }
        Ok(())
    }
}
