"""Titles that a program wrote, not a person: a file's name, or what office programs call a new document."""

from __future__ import annotations

import re

_BY_A_PROGRAM = re.compile(
    r"^(?:microsoft \w+ - |untitled\b|powerpoint presentation|adobe (?:photoshop|illustrator|indesign|acrobat)\b"
    r"|(?:slide|document) ?\d*$|title$|null$)"
    r"|\.(?:docx?|pdf|txt|odt|rtf|tex|dvi|indd|qxd|html?|png|jpe?g|xlsx?|pptx?)$",
    re.IGNORECASE,
)


def is_by_a_program(title: str) -> bool:
    """Say whether a title that a file gives itself tells nothing."""
    return bool(_BY_A_PROGRAM.search(title))
