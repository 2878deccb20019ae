"""The reply parser: the same claims however the reply is cut, and nothing in them that only we may write."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa.records import Quote
from qa.reply import ClaimDone, ClaimText, End, NoEvidence, Piece, ReplyParser, clean_claim, mailboxes

REPLY = """CLAIM: Islamabad calls the sanctions biased.
QUOTE p1: "the sanctions are biased and a threat to peace"
QUOTE p2: "a double standard"
CLAIM: The range is 2,750 km (1,710 miles).
QUOTE p3: "a range of 2,750 km"
END
"""
CLAIMS = [
    (
        "Islamabad calls the sanctions biased.",
        (("p1", '"the sanctions are biased and a threat to peace"'), ("p2", '"a double standard"')),
    ),
    ("The range is 2,750 km (1,710 miles).", (("p3", '"a range of 2,750 km"'),)),
]


def parse(*cuts: str, is_leak: Callable[[str], bool] = lambda _: False) -> list[Piece]:
    parser = ReplyParser(is_leak=is_leak)
    pieces = [piece for cut in cuts for piece in parser.feed(cut)]
    return pieces + list(parser.finish())


def claims(pieces: list[Piece]) -> list[tuple[str, tuple[tuple[str, str], ...]]]:
    done = [piece for piece in pieces if isinstance(piece, ClaimDone)]
    return [(one.text, tuple((quote.passage_id, quote.text) for quote in one.quotes)) for one in done]


def gist(pieces: list[Piece]) -> list[Piece]:
    """The pieces with neighbouring ClaimTexts joined: what must not depend on the cuts."""
    joined: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, ClaimText) and joined and isinstance(joined[-1], ClaimText):
            piece = ClaimText(joined.pop().text + piece.text)
        joined.append(piece)
    return joined


def assert_texts_add_up(pieces: list[Piece]) -> None:
    written = ""
    for piece in pieces:
        if isinstance(piece, ClaimText):
            written += piece.text
        elif isinstance(piece, ClaimDone):
            assert written == piece.text
            written = ""
    assert written == ""


def test_a_reply_in_the_form_gives_its_claims_with_their_quotes():
    pieces = parse(REPLY)
    assert claims(pieces) == CLAIMS
    assert pieces[-1] == End()
    assert isinstance(pieces[0], ClaimText)


def test_claims_are_done_before_the_end_and_in_order():
    kinds = [type(piece).__name__ for piece in gist(parse(REPLY))]
    assert kinds == ["ClaimText", "ClaimDone", "ClaimText", "ClaimDone", "End"]


# Replies of the kinds that models write. Each is cut in every way below.
REPLIES = {
    "the form": REPLY,
    "windows line ends": REPLY.replace("\n", "\r\n"),
    "bold": '**CLAIM:** One thing happened.\n**QUOTE p1:** "one thing"\n**END**',
    "bullets": '- CLAIM: One thing happened.\n  - QUOTE p1: "one thing"\n- END\n',
    "numbers": '1. CLAIM: One thing happened.\nQUOTE p1: "one thing"\nCLAIM 2: Two things.\nQUOTE (p2): "two"\nEND',
    "lower case": 'claim: One thing happened.\nquote p1: "one thing"\nend\n',
    "spaces": 'CLAIM:   One   thing \t happened.  \nQUOTE p1:   "one thing"  \n\nEND',
    "empty claim": 'CLAIM:\nQUOTE p1: "one thing"\nCLAIM: Two.\nEND',
    "no evidence": "NO EVIDENCE\nEND\n",
    "cut in a claim": 'CLAIM: One thing happened.\nQUOTE p1: "one thing"\nCLAIM: Two thin',
    "cut in a quote": 'CLAIM: One thing happened.\nQUOTE p1: "one th',
    "prose": "The answer is that one thing happened.\n\nI hope this helps!",
    "brackets left open": "CLAIM: It is [not closed and goes on for much longer than any marker would.\nEND",
    "closing only": "CLAIM: It is 5) or so, see above.\nEND",
    "other scripts": 'CLAIM: پاکستان نے کہا کہ یہ درست نہیں۔\nQUOTE p1: "یہ درست نہیں"\nCLAIM: 今天下雨。\nEND',
    "thoughts": '<think>\nCLAIM: A draft.\nEND\n</think>\nCLAIM: One thing happened.\nQUOTE p1: "one thing"\nEND',
    "thoughts of several kinds": "<Thinking>NO EVIDENCE</thinking><reasoning>END\n</reasoning>\n</think>CLAIM: One.\nEND",
    "thoughts without an end": "CLAIM: One.\n<think>CLAIM: Two.\nEND",
    "a tag in a claim": "CLAIM: The tag <think> opens it.\nEND",
    "a wrapped claim": 'CLAIM: Patients were harmed\nin none of the\nend cases.\nQUOTE p1: "one thing"\nEND',
    "a wrapped claim with a marker": "CLAIM: It is so [1,\n2] and no\nother way.\n```\nEND\n```",
    "a claim below its label": 'CLAIM:\nOne thing happened.\n\nProse.\nQUOTE p1:\n"one thing"\nEND',
    "no evidence, in words": "NO EVIDENCE. The passages do not say.\nThey do not.\nEND",
    "full-width": "CLAIM：今天下雨。\nQUOTE p1：“下雨下雨”\nEND",
    "ids in other places": 'CLAIM: One.\nQUOTE "one" [p1]\nQUOTE: "two" (p2)\nQUOTE passage p3: "three"\nQUOTE id=p4: "four"\nEND',
    "several quotes": 'CLAIM: One.\nQUOTES p1: "one thing"; "another"\nEND',
    "json": '{"claims": [{"claim": "One thing\\nhappened.", "quotes": [{"quote": "one thing", "id": "p1"}]}]}',
    "json in a fence": '```json\n[\n {"text": "One.",\n  "quotes": [{"text": "one", "passage": "p1"}]}\n]\n```\n',
    "half json": '{"claims": [{"claim": "One thing"',
    "json that is none": "{\nCLAIM: One.\nEND",
    "a space that is none": "CLAIM: See www\x1c.evil.example/a and so.\nEND",
    "invisible": "CLAIM: One\u200b thing\u202e \U000e0041happened\x1b[31m.\nEND",
}


@pytest.mark.parametrize("reply", REPLIES.values(), ids=REPLIES)
def test_a_reply_means_the_same_character_by_character_or_at_once(reply):
    assert gist(parse(*reply)) == gist(parse(reply))


@pytest.mark.parametrize("reply", REPLIES.values(), ids=REPLIES)
def test_a_reply_means_the_same_wherever_it_is_cut_in_two(reply):
    whole = gist(parse(reply))
    for at in range(len(reply)):
        assert gist(parse(reply[:at], reply[at:])) == whole


@pytest.mark.parametrize("reply", REPLIES.values(), ids=REPLIES)
def test_the_characters_that_were_shown_add_up_to_the_claims(reply):
    assert_texts_add_up(parse(reply))
    assert_texts_add_up(parse(*reply))


_part = st.sampled_from(
    [
        "CLAIM: ",
        "QUOTE p1: ",
        '"',
        "\n",
        "\r\n",
        "END",
        "NO EVIDENCE",
        " ",
        "  ",
        "**",
        "- ",
        "(",
        ")",
        ":",
        "\u200b",
        "word",
        "2. ",
        "é",
        "<think>",
        "</think>",
        "no",
        "[1",
        "](",
        "]",
        "{",
        '{"claim": "One.", "quote": "two"}',
        "```",
        "www.",
        "s ever",
    ]
)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(st.one_of(_part, st.text("abc :.\t", max_size=5)), max_size=30).map("".join), st.data())
def test_any_reply_means_the_same_in_any_cuts(reply, data):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(reply)), max_size=8)))
    parts = [reply[start:end] for start, end in zip([0, *cuts], [*cuts, len(reply)], strict=True)]
    pieces = parse(*parts)
    assert_texts_add_up(pieces)
    assert gist(pieces) == gist(parse(reply))


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(st.one_of(_part, st.text(max_size=5)), max_size=30).map("".join))
def test_any_reply_shows_what_its_claims_say(reply):
    assert_texts_add_up(parse(reply))


def leaks(text: str) -> bool:
    return "word word" in text


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(_part, max_size=30).map("".join), st.data())
def test_a_leak_is_cut_off_at_the_same_word_in_any_cuts(reply, data):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(reply)), max_size=8)))
    parts = [reply[start:end] for start, end in zip([0, *cuts], [*cuts, len(reply)], strict=True)]
    pieces = parse(*parts, is_leak=leaks)
    assert gist(pieces) == gist(parse(reply, is_leak=leaks))
    assert not any(leaks(text) for text, _ in claims(pieces))


def test_a_claim_is_shown_while_it_arrives():
    parser = ReplyParser()
    assert list(parser.feed("CLAIM: One thing and")) == [ClaimText("One thing")]
    assert list(parser.feed(" two")) == [ClaimText(" and")]
    assert list(parser.feed(".\n")) == [ClaimText(" two.")]
    assert list(parser.feed("Qu")) == []
    assert list(parser.feed("ite three")) == [ClaimText(" Quite")]
    assert list(parser.feed("\nEN")) == [ClaimText(" three")]
    assert list(parser.feed("D\n")) == [ClaimDone("One thing and two. Quite three", ()), End()]


@pytest.mark.parametrize(
    "marker", ["[1]", "[p1]", "[1, 2]", "【1†source】", "[source](https://evil.example)", "[1](x)", "[]", "[^1]"]
)
def test_markers_and_links_never_reach_the_text(marker):
    ((text, _),) = claims(parse(f"CLAIM: It is so {marker} and so{marker}.\nEND"))
    assert text == "It is so and so."


@pytest.mark.parametrize("marker", ["[1", "【1†"])
def test_a_marker_that_is_not_complete_is_not_shown_yet(marker):
    parser = ReplyParser()
    assert list(parser.feed(f"CLAIM: It is so {marker}")) == [ClaimText("It is so")]


@pytest.mark.parametrize(
    "code", [0x00, 0x07, 0x08, 0x0B, 0x1B, 0x7F, 0x200B, 0x200F, 0x202E, 0x2066, 0xFEFF, 0xE0001, 0xE0041]
)
def test_control_invisible_and_tag_characters_never_reach_the_text(code):
    assert clean_claim(f"It is{chr(code)} so.") == "It is so."
    ((text, _),) = claims(parse(*f"CLAIM: It{chr(code)} is so.\nEND"))
    assert text == "It is so."


def test_ordinary_brackets_and_signs_stay():
    text = "5 < 6 & (1,710 miles) * 2 “so” – é 漢 😀"
    assert clean_claim(text) == text


def test_a_quote_may_run_over_several_lines():
    reply = 'CLAIM: One.\nQUOTE p1: "the first line\nof it, and the second\n\nand a third"\nCLAIM: Two.\nEND'
    assert claims(parse(reply)) == [
        ("One.", (("p1", '"the first line\nof it, and the second\nand a third"'),)),
        ("Two.", ()),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "QUOTE p1: words",
        "QUOTE [p1]: words",
        "QUOTE (P1) : words",
        "**QUOTE p1:** words",
        "  * Quote p1 words",
        "QUOTE <p1>: words",
    ],
)
def test_the_label_of_a_quote_may_be_written_in_several_ways(line):
    assert claims(parse(f"CLAIM: One.\n{line}\nEND")) == [("One.", (("p1", "words"),))]


def test_a_quote_without_a_label_is_kept():
    done = [piece for piece in parse('CLAIM: One.\nQUOTE: "some words"\nEND') if isinstance(piece, ClaimDone)]
    assert done == [ClaimDone("One.", (Quote('"some words"', ""),))]


@pytest.mark.parametrize("end", ["END", "end", "**END**", "END.", " END \r"])
def test_the_end_is_said_once(end):
    assert parse(f"CLAIM: One.\n{end}\n").count(End()) == 1


@pytest.mark.parametrize("tail", ["", "\n", '\nQUOTE p1: "wo', "\nEN", "\nThe end of it"])
def test_a_reply_without_end_was_cut_off(tail):
    pieces = parse(f"CLAIM: One.{tail}")
    assert End() not in pieces
    assert [text for text, _ in claims(pieces)] == ["One. The end of it" if "of it" in tail else "One."]


ONE = [("One thing happened.", (("p1", '"one thing"'),))]


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ("thoughts", ONE),
        ("thoughts of several kinds", [("One.", ())]),
        ("thoughts without an end", [("One.", ())]),
        ("a tag in a claim", [("The tag < think> opens it.", ())]),
        ("a wrapped claim", [("Patients were harmed in none of the end cases.", (("p1", '"one thing"'),))]),
        ("a wrapped claim with a marker", [("It is so and no other way.", ())]),
        ("a claim below its label", [("One thing happened.", (("p1", '\n"one thing"'.strip()),))]),
        ("full-width", [("今天下雨。", (("p1", "“下雨下雨”"),))]),
        ("ids in other places", [("One.", (("p1", '"one"'), ("p2", '"two"'), ("p3", '"three"'), ("p4", '"four"')))]),
        ("several quotes", [("One.", (("p1", '"one thing"'), ("p1", '"another"')))]),
        ("json", ONE),
        ("json in a fence", [("One.", (("p1", '"one"'),))]),
        ("half json", []),
        ("json that is none", [("One.", ())]),
        ("a space that is none", [("See (link left out) and so.", ())]),
    ],
)
def test_what_models_make_of_the_form_is_read(reply, said):
    assert claims(parse(REPLIES[reply])) == said


@pytest.mark.parametrize("reply", ["thoughts", "json", "json in a fence", "full-width"])
def test_a_reply_of_another_form_has_an_end_too(reply):
    assert parse(REPLIES[reply])[-1] == End()


@pytest.mark.parametrize(
    "line", ["No evidence. The passages do not say.", "NO EVIDENCE in the passages", "No evidence: none says it"]
)
def test_no_evidence_may_be_followed_by_words(line):
    assert parse(f"{line}\nMore words.\nEND") == [NoEvidence(), End()]
    assert parse(f"CLAIM: {line}\nEND") == [NoEvidence(), End()]


def test_no_evidence_in_the_words_of_a_quote_ends_nothing():
    reply = 'CLAIM: One.\nQUOTE p1: "they say there is\nno evidence. None at all"\nEND'
    assert claims(parse(reply)) == [("One.", (("p1", '"they say there is\nno evidence. None at all"'),))]


@pytest.mark.parametrize("line", ["NO EVIDENCE", "no evidence.", "**NO EVIDENCE**", "NO_EVIDENCE"])
def test_no_evidence_is_told_apart_from_a_claim(line):
    assert parse(f"{line}\nEND") == [NoEvidence(), End()]


def test_evidence_named_in_a_claim_is_a_claim():
    assert [text for text, _ in claims(parse("CLAIM: There is no evidence.\nEND"))] == ["There is no evidence."]


def test_half_a_claim_at_the_end_is_a_claim_without_quotes():
    assert claims(parse(REPLIES["cut in a claim"]))[-1] == ("Two thin", ())


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "\n\n",
        "Here is what I found: one thing happened.",
        "claims are many\nquotations too",
        '{"claims": []}',
        "END of story",
    ],
)
def test_prose_without_the_form_gives_nothing(reply):
    assert parse(reply) == []


def test_a_quote_before_any_claim_gives_nothing():
    assert parse('QUOTE p1: "words of it"\nEND') == [End()]


def test_quotes_of_one_claim_do_not_leak_into_the_next():
    assert claims(parse("CLAIM: One.\nQUOTE p1: a\nCLAIM: Two.\nCLAIM: Three.\nQUOTE p2: b\nEND")) == [
        ("One.", (("p1", "a"),)),
        ("Two.", ()),
        ("Three.", (("p2", "b"),)),
    ]


# ---------------------------------------------------------------------- found by trying to break it


@pytest.mark.parametrize("marker", ["[1]", "[12, 3]", "【1†x】", "[1](http://x.y)", "![a](u)", "[[9]1]", "[^1]", "[pab12]"])
def test_a_marker_never_reaches_the_text_however_the_reply_is_cut(marker):
    reply = f"CLAIM: Foo is bar {marker} and more {marker} end.\nEND"
    for size in (1, 2, 3, 5, 100):
        parser = ReplyParser()
        pieces = [piece for at in range(0, len(reply), size) for piece in parser.feed(reply[at : at + size])]
        pieces += parser.finish()
        text = "".join(piece.text for piece in pieces if isinstance(piece, ClaimText))
        (done,) = [piece for piece in pieces if isinstance(piece, ClaimDone)]
        assert text == done.text
        assert not set("[]【】") & set(text)
        assert "http" not in text


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("a [[9]1] b", "a b"),
        ("a [1" + "\u200b" * 41 + "] b", "a b"),
        ("see [" + "long " * 12 + "words](http://evil.example)", "see " + "long " * 12 + "words"),
        ("![a](u) b", "b"),
        ("it is\x9b31m so\u061c", "it is31m so"),
        ("a [1   ] b", "a (1 ) b"),
        ("the [sic] word", "the (sic) word"),
        ("they did [not] approve", "they did (not) approve"),
    ],
)
def test_no_square_bracket_and_no_link_outlives_cleaning(written, shown):
    assert clean_claim(written) == shown


def test_a_line_that_begins_with_quoted_continues_the_quote():
    parser = ReplyParser()
    pieces = [*parser.feed('CLAIM: One.\nQUOTE p1: "the words as\nquoted in the report"\nEND\n'), *parser.finish()]
    (done,) = [piece for piece in pieces if isinstance(piece, ClaimDone)]
    assert [quote.text for quote in done.quotes] == ['"the words as\nquoted in the report"']


def test_what_follows_a_closed_quote_does_not_spoil_it():
    parser = ReplyParser()
    pieces = [*parser.feed('CLAIM: One.\nQUOTE p1: "the words"\nEN'), *parser.finish()]
    (done,) = [piece for piece in pieces if isinstance(piece, ClaimDone)]
    assert [quote.text for quote in done.quotes] == ['"the words"']


def test_no_evidence_as_a_claim_is_no_claim():
    parser = ReplyParser()
    pieces = [*parser.feed("CLAIM: NO EVI"), *parser.feed("DENCE\nEND\n"), *parser.finish()]
    assert [type(piece) for piece in pieces] == [NoEvidence, End]


@pytest.mark.parametrize("body", ["**NO EVIDENCE**", '"No evidence"', "no evidence."])
def test_no_evidence_in_any_dress_is_no_claim_and_leaves_no_trace(body):
    reply = f"CLAIM: {body}\nCLAIM: The second claim is here.\nEND\n"
    for size in (1, 4, 100):
        parser = ReplyParser()
        pieces = [piece for at in range(0, len(reply), size) for piece in parser.feed(reply[at : at + size])]
        assert "".join(piece.text for piece in pieces if isinstance(piece, ClaimText)) == "The second claim is here."


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("See evil.example/?q=1 now.", "See (link left out) now."),
        ("See //evil.example/x and evil.com:80/a.", "See (link left out) and (link left out)"),
        ("Ask a@evil.example now.", "Ask (link left out) now."),
        ("The site is bridge.example and the file is notes.txt.", "The site is bridge.example and the file is notes.txt."),
        ("It runs on Node.js/Express and/or 3.5/4.", "It runs on Node.js/Express and/or 3.5/4."),
    ],
)
def test_an_address_without_a_scheme_is_left_out_when_it_leads_further_than_a_name(written, shown):
    assert clean_claim(written) == shown
    ((text, _),) = claims(parse(*f"CLAIM: {written}\nEND"))
    assert text == shown


@pytest.mark.parametrize("run", ["a.", "a@", "[", "<a", "//"])
def test_no_run_of_signs_takes_long_to_clean(run):
    began = time.monotonic()
    clean_claim(run * 4_000)
    assert time.monotonic() - began < 2


def test_a_mailbox_that_stands_in_the_passages_may_be_named():
    parser = ReplyParser(addresses=mailboxes("Write to Info@bridge.example."))
    pieces = [*parser.feed("CLAIM: The address is info@bridge.example, not a@b.example.\nEND"), *parser.finish()]
    assert [text for text, _ in claims(pieces)] == ["The address is info@bridge.example, not (link left out)."]


@pytest.mark.parametrize(
    "claim",
    ["No evidence of fraud was found.", "NO EVIDENCE of fraud was found.", "No evidence - fraud or error - was found."],
)
def test_a_claim_that_there_is_no_evidence_of_something_is_a_claim(claim):
    parser = ReplyParser()
    pieces = [*parser.feed(f'CLAIM: {claim}\nQUOTE p1: "evidence of fraud was found"\nEND'), *parser.finish()]
    assert [piece.text for piece in pieces if isinstance(piece, ClaimDone)] == [claim]


def test_a_marker_between_two_words_leaves_them_apart():
    assert clean_claim("Contact [1]Ava for help [2].") == "Contact Ava for help."


def test_a_character_that_comes_in_two_pieces_is_one_and_half_of_one_breaks_nothing():
    parser = ReplyParser()
    pieces = [
        piece for part in ("CLAIM: Bees \ud83d", "\udc1d dance \udc1d here.\nEND \ud83d") for piece in parser.feed(part)
    ]
    (done,) = [piece for piece in [*pieces, *parser.finish()] if isinstance(piece, ClaimDone)]
    assert done.text == "Bees \U0001f41d dance \ufffd here."
