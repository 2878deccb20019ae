"""The files for operators are what Kubernetes, Compose and systemd take, by their own schemas and checker."""

from __future__ import annotations

import copy
import shutil
import subprocess
import sys
from pathlib import Path

import kubernetes_validate
import packaged
import pytest
import yaml
from conftest import ROOT

NEWEST, OLDEST = "1.37.0", "1.29.0"  # of Kubernetes, as the schemas are numbered


@pytest.mark.parametrize("version", [NEWEST, OLDEST])
@pytest.mark.parametrize("name", packaged.manifests())
def test_kubernetes_takes_every_manifest(name: str, version: str):
    kubernetes_validate.validate(packaged.manifests()[name], version, strict=True)


@pytest.mark.parametrize("version", [NEWEST, OLDEST])
@pytest.mark.parametrize("name", packaged.manifests_with_milvus())
def test_kubernetes_takes_every_manifest_with_milvus(name: str, version: str):
    kubernetes_validate.validate(packaged.manifests_with_milvus()[name], version, strict=True)


def test_servers_with_milvus_keep_nothing_on_a_disk_and_are_replaced_one_by_one():
    found = packaged.manifests_with_milvus()
    server = found["Deployment citable-qa"]["spec"]
    assert server["replicas"] > 1
    assert server["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    for pod in (
        server["template"]["spec"],
        found["CronJob citable-qa-index"]["spec"]["jobTemplate"]["spec"]["template"]["spec"],
    ):
        assert [one["name"] for one in pod["volumes"] if "persistentVolumeClaim" in one] == ["documents"]
    chosen = found["PodDisruptionBudget citable-qa"]["spec"]["selector"]["matchLabels"]
    assert chosen.items() <= server["template"]["metadata"]["labels"].items()


def test_a_field_that_kubernetes_does_not_know_is_found():
    wrong = copy.deepcopy(packaged.manifests()["Deployment citable-qa"])
    wrong["spec"]["template"]["spec"]["terminationGraceSeconds"] = 35
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, NEWEST, strict=True)


def check_compose(path: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(path)]
    return subprocess.run(command, capture_output=True, text=True)


def test_compose_takes_its_file_and_a_key_that_it_does_not_know_is_found(tmp_path: Path):
    checked = check_compose(ROOT / "compose.yaml")
    assert checked.returncode == 0, checked.stdout
    wrong = packaged.compose()
    wrong["services"]["qa"]["stop_grace_seconds"] = 30
    (tmp_path / "compose.yaml").write_text(yaml.safe_dump(wrong))
    assert "stop_grace_seconds" in check_compose(tmp_path / "compose.yaml").stdout


def test_systemd_takes_its_units_and_finds_the_services_well_shut_in(tmp_path: Path):
    analyze = shutil.which("systemd-analyze")
    if not analyze:
        pytest.skip("systemd-analyze is not installed")
    program = tmp_path / "qa"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)  # the checker wants the program to be there
    for path in packaged.SYSTEMD.glob("citable-qa*.[st][ei]*"):
        (tmp_path / path.name).write_text(path.read_text().replace("/opt/citable-qa/bin/qa", str(program)))
    units = [str(tmp_path / name) for name in ("citable-qa.service", "citable-qa-index.service", "citable-qa-index.timer")]
    checked = subprocess.run([analyze, "verify", *units], capture_output=True, text=True)
    assert (checked.returncode, checked.stderr) == (0, "")
    for service in units[:2]:
        judged = subprocess.run(
            [analyze, "security", "--offline=true", "--threshold=20", service], capture_output=True, text=True
        )
        assert judged.returncode == 0, judged.stdout[-400:]  # above 2.0 of 10
