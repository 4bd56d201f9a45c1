-- What happened while a job ran, line by line: its own steps, and what Spark said. What its plugin wrote stands with the plan.
CREATE TABLE job_lines (
    job_id TEXT    NOT NULL REFERENCES jobs (id),
    at     INTEGER NOT NULL, -- ms since the epoch
    source TEXT    NOT NULL CHECK (source IN ('job', 'spark')),
    level  TEXT    NOT NULL CHECK (level IN ('info', 'warn', 'error')),
    text   TEXT    NOT NULL
) STRICT;

CREATE INDEX job_lines_by_job ON job_lines (job_id, at);

ALTER TABLE plans ADD COLUMN log TEXT NOT NULL DEFAULT '[]'; -- JSON: what the plugin wrote while it planned
