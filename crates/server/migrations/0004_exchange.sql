-- What the exchange with devices keeps: results of their changes, and how each account is linked.

-- The first answer to each change of a device, for 400 days at least: a repeated change gets it again.
CREATE TABLE op_result (
    device TEXT    NOT NULL,
    op     INTEGER NOT NULL,                  -- counts up per device, never reused
    user   TEXT    NOT NULL,                  -- account whose change it was
    result TEXT    NOT NULL,                  -- wire JSON of the result line
    at     INTEGER NOT NULL,                  -- Unix ms, UTC
    PRIMARY KEY (device, op)
) STRICT, WITHOUT ROWID;
CREATE INDEX op_result_at ON op_result (at);

-- The last that is known of each account's link, for the signal column of the queue.
CREATE TABLE link (
    user           TEXT    PRIMARY KEY,
    rtt_ms         INTEGER,
    loss_permille  INTEGER,
    link_at        INTEGER,                   -- Unix ms, UTC; when the two above were told
    last_sync      INTEGER                    -- Unix ms, UTC; when a sync ran to its end
) STRICT, WITHOUT ROWID;

-- What is known about a sealed entry: the account that it names, whether it is an unfinished form, and the
-- resources made from it ('Type/id', one a line).
ALTER TABLE sealed ADD COLUMN account TEXT;
ALTER TABLE sealed ADD COLUMN draft INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sealed ADD COLUMN resources TEXT NOT NULL DEFAULT '';
CREATE INDEX sealed_unclaimed ON sealed (device) WHERE claimed_by IS NULL;
