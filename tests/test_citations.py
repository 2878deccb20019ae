"""Quotes become citations only where the source says just that; a changed number, name, unit or negation is never found."""

from __future__ import annotations

import hashlib
import re
import time
import unicodedata
from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from index.records import Document, Hit, Locator, Passage, Scores, Section
from qa.citations import cite_span, find_citation, find_span
from qa.edges import is_whole
from qa.records import Citation, Quote, Rejected

SOURCE = """The sanctions of 18 December 2024 name four entities, among them the National Development Complex in Islamabad.
Jon Finer called the programme an “emerging threat” – he said that a range of 2,750 km would not reach the United States.
No patients were harmed in the first trial; 15 % of the 1,200 people who took part were not treated with 20 mg of it.
The Foreign Office, which had no notice of the decision, rejected it as “unfortunate and biased” on Thursday.
The efficient office had its final offer refused. It did not accept the non-proliferation clause of 1.5 billion dollars.
Since 2021 there has been no change in how the ministry’s experts measure 3.5 tonnes of fuel or 40 kg of payload.
Café owners in Zürich and São Paulo said that the naïve résumé of señor Muñoz was never read by Łódź officials.
"""
OTHER = (
    "Apricots from Gilgit are dried on roofs in July. About 40 kilograms of fruit make eight kilograms of dried apricots."
)
TOKENS = [(match.start(), match.end()) for match in re.finditer(r"\S+", SOURCE)]
NAMES = ["Islamabad", "Finer", "United", "Zürich", "National", "December", "Foreign", "Thursday", "Jon", "Muñoz"]
thorough = settings(max_examples=150, deadline=None, derandomize=True)


def make_document(text: str, name: str = "d1", sections: tuple[Section, ...] = ()) -> Document:
    return Document(
        id=name,
        collection="default",
        path=f"{name}.txt",
        title=f"Title of {name}",
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        length=len(text),
        media_type="text/plain",
        text=text,
        sections=sections,
    )


def make_hit(document: Document, start: int = 0, end: int | None = None, fused: float = 0.5) -> Hit:
    end = len(document.text) if end is None else end
    passage = Passage(f"p-{document.id}-{start}", document.id, start, end, document.text[start:end], Locator())
    return Hit(passage, document, Scores(fused=fused))


def cite(quote: str, *texts: str, passage_id: str = "") -> Citation | Rejected:
    documents = [make_document(text, f"d{i}") for i, text in enumerate(texts or (SOURCE,))]
    hits = [make_hit(document) for document in documents]
    return find_citation(Quote(quote, passage_id), hits, {document.id: document for document in documents})


def found(quote: str, text: str = SOURCE) -> str | None:
    span = find_span(quote, text)
    return None if span is None else text[span[0] : span[1]]


def _follows_a_negation(number: int) -> bool:
    """A quote that begins right behind a negation is refused: see the test of that name."""
    return number > 0 and SOURCE[slice(*TOKENS[number - 1])].lower() in ("no", "not", "never", "without", "nor", "cannot")


def _counts_on(number: int) -> bool:
    """A quote that ends between a number and its % or million is refused too."""
    return number + 1 < len(TOKENS) and SOURCE[slice(*TOKENS[number + 1])] in ("%", "billion")


@st.composite
def slices(draw, least: int = 4) -> tuple[int, int]:
    """The span of at least four whole words of the source."""
    first = draw(st.integers(0, len(TOKENS) - least).filter(lambda number: not _follows_a_negation(number)))
    last = draw(st.integers(first + least - 1, min(len(TOKENS) - 1, first + 30)).filter(lambda n: not _counts_on(n)))
    return TOKENS[first][0], TOKENS[last][1]


# ---------------------------------------------------------------------- what may differ


@thorough
@given(slices())
def test_what_is_copied_is_found(span):
    quote = SOURCE[span[0] : span[1]]
    citation = cite(quote)
    assert isinstance(citation, Citation)
    assert SOURCE[citation.start : citation.end] == citation.quote
    assert citation.quote in quote  # marks that wrap the quote may be left out
    assert set(quote.replace(citation.quote, "", 1)) <= set(" “”\"'’")


