"""Send the API what its own description allows, and what it forbids: never a 5xx, never a status that is not described.

make fuzz        5,000 cases; tests/test_openapi.py sends a few hundred
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path

import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


def fuzz(app: Flask, cases: int, number: int = 1) -> Counter[tuple[str, int]]:
    """Send so many cases, spread over the operations, and return how often each answered with which status.

    Raises the first failure. number: the seed.
    """
    schema = schemathesis.openapi.from_wsgi("/openapi.json", app)
    operations = [found.ok() for found in schema.get_all_operations()]
    statuses: Counter[tuple[str, int]] = Counter()
    for operation in operations:
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            most = max(1, cases // len(operations) // 2)

            @seed(number)
            @settings(
                max_examples=most,
                deadline=None,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy(generation_mode=mode))
            def send(case: schemathesis.Case) -> None:
                if mode is GenerationMode.POSITIVE:  # noqa: B023 - called before the next turn
                    _make_servable(case)
                response = case.call(headers={"Accept-Encoding": "identity"})  # WSGI's client unpacks nothing
                statuses[operation.label, response.status_code] += 1  # noqa: B023 - called before the next turn
                case.validate_response(response, checks=CHECKS)

            try:
                send()
            except Exception as error:
                if "Unsatisfiable" in type(error).__name__ or "Unsatisfiable" in str(error):
                    continue  # nothing to forbid where nothing is taken
                raise
    return statuses


def _make_servable(case: schemathesis.Case) -> None:
    """Let a chat ask a model that is there, and for nothing that is refused: any other is turned down before it is answered."""
    body = case.body
    if not (isinstance(body, dict) and isinstance(body.get("model"), str) and isinstance(body.get("messages"), list)):
        return
    body["model"] = "citable-qa"
    body["messages"] = [*body["messages"], {"role": "user", "content": "When was the bridge built?"}]
    for name in ("n", "logprobs", "response_format", "tool_choice", "function_call", "modalities", "stream_options"):
        body.pop(name, None)
    body["messages"] = [one for one in body["messages"] if not isinstance(one, dict) or isinstance(one.get("content"), str)]


def main() -> None:
    """Index the sample corpus in a temporary folder and fuzz a server over it."""
    from qa.config import Settings
    from qa.indexing import index_paths
    from qa.web import create_app
    from qa.workspace import Workspace

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Settings(data=Path(folder) / ".qa", rate_limit=0, ask_limit=0, k=1, reindex=True))
        index_paths(workspace, [Path(__file__).parent.parent / "corpus" / "glossary.txt"])
        app, number, statuses = create_app(workspace), given.seed, Counter[tuple[str, int]]()
        while statuses.total() < given.cases:  # operations that take nothing have one case each: a round sends fewer
            statuses += fuzz(app, given.cases, number)
            number += 1
    for (operation, status), count in sorted(statuses.items()):
        sys.stdout.write(f"{operation:40} {status} {count:6}\n")
    sys.stdout.write(f"{statuses.total()} cases, no 5xx, no status that is not described\n")


if __name__ == "__main__":
    main()
