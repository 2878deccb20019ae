"""Readers: real bytes of every format become clean text, places and metadata, or a reason why not."""

from __future__ import annotations

import codecs
import time

import pytest
from fpdf import FPDF
from hypothesis import given, settings
from hypothesis import strategies as st

from index.errors import UnreadableFile
from index.locators import locate
from index.readers import is_readable, read_bytes, readable_suffixes
from index.readers.markdown import split_front_matter
from index.records import Extracted, Locator


def read(source: str | bytes, name: str) -> Extracted:
    return read_bytes(source.encode() if isinstance(source, str) else source, name)


def text_of(source: str | bytes, name: str) -> str:
    return read(source, name).text


def reason(data: bytes, name: str) -> str:
    with pytest.raises(UnreadableFile) as caught:
        read_bytes(data, name)
    return caught.value.message


def text_or_reason(data: bytes, name: str) -> str:
    try:
        return read_bytes(data, name).text
    except UnreadableFile as error:
        return error.message


def headings(extracted: Extracted) -> list[tuple[str, ...]]:
    return [section.locator.heading for section in extracted.sections]


def assert_sections_point_at_their_headings(extracted: Extracted) -> None:
    starts = [section.start for section in extracted.sections]
    assert starts == sorted(set(starts))
    for section in extracted.sections:
        assert extracted.text.startswith(section.locator.heading[-1], section.start)


# ---------------------------------------------------------------------- every format


@pytest.mark.parametrize(
    ("name", "readable"),
    [("a.TXT", True), ("b.md", True), ("c.htm", True), ("d.PDF", True), ("e.exe", False), ("txt", False)],
)
def test_a_file_is_readable_by_its_name(name, readable):
    assert is_readable(name) is readable


def test_readable_suffixes_are_sorted_and_readable():
    suffixes = readable_suffixes()
    assert list(suffixes) == sorted(suffixes)
    assert all(is_readable(f"a{suffix}") for suffix in suffixes)


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.html", "a.pdf"])
def test_an_empty_file_is_refused(name):
    assert reason(b"", name) == "the file is empty"


@pytest.mark.parametrize("data", [b" \n\t\r\n ", b"\xef\xbb\xbf", b"...\n---\n"])
@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.html"])
def test_a_file_without_a_letter_or_digit_is_refused(name, data):
    assert "no text" in reason(data, name)


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.html"])
@pytest.mark.parametrize(
    "data", [bytes(range(256)) * 40, b"\x7fELF\x02\x01\x01" + b"\0" * 500, b"PK\x03\x04" + b"\x01\xff" * 400 + b"\0"]
)
def test_a_binary_file_named_as_text_is_refused(name, data):
    assert "binary" in reason(data, name)


@given(st.binary(min_size=1, max_size=300), st.sampled_from(["a.txt", "a.md"]))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_any_bytes_give_clean_text_or_a_reason(data, name):
    text = text_or_reason(data, name)
    assert text
    assert not set(text) & {"\0", "\r", "\x1b", "\x7f"}
    text.encode()  # no lone surrogate


# ---------------------------------------------------------------------- plain text

_TEXT = "Präsident naïve — پاکستان 漢字 😀"


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (_TEXT.encode(), "utf-8"),
        (codecs.BOM_UTF8 + _TEXT.encode(), "utf-8"),
        (codecs.BOM_UTF16_LE + _TEXT.encode("utf-16-le"), "utf-16-le"),
        (codecs.BOM_UTF16_BE + _TEXT.encode("utf-16-be"), "utf-16-be"),
        (codecs.BOM_UTF32_LE + _TEXT.encode("utf-32-le"), "utf-32-le"),
        (codecs.BOM_UTF32_BE + _TEXT.encode("utf-32-be"), "utf-32-be"),
    ],
)
def test_unicode_is_decoded_and_its_byte_order_mark_dropped(data, encoding):
    extracted = read(data, "a.txt")
    assert extracted.text == _TEXT
    assert extracted.metadata["encoding"] == encoding


def test_latin_1_is_detected():
    text = "Der Präsident sagte, daß die Übung schön und gut für Österreich wäre."
    assert text_of(text.encode("latin-1"), "a.txt") == text


def test_the_quotes_and_dashes_of_windows_are_detected():
    text = "The minister’s office said that the “emerging threat” was not one – it was denied. Nobody knew why it was said."
    extracted = read(text.encode("cp1252"), "a.txt")
    assert extracted.text == text
    assert extracted.metadata["encoding"] != "utf-8"


