"""Rows of a table → blocks of text that each read by themselves: the header row comes again with every few rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from index.errors import UnreadableFile
from index.readers.builder import TextBuilder, fold_space
from index.records import CELLS, Locator, Section

Row = tuple[int, Mapping[int, str]]  # its number from 1, and the text of each cell that is not empty by column from 1

MAX_TEXT = 10_000_000
_GROUP = 600  # characters: about what a passage holds
_WIDE = 300  # characters of a header row: a longer one would fill the passage, so names go beside the values instead
_MANY_COLUMNS = 60
_LONGEST_NAME = 100
_PERIOD = re.compile(r"(?:19|20)\d\d(?:-\d\d(?:-\d\d)?)?")  # a year, month or day may head a column, too
_PERIODS = 2  # at least so many: one alone is more likely a value


class TableText:
    """Writes tables into one text, with a section for every group of rows."""

    def __init__(self) -> None:
        self._builder = TextBuilder()
        self._length = 0

    def add(self, rows: Iterable[Row], sheet: str = "") -> None:
        """Write the rows of a sheet; an empty row sets one table apart from the next.

        Raises UnreadableFile when there is more text than a document may hold.
        """
        named = not sheet
        known: Mapping[int, str] = {}
        for table in _split(self._counted(rows)):
            header = _carried(table, known) or _own_header(table)
            known = header or known
            for cells, lines in _groups(table, header):
                if not named:
                    self._builder.open_section(Locator(sheet=sheet))
                    self._add_block(sheet)
                    named = True
                self._builder.open_section(Locator(sheet=sheet, cells=cells))
                self._add_block("\n".join(lines))

    def finish(self) -> tuple[str, tuple[Section, ...]]:
        """Return the text and its sections."""
        return self._builder.finish()

    def _add_block(self, text: str) -> None:
        self._length += len(text) + 2
        _check_length(self._length)
        self._builder.add_block(text)

    def _counted(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Fold the white space of the cells, drop the empty ones, and stop before they fill the memory."""
        total = 0
        for number, cells in rows:
            kept = {column: text for column, cell in cells.items() if (text := fold_space(cell))}
            total += sum(map(len, kept.values())) + len(kept)
            _check_length(total)
            if kept:
                yield number, kept


def cell_name(column: int, row: int) -> str:
    """Return what a spreadsheet calls a cell: "C7"."""
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return f"{letters}{row}"


def _check_length(length: int) -> None:
    if length > MAX_TEXT:
        raise UnreadableFile(f"more than {MAX_TEXT // 1_000_000} million characters of text: split the file")


def _split(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Yield the runs of rows that no empty row interrupts."""
    table: list[Row] = []
    for row in rows:
        if table and row[0] != table[-1][0] + 1 and not _continues(table, row):
            yield table
            table = []
        table.append(row)
    if table:
        yield table


def _continues(table: Sequence[Row], row: Row) -> bool:
    """Say whether only the header row has been seen, set apart from its table for looks."""
    return len(table) == 1 < len(row[1]) and table[0][1].keys() == row[1].keys()


def _columns(table: Sequence[Row]) -> list[int]:
    return sorted({column for _, cells in table for column in cells})


def _own_header(table: Sequence[Row]) -> Mapping[int, str]:
    """Return the row of a table that names its columns, empty if none does."""
    columns = _columns(table)
    first = _first_full_row(table, len(columns))
    return table[first][1] if _is_header(table, first, columns) else {}


def _carried(table: Sequence[Row], header: Mapping[int, str]) -> Mapping[int, str]:
    """Return the header of the table above if this one goes on with it after an empty row, else none.

    It does if it has no more columns and begins like the rows after it: a first row of names above numbers is its own.
    """
    columns = _columns(table)
    own = _own_header(table)
    below = [value for _, cells in table for value in cells.values() if cells is not own]
    names_numbers = bool(own) and not all(map(_is_name, below))
    is_alike = columns[0] == min(header, default=0) and header.keys() >= set(columns) and 2 * len(columns) > len(header)
    return header if is_alike and not names_numbers and own != header else {}


def _groups(table: Sequence[Row], header: Mapping[int, str]) -> Iterator[tuple[str, list[str]]]:
    """Yield (cells, lines) of each group of rows, the lines beginning with the header row, this table's or the last's."""
    columns = sorted({*_columns(table), *header})
    first = _first_full_row(table, len(columns))
    head, begin = _line(header, columns), first + (table[first][1] is header)
    names: Mapping[int, str] = {}
    if len(head) > _WIDE or len(columns) > _MANY_COLUMNS:
        names, head = header, ""
    above = table[:first] if begin < len(table) else table
    titled = sorted({column for _, cells in above for column in cells})
    yield from _grouped([(number, _line(cells, titled)) for number, cells in above], "", titled)
    if begin < len(table):
        lines = [(number, _line(cells, columns, names)) for number, cells in table[begin:]]
        yield from _grouped(lines, head, columns)


def _grouped(lines: Iterable[tuple[int, str]], head: str, columns: Sequence[int]) -> Iterator[tuple[str, list[str]]]:
    group: list[tuple[int, str]] = []
    used = len(head)
    for number, line in lines:
        if group and used + len(line) > _GROUP:
            yield _finished(group, head, columns)
            group, used = [], len(head)
        group.append((number, line))
        used += len(line) + 1
    if group:
        yield _finished(group, head, columns)


def _finished(group: Sequence[tuple[int, str]], head: str, columns: Sequence[int]) -> tuple[str, list[str]]:
    first, last = cell_name(columns[0], group[0][0]), cell_name(columns[-1], group[-1][0])
    lines = [line for _, line in group]
    return first if first == last else f"{first}:{last}", [head, *lines] if head else lines


def _line(cells: Mapping[int, str], columns: Sequence[int], names: Mapping[int, str] | None = None) -> str:
    """Return a row as a line; with `names`, "name: value" for each cell that is not empty."""
    if names or len(columns) > _MANY_COLUMNS:
        named = names or {}
        return CELLS.join(f"{named[column]}: {text}" if column in named else text for column, text in cells.items())
    values = [cells.get(column, "") for column in columns]
    while values and not values[-1]:
        values.pop()
    return CELLS.join(values).strip()


def _first_full_row(table: Sequence[Row], width: int) -> int:
    """Return the index of the first row that is no title: titles fill one cell of a table that is wider."""
    if width < 2:
        return 0
    return next((index for index, (_, cells) in enumerate(table) if len(cells) > 1), 0)


def _is_header(table: Sequence[Row], first: int, columns: Sequence[int]) -> bool:
    """Say whether a row holds names of columns: short texts or periods, no two alike, for most columns.

    A first row of data that is taken for a header costs little: it comes again with each group of rows.
    """
    cells = table[first][1]
    values = list(cells.values())
    if first + 1 >= len(table) or 2 * len(values) < len(columns) or len(set(values)) < len(values):
        return False
    periods = [value for value in values if _PERIOD.fullmatch(value)]
    in_order = periods in (sorted(periods), sorted(periods, reverse=True))
    if periods and (len(periods) < _PERIODS or not in_order or cells.get(columns[0]) == periods[0]):
        return False
    return all(_is_name(value) or value in periods for value in values)


def _is_name(value: str) -> bool:
    if len(value) > _LONGEST_NAME or "@" in value or "://" in value or value in ("TRUE", "FALSE"):
        return False
    return any(map(str.isalpha, value)) or value == "#"
