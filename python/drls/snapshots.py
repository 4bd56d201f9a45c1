"""Writes snapshots of any shape, delete files among them, many in one commit.

PyIceberg 0.12 writes no delete files and one snapshot a commit. This builds both from its public writers, for tables
whose history is given: the sample lakehouse, and the sick tables of tests. Nothing in the server writes data by it.
"""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyiceberg.conversions import to_bytes
from pyiceberg.io.pyarrow import ParquetFormatModel, schema_to_pyarrow
from pyiceberg.manifest import (
    DataFile,
    DataFileContent,
    FileFormat,
    ManifestContent,
    ManifestEntry,
    ManifestEntryStatus,
    ManifestFile,
    ManifestWriter,
    ManifestWriterV2,
    manifest_entry_schema_with_data_file,
    write_manifest,
    write_manifest_list,
)
from pyiceberg.schema import Schema
from pyiceberg.table.snapshots import Operation, Snapshot, SnapshotSummaryCollector, Summary, update_snapshot_summaries
from pyiceberg.table.update import AddSnapshotUpdate, AssertRefSnapshotId, SetSnapshotRefUpdate
from pyiceberg.typedef import Record
from pyiceberg.types import IntegerType, ListType, LongType, NestedField, StringType, StructType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyiceberg.partitioning import PartitionSpec
    from pyiceberg.table import Table
    from pyiceberg.table.update import TableUpdate
    from pyiceberg.typedef import TableVersion

_PATH = NestedField(2147483546, "file_path", StringType(), required=True)
_POSITION = NestedField(2147483545, "pos", LongType(), required=True)
_POSITION_DELETES = Schema(_PATH, _POSITION)
"""https://iceberg.apache.org/spec/#position-delete-files"""


_EQUALITY_IDS = NestedField(135, "equality_ids", ListType(136, IntegerType(), element_required=True), required=False)
"""As the specification has it. PyIceberg declares longs, which Iceberg's Java fails to read."""


class _DeleteManifestWriter(ManifestWriterV2):
    """A v2 manifest of delete files, which PyIceberg has no writer for."""

    def _with_partition(self, format_version: TableVersion) -> Schema:
        entry = super()._with_partition(format_version)
        file = entry.find_type("data_file")
        if not isinstance(file, StructType):
            raise TypeError("a manifest entry's data_file is a struct")
        fields = (_EQUALITY_IDS if field.field_id == _EQUALITY_IDS.field_id else field for field in file.fields)
        return manifest_entry_schema_with_data_file(format_version, StructType(*fields))

    def content(self) -> ManifestContent:
        return ManifestContent.DELETES

    @property
    def _meta(self) -> dict[str, str]:
        return {**super()._meta, "content": "deletes"}