def test_every_line_end_becomes_a_line_feed():
    assert text_of("one\r\ntwo\rthree\nfour\x0cfive\u2028six\x85seven", "a.txt") == "one\ntwo\nthree\nfour\nfive\nsix\nseven"


def test_a_few_control_characters_are_dropped():
    assert text_of("one\x00 two\x1b[31m\x7f" + " three" * 50, "a.txt").startswith("one two[31m three")


def test_tabs_and_emoji_stay():
    assert text_of("a\tb 😀\u200dc", "a.txt") == "a\tb 😀\u200dc"


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("\n Memo on ranges \n\nThe rest.", "Memo on ranges"),
        ("It rained. We left.\nMore.", ""),  # a sentence is no title
        ("word " * 40 + "\nMore.", ""),
    ],
)
def test_the_first_line_of_a_text_is_its_title_when_it_looks_like_one(text, title):
    assert read(text, "a.txt").title == title


def test_a_text_has_its_media_type_and_no_sections():
    extracted = read("Some words.", "a.txt")
    assert extracted.media_type == "text/plain"
    assert extracted.sections == ()


# ---------------------------------------------------------------------- Markdown

PAGE = """---
title: "A memo: ranges"
date: 2024-12-19
draft: no
tags: [a, b]
lang: en
---
Before any heading.

# Ranges

The *Shaheen* has a **long** [range](https://example.org "t"): `2,750 km`.

## Details

- one
- two
  - inner

3. third
4. fourth

| Name | Range |
|------|-------|
| A    | 5     |

```
code  here
```

# Sources

<script>alert("no")</script>
<div>raw <b>words</b></div>

> quoted words

a &amp; b
"""


def test_markdown_loses_its_marks_and_keeps_its_words():
    assert text_of(PAGE, "a.md") == (
        "Before any heading.\n\nRanges\n\nThe Shaheen has a long range: 2,750 km.\n\nDetails\n\n"
        "- one\n- two\n- inner\n\n3. third\n4. fourth\n\nName | Range\nA | 5\n\ncode  here\n\n"
        "Sources\n\nraw words\n\nquoted words\n\na & b"
    )


def test_front_matter_becomes_metadata_with_values_as_written():
    extracted = read(PAGE, "a.md")
    assert extracted.title == "A memo: ranges"
    assert extracted.lang == "en"
    assert extracted.metadata == {
        "title": "A memo: ranges", "date": "2024-12-19", "draft": "no", "tags": "a, b", "lang": "en", "encoding": "utf-8",
    }  # fmt: skip


def test_headings_of_markdown_are_places():
    extracted = read(PAGE, "a.md")
    assert headings(extracted) == [("Ranges",), ("Ranges", "Details"), ("Sources",)]
    assert_sections_point_at_their_headings(extracted)
    at = extracted.text.index("fourth")
    assert locate(extracted.sections, at, at + 6) == Locator(heading=("Ranges", "Details"))
    assert locate(extracted.sections, 0, 5) == Locator()


def test_a_heading_of_the_same_or_a_higher_level_ends_the_one_before():
    extracted = read("# A\n\n### B\n\n## C\n\n### D\n\n# E\n\ntext", "a.md")
    assert headings(extracted) == [("A",), ("A", "B"), ("A", "C"), ("A", "C", "D"), ("E",)]


def test_without_a_title_the_first_heading_is_the_title():
    assert read("Words.\n\n# One\n\n# Two", "a.md").title == "One"
    assert read("---\ntitle:\n---\n# One", "a.md").title == "One"
    assert read("Only words.", "a.md").title == ""


def test_front_matter_with_windows_line_ends_and_a_byte_order_mark_is_read():
    extracted = read(b"\xef\xbb\xbf---\r\ntitle: T\r\n---\r\nBody\r\n", "a.md")
    assert (extracted.title, extracted.text) == ("T", "Body")


@pytest.mark.parametrize(
    "source",
    [
        "---\ntitle: [unclosed\n---\nBody",
        "---\na: b: c\n---\nBody",
        "---\n- one\n- two\n---\nBody",
        "---\njust words\n---\nBody",
        "---\na: &a [*a]\n---\nBody",
        "---\ntitle: never closed\n\nBody",
        "Body\n---\ntitle: not at the start\n---\n",
    ],
)
def test_what_is_no_front_matter_stays_in_the_body(source):
    assert split_front_matter(source) == ({}, source)
    assert "Body" in text_of(source, "a.md")


