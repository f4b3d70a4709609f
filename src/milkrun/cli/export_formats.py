"""What results are exported as. Each takes them in pieces and holds no more than some thousands of rows."""

import csv
from collections.abc import Sequence
from io import RawIOBase, TextIOWrapper
from typing import Any, BinaryIO, Protocol

import orjson

from milkrun.cli.csv_text import inert
from milkrun.cli.export_rows import COLUMNS, Sort
from milkrun.core.result import Result
from milkrun.core.result_json import iso_ms, result_json
from milkrun.store.protocol import Known

# Rows that a reader of Parquet takes in at once, and a writer holds.
ROW_GROUP = 50_000

Piece = Sequence[tuple[Known, Result]]


class Exporter(Protocol):
    """Writes pieces one after the other, and at last what a format has to end with."""

    def write(self, piece: Piece) -> None:
        """Write a piece, or hold it for a while."""

    def finish(self) -> None:
        """Write what is held, and the end."""


class JsonLines:
    """An object a line, as the API gives one."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def write(self, piece: Piece) -> None:
        """Write a piece."""
        for endpoint, result in piece:
            self._stream.write(orjson.dumps(result_json(endpoint, result), option=orjson.OPT_APPEND_NEWLINE))

    def finish(self) -> None:
        """There is nothing to end with."""


class Csv:
    """RFC 4180, with a header; times are ISO 8601 in UTC, an empty field is none, no text is a formula."""

    def __init__(self, stream: BinaryIO) -> None:
        self._text = TextIOWrapper(stream, encoding="utf-8", newline="", write_through=True)
        self._writer = csv.writer(self._text)
        self._writer.writerow([column.name for column in COLUMNS])

    def write(self, piece: Piece) -> None:
        """Write a piece."""
        self._writer.writerows(
            [_field(column.sort, column.value(endpoint, result)) for column in COLUMNS] for endpoint, result in piece
        )

    def finish(self) -> None:
        """Leave the stream to whoever opened it."""
        self._text.detach()


class Parquet:
    """Apache Parquet, by pyarrow, of the extra `parquet`. A group of rows is held until it is whole."""

    def __init__(self, stream: BinaryIO, *, group: int = ROW_GROUP) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        self._schema = pa.schema([(column.name, _type(column.sort)) for column in COLUMNS])
        self._batch = pa.RecordBatch
        self._writer = parquet.ParquetWriter(pa.PythonFile(_Counted(stream), "w"), self._schema)
        self._rows: list[tuple[Known, Result]] = []
        self._group = group

    def write(self, piece: Piece) -> None:
        """Hold a piece until there are rows enough for a group."""
        self._rows += piece
        if len(self._rows) >= self._group:
            self._flush()

    def finish(self) -> None:
        """Write what is held, and the footer."""
        if self._rows:
            self._flush()
        self._writer.close()

    def _flush(self) -> None:
        columns = [[column.value(*row) for row in self._rows] for column in COLUMNS]
        self._writer.write_batch(
            self._batch.from_pydict(dict(zip(self._schema.names, columns, strict=True)), schema=self._schema)
        )
        self._rows = []


class _Counted(RawIOBase):
    """A stream that knows where it is, which a pipe does not."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._written = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._written

    def write(self, data: Any) -> int:
        self._stream.write(data)
        self._written += len(data)
        return len(data)


def _type(sort: Sort) -> Any:
    import pyarrow as pa

    types = {Sort.TEXT: pa.string(), Sort.WHOLE: pa.int64(), Sort.NUMBER: pa.float64(), Sort.FLAG: pa.bool_()}
    return pa.timestamp("ms", tz="UTC") if sort is Sort.TIME else types[sort]


def _field(sort: Sort, value: Any) -> Any:
    if value is None:
        return None
    if sort is Sort.TEXT:
        return inert(value)
    if sort is Sort.TIME:
        return iso_ms(value)
    return str(value).lower() if sort is Sort.FLAG else value
