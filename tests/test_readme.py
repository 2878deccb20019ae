"""README.md agrees with the code: settings, commands, and what it says can be run."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from conftest import ROOT
from flask.testing import FlaskClient

from index.readers.formats import readable_suffixes
from qa.cli import _COMMANDS
from qa.config import PREFIX, Settings, shown_value

README = (ROOT / "README.md").read_text(encoding="utf-8")


def settings_table() -> str:
    """Make the table of settings as README.md shows it."""
    defaults = Settings()
    rows = ["| setting | variable | default | meaning |", "| --- | --- | --- | --- |"]
    for name, field in Settings.model_fields.items():
        default = shown_value(defaults, name)
        rows.append(f"| `{name}` | `{PREFIX}{name.upper()}` | {f'`{default}`' if default else ''} | {field.description} |")
    return "\n".join(rows)


def test_the_settings_table_is_the_settings():
    assert settings_table() in README, f"put this table into README.md:\n{settings_table()}"


@pytest.mark.parametrize("name", list(_COMMANDS))
def test_every_command_is_named(name: str):
    assert f"`qa {name}" in README


def test_every_format_that_is_read_is_named():
    for suffix in readable_suffixes():
        if suffix not in (".text", ".markdown", ".htm"):
            assert f"`{suffix}`" in README


def test_the_two_commands_and_every_other_target_exist():
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"\bmake ([a-z]+)", README)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_every_linked_file_is_there():
    for link in re.findall(r"\]\((?!http|#)([^)]+)\)", README):
        assert (ROOT / link).exists(), link


def test_the_api_example_runs_as_written(client: FlaskClient):
    command = re.search(r"curl -s http://127\.0\.0\.1:8765(/\S+) (-H .+?)\n```", README, re.DOTALL)
    assert command is not None
    words = shlex.split(command[2].replace("\\\n", " "))
    body = json.loads(words[words.index("-d") + 1])
    answer = client.post(command[1], json=body)
    assert answer.status_code == 200
    assert answer.get_json()["citations"]


def test_nothing_names_this_machine_or_a_registry():
    for path in (
        README,
        (ROOT / "CHANGELOG.md").read_text(),
        (ROOT / "CONTRIBUTING.md").read_text(),
        (ROOT / "Makefile").read_text(),
    ):
        assert str(Path.home()) + "/" not in path
        assert not re.search(r"https?://[^\s)]*(?:pypi|pythonhosted|npmjs|download\.pytorch)", path)
