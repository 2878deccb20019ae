"""The parts of bench/README.md, and of other files, that commands write."""

from __future__ import annotations

from pathlib import Path

README = Path(__file__).parent / "README.md"


def replace_part(name: str, text: str, path: Path | None = None) -> None:
    """Put a text between the marks of this name. Raises ValueError where they are not in the file."""
    path = path or README
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->\n"
    head, rest = path.read_text(encoding="utf-8").split(begin)
    _, tail = rest.split(end)
    path.write_text(head + begin + text + end + tail, encoding="utf-8")
