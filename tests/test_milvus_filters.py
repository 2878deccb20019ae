"""Expressions of Milvus: no value can end its quotes, and prefixes and ranges mean the same as in SQL."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from index.milvus_filters import both, expression, literal
from index.records import AllOf, AnyOf, Equals, Range, StartsWith

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)


def read_literal(text: str) -> str:
    """Read a literal back as Milvus does; fails where it ends before the end of the text."""
    assert re.fullmatch(r'"(?:[^"\\\n\r\t]|\\["\\nrt])*"', text)
    plain = {"n": "\n", "r": "\r", "t": "\t"}
    return re.sub(r"\\(.)", lambda found: plain.get(found[1], found[1]), text[1:-1])


@given(TEXTS)
def test_a_literal_is_one_literal_and_says_what_it_was_made_of(text: str):
    assert read_literal(literal(text)) == text


@given(TEXTS, TEXTS)
def test_a_prefix_is_a_range_that_holds_exactly_what_begins_with_it(start: str, value: str):
    for one in (value, start + value, start):
        limits = re.findall(r'path (>=|<) ("(?:[^"\\]|\\.)*")', expression(StartsWith("path", start)))
        fits = all(one >= read_literal(limit) if sign == ">=" else one < read_literal(limit) for sign, limit in limits)
        assert fits == one.startswith(start)


@given(TEXTS.filter(bool), TEXTS)
def test_the_upper_end_of_a_range_includes_all_that_begins_with_it(high: str, value: str):
    for one in (value, high + value):
        limits = re.findall(r'path (<|>) ("(?:[^"\\]|\\.)*")', expression(Range("path", "", high)))
        fits = all(one < read_literal(limit) if sign == "<" else one > read_literal(limit) for sign, limit in limits)
        assert fits == (one != "" and one[: len(high)] <= high)


def test_nul_is_asked_for_as_it_is_kept():
    assert read_literal(literal("a\0b")) == "a\ufffdb"
    assert expression(StartsWith("path", "a\0")) == '(path >= "a\ufffd") and (path < "a\ufffe")'
    assert expression(Range("path", "", "\0")) == '(path > "") and (path < "\ufffe")'


def test_parts_are_put_together_in_brackets():
    ada, en = Equals("author", 'A"da'), Equals("lang", "en")
    assert expression(AnyOf((ada, AllOf((en, en))))) == (
        '(metadata["author"] == "A\\"da") or ((lang == "en") and (lang == "en"))'
    )
    assert expression(AllOf(())) == "num >= 0"
    assert expression(AnyOf(())) == "num < 0"
    assert both("", "run <= 3", "") == "run <= 3"