_SPACES = ["\n", "  ", "\t", " \n ", "\u00a0", "\u2009", "\u3000", "\r\n"]
_MARKS = {
    "“": ['"', "„", "«", "‟"],
    "”": ['"', "“", "»"],
    "’": ["'", "‘", "′", "´"],
    "–": ["-", "—", "−", "‑"],
    "-": ["‐", "‑", "–"],
}
_LIGATURES = {"ffi": "ﬃ", "ff": "ﬀ", "fi": "ﬁ", "fl": "ﬂ"}


@st.composite
def perturbed(draw, text: str) -> str:
    """The text as another program would write it: other white space, marks, ligatures, invisible characters."""
    out = []
    for piece in re.split(r"(ffi|ff|fi|fl|\s+|.)", text, flags=re.DOTALL):
        if not piece:
            continue
        change = draw(st.integers(0, 5)) == 0
        if piece.isspace() and change:
            piece = draw(st.sampled_from(_SPACES))
        elif piece in _MARKS and change:
            piece = draw(st.sampled_from(_MARKS[piece]))
        elif piece in _LIGATURES and change:
            piece = _LIGATURES[piece]
        elif change and draw(st.integers(0, 9)) == 0:
            piece += draw(st.sampled_from(["\u200b", "\ufeff", "\u200d"]))
        out.append(piece)
    return "".join(out)


@thorough
@given(slices(), st.data())
def test_a_quote_in_other_typography_covers_the_same_words(span, data):
    text = SOURCE[span[0] : span[1]]
    assert find_span(data.draw(perturbed(text)), SOURCE) == span


@thorough
@given(slices(), st.data())
def test_a_source_in_other_typography_yields_its_own_characters(span, data):
    quote = SOURCE[span[0] : span[1]]
    before, after = SOURCE[: span[0]], SOURCE[span[1] :]
    middle = data.draw(perturbed(quote)).rstrip("\u200b\ufeff\u200d")  # an invisible last character belongs to no word
    where = find_span(quote, before + middle + after)
    assert where == (len(before), len(before) + len(middle))


@thorough
@given(slices(), st.data())
def test_a_word_broken_at_a_line_end_is_found_on_either_side(span, data):
    quote = SOURCE[span[0] : span[1]]
    places = [match.start() + 2 for match in re.finditer(r"(?<![^\W\d_])[a-z]{2}(?=[a-z]{2})", quote)]
    assume(places)
    at = data.draw(st.sampled_from(places))
    broken = quote[:at] + data.draw(st.sampled_from(["-\n", "-\r\n", "- \n ", "\u00ad\n", "‐\n"])) + quote[at:]
    assert find_span(broken, SOURCE) == span
    source = SOURCE[: span[0]] + broken + SOURCE[span[1] :]
    assert find_span(quote, source) == (span[0], span[0] + len(broken))


@thorough
@given(slices())
def test_the_case_of_the_first_letter_may_differ_and_no_other(span):
    quote = SOURCE[span[0] : span[1]]
    assume(quote[0].isalpha())
    assert find_span(quote[0].swapcase() + quote[1:], SOURCE) == span
    letters = [i for i, character in enumerate(quote) if i and character.isalpha()]
    assert find_span(quote[: letters[-1]] + quote[letters[-1]].swapcase() + quote[letters[-1] + 1 :], SOURCE) is None


@pytest.mark.parametrize("wrap", ['"{}"', "“{}”", "'{}'", "«{}»", "`{}`", '  "{}"\n', "{}"])
def test_marks_around_a_quote_are_no_part_of_it(wrap):
    citation = cite(wrap.format("No patients were harmed"))
    assert isinstance(citation, Citation)
    assert citation.quote == "No patients were harmed"


@pytest.mark.parametrize(
    ("quote", "text", "span"),
    [
        ("the new sanctions were", "All the new sanc-\ntions were read", "the new sanc-\ntions were"),
        ("a non-nuclear state is", "It is a non-\nnuclear state is it", "a non-\nnuclear state is"),
        ("the efficient office", "In the eﬃcient oﬃce.", "the eﬃcient oﬃce"),
        ("range of 2750 km and", "a range of 2750\u00a0km and", "range of 2750\u00a0km and"),
        ("ＡＢＣ is full width", "so ABC is full width", "ABC is full width"),
        ("he said… nothing at all", "he said... nothing at all", "he said... nothing at all"),
    ],
)
def test_the_citation_shows_the_characters_of_the_source(quote, text, span):
    assert found(quote, text) == span


