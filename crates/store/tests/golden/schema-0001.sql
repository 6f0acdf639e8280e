CREATE TABLE attachment (
    id            TEXT PRIMARY KEY,
    content_type  TEXT    NOT NULL,
    size          INTEGER NOT NULL,
    made_at       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE attachment_piece (
    attachment  TEXT    NOT NULL REFERENCES attachment (id) ON DELETE CASCADE,
    number      INTEGER NOT NULL,
    bytes       BLOB    NOT NULL,
    PRIMARY KEY (attachment, number)
) STRICT;

CREATE TABLE audit (
    number   INTEGER PRIMARY KEY AUTOINCREMENT,
    at       INTEGER NOT NULL,
    who      TEXT,             -- account; NULL where nobody has signed in
    action   TEXT    NOT NULL,
    subject  TEXT    NOT NULL  -- Type/id
) STRICT;

CREATE TABLE conflict (
    type            TEXT    NOT NULL,
    id              TEXT    NOT NULL,
    found_at        INTEGER NOT NULL,
    elements        TEXT    NOT NULL,  -- JSON list of element names
    base_body       TEXT,
    local_body      TEXT,
    remote_body     TEXT,              -- NULL: deleted there
    remote_version  TEXT,
    settled_at      INTEGER,           -- NULL while a person has to decide
    PRIMARY KEY (type, id, found_at)
) STRICT, WITHOUT ROWID;

CREATE TABLE draft (
    id          TEXT PRIMARY KEY,
    body        TEXT    NOT NULL,
    changed_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE index_date (
    type      TEXT    NOT NULL,
    param     TEXT    NOT NULL,
    start_ms  INTEGER NOT NULL,
    end_ms    INTEGER NOT NULL,
    key       INTEGER NOT NULL REFERENCES resource (key) ON DELETE CASCADE,
    PRIMARY KEY (type, param, start_ms, end_ms, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX index_date_key ON index_date (key);

CREATE TABLE index_reference (
    type         TEXT    NOT NULL,
    param        TEXT    NOT NULL,
    target_id    TEXT    NOT NULL,
    target_type  TEXT    NOT NULL,
    key          INTEGER NOT NULL REFERENCES resource (key) ON DELETE CASCADE,
    PRIMARY KEY (type, param, target_id, target_type, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX index_reference_key ON index_reference (key);

CREATE TABLE index_text (
    type    TEXT    NOT NULL,
    param   TEXT    NOT NULL,
    folded  TEXT    NOT NULL,  -- lower case, without accents
    key     INTEGER NOT NULL REFERENCES resource (key) ON DELETE CASCADE,
    PRIMARY KEY (type, param, folded, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX index_text_key ON index_text (key);

CREATE TABLE index_token (
    type    TEXT    NOT NULL,
    param   TEXT    NOT NULL,
    code    TEXT    NOT NULL,
    system  TEXT    NOT NULL,  -- '' where there is none
    key     INTEGER NOT NULL REFERENCES resource (key) ON DELETE CASCADE,
    PRIMARY KEY (type, param, code, system, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX index_token_key ON index_token (key);

CREATE TABLE meta (
    name   TEXT PRIMARY KEY,
    value  TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE outbox (
    op          INTEGER PRIMARY KEY AUTOINCREMENT,  -- number that the server remembers; never reused on this device
    grp         INTEGER NOT NULL,                   -- changes of one group go together or not at all
    type        TEXT    NOT NULL,
    id          TEXT    NOT NULL,
    base        TEXT,                               -- version that the change was made on; NULL creates
    body        TEXT,                               -- the resource as it should be; NULL deletes
    kind        TEXT    NOT NULL,                   -- what "Waiting to send" calls it
    lane        INTEGER NOT NULL,                   -- 0 words, 1 media
    made_at     INTEGER NOT NULL,
    attempt     INTEGER NOT NULL DEFAULT 0,         -- counted before sending, so that a crash counts
    tried_at    INTEGER,
    not_before  INTEGER NOT NULL DEFAULT 0,
    stuck       TEXT                                -- NULL while waiting; else a StuckReason as JSON
) STRICT;

CREATE INDEX outbox_group ON outbox (grp, op);

CREATE INDEX outbox_resource ON outbox (type, id, op);

CREATE TABLE receipt (
    type    TEXT NOT NULL,
    id      TEXT NOT NULL,
    number  TEXT NOT NULL,
    at      TEXT NOT NULL,  -- FHIR instant of the server
    PRIMARY KEY (type, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE resource (
    key             INTEGER PRIMARY KEY,
    type            TEXT NOT NULL,
    id              TEXT NOT NULL,
    body            TEXT,  -- as shown here; NULL: deleted here, the server does not know yet
    version         TEXT,  -- the server's version that the body was made on; NULL: the server has none
    base_body       TEXT,  -- the server's content at that version, kept while changes wait; else NULL
    remote_state    TEXT CHECK (remote_state IN ('here', 'deleted', 'out-of-scope')),
    remote_body     TEXT,  -- a newer content of the server, kept beside changes that wait
    remote_version  TEXT,
    UNIQUE (type, id)
) STRICT;

CREATE TABLE symptom_check (
    id          TEXT PRIMARY KEY,
    body        TEXT    NOT NULL,
    changed_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

