"""The text of a chart in a Word or PowerPoint document: its title and, as rows, the numbers that it draws."""

from __future__ import annotations

from typing import Any

from index.readers.flow import Flow
from index.readers.table_lines import Cell

_C = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_DIGITS = 15  # that a floating-point number holds
_MOST_POINTS = 1000  # of one series: more are a picture of data rather than a table to read


def add_chart(flow: Flow, root: Any) -> None:
    """Add a chart to the text. root: the c:chartSpace element."""
    chart = root.find(f"{_C}chart")
    if chart is None:
        return
    title = chart.find(f"{_C}title")
    if title is not None:
        flow.paragraph("".join(node.text or "" for node in title.iter(f"{_A}t", f"{_C}v")))
    series = list(chart.iter(f"{_C}ser"))
    columns = [_points(one, "val", "yVal") for one in series]
    categories = _points(series[0], "cat", "xVal") if series else {}
    flow.end()
    flow.row(map(Cell, ["", *(" ".join(_points(one, "tx").values()) for one in series)]))
    for index in sorted(set(categories).union(*columns))[:_MOST_POINTS]:
        flow.row(map(Cell, [categories.get(index, ""), *(column.get(index, "") for column in columns)]))
    flow.end()


def _points(series: Any, *names: str) -> dict[int, str]:
    """Return the values that a series keeps of its categories or numbers, by their index."""
    for name in names:
        found = series.find(f"{_C}{name}")
        if found is not None:
            points = ((point.get("idx", ""), point.findtext(f"{_C}v") or "") for point in found.iter(f"{_C}pt"))
            return {int(index): _shown(value) for index, value in points if index.isdecimal()}
    return {}


def _shown(value: str) -> str:
    """Write a number as a person would: 4.4 is kept as 4.4000000000000004."""
    try:
        return f"{float(value):.15g}" if len(value) > _DIGITS else value
    except ValueError:
        return value
