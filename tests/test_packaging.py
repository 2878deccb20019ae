"""The files for operators agree with the code and with each other, and what they run does what they say."""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import tomllib
from contextlib import nullcontext, suppress
from pathlib import Path

import click
import packaged
import pytest
import yaml
from conftest import ROOT
from packaged import FILES, GUIDE, KUBERNETES, containers, health_check, image_environment, instruction, instructions
from serving import serving

import qa
from qa.cli import main
from qa.config import PREFIX, Settings
from qa.keeping import open_keys
from qa.web import create_app

STATE, DOCUMENTS, PROGRAM = "/var/lib/citable-qa", "/srv/documents", "/opt/citable-qa"
UNITS = ("citable-qa", "citable-qa-index")
STARTED = ("qa", "citable-qa", f"{PROGRAM}/bin/qa")  # the program, the service, the image
NO_START = ("--name", "--tag", "-u", "-C")  # behind these such a word is a name or a folder
TEXTS = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in FILES}


@pytest.mark.parametrize("name", TEXTS)
def test_every_variable_is_a_setting(name: str):
    known = {f"{PREFIX}{field.upper()}" for field in Settings.model_fields}
    assert set(re.findall(rf"\b{PREFIX}[A-Z_]*[A-Z]\b", TEXTS[name])) <= known


def test_every_value_is_one_that_the_setting_can_have():
    environments = [
        image_environment(),
        packaged.manifests()["ConfigMap citable-qa"]["data"],
        packaged.manifests()["Secret citable-qa"]["stringData"],
        *(packaged.unit_environment(f"{name}.service") for name in UNITS),
        *(server["environment"] for server in packaged.servers().values()),
    ]
    for environment in environments:
        packaged.settings_of(environment)


def qa_commands() -> set[str]:
    """Return what is given to `qa` anywhere in these files: in the guide's shell lines, where files start it, where they name it."""
    given = {*yaml.safe_load(instruction("CMD"))}
    given |= {packaged.unit(f"{name}.service")["Service"]["ExecStart"].partition("/bin/qa ")[2] for name in UNITS}
    for words in map(shlex.split, packaged.shell_lines(GUIDE)):
        starts = [i for i, word in enumerate(words) if word in STARTED and words[i - 1] not in NO_START]
        if starts and "--entrypoint" not in words:
            given.add(shlex.join(words[starts[-1] + 1 :]))
    for text in TEXTS.values():
        given |= set(re.findall(r"(?:-- |[`'(])qa ((?:[a-z]+ ?)[^'`\"|)\n]*?)\s*(?=['`\"|)\n])", text))
    return given - {""}


@pytest.mark.parametrize("given", sorted(qa_commands()))
def test_every_command_exists_with_these_options(given: str):
    words, command, context = shlex.split(given), main, click.Context(main)
    while isinstance(command, click.Group):
        name, found, words = command.resolve_command(context, words)
        assert name is not None
        assert found is not None
        command, context = found, click.Context(found, info_name=name)  # type: ignore[assignment]
    # raises for what it does not take; where a command is only named, what it needs may be missing
    with nullcontext() if words else suppress(click.MissingParameter):
        command.make_context(context.info_name, words)


def test_the_commands_of_each_file_are_found():
    assert {"serve", "index /srv/documents", "keys new --scope ask --name me", "index --rebuild", "doctor"} <= qa_commands()


def test_the_image_holds_the_program_and_the_data_where_the_guide_and_systemd_have_them():
    environment, service = image_environment(), packaged.unit("citable-qa.service")["Service"]
    assert instruction("COPY") == f"--from=build {PROGRAM} {PROGRAM}"
    assert environment["PATH"].startswith(f"{PROGRAM}/bin:")
    assert service["ExecStart"].startswith(f"{PROGRAM}/bin/qa ")
    for one in (environment, *(packaged.unit_environment(f"{name}.service") for name in UNITS)):
        assert one["QA_DATA"] == f"{STATE}/index"
        assert one["HF_HOME"].startswith(f"{STATE}/")
    assert instruction("WORKDIR") == STATE
    assert service["StateDirectory"] == Path(STATE).name
    assert all(f"`{place}`" in TEXTS["docs/operating.md"] for place in (PROGRAM, f"{STATE}/index", DOCUMENTS))


