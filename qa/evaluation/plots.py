"""Plots as SVG, to stand in a page: no script, nothing loaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

_WIDTH, _BAR, _ROW = 560, 300, 22  # pixels


def bars(metrics: Mapping[str, Any], before: Mapping[str, Any]) -> str:
    """Draw a bar a metric, its interval as a line, an earlier value as a notch."""
    left = _WIDTH - _BAR - 60
    parts = []
    for row, (name, one) in enumerate(metrics.items()):
        y = row * _ROW + 4
        parts.append(f'<text x="0" y="{y + 12}">{escape(name)}</text>')
        parts.append(f'<rect x="{left}" y="{y}" width="{_BAR * _unit(one["value"]):.1f}" height="14" fill="#3b7dd8"/>')
        low, high = (left + _BAR * _unit(one[side]) for side in ("low", "high"))
        parts.append(f'<path d="M{low:.1f} {y + 7}H{high:.1f}" stroke="currentColor" stroke-width="2"/>')
        if name in before:
            x = left + _BAR * _unit(before[name]["value"])
            parts.append(f'<path d="M{x:.1f} {y - 2}V{y + 16}" stroke="#d8663b" stroke-width="3"/>')
        parts.append(f'<text x="{left + _BAR + 8}" y="{y + 12}">{one["value"]:.3f}</text>')
    height = len(metrics) * _ROW + 8
    return f'<svg role="img" aria-label="metrics" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}">{"".join(parts)}</svg>'


def reliability_plot(bins: Sequence[Sequence[float]]) -> str:
    """Draw (mean chance, share right, number) as dots, beside the line on which chances are true."""
    dots = "".join(
        f'<circle cx="{_x(chance):.1f}" cy="{_y(share):.1f}" r="{2 + count**0.5 / 5:.1f}" fill="#3b7dd8" fill-opacity=".6"/>'
        for chance, share, count in bins
    )
    diagonal = f'<path d="{_path([(0, 0), (1, 1)])}" stroke="currentColor" stroke-dasharray="4"/>'
    return _plot("score against share right", "score", "right", [(one[0], one[1]) for one in bins], f"{diagonal}{dots}")


def risk_plot(points: Sequence[Sequence[float]]) -> str:
    """Draw (share answered, share of these that is wrong)."""
    return _plot("risk by coverage", "answered", "wrong", points)


def _plot(label: str, across: str, up: str, points: Sequence[Sequence[float]], extra: str = "") -> str:
    frame = f'<path d="M{_x(0)} {_y(1)}V{_y(0)}H{_x(1)}" fill="none" stroke="currentColor"/>'
    line = f'<path d="{_path(points)}" fill="none" stroke="#3b7dd8" stroke-width="2"/>'
    names = (
        f'<text x="{_x(0.5)}" y="{_y(0) + 32}" text-anchor="middle">{across}</text><text x="2" y="{_y(1) + 4}">{up} 1</text>'
        f'<text x="{_x(0)}" y="{_y(0) + 16}">0</text><text x="{_x(1)}" y="{_y(0) + 16}" text-anchor="end">1</text>'
    )
    return f'<svg role="img" aria-label="{label}" viewBox="0 0 280 270" width="280">{frame}{extra}{line}{names}</svg>'


def _path(points: Sequence[Sequence[float]]) -> str:
    return "M" + "L".join(f"{_x(across):.1f} {_y(up):.1f}" for across, up in points)


def _x(value: float) -> float:
    return 50 + 220 * _unit(value)


def _y(value: float) -> float:
    return 230 - 220 * _unit(value)


def _unit(value: float) -> float:
    return min(1.0, max(0.0, value))
