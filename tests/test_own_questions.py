"""The questions written for training the reader: the file is sound, and what its signs mean."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.reader.own_questions import Asked, read_questions


def test_every_line_that_was_written_is_of_a_known_kind():
    written = read_questions()
    assert len({(one.key, one.start, one.end) for one in written}) == len(written)
    assert {sign for one in written for sign, *_ in one.lines} == set("+-=!~")
    assert all(one.lines and one.start < one.end for one in written)


def test_a_line_says_what_answers_it(tmp_path: Path):
    path = tmp_path / "own_questions.txt"
    path.write_text("# 1a2b3c4d5e6f 0 90\n+ Who pays? | 1,3 | 40-48\n- Who owns it?\n~ It is old. | 2\n", encoding="utf-8")
    lines = [("+", "Who pays?", (0, 2), (40, 48)), ("-", "Who owns it?", (), None), ("~", "It is old.", (1,), None)]
    assert read_questions(path) == [Asked("1a2b3c4d5e6f", 0, 90, lines)]


@pytest.mark.parametrize(
    "line",
    [
        "+ Who pays?",
        "- Who owns it? | 2",
        "* Who? | 1",
        "= It is old. | one",
        "= Old. | 1 | 2-3",
        "+ A? | 0",
        "+ A? | 1 | b",
        "+ A? | 1 | 9-3",
        "-",
    ],
)
def test_a_malformed_line_is_named(tmp_path: Path, line: str):
    path = tmp_path / "own_questions.txt"
    path.write_text(f"# 1a2b3c4d5e6f 0 90\n{line}\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"own_questions\.txt, line 2"):
        read_questions(path)
