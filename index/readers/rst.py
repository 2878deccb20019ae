"""reStructuredText → its text, by a light reading of our own: docutils is slow and obeys directives that open files."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from email.utils import parsedate

from index.readers.builder import TextBuilder, fold_space
from index.readers.rst_inline import plain
from index.readers.rst_lines import FIELD, HEADER, dedent, folded, indent, text_indent, without_colons
from index.readers.rst_tables import Rows, grid_rows, list_rows, simple_rows
from index.readers.table_lines import lay_out
from index.readers.text import decode_rated
from index.records import Extracted

_ADORNMENT = re.compile(r"([!-/:-@\[-`{-~])\1{2,}\s*")
_SURE = 4  # characters of an underline that may be shorter than its title
_DIRECTIVE = re.compile(r"\.\.\s+(?:\|(?P<name>[^|]+)\|\s+)?(?P<kind>[\w:.+-]+?)\s?::(?:\s+(?P<argument>.*))?$")
_NOTE = re.compile(r"\.\.\s+\[(#?[\w.*-]+)\]\s*(.*)")
_OPTION = re.compile(r"\s+:[\w-]+:(?:\s|$)")
_HEADER_ROWS = re.compile(r":header-rows:\s*(\d{1,2})")
_GRID = re.compile(r"\+(?:[-=]+\+)+\s*")
_SIMPLE = re.compile(r"=+(?: +=+)+\s*")
_LONGEST_TABLE = 2_000  # lines
_LITERAL = frozenset("code code-block sourcecode parsed-literal math doctest testcode productionlist csv-table".split())
_DROPPED = frozenset(
    (
        "image include literalinclude raw contents toctree highlight index meta default-role role sectnum unicode date "
        "target-notes currentmodule module header footer bibliography autosummary automodule autoclass autofunction "
    ).split()
)
_METADATA = {"title": "title", "author": "author", "authors": "author", "date": "date", "created": "date"}
_METADATA |= {name: name for name in ("version", "status", "organization", "copyright", "pep", "type")}


def read_rst(data: bytes) -> Extracted:
    """Read reStructuredText. Fields at its top are metadata; comments, link targets and options are dropped."""
    decoded = decode_rated(data)
    reader = _RstReader(decoded.text.expandtabs(8).split("\n"))
    reader.read()
    text, sections = reader.builder.finish()
    first = sections[0].locator.heading[0] if sections else ""
    return Extracted(
        text=text,
        media_type="text/x-rst",
        title=reader.metadata.get("title") or first,
        sections=sections,
        metadata={**reader.metadata, **decoded.metadata},
    )


class _RstReader:
    """Goes through the lines once, block by block, taking bodies of directives for ordinary indented text."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.builder = TextBuilder()
        self.metadata: dict[str, str] = {}
        self._lines = lines
        self._at = 0
        self._styles: list[tuple[str, bool]] = []  # of headings, in the order in which they appear
        self._substitutions = dict(_substitutions(lines))
        self._is_top = True  # nothing but headings and fields so far

    def read(self) -> None:
        """Read all lines into the builder."""
        self._read_headers()
        steps = (self._read_heading, self._read_explicit, self._read_table, self._read_doctest, self._read_paragraph)
        while self._at < len(self._lines):
            if not self._line().strip():
                self._at += 1
                continue
            for step in steps:
                if step():
                    break

    def _line(self, ahead: int = 0) -> str:
        return self._lines[self._at + ahead] if self._at + ahead < len(self._lines) else ""

    def _read_headers(self) -> None:
        """Read the lines "Name: value" that a PEP begins with."""
        if not self._line().startswith(("PEP:", "Title:")):
            return
        for field in folded(self._take_while(lambda line: bool(line.strip()))):
            self._add_field(HEADER.match(field), field)

    def _read_heading(self) -> bool:
        line, following = self._line(), self._line(1)
        if _ADORNMENT.fullmatch(line):
            if following.strip() and self._line(2).rstrip() == line.rstrip() and len(line.rstrip()) >= _SURE:
                return self._add_heading(following, (line[0], True), 3)
            if not following.strip() and len(line.rstrip()) >= _SURE:
                self._at += 1  # a line between paragraphs
                return True
            return False
        rule = following.rstrip()
        if line[:1].isspace() or not _ADORNMENT.fullmatch(following):
            return False
        return len(rule) >= min(_SURE, len(line.rstrip())) and self._add_heading(line, (rule[0], False), 2)

    def _add_heading(self, title: str, style: tuple[str, bool], lines: int) -> bool:
        if style not in self._styles:
            self._styles.append(style)
        self.builder.add_heading(self._styles.index(style) + 1, self._plain(title))
        self._at += lines
        return True

    def _read_explicit(self) -> bool:
        """Read what two full stops begin: a directive, a note, a target or a comment."""
        line = self._line()
        stripped, depth = line.strip(), indent(line)
        if stripped.startswith("__ "):
            self._at += 1
            return True
        if stripped != ".." and not stripped.startswith(".. "):
            return False
        self._at += 1
        note, directive = _NOTE.match(stripped), _DIRECTIVE.match(stripped)
        if note:
            text = " ".join([note[2], *self._take_while(lambda line: indent(line) > depth and bool(line.strip()))])
            self.builder.add_block(f"[{note[1].lstrip('#')}] {self._plain(text)}")
        elif directive and not directive["name"]:
            self._read_directive(directive["kind"].lower(), directive["argument"] or "", depth)
        elif stripped != ".." or self._line().strip():
            self._take_body(depth)
        return True

    def _read_directive(self, kind: str, argument: str, depth: int) -> None:
        if kind in _DROPPED:
            self._take_body(depth)
            return
        options_end = self._at
        options = self._take_while(lambda line: indent(line) > depth and bool(_OPTION.match(line)))
        if kind in _LITERAL:
            if self._at == options_end and argument and kind in ("math", "csv-table"):
                self.builder.add_block(argument)
            self.builder.add_block(dedent(self._take_body(depth)))
        elif kind == "list-table":
            headers = sum(int(found[1]) for line in options if (found := _HEADER_ROWS.fullmatch(line.strip())))
            self._add_table(list_rows(self._take_body(depth), headers), self._plain(argument))
        elif argument and kind != "figure":
            self.builder.add_block(self._plain(argument))

    def _read_table(self) -> bool:
        line = self._line().strip()
        rows_of = grid_rows if _GRID.fullmatch(line) else simple_rows if _SIMPLE.fullmatch(line) else None
        if rows_of is None:
            return False
        if rows_of is grid_rows:
            lines = self._take_while(lambda line: line.lstrip().startswith(("+", "|")))
        else:
            lines = self._take_simple_table(line)
        self._add_table(rows_of(textwrap.dedent("\n".join(lines)).split("\n")))
        self._is_top = False
        return True

    def _add_table(self, rows: Rows, title: str = "") -> None:
        cells = [[replace(cell, text=self._plain(cell.text)) for cell in row] for row in rows]
        first, *others = lay_out(cells).blocks
        self.builder.add_block("\n".join(filter(None, (title, *first))))
        for block in others:
            self.builder.add_block("\n".join(block))

    def _take_simple_table(self, border: str) -> list[str]:
        """Take the lines up to the last border: there are two, or three with a header row."""
        start, ends = self._at, []
        for number in range(start + 1, min(start + _LONGEST_TABLE, len(self._lines))):
            if self._lines[number].strip() == border:
                ends.append(number)
                if not "".join(self._lines[number + 1 : number + 2]).strip():
                    break
        self._at = (ends[-1] if ends else start) + 1
        return list(self._lines[start : self._at])

    def _read_doctest(self) -> bool:
        if not self._line().lstrip().startswith(">>> "):
            return False
        self.builder.add_block(dedent(self._take_while(lambda line: bool(line.strip()))))
        return True

    def _read_paragraph(self) -> bool:
        lines = self._take_while(lambda line: bool(line.strip()))
        separator = "\n\n"
        for block in folded(lines):
            field = FIELD.match(block)
            if field:
                self._add_field(field, block, separator)
            else:
                self._is_top = False
                self.builder.add_block(self._plain(without_colons(block)), separator)
            separator = "\n"
        if lines[-1].rstrip().endswith("::"):
            self._read_literal(indent(lines[-1]) if len(lines) > 1 else text_indent(lines[-1]))
        return True

    def _read_literal(self, depth: int) -> None:
        body = self._take_body(depth) if not self._line().strip() else []
        self.builder.add_block(dedent(body))

    def _add_field(self, field: re.Match[str] | None, block: str, separator: str = "\n") -> None:
        name, value = (field[1], self._plain(field[2] or "").strip()) if field else ("", self._plain(block))
        key = _METADATA.get(name.lower())
        if self._is_top and key and value:
            self.metadata.setdefault(key, _iso(value) if key == "date" else value)
        if value:
            self.builder.add_block(f"{name}: {value}" if name else value, separator)

    def _take_while(self, wanted: Callable[[str], bool]) -> list[str]:
        start = self._at
        while self._at < len(self._lines) and wanted(self._lines[self._at]):
            self._at += 1
        return list(self._lines[start : self._at])

    def _take_body(self, depth: int) -> list[str]:
        """Take the lines that are blank or indented deeper."""
        return self._take_while(lambda line: not line.strip() or indent(line) > depth)

    def _plain(self, text: str) -> str:
        return fold_space(plain(text, self._substitutions))


def _substitutions(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        if line.startswith(".. |"):
            found = _DIRECTIVE.match(line)
            if found and found["name"] and found["kind"] == "replace":
                yield found["name"], found["argument"] or ""


def _iso(date: str) -> str:
    """Return a date such as 05-Jul-2001 in ISO 8601, others as they are."""
    parts = parsedate(re.sub(r"^(\d{1,2})-([A-Z][a-z]{2})-(\d{4})$", r"\1 \2 \3 00:00:00", date))
    return f"{parts[0]:04}-{parts[1]:02}-{parts[2]:02}" if parts else date