def test_front_matter_builds_no_objects():
    source = "---\nx: !!python/object/apply:os.getcwd []\ny: !!int 5\n---\nBody"
    metadata, body = split_front_matter(source)
    assert body.endswith("Body")
    assert all(isinstance(value, str) for value in metadata.values())


def test_nested_front_matter_is_text():
    metadata, _ = split_front_matter("---\nauthor: {name: A, mail: [x, y]}\nnumber: 007\n---\n")
    assert metadata == {"author": "name: A, mail: x, y", "number": "007"}


def test_a_wrapped_paragraph_of_markdown_is_one_line():
    assert text_of("one\ntwo\nthree\n\nfour", "a.md") == "one two three\n\nfour"


# ---------------------------------------------------------------------- HTML

WEB = """<!doctype html><html lang="en-GB"><head><title> A page
 title </title><meta name="Date" content="2024-12-19"><meta name="author" content="J. Finer"><meta name="robots" content="x">
<link rel="canonical" href="https://example.org/a"><style>p {color: red}</style></head><body>
<nav>Home | About</nav><header>Masthead</header>
<main><h1>Ranges &amp; more</h1><p>It is 2&nbsp;750&nbsp;km &mdash; &#8220;far&#8221;.<!-- a comment --></p>
<script>var x = "script words";</script><p hidden>hidden words</p><aside>Read also</aside><noscript>noscript words</noscript>
<h2>Why</h2><p>Because<br>of <i>this</i>.</p><form>Subscribe <input value="input words"></form></main>
<footer>Contact us</footer></body></html>"""


def test_a_page_is_the_visible_text_of_its_main_part():
    assert text_of(WEB, "a.html") == "Ranges & more\n\nIt is 2 750 km — “far”.\n\nWhy\n\nBecause of this."


def test_a_page_tells_its_title_language_date_and_address():
    extracted = read(WEB, "a.html")
    assert extracted.title == "A page title"
    assert extracted.lang == "en-GB"
    assert extracted.metadata == {
        "date": "2024-12-19", "author": "J. Finer", "url": "https://example.org/a", "encoding": "utf-8",
    }  # fmt: skip


def test_headings_of_a_page_are_places():
    extracted = read(WEB, "a.html")
    assert headings(extracted) == [("Ranges & more",), ("Ranges & more", "Why")]
    assert_sections_point_at_their_headings(extracted)


def test_without_a_main_part_navigation_and_footer_are_dropped_all_the_same():
    source = "<body><nav>Home</nav><p>Words.</p><aside>Ad</aside><footer>Contact</footer>"
    assert text_of(source, "a.html") == "Words."


def test_of_several_articles_none_is_lost():
    assert text_of("<article>One</article><article>Two</article>", "a.html") == "One\n\nTwo"


def test_a_page_that_is_all_footer_is_read_whole():
    assert text_of("<body><footer><p>Only this</p></footer>", "a.html") == "Only this"


def test_without_a_title_the_first_heading_names_the_page():
    assert read("<p>a</p><h2>Heading</h2>", "a.html").title == "Heading"


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("<ol><li>a<li>b</ol>", "1. a\n2. b"),
        ("<ol start=5><li>a</li><li>b</li></ol>", "5. a\n6. b"),
        ("<ol start=x><li>a</li></ol>", "1. a"),
        ("<ul><li>a</li><li><p>b</p></li></ul>", "- a\n- b"),
        ("<p>Before</p><ul><li>a</ul><p>After</p>", "Before\n\n- a\n\nAfter"),
        ("<ol><li>a<ol><li>b</ol><li>c</ol>", "1. a\n1. b\n2. c"),
        ("<ul><li></li><li>b</li></ul>", "- b"),
    ],
)
def test_lists_are_marked_as_a_browser_shows_them(source, text):
    assert text_of(source, "a.html") == text


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("<table><tr><th>Name<th>Range<tr><td>A<td>5 km</table>", "Name | Range\nA | 5 km"),
        ("<table><caption>Ranges</caption><tr><td>A</td><td>5</td></tr></table>", "Ranges\n\nA | 5"),
        ("<table><tr><td><p>A</p></td><td><b>5</b><br>km</td></tr></table>", "A | 5 km"),
        ("<table><tr><td>A</td><td></td><td>c</td></tr></table>", "A | | c"),
        ("<dl><dt>Term<dd>Meaning</dl>", "Term\nMeaning"),
    ],
)
def test_rows_of_a_table_are_lines(source, text):
    lines = text_of(source, "a.html").split("\n")
    assert [" ".join(line.split()) for line in lines] == text.split("\n")


