CREATE TABLE plans (
    id                TEXT PRIMARY KEY, -- UUIDv7
    operation         TEXT NOT NULL,
    catalog           TEXT NOT NULL,
    namespace         TEXT NOT NULL, -- JSON array of levels
    name              TEXT NOT NULL,
    arguments         TEXT NOT NULL, -- JSON
    plugin_id         TEXT NOT NULL,
    plugin_version    TEXT NOT NULL,
    plugin_digest     TEXT NOT NULL,
    body              TEXT NOT NULL, -- JSON: steps, effect, reversibility, warnings
    metadata_location TEXT NOT NULL,
    snapshot_id       INTEGER,
    schema_id         INTEGER NOT NULL,
    actor             TEXT NOT NULL,
    created_at        INTEGER NOT NULL,
    expires_at        INTEGER NOT NULL
) STRICT;

CREATE TABLE jobs (
    id             TEXT PRIMARY KEY, -- UUIDv7
    operation      TEXT NOT NULL,
    catalog        TEXT NOT NULL,
    namespace      TEXT NOT NULL,
    name           TEXT NOT NULL,
    state          TEXT NOT NULL CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    plan_id        TEXT REFERENCES plans (id),
    undo_of        TEXT REFERENCES jobs (id),
    steps          TEXT NOT NULL, -- JSON: what it runs
    progress_done  INTEGER NOT NULL DEFAULT 0,
    progress_total INTEGER NOT NULL DEFAULT 0,
    progress_unit  TEXT NOT NULL DEFAULT 'steps',
    before         TEXT, -- JSON: the table when it began
    after          TEXT, -- JSON: the table when it ended
    result         TEXT, -- JSON
    error          TEXT, -- JSON
    actor          TEXT NOT NULL,
    plugin_id      TEXT NOT NULL,
    plugin_version TEXT NOT NULL,
    plugin_digest  TEXT NOT NULL,
    created_at     INTEGER NOT NULL,
    started_at     INTEGER,
    ended_at       INTEGER
) STRICT;

CREATE INDEX jobs_by_table ON jobs (catalog, namespace, name, id);
CREATE INDEX jobs_by_state ON jobs (state, id);
-- One undo of a job at a time, and none after one that succeeded.
CREATE UNIQUE INDEX jobs_one_undo ON jobs (undo_of) WHERE undo_of IS NOT NULL AND state IN ('queued', 'running', 'succeeded');
