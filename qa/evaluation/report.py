"""A result as JSON, as a table, and as one self-contained HTML page; two results compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

from qa.evaluation import metrics
from qa.evaluation.plots import bars, reliability_plot, risk_plot
from qa.evaluation.tasks import Result

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
        "reliability": metrics.reliability(result.chances, result.right),
        "risk_by_coverage": _thinned(metrics.risk_by_coverage(result.chances, result.right)),
        "settings": dict(settings),
    }


def _thinned(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Keep about a hundred points, the last one among them."""
    step = max(1, len(points) // 100)
    return [points[i] for i in range(len(points) - 1, -1, -step)][::-1]


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
        f"{bars(fields['metrics'], (earlier or {}).get('metrics', {}))}"
        f"{_trust(fields)}"
        f"<h2>Figures</h2><table>{_rows(fields['metrics'], (earlier or {}).get('metrics', {}))}</table>"
        f"<h2>Milliseconds</h2><table><tr><th>stage<th>median<th>99th percentile{latency}</table>"
        f"<h2>Measured with</h2><table>{settings}</table></html>\n"
    )


def _rows(measured: Mapping[str, Any], before: Mapping[str, Any]) -> str:
    head = "<tr><th>metric<th>value<th>95 %<th>n" + ("<th>earlier" if before else "")
    return head + "".join(
        f"<tr><th>{escape(name)}<td class=n>{one['value']:.3f}<td class=n>{one['low']:.3f} to {one['high']:.3f}"
        f"<td class=n>{one['n']}" + (f"<td class=n>{before[name]['value']:.3f}" if name in before else "")
        for name, one in measured.items()
    )


def _trust(fields: Mapping[str, Any]) -> str:
    if not fields.get("reliability"):
        return ""
    return (
        "<h2>How far to trust the score</h2><p>Left: answers by their score, and the share of them that was right; on the "
        "dashed line the score is true. Right: when only the surest answers are given, the share of them that is wrong.</p>"
        f"{reliability_plot(fields['reliability'])}{risk_plot(fields['risk_by_coverage'])}"
    )
