"""Tells which language a text is in, or that it cannot be told."""

from __future__ import annotations

import io
import lzma
import re
from array import array
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

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

# Where both halves of a text have their share of what only English has ("for", "at" and "have" are Danish, too), and hardly
# anything is another's, the model says English as well: so of all of 1,400 texts of public data that this tells (by hand).
# The model takes half a second to load, and most texts are English.
_ENGLISH = frozenset(
    (
        "the of and that which with from this these those has been was were their they would its but who than other into "
        "such"
    ).split()
)
_OTHERS = frozenset(
    (
        "der die das und ist nicht de het een van en dat di il che della per la le les et est des du el los que una y ya na "
        "ang ng sa yang dan ini itu untuk dengan pada oleh den det och att som og w nie jest ja se oli"
    ).split()
)
_ENGLISH_SHARE, _OTHERS_SHARE = 0.06, 0.02  # of the words
_ENGLISH_WORDS = 5
_ENGLISH_LETTERS = 0.995  # without accents, of all
_WORD = re.compile(r"[^\W\d_]+")

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
    if sum(map(str.isascii, found)) >= _ENGLISH_LETTERS * letters and _is_plainly_english(sample):
        return "en"
    latin = sum(letter < "\u0250" for letter in found)
    enough = _ENOUGH if latin > letters / 2 else _ENOUGH_BEYOND_LATIN
    return _by_model(sample) if letters >= enough else ""


def _sample(text: str) -> str:
    """Take some of the beginning, where a text shows what it is, and of the middle, where licences and menus are past."""
    half, middle = _SAMPLE // 2, len(text) // 2
    return text if len(text) <= _SAMPLE else f"{text[:half]}\n{text[middle : middle + half]}"


def _is_plainly_english(sample: str) -> bool:
    words = _WORD.findall(sample.lower())
    halves = words[: len(words) // 2], words[len(words) // 2 :]
    in_both = all(sum(word in _ENGLISH for word in half) > _ENGLISH_SHARE * len(half) for half in halves)
    others = sum(word in _OTHERS for word in words)
    return in_both and others <= _OTHERS_SHARE * len(words) and len(_ENGLISH.intersection(words)) >= _ENGLISH_WORDS


def _by_model(sample: str) -> str:
    ranked = load_model().rank(sample)
    best = str(ranked[0][0])
    if best == _NO_LANGUAGE:
        return ""
    group = next((alike for alike in _ALIKE if best in alike), frozenset((best,)))
    return best if sum(probability for language, probability in ranked if language in group) >= _SURE else ""


@cache
def load_model() -> LanguageIdentifier:
    """Return the model, loaded when it is first asked for: that takes half a second and some 200 MB for a moment.

    In memory: as py3langid loads it, it is unpacked into a file, which readers may not write.
    """
    import numpy as np  # on first use, as above
    from py3langid.langid import MODEL_DIR, MODEL_FILE, LanguageIdentifier

    with lzma.open(MODEL_DIR / MODEL_FILE) as packed, np.load(io.BytesIO(packed.read())) as parts:
        moves, rows = (array("I", parts[name].astype(np.uint32).tobytes()) for name in ("nextmove", "nextmove_row"))
        weights, labels, features = parts["ptc"], parts["classes"].tolist(), parts["out_feat"].tolist()
        identifier = LanguageIdentifier(weights, parts["pc"], labels, moves, features, norm_probs=True, tk_row=rows)
    # No dialects, which have no code of two letters, and nothing that only enthusiasts write: tables pass for Volapük.
    identifier.set_languages([one for one in identifier.labels if len(one) == 2 and one not in _NEVER] + [_NO_LANGUAGE])
    return identifier