def test_a_table_that_lays_out_a_page_is_read_as_paragraphs():
    source = "<table><tr><td><h1>News</h1><p>First.</p><p>Second.</p></td><td><ul><li>item</ul></td></tr></table>"
    extracted = read(source, "a.html")
    assert extracted.text == "News\n\nFirst.\n\nSecond.\n\n- item"
    assert headings(extracted) == [("News",)]


def test_inline_tags_do_not_split_words_and_blocks_do():
    assert text_of("<p>im<b>port</b>ant<div>next</div>", "a.html") == "important\n\nnext"


def test_preformatted_text_keeps_its_line_breaks():
    assert text_of("<pre>a  b\n  c</pre>", "a.html") == "a  b\n  c"


@pytest.mark.parametrize("tag", ["div", "ul><li", "b", "blockquote", "table><tr><td"])
def test_a_page_may_nest_twenty_thousand_deep(tag):
    depth = 20_000 if tag in ("div", "blockquote") else 2_000
    assert "deep words" in text_of(f"<{tag}>" * depth + "deep words", "a.html")


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", "windows-1252", "iso-8859-1"])
def test_the_declared_charset_of_a_page_is_used(charset):
    source = f'<meta charset="{charset}"><p>café naïve</p>'
    extracted = read(source.encode(charset), "a.html")
    assert extracted.text == "café naïve"
    assert extracted.metadata["encoding"] == {"windows-1252": "cp1252", "iso-8859-1": "cp1252"}.get(charset, "utf-8")


@pytest.mark.parametrize("declared", ["ascii", "utf-8", "no-such-charset"])
def test_a_page_that_lies_about_its_charset_is_detected(declared):
    words = "Der Präsident sagte, daß die Übung schön und gut für Österreich wäre."
    encoding = "latin-1" if declared == "utf-8" else "utf-8"
    assert text_of(f"<meta charset={declared}><p>{words}</p>".encode(encoding), "a.html") == words


def test_a_byte_order_mark_outranks_the_declared_charset():
    assert text_of(codecs.BOM_UTF8 + "<meta charset=latin-1><p>café</p>".encode(), "a.html") == "café"


def test_a_large_flat_page_takes_seconds_not_minutes():
    start = time.process_time()
    extracted = read("<h2>Title</h2><p>Some words here.</p><ul><li>item</ul>" * 5000, "a.html")
    assert len(extracted.sections) == 5000
    assert time.process_time() - start < 6


# ---------------------------------------------------------------------- PDF


def make_pdf(*pages: str, title: str = "", password: str = "") -> bytes:
    pdf = FPDF()
    pdf.set_font("helvetica", size=12)
    if title:
        pdf.set_title(title)
        pdf.set_author("A. Writer")
    if password:
        pdf.set_encryption(owner_password="owner", user_password=password)
    for page in pages:
        pdf.add_page()
        if page:
            pdf.write(8, page)
    return bytes(pdf.output())


def test_every_page_of_a_pdf_is_a_place():
    extracted = read(make_pdf("First page.", "Second page.", "Third page."), "a.pdf")
    assert extracted.text == "First page.\n\nSecond page.\n\nThird page."
    assert [section.locator for section in extracted.sections] == [Locator(page=1), Locator(page=2), Locator(page=3)]
    for word, page in (("First", 1), ("Second", 2), ("Third", 3)):
        at = extracted.text.index(word)
        assert extracted.sections[page - 1].start == at
        assert locate(extracted.sections, at, at + 5) == Locator(page=page)


def test_an_empty_page_keeps_the_numbers_of_the_others():
    extracted = read(make_pdf("First page.", "", "Third page."), "a.pdf")
    assert [section.locator.page for section in extracted.sections] == [1, 3]
    assert extracted.metadata["pages"] == "3"


def test_a_sentence_that_runs_over_a_page_is_in_one_piece():
    extracted = read(make_pdf("The long sentence goes", "on over the page."), "a.pdf")
    assert extracted.text == "The long sentence goes\non over the page."
    assert locate(extracted.sections, 0, len(extracted.text)) == Locator(page=1, last_page=2)


