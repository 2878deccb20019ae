"""Excel workbooks (.xlsx, .xlsm) → the values of their sheets, hidden ones too, as tables of text."""

from __future__ import annotations

import datetime
import io
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from itertools import repeat
from typing import Any
from xml.etree.ElementTree import ParseError

from openpyxl import load_workbook
from openpyxl.cell.read_only import EMPTY_CELL

from index.errors import UnreadableFile
from index.readers.package import open_package, read_member
from index.readers.tables import Row, TableText
from index.readers.text import clean
from index.records import Extracted

# What openpyxl and the modules below it raise for files that are not as they should be.
_DAMAGE = (ParseError, zipfile.BadZipFile, zlib.error, EOFError, LookupError, ValueError, TypeError, AttributeError, OSError)
_MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_SHEET = re.compile(r"worksheets/[^/]+\.xml\Z", re.IGNORECASE)
# A formula and no value after it, as programs write it that do not calculate.
_BARE_FORMULA = re.compile(
    rb"<(?:\w+:)?f(?:\s[^<>]*)?(?:/>|>[^<]*</(?:\w+:)?f>)\s*(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v></(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)
_PROPERTIES = "docProps/core.xml"
_MAX_ROWS = 1_048_576  # that a sheet can have; a file may claim more
_MAX_WORK = 3_000_000  # cells: about half a minute
_GAPS_PER_CELL = 50  # passing over gaps between cells is so much faster than reading a cell
_DIGITS = 10  # what Excel shows of a number: it hides that 0.1 + 0.2 is 0.30000000000000004
_PLAIN_BELOW = 1e15
_PERCENT = re.compile(r'(?:[^"\\]|"[^"]*"|\\.)*?%')
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")  # a character that XML cannot hold, or only as a line end
_TOOLS = ("openpyxl", "xlsxwriter", "python-xlsx")  # programs that sign as the author


def read_xlsx(data: bytes) -> Extracted:
    """Read a workbook: what its cells show; of a formula that nobody has calculated yet, which shows nothing, its text.

    Raises UnreadableFile for what is damaged, protected with a password or too large.
    """
    with open_package(data) as package:
        properties = read_member(package, _PROPERTIES) if _PROPERTIES in package.namelist() else b""
        has_bare = any(
            _BARE_FORMULA.search(read_member(package, name)) for name in package.namelist() if _SHEET.search(name)
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about styles and validation rules, which are no text
            return _read(data, b":modified" in properties, has_bare)
    except _DAMAGE as error:
        raise UnreadableFile(f"a damaged workbook ({type(error).__name__})") from error


def _open(data: bytes, *, values: bool) -> Any:
    return load_workbook(io.BytesIO(data), read_only=True, data_only=values, keep_links=False)


def _read(data: bytes, is_dated: bool, has_bare: bool) -> Extracted:
    book = _open(data, values=True)
    formulas = _open(data, values=False) if has_bare else None
    try:
        tables = TableText()
        work = _Work()
        for number, sheet in enumerate(book.worksheets):
            tables.add(_rows(sheet, work, formulas.worksheets[number] if formulas else None), sheet.title)
        metadata = _metadata(book.properties)
        if not is_dated:
            metadata.pop("date", "")  # that openpyxl made up
    finally:
        book.close()
        if formulas:
            formulas.close()
    text, sections = tables.finish()
    title = metadata.pop("title", "")
    return Extracted(text=text, media_type=_MEDIA_TYPE, title=title, sections=sections, metadata=metadata)


class _Work:
    """Counts what has been read of all sheets together."""

    def __init__(self) -> None:
        self._done = 0

    def add(self, cells: int) -> None:
        self._done += cells
        if self._done > _MAX_WORK:
            raise UnreadableFile(f"more than {_MAX_WORK // 1_000_000} million cells: split the workbook")


def _rows(sheet: Any, work: _Work, formulas: Any) -> Iterator[Row]:
    """Yield the rows of a sheet. formulas: the same sheet with its formulas, None where each has its value."""
    for one in filter(None, (sheet, formulas)):
        one.reset_dimensions()  # many programs write wrong ones
    bare = formulas.iter_rows() if formulas else repeat(())
    for number, (row, formula_row) in enumerate(zip(sheet.iter_rows(), bare, strict=False), start=1):
        if number > _MAX_ROWS:
            return
        if row:
            cells = [(column, cell) for column, cell in enumerate(row, start=1) if cell is not EMPTY_CELL]
            work.add(len(cells) + len(row) // _GAPS_PER_CELL + 1)
            yield (
                number,
                {column: text for column, cell in cells if (text := _cell_text(cell) or _formula(formula_row, column))},
            )


def _formula(row: Sequence[Any], column: int) -> str:
    """Return the formula of a cell without a value, "" if it has none."""
    value = row[column - 1].value if column <= len(row) else None
    text = getattr(value, "text", value)  # of an array's
    return clean(text) if isinstance(text, str) and text.startswith("=") else ""


def _cell_text(cell: Any) -> str:
    value = cell.value
    if isinstance(value, str):
        return clean(_ESCAPED.sub(lambda match: chr(int(match.group(1), 16)), value))
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int | float):
        percent = "%" in (cell.number_format or "") and _PERCENT.match(cell.number_format)
        return f"{_number(value * 100)} %" if percent else _number(value)
    return "" if value is None else _time(value)


def _number(value: float) -> str:
    """Write a number as a person would: 12.5, not 12.500000001; 1000000, not 1e+06."""
    if isinstance(value, int) or (value.is_integer() and abs(value) < _PLAIN_BELOW):
        return str(int(value))
    if not 1e-6 < abs(value) < _PLAIN_BELOW:
        return f"{value:.{_DIGITS}g}"
    whole = len(str(int(abs(value))))
    return f"{value:.{max(2, _DIGITS - whole)}f}".rstrip("0").rstrip(".")


def _time(value: object) -> str:
    """Write dates in ISO 8601, without the midnight that Excel gives to days."""
    if isinstance(value, datetime.datetime):
        whole_day = value.time() == datetime.time()
        return value.date().isoformat() if whole_day else value.replace(microsecond=0).isoformat(" ")
    if isinstance(value, datetime.time):
        return value.replace(microsecond=0).isoformat()
    return str(value)


def _metadata(properties: Any) -> dict[str, str]:
    """Return title, author and the like as the workbook states them. Its times are in UTC."""
    found = {
        "title": properties.title,
        "author": "" if properties.creator in _TOOLS else properties.creator,
        "keywords": properties.keywords,
        "description": properties.description,
        "date": f"{properties.modified:%Y-%m-%dT%H:%M:%SZ}" if properties.modified else "",
    }
    return {name: value.strip() for name, value in found.items() if value and value.strip()}
