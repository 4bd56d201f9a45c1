"""Tables of every shape that the server's figures are compared with Spark's on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sick_tables import Sick

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Shape:
    """A table: made by `sick`, or by Spark alone, then changed by Spark's statements on `{t}`.

    `{short}` is its name without the catalog, `{after_second}` a moment after its second snapshot.
    """

    sick: Sick | None = None
    then: Sequence[str] = ()
    name: Sequence[str] = ()


MERGE = "ALTER TABLE {t} SET TBLPROPERTIES ('write.delete.mode' = 'merge-on-read')"

VECTORS = """
CREATE TABLE {t} (id BIGINT, region STRING, value DOUBLE) USING iceberg PARTITIONED BY (region)
    TBLPROPERTIES ('format-version' = '3', 'write.delete.mode' = 'merge-on-read');
INSERT INTO {t} SELECT /*+ REPARTITION(3) */ id, concat('r', id % 2), id / 2D FROM range(60);
INSERT INTO {t} SELECT id, concat('r', id % 2), id / 2D FROM range(60, 90);
DELETE FROM {t} WHERE id IN (3, 4, 5, 70);
DELETE FROM {t} WHERE id IN (6, 71)
"""

TYPED = """
CREATE TABLE {t} (b BOOLEAN, i INT NOT NULL, l BIGINT NOT NULL COMMENT 'it is long', f FLOAT, d DOUBLE,
    m DECIMAL(9, 2), s STRING, day DATE, at TIMESTAMP, local TIMESTAMP_NTZ, raw BINARY,
    deep STRUCT<a: ARRAY<STRUCT<x: INT NOT NULL COMMENT 'how many', y: MAP<STRING, STRUCT<on: DATE NOT NULL>>>>,
    `odd name`: STRING COMMENT 'with a space'> COMMENT 'nested')
    USING iceberg PARTITIONED BY (b, bucket(4, l), truncate(2, s), day, hours(at), m);
INSERT INTO {t} SELECT id % 2 = 0, id, id, id / 3, id / 7, cast(id AS DECIMAL(9, 2)) / 4,
    element_at(array('a b', 'ß/=', '100%', '', NULL), cast(id % 5 AS INT) + 1),
    date_add(DATE'1969-12-30', cast(id AS INT)),
    TIMESTAMP'1969-12-31 22:10:00Z' + make_interval(0, 0, 0, 0, cast(id AS INT)), NULL, NULL, NULL FROM range(12);
ALTER TABLE {t} WRITE ORDERED BY day DESC NULLS LAST, bucket(4, l), l;
ALTER TABLE {t} SET IDENTIFIER FIELDS i, l;
ALTER TABLE {t} REPLACE PARTITION FIELD hours(at) WITH months(at);
ALTER TABLE {t} DROP PARTITION FIELD b;
INSERT INTO {t} SELECT * FROM {t} WHERE day > DATE'1970-01-05'
"""

ODD = """
CREATE TABLE {t} (f FLOAT, d DOUBLE, raw BINARY, at TIMESTAMP, local TIMESTAMP_NTZ, s STRING) USING iceberg
    PARTITIONED BY (f, d, raw, at, local, s)
    TBLPROPERTIES ('write.metadata.compression-codec' = 'gzip', 'write.format.default' = 'avro');
INSERT INTO {t} VALUES
    (0.1, 1e10, X'00FF', TIMESTAMP'2026-01-02 03:04:05.678901Z', TIMESTAMP_NTZ'1900-01-01 00:00:00.5', 'a=b/c d%20+ü'),
    (1e-9, 0.1, X'', TIMESTAMP'2026-01-02 00:00:00Z', TIMESTAMP_NTZ'2026-01-02 03:04:00', ''),
    (-1.5e7, 12345678.9, X'41', TIMESTAMP'1969-12-31 23:59:59.999999Z', TIMESTAMP_NTZ'2026-01-02 03:04:05.120', 'null'),
    (cast('NaN' AS FLOAT), cast('-Infinity' AS DOUBLE), NULL, NULL, NULL, 'x'),
    (NULL, NULL, NULL, NULL, NULL, NULL);
