"""Manifest lists and manifests read with only the columns that facts need.

PyIceberg converts the Avro schema in a file's header for every file, which costs more than the entries of a small
manifest do. The files of one table share a handful of headers: the reader for a header is built once.
"""

from __future__ import annotations

import functools
import json
import struct
from typing import TYPE_CHECKING, Any, Literal

from pyiceberg.avro.decoder_fast import CythonBinaryDecoder
from pyiceberg.avro.file import META_SCHEMA, SYNC_SIZE, AvroFileHeader
from pyiceberg.avro.reader import DefaultReader, OptionReader, Reader, StructReader
from pyiceberg.avro.resolver import construct_reader
from pyiceberg.typedef import Record
from pyiceberg.types import DoubleType, IcebergType, MapType, StructType
from pyiceberg.utils.schema_conversion import AvroSchemaConversion

from drls.errors import corrupt
from drls.storage import read_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pyiceberg.avro.decoder import BinaryDecoder
    from pyiceberg.typedef import StructProtocol

Columns = Literal["manifest", "data-entry", "delete-entry"]
"""What to read of a file.

- "manifest", of a manifest list: (path, length, spec id, content, sequence, min sequence, snapshot, added files,
  existing files, deleted files, added rows, existing rows, deleted rows)
- "data-entry", of a manifest: (status, snapshot, sequence, (content, path, partition, records, bytes))
- "delete-entry": as "data-entry", with (lower bounds, upper bounds, referenced data file) after the bytes
"""
_FILE = (134, 100, 102, 103, 104)
_COLUMNS: dict[Columns, tuple[int, ...]] = {
    "manifest": (500, 501, 502, 517, 515, 516, 503, 504, 505, 506, 512, 513, 514),
    "data-entry": (0, 1, 3, 2),
    "delete-entry": (0, 1, 3, 2),
}
"""Field ids of the specification, in the order in which rows give them."""
_DATA_FILE, _PARTITION = 2, 102
_DATA_FILE_COLUMNS: dict[Columns, tuple[int, ...]] = {
    "manifest": (),
    "data-entry": _FILE,
    "delete-entry": (*_FILE, 125, 128, 143),
}
_V1_DEFAULTS = {134: 0, 515: 0, 516: 0, 517: 0}
"""What v1 does not write: content (data) and sequence numbers (0)."""

_HEADER = construct_reader(META_SCHEMA, {-1: AvroFileHeader})


def read(path: str, io: Mapping[str, str], columns: Columns) -> Iterator[StructProtocol]:
    """Read the rows of an Avro file of metadata, projected to `columns`.

    Errors: `corrupt-metadata` naming the file where it is missing, cut short or no Avro file.
    """
    content = read_bytes(path, io)
    try:
        yield from _rows(content, columns)
    except (EOFError, ValueError, KeyError, TypeError, IndexError, OverflowError, MemoryError) as error:
        raise corrupt(path, "is not a readable Avro file") from error
    except Exception as error:  # each codec has an exception type of its own
        raise corrupt(path, "has a block that can't be read") from error


def _rows(content: bytes, columns: Columns) -> Iterator[StructProtocol]:
    if not content.startswith(b"Obj\x01"):
        raise ValueError("no Avro header")
    decoder = CythonBinaryDecoder(content)
    header: Any = _HEADER.read(decoder)
    reader = _reader(header.meta["avro.schema"], columns)
    codec = header.compression_codec()
    size = len(content)
    while decoder.tell() < size:
        rows = decoder.read_int()
        block = decoder.read_bytes()
        if decoder.read(SYNC_SIZE) != header.sync:
            raise ValueError("sync marker does not match")
        part = CythonBinaryDecoder(codec.decompress(block) if codec else block)
        for _ in range(rows):
            yield reader.read(part)


class _ReadOver(Reader):
    """Skips a map by reading it: that is one compiled call, where PyIceberg's skip walks the items in Python."""

    def __init__(self, reader: Reader) -> None:
        self._read = reader.read

    def read(self, decoder: BinaryDecoder) -> object:
        """Read the map as it is."""
        return self._read(decoder)

    def skip(self, decoder: BinaryDecoder) -> None:
        """Read the map and forget it."""
        self._read(decoder)


class _DoubleReader(Reader):
    """Reads a whole double: the compiled decoder of PyIceberg 0.12 rounds it to a float, so partitions ran together."""

    def read(self, decoder: BinaryDecoder) -> float:
        """Read eight bytes, the lowest first."""
        number: float = struct.unpack("<d", decoder.read(8))[0]
        return number

    def skip(self, decoder: BinaryDecoder) -> None:
        """Pass over them."""
        decoder.skip_double()


@functools.lru_cache(maxsize=256)
def _reader(avro_schema: str, columns: Columns) -> Reader:
    written = AvroSchemaConversion().avro_to_iceberg(json.loads(avro_schema)).as_struct()
    return _project(written, _COLUMNS[columns], columns)


def _project(written: StructType, wanted: tuple[int, ...], columns: Columns) -> StructReader:
    """Build the reader of a struct that skips all but the wanted fields.

    PyIceberg's own projection (`resolve_reader`) can't leave out a list or map.
    """
    readers: list[tuple[int | None, Reader]] = []
    for field in written.fields:
        if field.field_id == _DATA_FILE and isinstance(field.field_type, StructType):
            reader: Reader = _project(field.field_type, _DATA_FILE_COLUMNS[columns], columns)
        elif field.field_id == _PARTITION and isinstance(field.field_type, StructType):
            reader = _project(field.field_type, tuple(one.field_id for one in field.field_type.fields), columns)
        else:
            reader = _reader_of(field.field_type)
        slot = wanted.index(field.field_id) if field.field_id in wanted else None
        if slot is None and isinstance(field.field_type, MapType):
            reader = _ReadOver(reader)
        readers.append((slot, reader if field.required else OptionReader(reader)))
    there = {field.field_id for field in written.fields}
    for slot, column in enumerate(wanted):
        if column not in there:
            readers.append((slot, DefaultReader(_V1_DEFAULTS.get(column))))
    return StructReader(tuple(readers), Record, written)


def _reader_of(kind: IcebergType) -> Reader:
    if isinstance(kind, DoubleType):
        return _DoubleReader()  # type: ignore[no-untyped-call]
    return construct_reader(kind)
