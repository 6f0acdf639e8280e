-- What the service keeps besides resources and accounts.

-- The audit: FHIR AuditEvents in a SHA-256 chain. Rows are only ever appended.
CREATE TABLE audit (
    idx      INTEGER PRIMARY KEY,             -- 1, 2, 3 … without gaps
    id       TEXT    NOT NULL UNIQUE,
    at       INTEGER NOT NULL,                -- Unix ms, UTC
    action   TEXT    NOT NULL,                -- C R U D E
    agent    TEXT,                            -- 'Patient/…', 'Practitioner/…' or user id
    patient  TEXT,                            -- id of the Patient concerned
    entity   TEXT,                            -- 'Type/id'
    body     TEXT    NOT NULL,                -- canonical JSON, the bytes that are hashed
    hash     BLOB    NOT NULL                 -- SHA-256(hash of the row before || body)
) STRICT;
CREATE INDEX audit_patient ON audit (patient, at) WHERE patient IS NOT NULL;
CREATE INDEX audit_agent ON audit (agent, at);
CREATE INDEX audit_entity ON audit (entity) WHERE entity IS NOT NULL;
CREATE INDEX audit_at ON audit (at);

CREATE TABLE counter (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE kv (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Messages to other systems: stored with the change that caused them, sent afterwards.
CREATE TABLE outbox_out (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    message_id TEXT    NOT NULL UNIQUE,       -- idempotency key of the receiver
    target     TEXT    NOT NULL,              -- name of a configured receiver
    body       TEXT    NOT NULL,
    created_ms INTEGER NOT NULL,
    attempt    INTEGER NOT NULL DEFAULT 0,
    not_before INTEGER NOT NULL DEFAULT 0,    -- Unix ms, UTC
    sent_ms    INTEGER,
    stuck      TEXT                           -- NULL while waiting or sent; else why
) STRICT;
CREATE INDEX outbox_out_due ON outbox_out (not_before) WHERE sent_ms IS NULL AND stuck IS NULL;

-- Entries that arrived sealed to the server's key, until their owner is known.
CREATE TABLE sealed (
    id          TEXT    PRIMARY KEY,
    device      TEXT,
    received_ms INTEGER NOT NULL,
    enc         BLOB    NOT NULL,
    ciphertext  BLOB    NOT NULL,
    opened_ms   INTEGER,
    claimed_by  TEXT
) STRICT, WITHOUT ROWID;
