"""The fifty sample services: who they are, how they behave, and by which rules they are checked.

Most are well, as most of a company's are. A few are slow, flaky or broken, each in a way of its own, so that every
part of the pages has something true to show.
"""

from collections.abc import Callable
from enum import StrEnum

import msgspec

from milkrun.demo.behaviours import (
    Behaviour,
    answers,
    flaky,
    hangs_up,
    lies_about_gzip,
    outages,
    redirects,
    stalls,
    trickles,
    truncates,
)


class Trust(StrEnum):
    """The certificate a TLS service shows."""

    SOUND = "sound"
    EXPIRES_SOON = "expires-soon"
    SELF_SIGNED = "self-signed"


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One service.

    `idle` is after how many seconds it closes a quiet connection. `rules` are configuration keys beside name, group,
    url and interval. A service without a behaviour has a port on which nobody listens.
    """

    group: str
    name: str
    behaviour: Behaviour | None
    tls: Trust | None = None
    idle: float | None = None
    rules: dict[str, object] = {}

    @property
    def key(self) -> str:
        """Group and name: unique in the roster."""
        return f"{self.group}/{self.name}"


Maker = Callable[[str], Sample]


def service(
    name: str, behaviour: Behaviour | None, *, tls: Trust | None = None, idle: float | None = None, **rules: object
) -> Maker:
    """Describe a service whose group is still to be said; `rules` are configuration keys, written with underscores."""
    keys = {key.replace("_", "-"): value for key, value in rules.items()}
    return lambda group: Sample(group=group, name=name, behaviour=behaviour, tls=tls, idle=idle, rules=keys)


ERROR = answers({"error": "internal"}, status=500, ms=9)
FAST = ["[STATUS] == 200", "[RESPONSE_TIME] < 300"]
OK = ["[STATUS] == 200", "[BODY].status == ok"]
SOUND = Trust.SOUND

COMPANY: dict[str, tuple[Maker, ...]] = {
    "storefront": (
        service("web", answers(ms=18, padding=24_000), conditions=FAST),
        service("cart", answers(ms=11), conditions=OK),
        service("checkout", answers(ms=26), tls=SOUND, conditions=OK, failure_threshold=2),
        service("search", answers({"hits": [{"id": 7}]}, ms=34), conditions=["len([BODY].hits) > 0"]),
        service("images", answers(ms=140, padding=180_000), conditions=["[STATUS] == 200"]),
        service("sitemap", redirects("/en/health", then=answers(ms=8)), conditions=["[STATUS] == 200"]),
        service("newsletter", answers(ms=15)),
        service(
            "recommendations",
            flaky(answers(ms=55), share=0.12, otherwise=ERROR),
            conditions=["[STATUS] == 200"],
            retry={"count": 1, "delay": "500ms"},
        ),
    ),
    "payments": (
        service("api", answers(ms=21), tls=SOUND, conditions=OK),
        service("cards", answers(ms=38), tls=SOUND, conditions=OK),
        service("wallets", answers(ms=24), tls=SOUND, conditions=OK),
        service("payouts", answers({"pending": 3}, ms=16), conditions=["[BODY].pending < 50"]),
        service("refunds", ERROR, conditions=["[STATUS] == 200"]),
        service("fraud-score", answers(ms=420), conditions=["[STATUS] == 200"], degraded=["[RESPONSE_TIME] < 250"]),
        service(
            "legacy-gateway",
            answers(ms=62),
            tls=Trust.EXPIRES_SOON,
            conditions=["[STATUS] == 200"],
            degraded=["[CERTIFICATE_EXPIRATION] > 240h"],
        ),
    ),
    "identity": (
        service("login", answers(ms=19), tls=SOUND, conditions=OK),
        service("sessions", answers(ms=4), conditions=FAST),
        service("tokens", answers({"keys": ["a", "b"]}, ms=6), conditions=["len([BODY].keys) == 2"]),
        service("two-factor", answers(ms=13)),
        service("directory", answers(ms=29), idle=3.0, conditions=OK),
        service("avatars", redirects("/v2/health", "/v3/health", then=answers(ms=7))),
    ),
    "catalogue": (
        service("products", answers({"items": [1, 2, 3]}, ms=31), conditions=["len([BODY].items) == 3"]),
        service("prices", answers({"currency": "EUR"}, ms=14), conditions=["[BODY].currency == any(EUR, USD)"]),
        service(
            "stock",
            flaky(answers(ms=22), share=0.06, otherwise=hangs_up()),
            conditions=["[STATUS] == 200"],
            failure_threshold=2,
        ),
        service("reviews", answers(ms=17)),
        service("media", answers(ms=90, padding=400_000), conditions=["[STATUS] == 200"]),
        service("translations", answers(ms=10), conditions=FAST),
    ),
    "logistics": (
        service("orders", answers(ms=23), conditions=OK, failure_threshold=3),
        service("tracking", trickles(pieces=6, ms=20), conditions=["[BODY] == pat(*parcel*)"]),
        service("warehouse", answers({"site": "AMS"}, ms=12), conditions=["[BODY].site == AMS"]),
        service("returns", answers(ms=20)),
        service("labels", None, conditions=["[STATUS] == 200"]),
        service(
            "shipping-quotes",
            answers(ms=640),
            conditions=["[STATUS] == 200"],
            degraded=["[RESPONSE_TIME] < 400"],
        ),
    ),
    "data": (
        service("events", answers(ms=3), conditions=FAST),
        service("metrics", answers(ms=5), conditions=FAST),
        service("features", answers(ms=9), conditions=OK),
        service("reports", answers(ms=310), conditions=["[STATUS] == 200"], client={"timeout": "5s"}),
        service("exports", truncates(), conditions=["[STATUS] == 200", "has([BODY].rows) == true"]),
        service(
            "warehouse-sync",
            outages(answers(ms=27), every=300, lasting=45),
            conditions=["[STATUS] == 200"],
            success_threshold=2,
        ),
    ),
    "platform": (
        service("gateway", answers(ms=2), tls=SOUND, conditions=FAST),
        service("configuration", answers({"revision": 812}, ms=6), conditions=["[BODY].revision > 800"]),
        service("queues", answers({"depth": 17}, ms=8), conditions=["[BODY].depth < 100"]),
        service("scheduler", answers(ms=7), conditions=OK),
        service("flags", answers({"flags": {"dark": True}}, ms=3), conditions=["[BODY].flags.dark == true"]),
        service(
            "backups",
            answers({"age_hours": 31}, ms=12),
            conditions=["[STATUS] == 200"],
            degraded=["[BODY].age_hours < 26"],
        ),
    ),
    "partners": (
        service("air-fares", answers(ms=118), tls=SOUND, conditions=["[STATUS] == 200"]),
        service("weather", answers(ms=75, close=True), conditions=["[STATUS] == 200"]),
        service("hotel-rates", stalls(), client={"timeout": "2s"}),
        service("currencies", answers(ms=44), tls=Trust.SELF_SIGNED),
        service("maps", lies_about_gzip(), conditions=["has([BODY][0]) == true"]),
    ),
}

ROSTER: tuple[Sample, ...] = tuple(make(group) for group, makers in COMPANY.items() for make in makers)