# ---------------------------------------------------------------------- what may not differ


@thorough
@given(slices(), st.data())
def test_a_changed_digit_is_never_found(span, data):
    quote = SOURCE[span[0] : span[1]]
    digits = [i for i, character in enumerate(quote) if character.isdigit()]
    assume(digits)
    at = data.draw(st.sampled_from(digits))
    digit = data.draw(st.sampled_from([one for one in "0123456789" if one != quote[at]]))
    assert isinstance(cite(quote[:at] + digit + quote[at + 1 :]), Rejected)


@thorough
@given(slices(), st.data())
def test_a_digit_or_decimal_point_more_or_less_is_never_found(span, data):
    quote = SOURCE[span[0] : span[1]]
    inner = [match.start() for match in re.finditer(r"\d", quote) if 0 < match.start() < len(quote) - 1]
    assume(inner)
    at = data.draw(st.sampled_from(inner))
    for changed in (quote[:at] + "7" + quote[at:], quote[:at] + "." + quote[at:], quote[:at] + quote[at + 1 :]):
        assume(changed not in SOURCE)
        assert isinstance(cite(changed), Rejected)


@thorough
@given(slices(least=6), st.data())
def test_a_negation_put_in_or_left_out_is_never_found(span, data):
    words = SOURCE[span[0] : span[1]].split()
    at = data.draw(st.integers(1, len(words) - 1))
    put_in = [*words[:at], data.draw(st.sampled_from(["not", "no", "never"])), *words[at:]]
    assert isinstance(cite(" ".join(put_in)), Rejected)
    negations = [i for i, word in enumerate(words) if word in ("not", "no", "never") and 0 < i < len(words) - 1]
    if negations:
        gone = data.draw(st.sampled_from(negations))
        assert isinstance(cite(" ".join(words[:gone] + words[gone + 1 :])), Rejected)


@thorough
@given(slices(), st.data())
def test_a_replaced_name_is_never_found(span, data):
    words = SOURCE[span[0] : span[1]].split()
    capitals = [i for i, word in enumerate(words) if word[0].isupper()]
    assume(capitals)
    at = data.draw(st.sampled_from(capitals))
    name = data.draw(st.sampled_from([one for one in NAMES if one != words[at].strip(".,”")]))
    changed = [*words[:at], re.sub(r"^\w+", name, words[at]), *words[at + 1 :]]
    assume(changed != words)
    assert isinstance(cite(" ".join(changed)), Rejected)


@pytest.mark.parametrize(
    "quote",
    [
        "a range of 2,750 miles would",
        "a range of 2,750 m would not",
        "not treated with 20 g of it",
        "not treated with 20 mcg of it",
        "clause of 1.5 million dollars",
        "clause of 1.5 billion euros",
        "measure 3.5 tons of fuel",
        "fuel or 40 g of payload",
        "5 % of the 1,200 people",
        "15 percent of the 1,200 people",
        "15 ‰ of the 1,200 people",
        "5 billion dollars. Since 2021 there",
        "750 km would not reach",
        "200 people who took part",
        "a range of 2.750 km would",
        "The sanctions of 18 December 202",
        "Many patients were harmed in the",
        "patients were not harmed in",
        "the United State",
        "jon Finer Called the programme",
    ],
)
def test_a_changed_unit_number_or_word_is_never_found(quote):
    assert isinstance(cite(quote), Rejected)


@pytest.mark.parametrize(
    ("quote", "text"),
    [
        ("5 % of all people", "1.5 % of all people"),
        ("5 % of all people", "15 % of all people"),
        ("5 % of all people", "0,5 % of all people"),
        ("500 people of all", "1,500 people of all"),
        ("6 % of all people", "5 % of all people"),
        ("it grew by 1", "it grew by 15"),
        ("it grew by 1", "it grew by 1.5"),
        ("it grew by 1", "it grew by 1,500"),
        ("it began at 5", "it began at 5:30"),
        ("a rate of 1", "a rate of 1/2"),
        ("many patients were harmed", "no patients were harmed"),
        ("patients were harmed", "patients were not harmed"),
        ("able to do it", "unable to do it"),
        ("they are not able", "they are notable"),
        ("it is now here", "it is nowhere"),
        ("the words … of it", "the words and more of it"),
        ("the sanc- tions were", "the sanctions were"),  # a hyphen within a line is a hyphen
        ("range of 2 750 km", "range of 2750 km"),
    ],
)
def test_a_part_of_a_number_or_word_or_a_gap_is_never_found(quote, text):
    assert found(quote, text) is None
    assert isinstance(cite(quote, text), Rejected)