class SnapshotWriter:
    """Stages files and snapshots on top of a table's current one; nothing is seen before `commit`.

    Format versions 1 and 2; delete files need 2.
    """

    def __init__(self, table: Table) -> None:
        self._table = table
        self._updates: list[TableUpdate] = []
        current = table.current_snapshot()
        self._start = current.snapshot_id if current else None
        self._head = current
        self._manifests: list[ManifestFile] = current.manifests(table.io) if current else []

    def data_file(self, rows: pa.Table, partition: Sequence[Any] = (), spec: PartitionSpec | None = None) -> DataFile:
        """Write rows to one data file; `partition`: the transformed values in the order of `spec` (the default one)."""
        schema = self._table.schema()
        return self._write(rows, schema, DataFileContent.DATA, partition, spec)

    def imagined_file(
        self, records: int, size: int, partition: Sequence[Any] = (), spec: PartitionSpec | None = None
    ) -> DataFile:
        """Describe a data file that is not written: for tables that only their metadata is read of."""
        spec = self._table.spec() if spec is None else spec
        return _described(self._new_path(partition, spec), records, size, DataFileContent.DATA, partition, spec)

    def position_deletes(self, targets: Sequence[tuple[DataFile, Sequence[int]]]) -> DataFile:
        """Write one position delete file over data files of one partition, each with its ordinal positions from 0."""
        ordered = sorted(targets, key=lambda target: target[0].file_path)
        rows = pa.table(
            {
                "file_path": [file.file_path for file, positions in ordered for _ in positions],
                "pos": [position for _, positions in ordered for position in sorted(positions)],
            }
        )
        first = ordered[0][0]
        spec = self._table.specs()[first.spec_id]
        partition = [first.partition[at] for at in range(len(first.partition))]
        # Whole paths as bounds: by equal ones a reader knows that the deletes are about one file.
        ends = (ordered[0][0].file_path, ordered[-1][0].file_path)
        lower, upper = ({_PATH.field_id: to_bytes(StringType(), end)} for end in ends)
        kind = DataFileContent.POSITION_DELETES
        return self._write(rows, _POSITION_DELETES, kind, partition, spec, lower_bounds=lower, upper_bounds=upper)

    def equality_deletes(
        self, keys: pa.Table, partition: Sequence[Any] = (), spec: PartitionSpec | None = None
    ) -> DataFile:
        """Write one equality delete file: rows that are equal to one of `keys` in its columns are gone."""
        schema = self._table.schema().select(*keys.column_names)
        ids = [schema.find_field(name).field_id for name in keys.column_names]
        return self._write(keys, schema, DataFileContent.EQUALITY_DELETES, partition, spec, equality_ids=ids)

    def snapshot(
        self, files: Sequence[DataFile], at: int | None = None, summary: Mapping[str, str] | None = None
    ) -> int:
        """Stage a snapshot that adds these files, and give its id.

        `at`: milliseconds since the Unix epoch, not before the snapshot under it; the last one of a commit has to be
        now (`None`), because a table's time does not go back.
        """
        metadata = self._table.metadata
        identity = metadata.new_snapshot_id()
        version = metadata.format_version
        sequence = self._next_sequence() if version > 1 else None
        for content in (ManifestContent.DATA, ManifestContent.DELETES):
            for spec_id, spec in metadata.specs().items():
                chosen = [file for file in files if file.spec_id == spec_id and _belongs(file, content)]
                if chosen:
                    self._manifests.insert(0, self._manifest(chosen, spec, content, identity))
        path = f"{self._table.location()}/metadata/snap-{identity}-0-{uuid.uuid4()}.avro"
        parent = self._head.snapshot_id if self._head else None
        output = self._table.io.new_output(path)
        with write_manifest_list(version, output, identity, parent, sequence, "deflate") as writer:
            writer.add_manifests(self._manifests)
        self._head = Snapshot.model_validate(
            {
                "snapshot-id": identity,
                "parent-snapshot-id": parent,
                "sequence-number": sequence,
                "timestamp-ms": int(time.time() * 1000) if at is None else at,
                "manifest-list": path,
                "summary": self._summary(files, summary or {}),
                "schema-id": metadata.current_schema_id,
            }
        )
        # What was staged has its sequence numbers now; the next list only carries it over.
        self._manifests = self._head.manifests(self._table.io)
        self._updates.append(AddSnapshotUpdate(snapshot=self._head))
        self._updates.append(
            SetSnapshotRefUpdate.model_validate({"ref-name": "main", "type": "branch", "snapshot-id": identity})
        )
        return identity

    def commit(self) -> Table:
        """Commit what was staged, all at once, and give the table as it then is. Raises `CommitFailedException`."""
        start = AssertRefSnapshotId.model_validate({"ref": "main", "snapshot-id": self._start})
        self._table.catalog.commit_table(self._table, (start,), tuple(self._updates))
        self._updates = []
        self._start = self._head.snapshot_id if self._head else None
        return self._table.refresh()

    def _next_sequence(self) -> int:
        staged = self._head.sequence_number if self._head and self._head.sequence_number else 0
        return max(staged, self._table.last_sequence_number) + 1

    def _summary(self, files: Sequence[DataFile], extra: Mapping[str, str]) -> Summary:
        schema, specs = self._table.schema(), self._table.specs()
        collector = SnapshotSummaryCollector()
        for file in files:
            collector.add_file(file, schema, specs[file.spec_id])
        kinds = {file.content == DataFileContent.DATA for file in files}
        operation = (
            Operation.APPEND if kinds <= {True} else Operation.DELETE if kinds == {False} else Operation.OVERWRITE
        )
        before = self._head.summary.additional_properties if self._head and self._head.summary else None
        return update_snapshot_summaries(Summary(operation, **collector.build(), **extra), before)

    def _manifest(
        self, files: Sequence[DataFile], spec: PartitionSpec, content: ManifestContent, snapshot: int
    ) -> ManifestFile:
        output = self._table.io.new_output(f"{self._table.location()}/metadata/{uuid.uuid4()}-m0.avro")
        schema = self._table.schema()
        writer: ManifestWriter
        if content == ManifestContent.DELETES:
            writer = _DeleteManifestWriter(spec, schema, output, snapshot, "deflate")
        else:
            writer = write_manifest(self._table.format_version, spec, schema, output, snapshot, "deflate")
        with writer:
            for file in files:
                entry = ManifestEntry.from_args(
                    status=ManifestEntryStatus.ADDED, snapshot_id=snapshot, sequence_number=None, data_file=file
                )
                writer.add_entry(entry)
        return writer.to_manifest_file()

    def _write(
        self,
        rows: pa.Table,
        schema: Schema,
        content: DataFileContent,
        partition: Sequence[Any],
        spec: PartitionSpec | None,
        **details: Any,  # noqa: ANN401 (as of `_described`)
    ) -> DataFile:
        spec = self._table.spec() if spec is None else spec
        path = self._new_path(partition, spec)
        output = self._table.io.new_output(path)
        writer = ParquetFormatModel().create_writer(output, schema, self._table.properties)
        writer.write(rows.cast(schema_to_pyarrow(schema)))
        statistics = writer.close()
        described = statistics.to_serialized_dict() | details
        records = described.pop("record_count")
        return _described(path, records, len(output), content, partition, spec, **described)

    def _new_path(self, partition: Sequence[Any], spec: PartitionSpec) -> str:
        folder = spec.partition_to_path(Record(*partition), self._table.schema()) + "/" if spec.fields else ""
        return f"{self._table.location()}/data/{folder}{uuid.uuid4()}.parquet"


def _belongs(file: DataFile, content: ManifestContent) -> bool:
    return (file.content == DataFileContent.DATA) == (content == ManifestContent.DATA)


def _described(
    path: str,
    records: int,
    size: int,
    content: DataFileContent,
    partition: Sequence[Any],
    spec: PartitionSpec,
    **details: Any,  # noqa: ANN401 (the other fields of the specification's data_file)
) -> DataFile:
    file = DataFile.from_args(
        content=content,
        file_path=path,
        file_format=FileFormat.PARQUET,
        partition=Record(*partition),
        record_count=records,
        file_size_in_bytes=size,
        **details,
    )
    file.spec_id = spec.spec_id
    return file