def test_data_and_tmp_are_written_and_nothing_else():
    for server in packaged.servers().values():
        assert server["read_only"]
        assert server["tmpfs"] == ["/tmp"]
        assert server["volumes"] == [f"data:{STATE}", f"./corpus:{DOCUMENTS}:ro"]
    for container in containers():
        mounts = {one["mountPath"]: one.get("readOnly", False) for one in container["volumeMounts"]}
        assert mounts == {STATE: False, DOCUMENTS: True, "/tmp": False}
    assert packaged.unit("citable-qa.service")["Service"]["ProtectSystem"] == "strict"


def test_the_port_is_the_same_everywhere():
    port = Settings().port
    assert instruction("EXPOSE") == str(port)
    for server in packaged.servers().values():
        assert server["ports"] == [f"127.0.0.1:{port}:{port}"]
    assert packaged.servers()["qa-chat"]["environment"]["QA_BASE_URL"] == f"http://127.0.0.1:{port}"
    (named,) = packaged.pods()["server"]["containers"][0]["ports"]
    assert named["containerPort"] == port
    assert packaged.manifests()["Service citable-qa"]["spec"]["ports"][0]["targetPort"] == named["name"]


def test_nobody_runs_as_root_or_keeps_rights():
    user = int(instruction("USER").split(":")[0])
    for pod in packaged.pods().values():
        assert pod["securityContext"] == packaged.pods()["server"]["securityContext"]
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["securityContext"]["runAsUser"] == pod["securityContext"]["fsGroup"] == user > 0
    for container in containers():
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
    for server in packaged.servers().values():
        assert server["cap_drop"] == ["ALL"]
        assert server["security_opt"] == ["no-new-privileges:true"]


def test_kubernetes_sets_no_variables_that_would_be_taken_for_settings():
    assert not any(pod["enableServiceLinks"] for pod in packaged.pods().values())


def test_every_supervisor_waits_longer_than_the_server_drains():
    assert float(image_environment()["QA_DRAIN_SECONDS"]) < 10  # what Docker waits
    for server in packaged.servers().values():
        assert float(server["environment"]["QA_DRAIN_SECONDS"]) < float(server["stop_grace_period"].removesuffix("s"))
    drain = float(packaged.manifests()["ConfigMap citable-qa"]["data"]["QA_DRAIN_SECONDS"])
    assert drain < packaged.pods()["server"]["terminationGracePeriodSeconds"]
    assert Settings().drain_seconds < float(packaged.unit("citable-qa.service")["Service"]["TimeoutStopSec"])
    assert instruction("STOPSIGNAL") == packaged.unit("citable-qa.service")["Service"]["KillSignal"] == "SIGTERM"


def test_the_image_is_made_from_all_that_the_wheel_holds_and_the_context_has_nothing_else():
    copied = {
        place for word, rest in instructions() if word == "COPY" and "--from" not in rest for place in rest.split()[:-1]
    }
    let_in = re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), flags=re.MULTILINE)
    assert copied == set(let_in)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert {*wheel["packages"], *wheel["force-include"], project["project"]["readme"]} <= copied


def test_torch_comes_first_at_the_version_of_the_makefile():
    (pinned,) = re.findall(r"install torch==(\S+)", instructions_text())
    assert f"requirements.lock torch=={pinned}\n" in (ROOT / "Makefile").read_text()
    assert instructions_text().index("install torch") < instructions_text().index("--requirement libraries.txt")
    assert f"torch=={pinned}\n" in TEXTS["docs/operating.md"]


def test_both_stages_have_the_python_whose_folder_is_named():
    stages = [rest.split()[0] for word, rest in instructions() if word == "FROM"]
    assert len(stages) == 2
    assert len(set(stages)) == 1
    (version,) = set(re.findall(r"lib/python(\d\.\d+)/", instructions_text()))
    assert stages[0].startswith(f"python:{version}-slim")


def instructions_text() -> str:
    return "\n".join(f"{word} {rest}" for word, rest in instructions())


def test_the_kustomization_names_every_file_but_the_example():
    named = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())["resources"]
    assert sorted(named) == sorted(
        path.name for path in KUBERNETES.glob("*.yaml") if path.name not in ("kustomization.yaml", "secret.example.yaml")
    )


def test_the_image_that_kubernetes_starts_is_of_this_version():
    (image,) = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())["images"]
    assert image["newTag"] == qa.__version__
    assert {one["image"] for one in containers()} == {image["name"]}


