"""What a Word document's styles and numbering say of a paragraph: is it a heading, and which number does Word show."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_HEADING_NAME = re.compile(r"heading ([1-9])")
_BODY_LEVEL = 9  # the outline level of what is no heading
_ROMAN = ((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10, "x"))
_ROMAN_UNITS = ("", "i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix")


@dataclass(frozen=True, slots=True)
class Style:
    """What a style gives its paragraphs. outline: 0 to 8 for headings; numbering: (list, level)."""

    name: str = ""
    outline: int = _BODY_LEVEL
    numbering: tuple[str, int] | None = None

    @property
    def heading(self) -> int:
        """The level of the heading, from 1; 0 for what is none."""
        return self.outline + 1 if self.outline < _BODY_LEVEL else 0


class Styles:
    """The paragraph styles of a document, with what they inherit."""

    def __init__(self, root: Any) -> None:
        found = root.iter(f"{W}style") if root is not None else ()
        self._elements = {style.get(f"{W}styleId", ""): style for style in found}
        self._styles: dict[str, Style] = {}
        self._default = next(
            (
                name
                for name, style in self._elements.items()
                if style.get(f"{W}type") == "paragraph" and style.get(f"{W}default") in ("1", "true", "on")
            ),
            "",
        )

    def of(self, paragraph_properties: Any) -> Style:
        """Return the style of a paragraph, and what its own properties change of it. None: no properties."""
        if paragraph_properties is None:
            return self._resolve(self._default)
        name = value_of(paragraph_properties, "pStyle") or self._default
        own_outline, own_numbering = _outline(paragraph_properties), _numbering(paragraph_properties)
        style = self._resolve(name)
        if own_outline is None and own_numbering is None:
            return style
        if own_numbering and own_numbering[0] is None:
            own_numbering = (style.numbering[0] if style.numbering else None, own_numbering[1])
        number = (own_numbering[0], own_numbering[1]) if own_numbering and own_numbering[0] else style.numbering
        return Style(style.name, style.outline if own_outline is None else own_outline, number)

    def _resolve(self, name: str) -> Style:
        """Follow what a style is based on until each property is known; styles may be based on each other in a circle."""
        if name not in self._styles:
            chain: list[str] = []
            while name in self._elements and name not in chain:
                chain.append(name)
                name = value_of(self._elements[name], "basedOn")
            style = Style()
            for one in reversed(chain):
                style = _derive(self._elements[one], style)
                self._styles[one] = style
            if not chain:
                return style
            name = chain[0]
        return self._styles[name]


def _derive(element: Any, parent: Style) -> Style:
    name = value_of(element, "name").lower()
    properties = element.find(f"{W}pPr")
    outline = _outline(properties) if properties is not None else None
    if outline is None:
        by_name = _HEADING_NAME.fullmatch(name)  # in English in every language's Word
        outline = int(by_name.group(1)) - 1 if by_name else parent.outline
    number = _numbering(properties) if properties is not None else None
    chosen = parent.numbering
    if number:
        identity = number[0] or (parent.numbering[0] if parent.numbering else "")
        chosen = (identity, number[1]) if identity else None
    return Style(name, outline, chosen)


def value_of(element: Any, name: str) -> str:
    """Return the w:val of a child, "" if there is none."""
    child = element.find(f"{W}{name}")
    return (child.get(f"{W}val") or "") if child is not None else ""


def _outline(properties: Any) -> int | None:
    value = value_of(properties, "outlineLvl")
    return min(int(value), _BODY_LEVEL) if value.isdecimal() else None


def _numbering(properties: Any) -> tuple[str | None, int] | None:
    number = properties.find(f"{W}numPr")
    if number is None:
        return None
    level = value_of(number, "ilvl")
    return value_of(number, "numId") or None, int(level) if level.isdecimal() else 0


@dataclass(slots=True)
class _Level:
    kind: str = "decimal"
    text: str = ""
    start: int = 1


@dataclass(slots=True)
class _List:
    levels: dict[int, _Level] = field(default_factory=dict)
    counts: dict[int, int] = field(default_factory=dict)


class Numbering:
    """The lists of a document. Numbers depend on what was numbered before: ask for each paragraph once, in order."""

    def __init__(self, root: Any) -> None:
        self._lists: dict[str, _List] = {}
        if root is None:
            return
        abstract = {one.get(f"{W}abstractNumId"): _List(_levels(one)) for one in root.findall(f"{W}abstractNum")}
        for number in root.findall(f"{W}num"):
            base = abstract.get(value_of(number, "abstractNumId"))
            if base is None:
                continue
            restarts = number.find(f"{W}lvlOverride/{W}startOverride") is not None
            own = _List({**base.levels, **_overridden(number, base)}) if restarts else base
            self._lists[number.get(f"{W}numId", "")] = own

    def marker(self, numbering: tuple[str, int] | None) -> str | None:
        """Return "- " or "2.1 " for the next item of a list, "" for one that shows nothing, None for what is in no list."""
        found = self._lists.get(numbering[0]) if numbering else None
        if not numbering or found is None:
            return None
        level = numbering[1]
        own = found.levels.get(level, _Level("bullet"))
        found.counts[level] = found.counts.get(level, own.start - 1) + 1
        found.counts = {one: count for one, count in found.counts.items() if one <= level}
        if own.kind == "bullet":
            return "- "
        text = re.sub(r"%([1-9])", lambda match: _shown(found, int(match.group(1)) - 1, own.kind), own.text).strip()
        return f"{text} " if text and own.kind != "none" else ""


def _shown(numbers: _List, level: int, kind: str) -> str:
    own = numbers.levels.get(level, _Level())
    count = numbers.counts.setdefault(level, own.start)
    return _format(count, own.kind if kind != "decimalZero" else kind)


def _levels(abstract: Any) -> dict[int, _Level]:
    return {_index(level): _level(level) for level in abstract.findall(f"{W}lvl")}


def _overridden(number: Any, base: _List) -> dict[int, _Level]:
    found = {}
    for override in number.findall(f"{W}lvlOverride"):
        index, start = _index(override), value_of(override, "startOverride")
        level = override.find(f"{W}lvl")
        was = _level(level) if level is not None else base.levels.get(index, _Level())
        found[index] = _Level(was.kind, was.text, int(start) if start.isdecimal() else was.start)
    return found


def _index(element: Any) -> int:
    value = element.get(f"{W}ilvl") or ""
    return int(value) if value.isdecimal() else 0


def _level(element: Any) -> _Level:
    start = value_of(element, "start")
    kind = value_of(element, "numFmt") or "decimal"
    return _Level(kind, value_of(element, "lvlText"), int(start) if start.isdecimal() else 1)


def _format(number: int, kind: str) -> str:
    if kind in ("lowerLetter", "upperLetter") and number > 0:
        letter = chr(ord("a") + (number - 1) % 26) * min(1 + (number - 1) // 26, 9)
        return letter if kind == "lowerLetter" else letter.upper()
    if kind in ("lowerRoman", "upperRoman") and 0 < number < 4000:
        roman = _roman(number)
        return roman if kind == "lowerRoman" else roman.upper()
    return f"{number:02}" if kind == "decimalZero" else str(number)


def _roman(number: int) -> str:
    digits = ""
    for value, letters in _ROMAN:
        digits += letters * (number // value)
        number %= value
    return digits + _ROMAN_UNITS[number]
