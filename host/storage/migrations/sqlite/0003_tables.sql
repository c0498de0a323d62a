-- What operators keep (mappings, stores, secrets, plugin choices) and what plugins hand over (files, numbers).

-- Files that plugins handed over. A row stays for ever: a name is used once. The content goes with its
-- retention, some time after it was handed over.
CREATE TABLE out_file (
    id        INTEGER PRIMARY KEY,
    connector TEXT    NOT NULL,
    name      TEXT    NOT NULL,
    size      INTEGER NOT NULL,
    at        INTEGER NOT NULL,
    handed_at INTEGER
) STRICT;
CREATE UNIQUE INDEX out_file_name ON out_file (connector, name);
CREATE INDEX out_file_waiting ON out_file (connector, id) WHERE handed_at IS NULL;

-- The content, sealed with the key of its day.
CREATE TABLE out_file_body (
    file   INTEGER PRIMARY KEY,
    day    INTEGER NOT NULL,
    sealed BLOB    NOT NULL
) STRICT;

-- The received deliveries that a file carries which has yet to be handed over, and how long after that they may
-- take to be confirmed, in milliseconds.
CREATE TABLE out_file_carries (
    file     INTEGER NOT NULL,
    delivery INTEGER NOT NULL,
    overdue  INTEGER NOT NULL,
    PRIMARY KEY (file, delivery)
) STRICT, WITHOUT ROWID;

-- The last number of each of a connector's sequences.
CREATE TABLE sequence (
    connector TEXT    NOT NULL,
    name      TEXT    NOT NULL,
    last      INTEGER NOT NULL,
    PRIMARY KEY (connector, name)
) STRICT, WITHOUT ROWID;

-- What a value is called in a connector's system; the connector `*` stands for every connector.
CREATE TABLE mapping (
    connector TEXT    NOT NULL,
    tbl       TEXT    NOT NULL,
    value     TEXT    NOT NULL,
    target    TEXT    NOT NULL,
    at        INTEGER NOT NULL,
    by        TEXT    NOT NULL,
    PRIMARY KEY (connector, tbl, value)
) STRICT, WITHOUT ROWID;

-- Every change. One command makes one version of each table it changes; `after` is absent for a removal.
CREATE TABLE mapping_change (
    id        INTEGER PRIMARY KEY,
    connector TEXT    NOT NULL,
    tbl       TEXT    NOT NULL,
    version   INTEGER NOT NULL,
    at        INTEGER NOT NULL,
    by        TEXT    NOT NULL,
    value     TEXT    NOT NULL,
    before    TEXT,
    after     TEXT
) STRICT;
CREATE INDEX mapping_change_of ON mapping_change (connector, tbl, version);

-- The store registry: the record as JSON, and by what systems call it.
CREATE TABLE store (
    id      TEXT    PRIMARY KEY,
    version INTEGER NOT NULL,
    record  TEXT    NOT NULL,
    at      INTEGER NOT NULL,
    by      TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE store_code (
    system TEXT NOT NULL,
    code   TEXT NOT NULL,
    store  TEXT NOT NULL,
    PRIMARY KEY (system, code)
) STRICT, WITHOUT ROWID;

-- Every version of a store; the record is absent where it was removed.
CREATE TABLE store_change (
    store   TEXT    NOT NULL,
    version INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    by      TEXT    NOT NULL,
    record  TEXT,
    PRIMARY KEY (store, version)
) STRICT, WITHOUT ROWID;

-- Files that were imported, by what they hold: one that has not changed is not imported again.
CREATE TABLE imported (
    name TEXT    PRIMARY KEY,
    hash TEXT    NOT NULL,
    at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Secrets, sealed with the master key. One that was removed keeps its version, so that versions only rise.
CREATE TABLE secret (
    id      INTEGER PRIMARY KEY,
    name    TEXT    NOT NULL UNIQUE,
    version INTEGER NOT NULL,
    sealed  BLOB,
    at      INTEGER NOT NULL,
    by      TEXT    NOT NULL
) STRICT;

-- Which plugin a connector runs since it was swapped (empty: the one its configuration names), and the one before.
CREATE TABLE choice (
    connector TEXT    PRIMARY KEY,
    current   TEXT    NOT NULL,
    previous  TEXT,
    at        INTEGER NOT NULL,
    by        TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
