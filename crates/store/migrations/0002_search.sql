-- 0002_search.sql: packed bodies, and search rows that take a quarter of the space and find more.
-- Takes the same time however much is held: old bodies stay readable where they are, and the search rows are built
-- afterwards, a few records at a time (table/index.rs). Hashes are the first bytes of SHA-256; a parameter is a number
-- that `state` ties to the version of the extraction.

ALTER TABLE resource ADD COLUMN packed BLOB;  -- as shown here; then `body` is NULL, which stays for rows of before

DROP TABLE index_token;
DROP TABLE index_reference;
DROP TABLE index_date;
DROP TABLE index_text;

CREATE TABLE index_token (
    param   INTEGER NOT NULL,
    code    INTEGER NOT NULL,  -- hash
    key     INTEGER NOT NULL,
    system  INTEGER NOT NULL,  -- hash; 0 where there is none
    PRIMARY KEY (param, code, key, system)
) STRICT, WITHOUT ROWID;

CREATE TABLE index_reference (
    param   INTEGER NOT NULL,
    target  INTEGER NOT NULL,  -- hash of Type/id
    key     INTEGER NOT NULL,
    PRIMARY KEY (param, target, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE index_date (
    param     INTEGER NOT NULL,  -- twice the parameter; plus one for spans of more than a day
    start_ms  INTEGER NOT NULL,
    span_ms   INTEGER NOT NULL,
    key       INTEGER NOT NULL,
    PRIMARY KEY (param, start_ms, span_ms, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE index_amount (
    param   INTEGER NOT NULL,  -- twice the parameter; plus one where both ends differ
    low     REAL    NOT NULL,
    high    REAL    NOT NULL,
    unit    INTEGER NOT NULL,  -- hash of the code; 0 where there is none
    system  INTEGER NOT NULL,
    key     INTEGER NOT NULL,
    PRIMARY KEY (param, low, high, unit, system, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE index_text (
    param   INTEGER NOT NULL,
    folded  TEXT    NOT NULL,  -- lower case, without accents
    key     INTEGER NOT NULL,
    PRIMARY KEY (param, folded, key)
) STRICT, WITHOUT ROWID;

-- Each word with its parameter in front (`1f_ruiz`): full text, parts of words and words with a slip.
CREATE VIRTUAL TABLE index_word USING fts5 (
    words, content = '', contentless_delete = 1, detail = 'none', tokenize = "ascii tokenchars '_'"
);
CREATE VIRTUAL TABLE index_vocabulary USING fts5vocab (index_word, row);

CREATE TABLE index_state (
    version  INTEGER NOT NULL,  -- of the extraction that the rows were made with
    done_to  INTEGER            -- records up to this key have their rows; NULL: all
) STRICT;
