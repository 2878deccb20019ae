"""Measure extractive answers on the sample questions: run with `make measure`, prints one JSON object.

containment: share of answerable questions whose answer holds an expected quote, white space aside.
refused: share of unanswerable questions that get no answer. refused_wrongly: the same of answerable ones.
The reader's rules were written with these questions in view: this is a floor to hold, not an estimate for other data.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from statistics import mean, median

from qa.answer import answer_question
from qa.config import Settings
from qa.indexing import index_paths
from qa.records import AskRequest
from qa.workspace import Workspace

CORPUS = Path(__file__).resolve().parent.parent / "corpus"


def fold(text: str) -> str:
    """Return the text with white space folded."""
    return " ".join(text.split())


def main() -> None:
    """Index the sample corpus in a temporary place, ask every question, print the shares and times."""
    questions = [json.loads(line) for line in (CORPUS / "questions.jsonl").read_text(encoding="utf-8").splitlines()]
    holds, refused_wrongly, refused, seconds = [], [], [], []
    with tempfile.TemporaryDirectory() as place:
        workspace = Workspace(Settings(data=Path(place)))
        index_paths(workspace, [CORPUS], root=CORPUS.parent)
        for question in questions:
            began = time.perf_counter()
            answer = answer_question(workspace, AskRequest(question["question"]))
            seconds.append(time.perf_counter() - began)
            is_refused = answer["status"] == "no_evidence"
            if question["answerable"]:
                text = fold(str(answer["text"]))
                holds.append(any(fold(one["quote"]) in text for one in question["expect"]))
                refused_wrongly.append(is_refused)
            else:
                refused.append(is_refused)
    result = {
        "questions": len(questions),
        "containment": round(mean(holds), 3),
        "refused": round(mean(refused), 3),
        "refused_wrongly": round(mean(refused_wrongly), 3),
        "seconds_median": round(median(seconds), 2),
    }
    json.dump(result, sys.stdout, indent=2)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
