"""Charts as inline SVG in one HTML file: it opens in any browser, without a script and without network."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from math import log

from services.scoring.domain.fair import FunnelLimits

WIDTH, HEIGHT = 860, 420
LEFT, RIGHT, TOP, BOTTOM = 70, 230, 20, 50
TICKS = 5

_STYLE = """
body { font: 15px/1.5 system-ui, "Noto Sans CJK SC", sans-serif; margin: 2em auto; max-width: 60em; color: #1b1b1b; }
table { border-collapse: collapse; margin: 1em 0; } th, td { padding: .2em .8em; border-bottom: 1px solid #ccc; }
th { text-align: left; } td.number { text-align: right; font-variant-numeric: tabular-nums; }
svg { max-width: 100%; height: auto; } svg text { font-size: 12px; fill: #333; }
.axis { stroke: #555; } .grid { stroke: #e4e4e4; } .centre { stroke: #555; stroke-dasharray: 4 3; }
.near { fill: none; stroke: #2b6cb0; stroke-dasharray: 5 4; } .far { fill: none; stroke: #2b6cb0; }
.usual { fill: #2f855a; } .unusual { fill: #b7791f; } .exceptional { fill: #c53030; } .left { fill: #999; }
.up { stroke: #2f855a; } .down { stroke: #c53030; } .same { stroke: #999; } line.slope { stroke-width: 2; }
"""


@dataclass(frozen=True, slots=True)
class Dot:
    """One unit in a funnel plot. ``mood`` is how it is drawn: usual, unusual, exceptional, left."""

    name: str
    size: float
    value: float
    mood: str


def page(title: str, parts: Iterable[str]) -> str:
    """Return a whole HTML document."""
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}</style>'
    return (
        f'<!doctype html>\n<html lang="zh"><head>{head}</head><body>\n<h1>{escape(title)}</h1>\n'
        + "\n".join((*parts, "</body></html>\n"))
    )


def heading(text: str) -> str:
    """Return a heading."""
    return f"<h2>{escape(text)}</h2>"


def paragraph(text: str) -> str:
    """Return a paragraph."""
    return f"<p>{escape(text)}</p>"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table; numbers stand to the right."""
    top = "".join(f"<th>{escape(one)}</th>" for one in head)
    body = "\n".join(f"<tr>{''.join(_cell(one) for one in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{top}</tr></thead><tbody>\n{body}\n</tbody></table>"


def _cell(value: object) -> str:
    if value is None:
        return "<td>–</td>"
    text = escape(str(value))
    is_number = text.lstrip("+-−").replace(".", "", 1).replace("–", "").replace(" ", "").isdigit()
    return f'<td class="number">{text}</td>' if is_number else f"<td>{text}</td>"


def funnel_svg(dots: Sequence[Dot], limits: Sequence[FunnelLimits], common: float, per: int = 1) -> str:
    """Return a funnel plot: value against size on a logarithmic axis, with the limits of chance around the common value."""
    sizes = [dot.size for dot in dots] + [float(one.size) for one in limits]
    values = [dot.value for dot in dots] + [common]
    values += [end * per for one in limits for end in (one.far_low, one.far_high)]
    across = _Axis(log(min(sizes)), log(max(sizes)), LEFT, WIDTH - RIGHT)
    up = _Axis(min(values), max(values), HEIGHT - BOTTOM, TOP)
    lines = [
        _path(kind, [(across.at(log(float(one.size))), up.at(getattr(one, end) * per)) for one in limits])
        for kind, ends in (("near", ("low", "high")), ("far", ("far_low", "far_high")))
        for end in ends
    ]
    centre = up.at(common)
    lines.append(
        f'<line class="centre" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{centre:.1f}" y2="{centre:.1f}"/>'
    )
    marks = [
        f'<circle class="{dot.mood}" cx="{across.at(log(dot.size)):.1f}" cy="{up.at(dot.value):.1f}" r="4">'
        f"<title>{escape(dot.name)}: {dot.value:.6g} ({dot.size:.6g})</title></circle>"
        f'<text x="{across.at(log(dot.size)) + 7:.1f}" y="{up.at(dot.value) + 4:.1f}">{escape(dot.name)}</text>'
        for dot in dots
    ]
    sizes_shown = sorted({min(sizes), max(sizes), (min(sizes) * max(sizes)) ** 0.5})
    below = [
        f'<text text-anchor="middle" x="{across.at(log(size)):.1f}" y="{HEIGHT - BOTTOM + 18}">{size:.4g}</text>'
        for size in sizes_shown
    ]
    return _svg([*up.grid(), *lines, *marks, *below, _caption("件数 size")])


def slope_svg(was: Mapping[str, float], now: Mapping[str, float]) -> str:
    """Return a slope chart: each unit's place before on the left and after on the right, the first on top."""
    places = [*was.values(), *now.values()]
    down = _Axis(min(places, default=1), max(places, default=1), TOP + 20, HEIGHT - BOTTOM)
    left, right = RIGHT, WIDTH - RIGHT
    parts = [
        f'<text x="{left}" y="{TOP}" text-anchor="middle">现行 now</text>',
        f'<text x="{right}" y="{TOP}" text-anchor="middle">草案 draft</text>',
    ]
    for unit in sorted(was.keys() | now.keys()):
        before, after = was.get(unit), now.get(unit)
        if before is not None:
            y = down.at(before) + 4
            parts.append(
                f'<text x="{left - 8}" y="{y:.1f}" text-anchor="end">{escape(unit)} {before:g}</text>'
            )
        if after is not None:
            parts.append(
                f'<text x="{right + 8}" y="{down.at(after) + 4:.1f}">{after:g} {escape(unit)}</text>'
            )
        if before is not None and after is not None:
            mood = "same" if before == after else "up" if after < before else "down"
            parts.append(
                f'<line class="slope {mood}" x1="{left}" x2="{right}" y1="{down.at(before):.1f}" y2="{down.at(after):.1f}"/>'
            )
    return _svg(parts)


@dataclass(frozen=True, slots=True)
class _Axis:
    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Return where a value lies. What lies outside is drawn at the edge."""
        if self.high == self.low:
            return (self.start + self.end) / 2
        share = min(max((value - self.low) / (self.high - self.low), 0.0), 1.0)
        return self.start + share * (self.end - self.start)

    def grid(self) -> list[str]:
        """Return horizontal lines with their values."""
        values = [self.low + (self.high - self.low) * tick / (TICKS - 1) for tick in range(TICKS)]
        return [
            f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{self.at(value):.1f}" y2="{self.at(value):.1f}"/>'
            f'<text x="{LEFT - 6}" y="{self.at(value) + 4:.1f}" text-anchor="end">{value:.4g}</text>'
            for value in values
        ]


def _path(kind: str, points: Sequence[tuple[float, float]]) -> str:
    inside = "".join(
        f'<line class="{kind}" x1="{x:.1f}" y1="{y:.1f}" x2="{right:.1f}" y2="{below:.1f}"/>'
        for (x, y), (right, below) in pairwise(points)
    )
    return f'<g class="limit {kind}">{inside}</g>'


def _caption(text: str) -> str:
    return f'<text x="{(LEFT + WIDTH - RIGHT) / 2:.0f}" y="{HEIGHT - 8}" text-anchor="middle">{escape(text)}</text>'


def _svg(parts: Iterable[str]) -> str:
    inside = "\n".join(parts)
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" xmlns="http://www.w3.org/2000/svg">\n{inside}\n</svg>'