@pytest.mark.parametrize(
    ("quote", "text"),
    [
        (".5 million dollars were paid", "In total 1.5 million dollars were paid to them."),
        (",000 people died in the flood", "About 10,000 people died in the flood."),
        ("-nuclear states agreed to it", "The non-nuclear states agreed to it."),
        ("the modulated AC-", "They use the modulated AC-3 audio."),
        ("drove at 5 km", "The car drove at 5 km/h in town."),
        ("gave them 20 mg", "They gave them 20 mg/kg of the drug."),
        ("it was about 50", "it was about 50 % of them"),
        ("it cost about 5", "it cost about 5 million dollars"),
        ("5 people died in the fire", "<5 people died in the fire"),
        ("5 people died in the fire", "~5 people died in the fire"),
        ("Er unterstützt den Plan", "Er unterstützt den Plan nicht."),
        ("Beweise für die These gefunden", "Es wurden keine Beweise für die These gefunden."),
        ("preuves pour la thèse", "Il n'y a aucune preuves pour la thèse."),
        ("han aprobado el plan", "Los diputados nunca han aprobado el plan."),
        ("the treatment helped … patients with cancer", "the treatment helped mice. It harmed patients with cancer"),
        ("the treatment helped … patients with cancer", "the treatment helped mice, it failed to help patients with cancer"),
        ("he was convicted … of the murder", "he was convicted of theft and acquitted of the murder"),
        ("a pipe of 5' length", 'a pipe of 5" length'),
        ("in 19901995 it grew fast", "in 1990-\n1995 it grew fast"),
        ("the area of 23 metres", "the area of 2*3 metres"),
        ("यह एक क", "यह एक कि"),
    ],
)
def test_what_is_cut_off_or_left_out_may_not_change_the_meaning(quote, text):
    assert isinstance(cite(quote, text), Rejected)


# ---------------------------------------------------------------------- markup and wrapping


@pytest.mark.parametrize(
    "wrap",
    [
        "{}.",
        "{},",
        "{};",
        "{}…",
        "{}...",
        "…{}",
        "[...] {}",
        "**{}**",
        "*{}*",
        "_{}_",
        "({})",
        "„{}“",
        "「{}」",
        '"{}."',
        '\\"{}\\"',
    ],
)
def test_a_stop_or_markup_around_a_quote_is_no_part_of_it(wrap):
    citation = cite(wrap.format("No patients were harmed"))
    assert isinstance(citation, Citation)
    assert citation.quote == "No patients were harmed"


@pytest.mark.parametrize(
    ("quote", "text"),
    [
        ("the **non-nuclear** states of it", "the non-nuclear states of it"),
        ("he called it 'a threat' to peace", "he called it “a threat” to peace"),
        ('he called it \\"a threat\\" to peace', 'he called it "a threat" to peace'),
        ("the Müller-Lyer illusion is old", "the Müller-\nLyer illusion is old"),
        ("in 1990-1995 it grew fast", "in 1990-\n1995 it grew fast"),
    ],
)
def test_markup_within_a_quote_and_hyphens_at_line_ends_do_not_count(quote, text):
    citation = cite(quote, text)
    assert isinstance(citation, Citation)
    assert citation.quote == text


@pytest.mark.parametrize(
    "text", ["한국어 문장을 인용합니다 여기에", "বাংলা ভাষায় কোনো কথা", "தமிழ் மொழி பொது கதை", "क़लम और काग़ज़ दो"]
)
def test_composed_and_decomposed_scripts_are_the_same(text):
    forms = [unicodedata.normalize(form, text) for form in ("NFC", "NFD")]
    assert all(isinstance(cite(one, other), Citation) for one in forms for other in forms)


# ---------------------------------------------------------------------- what is refused