def test_a_word_broken_at_the_end_of_a_line_is_joined():
    assert text_of(make_pdf("The new sanc-\ntions were announced."), "a.pdf") == "The new sanctions were announced."


def test_a_heading_of_a_pdf_stands_apart_from_the_paragraph_below():
    page = (
        "Background\nThe sanctions were announced in the capital on Monday\nand the ministry rejected them on the same day."
    )
    assert text_of(make_pdf(page), "a.pdf").startswith("Background\n\nThe sanctions")


def test_a_pdf_tells_its_title_and_author():
    extracted = read(make_pdf("Words.", title="A  title"), "a.pdf")
    assert extracted.title == "A title"
    assert extracted.metadata == {"pages": "1", "author": "A. Writer"}
    assert extracted.media_type == "application/pdf"
    assert read(make_pdf("Words."), "a.pdf").title == ""


def test_a_pdf_with_another_name_is_read_as_pdf():
    assert text_of(make_pdf("Words."), "a.txt") == "Words."


def test_a_pdf_of_pictures_only_has_no_text():
    assert "no text" in reason(make_pdf("", ""), "a.pdf")


def test_an_encrypted_pdf_says_that_it_needs_a_password():
    assert "password" in reason(make_pdf("Secret words.", password="hunter2"), "a.pdf")


@pytest.mark.parametrize("data", [b"plain words", b"%PDF-1.7\n" + b"garbage " * 50, b"\x89PNG\r\n\x1a\n" + b"\0" * 99])
def test_what_is_no_pdf_is_refused(data):
    assert "not a PDF" in reason(data, "a.pdf")


@pytest.mark.parametrize("share", [0.02, 0.3])
def test_a_pdf_cut_short_is_refused_or_read_never_wrong(share):
    whole = make_pdf("Some words of the page.")
    assert text_or_reason(whole[: int(len(whole) * share)], "a.pdf") in (
        "Some words of the page.",
        "not a PDF that can be opened: it is damaged or something else",
    )


# ---------------------------------------------------------------------- found by trying to break it


def test_front_matter_of_aliases_or_endless_brackets_costs_nothing():
    bomb = b"---\na0: &a0 [x,x,x,x,x,x,x,x,x]\n" + b"".join(
        b"a%d: &a%d [%s]\n" % (n, n, b",".join([b"*a%d" % (n - 1)] * 9)) for n in range(1, 9)
    )
    extracted = read_bytes(bomb + b"---\nThe text of it.", "a.md")
    assert sum(map(len, extracted.metadata.values())) < 1000
    nested = read_bytes(b"---\na: " + b"[" * 3000 + b"\n---\nThe text of it.", "a.md")
    assert "The text of it." in nested.text


@pytest.mark.parametrize("name", ["undefined", "hex", "rot13", "idna", "utf-16"])
def test_a_charset_that_no_page_can_have_is_ignored(name):
    page = f"<meta charset={name}><p>Hello world of text</p>.".encode()
    assert read_bytes(page, "a.html").text.startswith("Hello world of text")


def test_windows_quotes_on_a_page_that_says_latin_1_are_read_as_browsers_do():
    page = b"<meta charset=iso-8859-1><p>It is \x93so\x94 \x96 and more\x85</p>"
    assert read_bytes(page, "a.html").text == "It is “so” – and more…"


def test_list_numbers_are_those_that_a_browser_shows():
    assert read_bytes(b"<ol><li>a<li value=7>b<li>c</ol>", "a.html").text == "1. a\n7. b\n8. c"
    assert read_bytes(b"<ol reversed><li>a<li>b</ol>", "a.html").text == "2. a\n1. b"
    assert read_bytes(b"<ol start=-1><li>a<li>b</ol>", "a.html").text == "-1. a\n0. b"


def test_a_list_of_many_items_takes_linear_time():
    began = time.perf_counter()
    read_bytes(b"<ol>" + b"<li>item" * 20_000 + b"</ol>", "a.html")
    assert time.perf_counter() - began < 5


def test_text_that_a_style_hides_is_not_read():
    page = b"<p>Seen.</p><p style='display: none'>Hidden order.</p><p style='VISIBILITY:hidden'>Another.</p>"
    assert read_bytes(page, "a.html").text == "Seen."
