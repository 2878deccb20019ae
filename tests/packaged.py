"""What the files for operators say: Dockerfile, compose.yaml, deploy/ and docs/operating.md, taken apart for tests."""

from __future__ import annotations

import json
import re
import shlex
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import yaml
from conftest import ROOT

from qa.config import PREFIX, Settings

Tree = dict[str, Any]
KUBERNETES = ROOT / "deploy" / "kubernetes"
SYSTEMD = ROOT / "deploy" / "systemd"
GUIDE = ROOT / "docs" / "operating.md"
FILES = [ROOT / "Dockerfile", ROOT / "compose.yaml", GUIDE, *sorted(path for path in (ROOT / "deploy").rglob("*.*"))]


def instructions() -> list[tuple[str, str]]:
    """Return the Dockerfile's instructions and what stands behind each, lines that go on joined."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = re.sub(r"\\\n", " ", text).splitlines()
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines if line)]


def instruction(word: str) -> str:
    """Return what stands behind the last instruction of a kind."""
    return [rest for one, rest in instructions() if one == word][-1]


def image_environment() -> dict[str, str]:
    """Return the variables that the image sets."""
    return dict(pair.split("=", 1) for pair in shlex.split(instruction("ENV")))


def health_check() -> list[str]:
    """Return the command of the image's health check."""
    return list(json.loads(instruction("HEALTHCHECK").partition("CMD ")[2]))


def compose() -> Tree:
    """Return compose.yaml with the defaults of its variables."""
    text = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)))


def servers() -> dict[str, Tree]:
    """Return the services of compose.yaml that are ours."""
    return {name: one for name, one in compose()["services"].items() if one["image"].startswith("citable-qa")}


def manifests() -> dict[str, Tree]:
    """Return every Kubernetes object, by kind and name."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(KUBERNETES.glob("*.yaml")) if path.stem != "kustomization"]
    found = [one for text in texts for one in yaml.safe_load_all(text)]
    return {f"{one['kind']} {one['metadata']['name']}": one for one in found}


def manifests_with_milvus() -> dict[str, Tree]:
    """Return every Kubernetes object as deploy/kubernetes/milvus changes it. Its patches test, replace and remove (RFC 6902)."""
    found = manifests()
    changes = yaml.safe_load((KUBERNETES / "milvus" / "kustomization.yaml").read_text(encoding="utf-8"))
    for patch in changes["patches"]:
        target = found[f"{patch['target']['kind']} {patch['target']['name']}"]
        for change in yaml.safe_load(patch["patch"]):
            *way, last = change["path"].removeprefix("/").split("/")
            place: Any = target
            for step in way:
                place = place[int(step) if isinstance(place, list) else step]
            at = int(last) if isinstance(place, list) else last
            if change["op"] == "test":
                assert place[at] == change["value"]
            elif change["op"] == "remove":
                del place[at]
            else:
                assert change["op"] == "replace"
                assert place[at] is not None
                place[at] = change["value"]
    added = [one for one in changes["resources"] if one != ".."]
    for one in added:
        made = yaml.safe_load((KUBERNETES / "milvus" / one).read_text(encoding="utf-8"))
        found[f"{made['kind']} {made['metadata']['name']}"] = made
    return found


def pods() -> dict[str, Tree]:
    """Return what the pods are made from: of the server, and of indexing."""
    found = manifests()
    job = found["CronJob citable-qa-index"]["spec"]["jobTemplate"]
    return {
        "server": found["Deployment citable-qa"]["spec"]["template"]["spec"],
        "index": job["spec"]["template"]["spec"],
    }


def containers() -> list[Tree]:
    """Return all containers of all pods."""
    return [one for pod in pods().values() for one in (*pod.get("initContainers", ()), *pod["containers"])]


def unit(name: str) -> ConfigParser:
    """Return a systemd unit. None of ours sets one key twice in a section."""
    parser = ConfigParser(interpolation=None, delimiters=("=",), comment_prefixes=("#",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(SYSTEMD / name, encoding="utf-8")
    return parser


def unit_environment(name: str) -> dict[str, str]:
    """Return the variables that a unit sets, its state directory written out."""
    text = unit(name)["Service"]["Environment"].replace("%S", "/var/lib")
    return dict(pair.split("=", 1) for pair in shlex.split(text))


def settings_of(environment: dict[str, str]) -> Settings:
    """Return the settings that variables make; raises for one that is unknown or has a bad value."""
    ours = {name: value for name, value in environment.items() if name.startswith(PREFIX)}
    return Settings.model_validate({name.removeprefix(PREFIX).lower(): value for name, value in ours.items()})


def shell_lines(path: Path) -> list[str]:
    """Return the lines of a guide's shell blocks, those that go on joined."""
    blocks = re.findall(r"```sh\n(.*?)```", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    return [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
