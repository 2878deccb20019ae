"""The map of the corpus as a page: points that open their passages, a question and its hits among them, and a table."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, current_app, render_template, request
from markupsafe import Markup

from index.store import View
from qa.answer import check_request
from qa.answer_json import citation_path
from qa.corpus_map import HEIGHT, WIDTH, CorpusMap, draw_map
from qa.errors import NotFound
from qa.records import AskRequest
from qa.retrieval import find
from qa.web.access import asker, needs
from qa.web.api import workspace
from qa.web.strings import language

bp = Blueprint("map", __name__)

_MAPS_KEPT = 4


@dataclass(frozen=True, slots=True)
class Found:
    """A passage that was found for the question. rank: from 1; cosine: of the question and it."""

    rank: int
    url: str
    title: str
    text: str
    x: float
    y: float
    cosine: float


class MapCache:
    """The maps of the newest generation, and their points as markup by language: both are made once.

    There is one map for each set of collections that some key may see; of many the last few are kept.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._maps: dict[tuple[str, ...], tuple[CorpusMap, dict[str, Markup]]] = {}

    def get(self, view: View, collections: tuple[str, ...] = ()) -> CorpusMap:
        """Return the map of the generation that is seen. collections: those that the view shows, none for all."""
        with self._lock:
            known = self._maps.get(collections)
            if known is None or known[0].generation != view.generation:
                self._maps.pop(collections, None)
                while len(self._maps) >= _MAPS_KEPT:
                    self._maps.pop(next(iter(self._maps)))
                known = self._maps[collections] = (draw_map(view), {})
            return known[0]

    def points(self, drawn: CorpusMap, collections: tuple[str, ...] = ()) -> Markup:
        """Return the points as elements of a drawing, in the language of this request."""
        code = language().code
        with self._lock:
            kept, markups = self._maps.get(collections, (None, {}))
        if kept is not drawn:
            markups = {}
        if code not in markups:
            markups[code] = Markup(render_template("_map_points.html", map=drawn))  # noqa: S704 - of ours, escaped
        return markups[code]


@bp.get("/map")
@needs("read")
def show() -> str:
    """Show the map; with ?q= a question and what is found for it, with ?answer= those of a stored answer."""
    cache = current_app.extensions["map"]
    assert isinstance(cache, MapCache)  # noqa: S101
    with workspace().store.view() as view:
        drawn = cache.get(view, asker().collections)
        question, place, found = _overlay(view, drawn)
    size = {"width": WIDTH, "height": HEIGHT}
    return render_template(
        "map.html",
        map=drawn,
        points=cache.points(drawn, asker().collections),
        question=question,
        place=place,
        found=found,
        **size,
    )


def _overlay(view: View, drawn: CorpusMap) -> tuple[str, tuple[float, float] | None, list[Found]]:
    """Return the question, where it lies, and its hits."""
    answer_id = request.args.get("answer", "")
    if answer_id:
        answer = workspace().history.get(answer_id)
        if answer is None:
            raise NotFound("no stored answer has this id", "answers go when a document that they quote is deleted")
        return _lay_over(view, drawn, answer["question"], answer["searched_for"], [one["id"] for one in answer["passages"]])
    if not request.args.get("q", "").strip():
        return "", None, []
    workspace().store.check_embedder(workspace().embedder)
    wanted = check_request(workspace(), AskRequest(request.args["q"], mode="extractive"))
    hits = find(view, workspace(), wanted)
    return _lay_over(view, drawn, wanted.question, wanted.question, [hit.passage.id for hit in hits])


def _lay_over(
    view: View, drawn: CorpusMap, question: str, searched_for: str, passage_ids: Sequence[str]
) -> tuple[str, tuple[float, float] | None, list[Found]]:
    asked = workspace().embedder.embed([searched_for])
    numbers = view.numbers_of(passage_ids)
    kept = [one for one in passage_ids if one in numbers]
    vectors = view.vectors([numbers[one] for one in kept])
    passages = view.passages(list(numbers.values()))
    places = drawn.place(vectors) if kept else []
    found = []
    for rank, (identifier, (x, y), vector) in enumerate(zip(kept, places, vectors, strict=True), start=1):
        passage, document = passages[numbers[identifier]]
        url = citation_path(document.id, passage.start, passage.end, document.sha256)
        found.append(Found(rank, url, document.title, passage.text, x, y, float(vector @ asked[0])))
    return question, drawn.place(asked)[0], found
