"""Jinja2 for the pages: the environment, the words it knows, and how a page or a fragment of one is rendered."""

import time
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import orjson
import structlog
from markupsafe import Markup
from starlette.responses import HTMLResponse

from milkrun.core.outcome import Outcome
from milkrun.web import words
from milkrun.web.listing import anchor
from milkrun.web.site import Site
from milkrun.web.wire import Json, instant

log = structlog.get_logger()

FOLDER = Path(__file__).parent
VENDOR = FOLDER / "static" / "vendor"
SCRIPTS = ("htmx.min.js", "hx-sse.min.js", "uPlot.iife.min.js", "uPlot.min.css")


def ago(milliseconds: float | None, suffix: str = "") -> Markup:
    """How long ago, as a <time> with the exact instant; scripts keep it current and add the viewer's zone."""
    if milliseconds is None:
        return Markup("–")
    text = words.duration(time.time() - milliseconds / 1_000) + suffix
    return Markup('<time datetime="{}" data-ago="{}">{}</time>').format(instant(milliseconds), suffix, text)


def clock(milliseconds: float) -> str:
    """A moment to the second, in UTC: what a script shows in the viewer's zone instead."""
    return str(instant(milliseconds))[:19].replace("T", " ") + " UTC"


def until(seconds: float) -> str:
    """How long until an epoch second; "ended" once it has passed."""
    left = seconds - time.time()
    return words.duration(left) if left > 0 else "ended"


@cache
def scripts_present() -> bool:
    """Whether the built page scripts are there; without them pages work, but do not update themselves."""
    missing = [name for name in SCRIPTS if not (VENDOR / name).is_file()]
    if missing:
        log.warning(
            "the pages' scripts are missing, pages will not update themselves: run `make assets`", missing=missing
        )
    return not missing


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        auto_reload=False,
    )
    environment.filters |= {
        "ago": ago,
        "until": until,
        "duration": words.duration,
        "count": words.count,
        "latency": words.latency,
        "share": words.share,
        "size": words.size,
        "instant": instant,
        "clock": clock,
    }
    environment.globals |= {"Outcome": Outcome, "anchor": anchor, "words": words, "scripts": scripts_present}
    return environment


ENVIRONMENT = _environment()


def script_json(value: Json) -> Markup:
    """JSON for a <script> of data: no text in it can end the element (HTML, section 4.12.1.3)."""
    return Markup(orjson.dumps(value).decode().replace("<", "\\u003c"))  # noqa: S704 - no "<" is left


def render(site: Site, template: str, **values: Any) -> str:
    """Render a page or a fragment; every template knows the site."""
    return ENVIRONMENT.get_template(template).render(site=site, board=site.board, **values)


def page(site: Site, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """Render a whole page. It is always made anew: what it shows is seconds old at most."""
    return HTMLResponse(render(site, template, **values), status_code=status, headers={"cache-control": "no-store"})


def trouble_page(site: Site, status: int, said: str) -> HTMLResponse:
    """A page that says what happened and where to go from here."""
    return page(site, "trouble.html", status, said=said)
