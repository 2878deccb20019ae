"""Costs over the size of the corpus as an SVG: one small plot a metric, both axes logarithmic. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape

from bench.speed.figures import significant

Lines = Mapping[str, Sequence[tuple[float, float]]]  # name → (passages, value)

_WIDE, _HIGH = 250, 170  # pixels inside a plot's axes
_LEFT, _TOP, _RIGHT, _BELOW = 62, 30, 18, 40
_ACROSS = 3
_LINE = 18  # pixels between lines of the legend
_COLOURS = ("#3b7dd8", "#d8663b", "#2f9e6e", "#8a56c2", "#b98a00")
_DASHES = ("", "6 3", "2 3")


def growth_svg(plots: Mapping[str, Lines]) -> str:
    """Draw a plot for each title, and one legend. The name up to the first comma gives the colour, what follows the dash."""
    styles = _styles([name for lines in plots.values() for name in lines])
    cell_wide, cell_high = _LEFT + _WIDE + _RIGHT, _TOP + _HIGH + _BELOW
    rows = math.ceil(len(plots) / _ACROSS)
    parts = []
    for number, (title, lines) in enumerate(plots.items()):
        x, y = number % _ACROSS * cell_wide, number // _ACROSS * cell_high
        parts.append(f'<g transform="translate({x} {y})">{"".join(_plot(title, lines, styles))}</g>')
    parts += _legend(styles, rows * cell_high)
    wide, high = _ACROSS * cell_wide, rows * cell_high + _LINE * math.ceil(len(styles) / _ACROSS) + 12
    style = "<style>text{font:12px sans-serif;fill:#333}.page{fill:#fff}</style>"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="costs over the size of the corpus" '
        f'viewBox="0 0 {wide} {high}" width="{wide}" height="{high}">{style}'
        f'<rect class="page" width="{wide}" height="{high}"/>{"".join(parts)}</svg>\n'
    )


def _styles(names: Sequence[str]) -> dict[str, str]:
    families: dict[str, int] = {}
    styles: dict[str, str] = {}
    for name in dict.fromkeys(names):
        family = name.split(",")[0]
        families.setdefault(family, len({one.split(",")[0] for one in styles}))
        before = sum(1 for one in styles if one.split(",")[0] == family)
        colour, dash = _COLOURS[families[family] % len(_COLOURS)], _DASHES[before % len(_DASHES)]
        styles[name] = f'stroke="{colour}" fill="{colour}"' + (f' stroke-dasharray="{dash}"' if dash else "")
    return styles


def _plot(title: str, lines: Lines, styles: Mapping[str, str]) -> Iterator[str]:
    points = [point for line in lines.values() for point in line if point[1] > 0]
    yield f'<text x="{_LEFT}" y="18" font-weight="bold">{escape(title)}</text>'
    yield f'<path d="M{_LEFT} {_TOP}V{_TOP + _HIGH}H{_LEFT + _WIDE}" fill="none" stroke="#333"/>'
    if not points:
        return
    across, up = _span([x for x, _ in points]), _span([y for _, y in points])
    for tick in _ticks(*up):
        y = _TOP + _HIGH * (1 - _share(tick, up))
        yield f'<path d="M{_LEFT} {y:.1f}h{_WIDE}" stroke="#ddd"/>'
        yield f'<text x="{_LEFT - 5}" y="{y + 4:.1f}" text-anchor="end">{significant(tick, 1)}</text>'
    for size in sorted({x for x, _ in points}):
        x = _LEFT + _WIDE * _share(size, across)
        yield f'<text x="{x:.1f}" y="{_TOP + _HIGH + 16}" text-anchor="middle">{_thousands(size)}</text>'
    for name, line in lines.items():
        places = [(_LEFT + _WIDE * _share(x, across), _TOP + _HIGH * (1 - _share(y, up))) for x, y in line if y > 0]
        yield _line(places, styles[name])


def _line(places: Sequence[tuple[float, float]], style: str) -> str:
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" {style}/>' for x, y in places)
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
    return f'{dots}<path d="M{path}" {style} fill-opacity="0" stroke-width="1.6"/>' if places else ""


def _legend(styles: Mapping[str, str], top: float) -> Iterator[str]:
    for number, (name, style) in enumerate(styles.items()):
        x = number % _ACROSS * (_LEFT + _WIDE + _RIGHT) + 12
        y = top + number // _ACROSS * _LINE
        yield f'<path d="M{x} {y}h30" {style} stroke-width="2"/><text x="{x + 36}" y="{y + 4}">{escape(name)}</text>'


def _span(values: Sequence[float]) -> tuple[float, float]:
    """Return the logarithms (base 10) of the ends of an axis, with some air; one value alone stands in the middle."""
    low, high = math.log10(min(values)), math.log10(max(values))
    air = 0.05 * (high - low) or 0.5
    return low - air, high + air


def _share(value: float, span: tuple[float, float]) -> float:
    return (math.log10(value) - span[0]) / (span[1] - span[0])


def _ticks(low: float, high: float) -> list[float]:
    """Return round numbers between two logarithms: 1, 10, 100 …, with 2 and 5 where those are few."""
    decades = range(math.floor(low), math.ceil(high) + 1)
    leads = (1,) if high - low > 2.5 else (1, 3) if high - low > 1 else (1, 2, 3, 5, 7)
    return [tick for power in decades for lead in leads if low <= math.log10(tick := lead * 10.0**power) <= high]


def _thousands(size: float) -> str:
    return f"{size / 1000:g}k" if size >= 1000 else f"{size:g}"
