"""The pages' languages: both files say the same things, and no template says anything by itself."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter
from typing import Any

import pytest
from conftest import ROOT
from flask.testing import FlaskClient
from markupsafe import Markup
from selectolax.lexbor import LexborHTMLParser as HTMLParser

from qa.web.strings import LANGUAGES, strings_of, translate

TEMPLATES = sorted((ROOT / "qa" / "web" / "templates").glob("*.html"))
CODE = "\n".join(path.read_text() for folder in ("templates", "") for path in (ROOT / "qa" / "web" / folder).glob("*.*"))
SPOKEN = ("title", "aria-label", "placeholder", "alt", "label", "aria-description")

# What these begin is put together where it is used.
MADE_OF_PARTS = (
    *("problem.", "check.", "verdict.", "score.", "reason.", "stage.", "count.", "phase.", "format.", "lang.", "metadata."),
    *("history.answered", "history.no_evidence", "history.partial", "status.failed", "status.skipped"),
    *("documents.collection", "documents.format", "documents.language", "upload.", "job."),
)


def forms(found: Any) -> dict[str, str]:
    return found if isinstance(found, dict) else {"other": found}


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_every_language_has_the_same_strings_with_the_same_placeholders():
    english = strings_of("en")
    for code in LANGUAGES:
        strings = strings_of(code)
        assert list(strings) == list(english), "in the same order, so that they can be read side by side"
        for key, found in strings.items():
            assert forms(found).keys() == forms(english[key]).keys(), key
            for form, text in forms(found).items():
                assert text.strip() or key == "place.comma", key
                assert placeholders(text) == placeholders(forms(english[key])[form]), f"{code}: {key}"


def test_every_string_is_used():
    script = "\n".join(path.read_text() for path in (ROOT / "qa" / "web" / "static").glob("*.js"))
    for key in strings_of("en"):
        code, name = (script, key.removeprefix("js.")) if key.startswith("js.") else (CODE, key)
        assert key.startswith(MADE_OF_PARTS) or f'"{name}"' in code or f"'{name}'" in code, key


def test_every_string_that_is_asked_for_is_there():
    asked = set(re.findall(r"\bt\(\s*[\"']([a-z_.]+)[\"']\s*[,)]", CODE))
    assert asked
    assert asked - {"key"} <= strings_of("en").keys()


def test_urdu_is_written_in_urdu():
    for key, found in strings_of("ur").items():
        for text in forms(found).values():
            words = re.findall(r"[A-Za-z]{2,}", re.sub(r"\{\w+\}|JSON|Markdown|Esc", "", text))
            assert not words, key


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_template_says_anything_by_itself(path: Path):
    source = path.read_text(encoding="utf-8")
    for literal in re.findall(r"\"([^\"]*)\"|'([^']*)'", " ".join(re.findall(r"\{\{.*?\}\}|\{%.*?%\}", source, re.DOTALL))):
        assert not re.search(r"[A-Za-z]{2,} [A-Za-z]{2,}", "".join(literal)), literal
    bare = re.sub(r"\{#.*?#\}|\{%.*?%\}", "", source, flags=re.DOTALL)
    tree = HTMLParser(f"<body>{re.sub(r'{{.*?}}', '', bare, flags=re.DOTALL)}</body>")
    for node in tree.css("[translate=no], script"):
        node.decompose()
    for node in tree.css("*"):
        for name in SPOKEN:
            assert not re.search(r"[A-Za-z]{2,}", node.attributes.get(name) or ""), f"{node.tag} {name}"
    assert not re.search(r"[A-Za-z]{2,}", (tree.body.text() if tree.body else "").replace("Citable QA", ""))


# How a language is chosen


def page_language(client: FlaskClient, path: str = "/", **headers: str) -> tuple[str | None, str | None]:
    html = HTMLParser(client.get(path, headers=headers).get_data(as_text=True)).css_first("html")
    return html.attributes["lang"], html.attributes["dir"]


def test_the_language_is_the_browsers_until_one_is_chosen_which_stays(client: FlaskClient):
    assert page_language(client) == ("en", "ltr")
    accept = {"Accept-Language": "fr, ur-PK;q=0.8, en;q=0.5"}
    assert page_language(client, **accept) == ("ur", "rtl")
    assert page_language(client, "/?lang=en", **accept) == ("en", "ltr")
    assert page_language(client, **accept) == ("en", "ltr"), "kept in a cookie"
    assert page_language(client, "/status?lang=ur") == ("ur", "rtl")
    assert page_language(client) == ("ur", "rtl")


@pytest.mark.parametrize("odd", ["xx", "", "../en", "EN", "en\r\nX: y"])
def test_an_unknown_language_is_ignored_and_not_kept(client: FlaskClient, odd: str):
    response = client.get("/", query_string={"lang": odd})
    assert 'lang="en"' in response.text
    assert "Set-Cookie" not in response.headers
    client.set_cookie("lang", odd)
    assert page_language(client) == ("en", "ltr")


def test_the_switch_keeps_the_page_and_its_arguments(client: FlaskClient):
    footer = HTMLParser(client.get("/documents?collection=a%26b&lang=en").text).css("footer a")
    links = {link.attributes["lang"]: link.attributes["href"] for link in footer}
    assert links == {code: f"/documents?collection=a%26b&lang={code}" for code in LANGUAGES}
    nowhere = client.get("/\\evil.example/%3F/%22", headers={"Accept": "text/html"})
    assert HTMLParser(nowhere.text).css_first("footer a").attributes["href"] == "/%5Cevil.example/%3F/%22?lang=en"
    sent = client.post("/ask", data={"question": ""})
    assert HTMLParser(sent.text).css_first("footer a").attributes["href"] == "/?lang=en"


def test_the_language_of_a_page_is_told_to_caches(client: FlaskClient):
    assert {"Accept-Language", "Cookie"} <= set(client.get("/").vary)


# Values


def test_values_are_escaped_unless_they_are_markup():
    shown = translate("en", "ask.written", model="<b>{0}{model.__class__}</b>")
    assert "&lt;b&gt;{0}{model.__class__}&lt;/b&gt;" in shown
    assert "<b>m</b>" in translate("en", "ask.written", model=Markup("<b>m</b>"))


def test_one_and_many_have_forms_of_their_own():
    assert [translate("en", "ask.documents", n=n) for n in (0, 1, 2, 1234)] == [
        *("0 documents", "1 document", "2 documents", "1,234 documents")
    ]
