-- What was read from Iceberg's immutable files, each parsed once ever. Bodies: see lakehouse/codec.rs.
CREATE TABLE metadata_files (
    location TEXT PRIMARY KEY,
    body     BLOB NOT NULL,
    read_at  INTEGER NOT NULL -- ms since the epoch
) STRICT;

CREATE TABLE manifest_lists (
    path    TEXT PRIMARY KEY,
    body    BLOB NOT NULL,
    read_at INTEGER NOT NULL
) STRICT;

CREATE TABLE manifests (
    path    TEXT PRIMARY KEY,
    entries BLOB NOT NULL, -- sizes, rows, partitions, sequence numbers
    paths   BLOB NOT NULL, -- file paths, read only where paths matter
    read_at INTEGER NOT NULL
) STRICT;

-- The last health report of each table.
CREATE TABLE reports (
    catalog           TEXT NOT NULL,
    namespace         TEXT NOT NULL, -- JSON array of levels
    name              TEXT NOT NULL,
    metadata_location TEXT NOT NULL,
    rules_digest      TEXT NOT NULL,
    as_of             INTEGER NOT NULL,
    score             INTEGER NOT NULL,
    worst             TEXT, -- JSON
    format_version    INTEGER NOT NULL,
    bytes             INTEGER NOT NULL,
    data_files        INTEGER NOT NULL,
    records           INTEGER NOT NULL,
    modified_at       INTEGER NOT NULL,
    body              TEXT NOT NULL, -- the report as served
    PRIMARY KEY (catalog, namespace, name)
) STRICT;
