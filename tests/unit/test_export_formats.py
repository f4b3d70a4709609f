"""Exported results: every format says the same, takes pieces as they come, and holds little."""

import csv
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from io import BytesIO, RawIOBase, StringIO
from typing import Any, BinaryIO, cast

import orjson
import pytest
from pyarrow import parquet

from milkrun.cli.export_formats import Csv, Exporter, JsonLines, Parquet
from milkrun.core.outcome import Outcome
from milkrun.core.result import ConditionResult, Result
from milkrun.core.result_json import result_json
from milkrun.store.protocol import Known
from tests.support.history import START, a_failure, a_result

CART = Known(id=1, key="core_cart", name="cart", group="core", target="https://h/", interval=10_000)
WRONG = ConditionResult(condition="[STATUS] == 200", passed=False, shown="[STATUS] (500) == 200")
RESULTS = [
    a_result(),
    a_failure(slot=START + 10_000, maintenance=True),
    a_result(
        slot=START + 20_000, outcome=Outcome.DOWN, conditions=(WRONG,), warnings=("slow, very", 'a "quote"'), tls=None
    ),
]
FORMATS: list[Callable[[BinaryIO], Exporter]] = [Csv, JsonLines, Parquet]


def exported(form: Callable[[BinaryIO], Exporter], *pieces: list[Result]) -> bytes:
    stream = BytesIO()
    exporter = form(stream)
    for piece in pieces:
        exporter.write([(CART, result) for result in piece])
    exporter.finish()
    return stream.getvalue()


def test_json_lines_are_results_as_the_api_gives_them() -> None:
    lines = exported(JsonLines, RESULTS).splitlines()
    assert [orjson.loads(line) for line in lines] == [
        orjson.loads(orjson.dumps(result_json(CART, one))) for one in RESULTS
    ]


def test_csv_has_a_header_and_a_row_a_result() -> None:
    text = exported(Csv, RESULTS[:1], RESULTS[1:]).decode()
    up, failed, wrong = csv.DictReader(StringIO(text, newline=""))
    assert (up["endpoint"], up["slot"], up["connection"]) == ("core_cart", "2026-09-21T15:00:00.000Z", "warm")
    assert (up["total_ms"], up["http_status"], up["maintenance"]) == ("12.5", "200", "false")
    assert up["tls_not_after"].startswith("2027-01-03T18:13:20")
    assert (failed["failure_layer"], failed["failure_kind"], failed["http_status"]) == ("connect", "refused", "")
    assert failed["maintenance"] == "true"
    assert (wrong["failed_conditions"], wrong["warnings"]) == ("[STATUS] (500) == 200", 'slow, very; a "quote"')


def test_parquet_has_types() -> None:
    table = parquet.read_table(BytesIO(exported(Parquet, RESULTS[:1], RESULTS[1:])))
    up, failed, _ = table.to_pylist()
    assert up["slot"] == datetime.fromtimestamp(START / 1_000, UTC)
    assert (up["total_ms"], up["http_status"], up["stale_retry"], up["warnings"]) == (12.5, 200, False, None)
    assert (failed["failure_message"], failed["http_status"]) == ("10.0.0.7:443 refuses connections", None)


@pytest.mark.parametrize("form", FORMATS)
def test_nothing_is_a_whole_file_as_well(form: Callable[[BinaryIO], Exporter]) -> None:
    content = exported(form)
    if form is Parquet:
        assert parquet.read_table(BytesIO(content)).num_rows == 0
    else:
        assert content.count(b"\n") == (form is Csv)


def test_parquet_is_written_in_groups_of_rows() -> None:
    exporter = Parquet(stream := BytesIO(), group=20)
    for _ in range(3):
        exporter.write([(CART, a_result())] * 10)
    exporter.finish()
    file = parquet.ParquetFile(stream)
    assert [file.metadata.row_group(place).num_rows for place in range(file.num_row_groups)] == [20, 10]


class Nowhere(RawIOBase):
    """Takes everything, keeps nothing, and cannot tell where it is, like a pipe."""

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        raise OSError("Illegal seek")

    def write(self, data: Any) -> int:
        return len(data)


@pytest.mark.parametrize("form", [Csv, JsonLines, partial(Parquet, group=200)])
def test_a_long_export_holds_no_more_than_a_short_one(form: Callable[[BinaryIO], Exporter]) -> None:
    def peak(pieces: int) -> int:
        tracemalloc.start()
        exporter = form(cast(BinaryIO, Nowhere()))
        for _ in range(pieces):
            exporter.write([(CART, a_result()) for _ in range(100)])
        exporter.finish()
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest

    assert peak(40) < 1.5 * peak(4) + 100_000


@pytest.mark.parametrize(("peer", "field"), [('=1+"1"', '\'=1+"1"'), ("-2", "'-2"), ("10.0.0.7:443", "10.0.0.7:443")])
def test_no_text_of_a_csv_is_a_formula(peer: str, field: str) -> None:
    [row] = csv.DictReader(StringIO(exported(Csv, [a_result(peer=peer, lag_ms=-0.5)]).decode(), newline=""))
    assert (row["peer"], row["lag_ms"]) == (field, "-0.5")
