"""`qa eval`: measure the product, as it is set, on a data set."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from qa.cli.frame import BELOW_MINIMUM, framed, print_json, say
from qa.config import Settings
from qa.errors import BadDataset
from qa.evaluation.datasets import open_dataset
from qa.evaluation.report import html_page, result_to_json, table_lines
from qa.evaluation.tasks import evaluate
from qa.workspace import Workspace


@click.command("eval")
@click.argument("dataset", type=click.Path(path_type=Path, exists=True))
@click.option("--mode", type=click.Choice(["auto", "llm", "extractive"]), default="extractive", help="How to answer.")
@click.option("--report", type=click.Path(path_type=Path, dir_okay=False), help="Write an HTML page with plots.")
@click.option("--compare", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="An earlier --json output.")
@click.option("--min", "minima", multiple=True, metavar="METRIC=VALUE", help="Exit with code 8 when a metric is below this.")
@framed
def command(
    settings: Settings,
    as_json: bool,
    dataset: Path,
    mode: Any,
    report: Path | None,
    compare: Path | None,
    minima: Sequence[str],
    **_: Any,
) -> int:
    """Measure the product on DATASET, in a temporary place: your own index is neither used nor changed.

    DATASET: a BEIR folder (retrieval), SQuAD-style JSON or CLAPNQ (reading), claims with evidence and label (verdicts),
    or a questions.jsonl with expected quotes beside its documents (asking, from end to end). Packed with gzip or not.
    """
    wanted = _read_minima(minima)
    earlier = _read_earlier(compare)
    found = open_dataset(dataset)
    with tempfile.TemporaryDirectory() as place:
        workspace = Workspace(settings.model_copy(update={"data": Path(place) / "data"}))
        result = evaluate(found, workspace, mode, _show_progress)
    shown = {name: str(getattr(settings, name)) for name in ("embedder", "model", "judge", "k")}
    fields = result_to_json(result, {**shown, "mode": mode})
    missing = wanted.keys() - fields["metrics"].keys()
    if missing:
        raise BadDataset(f"--min: there is no metric {min(missing)}", f"there are: {', '.join(fields['metrics'])}")
    if report:
        report.write_text(html_page(fields, earlier), encoding="utf-8")
    if as_json:
        print_json(fields)
    else:
        click.echo("\n".join(table_lines(fields, earlier)))
    below = {name: least for name, least in wanted.items() if fields["metrics"][name]["value"] < least}
    for name, least in below.items():
        say(f"error: {name} is {fields['metrics'][name]['value']:.3f}, below {least:g}")
    return BELOW_MINIMUM if below else 0


def _read_minima(texts: Sequence[str]) -> dict[str, float]:
    found = {}
    for text in texts:
        name, _, value = text.rpartition("=")
        try:
            found[name.strip()] = float(value)
        except ValueError:
            raise click.UsageError(f"--min {text}: write METRIC=VALUE, such as nDCG@10=0.7") from None
    return found


def _read_earlier(path: Path | None) -> dict[str, Any] | None:
    if path is None:
        return None
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        fields["metrics"].items()
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise BadDataset(f"{path}: not the output of `qa eval --json`", "write one with: qa eval DATASET --json") from error
    return dict(fields)


def _show_progress(done: int, of: int) -> None:
    if sys.stderr.isatty() and done % 20 == 0:
        click.echo(f"\r{done} of {of}", err=True, nl=False)
