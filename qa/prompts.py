"""Question and hits → messages for the LLM. The only module that opens prompts/."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from index.locators import describe
from index.records import Hit
from qa.documents import date_of, files_apart, supersedes
from qa.errors import PromptError

PROMPTS = Path(__file__).resolve().parent.parent / "prompts"
_MARK = "---\n"
_PASSAGE_TAG = re.compile(r"(<)(\s*/?\s*passage)", re.IGNORECASE)
# Zero-width and tag characters, and marks that turn text round: a model reads them, people do not. Joiners stay.
_INVISIBLE = re.compile("[\u200b\u2060-\u2064\ufeff\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]")


@dataclass(frozen=True, slots=True)
class Prompt:
    """A template file: front matter, then "# system" and "# user" sections. sha256 is of the whole file."""

    name: str
    description: str
    inputs: tuple[str, ...]
    system: str
    user: str
    path: Path
    sha256: str


def prompt_names() -> list[str]:
    """Return the names of the prompts that come with the program."""
    return sorted(path.stem for path in PROMPTS.glob("*.md"))


def prompt_path(name: str, folder: Path | None = None) -> Path:
    """Return the file of a prompt: the user's own where their folder has one, else the one that comes with the program."""
    own = folder / f"{name}.md" if folder else None
    return own if own and own.exists() else PROMPTS / f"{name}.md"


def load_prompt(name: str, folder: Path | None = None) -> Prompt:
    """Read a prompt. Raises PromptError when it is missing or not of the form described in `Prompt`."""
    path = prompt_path(name, folder)
    try:
        data = path.read_bytes()
        source = data.decode("utf-8").replace("\r\n", "\n")
    except (OSError, UnicodeDecodeError) as error:
        raise PromptError(f"{path}: cannot be read", "restore the file, or unset `prompts`") from error
    parts = source.split(_MARK, 2)
    head, separator, user = parts[-1].partition("\n# user\n")
    system = head.strip().removeprefix("# system").strip()
    matter = _front_matter(parts[1]) if len(parts) == 3 else {}
    if not separator or not system or matter.get("name") != name:
        raise PromptError(
            f"{path}: not a prompt", "it needs front matter with its name, a `# system` and a `# user` section"
        )
    inputs = matter.get("inputs", [])
    return Prompt(
        name=name,
        description=str(matter.get("description", "")),
        inputs=tuple(map(str, inputs)) if isinstance(inputs, list) else (),
        system=system,
        user=user.strip(),
        path=path,
        sha256=hashlib.sha256(data).hexdigest(),
    )


def label_passages(hits: Sequence[Hit]) -> dict[str, Hit]:
    """Give each passage a random id for one request, so that no document can name another's passage beforehand."""
    labels: dict[str, Hit] = {}
    for hit in hits:
        label = "p" + secrets.token_hex(2)
        while label in labels:
            label = "p" + secrets.token_hex(2)
        labels[label] = hit
    return labels


def build_messages(prompt: Prompt, passages: Mapping[str, Hit], **values: object) -> list[dict[str, str]]:
    """Fill a prompt in. Only the template is rendered; everything else goes in as values (invariant 14)."""
    files = files_apart(hit.document for hit in passages.values())
    shown = [
        {
            "id": label,
            "title": _one_line(f"{hit.document.title}{files[hit.document.id]}"),
            "place": _one_line(describe(hit.passage.locator)),
            "date": _one_line(date_of(hit.document)),
            "superseded": any(supersedes(other.document, hit.document) for other in passages.values()),
            "text": as_data(hit.passage.text),
        }
        for label, hit in passages.items()
    ]
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
    try:
        user = environment.from_string(prompt.user).render(passages=shown, **_safe(values))
        system = environment.from_string(prompt.system).render()
    except Exception as error:  # a template of the user's can fail in any way: {{ 1/0 }}, an include, a wrong name
        raise PromptError(f"{prompt.path}: {error}", "mend the template") from error
    return [{"role": "system", "content": system}, {"role": "user", "content": user}]


def _safe(values: Mapping[str, object]) -> dict[str, object]:
    return {name: as_data(value) if isinstance(value, str) else value for name, value in values.items()}


def as_data(text: str) -> str:
    """Return text that can neither end the passage it stands in nor begin another, without characters nobody sees."""
    return _PASSAGE_TAG.sub(r"\1 \2", _INVISIBLE.sub("", text))


def estimate_tokens(text: str) -> int:
    """Return about how many tokens a text is, rather too many: three bytes of UTF-8 each (English has four)."""
    return len(text.encode("utf-8", "replace")) // 3 + 1


def _front_matter(source: str) -> dict[str, object]:
    try:
        matter = yaml.safe_load(source)
    except yaml.YAMLError:
        return {}
    return matter if isinstance(matter, dict) else {}


def _one_line(text: str) -> str:
    return " ".join(_INVISIBLE.sub("", text).split()).replace('"', "'").replace("<", "(").replace(">", ")")
