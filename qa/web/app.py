"""The application: give `create_app` a workspace, get what any WSGI server can run."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask

from qa.config import host_in_url
from qa.metrics import Metrics
from qa.shared import Shared
from qa.web.access import Door, asker
from qa.web.answer_pages import bp as answers_bp
from qa.web.api import bp as api_bp
from qa.web.ask_pages import bp as ask_bp
from qa.web.chat_work import ChatWork
from qa.web.compress import compress
from qa.web.csrf import give_tokens
from qa.web.feedback import bp as feedback_bp
from qa.web.history_pages import bp as history_bp
from qa.web.in_common import in_common
from qa.web.jobs import IndexJobs
from qa.web.library import bp as library_bp
from qa.web.library import most_sent
from qa.web.map_pages import MapCache
from qa.web.map_pages import bp as map_bp
from qa.web.mattermost import bp as mattermost_bp
from qa.web.metrics import bp as metrics_bp
from qa.web.metrics import measure
from qa.web.names import give_names
from qa.web.openai_chat import LARGEST_CHAT
from qa.web.openai_chat import bp as openai_bp
from qa.web.openapi import bp as openapi_bp
from qa.web.pages import bp as pages_bp
from qa.web.places import place
from qa.web.problems import handle_errors
from qa.web.proxies import AnsweringProbes, ForwardedFrom
from qa.web.security import guard
from qa.web.sign_in import bp as sign_in_bp
from qa.web.slack import bp as slack_bp
from qa.web.sources import bp as sources_bp
from qa.web.sources import make_painter
from qa.web.strings import speak
from qa.web.suggestions import Suggestions
from qa.workspace import Workspace

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_PAGES = (ask_bp, answers_bp, feedback_bp, history_bp, pages_bp, sources_bp, library_bp, map_bp, sign_in_bp)
_MAX_BODY = 64 * 1024  # bytes, unless a path says otherwise


def create_app(workspace: Workspace, shared: Shared | None = None) -> Flask:
    """Return the application for one workspace. shared: the folder of a server that has several processes."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = _MAX_BODY
    app.config["MOST_SENT"] = max(LARGEST_CHAT, most_sent(workspace.settings)[0])  # by any route, for the server
    app.config["MAX_FORM_PARTS"] = 20
    app.config["TRUSTED_HOSTS"] = _trusted_hosts(workspace)
    app.extensions["workspace"] = workspace
    common = in_common(workspace.settings, shared)
    app.extensions["door"] = Door(workspace.settings, common.secret)
    app.extensions["suggestions"] = Suggestions(workspace)
    app.extensions["jobs"] = IndexJobs(common.board)
    app.extensions["map"] = MapCache()
    app.extensions["chat_work"] = ChatWork()
    app.extensions["chat_events"] = common.seen
    app.extensions["painter"] = make_painter(workspace)
    app.json.sort_keys = False  # type: ignore[attr-defined]  # the answer object reads best in its own order
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}
    app.jinja_env.filters["place"] = place
    app.jinja_env.globals.update(asker=asker)
    give_tokens(app)
    measure(app, Metrics(workspace.store, shared.metrics if shared else None))
    workspace.listeners.append(app.extensions["metrics"].note)
    guard(app, common.counts)
    speak(app)
    give_names(app)
    compress(app)
    handle_errors(app)
    for blueprint in (*_PAGES, api_bp, metrics_bp, openai_bp, openapi_bp, slack_bp, mattermost_bp):
        app.register_blueprint(blueprint)
    app.wsgi_app = AnsweringProbes(app.wsgi_app)  # type: ignore[method-assign]
    if workspace.settings.trusted_proxies:
        app.wsgi_app = ForwardedFrom(app.wsgi_app, workspace.settings.trusted_proxies)  # type: ignore[method-assign]
    return app


def _trusted_hosts(workspace: Workspace) -> list[str] | None:
    """Return the Host values that are answered, so that no web page can reach a local server by another name.

    None, any name, for a server that listens beyond this machine and was given none.
    """
    settings = workspace.settings
    named = [*settings.trusted_hosts]
    if settings.base_url:
        named.append(urlsplit(settings.base_url).hostname or "")
    if settings.is_local:
        named.append(settings.host)
    return [_Name(host_in_url(name)) for name in (*_LOOPBACK, *named)] if named else None


class _Name(str):
    """A name that is answered. werkzeug cuts it at the first colon, where its port would begin: in IPv6 one comes sooner."""

    __slots__ = ()

    def partition(self, sep: str, /) -> tuple[str, str, str]:
        """Return the name, and its port; an address in brackets is whole."""
        end = self.find("]") + 1
        return (self[:end], "", self[end:]) if end else super().partition(sep)
