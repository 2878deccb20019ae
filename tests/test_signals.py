"""What speaks for a passage as the place of an answer: the question's names and numbers."""

from __future__ import annotations

import pytest
from test_conflicts import hit

from qa.reading.hit_sentences import sentences_of
from qa.reading.questions import analyse
from qa.reading.signals import _named


@pytest.mark.parametrize(
    ("told", "share"),
    [("Python 3.4.0 has 40 new modules.", 0.5), ("Python v4.0 is out by now.", 1.0), ("Python 4.0 is out by now.", 1.0)],
)
def test_a_version_is_named_by_its_whole_number_alone(told: str, share: float):
    assert _named(analyse("What is new in Python 4.0?"), sentences_of([hit("notes", told)])) == share