@pytest.mark.parametrize("quote", ["", "   ", '""', "Islamabad", "Jon Finer", '"Jon Finer"', "“”", "\u200b"])
def test_fewer_than_three_words_are_refused_with_the_reason(quote):
    refused = cite(quote)
    assert isinstance(refused, Rejected)
    assert refused.reason == "shorter than 3 words"


@pytest.mark.parametrize("quote", ["... !!! ???", "- — –", "\u200b \u200b \u200b", "“ ” “ ” “"])
def test_a_quote_of_punctuation_only_is_refused(quote):
    assert isinstance(cite(quote), Rejected)


@pytest.mark.parametrize("quote", ["", "\u200b\u00ad", " \n "])
def test_nothing_is_found_nowhere(quote):
    assert find_span(quote, SOURCE) is None
    assert find_span("some words here", "") is None


def test_a_quote_that_is_nowhere_is_refused_with_its_words_and_the_reason():
    assert cite("“these words are made up”") == Rejected("these words are made up", "not in any of the passages")


def test_without_hits_every_quote_is_refused():
    assert isinstance(find_citation(Quote("No patients were harmed"), [], {}), Rejected)


@thorough
@given(st.text(max_size=60))
def test_what_is_found_is_always_a_span_of_the_text(quote):
    citation = cite(quote, SOURCE, OTHER)
    if isinstance(citation, Citation):
        assert citation.quote in SOURCE + OTHER


# ---------------------------------------------------------------------- where it is found


def test_a_citation_names_document_version_and_place():
    at = SOURCE.index("Jon Finer")
    document = make_document(SOURCE, "d7", (Section(0, Locator(page=1)), Section(at, Locator(page=2, heading=("Finer",)))))
    citation = find_citation(Quote("Jon Finer called the programme"), [make_hit(document, fused=0.25)], {"d7": document})
    assert citation == Citation(
        document_id="d7",
        title="Title of d7",
        path="d7.txt",
        sha256=document.sha256,
        start=at,
        end=at + 30,
        quote="Jon Finer called the programme",
        locator=Locator(page=2, heading=("Finer",)),
        passage_id="p-d7-0",
        score=0.25,
    )


def test_a_quote_over_the_end_of_its_passage_is_found():
    document = make_document(SOURCE)
    end = SOURCE.index("The Foreign Office")
    hit = make_hit(document, 0, end)
    citation = find_citation(Quote("with 20 mg of it. The Foreign Office", hit.passage.id), [hit], {"d1": document})
    assert isinstance(citation, Citation)
    assert citation.start < end < citation.end
    assert citation.quote == "with 20 mg of it.\nThe Foreign Office"


def test_a_quote_far_from_its_passage_is_found_in_the_document():
    text = OTHER + "\n\n" + "More words. " * 500 + SOURCE
    document = make_document(text)
    hit = make_hit(document, 0, len(OTHER))
    citation = find_citation(Quote("No patients were harmed", hit.passage.id), [hit], {"d1": document})
    assert isinstance(citation, Citation)
    assert citation.start == text.index("No patients")


def test_a_quote_found_in_another_document_is_cited_from_there():
    citation = cite("Apricots from Gilgit are dried", SOURCE, OTHER, passage_id="p-d0-0")
    assert isinstance(citation, Citation)
    assert (citation.document_id, citation.passage_id) == ("d1", "p-d1-0")


def test_the_passage_that_the_quote_names_comes_first():
    for name in ("d0", "d1", "d2"):
        citation = cite("Apricots from Gilgit are dried", OTHER, OTHER, OTHER, passage_id=f"p-{name}-0")
        assert isinstance(citation, Citation)
        assert citation.document_id == name


def test_a_passage_named_wrongly_does_not_lose_the_quote():
    assert isinstance(cite("Apricots from Gilgit are dried", SOURCE, OTHER, passage_id="p99"), Citation)


@pytest.mark.parametrize("which", [0, 1, 2])
def test_of_identical_places_the_one_at_the_passage_is_cited(which):
    gap = "Some other words stand here. " * 40
    text = gap.join([OTHER] * 3)
    starts = [match.start() for match in re.finditer("Apricots", text)]
    document = make_document(text)
    hit = make_hit(document, starts[which], starts[which] + len(OTHER))
    citation = find_citation(Quote("Apricots from Gilgit are dried", hit.passage.id), [hit], {"d1": document})
    assert isinstance(citation, Citation)
    assert citation.start == starts[which]


