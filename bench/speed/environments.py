"""A virtual environment for each peer under build/bench, made on first use and again when its requirements change."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from pathlib import Path

_TORCH = "torch==2.13.0"  # first and pinned, as in the Makefile: left to the others' ranges, pip pulls gigabytes of CUDA


def python_of(peer: str, requirements: Path, place: Path) -> Path:
    """Return the interpreter that has what a peer needs. Raises CalledProcessError where that cannot be installed."""
    folder = place / peer
    python, mark = folder / "bin" / "python", folder / "installed.txt"
    wanted = requirements.read_text(encoding="utf-8")
    if not mark.exists() or mark.read_text(encoding="utf-8") != wanted:
        sys.stderr.write(f"installing {peer} into {folder} (minutes, once) ...\n")
        venv.create(folder, with_pip=True, clear=True)
        _install(python, _TORCH)
        _install(python, _TORCH, "--requirement", str(requirements))
        mark.write_text(wanted, encoding="utf-8")
    return python


def versions_of(python: Path) -> dict[str, str]:
    """Return name → version of all that an interpreter has installed."""
    command = [str(python), "-m", "pip", "list", "--format=json", "--disable-pip-version-check"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603  # ours
    return {one["name"]: one["version"] for one in json.loads(listed.stdout)}


def _install(python: Path, *what: str) -> None:
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *what]
    subprocess.run(command, check=True)  # noqa: S603  # ours
