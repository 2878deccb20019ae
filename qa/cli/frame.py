"""What every command shares: the options --data, --json and --debug, and errors → one line and an exit code."""

from __future__ import annotations

import functools
import json
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import click

from index.errors import (
    BadPath,
    CitableError,
    EmbedderFailed,
    EngineFailed,
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
_KINDS: tuple[tuple[type[CitableError], int, str], ...] = (  # with the codes that the API has for the same
    (BadPath, 2, "bad_path"),
    (BadQuestion, 2, "bad_question"),
    (BadDataset, 2, "bad_dataset"),
    (ConfigError, 2, "bad_setting"),
    (TooManyDeletions, 2, "too_many_deletions"),
    (PromptError, 2, "bad_prompt"),
    (NotFound, NO_EVIDENCE, "not_found"),
    (IndexMissing, 4, "index_missing"),
    (IndexIncompatible, 4, "index_incompatible"),
    (IndexDamaged, 4, "index_damaged"),
    (IndexUnavailable, 4, "index_unavailable"),
    (EmbedderFailed, 4, "embedder_failed"),
    (EngineFailed, 4, "engine_failed"),
    (LLMError, 5, "llm"),
    (IndexLocked, 7, "index_locked"),
    (CitableError, 1, "unexpected"),
)


filtered = click.option(
    "--filter",
    "filters",
    multiple=True,
    metavar="KEY=VALUE",
    help="Only documents that fit: lang=de, date>=2024-01, date=2024-01..2024-06, path=reports/ or any metadata.",
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
        def call() -> int | None:
            flags = {"data": data} | {name: options[name] for name in Settings.model_fields if name in options}
            loaded = load_settings(flags)
            return run(settings=loaded.settings, origins=loaded.origins, as_json=as_json, **options)

        sys.exit(_exit_code(call, as_json=as_json, debug=debug))

    return command


def _exit_code(call: Callable[[], int | None], *, as_json: bool, debug: bool) -> int:
    """Do what a command does and return its exit code, that of the error included which it ends with."""
    try:
        return call() or 0
    except click.UsageError as error:
        if as_json:
            _print_error("usage", error.format_message())
        raise  # click shows it with the command's usage
    except (KeyboardInterrupt, click.Abort):
        say("interrupted")
        if as_json:
            _print_error("interrupted", "interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()  # or the interpreter complains about the pipe once more
        return 141
    except CitableError as error:
        if debug:
            traceback.print_exc()
        return report_error(error, as_json=as_json)
    except Exception as error:
        if debug:
            raise
        hint = "run it again with --debug and report what it shows"
        return report_error(CitableError(f"unexpected {type(error).__name__}: {error}", hint), as_json=as_json)


def report_error(error: CitableError, *, as_json: bool, beside: Mapping[str, Any] | None = None) -> int:
    """Write an error to stderr as one line, with --json also to stdout as one object; returns its exit code.

    beside: what else the object holds, where there was something to say before the error.
    """
    say(f"error: {error}")
    exit_code, code = next((exit_code, code) for kind, exit_code, code in _KINDS if isinstance(error, kind))
    if as_json:
        code = f"llm_{error.reason}" if isinstance(error, LLMError) else code
        _print_error(code, error.message, error.hint, beside or {})
    return exit_code


def _print_error(code: str, message: str, hint: str = "", beside: Mapping[str, Any] = MappingProxyType({})) -> None:
    print_json({**beside, "error": {"code": code, "message": message, "hint": hint}})


def say(text: str, *, nl: bool = True) -> None:
    """Write to stderr: everything that is not the command's data."""
    click.echo(text, err=True, nl=nl)


def print_json(fields: Mapping[str, Any]) -> None:
    """Write a command's data as one JSON object."""
    click.echo(json.dumps(fields, ensure_ascii=False, indent=2, default=str))


def printable(text: str) -> str:
    """Return text that cannot move the cursor, colour the terminal or break the line."""
    return "".join(c if c.isprintable() else "�" if not c.isspace() else " " for c in text)
