"""The record of each size → tables in Markdown, with the ratio to this project beside each number. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench.speed.figures import Spread, ratio, significant
from bench.speed.record import Record

_MEGA = 1e6


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its heading with the unit, the metric, what a number is multiplied by, whether ratios mean anything."""

    heading: str
    metric: str
    times: float = 1.0
    compared: bool = True


INDEXING = (
    Column("passages/s", "index_rate"),
    Column("CPU ms a passage", "index_cpu", 1e3),
    Column("bytes on disk a passage", "disk"),
    Column("peak memory, MB", "index_memory", 1 / _MEGA),
    Column("passages made", "made", compared=False),
)
SEARCHING = (
    Column("start, s", "start"),
    Column("cold search, s", "cold"),
    Column("its CPU s", "cold_cpu"),
    Column("p50, ms", "p50_1", 1e3),
    Column("p99, ms", "p99_1", 1e3),
    Column("CPU ms a search", "cpu_1", 1e3),
    Column("p50 of 8, ms", "p50_8", 1e3),
    Column("p99 of 8, ms", "p99_8", 1e3),
    Column("searches/s of 8", "rate_8"),
    Column("peak memory, MB", "search_memory", 1 / _MEGA),
    Column("found, %", "found", 100, compared=False),
)
CHANGING = (
    Column("add, ms", "add", 1e3),
    Column("change, ms", "change", 1e3),
    Column("delete, ms", "delete", 1e3),
    Column("then erase, ms", "erase", 1e3, compared=False),
    Column("save, ms", "save", 1e3, compared=False),
    Column("add and save, ms", "durable", 1e3),
)
_PARTS = (("Indexing", INDEXING), ("Searching", SEARCHING), ("One document", CHANGING))


def tables(records: Mapping[int, Record], order: Sequence[str]) -> Iterator[str]:
    """Yield the lines for all sizes, the smallest first. order: of the variants; ratios are to the first."""
    for size in sorted(records):
        yield f"\n### {size:,} passages\n"
        for title, columns in _PARTS:
            yield from _table(title, columns, records[size], order)
        yield from _reasons(records[size])


def _table(title: str, columns: tuple[Column, ...], record: Record, order: Sequence[str]) -> Iterator[str]:
    columns = tuple(one for one in columns if any(_spread(record, name, one.metric) for name in order))
    shown = [name for name in order if any(_spread(record, name, one.metric) for one in columns)]
    yield f"\n| {title} | {' | '.join(one.heading for one in columns)} |\n| --- |{' --- |' * len(columns)}\n"
    for name in shown:
        cells = (_cell(record, name, one, order[0]) for one in columns)
        yield f"| {name} | {' | '.join(cells)} |\n"


def _cell(record: Record, name: str, column: Column, ours: str) -> str:
    value = _spread(record, name, column.metric)
    if value is None:
        return "-"
    text = significant(value.median * column.times)
    if value.rounds > 1:
        text += f" ({significant(value.low * column.times, 2)} to {significant(value.high * column.times, 2)})"
    times = ratio(value, _spread(record, ours, column.metric))
    plain = times is None or name == ours or not column.compared
    return text if plain else f"{text} ×{significant(times or 0, 2)}"


def _spread(record: Record, name: str, metric: str) -> Spread | None:
    """Return a metric's spread; what is durable is what adding and saving take together, by their medians."""
    if metric != "durable":
        return record.spread(name, metric)
    add, save = record.spread(name, "add"), record.spread(name, "save")
    return Spread(add.median + save.median, add.low + save.low, add.high + save.high, add.rounds) if add and save else None


def _reasons(record: Record) -> Iterator[str]:
    for name, reasons in record.reasons.items():
        for metric, reason in reasons.items():
            yield f"\n{name}, {metric}: {reason}\n"


def growth(records: Mapping[int, Record], metric: str, order: Sequence[str]) -> dict[str, list[tuple[int, float]]]:
    """Return variant → (passages, median), by size, of those that have any."""
    found = {name: [(size, _spread(records[size], name, metric)) for size in sorted(records)] for name in order}
    lines = {name: [(size, spread.median) for size, spread in points if spread] for name, points in found.items()}
    return {name: line for name, line in lines.items() if line}
