"""`qa mcp install`: the right file of each client, merged, kept, and left alone where it cannot be read."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from conftest import ROOT
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp_clients import talk

RunQA = Callable[..., Result]
PLACES = {
    "claude-desktop": ".config/Claude/claude_desktop_config.json",
    "claude-code": "work/.mcp.json",
    "cursor": ".cursor/mcp.json",
    "vscode": ".config/Code/User/mcp.json",
}


@pytest.fixture
def home(run_qa: RunQA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home directory, with the working directory in it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path


def entry_of(config: dict[str, Any], client: str) -> dict[str, Any]:
    return dict(config["servers" if client == "vscode" else "mcpServers"]["citable-qa"])


@pytest.mark.parametrize("client", PLACES)
def test_each_client_is_told_where_it_looks(run_qa: RunQA, home: Path, client: str):
    done = run_qa("mcp", "install", client)
    assert done.exit_code == 0
    entry = entry_of(json.loads((home / PLACES[client]).read_text()), client)
    assert entry["command"] == sys.executable
    assert entry["args"] == ["-m", "qa.cli", "mcp", "--in", str(home / "work")]
    assert entry.get("type") == ("stdio" if client in ("vscode", "claude-code") else None)
    assert str(home / PLACES[client]) in done.stdout


@pytest.mark.parametrize(
    ("platform", "variables", "place"),
    [
        ("darwin", {}, "Library/Application Support/Claude/claude_desktop_config.json"),
        ("win32", {"APPDATA": "roaming"}, "work/roaming/Claude/claude_desktop_config.json"),
        ("win32", {}, "AppData/Roaming/Claude/claude_desktop_config.json"),
        ("linux", {"XDG_CONFIG_HOME": "conf"}, "work/conf/Claude/claude_desktop_config.json"),
    ],
)
def test_each_system_has_its_place(
    run_qa: RunQA, home: Path, monkeypatch: pytest.MonkeyPatch, platform: str, variables: dict[str, str], place: str
):
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.delenv("APPDATA", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert run_qa("mcp", "install", "claude-desktop").exit_code == 0
    assert (home / place).exists()


@pytest.mark.parametrize("client", PLACES)
def test_what_is_in_the_file_stays_and_the_file_as_it_was_is_kept(run_qa: RunQA, home: Path, client: str):
    path = home / PLACES[client]
    path.parent.mkdir(parents=True, exist_ok=True)
    key = "servers" if client == "vscode" else "mcpServers"
    before = json.dumps({"theme": "dunkel ☾", key: {"other": {"command": "x"}}, "last": [1, 2]}, ensure_ascii=False)
    path.write_text(before, encoding="utf-8")
    path.chmod(0o600)
    assert run_qa("mcp", "install", client).exit_code == 0
    after = json.loads(path.read_text(encoding="utf-8"))
    assert list(after) == ["theme", key, "last"]
    assert after["theme"] == "dunkel ☾"
    assert list(after[key]) == ["other", "citable-qa"]
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.with_name(f"{path.name}.bak1").read_text(encoding="utf-8") == before


def test_installing_twice_changes_nothing(run_qa: RunQA, home: Path):
    path = home / PLACES["cursor"]
    assert json.loads(run_qa("mcp", "install", "cursor", "--json").stdout) == {
        "path": str(path),
        "changed": True,
        "backup": None,
    }
    before = (path.read_bytes(), path.stat().st_mtime_ns)
    again = run_qa("mcp", "install", "cursor")
    assert "is up to date" in again.stdout
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert [one.name for one in path.parent.iterdir()] == ["mcp.json"]


def test_every_change_keeps_another_copy(run_qa: RunQA, home: Path):
    for name in ("one", "two", "three"):
        assert run_qa("mcp", "install", "cursor", "--name", name).exit_code == 0
    names = {one.name for one in (home / ".cursor").iterdir()}
    assert names == {"mcp.json", "mcp.json.bak1", "mcp.json.bak2"}
    assert list(json.loads((home / ".cursor/mcp.json.bak2").read_text())["mcpServers"]) == ["one", "two"]


@pytest.mark.parametrize(
    "broken", ['{"mcpServers": {', "// a comment\n{}", "[]", '{"mcpServers": []}', "\ufeff{", "null", "[" * 100_000]
)
def test_a_file_that_cannot_be_read_is_left_alone(run_qa: RunQA, home: Path, broken: str):
    path = home / PLACES["cursor"]
    path.parent.mkdir()
    path.write_text(broken, encoding="utf-8")
    done = run_qa("mcp", "install", "cursor")
    assert done.exit_code == 2
    assert str(path) in done.stderr
    assert "--print" in done.stderr
    assert path.read_text(encoding="utf-8") == broken
    assert [one.name for one in path.parent.iterdir()] == ["mcp.json"]


@pytest.mark.parametrize("odd", [b"\xff\xfe\x00", b"\xef\xbb\xbf{}", b"", b" \n"])
def test_odd_bytes_are_refused_and_an_empty_file_is_filled(run_qa: RunQA, home: Path, odd: bytes):
    path = home / PLACES["cursor"]
    path.parent.mkdir()
    path.write_bytes(odd)
    is_bad = odd.startswith(b"\xff")
    assert run_qa("mcp", "install", "cursor").exit_code == (2 if is_bad else 0)
    assert (path.read_bytes() == odd) == is_bad


def test_a_link_to_the_file_stays_a_link(run_qa: RunQA, home: Path):
    real = home / "dotfiles.json"
    real.write_text("{}")
    (home / ".cursor").mkdir()
    (home / ".cursor/mcp.json").symlink_to(real)
    assert run_qa("mcp", "install", "cursor").exit_code == 0
    assert (home / ".cursor/mcp.json").is_symlink()
    assert "citable-qa" in real.read_text()


@pytest.mark.parametrize("client", PLACES)
def test_print_only_prints(run_qa: RunQA, home: Path, client: str):
    shown = json.loads(run_qa("mcp", "install", client, "--print").stdout)
    assert entry_of(shown, client)["args"][:3] == ["-m", "qa.cli", "mcp"]
    assert not (home / PLACES[client]).exists()


def test_an_unknown_client_is_a_usage_error(run_qa: RunQA, home: Path):
    assert run_qa("mcp", "install", "netscape").exit_code == 2


def test_settings_from_outside_go_along_but_no_secret(run_qa: RunQA, home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("QA_MODEL", "openai/test")
    monkeypatch.setenv("QA_API_KEY", "sk-secret")
    done = run_qa("mcp", "install", "cursor", "--print", "--data", "elsewhere", "--collection", "contracts")
    entry = entry_of(json.loads(done.stdout), "cursor")
    assert entry["args"][3:] == [
        *["--in", str(home / "work")],
        *["--data", str(home / "work" / "elsewhere")],
        *["--collection", "contracts"],
    ]
    assert entry["env"] == {"QA_MODEL": "openai/test"}
    assert "sk-secret" not in done.output
    assert "QA_API_KEY is not written down" in done.stderr


def test_readme_shows_what_is_written(run_qa: RunQA, home: Path):
    readme = (ROOT / "README.md").read_text()
    shown = entry_of(json.loads(re.search(r"```json\n(.*mcpServers.*)\n```", readme)[1]), "cursor")
    written = entry_of(json.loads(run_qa("mcp", "install", "cursor", "--print").stdout), "cursor")
    assert shown.keys() == written.keys()
    assert shown["args"][:-1] == written["args"][:-1]
    for client in PLACES:
        assert client in readme


@pytest.mark.slow
def test_what_is_written_starts_the_server(run_qa: RunQA, home: Path, monkeypatch: pytest.MonkeyPatch, corpus_data: Path):
    run_qa("mcp", "install", "claude-code", "--data", corpus_data)
    entry = json.loads((home / PLACES["claude-code"]).read_text())["mcpServers"]["citable-qa"]
    env = {"PYTHONPATH": str(ROOT)}  # what is installed needs none
    server = StdioServerParameters(command=entry["command"], args=entry["args"], env=env, cwd="/")

    async def status(client: Client) -> dict[str, Any]:
        return dict((await client.call_tool("status", {})).structured_content)

    assert talk(server, status)["documents"] > 5
