"""A result as JSON, as a table, and as one self-contained HTML page; two results compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

from qa.evaluation.tasks import Result

_WIDTH, _BAR, _ROW = 560, 300, 22  # pixels of the plots
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}"
    "table{border-collapse:collapse}td,th{padding:.2rem .8rem;text-align:left;border-bottom:1px solid #8886}"
    "td.n{text-align:right;font-variant-numeric:tabular-nums}"
    "svg{max-width:100%;height:auto}svg text{font:13px sans-serif;fill:currentColor}"
)


def result_to_json(result: Result, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return a result as `qa eval --json` prints it and `--compare` reads it. settings: what was measured."""
    return {
        "dataset": result.dataset,
        "kind": result.kind,
        "metrics": {
            name: {"value": round(one.value, 4), "low": round(one.low, 4), "high": round(one.high, 4), "n": one.n}
            for name, one in result.metrics.items()
        },
        "latency_ms": {
            stage: {"p50": _percentile(times, 50), "p99": _percentile(times, 99)}
            for stage, times in result.latency.items()
            if times
        },
        "settings": dict(settings),
    }


def _percentile(times: Sequence[float], share: int) -> float:
    return round(float(np.percentile(times, share)), 2)


def table_lines(fields: Mapping[str, Any], earlier: Mapping[str, Any] | None = None) -> Iterator[str]:
    """Yield the lines of a table of metrics; with an earlier result, how much each has changed."""
    before = (earlier or {}).get("metrics", {})
    yield f"{fields['dataset']} ({fields['kind']})"
    for name, one in fields["metrics"].items():
        line = f"  {name:<34} {one['value']:.3f}  [{one['low']:.3f}, {one['high']:.3f}]  n={one['n']}"
        yield line + (f"  {one['value'] - before[name]['value']:+.3f}" if name in before else "")
    for stage, one in fields["latency_ms"].items():
        yield f"  {stage:<34} p50 {one['p50']:.1f} ms, p99 {one['p99']:.1f} ms"


def html_page(fields: Mapping[str, Any], earlier: Mapping[str, Any] | None = None) -> str:
    """Return one page with everything in it: no script, nothing loaded from elsewhere."""
    title = escape(f"{fields['dataset']} ({fields['kind']})")
    settings = "".join(f"<tr><th>{escape(str(k))}<td>{escape(str(v))}" for k, v in fields["settings"].items())
    latency = "".join(
        f"<tr><th>{escape(stage)}<td class=n>{one['p50']:.1f}<td class=n>{one['p99']:.1f}"
        for stage, one in fields["latency_ms"].items()
    )
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title><style>{_STYLE}</style>"
        f"<h1>{title}</h1><p>Each bar is a metric, 0 to 1; the line through its end holds 95 of 100 bootstrap resamples.</p>"
        f"{_bars(fields['metrics'], (earlier or {}).get('metrics', {}))}"
        f"<h2>Figures</h2><table>{_rows(fields['metrics'], (earlier or {}).get('metrics', {}))}</table>"
        f"<h2>Milliseconds</h2><table><tr><th>stage<th>median<th>99th percentile{latency}</table>"
        f"<h2>Measured with</h2><table>{settings}</table></html>\n"
    )


def _rows(metrics: Mapping[str, Any], before: Mapping[str, Any]) -> str:
    head = "<tr><th>metric<th>value<th>95 %<th>n" + ("<th>earlier" if before else "")
    return head + "".join(
        f"<tr><th>{escape(name)}<td class=n>{one['value']:.3f}<td class=n>{one['low']:.3f} to {one['high']:.3f}"
        f"<td class=n>{one['n']}" + (f"<td class=n>{before[name]['value']:.3f}" if name in before else "")
        for name, one in metrics.items()
    )


def _bars(metrics: Mapping[str, Any], before: Mapping[str, Any]) -> str:
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


def _unit(value: float) -> float:
    return min(1.0, max(0.0, value))
