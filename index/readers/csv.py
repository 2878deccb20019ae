"""Comma-, semicolon-, tab- and pipe-separated values → their rows as text."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from typing import Literal

from index.errors import UnreadableFile
from index.readers.tables import MAX_TEXT, Row, TableText
from index.readers.text import decode_rated
from index.records import Extracted

_DELIMITERS = ",;\t|"  # of two that fit equally well the earlier is taken
_NO_DELIMITER = "\x1f"  # a control character: no text has any that was decoded
_SAMPLE = 100_000  # characters looked at to find the delimiter
_SAMPLE_ROWS = 500
_TOLD = re.compile(r"sep=([,;|\t])\n", re.IGNORECASE)  # a first line that Excel writes and obeys
_RUNAWAY = 100  # line breaks in one field: a quotation mark that nobody closed, rather than a text
_MAX_COLUMNS = 20_000


def read_csv(data: bytes) -> Extracted:
    """Read a table of separated values. Its cells are named as a spreadsheet would name them."""
    decoded = decode_rated(data)
    source = decoded.text
    told = _TOLD.match(source)
    delimiter = told.group(1) if told else _find_delimiter(source[:_SAMPLE])
    tables = TableText()
    tables.add(_rows(source[told.end() :] if told else source, delimiter))
    text, sections = tables.finish()
    media_type = "text/tab-separated-values" if delimiter == "\t" else "text/csv"
    return Extracted(text=text, media_type=media_type, sections=sections, metadata=decoded.metadata)


def _rows(source: str, delimiter: str) -> Iterator[Row]:
    for number, values in enumerate(_parse(source, delimiter, quoted=not _has_stray_quote(source, delimiter)), start=1):
        if len(values) > _MAX_COLUMNS:
            raise UnreadableFile(f"line {number} has more than {_MAX_COLUMNS:,} columns")
        yield number, {column: value for column, value in enumerate(values, start=1) if value}


def _parse(source: str, delimiter: str, quoted: bool = True) -> Iterator[list[str]]:
    csv.field_size_limit(MAX_TEXT)  # of the whole process, which reads no CSV anywhere else
    lines = (f"{line}\n" for line in source.split("\n"))
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE
    try:
        yield from csv.reader(lines, delimiter=delimiter, quoting=quoting, skipinitialspace=True)
    except csv.Error as error:
        raise UnreadableFile(f"not a table of separated values: {error}") from error


def _has_stray_quote(source: str, delimiter: str) -> bool:
    """Say whether a quotation mark that nobody closes would swallow the rows after it."""
    if source.count('"') % 2 == 0:
        return False
    return any(value.count("\n") > _RUNAWAY for row in _parse(source, delimiter) for value in row)


def _find_delimiter(sample: str) -> str:
    """Return the delimiter that gives most rows the same number of columns, and of several that do, the most columns.

    Commas of sentences, in a file whose first row is no row of such a table, delimit nothing.
    """
    best = max(_DELIMITERS, key=lambda delimiter: _fit(sample, delimiter))
    if best == "," and _is_prose(sample):
        return _NO_DELIMITER
    return best if _fit(sample, best) > (0, 0) else ","


def _is_prose(sample: str) -> bool:
    """Say whether commas stand as in sentences only, with a space after each, in one column or a single line."""
    rows = [line for line in sample.split("\n") if line.strip()]
    is_column = len(rows) == 1 or len(rows) > 1 > rows[0].count(",")
    return is_column and '"' not in sample and not re.search(r",(?! )", sample)


def _fit(sample: str, delimiter: str) -> tuple[float, int]:
    """Return (share of the rows that have the commonest number of columns, that number); (0, 0) if it is one."""
    counts: Counter[int] = Counter()
    for number, row in enumerate(_parse(sample, delimiter)):
        if number >= _SAMPLE_ROWS:
            break
        if any(row):
            counts[len(row)] += 1
    columns, rows = counts.most_common(1)[0] if counts else (1, 0)
    return (round(rows / counts.total(), 1), columns) if columns > 1 else (0, 0)
