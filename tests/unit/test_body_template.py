"""Templates of webhook bodies: what they can say, and all that they cannot do."""

import json

import pytest

from milkrun.alerting.account import example
from milkrun.alerting.template import BadTemplateError, BodyTemplate


def test_a_template_sees_the_account() -> None:
    source = (
        '{"text": {{ title | tojson }}, "names": [{% for i in incidents %}{{ i.endpoint.name | tojson }}{% endfor %}]}'
    )
    assert json.loads(BodyTemplate(source).fill(example())) == {
        "text": "▲ checkout is down — connect/refused",
        "names": ["checkout"],
    }


def test_what_fills_a_template_is_never_read_as_one() -> None:
    account = example() | {"title": "{{ incidents }}{% for %}"}
    assert BodyTemplate("{{ title }}").fill(account) == "{{ incidents }}{% for %}"


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__ }}",
        "{{ title.__class__.__mro__ }}",
        "{{ incidents.__init__.__globals__ }}",
        "{{ title.upper() }}",
        "{{ incidents.append(1) }}",
        "{{ range(10) }}",
        "{{ self.__init__ }}",
        "{{ lipsum }}",
        "{{ cycler }}",
        "{{ title | attr('__class__') }}",
        "{{ 'a' * 1000000000 }}",
        "{{ 2 ** 100000 }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ 'a' | center(1000000000) }}",
        "{{ incidents | map(attribute='__class__') | first }}",
        "{% include '/etc/passwd' %}",
        "{% import 'os' as os %}",
        "{{ nobody }}",
        "{{ incidents[0].nothing }}",
        "{{ 1 / 0 }}",
        "{{ title + 1 }}",
        "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}",
    ],
)
def test_a_template_can_do_nothing_but_look_into_the_account(source: str) -> None:
    with pytest.raises(BadTemplateError):
        BodyTemplate(source).fill(example())


def test_a_template_that_cannot_be_read_says_where() -> None:
    with pytest.raises(BadTemplateError, match="line 2: "):
        BodyTemplate("{\n{% if %}")
