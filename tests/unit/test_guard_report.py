"""What the guard has counted, as text and as JSON."""

import json

from milkrun.client.guard import OriginReport, Report, SiteReport

SITE = SiteReport(
    what="httpx2.AsyncClient",
    site="app/prices.py:12 in quote",
    constructed=1200,
    closed=1100,
    alive=60,
    dropped=40,
    churned=True,
)
ORIGIN = OriginReport(origin="api.example.org:443", opened=7, site="app/prices.py:13 in quote", churned=False)


def test_a_report_reads_as_two_tables_in_which_who_churns_is_marked() -> None:
    text = str(Report(sites=(SITE,), origins=(ORIGIN,)))
    assert text.splitlines() == [
        " made  closed  alive  dropped  client              where",
        "1,200   1,100     60       40  httpx2.AsyncClient  app/prices.py:12 in quote  <- churns",
        "",
        "opened  origin               last opened at",
        "     7  api.example.org:443  app/prices.py:13 in quote",
    ]


def test_where_nothing_has_been_counted_the_report_says_so() -> None:
    text = str(Report(sites=(), origins=()))
    assert text == "no client has been constructed\n\nno connection has been opened"


def test_a_report_is_json() -> None:
    known = json.loads(json.dumps(Report(sites=(SITE,), origins=(ORIGIN,)).as_json()))
    assert known["sites"][0]["constructed"] == 1200
    assert known["origins"] == [
        {"origin": "api.example.org:443", "opened": 7, "site": "app/prices.py:13 in quote", "churned": False}
    ]