def test_offsets_count_characters_not_bytes():
    text = "😀 漢字 پاکستان é. " + OTHER
    citation = cite("Apricots from Gilgit are dried", text)
    assert isinstance(citation, Citation)
    assert citation.start == text.index("Apricots")


@pytest.mark.parametrize(
    ("quote", "text", "accepted"),
    [
        ("制裁是有偏见的", "外交部表示,制裁是有偏见的。", True),
        ("外交部表示", "外交部表示,制裁是有偏见的。", False),  # too short
        ("制裁是有偏见的", "外交部表示：制裁是有偏见的。", True),
        ("制裁不是有偏见的", "外交部表示：制裁是有偏见的。", False),
        ("پابندیاں متعصبانہ ہیں", "دفتر خارجہ نے کہا کہ پابندیاں متعصبانہ ہیں۔", True),
        ("پابندیاں متعصبانہ نہیں ہیں", "دفتر خارجہ نے کہا کہ پابندیاں متعصبانہ ہیں۔", False),
        ("प्रतिबंध पक्षपाती हैं", "मंत्रालय ने कहा कि प्रतिबंध पक्षपाती हैं।", True),
    ],
)
def test_quotes_in_other_scripts(quote, text, accepted):
    assert isinstance(cite(quote, text), Citation) is accepted


def test_a_span_is_cited_as_it_stands():
    document = make_document(SOURCE)
    citation = cite_span(document, make_hit(document), 4, 20)
    assert citation.quote == SOURCE[4:20]
    assert citation.n == 0


def test_the_citation_follows_the_text_it_was_found_in():
    old, new = make_document(OTHER), make_document("Now, " + OTHER)
    hit = replace(make_hit(old), document=new)
    citation = find_citation(Quote("Apricots from Gilgit are dried"), [hit], {"d1": new})
    assert isinstance(citation, Citation)
    assert (citation.sha256, citation.start) == (new.sha256, 5)


@pytest.mark.parametrize("form", ["NFC", "NFKC"])
def test_a_composed_quote_is_found_in_a_composed_source(form):
    assert found(unicodedata.normalize(form, "señor Muñoz was never read by Łódź officials")) is not None


def test_a_long_text_is_searched_in_seconds():
    text = "Some words of no interest stand here. " * 20_000 + OTHER
    start = time.process_time()
    span = find_span("Apricots from Gilgit are dried", text)
    assert span == (text.index("Apricots"), text.index("Apricots") + 30)
    assert time.process_time() - start < 8


# ---------------------------------------------------------------------- found by trying to break it


@pytest.mark.parametrize(
    ("quote", "text"),
    [
        ("5 degrees below average", "it was -5 degrees below average"),
        ("5 degrees below average", "it was −5 degrees below average"),
        ("5 percent of all", "only .5 percent of all"),
        ("500 000 people were affected", "1 500 000 people were affected"),
        ("500 000 people were affected", "1\u202f500\u202f000 people were affected"),
        ("It is 102 km away", "It is 10² km away"),
        ("we said we can", "Then we said we can’t go"),
        ("nuclear weapons are banned", "non-nuclear weapons are banned"),
        ("the minister is Jose", "the minister is Jose\u0301"),
        ("यह राम है वह", "यह राम है वहा"),
        ("a word of sanc", "a word of sanc-\ntions"),
        ("they will sign", "they will sign-\nal"),
        ("- - - -", "a - - - - b"),
        ("from 1990 to 199", "from 1990 to 1995"),
        ("1995 in the years", "1990–1995 in the years"),
        ("patients were harmed by it", "no patients were harmed by it"),
        ("was signed by both", "It was not was signed by both"),
        ("是有偏见的制裁措施", "外交部表示这不是有偏见的制裁措施"),
    ],
)
def test_a_quote_that_cuts_off_a_part_that_counts_is_not_found(quote, text):
    assert find_span(quote, text) is None


@pytest.mark.parametrize("near", range(0, 420, 7))
def test_where_the_search_begins_never_hides_what_stands_before_a_number(near):
    quote = "5 % of patients were harmed by it"
    assert find_span(quote, "1" + quote + ". " + "x y " * 100, near) is None
    assert (
        find_span("many patients were then seen on day 1", "a " * 100 + "many patients were then seen on day 15 more.", near)
        is None
    )


