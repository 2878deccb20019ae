"""What a reader calls formats, languages and moments, in the language of the page."""

from __future__ import annotations

import re
from datetime import datetime

from flask import Flask
from markupsafe import Markup, escape

from qa.web.strings import t_or

# These turn the letters round that follow, so that "txt.exe" reads "exe.txt" and a file seems to be another.
_TURNS = re.compile("[\u202a-\u202e\u2066-\u2069]")
_URDU = re.compile("[ٹڈڑںےھہ]")  # letters that its neighbours do not have
_IN_URDU = Markup(' lang="ur"')


def in_order(name: str) -> str:
    """Return a title or path without what would show its letters in another order than they stand in."""
    return _TURNS.sub("", name)


def urdu_if_so(text: str) -> Markup:
    """Return ` lang="ur"` for the element of a text in Urdu that has no language of its own: a question, a title."""
    return _IN_URDU if _URDU.search(text) else Markup()


def format_name(media_type: str) -> Markup:
    """Name a format: "PDF", "Excel workbook"; its media type where it has no name here."""
    return t_or(f"format.{media_type}", media_type)


def language_name(code: str) -> Markup:
    """Name a language; its code where it has no name here."""
    return t_or(f"lang.{code}", code)


def moment(text: str) -> Markup:
    """Write an ISO 8601 time for people, to the minute and in UTC, as an element that programs can read, too."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return escape(text)
    return Markup('<time datetime="{}" dir="ltr">{:%Y-%m-%d %H:%M} UTC</time>').format(text, when)


def give_names(app: Flask) -> None:
    """Give templates these functions."""
    app.jinja_env.globals.update(format_name=format_name, language_name=language_name, moment=moment, urdu_if_so=urdu_if_so)
    app.jinja_env.filters["in_order"] = in_order
