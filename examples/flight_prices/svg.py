"""Just enough of SVG for two charts that are readable in light and dark, wherever they are shown."""

from collections.abc import Iterable, Sequence
from html import escape

import msgspec

# The pages' own colours (their OKLCH tokens as sRGB, which every viewer knows): ground, lines, ink; blue is what is
# cold, plum what is warm, red what is down. The ground belongs to it: a viewer's theme may not be the system's.
_STYLE = """
.ground{fill:#fff;stroke:#e0e3e7}.line{stroke:#e0e3e7}.strong{stroke:#5b616b}.band{fill:#f1f4f7}
text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;font-variant-numeric:tabular-nums;fill:#5b616b}
.title{font-size:15px;font-weight:600;fill:#171d26}.ink{fill:#171d26}.right{text-anchor:end}.middle{text-anchor:middle}
.cold{--hue:#0b67a9}.warm{--hue:#903d8b}.down{--hue:#cb1d25}
path.curve{fill:none;stroke:var(--hue);stroke-width:1.75;stroke-linejoin:round}
.mark{fill:var(--hue);fill-opacity:.75}text.down{fill:var(--hue)}
@media (prefers-color-scheme:dark){
.ground{fill:#15191f;stroke:#282d35}.line{stroke:#282d35}.strong{stroke:#9da4ad}.band{fill:#1e232b}
text{fill:#9da4ad}.title,.ink{fill:#e8ebef}.cold{--hue:#65b2f1}.warm{--hue:#d98cd2}.down{--hue:#fe6f6b}}
"""

Point = tuple[float, float]


class Scale(msgspec.Struct, frozen=True):
    """Where the values from `low` to `high` are drawn: from `start` to `end`, in pixels."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """The pixel of a value; beyond the ends it stays at the end."""
        part = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return self.start + part * (self.end - self.start)


def tag(name: str, content: str = "", **attributes: object) -> str:
    """An element; `class_` is its class, and `stroke_width` and the like are written with a hyphen."""
    told = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_plain(value))}"' for key, value in attributes.items()
    )
    return f"<{name}{told}>{content}</{name}>" if content else f"<{name}{told}/>"


def text(x: float, y: float, words: str, class_: str = "") -> str:
    """Words, their baseline at y."""
    return tag("text", escape(words), x=x, y=y, class_=class_)


def rule(start: Point, end: Point, class_: str = "line", dashes: str = "none") -> str:
    """A thin straight line."""
    return tag("line", x1=start[0], y1=start[1], x2=end[0], y2=end[1], class_=class_, stroke_dasharray=dashes)


def curve(points: Sequence[Point], class_: str) -> str:
    """A line through points."""
    return tag("path", d="M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points), class_=f"curve {class_}")


def dots(points: Iterable[Point], class_: str) -> str:
    """A dot at each point."""
    return "".join(tag("circle", cx=x, cy=y, r=2.2, class_=f"mark {class_}") for x, y in points)


def triangles(points: Iterable[Point], class_: str) -> str:
    """A triangle at each point: what is down has a shape of its own."""
    drawn = "".join(f"M{x:.1f} {y - 3.4:.1f}l3.4 6h-6.8z" for x, y in points)
    return tag("path", d=drawn, class_=f"mark {class_}") if drawn else ""


def document(width: int, height: int, title: str, told: str, parts: Iterable[str]) -> str:
    """The whole picture. `told` is its content in a sentence, for who cannot see it."""
    ground = tag("rect", x=0.5, y=0.5, width=width - 1, height=height - 1, rx=6, class_="ground")
    content = [tag("title", escape(title)), tag("desc", escape(told)), tag("style", _STYLE), ground, *parts]
    return tag(
        "svg",
        "\n" + "\n".join(part for part in content if part) + "\n",
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width} {height}",
        width=width,
        height=height,
        role="img",
    )


def _plain(value: object) -> str:
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)