@pytest.mark.parametrize(
    ("quote", "text"),
    [
        ("the café owners said", unicodedata.normalize("NFD", "the café owners said")),
        (unicodedata.normalize("NFD", "the café owners said"), "the café owners said"),
        ("是有偏见的制裁", "外交部表示这是有偏见的制裁措施"),
        ("sanctions on non-nuclear states", "sanc-\ntions on non-\nnuclear states"),
        ("the year 2019 saw 500 people", "In the year 2019 saw 500 people"),
        ("Pakistan's own words count", "It is Pakistan's own words count that"),
    ],
)
def test_a_true_quote_in_another_form_is_found(quote, text):
    assert find_span(quote, text) is not None


# ---------------------------------------------------------------------- an ellipsis between two parts

LONG = "The council of Ava approved the plan, which had long been debated, to build a bridge of stone. It did not name a builder."


@pytest.mark.parametrize("dots", ["…", "...", " … ", " [...] ", " (…) ", " . . . ", "...."])
def test_what_an_ellipsis_leaves_out_is_cited_with_its_parts(dots):
    citation = cite(f"approved the plan{dots}to build a bridge of stone", LONG)
    assert isinstance(citation, Citation)
    assert citation.quote == "approved the plan, which had long been debated, to build a bridge of stone"


@pytest.mark.parametrize(
    "quote",
    [
        "approved the plan … a builder",  # a negation is left out, and the second part is too short
        "to build a bridge … name a builder in",
        "a bridge of stone … name a builder",  # leaves out "did not"
        "to build a bridge … approved the plan",  # the wrong order
        "approved the plan … to build a bridge of steel",
        "approved … the … plan … to build a bridge",
        "The council of … the plan, which had … a bridge of stone",
        "… … …",
    ],
)
def test_an_ellipsis_is_no_way_to_change_what_is_said(quote):
    assert isinstance(cite(quote, LONG), Rejected)


def test_an_ellipsis_at_an_end_or_in_the_source_itself_is_no_gap():
    assert cite("… approved the plan, which had long …", LONG).quote == "approved the plan, which had long"
    assert cite("he said … that it was", "Then he said … that it was so.").quote == "he said … that it was"


def test_an_ellipsis_over_more_than_a_few_sentences_is_refused():
    text = "It began with a small bridge. " + "Many things were built. " * 30 + "It ended with a large tower."
    assert isinstance(cite("It began with a small bridge … It ended with a large tower", text), Rejected)


DOSES = "The plan was approved at last, by all, and 15 % of the 1,200 people took 20 mg of it."


@pytest.mark.parametrize("digit", "0123456789")
@pytest.mark.parametrize("at", [i for i, character in enumerate(DOSES) if character.isdigit()])
def test_a_changed_digit_behind_an_ellipsis_is_never_found(at, digit):
    changed = DOSES[:at] + digit + DOSES[at + 1 :]
    citation = cite(f"The plan was approved … {changed[DOSES.index('15') :]}", DOSES)
    assert isinstance(citation, Citation) == (changed == DOSES)


def test_a_quote_of_thousands_of_line_breaks_is_looked_up_at_once():
    document = make_document("The bridge of Ava was built of stone.")
    hit = make_hit(document)
    began = time.monotonic()
    for filler in (" " * 20_000, "\n" * 20_000, ". " * 10_000, "… " * 10_000):
        find_citation(Quote(f"The bridge{filler}of Ava was built", ""), [hit], {document.id: document})
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("before", ["Explosion: None\n\n", "IFR Approach: None\n", "No\n\n", "Fire: none \n  "])
def test_a_quote_behind_the_none_of_another_cell_is_found(before: str):
    text = f"{before}Total Injuries: 2 None"
    assert is_whole(text, len(before), len(text))


@pytest.mark.parametrize(
    "before", ["There were no ", "Answer: no ", "There were no\n", "no ", "Findings: No\n", "You shall not\n\n"]
)
def test_a_quote_behind_its_own_negation_is_not(before: str):
    text = f"{before}injuries were found in it"
    assert not is_whole(text, len(before), len(text))
