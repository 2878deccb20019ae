"""The clients that `qa mcp install` knows: where each keeps its servers, and how an entry is put there."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from qa.config import user_config_folder
from qa.errors import ConfigError

ClientName = Literal["claude-desktop", "claude-code", "cursor", "vscode"]
CLIENTS: tuple[ClientName, ...] = ("claude-desktop", "claude-code", "cursor", "vscode")


@dataclass(frozen=True, slots=True)
class Launch:
    """How a client starts our server."""

    command: str
    args: tuple[str, ...]
    env: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Installed:
    """What an installation did. backup: the copy of the file as it was; None where there was none or nothing changed."""

    path: Path
    changed: bool
    backup: Path | None = None


def config_path(client: ClientName) -> Path:
    """Return the file in which a client looks for its servers; Claude Code's is that of the working directory."""
    places = {
        "claude-desktop": user_config_folder() / "Claude" / "claude_desktop_config.json",
        "claude-code": Path.cwd() / ".mcp.json",
        "cursor": Path.home() / ".cursor" / "mcp.json",
        "vscode": user_config_folder() / "Code" / "User" / "mcp.json",
    }
    return places[client]


def config_entry(client: ClientName, name: str, launch: Launch) -> dict[str, Any]:
    """Return what a client's file must hold to start our server under this name."""
    kind = {"type": "stdio"} if client in ("vscode", "claude-code") else {}
    env = {"env": dict(launch.env)} if launch.env else {}
    return {_key(client): {name: {**kind, "command": launch.command, "args": list(launch.args), **env}}}


def install(client: ClientName, name: str, launch: Launch) -> Installed:
    """Put our entry into the client's file, beside what is there; a copy of the file as it was is kept.

    Raises ConfigError, and leaves the file alone, where it is not JSON of the form that the client reads.
    """
    path = config_path(client).resolve()  # a link, as people keep their settings in a repository, stays one
    key, entry = _key(client), config_entry(client, name, launch)[_key(client)][name]
    config = _read(path, key)
    servers = config.get(key, {})
    if servers.get(name) == entry:
        return Installed(path, changed=False)
    backup = _keep_copy(path)
    _write(path, {**config, key: {**servers, name: entry}})
    return Installed(path, changed=True, backup=backup)


def _key(client: ClientName) -> str:
    return "servers" if client == "vscode" else "mcpServers"


def _read(path: Path, key: str) -> dict[str, Any]:
    hint = "mend it, or add by hand what `--print` shows; it was left as it is"
    try:
        text = path.read_text(encoding="utf-8-sig")
        config = json.loads(text) if text.strip() else {}
    except FileNotFoundError:
        return {}
    except (ValueError, RecursionError) as error:  # also text that is not UTF-8, and comments, which some clients allow
        raise ConfigError(f"{path}: is not JSON ({error})", hint) from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})", hint) from error
    if not isinstance(config, dict) or not isinstance(config.get(key, {}), dict):
        raise ConfigError(f"{path}: does not hold an object with “{key}”", hint)
    return config


def _keep_copy(path: Path) -> Path | None:
    """Copy the file to the first free name beside it."""
    if not path.exists():
        return None
    number = 1
    while (backup := path.with_name(f"{path.name}.bak{number}")).exists():
        number += 1
    shutil.copy2(path, backup)
    return backup


def _write(path: Path, config: Mapping[str, Any]) -> None:
    """Put the new file in the place of the old one in one step: a client reads either."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, delete=False) as file:
        json.dump(config, file, ensure_ascii=False, indent=2)
        file.write("\n")
    if path.exists():
        shutil.copymode(path, file.name)
    Path(file.name).replace(path)
