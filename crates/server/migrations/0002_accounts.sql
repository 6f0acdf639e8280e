-- Accounts, devices and tokens. Only hashes of secrets are kept.

CREATE TABLE user (
    id            TEXT    PRIMARY KEY,
    username      TEXT    NOT NULL UNIQUE,    -- lower case
    password_hash TEXT,                       -- PHC string; NULL until the first password is set
    role          TEXT    NOT NULL,
    name          TEXT    NOT NULL,
    fhir          TEXT,                       -- 'Patient/…' or 'Practitioner/…'
    site          TEXT,                       -- id of the Location of a carrier or manager
    district      TEXT,                       -- id of the Organization of a nurse or clinician
    scopes        TEXT    NOT NULL DEFAULT '',-- of a system account
    disabled      INTEGER NOT NULL DEFAULT 0,
    created_ms    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX user_fhir ON user (fhir) WHERE fhir IS NOT NULL;

CREATE TABLE device (
    id           TEXT    PRIMARY KEY,
    user_id      TEXT    NOT NULL REFERENCES user (id),
    name         TEXT    NOT NULL,
    created_ms   INTEGER NOT NULL,
    seen_ms      INTEGER NOT NULL,
    revoked_ms   INTEGER                      -- since when it may not connect
) STRICT, WITHOUT ROWID;
CREATE INDEX device_user ON device (user_id);

CREATE TABLE token (
    hash       BLOB    PRIMARY KEY,           -- SHA-256 of the token
    kind       TEXT    NOT NULL,              -- access or refresh
    family     TEXT    NOT NULL,              -- one sign-in; revoked as a whole
    parent     BLOB,                          -- hash of the refresh token that this one replaced
    user_id    TEXT    NOT NULL REFERENCES user (id),
    device_id  TEXT,
    client     TEXT    NOT NULL,
    scope      TEXT    NOT NULL,
    issued_ms  INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    used_ms    INTEGER,                       -- a refresh token: when it was exchanged
    revoked_ms INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX token_family ON token (family);
CREATE INDEX token_user ON token (user_id);
CREATE INDEX token_parent ON token (parent) WHERE parent IS NOT NULL;
CREATE INDEX token_expires ON token (expires_ms);

-- Authorization codes, device codes and one-time links: short-lived grants that are used once.
CREATE TABLE grant_once (
    hash       BLOB    PRIMARY KEY,           -- SHA-256 of the code
    kind       TEXT    NOT NULL,              -- code, device or link
    user_code  TEXT    UNIQUE,                -- what a person types on the device page
    user_id    TEXT,                          -- NULL until a person has approved a device code
    detail     TEXT    NOT NULL,              -- JSON: client, redirect, challenge, scope, nonce, device
    expires_ms INTEGER NOT NULL,
    polled_ms  INTEGER,
    used_ms    INTEGER,
    family     TEXT                           -- sign-in that it began, to revoke if it is used twice
) STRICT, WITHOUT ROWID;
