"""The reader of web pages: the main text, its places, and what a page says of itself."""

from __future__ import annotations

import codecs
import time

import pytest
from extracting import assert_sections_point_at_their_headings, headings, read, text_of

from index.readers import read_bytes

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
    assert extracted.lang == "en"
    assert extracted.metadata == {
        "date": "2024-12-19", "author": "J. Finer", "url": "https://example.org/a",
        "encoding": "utf-8", "encoding_confidence": "1.00",
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
        ("<table><tr><td>A<td><td>c<tr><td>B<td>b<td></table>", "A | | c\nB | b"),
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


@pytest.mark.parametrize(
    ("declared", "written", "words"),
    [("gb2312", "gb18030", "㐀这是文字"), ("shift_jis", "cp932", "①番目の文書"), ("euc-kr", "cp949", "똠방각하의 글")],
)
def test_an_asian_charset_is_read_with_the_characters_added_to_it_later(declared, written, words):
    extracted = read(f"<meta charset={declared}><p>{words}</p>".encode(written), "a.html")
    assert (extracted.text, extracted.metadata["encoding"]) == (words, written)


def test_a_byte_order_mark_outranks_the_declared_charset():
    assert text_of(codecs.BOM_UTF8 + "<meta charset=latin-1><p>café</p>".encode(), "a.html") == "café"


def test_a_large_flat_page_takes_seconds_not_minutes():
    start = time.process_time()
    extracted = read("<h2>Title</h2><p>Some words here.</p><ul><li>item</ul>" * 5000, "a.html")
    assert len(extracted.sections) == 5000
    assert time.process_time() - start < 6


@pytest.mark.parametrize("name", ["undefined", "hex", "rot13", "idna", "utf-16"])
def test_a_charset_that_no_page_can_have_is_ignored(name):
    page = f"<meta charset={name}><p>Hello world of text</p>.".encode()
    assert read(page, "a.html").text.startswith("Hello world of text")


def test_windows_quotes_on_a_page_that_says_latin_1_are_read_as_browsers_do():
    page = b"<meta charset=iso-8859-1><p>It is \x93so\x94 \x96 and more\x85</p>"
    assert read(page, "a.html").text == "It is “so” – and more…"


def test_list_numbers_are_those_that_a_browser_shows():
    assert read(b"<ol><li>a<li value=7>b<li>c</ol>", "a.html").text == "1. a\n7. b\n8. c"
    assert read(b"<ol reversed><li>a<li>b</ol>", "a.html").text == "2. a\n1. b"
    assert read(b"<ol start=-1><li>a<li>b</ol>", "a.html").text == "-1. a\n0. b"


def test_a_list_of_many_items_takes_linear_time():
    began = time.perf_counter()
    read(b"<ol>" + b"<li>item" * 20_000 + b"</ol>", "a.html")
    assert time.perf_counter() - began < 5


def test_text_that_a_style_hides_is_not_read():
    page = b"<p>Seen.</p><p style='display: none'>Hidden order.</p><p style='VISIBILITY:hidden'>Another.</p>"
    assert read(page, "a.html").text == "Seen."


# ---------------------------------------------------------------------- the main part

PROSE = "<p>" + "These are the words of the article that people came for. " * 8 + "</p>"
LINKS = "".join(f"<li><a href='/{name}'>{name}</a></li>" for name in ("News", "Sport", "Weather", "Contact"))


@pytest.mark.parametrize(
    "noise",
    [
        "<div class='main-nav'>Noise here</div>",
        "<div id='cookieBanner'>Noise here</div>",
        "<ul class='breadcrumb'><li>Noise</li></ul>",
        "<div class='article share-buttons'>Noise here</div>",
        "<div role='navigation'>Noise here</div>",
        "<section class='related'><h2>Noise</h2></section>",
        "<div class='advert'><p>Noise here</p></div>",
        "<div class='site_footer'>Noise</div>",
        "<div><ul><li><a href='a'>Noise one</a><li><a href='b'>Noise two</a><li><a href='c'>Noise three</a></ul></div>",
        "<p><a href='a'>Noise one</a> | <a href='b'>Noise two</a> | <a href='c'>Noise three</a></p>",
    ],
)
def test_menus_adverts_and_the_like_are_left_out(noise):
    text = text_of(f"<body>{noise}<h1>Title</h1>{PROSE}{noise}</body>", "a.html")
    assert "Noise" not in text
    assert text.startswith("Title\n\nThese are")


@pytest.mark.parametrize(
    "words",
    [
        "<div class='section' id='related-work'><h2>Related</h2><p>Kept words</p></div>",
        "<section id='cookies'><h2>Cookies</h2><p>Kept words</p></section>",
        "<p>Kept words with <a href='a'>one</a>, <a href='b'>two</a> and <a href='c'>three</a> links in a sentence.</p>",
        "<table><tr><td><a href='a'>Kept words</a><td><a href='b'>b</a><td><a href='c'>c</a></table>",
        "<p class='intro-navy advertiser'>Kept words</p>",
        "<ul><li><a href='a'>Kept words</a></ul>",
    ],
)
def test_what_only_resembles_a_menu_stays(words):
    assert "Kept words" in text_of(f"<body><h1>Title</h1>{PROSE}{words}</body>", "a.html")


def test_a_page_whose_body_is_called_a_menu_is_read_all_the_same():
    assert text_of(f"<body><div class='sidebar-layout menu'>{PROSE}</div></body>", "a.html").startswith("These are")
    assert text_of(f"<form>{PROSE}</form>", "a.html").startswith("These are")
    assert text_of(f"<div role='dialog'>{PROSE}</div>", "a.html").startswith("These are")


def test_a_page_that_is_a_list_of_links_keeps_them():
    assert text_of(f"<body><ul>{LINKS}</ul></body>", "a.html") == "- News\n- Sport\n- Weather\n- Contact"
    assert "- Weather" in text_of(f"<body><h1>Index</h1><p>All of it.</p><ul>{LINKS}</ul></body>", "a.html")


@pytest.mark.parametrize("main", ["<main></main>", "<main>Loading</main>", "<div role=main>Please wait</div>"])
def test_a_main_part_that_holds_next_to_nothing_does_not_hide_the_page(main):
    assert "These are the words" in text_of(f"<body>{main}<div>{PROSE}</div></body>", "a.html")


def test_links_within_the_main_part_stay():
    assert text_of(f"<div>Noise</div><main>{PROSE}<ul>{LINKS}</ul></main>", "a.html").endswith("- Contact")
    assert "Noise" not in text_of(f"<div>Noise</div><div role=main>{PROSE}</div>", "a.html")


def test_formulas_are_read_once_and_without_their_source():
    page = "<p>When <math><semantics><mi>a</mi><mo>≠</mo><mn>0</mn><annotation>a \\neq 0</annotation></semantics></math> holds.</p>"
    assert text_of(page, "a.html") == "When a≠0 holds."


# ---------------------------------------------------------------------- what a page says of itself


def said(head: str, body: str = "<p>Words.") -> dict[str, str]:
    return dict(read(f"<html><head>{head}</head><body>{body}</body></html>", "a.html").metadata)


@pytest.mark.parametrize(
    ("head", "body"),
    [
        ('<meta property="article:published_time" content="2024-12-19T08:00:00+01:00">', ""),
        ('<meta name="date" content="19 Dec 2024">', ""),
        ('<meta name="DC.date.issued" content="2024-12-19">', ""),
        ('<meta itemprop="datePublished" content="2024-12-19">', ""),
        ('<meta name="publishdate" content="2024-12-19">', ""),
        ('<script type="application/ld+json">{"@type": "Article", "datePublished": "2024-12-19T00:00Z"}</script>', ""),
        ('<script type="application/ld+json">{"@graph": [{"x": 1}, {"datePublished": "2024-12-19"}]}</script>', ""),
        ("", '<article><time datetime="2024-12-19T10:00">yesterday</time></article>'),
        ('<meta name="date" content="yesterday">', '<time datetime="2024-12-19">x</time>'),
        ('<meta property="article:published_time" content="2024-12-19">', '<time datetime="2020-01-01">x</time>'),
    ],
)
def test_the_date_of_a_page_is_found_wherever_it_says_it(head, body):
    assert said(head, body + "<p>Words.")["date"] == "2024-12-19"


@pytest.mark.parametrize(
    "head",
    [
        '<meta name="date" content="soon">',
        '<script type="application/ld+json">{"datePublished": 5, "author": [[[]]]}</script>',
        '<script type="application/ld+json">not json</script>',
        '<script type="application/ld+json">' + "[" * 100_000 + "</script>",
        '<meta content="x"><meta name="date"><link rel="canonical">',
    ],
)
def test_what_a_page_says_wrongly_is_not_taken(head):
    assert set(said(head)) == {"encoding", "encoding_confidence"}


def test_a_page_tells_its_site_author_and_address():
    head = """<meta property="og:site_name" content="The Site"><meta property="og:url" content="https://example.org/b">
    <script type="application/ld+json">[{"author": [{"name": "A. One"}, {"name": "B. Two"}]}]</script>"""
    found = said(head)
    assert (found["site"], found["author"], found["url"]) == ("The Site", "A. One, B. Two", "https://example.org/b")
    assert said('<link rel="canonical" href="https://example.org/c">' + head)["url"] == "https://example.org/c"


@pytest.mark.parametrize(
    ("title", "shared", "expected"),
    [
        ("Story | The Site", "Story", "Story"),
        ("The Site", "Story", "Story"),
        ("", "Story", "Story"),
        ("Real title", "Another for sharing", "Real title"),
    ],
)
def test_the_title_of_a_page_is_without_the_name_of_its_site(title, shared, expected):
    page = f"""<title>{title}</title><meta property="og:title" content="{shared}">
    <meta property="og:site_name" content="The Site"><p>Words."""
    assert read(page, "a.html").title == expected


def test_a_title_above_the_main_part_and_sections_beside_it_belong_to_the_page():
    header = "<header><h1>Annual Report 2023</h1><p>Revenue grew to 99 million.</p><nav><a href=/>Home</a></nav></header>"
    terms = "<section><h2>Terms</h2><p>Payment within 30 days.</p></section>"
    noise = "<section class=related><h2>Related</h2><p>Other.</p></section><aside><h2>Ads</h2><p>Buy.</p></aside>"
    page = f"<body>{header}<div><main><h2>Costs</h2><p>{PROSE}</p></main>{noise}</div>{terms}<footer><h2>Us</h2></footer></body>"
    found = read_bytes(page.encode(), "a.html")[0]
    assert found.title == "Annual Report 2023"
    assert "Revenue grew to 99 million." in found.text
    assert found.text.endswith("Terms\n\nPayment within 30 days.")
    for word in ("Home", "Related", "Other.", "Ads", "Buy.", "Us"):
        assert word not in found.text
    assert [section.locator.heading for section in found.sections] == [
        ("Annual Report 2023",),
        ("Annual Report 2023", "Costs"),
        ("Annual Report 2023", "Terms"),
    ]


def test_the_name_of_a_site_is_no_title_of_a_page_that_has_its_own():
    page = f"<body><header><h1>The Site</h1></header><main><h1>The Page</h1><p>{PROSE}</p></main></body>"
    assert "The Site" not in text_of(page, "a.html")


def test_a_byte_order_mark_hides_no_page_that_has_no_suffix():
    for data in ("\ufeff<!DOCTYPE html><html><p>Words.</p></html>", "\ufeff <html><p>Words.</p></html>"):
        for encoding in ("utf-8", "utf-16-le"):
            found = read_bytes(data.encode(encoding), "page")[0]
            assert (found.text, found.media_type) == ("Words.", "text/html")


FILING = """<p style="font-weight:bold">ITEM 2. PROPERTIES</p><p>We rent <b>two</b> floors in the city of Las Vegas.</p>
<p><span style="font-weight:700">Their size</span></p><p>They have 14,000 square feet.</p>
<p style="font-weight:bold">Note:</p><p><b>This is said in bold.</b></p><p style="font-weight:bold"><span
style="font-weight:normal">Not bold</span></p><ul><li><p><b>An item</b></p></ul>
<table><tr><td><p><b>Cell</b></p><td>5</table><p><b>LEGAL PROCEEDINGS</b></p><p>None.</p><p><b>The end</b></p>"""


def test_bold_lines_are_headings_on_a_page_that_marks_none():
    extracted = read(FILING, "a.html")
    assert headings(extracted) == [("ITEM 2. PROPERTIES",), ("ITEM 2. PROPERTIES", "Their size"), ("LEGAL PROCEEDINGS",)]
    assert_sections_point_at_their_headings(extracted)
    assert extracted.title == ""


def test_bold_lines_are_no_headings_where_a_page_marks_them():
    assert headings(read("<h2>Properties</h2><p>We rent.</p><p><b>Their size</b></p><p>Two.</p>", "a.html")) == [
        ("Properties",)
    ]


def test_a_page_set_in_bold_has_no_headings():
    assert headings(read("<b>" + "<p>A line of it</p>" * 9 + "</b><p>Words.</p>", "a.html")) == []


@pytest.mark.parametrize("title", ["glxz-10k_20211231.htm", "Untitled Document", "Microsoft Word - final3.doc"])
def test_a_title_that_a_program_wrote_names_no_page(title):
    assert read(f"<title>{title}</title><h1>Ranges</h1><p>Far.</p>", "a.html").title == "Ranges"


@pytest.mark.parametrize(
    "line",
    [
        "<a href='#toc'>Table of Contents</a>",
        "(as in its charter)",
        "本公司的收入增加了百分之五。",
        "کمپنی کی آمدنی بڑھ گئی۔",
    ],
)
def test_what_is_repeated_or_reads_like_a_sentence_is_no_heading_though_bold(line):
    page = f"<p><b>ITEM 7. RISKS</b></p><p>Some.</p><p><b>{line}</b></p><p>More.</p><p><b>{line}</b></p><p>Other.</p>"
    assert {heading[0] for heading in headings(read(page + f"<p><b>{line}</b></p><p>End.</p>", "a.html"))} == {
        "ITEM 7. RISKS"
    }


def test_bold_headings_with_a_number_are_of_one_level_whatever_their_capitals():
    page = "<p><b>NOTE 5. PROPERTY</b></p><p>Some.</p><p><b>NOTE 6. Assets at clients</b></p><p>Other.</p>"
    assert headings(read(page, "a.html")) == [("NOTE 5. PROPERTY",), ("NOTE 6. Assets at clients",)]


@pytest.mark.parametrize("title", ["Null hypothesis", "Adobe Inc. - Annual report 2021", "PowerPoint tips for teachers"])
def test_a_title_that_a_person_wrote_is_kept(title):
    assert read(f"<title>{title}</title><p>Words.</p>", "a.html").title == title


def test_a_heading_over_two_lines_names_a_page_without_a_title():
    assert read("<h1>Annual<br>Report</h1><p>Words.</p>", "a.html").title == "Annual Report"
