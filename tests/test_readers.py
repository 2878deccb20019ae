"""Readers: real bytes of every format become clean text, places and metadata, or a reason why not."""

from __future__ import annotations

import codecs
import random
import time

import pytest
from extracting import assert_sections_point_at_their_headings, headings, read, reason, text_of, text_or_reason
from hypothesis import given, settings
from hypothesis import strategies as st
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from index.locators import locate
from index.readers import language
from index.readers.dates import iso_date
from index.readers.formats import readable_suffixes, skip_reason
from index.readers.language import detect_language
from index.readers.markdown import split_front_matter
from index.readers.text import decode
from index.records import Locator

# ---------------------------------------------------------------------- every format


def test_suffixes_that_are_read_are_sorted_and_none_of_them_is_skipped():
    suffixes = readable_suffixes()
    assert {".txt", ".md", ".html", ".pdf"} <= set(suffixes)
    assert list(suffixes) == sorted(suffixes)
    assert not any(skip_reason(f"a{suffix}") for suffix in suffixes)


@pytest.mark.parametrize("name", ["notes", "Makefile", "a.conf", "a.TXT", "a.pdf", "a.docx"])
def test_text_of_any_name_is_read_as_text(name):
    extracted = read("Some words that a person wrote.", name)
    assert (extracted.text, extracted.media_type) == ("Some words that a person wrote.", "text/plain")


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.html", "a.pdf"])
def test_an_empty_file_is_refused(name):
    assert reason(b"", name) == "the file is empty"


@pytest.mark.parametrize("data", [b" \n\t\r\n ", b"\xef\xbb\xbf", b"...\n---\n"])
@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.html"])
def test_a_file_without_a_letter_or_digit_is_refused(name, data):
    assert "no text" in reason(data, name)


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.html"])
@pytest.mark.parametrize(
    ("data", "says"),
    [
        (bytes(range(256)) * 40, "binary"),
        (random.Random(1).randbytes(5000), "binary"),
        (b"\0" * 400, "binary"),
        (b"\x7fELF\x02\x01\x01" + b"\0" * 500, "a program"),
        (b"PK\x03\x04" + b"\x01\xff" * 400 + b"\0", "damaged"),
    ],
)
def test_a_binary_file_named_as_text_is_refused(name, data, says):
    assert says in reason(data, name)


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


@pytest.mark.parametrize(
    ("text", "encodings"),
    [
        ("Müller & Söhne GmbH, Straße 5", "cp1252 latin-1 mac_roman cp850"),
        ("L'été à Paris, ça coûte très cher", "cp1252 mac_roman"),
        ("El niño comió jamón en España", "cp1252 latin-1"),
        ("“Ça va?” – dit-il…", "cp1252"),
        ("It costs £5 at 20 °C ± 2", "cp1252"),
        ("Příliš žluťoučký kůň úpěl ďábelské ódy", "cp1250 iso8859_2"),
        ("Zażółć gęślą jaźń", "cp1250 iso8859_2"),
        ("Árvíztűrő tükörfúrógép", "cp1250"),
        ("Bu kısa bir Türkçe metindir, şöyle böyle", "cp1254"),
        ("Привет, мир!", "cp1251 koi8-r cp866 iso8859_5"),
        ("ПРОТОКОЛ СОБРАНИЯ ОТ 12 МАЯ", "cp1251 cp866"),
        ("Протокол №5 «Общее собрание» — итоги", "cp1251"),
        ("Αυτό είναι ένα σύντομο κείμενο", "cp1253"),
        ("זהו טקסט קצר בעברית לבדיקה", "cp1255"),
        ("هذا نص عربي قصير للاختبار", "cp1256"),
        ("こんにちは世界", "shift_jis euc-jp iso2022_jp"),
        ("報告書を読む", "shift_jis"),
        ("안녕하세요 세계", "euc-kr"),
        ("這是一個簡短的中文句子", "big5"),
        ("这是一个简短的中文句子", "gb18030"),
        ("Hello world", "utf-16-le utf-16-be utf-32-le utf-32-be"),
        ("Привет, мир!", "utf-16-le utf-16-be"),
        ("这是一个简短的中文句子，用来检查编码。", "utf-16-le utf-16-be"),
    ],
)
def test_the_encoding_of_a_short_text_is_told(text, encodings):
    for encoding in encodings.split():
        extracted = read(text.encode(encoding), "a.txt")
        assert extracted.text == text, encoding
        assert 0 < float(extracted.metadata["encoding_confidence"]) <= 1


@pytest.mark.parametrize("name", ["notes", "notes.old"])
def test_utf_16_is_text_under_any_name(name: str):
    words = "Die Straße ist naß, und ein längerer Satz folgt."
    for encoding in ("utf-16", "utf-16-le", "utf-16-be"):
        assert read(words.encode(encoding), name).text == words
    assert "no reader" in reason(bytes(range(256)) * 40, name)


