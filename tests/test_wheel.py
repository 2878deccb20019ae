"""The built wheel, installed in a new environment elsewhere, runs the demo."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
from conftest import ROOT


@pytest.mark.slow
def test_the_wheel_holds_all_that_the_demo_needs_and_runs_it_elsewhere(tmp_path: Path):
    dist = tmp_path / "dist"
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(dist)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = dist.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    wanted = {"prompts/answer.md", "corpus/questions.jsonl", "corpus/mtcr-explainer.pdf", "qa/web/templates/answer.html"}
    assert (
        wanted
        | {"qa/web/static/style.css", "qa/web/static/app.js", "qa/web/strings/ur.json", "qa/py.typed", "index/py.typed"}
        <= names
    )
    assert not [name for name in names if name.startswith("tests/")]

    environment = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    # the libraries are the ones installed here, by a .pth file; the project itself is only in the new environment
    site = environment / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    (site / "libraries.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    pip = [sys.executable, "-m", "pip", "--python", str(environment / "bin" / "python"), "install", "-q", "--no-deps"]
    subprocess.run([*pip, "--no-index", "--force-reinstall", str(wheel)], check=True, capture_output=True)
    env = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    where = [environment / "bin" / "python", "-c", "import qa; print(qa.__file__)"]
    assert subprocess.run(where, cwd=tmp_path, env=env, capture_output=True, text=True).stdout.startswith(str(environment))
    demo = [environment / "bin" / "qa", "demo", "--data", tmp_path / "data"]
    run = subprocess.run(demo, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert "\n[1] " in run.stdout
