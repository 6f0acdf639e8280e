-- How each visit went, told once by each of its sides: figures alone, no words and no address.
CREATE TABLE visit_quality (
    visit       TEXT    NOT NULL,             -- id of the Encounter
    side        TEXT    NOT NULL,             -- 'caller' or 'called'
    received_ms INTEGER NOT NULL,             -- Unix ms, UTC
    body        TEXT    NOT NULL,             -- wire JSON, every figure within its bounds
    PRIMARY KEY (visit, side)
) STRICT, WITHOUT ROWID;
CREATE INDEX visit_quality_received ON visit_quality (received_ms);