def test_pods_mount_claims_and_read_settings_that_are_there():
    found = packaged.manifests()
    for pod in packaged.pods().values():
        claims = [one["persistentVolumeClaim"]["claimName"] for one in pod["volumes"] if "persistentVolumeClaim" in one]
        assert {f"PersistentVolumeClaim {name}" for name in claims} <= found.keys()
    for container in containers():
        settings, secret = container["envFrom"]
        assert f"ConfigMap {settings['configMapRef']['name']}" in found
        assert f"Secret {secret['secretRef']['name']}" in found
        assert secret["secretRef"]["optional"]
    labels = found["Deployment citable-qa"]["spec"]["template"]["metadata"]["labels"]
    assert (
        found["Service citable-qa"]["spec"]["selector"]
        == labels
        == found["Deployment citable-qa"]["spec"]["selector"]["matchLabels"]
    )


def test_no_file_holds_a_secret():
    assert set(packaged.manifests()["Secret citable-qa"]["stringData"].values()) == {""}
    assert not any(re.search(r"qa_k[0-9a-f]{8}_|sk-[A-Za-z0-9]{20}", text) for text in TEXTS.values())


def test_every_linked_file_is_there():
    for link in re.findall(r"\]\((?!http)([^)#]+)", TEXTS["docs/operating.md"]):
        assert (GUIDE.parent / link).exists(), link


def run_health_check(port: int) -> int:
    _, *arguments = health_check()
    environment = {**os.environ, "QA_PORT": str(port), "http_proxy": "http://127.0.0.1:9"}
    return subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, timeout=30).returncode


def test_the_health_check_tells_a_server_from_none_and_asks_no_proxy(make_workspace):
    with serving(make_workspace()) as address:
        assert run_health_check(int(address.rpartition(":")[2])) == 0
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        assert run_health_check(free.getsockname()[1]) != 0


def test_the_server_beside_open_webui_answers_to_the_name_that_it_is_asked_by(make_workspace):
    environment = {**image_environment(), **packaged.servers()["qa-chat"]["environment"]}
    settings = packaged.settings_of(environment).model_dump(exclude_unset=True, exclude={"data"})
    client = create_app(make_workspace(**settings)).test_client()
    asked = packaged.compose()["services"]["open-webui"]["environment"]["OPENAI_API_BASE_URLS"]
    name = asked.removeprefix("http://").partition("/")[0]
    path = f"/{asked.removeprefix('http://').partition('/')[2]}/models"
    assert client.get(path, headers={"Host": name}).status_code == 401  # it wants a key, and nothing else is wrong
    assert client.get(path, headers={"Host": "elsewhere.example"}).status_code == 400


def wait_for_key(data: Path) -> subprocess.Popen[str]:
    command = [
        *packaged.pods()["server"]["initContainers"][0]["command"],
        *packaged.pods()["server"]["initContainers"][0]["args"],
    ]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {"PATH": path, "PYTHONPATH": str(ROOT), "QA_DATA": str(data)}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_the_pod_waits_until_there_is_a_key_and_can_be_stopped_meanwhile(tmp_path: Path):
    with wait_for_key(tmp_path) as waiting:
        assert waiting.stdout is not None
        assert "qa keys new" in waiting.stdout.readline()
        waiting.send_signal(signal.SIGTERM)
        assert waiting.wait(20) == 143
    open_keys(Settings(data=tmp_path)).make("ask")
    with wait_for_key(tmp_path) as waiting:
        assert waiting.wait(20) == 0


@pytest.mark.slow
def test_a_nightly_run_that_could_not_read_some_files_is_no_failure_but_any_other_is(tmp_path: Path):
    shell, flag, line = packaged.pods()["index"]["containers"][0]["command"]
    folder = tmp_path / "documents"
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "QA_DATA": str(tmp_path / "qa"),
    }

    def run() -> int:
        return subprocess.run(
            [shell, flag, line.replace(DOCUMENTS, str(folder))], env=environment, cwd=tmp_path, capture_output=True
        ).returncode

    assert run() != 0  # there is no such folder
    folder.mkdir()
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 and nothing else")
    assert run() == 0
    status = packaged.unit("citable-qa-index.service")["Service"]["SuccessExitStatus"]
    assert f"-eq {status} ]" in line
