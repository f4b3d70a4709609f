"""Whatever a person writes and a server sends, rules and configuration answer; they never break."""

import json
from contextlib import suppress
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from milkrun.alerting.kinds import CHANNELS
from milkrun.config.load import load
from milkrun.config.problems import ConfigError
from milkrun.core.condition import parse_condition
from milkrun.core.evaluate import evaluate
from milkrun.core.grammar import ConditionError
from milkrun.probes.kinds import KINDS
from tests.support.judging import observed

PIECES = st.sampled_from(
    [
        "[STATUS]",
        "[BODY]",
        "[BODY].a",
        "[BODY].a[0]",
        "[HEADER].x",
        "[RESPONSE_TIME]",
        "[CERTIFICATE_EXPIRATION]",
        " == ",
        " != ",
        " < ",
        " >= ",
        "len(",
        "has(",
        "pat(",
        "any(",
        ")",
        "*",
        "[a-",
        "]",
        "\\",
        ", ",
        "48h",
        "0x",
        "1",
    ]
)
CONDITIONS = st.one_of(st.lists(PIECES, max_size=8).map("".join), st.text(max_size=30))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=6,
)
BODIES = st.one_of(JSON.map(lambda value: json.dumps({"a": value}).encode()), st.binary(max_size=40))

LINES = st.sampled_from(
    """endpoints:
  - name: a
    url: http://h/
    url: ${X}
    interval: 5s
    headers: {A: b}
    conditions:
      - "[STATUS] == 200"
      - x
    <<: *d
d: &d {group: g}
web: {port: 1}
    client: {timeout: 1s}
  - *d
- x
  -
---
...
    retry:
security: {basic: }
&a""".splitlines()
)


@given(text=CONDITIONS, body=BODIES, status=st.none() | st.integers(100, 599))
def test_any_condition_is_read_or_refused_and_any_answer_judged(text: str, body: bytes, status: int | None) -> None:
    with suppress(ConditionError):
        condition = parse_condition(text)
        (result,) = evaluate(observed(status=status, body=body), [condition]).conditions
        assert result.condition == text
        assert len(result.shown) < 2 * (len(text) + 260)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(LINES, max_size=14))
def test_any_document_is_read_or_refused(tmp_path: Path, lines: list[str]) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("\n".join(lines))
    with suppress(ConfigError):
        load([file], KINDS, CHANNELS, {})


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=40))
def test_any_text_is_read_or_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "config.yaml"
    file.write_bytes(text.encode(errors="surrogatepass"))
    with suppress(ConfigError):
        load([file], KINDS, CHANNELS, {})