def test_a_byte_order_mark_and_valid_utf_8_leave_no_doubt_of_the_encoding():
    for data in (b"plain", "naïve".encode(), codecs.BOM_UTF16_LE + "naïve".encode("utf-16-le")):
        assert read(data, "a.txt").metadata["encoding_confidence"] == "1.00"
    assert float(read(b"na\xefve", "a.txt").metadata["encoding_confidence"]) < 0.7


def test_utf_8_with_a_broken_byte_stays_utf_8():
    words = "Über die Größe der Maßnahmen für Österreich — “quoted” – wäre noch zu hören. "
    extracted = read(words.encode() + b"\xff" + words.encode()[:-1] + b"\xe2\x80", "a.txt")
    assert extracted.text.startswith(words)
    assert extracted.metadata["encoding"] == "utf-8"
    assert 0.5 < float(extracted.metadata["encoding_confidence"]) < 1


@pytest.mark.parametrize("encoding", ["ascii", "cp1251", "gb18030", "utf-8"])
def test_a_large_text_is_decoded_in_seconds(encoding):
    line = {"ascii": "plain words\n", "gb18030": "这是一个简短的中文句子"}.get(encoding, "Привет, это наш мир\n")
    end = {"ascii": b"Stra\xdfe und M\xfcller", "utf-8": b"\xd0"}.get(encoding, b"")
    data = line.encode(encoding) * (30_000_000 // len(line.encode(encoding))) + end
    began = time.process_time()
    text, _ = decode(data)
    assert time.process_time() - began < 5
    assert text.startswith(line)


def test_a_first_high_byte_late_in_a_file_is_seen():
    assert text_of(b"plain words\n" * 50_000 + "Straße und Müller".encode("latin-1"), "a.txt").endswith("Straße und Müller")


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
        "title": "A memo: ranges", "date": "2024-12-19", "draft": "no", "tags": "a, b", "lang": "en",
        "encoding": "utf-8", "encoding_confidence": "1.00",
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


@pytest.mark.parametrize(
    ("written", "date"),
    [("2024-12-19T10:00:00Z", "2024-12-19"), ("19 December 2024", "2024-12-19"), ("'last week'", "last week"), ("''", "")],
)
def test_the_date_of_front_matter_is_written_in_iso_8601_if_it_is_one(written, date):
    assert read(f"---\ndate: {written}\n---\nBody", "a.md").metadata["date"] == date


@pytest.mark.parametrize(("declared", "lang"), [("en-US", "en"), ("DE_at", "de"), ("x", ""), ("", ""), ("english", "")])
def test_of_a_declared_language_the_primary_subtag_is_kept(declared, lang):
    assert read(f"---\nlang: '{declared}'\n---\nBody", "a.md").lang == lang
    assert read(f"<html lang='{declared}'><p>Body", "a.html").lang == lang


def test_nested_front_matter_is_text():
    metadata, _ = split_front_matter("---\nauthor: {name: A, mail: [x, y]}\nnumber: 007\n---\n")
    assert metadata == {"author": "name: A, mail: x, y", "number": "007"}


def test_a_wrapped_paragraph_of_markdown_is_one_line():
    assert text_of("one\ntwo\nthree\n\nfour", "a.md") == "one two three\n\nfour"


def test_front_matter_of_aliases_or_endless_brackets_costs_nothing():
    bomb = b"---\na0: &a0 [x,x,x,x,x,x,x,x,x]\n" + b"".join(
        b"a%d: &a%d [%s]\n" % (n, n, b",".join([b"*a%d" % (n - 1)] * 9)) for n in range(1, 9)
    )
    extracted = read(bomb + b"---\nThe text of it.", "a.md")
    assert sum(map(len, extracted.metadata.values())) < 1000
    nested = read(b"---\na: " + b"[" * 3000 + b"\n---\nThe text of it.", "a.md")
    assert "The text of it." in nested.text


# ---------------------------------------------------------------------- dates and languages


@pytest.mark.parametrize(
    ("written", "date"),
    [
        ("2024-12-19", "2024-12-19"),
        ("2021-03-04 10:11", "2021-03-04"),
        ("2024/1/5", "2024-01-05"),
        ("20240105", "2024-01-05"),
        ("D:20240102030405+01'00'", "2024-01-02"),
        ("Thu, 19 Dec 2024 10:00:00 GMT", "2024-12-19"),
        ("December 19th, 2024", "2024-12-19"),
        ("19-Dec-2024", "2024-12-19"),
        ("1/2/2024", ""),  # of January or of February
        ("2024-13-45", ""),
        ("D:2024", ""),
        ("2024", ""),
        ("yesterday", ""),
        ("", ""),
    ],
)
def test_dates_are_told_by_their_form_and_never_guessed(written, date):
    assert iso_date(written) == date


@pytest.mark.parametrize(
    ("lang", "text"),
    [
        ("en", "The quick brown fox jumps over the lazy dog near the river bank."),
        ("de", "Das ist ein kurzer Satz auf Deutsch, der etwas länger ist."),
        ("fr", "Ceci est une phrase courte en français, un peu plus longue."),
        ("es", "Esta es una frase corta en español, un poco más larga, que dice muy poco."),
        ("it", "Questa è una frase breve in italiano, un po' più lunga."),
        ("pt", "Esta é uma frase curta em português, um pouco mais longa."),
        ("ur", "یہ اردو میں ایک مختصر جملہ ہے جو تھوڑا لمبا ہے۔"),
        ("fa", "این یک جمله کوتاه به زبان فارسی است که کمی بلندتر است"),
        ("ar", "هذه جملة قصيرة باللغة العربية وهي أطول قليلا من غيرها في هذا النص"),
        ("he", "זה משפט קצר בעברית"),
        ("ru", "Это короткое предложение на русском языке."),
        ("uk", "Це коротке речення українською мовою."),
        ("zh", "这是一个简短的中文句子。"),
        ("zh", "在 Windows 上安装 Python 的方法和步骤"),
        ("ja", "これは日本語の短い文です。"),
        ("ko", "한국어로 된 짧은 문장입니다."),
        ("hi", "यह हिंदी में एक छोटा वाक्य है।"),
        ("el", "Ελληνική πρόταση"),
        ("th", "ภาษาไทยเป็นภาษาราชการ"),
    ],
)
def test_the_language_of_a_text_is_told(lang, text):
    assert detect_language(text) == lang
    assert detect_language(f"{text}\n" * 3) == lang


@pytest.mark.parametrize(
    "title",
    [
        "Memo on missile ranges",
        "Minutes of the meeting",
        "Notes on the annual budget",
        "Home page of John Smith",
        "Terms and conditions apply here",
        "Introduction to machine learning basics",
        "How to install the software",
        "Installation guide",
        "Hello world",
    ],
)
def test_a_short_english_title_is_english_or_unknown(title):
    assert detect_language(title) in ("", "en")


@pytest.mark.parametrize("text", ["", " \n", "12345 6789", "x = 1; y = 2", "Name | Range | 5 km", "报告", "A" * 10_000])
def test_the_language_of_what_is_hardly_a_text_is_unknown(text):
    assert detect_language(text) == ""


ENGLISH = "The clerk of the house wrote it in English, and that with care, for the people who would read it. "


def test_plain_english_is_told_without_the_model(monkeypatch):
    monkeypatch.setattr(language, "load_model", lambda: pytest.fail("the model was loaded"))
    assert detect_language(ENGLISH * 3) == "en"


LAW = "The agreement that was signed by them is the law of this contract, which has been made between those parties."
QUOTED = "The best of the times that have been, and those which were of the past."


@pytest.mark.parametrize(
    "text",
    [
        "Hij zong The Wall of Sound op een avond in de stad, en de zaal was van begin tot einde vol met mensen die mee zongen.",
        "Hun tog toget for at besøge The Hague, og det var for sent at vende om, da hun havde været af sted i flere dage.",
        "Die Band The Who war in den Sechzigern eine der lautesten Gruppen, und ihr Album Who's Next gilt als eines der besten.",
        f"{ENGLISH}{'Das Haus steht am Ende der Straße, und niemand weiß, wer darin seit vielen Jahren wohnt. ' * 3}",
        f"{LAW}\nСоглашение, подписанное сторонами, является законом этого договора.\n" * 3,
        f"{LAW}\nUmowa, która została podpisana przez strony, jest prawem tej umowy, zawartej między nimi.\n" * 3,
        f"{LAW}\nDe overeenkomst die door de partijen is ondertekend is de wet van dit contract tussen die partijen.\n" * 3,
        f"{LAW}\nPerjanjian ini telah dimeterai oleh semua pihak serta menjadi undang-undang antara mereka.\n" * 3,
        f"Wo das Haus am Ende der langen Gasse steht, wohnt seit vielen Jahren niemand mehr, und es ist leer. “{QUOTED}” "
        * 2,
        "Meier, Hans: The History of the Harbour and Its Ships, Berlin: Springer Verlag 1998, Seite 12, vergleiche auch Schmidt, "
        "Die Geschichte der Stadt. " * 6,
    ],
)
def test_some_english_makes_no_english(text, monkeypatch):
    monkeypatch.setattr(language, "_by_model", lambda sample: "??")
    assert detect_language(text) == "??"


def test_the_model_is_that_of_its_library():
    theirs = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    theirs.set_languages(language.load_model().labels)
    for text in (ENGLISH, "Das Haus steht am Ende der Straße.", "یہ اردو میں ایک مختصر جملہ ہے", "x = 1"):
        assert language.load_model().rank(text) == theirs.rank(text)


def test_the_language_is_that_of_the_beginning_and_the_middle_and_costs_little():
    text = "Some words of English stand at the beginning. " * 60 + "Der Rest ist auf Deutsch geschrieben worden. " * 100_000
    detect_language(text)  # loads the model
    began = time.process_time()
    assert detect_language("Der Rest ist auf Deutsch geschrieben worden. " * 100_000) == "de"
    assert time.process_time() - began < 0.5
