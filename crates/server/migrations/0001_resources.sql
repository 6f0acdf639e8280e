-- Resources, their versions, and the values by which they are found.

CREATE TABLE resource (
    key          INTEGER PRIMARY KEY,
    type         TEXT    NOT NULL,
    id           TEXT    NOT NULL,
    version      INTEGER NOT NULL,            -- of the current version
    seq          INTEGER NOT NULL,            -- of the current version, see version.seq
    last_updated INTEGER NOT NULL,            -- Unix ms, UTC
    deleted      INTEGER NOT NULL DEFAULT 0,
    patient      TEXT,                        -- id of the Patient whose compartment it is in
    UNIQUE (type, id)
) STRICT;
CREATE INDEX resource_patient ON resource (patient, type) WHERE patient IS NOT NULL;
-- In the order of creation: the order of a search without _sort.
CREATE INDEX resource_type ON resource (type);
CREATE INDEX resource_changed ON resource (type, last_updated);

-- Every version ever accepted. seq is the order of commits: history and the change feed in one.
CREATE TABLE version (
    seq     INTEGER PRIMARY KEY,
    key     INTEGER NOT NULL REFERENCES resource (key),
    version INTEGER NOT NULL,
    at      INTEGER NOT NULL,                 -- Unix ms, UTC
    method  TEXT    NOT NULL,                 -- POST, PUT or DELETE
    body    TEXT                              -- FHIR JSON; NULL for a deletion
) STRICT;
CREATE UNIQUE INDEX version_of ON version (key, version);

-- Search values. param is a hash of 'Type.name', so it stands for the type as well.
CREATE TABLE idx_token (
    param INTEGER NOT NULL, code TEXT NOT NULL, system TEXT NOT NULL, key INTEGER NOT NULL,
    PRIMARY KEY (param, code, system, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_token_key ON idx_token (key);

CREATE TABLE idx_reference (
    param INTEGER NOT NULL, target_id TEXT NOT NULL, target_type TEXT NOT NULL, key INTEGER NOT NULL,
    PRIMARY KEY (param, target_id, target_type, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_reference_key ON idx_reference (key);
CREATE INDEX idx_reference_target ON idx_reference (target_type, target_id);

CREATE TABLE idx_date (
    param INTEGER NOT NULL, start_ms INTEGER NOT NULL, end_ms INTEGER NOT NULL, key INTEGER NOT NULL,
    PRIMARY KEY (param, start_ms, end_ms, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_date_key ON idx_date (key);

CREATE TABLE idx_text (
    param INTEGER NOT NULL, folded TEXT NOT NULL, key INTEGER NOT NULL,
    PRIMARY KEY (param, folded, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_text_key ON idx_text (key);

CREATE TABLE idx_number (
    param INTEGER NOT NULL, low REAL NOT NULL, high REAL NOT NULL, key INTEGER NOT NULL,
    PRIMARY KEY (param, low, high, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_number_key ON idx_number (key);

CREATE TABLE idx_quantity (
    param INTEGER NOT NULL, low REAL NOT NULL, high REAL NOT NULL,
    system TEXT NOT NULL, code TEXT NOT NULL, key INTEGER NOT NULL,
    PRIMARY KEY (param, low, high, system, code, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_quantity_key ON idx_quantity (key);

CREATE TABLE idx_uri (
    param INTEGER NOT NULL, value TEXT NOT NULL, key INTEGER NOT NULL,
    PRIMARY KEY (param, value, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_uri_key ON idx_uri (key);

-- Who has to do with whom, derived from the current version of each resource. Access rests on it.
CREATE TABLE relation (
    key     INTEGER NOT NULL,                 -- resource that says so
    kind    TEXT    NOT NULL,                 -- a word of auth::relation
    subject TEXT    NOT NULL,                 -- 'Practitioner/…', 'Organization/…', 'Location/…', or '' for anyone in the role
    object  TEXT    NOT NULL,                 -- id of a Patient, or of the resource itself
    PRIMARY KEY (kind, subject, object, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX relation_key ON relation (key);
CREATE INDEX relation_object ON relation (kind, object);
