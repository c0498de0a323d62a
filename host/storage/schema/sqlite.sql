-- The database of a host, on SQLite.
--
-- Times are milliseconds since 1970, and days are days since then, unless a comment says otherwise. Rows that are read
-- and written often are narrow, and their contents lie apart, so that working the queue never moves documents through
-- the cache. Codes of states, endings and effects are the numbers of `rows/codes.rs`:
--   state:  0 queued, 1 ready, 2 sending, 3 waiting, 4 received, 5 settled, 6 exception
--   sent:   0 no, 1 maybe, 2 yes
--   ending: 0 posted, 1 already-there, 2 ignored, 3 stale, 4 joined, 5 annulled, 6 discarded, 7 echo, 8 conflict,
--           9 same-sale
--
-- An order leaves as a whole (`Append::Prune`); what later decisions need of it stays in narrow rows. Each table
-- says when its rows leave, or why they stay.

-- The identity of the database and its sealed secrets: a row each. Stays.
CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The last number of each kind that was used, written when rows leave: a number is never used again. Stays.
CREATE TABLE counter (
    name TEXT PRIMARY KEY,
    last INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Requests. state: 0 pending, 1 read, 2 quarantined. due_at: while it is leased, when the lease ends.
-- Leaves when it was read, its bytes are gone, and it is older than the retention of orders.
CREATE TABLE inbound (
    id              INTEGER PRIMARY KEY,
    connector       TEXT    NOT NULL,
    received_at     INTEGER NOT NULL,
    state           INTEGER NOT NULL,
    due_at          INTEGER NOT NULL,
    leased          INTEGER NOT NULL,
    attempts        INTEGER NOT NULL,
    trace           TEXT    NOT NULL,
    problem_code    TEXT,
    problem_message TEXT,
    problem_field   TEXT,
    has_body        INTEGER NOT NULL
) STRICT;
CREATE INDEX inbound_without_body ON inbound (received_at, id) WHERE has_body = 0;
CREATE INDEX inbound_pending ON inbound (connector, due_at, id) WHERE state = 0;
CREATE INDEX inbound_leased ON inbound (leased, id) WHERE leased = 1;
CREATE INDEX inbound_quarantined ON inbound (id) WHERE state = 2;
CREATE INDEX inbound_quarantined_of ON inbound (connector, id) WHERE state = 2;

-- 128 bits of SHA-256 over connector and what identifies a duplicate within it. Stays: a duplicate may come at any
-- time.
CREATE TABLE inbound_key (
    key     BLOB    PRIMARY KEY,
    inbound INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The request, sealed with the key of its day. Leaves with the retention of requests, once it was read.
CREATE TABLE inbound_body (
    inbound INTEGER PRIMARY KEY,
    day     INTEGER NOT NULL,
    sealed  BLOB    NOT NULL
) STRICT;
CREATE INDEX inbound_body_of_day ON inbound_body (day, inbound);

-- The key of a day, sealed with the database's key. Leaves when nothing is sealed with it any more.
CREATE TABLE day_key (
    day    INTEGER PRIMARY KEY,
    sealed BLOB    NOT NULL
) STRICT;

-- Events without their contents. Leaves with its order.
CREATE TABLE event (
    id             INTEGER PRIMARY KEY,
    key            TEXT    NOT NULL,
    kind           TEXT    NOT NULL,
    source         TEXT    NOT NULL,
    entity         TEXT    NOT NULL,
    -- Absent when the entity is its own root.
    root           TEXT,
    occurred_at    TEXT    NOT NULL,
    recorded_at    INTEGER NOT NULL,
    -- In microseconds since 1970.
    stamp_at       INTEGER NOT NULL,
    stamp_believed INTEGER NOT NULL,
    stamp_sequence INTEGER,
    stamp_progress INTEGER NOT NULL,
    effect         INTEGER NOT NULL,
    digest         ANY     NOT NULL,
    inbound        INTEGER,
    -- Whose personal data it came with. Absent when it came with none, and the root stands for its person.
    subject        INTEGER,
    trace          TEXT    NOT NULL,
    -- What is listed of an order: its total in the shop's currency.
    amount         TEXT,
    currency       TEXT
) STRICT;
CREATE INDEX event_of_root ON event (coalesce(root, entity), id);
CREATE INDEX event_of_entity ON event (entity, id) WHERE root IS NOT NULL;
CREATE INDEX event_of_kind ON event (kind, id);
CREATE INDEX event_recorded ON event (recorded_at, id);

-- Idempotency keys in use: 48 bits of the number in the key, so that keys which come together lie together, and 128 bits
-- of SHA-256 over the key; and the digest of its fact. Stays: a source may report an event again after its order has
-- left.
CREATE TABLE event_key (
    key    BLOB    PRIMARY KEY,
    event  INTEGER NOT NULL,
    digest ANY     NOT NULL
) STRICT, WITHOUT ROWID;

-- The event as JSON, without personal data. Leaves with its event.
CREATE TABLE event_body (
    event INTEGER PRIMARY KEY,
    body  TEXT    NOT NULL
) STRICT;

-- What people search events by: order number, store, article numbers, total, ids; in lower case, each as one word. The
-- rowid is the event's number. Leaves with its event.
CREATE VIRTUAL TABLE event_term USING fts5 (
    terms, content = '', columnsize = 0, detail = 'none', tokenize = "ascii tokenchars '_'"
);

-- Personal data, sealed with the key of its subject. Leaves with its event.
CREATE TABLE personal (
    event   INTEGER PRIMARY KEY,
    subject INTEGER NOT NULL,
    sealed  BLOB    NOT NULL
) STRICT;

-- Persons with their keys, sealed with the database's key. One who is erased has no key any more; one who comes
-- back gets a new row. Leaves with the last event of the person.
CREATE TABLE subject (
    id        INTEGER PRIMARY KEY,
    name      TEXT    NOT NULL,
    sealed    BLOB,
    erased_at INTEGER
) STRICT;
-- The key is found without a look at the row.
CREATE INDEX subject_name ON subject (name, sealed);

-- The events of each subject: its number as a word, the event's number as the rowid. An index would change a page of its
-- own for each order of a customer who is known. Leaves with its event.
CREATE VIRTUAL TABLE subject_event USING fts5 (
    subject, content = '', columnsize = 0, detail = 'none', tokenize = 'ascii'
);

-- What people search events by of which they know the person: 128 bits of a keyed hash of a normalised e-mail
-- address, telephone number or name, in hexadecimal. The rowid is the event's number. Leaves with its event, of which
-- the words stay in the file until the index merges; and when the person is erased: at once, but for the first few digits
-- of a word that a page of the index began with, which stay until the page is merged.
CREATE VIRTUAL TABLE customer_term USING fts5 (
    terms, content = '', columnsize = 0, detail = 'none', tokenize = 'ascii'
);

-- The queue. One row an event and connector, and one more for each posting again on purpose. Leaves with its order.
CREATE TABLE delivery (
    id             INTEGER PRIMARY KEY,
    event          INTEGER NOT NULL,
    carries        INTEGER NOT NULL,
    connector      TEXT    NOT NULL,
    generation     INTEGER NOT NULL,
    lane           TEXT    NOT NULL,
    -- Absent when the entity is its own lane.
    entity         TEXT,
    effect         INTEGER NOT NULL,
    -- In microseconds since 1970.
    stamp_at       INTEGER NOT NULL,
    stamp_believed INTEGER NOT NULL,
    follows_books  INTEGER NOT NULL,
    until_posted   INTEGER NOT NULL,
    state          INTEGER NOT NULL,
    ending         INTEGER,
    sent           INTEGER NOT NULL,
    look_up        INTEGER NOT NULL,
    attempts       INTEGER NOT NULL,
    failures       INTEGER NOT NULL,
    finds          INTEGER NOT NULL,
    due_at         INTEGER NOT NULL,
    not_before     INTEGER NOT NULL,
    lease_until    INTEGER NOT NULL,
    sent_at        INTEGER NOT NULL,
    fence          INTEGER NOT NULL,
    serial         INTEGER,
    resume         TEXT,
    joined_to      INTEGER,
    awaits         TEXT,
    awaited        INTEGER NOT NULL,
    waiting_since  INTEGER,
    reason_code    TEXT,
    reason_message TEXT,
    reason_field   TEXT,
    -- The event by which the target answered before the answer to the call was recorded.
    early_answer   INTEGER,
    since          INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX delivery_of_event ON delivery (event, connector, generation);
-- For listings, counts, and replays: the deliveries of a connector in a state, in the order of their events.
CREATE INDEX delivery_of_state ON delivery (connector, state, event);
-- The heads of lanes: all that a claim looks at, however many are behind them.
CREATE INDEX delivery_ready ON delivery (connector, due_at, id) WHERE state = 1;
CREATE INDEX delivery_lane ON delivery (connector, lane, id) WHERE state <> 5;
CREATE INDEX delivery_leased ON delivery (lease_until, id) WHERE state = 2;
CREATE INDEX delivery_waiting ON delivery (due_at, id) WHERE state = 3;
CREATE INDEX delivery_waiting_since ON delivery (connector, waiting_since, id) WHERE state = 3;
CREATE INDEX delivery_received ON delivery (connector, due_at, id) WHERE state = 4;
CREATE INDEX delivery_awaiting ON delivery (awaits, id, connector, since)
    WHERE awaits IS NOT NULL AND state IN (3, 6);
CREATE INDEX delivery_in_flight ON delivery (connector, id, lane, lease_until)
    WHERE state = 2 OR (state IN (1, 3) AND sent = 1);
CREATE INDEX delivery_stuck ON delivery (connector, coalesce(waiting_since, since), id) WHERE state <> 5;
-- Deliveries that carry the content of another event than their own.
CREATE INDEX delivery_carrying ON delivery (carries) WHERE carries <> event;
CREATE INDEX delivery_exception ON delivery (id) WHERE state = 6;
CREATE INDEX delivery_exception_of ON delivery (connector, id) WHERE state = 6;
-- The order in which retention looks at deliveries.
CREATE INDEX delivery_settled ON delivery (since, id) WHERE state = 5;

-- How many deliveries a connector has settled. Stays: a row a connector.
CREATE TABLE settled_count (
    connector TEXT PRIMARY KEY,
    count     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Every attempt. kind: 0 send, 1 find. Leaves with its delivery.
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

-- What was sent and received in an attempt, sealed with the key of the event's subject, else of its day. Leaves
-- with the retention of requests, and with its delivery.
CREATE TABLE exchange (
    id       INTEGER PRIMARY KEY,
    delivery INTEGER NOT NULL,
    fence    INTEGER NOT NULL,
    ended    INTEGER NOT NULL,
    subject  INTEGER,
    day      INTEGER,
    sealed   BLOB    NOT NULL
) STRICT;
CREATE UNIQUE INDEX exchange_of_attempt ON exchange (delivery, fence);
CREATE INDEX exchange_ended ON exchange (ended);
CREATE INDEX exchange_of_day ON exchange (day) WHERE day IS NOT NULL;

-- The newest state that was admitted for a connector about an entity. Stays: a late report of an older state must
-- not undo it.
CREATE TABLE entity_state (
    connector      TEXT    NOT NULL,
    entity         TEXT    NOT NULL,
    -- In microseconds since 1970.
    stamp_at       INTEGER,
    stamp_believed INTEGER,
    stamp_sequence INTEGER,
    stamp_progress INTEGER,
    digest         ANY,
    exists_there   INTEGER NOT NULL,
    annulled       INTEGER NOT NULL,
    -- Fingerprints of the reported attribute values, nine bytes each.
    reported       BLOB,
    -- When the newest state that was enqueued is dated, in microseconds since 1970.
    enqueued          INTEGER,
    enqueued_believed INTEGER,
    PRIMARY KEY (connector, entity)
) STRICT, WITHOUT ROWID;

-- The connector that owns the books of an order. Stays: a late refund has to find it.
CREATE TABLE pin (
    root      TEXT PRIMARY KEY,
    connector TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The references of an entity in a connector's system, numbered as they came; lines: JSON, absent when there are
-- none. Stays: a late refund names the order by it.
CREATE TABLE reference (
    entity    TEXT    NOT NULL,
    connector TEXT    NOT NULL,
    position  INTEGER NOT NULL,
    kind      TEXT    NOT NULL,
    id        TEXT    NOT NULL,
    number    TEXT,
    lines     TEXT,
    PRIMARY KEY (entity, connector, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX reference_of_id ON reference (lower(id), connector, kind, id);
CREATE INDEX reference_of_number ON reference (lower(number)) WHERE number IS NOT NULL;

-- The last serial number of a connector. Stays: a row a connector.
CREATE TABLE serial (
    connector TEXT PRIMARY KEY,
    last      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The position of a poll. Stays: a row a connector.
CREATE TABLE cursor (
    connector TEXT PRIMARY KEY,
    cursor    TEXT NOT NULL,
    at        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Paused connectors. Leaves when the connector is resumed.
CREATE TABLE pause (
    connector TEXT PRIMARY KEY,
    code      TEXT NOT NULL,
    message   TEXT NOT NULL,
    since     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- API tokens: their hashes. Leaves when the token is revoked.
CREATE TABLE token (
    name       TEXT PRIMARY KEY,
    hash       BLOB NOT NULL UNIQUE,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Operators' acts. Leaves with the retention of records.
CREATE TABLE audit (
    id      INTEGER PRIMARY KEY,
    at      INTEGER NOT NULL,
    by      TEXT    NOT NULL,
    action  TEXT    NOT NULL,
    subject TEXT    NOT NULL,
    detail  TEXT    NOT NULL
) STRICT;
CREATE INDEX audit_at ON audit (at);

-- The last values that were written to an entity of a connector's system, by attribute, as JSON: from the one that was
-- last reported back. Personal ones are fingerprints. Leaves when the system reports other values.
CREATE TABLE outbound_write (
    connector TEXT NOT NULL,
    entity    TEXT NOT NULL,
    written   TEXT NOT NULL,
    PRIMARY KEY (connector, entity)
) STRICT, WITHOUT ROWID;

-- Deliveries that may be the echo of an in-flight write: what they report, as JSON. Leaves when that is resolved.
CREATE TABLE in_flight_wait (
    delivery INTEGER PRIMARY KEY,
    wait     TEXT    NOT NULL
) STRICT;

-- The in-flight deliveries that such a delivery awaits. Leaves with it.
CREATE TABLE in_flight_awaited (
    in_flight INTEGER NOT NULL,
    delivery  INTEGER NOT NULL,
    PRIMARY KEY (in_flight, delivery)
) STRICT, WITHOUT ROWID;
CREATE INDEX in_flight_awaited_by ON in_flight_awaited (delivery);

-- An attribute that an event reported though its source does not own it. value, written: absent where they are
-- personal. Leaves with the retention of records, and with its event.
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
CREATE INDEX conflict_of_connector ON conflict (connector, id);
CREATE INDEX conflict_at ON conflict (at);

-- The order that reported a sale first, by what names the sale in every system. Stays: the second source's report
-- may be late.
CREATE TABLE natural_key (
    key   TEXT PRIMARY KEY,
    first TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Orders that report a sale which another reported first. Stays, as the natural key.
CREATE TABLE alias (
    root  TEXT PRIMARY KEY,
    first TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX alias_of_first ON alias (first, root);

-- The refunds that were reported of an order, as JSON. Stays: another source may report them late.
CREATE TABLE reported_refund (
    root    TEXT PRIMARY KEY,
    refunds TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Closed days. Stays: a row a store and day.
CREATE TABLE closing (
    store     TEXT    NOT NULL,
    date      TEXT    NOT NULL,
    closed_at TEXT    NOT NULL,
    arrived   INTEGER NOT NULL,
    event     INTEGER NOT NULL,
    PRIMARY KEY (store, date)
) STRICT, WITHOUT ROWID;

-- The newest level of an article at each location of each source. available: absent when it is not stocked.
-- Stays: a row an article and location.
CREATE TABLE stock_level (
    sku       TEXT    NOT NULL,
    place     TEXT    NOT NULL,
    source    TEXT    NOT NULL,
    location  TEXT    NOT NULL,
    available TEXT,
    -- In microseconds since 1970.
    believed  INTEGER NOT NULL,
    sequence  INTEGER,
    PRIMARY KEY (sku, place, source, location)
) STRICT, WITHOUT ROWID;

-- The delivery that a message carried. Leaves with its delivery.
CREATE TABLE message (
    connector TEXT    NOT NULL,
    id        TEXT    NOT NULL,
    delivery  INTEGER NOT NULL,
    PRIMARY KEY (connector, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX message_of_delivery ON message (delivery);

-- Awaited keys that are there and have more deliveries to release; the connector `*` stands for every connector.
-- Leaves when they are released.
CREATE TABLE pending_release (
    connector TEXT NOT NULL,
    key       TEXT NOT NULL,
    PRIMARY KEY (connector, key)
) STRICT, WITHOUT ROWID;

-- How far each pass of retention has come. Stays: a row a pass.
CREATE TABLE retention_position (
    pass   INTEGER PRIMARY KEY,
    at     INTEGER NOT NULL,
    number INTEGER NOT NULL
) STRICT;

-- Outbox files; carries: the deliveries that the file carries until it is written, as JSON. Stays: a name is used
-- once.
CREATE TABLE out_file (
    id         INTEGER PRIMARY KEY,
    connector  TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    size       INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    written_at INTEGER,
    carries    TEXT
) STRICT;
CREATE UNIQUE INDEX out_file_name ON out_file (connector, name);
CREATE INDEX out_file_of_connector ON out_file (connector, id);
CREATE INDEX out_file_waiting ON out_file (connector, id) WHERE written_at IS NULL;

-- The content, sealed with the key of its day. Leaves with the retention of requests, some time after it was written.
CREATE TABLE out_file_body (
    file       INTEGER PRIMARY KEY,
    day        INTEGER NOT NULL,
    written_at INTEGER,
    sealed     BLOB    NOT NULL
) STRICT;
CREATE INDEX out_file_body_written ON out_file_body (written_at) WHERE written_at IS NOT NULL;
CREATE INDEX out_file_body_of_day ON out_file_body (day);

-- The last number of each of a connector's sequences. Stays: a row a sequence.
CREATE TABLE sequence (
    connector TEXT    NOT NULL,
    name      TEXT    NOT NULL,
    last      INTEGER NOT NULL,
    PRIMARY KEY (connector, name)
) STRICT, WITHOUT ROWID;

-- The value that a connector's system uses for one of ours; the connector `*` stands for every connector. Leaves
-- when it is removed.
CREATE TABLE mapping (
    connector TEXT    NOT NULL,
    tbl       TEXT    NOT NULL,
    value     TEXT    NOT NULL,
    target    TEXT    NOT NULL,
    at        INTEGER NOT NULL,
    by        TEXT    NOT NULL,
    PRIMARY KEY (connector, tbl, value)
) STRICT, WITHOUT ROWID;
CREATE INDEX mapping_of_table ON mapping (tbl, value, connector);
CREATE INDEX mapping_of_value ON mapping (value);
CREATE INDEX mapping_by ON mapping (by);

-- Changes of mappings. One command makes one version of each table it changes. Leaves with the retention of
-- records, but for the newest version of each table.
CREATE TABLE mapping_change (
    id        INTEGER PRIMARY KEY,
    connector TEXT    NOT NULL,
    tbl       TEXT    NOT NULL,
    version   INTEGER NOT NULL,
    at        INTEGER NOT NULL,
    by        TEXT    NOT NULL,
    value     TEXT    NOT NULL,
    old       TEXT,
    new       TEXT
) STRICT;
CREATE INDEX mapping_change_version ON mapping_change (connector, tbl, version);
CREATE INDEX mapping_change_of ON mapping_change (connector, tbl, id);
CREATE INDEX mapping_change_of_connector ON mapping_change (connector, id);
CREATE INDEX mapping_change_of_table ON mapping_change (tbl, id);
CREATE INDEX mapping_change_at ON mapping_change (at);

-- The store registry: the record as JSON. Leaves when the store is removed.
CREATE TABLE store (
    id      TEXT    PRIMARY KEY,
    version INTEGER NOT NULL,
    record  TEXT    NOT NULL,
    at      INTEGER NOT NULL,
    by      TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

-- The codes of stores in other systems. Leaves with the store.
CREATE TABLE store_code (
    system TEXT NOT NULL,
    code   TEXT NOT NULL,
    store  TEXT NOT NULL,
    PRIMARY KEY (system, code)
) STRICT, WITHOUT ROWID;
CREATE INDEX store_code_of_store ON store_code (store);
CREATE INDEX store_code_of_code ON store_code (code, store);

-- Versions of stores; the record is absent where the store was removed. Leaves with the retention of records, but
-- for the newest version of each store.
CREATE TABLE store_change (
    store   TEXT    NOT NULL,
    version INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    by      TEXT    NOT NULL,
    record  TEXT,
    PRIMARY KEY (store, version)
) STRICT, WITHOUT ROWID;
CREATE INDEX store_change_at ON store_change (at);

-- Files that were imported, by what they hold: one that has not changed is not imported again. Stays: a row a kind.
CREATE TABLE imported_file (
    name TEXT    PRIMARY KEY,
    hash TEXT    NOT NULL,
    at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Secrets, sealed with the database's key. One that was removed keeps its version: versions only rise. Stays.
CREATE TABLE secret (
    id      INTEGER PRIMARY KEY,
    name    TEXT    NOT NULL UNIQUE,
    version INTEGER NOT NULL,
    sealed  BLOB,
    at      INTEGER NOT NULL,
    by      TEXT    NOT NULL
) STRICT;

-- The plugin that a connector runs since it was swapped (absent: the one its configuration names), and the one
-- before. Stays: a row a connector.
CREATE TABLE plugin_choice (
    connector TEXT    PRIMARY KEY,
    current   TEXT,
    previous  TEXT,
    at        INTEGER NOT NULL,
    by        TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
