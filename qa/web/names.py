"""What a reader calls formats, languages and moments, in the language of the page."""

from __future__ import annotations

from datetime import datetime

from flask import Flask
from markupsafe import Markup, escape

from qa.web.strings import t_or


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
    app.jinja_env.globals.update(format_name=format_name, language_name=language_name, moment=moment)
