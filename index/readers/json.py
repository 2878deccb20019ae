"""JSON and JSON Lines → "key: value" lines, each record a place of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

from index.errors import UnreadableFile
from index.readers.builder import TextBuilder
from index.readers.text import Decoded, clean, decode_rated
from index.records import Extracted, Locator

_MAX_DEPTH = 200
_MAX_TEXT = 10_000_000
_RECORD = 2_000  # characters: a larger one is opened, so that its parts are places, too
_SHORT_LIST = 300  # characters of a list of plain values that stand on one line
_STEPS = 10_000  # leaves looked at to find how large a record is


def read_json(data: bytes) -> Extracted:
    """Read a JSON file: each element of an array, and each member of an object, is a place named by its pointer.

    Reads JSON Lines, too, which are often named .json.
    """
    decoded = decode_rated(data)
    try:
        value = _load(decoded.text)
    except json.JSONDecodeError as error:
        if error.msg.startswith("Extra data"):
            return _read_lines(decoded)
        raise UnreadableFile(f"not valid JSON: line {error.lineno}, column {error.colno}: {error.msg}") from error
    return _extract(_opened(value, "", ""), "application/json", _title(value), decoded.metadata)


def read_jsonl(data: bytes) -> Extracted:
    """Read JSON Lines: each line is a record. Invalid lines are passed over if most are valid, and counted."""
    decoded = decode_rated(data)
    return _read_lines(decoded)


def _read_lines(decoded: Decoded) -> Extracted:
    values: list[Any] = []
    bad: list[int] = []
    for number, line in enumerate(decoded.text.split("\n"), start=1):
        if line.strip():
            try:
                values.append(_load(line))
            except json.JSONDecodeError:
                values.append(None)  # the pointers of the lines after it count it
                bad.append(number)
    if 2 * len(bad) >= len(values):
        return _as_one_value(decoded, bad)
    metadata = decoded.metadata | ({"skipped_lines": str(len(bad))} if bad else {})
    return _extract(_opened(values, "", ""), "application/jsonl", "", metadata)


def _as_one_value(decoded: Decoded, bad: list[int]) -> Extracted:
    """Read a file that is JSON on many lines but was named JSON Lines."""
    try:
        value = _load(decoded.text)
    except json.JSONDecodeError as error:
        where = f"line {bad[0]} is the first that is not valid" if bad else "there is no line in it"
        raise UnreadableFile(f"not JSON Lines: {where}") from error
    return _extract(_opened(value, "", ""), "application/json", _title(value), decoded.metadata)


def _load(source: str) -> Any:
    """Parse JSON, keeping numbers as they are written."""
    try:
        return json.loads(source, parse_int=str, parse_float=str, parse_constant=str)
    except RecursionError as error:
        raise UnreadableFile(f"nested deeper than {_MAX_DEPTH} levels") from error


def _title(value: Any) -> str:
    named = [value.get(name) for name in ("title", "name")] if isinstance(value, dict) else []
    return next((clean(name).strip() for name in named if isinstance(name, str) and name.strip()), "")


def _extract(blocks: Iterator[tuple[str, list[str]]], media_type: str, title: str, metadata: dict[str, str]) -> Extracted:
    builder, length = TextBuilder(), 0
    for pointer, lines in blocks:
        block = clean("\n".join(lines))
        length += len(block) + 2
        if length > _MAX_TEXT:
            raise UnreadableFile(f"more than {_MAX_TEXT // 1_000_000} million characters of text: split the file")
        builder.open_section(Locator(pointer=pointer))
        builder.add_block(block)
    text, sections = builder.finish()
    return Extracted(text=text, media_type=media_type, title=title, sections=sections, metadata=metadata)


def _blocks(value: Any, pointer: str, path: str, depth: int) -> Iterator[tuple[str, list[str]]]:
    """Yield (pointer, lines) of a record, or of each of its parts where it is too large for one block."""
    lines = list(_leaves(value, path, depth)) if _is_small(value, path, depth) else None
    if lines is None:
        yield from _opened(value, pointer, path, depth)
    elif lines:
        yield pointer, lines


def _opened(value: Any, pointer: str, path: str, depth: int = 0) -> Iterator[tuple[str, list[str]]]:
    """Yield the blocks of each part of a value. Elements of an array stand for themselves, members carry their key."""
    if isinstance(value, list) and any(isinstance(element, list | dict) for element in value):
        for number, element in enumerate(value):
            yield from _blocks(element, f"{pointer}/{number}", "", depth + 1)
    elif isinstance(value, dict):
        for key, member in value.items():
            yield from _member_blocks(key, member, pointer, path, depth + 1)
    else:
        lines = list(_leaves(value, path, depth))
        if lines:
            yield pointer, lines


def _member_blocks(key: str, member: Any, pointer: str, path: str, depth: int) -> Iterator[tuple[str, list[str]]]:
    place = f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}"
    is_records = isinstance(member, list) and any(isinstance(element, dict) for element in member)
    if is_records and depth == 1:
        yield from _opened(member, place, "", depth)
    else:
        yield from _blocks(member, place, _joined(path, key), depth)


def _is_small(value: Any, path: str, depth: int) -> bool:
    """Say whether a value's lines fit in one block, without writing more of them than needed to tell."""
    if not isinstance(value, list | dict):
        return True
    length = 0
    for steps, line in enumerate(islice(_leaves(value, path, depth), _STEPS)):
        length += len(line)
        if length > _RECORD or steps == _STEPS - 1:
            return False
    return True


def _leaves(value: Any, path: str, depth: int) -> Iterator[str]:
    """Yield "key.key: value" for each string and number, lists of short ones on one line."""
    if depth > _MAX_DEPTH:
        raise UnreadableFile(f"nested deeper than {_MAX_DEPTH} levels")
    if isinstance(value, dict):
        for key, member in value.items():
            yield from _leaves(member, _joined(path, key), depth + 1)
    elif isinstance(value, list):
        yield from _list_leaves(value, path, depth)
    elif text := _leaf(value):
        yield f"{path}: {text}" if path else text


def _list_leaves(values: list[Any], path: str, depth: int) -> Iterator[str]:
    if not any(isinstance(value, list | dict) for value in values):
        texts = [text for value in values if (text := _leaf(value))]
        is_short = sum(map(len, texts)) <= _SHORT_LIST
        for text in [", ".join(texts)] if is_short else texts:
            if text:
                yield f"{path}: {text}" if path else text
        return
    for number, value in enumerate(values):
        yield from _leaves(value, f"{path}[{number}]" if path else "", depth + 1)


def _leaf(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value).strip()


def _joined(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
