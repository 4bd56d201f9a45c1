-- Answers of requests that carried an Idempotency-Key. A row without an answer belongs to a request that is still running,
-- or, where `boot` is not that of the running server, to one whose outcome was lost when the server stopped.
CREATE TABLE idempotency_keys (
    user_id    TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    key        TEXT    NOT NULL,
    request    TEXT    NOT NULL,
    boot       TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    status     INTEGER,
    headers    TEXT,
    body       BLOB,
    PRIMARY KEY (user_id, key)
) STRICT;

CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);