ALTER TABLE {t} SET TBLPROPERTIES ('write.format.default' = 'orc', 'write.delete.mode' = 'merge-on-read');
INSERT INTO {t} SELECT * FROM {t};
DELETE FROM {t} WHERE d = 0.1
"""

KEEPS = "RETAIN 30 DAYS WITH SNAPSHOT RETENTION 5 SNAPSHOTS 7 DAYS"


def statements(text: str) -> list[str]:
    """Split a script at its semicolons."""
    return [one.strip() for one in text.split(";")]


SHAPES: dict[str, Shape] = {
    "without a snapshot": Shape(Sick(files=0)),
    "emptied": Shape(Sick(files=6, position_deletes=2), ["DELETE FROM {t}"]),
    "v1": Shape(
        Sick(files=6, format_version=1, evolved=True, tags=("v",)),
        ["INSERT INTO {t} VALUES (900, 'r0', 3.5)", "DELETE FROM {t} WHERE id = 4"],
    ),
    "position deletes": Shape(Sick(files=9, snapshots=4, position_deletes=3), [MERGE, "DELETE FROM {t} WHERE id = 50"]),
    "deletes without partitions": Shape(
        Sick(files=9, partitions=1, snapshots=4, position_deletes=2, equality_deletes=3),
        [MERGE, "DELETE FROM {t} WHERE id IN (44, 55, 66)"],
    ),
    "equality deletes": Shape(Sick(files=9, partitions=2, snapshots=4, equality_deletes=4)),
    "evolved, nested, with refs": Shape(
        Sick(files=8, evolved=True, nested=True, skew=3, tags=("v1", "v2"), branches=("dev",), metadata_commits=4),
        [
            f"ALTER TABLE {{t}} CREATE BRANCH kept {KEEPS}",
            "ALTER TABLE {t} CREATE TAG `für/immer` RETAIN 365 DAYS",
            "INSERT INTO {t} (id, region, value) VALUES (1000, 'r0', 1.5), (1001, 'rß/=', 2.5)",
            "INSERT INTO {t}.branch_kept (id, region) VALUES (2000, 'on a branch')",
            "ALTER TABLE {t} RENAME COLUMN address.city TO town",
            "DELETE FROM {t} WHERE id = 1001",
        ],
    ),
    "rolled back": Shape(
        Sick(files=6, snapshots=3, tags=("v1",)),
        [
            "CALL drls.system.rollback_to_timestamp('{short}', timestamp_millis({after_second}))",
            "DELETE FROM {t} WHERE id = 1",
        ],
    ),
    "compacted": Shape(
        Sick(files=24, position_deletes=4, snapshots=5),
        ["CALL drls.system.rewrite_data_files('{short}')", "CALL drls.system.rewrite_manifests('{short}')"],
    ),
    "v3 with deletion vectors": Shape(None, statements(VECTORS)),
    "v3 that had position deletes": Shape(
        Sick(files=6, position_deletes=2),
        [MERGE, "ALTER TABLE {t} SET TBLPROPERTIES ('format-version' = '3')", "DELETE FROM {t} WHERE id IN (7, 25)"],
    ),
    "v3 by an upgrade alone": Shape(Sick(files=6, format_version=3)),
    "every type and transform": Shape(None, statements(TYPED)),
    "odd values, Avro, ORC and gzip": Shape(None, statements(ODD)),
    "a dot and spaces": Shape(Sick(files=4), [MERGE, "DELETE FROM {t} WHERE id = 1"], ("exact", "daily.sales of 2026")),
    "letters and back-ticks": Shape(
        Sick(files=4, tags=("v1",)), ["INSERT INTO {t} VALUES (900, 'ü', 1)"], ("größe", "maß & `zahl`", "tab`le-1")
    ),
    "5,000 snapshots": Shape(Sick(files=60, partitions=3, snapshots=20, idle=4980, imagined=True)),
    "100,000 files": Shape(Sick(files=100_000, rows=2, partitions=50, snapshots=5, imagined=True)),
}
