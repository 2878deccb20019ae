"""The log of a server: one line an event, plain or JSON, on stderr. No question, document text or key is in it.

Our own modules take care of what they say. Of the errors that libraries log only the kind and the place are written, for
their messages may quote what was being worked on; and what libraries say below WARNING is left out at every level, for some
of it is whole requests.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Literal

_OURS = ("qa", "index")
_FIELDS = ("request_id", "method", "route", "status", "ms", "key")  # that a record may carry, in this order
_Raised = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def set_up(form: Literal["plain", "json"], level: str) -> None:
    """Write the log to stderr from now on. level: of our own modules, as logging names it."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else PlainLines())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    for name in _OURS:
        logging.getLogger(name).setLevel(level)


class PlainLines(logging.Formatter):
    """Time, level, place, message, then the fields as name=value."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line; an error's places follow it."""
        fields = "".join(f" {name}={value}" for name, value in _fields_of(record).items())
        line = f"{_time_of(record)} {record.levelname} {record.name}: {_on_one_line(record.getMessage())}{fields}"
        return f"{line} error={_raised(record.exc_info)}" if record.exc_info else line


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one object."""
        line: dict[str, Any] = {
            "time": _time_of(record),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **_fields_of(record),
        }
        if record.exc_info:
            line["error"] = _raised(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def _time_of(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


def _fields_of(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name in _FIELDS if (value := getattr(record, name, "")) != ""}


def _on_one_line(text: str) -> str:
    """Return a message that can neither begin a line of its own nor move a terminal's cursor."""
    return "".join(character if character.isprintable() else " " for character in text)


def _raised(raised: _Raised) -> str:
    """Return the kind of an error and where it was raised, without its message."""
    kind, _, where = raised
    places = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(where)[-5:]]
    return f"{kind.__name__ if kind else ''} at {' < '.join(reversed(places))}"
