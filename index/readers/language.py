"""Tells which language a text is in, or that it cannot be told."""

from __future__ import annotations

import re
from functools import cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

_SAMPLE = 5_000
_LETTER = re.compile(r"[^\W\d_]")
_ENOUGH = 20  # letters for the model to go by; titles in English otherwise pass for Maltese or Somali
_ENOUGH_BEYOND_LATIN = 10  # other scripts are shared by fewer languages
_SURE = 0.9
# Scripts that one language has nearly for its own: (language, its letters, the share of all letters, at least so many).
# Kana before ideographs, which Japanese has too.
_SCRIPTS = (
    ("ko", re.compile("[\uac00-\ud7a3]"), 0.3, 3),
    ("ja", re.compile("[\u3041-\u3096\u30a1-\u30fa]"), 0.1, 2),
    ("zh", re.compile("[\u3400-\u4dbf\u4e00-\u9fff]"), 0.3, 6),
    ("he", re.compile("[\u05d0-\u05ea]"), 0.5, 6),
    ("el", re.compile("[\u0386-\u03ce\u1f00-\u1ffc]"), 0.5, 6),
    ("th", re.compile("[\u0e01-\u0e2e]"), 0.5, 6),
)
# Languages so alike that the model wavers between them: sure of them all is sure enough of the likeliest.
_ALIKE = (frozenset(("bs", "hr", "sr")), frozenset(("id", "ms")), frozenset(("nn", "no")), frozenset(("gl", "pt")))

_NEVER = frozenset(("vo", "an", "wa"))
_NO_LANGUAGE = "zxx"  # what the model calls numbers and code


def detect_language(text: str) -> str:
    """Return the ISO 639-1 code of a text's language, "" if the text is too short or the answer unsure."""
    sample = _sample(text)
    found = _LETTER.findall(sample)
    letters = len(found)
    for language, script, share, at_least in _SCRIPTS:
        if len(script.findall(sample)) >= max(at_least, share * letters):
            return language
    latin = sum(letter < "\u0250" for letter in found)
    enough = _ENOUGH if latin > letters / 2 else _ENOUGH_BEYOND_LATIN
    return _by_model(sample) if letters >= enough else ""


def _sample(text: str) -> str:
    """Take some of the beginning, where a text shows what it is, and of the middle, where licences and menus are past."""
    half, middle = _SAMPLE // 2, len(text) // 2
    return text if len(text) <= _SAMPLE else f"{text[:half]}\n{text[middle : middle + half]}"


def _by_model(sample: str) -> str:
    ranked = load_model().rank(sample)
    best = str(ranked[0][0])
    if best == _NO_LANGUAGE:
        return ""
    group = next((alike for alike in _ALIKE if best in alike), frozenset((best,)))
    return best if sum(probability for language, probability in ranked if language in group) >= _SURE else ""


@cache
def load_model() -> LanguageIdentifier:
    """Return the model, loaded when it is first asked for: that takes half a second and a temporary file of some MB."""
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    # No dialects, which have no code of two letters, and nothing that only enthusiasts write: tables pass for Volapük.
    identifier.set_languages([one for one in identifier.labels if len(one) == 2 and one not in _NEVER] + [_NO_LANGUAGE])
    return identifier
