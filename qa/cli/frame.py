"""What every command shares: the options --data, --json and --debug, and errors → one line and an exit code."""

from __future__ import annotations

import functools
import json
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from index.errors import (
    BadPath,
    CitableError,
    EmbedderFailed,
    IndexDamaged,
    IndexIncompatible,
    IndexLocked,
    IndexMissing,
    IndexUnavailable,
    TooManyDeletions,
)
from qa.config import Settings, load_settings
from qa.errors import BadDataset, BadQuestion, ConfigError, LLMError, NotFound, PromptError

NO_EVIDENCE, DAMAGED, SOME_FAILED, BELOW_MINIMUM, INTERRUPTED = 3, 4, 6, 8, 130
_EXIT_CODES: tuple[tuple[type[CitableError], int], ...] = (
    (BadPath, 2),
    (BadQuestion, 2),
    (BadDataset, 2),
    (ConfigError, 2),
    (TooManyDeletions, 2),
    (NotFound, NO_EVIDENCE),
    (IndexMissing, 4),
    (IndexIncompatible, 4),
    (IndexDamaged, 4),
    (IndexUnavailable, 4),
    (EmbedderFailed, 4),
    (PromptError, 2),
    (LLMError, 5),
    (IndexLocked, 7),
)


def framed(run: Callable[..., int | None]) -> Callable[..., None]:
    """Add the shared options to a command's function.

    It gets `settings`, their `origins` and `as_json`, and may return an exit code.
    """

    @click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="Data directory (default: .qa).")
    @click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
    @click.option("--debug", is_flag=True, help="Show a traceback when something goes wrong.")
    @functools.wraps(run)
    def command(data: Path | None, as_json: bool, debug: bool, **options: Any) -> None:
        try:
            flags = {"data": data} | {name: options[name] for name in Settings.model_fields if name in options}
            loaded = load_settings(flags)
            code = run(settings=loaded.settings, origins=loaded.origins, as_json=as_json, **options)
        except click.UsageError:
            raise  # click shows it with the command's usage
        except (KeyboardInterrupt, click.Abort):
            say("interrupted")
            code = INTERRUPTED
        except BrokenPipeError:
            sys.stderr.close()  # or the interpreter complains about the pipe once more
            code = 141
        except CitableError as error:
            code = _report(error, debug)
        except Exception as error:
            if debug:
                raise
            say(f"error: unexpected {type(error).__name__}: {error}; run it again with --debug and report what it shows")
            code = 1
        sys.exit(code or 0)

    return command


def _report(error: CitableError, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    say(f"error: {error}")
    return next((code for kind, code in _EXIT_CODES if isinstance(error, kind)), 1)


def say(text: str, *, nl: bool = True) -> None:
    """Write to stderr: everything that is not the command's data."""
    click.echo(text, err=True, nl=nl)


def print_json(fields: Mapping[str, Any]) -> None:
    """Write a command's data as one JSON object."""
    click.echo(json.dumps(fields, ensure_ascii=False, indent=2, default=str))


def printable(text: str) -> str:
    """Return text that cannot move the cursor, colour the terminal or break the line."""
    return "".join(c if c.isprintable() else "�" if not c.isspace() else " " for c in text)
