-- What holds a landscape of several systems together: what was written and comes back, sales that two
-- systems tell, days that are closed, messages that wait for an answer, stock that several count.

-- What the newest state of an entity told, a mark for each attribute (rules::told::Marks), and which state
-- was owed last: an echo or a conflict is admitted and not owed. Absent: the newest.
ALTER TABLE entity_state ADD COLUMN told BLOB;
ALTER TABLE entity_state ADD COLUMN owed_at INTEGER;

-- What was written to a connector's system, as its own events will tell it: the values that have yet to be told,
-- the latest last. What is personal is kept as a mark under a key.
CREATE TABLE written (
    connector TEXT    NOT NULL,
    entity    TEXT    NOT NULL,
    attribute TEXT    NOT NULL,
    value     TEXT    NOT NULL,
    at        INTEGER NOT NULL,
    PRIMARY KEY (connector, entity, attribute)
) STRICT, WITHOUT ROWID;

-- Deliveries of what may be an echo of a write that is on its way: what they wait for, and what they tell, as JSON.
CREATE TABLE held (
    delivery INTEGER PRIMARY KEY,
    kept     TEXT    NOT NULL
) STRICT;

-- What was told by a system that does not own it, an attribute a row. value: what it told; absent where it
-- is personal. written: what had been written there.
CREATE TABLE conflict (
    id        INTEGER PRIMARY KEY,
    event     INTEGER NOT NULL,
    connector TEXT    NOT NULL,
    entity    TEXT    NOT NULL,
    attribute TEXT    NOT NULL,
    value     TEXT,
    written   TEXT,
    applied   INTEGER NOT NULL,
    at        INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX conflict_of_event ON conflict (event, attribute);

-- Which order told a sale first, by what names the sale everywhere.
CREATE TABLE natural_key (
    key    TEXT PRIMARY KEY,
    entity TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Orders that tell a sale which another told first.
CREATE TABLE alias (
    entity TEXT PRIMARY KEY,
    first  TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX alias_of_first ON alias (first);

CREATE TABLE closed_day (
    store     TEXT    NOT NULL,
    date      TEXT    NOT NULL,
    closed_at TEXT    NOT NULL,
    -- When word of it arrived.
    arrived   INTEGER NOT NULL,
    event     INTEGER NOT NULL,
    PRIMARY KEY (store, date)
) STRICT, WITHOUT ROWID;

-- The delivery that a message carried, for those that are answered later.
CREATE TABLE message (
    connector TEXT    NOT NULL,
    id        TEXT    NOT NULL,
    delivery  INTEGER NOT NULL,
    PRIMARY KEY (connector, id)
) STRICT, WITHOUT ROWID;

-- The newest level of an article at each location of each source. available: absent when it is not stocked.
CREATE TABLE stock_level (
    source    TEXT    NOT NULL,
    sku       TEXT    NOT NULL,
    location  TEXT    NOT NULL,
    place     TEXT    NOT NULL,
    available TEXT,
    stamp_at  INTEGER NOT NULL,
    sequence  INTEGER NOT NULL,
    PRIMARY KEY (source, sku, location)
) STRICT, WITHOUT ROWID;
CREATE INDEX stock_level_of_place ON stock_level (sku, place);
