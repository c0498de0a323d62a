-- The journal, the queue and everything durable.
--
-- Times are milliseconds since 1970. Hot rows are narrow and their bodies rest apart, so that working the
-- queue never drags documents through the cache. The tables that recognise duplicates are small and apart
-- too: bodies go with their retention, the memory of what has been seen stays.
--
-- States are numbers here, in the order of rules::lane::DeliveryState:
--   0 queued, 1 ready, 2 sending, 3 waiting, 4 received, 5 settled, 6 exception.

CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What arrived. state: 0 pending, 1 read, 2 quarantined.
CREATE TABLE inbound (
    id              INTEGER PRIMARY KEY,
    connector       TEXT    NOT NULL,
    received_at     INTEGER NOT NULL,
    state           INTEGER NOT NULL,
    trace           TEXT    NOT NULL,
    problem_code    TEXT,
    problem_message TEXT,
    problem_field   TEXT
) STRICT;
CREATE INDEX inbound_unread ON inbound (id) WHERE state <> 1;

-- 128 bits of SHA-256 over connector and what identifies a duplicate within it.
CREATE TABLE inbound_seen (
    mark    BLOB    PRIMARY KEY,
    inbound INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The request, sealed with the key of its day.
CREATE TABLE inbound_body (
    inbound INTEGER PRIMARY KEY,
    day     INTEGER NOT NULL,
    sealed  BLOB    NOT NULL
) STRICT;

CREATE TABLE day_key (
    day     INTEGER PRIMARY KEY,
    wrapped BLOB    NOT NULL
) STRICT;

CREATE TABLE event (
    id             INTEGER PRIMARY KEY,
    key            TEXT    NOT NULL UNIQUE,
    kind           TEXT    NOT NULL,
    entity         TEXT    NOT NULL,
    -- Absent when the entity is its own root.
    root           TEXT,
    occurred_at    TEXT    NOT NULL,
    recorded_at    INTEGER NOT NULL,
    stamp_at       INTEGER NOT NULL,
    stamp_sequence INTEGER,
    stamp_progress INTEGER NOT NULL,
    effect         TEXT    NOT NULL,
    digest         TEXT    NOT NULL,
    inbound        INTEGER,
    -- Whose personal data it came with. Absent when the root stands for its person.
    subject        TEXT,
    trace          TEXT    NOT NULL
) STRICT;
CREATE INDEX event_of_root ON event (coalesce(root, entity), id);

-- The event as JSON, without personal data.
CREATE TABLE event_body (
    event INTEGER PRIMARY KEY,
    body  TEXT    NOT NULL
) STRICT;

-- Personal data, sealed with the key of its subject.
CREATE TABLE personal (
    event   INTEGER PRIMARY KEY,
    subject INTEGER NOT NULL,
    sealed  BLOB    NOT NULL
) STRICT;

-- Without its wrapped key a subject is erased. One who comes back gets a new row.
CREATE TABLE subject_key (
    id        INTEGER PRIMARY KEY,
    subject   TEXT    NOT NULL,
    wrapped   BLOB,
    erased_at INTEGER
) STRICT;
CREATE UNIQUE INDEX subject_key_live ON subject_key (subject) WHERE wrapped IS NOT NULL;

-- The queue. One row an event and connector, and one more for each posting again on purpose.
CREATE TABLE delivery (
    id             INTEGER PRIMARY KEY,
    event          INTEGER NOT NULL,
    payload_event  INTEGER NOT NULL,
    connector      TEXT    NOT NULL,
    generation     INTEGER NOT NULL,
    lane           TEXT    NOT NULL,
    -- Absent when the entity is its own lane.
    entity         TEXT,
    effect         TEXT    NOT NULL,
    at             INTEGER NOT NULL,
    -- True when it is received and keeps its lane until it is posted.
    holds          INTEGER NOT NULL,
    state          INTEGER NOT NULL,
    ending         TEXT,
    sent           INTEGER NOT NULL,
    find           INTEGER NOT NULL,
    attempt        INTEGER NOT NULL,
    failures       INTEGER NOT NULL,
    finds          INTEGER NOT NULL,
    due_at         INTEGER NOT NULL,
    lease_until    INTEGER NOT NULL,
    sent_at        INTEGER NOT NULL,
    fence          INTEGER NOT NULL,
    serial         INTEGER,
    resume         TEXT,
    joined_to      INTEGER,
    waits_for      TEXT,
    waiting_since  INTEGER,
    reason_code    TEXT,
    reason_message TEXT,
    reason_field   TEXT,
    since          INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX delivery_of_event ON delivery (event, connector, generation);
-- The heads of lanes: all that a claim looks at, however many stand behind them.
CREATE INDEX delivery_ready ON delivery (connector, due_at, id) WHERE state = 1;
CREATE INDEX delivery_lane ON delivery (connector, lane, id) WHERE state <> 5;
CREATE INDEX delivery_leased ON delivery (lease_until) WHERE state = 2;
CREATE INDEX delivery_awaiting ON delivery (connector, waits_for) WHERE waits_for IS NOT NULL;
CREATE INDEX delivery_timed ON delivery (state, due_at) WHERE state IN (3, 4);
CREATE INDEX delivery_exception ON delivery (id) WHERE state = 6;

-- How many deliveries a connector has settled, so that counting them never scans.
CREATE TABLE settled (
    connector TEXT PRIMARY KEY,
    count     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Every try. kind: 0 send, 1 find.
CREATE TABLE attempt (
    delivery INTEGER NOT NULL,
    fence    INTEGER NOT NULL,
    number   INTEGER NOT NULL,
    kind     INTEGER NOT NULL,
    started  INTEGER NOT NULL,
    ended    INTEGER NOT NULL,
    outcome  TEXT    NOT NULL,
    message  TEXT    NOT NULL,
    PRIMARY KEY (delivery, fence)
) STRICT, WITHOUT ROWID;

-- What was exchanged in it, sealed with the key of the event's subject, else of its day.
CREATE TABLE exchange (
    delivery INTEGER NOT NULL,
    fence    INTEGER NOT NULL,
    ended    INTEGER NOT NULL,
    subject  INTEGER,
    day      INTEGER,
    sealed   BLOB    NOT NULL,
    PRIMARY KEY (delivery, fence)
) STRICT, WITHOUT ROWID;
CREATE INDEX exchange_ended ON exchange (ended);

-- What was admitted for a connector about an entity.
CREATE TABLE entity_state (
    connector      TEXT    NOT NULL,
    entity         TEXT    NOT NULL,
    -- By the source's clock, and as far as that is believed.
    stamp_at       INTEGER,
    stamp_believed INTEGER,
    stamp_sequence INTEGER,
    stamp_progress INTEGER,
    digest         TEXT,
    there          INTEGER NOT NULL,
    annulled       INTEGER NOT NULL,
    PRIMARY KEY (connector, entity)
) STRICT, WITHOUT ROWID;

-- Where an order's books live.
CREATE TABLE pin (
    root      TEXT PRIMARY KEY,
    connector TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What an entity is called in a connector's system: many to many.
CREATE TABLE reference (
    ref       INTEGER PRIMARY KEY,
    connector TEXT    NOT NULL,
    entity    TEXT    NOT NULL,
    kind      TEXT    NOT NULL,
    id        TEXT    NOT NULL,
    number    TEXT
) STRICT;
CREATE UNIQUE INDEX reference_of_entity ON reference (entity, connector, kind, id);
CREATE INDEX reference_by_id ON reference (id, connector, kind);

CREATE TABLE reference_line (
    ref  INTEGER NOT NULL,
    line TEXT    NOT NULL,
    id   TEXT    NOT NULL,
    PRIMARY KEY (ref, line, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE serial (
    connector TEXT PRIMARY KEY,
    last      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE cursor (
    connector TEXT PRIMARY KEY,
    cursor    TEXT NOT NULL,
    at        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A row is a connector that is paused.
CREATE TABLE paused (
    connector TEXT PRIMARY KEY,
    code      TEXT NOT NULL,
    message   TEXT NOT NULL,
    since     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE token (
    name       TEXT PRIMARY KEY,
    hash       BLOB NOT NULL UNIQUE,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
    id      INTEGER PRIMARY KEY,
    at      INTEGER NOT NULL,
    by      TEXT    NOT NULL,
    action  TEXT    NOT NULL,
    subject TEXT    NOT NULL,
    detail  TEXT    NOT NULL
) STRICT;
