"""The directions of import that DESIGN section 2 draws, and what no file may hold."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILES = sorted(path for package in ("index", "qa") for path in (ROOT / package).rglob("*.py"))
# library → the only files (or folders) that may import it
ONLY = {
    "litellm": {"qa/llm.py"},
    "sentence_transformers": {"index/embedder.py", "qa/cross_encoders.py"},
    "torch": {"index/embedder.py", "qa/cross_encoders.py"},
    "transformers": {"index/embedder.py"},
    "tokenizers": {"index/embedder.py", "qa/reading/reader_model.py"},
    "openvino": {"index/bert.py"},
    "openvino_telemetry": set(),
    "safetensors": {"index/embedder.py", "qa/reading/reader_model.py"},
    "tantivy": {"index/lexical.py"},
    "ray": {"index/ray_source.py"},
    "pyarrow": {"index/ray_source.py"},
    "apsw": {"index/sqlite.py"},
    "sqlite3": set(),
    "psycopg": {"index/postgres.py"},
    "pymilvus": {"index/milvus.py"},
    "flask": {"qa/web/"},
    "werkzeug": {"qa/web/"},
    "flask_limiter": {"qa/web/limits.py"},
    "prometheus_client": {"qa/metrics.py"},
    "opentelemetry": {"qa/tracing.py"},
    "spectree": {"qa/web/openapi.py"},
    "itsdangerous": {"qa/web/session.py"},
    "gunicorn": {"qa/cli/workers.py"},
    "limits": {"qa/web/shared_limits.py"},
    "mcp": {"qa/mcp/"},
    "mcp_types": {"qa/mcp/"},
    "starlette": {"qa/mcp/"},
    "uvicorn": {"qa/mcp/"},
    "slack_sdk": {"qa/web/slack.py"},
    "click": {"qa/cli/"},
    "rich": {"qa/cli/"},
    "pypdfium2": {"index/readers/"},
    "selectolax": {"index/readers/"},
    "docx": {"index/readers/"},
    "pptx": {"index/readers/"},
    "openpyxl": {"index/readers/"},
    "defusedxml": {"index/readers/"},
    "py3langid": {"index/readers/"},
    "pathspec": {"index/scan.py"},
    "markdown_it": {"index/readers/"},
}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports_of(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)}: imports are written out in full"
            found.add(node.module or "")
    return found


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_library_is_imported_only_where_it_belongs(path: Path):
    for module in imports_of(path):
        allowed = ONLY.get(module.split(".")[0])
        assert allowed is None or any(name_of(path).startswith(place) for place in allowed), (
            f"{name_of(path)} imports {module}"
        )


@pytest.mark.parametrize("path", [path for path in FILES if name_of(path).startswith("index/")], ids=name_of)
def test_index_never_imports_qa(path: Path):
    assert not [module for module in imports_of(path) if module.split(".")[0] == "qa"]


@pytest.mark.parametrize(
    ("library", "place"), [("faiss", "index/dense.py"), ("psycopg", "index/postgres.py"), ("pymilvus", "index/milvus.py")]
)
def test_a_library_that_is_imported_by_its_name_is_named_in_one_place(library: str, place: str):
    named = [
        name_of(path) for path in FILES if f'"{library}"' in path.read_text() or f"import {library}" in path.read_text()
    ]
    assert named == [place]


def test_only_config_reads_the_environment():
    reads = [
        name_of(path)
        for path in FILES
        if any(word in path.read_text() for word in ("os.getenv", "os.environ.get(", "os.environ[", "(os.environ)"))
    ]
    assert reads == ["qa/config.py"]


def test_only_prompts_names_the_folder_of_prompts():
    named = [name_of(path) for path in FILES if '"prompts"' in path.read_text()]
    assert named == ["qa/prompts.py"]


def test_imports_make_no_circle():
    modules = {name_of(path).removesuffix(".py").removesuffix("/__init__").replace("/", "."): path for path in FILES}
    edges = {module: {one for one in imports_of(path) if one in modules} for module, path in modules.items()}
    done: set[str] = set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, " → ".join((*trail, module))
        if module not in done:
            for other in edges[module]:
                visit(other, (*trail, module))
            done.add(module)

    for module in modules:
        visit(module, ())


def test_no_file_has_a_name_that_says_nothing():
    assert not [name_of(path) for path in FILES if path.stem in ("utils", "helpers", "core", "common", "base", "manager")]


def test_invariant_14_no_pickle_and_no_eval():
    banned = {"pickle", "marshal", "shelve", "dill", "joblib"}
    for path in FILES:
        assert not banned & {module.split(".")[0] for module in imports_of(path)}, name_of(path)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            called = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
            assert called not in ("eval", "exec", "compile"), name_of(path)


def test_sql_is_never_built_from_values():
    """Every f-string of SQL holds only column lists, question marks and conditions compiled by filters.where."""
    allowed = {
        "_COLUMNS",
        "INFO_COLUMNS",
        "PASSAGE_COLUMNS",
        "FILE_COLUMNS",
        "condition",
        "marks",
        "chosen",
        "query",
        "inner",
        "pairs",
        "mark",
        "POSTGRES",
        "_DOCUMENT_COLUMNS",
        "column",
    }
    shared = sorted(f"index/{path.name}" for path in (ROOT / "index").glob("shared_*.py"))
    local = ("index/catalog.py", "index/catalog_writer.py", "index/filters.py", "qa/history.py", "qa/keys.py")
    for name in (*local, "index/postgres.py", *shared):
        for node in ast.walk(ast.parse((ROOT / name).read_text())):
            if isinstance(node, ast.JoinedStr) and any(
                isinstance(part, ast.Constant) and " FROM " in str(part.value) for part in node.values
            ):
                used = {
                    n.id
                    for part in node.values
                    if isinstance(part, ast.FormattedValue)
                    for n in ast.walk(part)
                    if isinstance(n, ast.Name)
                }
                assert used <= allowed, f"{name}:{node.lineno} {used}"


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [["--help"], ["status"], ["docs", "list"], ["config", "show"]])
def test_help_status_and_lists_import_nothing_slow(arguments: list[str], tmp_path: Path):
    code = (
        "import sys\n"
        "from qa.cli import main\n"
        f"try: main({arguments!r}, prog_name='qa')\n"
        "except SystemExit: pass\n"
        "slow = {'torch', 'sentence_transformers', 'transformers', 'litellm', 'flask', 'openai', 'psycopg', 'pymilvus'} & set(sys.modules)\n"
        "sys.exit(f'imported {slow}' if slow else 0)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env={"PYTHONPATH": str(ROOT), "PATH": ""}, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
