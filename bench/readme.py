"""The parts of bench/README.md that commands write."""

from __future__ import annotations

from pathlib import Path

README = Path(__file__).parent / "README.md"


def replace_part(name: str, text: str) -> None:
    """Put a text between the marks of this name. Raises ValueError where they are not in the file."""
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->\n"
    head, rest = README.read_text(encoding="utf-8").split(begin)
    _, tail = rest.split(end)
    README.write_text(head + begin + text + end + tail, encoding="utf-8")
