"""R4.6: the steps have what the requirements name, or the job says what is missing."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import zipfile
from pathlib import Path
from typing import List

import pytest
from conftest import Bench, on_pod, shell

from runpod_trainer_worker.run.requirements_child import _packaging, is_satisfied, unsatisfied
from runpod_trainer_worker.sources.requirements import Requirements


def wheel(folder: Path, name: str, version: str) -> None:
    """A real wheel with one module that knows its version."""
    folder.mkdir(parents=True, exist_ok=True)
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": f"VERSION = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    rows: List[str] = []
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        rows.append(f"{path},sha256={digest},{len(text)}")
    rows.append(f"{info}/RECORD,,")
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        for path, text in {**files, f"{info}/RECORD": "\n".join(rows) + "\n"}.items():
            archive.writestr(path, text)


def run_as_pod(bench: Bench) -> "subprocess.CompletedProcess[str]":
    return bench.command("run", "--job-dir", str(bench.job), "--side", "pod")


def test_local_side_installs_nothing(bench: Bench) -> None:
    bench.write("requirements.txt", "not-existing-package==9\n")
    bench.spec(shell("s", "true"), requirements="requirements.txt")
    assert bench.run_here().returncode == 0


def test_satisfied_requirements_install_nothing(bench: Bench) -> None:
    bench.write("requirements.txt", "# comment\npytest>=1  # another\npyarrow\nnothing-at-all ; python_version < '3'\n")
    bench.spec(on_pod(shell("s", "true")), requirements="requirements.txt")
    assert run_as_pod(bench).returncode == 0
    assert bench.output() == [] and list(bench.temporary.rglob("venv-*")) == []


def test_missing_requirement_is_installed_beside_the_image(bench: Bench) -> None:
    wheel(bench.project / "wheels", "tinypkg", "1.5")
    text = f"--no-index\n--find-links {bench.project / 'wheels'}\ntinypkg==1.5\npyarrow\n"
    bench.write("requirements.txt", text)
    code = "python -c 'import tinypkg, pyarrow, sys; print(tinypkg.VERSION, sys.prefix)'"
    bench.spec(on_pod(shell("s", code)), requirements="requirements.txt")
    assert run_as_pod(bench).returncode == 0, bench.output()
    assert any("tinypkg==1.5" in line for e in bench.events("log") if e["step"] is None for line in e["lines"])
    version, prefix = bench.output("s")[0].split()
    assert version == "1.5" and prefix.startswith(str(bench.temporary))
    before = len(bench.events())
    assert run_as_pod(bench).returncode == 0
    assert not any("Installing" in line for e in bench.events()[before:] if e["type"] == "log" for line in e["lines"])
    assert bench.events()[-2]["type"] == "step.skipped"
    wheel(bench.project / "wheels", "tinypkg", "1.6")
    bench.write("requirements.txt", text.replace("1.5", "1.6"))
    assert run_as_pod(bench).returncode == 0
    assert bench.events("step.started")[-1]["why"] == ["package tinypkg changed from 1.5 to 1.6", "requirements changed"]


def test_failed_installation_fails_the_job_with_its_words(bench: Bench) -> None:
    bench.write("requirements.txt", f"--no-index\n--find-links {bench.project}\nnot-existing-package==9\n")
    bench.spec(on_pod(shell("s", "echo never")), requirements="requirements.txt")
    assert run_as_pod(bench).returncode == 1
    last = bench.events()[-1]
    assert last["status"] == "failed" and "requirements.txt" in last["reason"]
    assert any("not-existing-package" in line for line in bench.output()) and bench.events("step.started") == []


def test_missing_requirements_file_is_named(bench: Bench) -> None:
    bench.spec(on_pod(shell("s", "true")), requirements="req.txt")
    assert run_as_pod(bench).returncode == 1
    assert "req.txt does not exist" in bench.events()[-1]["reason"]


def test_a_file_that_windows_saved_is_read(bench: Bench) -> None:
    for encoding in ("utf-16", "utf-8-sig"):
        (bench.project / "requirements.txt").write_bytes("pytest\r\npyarrow\r\n".encode(encoding))
        bench.spec(on_pod(shell("s", "true")), requirements="requirements.txt")
        assert run_as_pod(bench).returncode == 0, bench.events()[-1]


def test_a_nested_file_that_changes_makes_another_environment(bench: Bench) -> None:
    wheel(bench.project / "wheels", "tinypkg", "1.5")
    wheel(bench.project / "wheels", "tinypkg", "1.6")
    bench.write("requirements.txt", "-r reqs/base.txt\n")
    (bench.project / "reqs").mkdir()
    bench.spec(on_pod(shell("s", "python -c 'import tinypkg; print(tinypkg.VERSION)'")), requirements="requirements.txt")
    for version in ("1.5", "1.6"):
        text = f"--no-index\n--find-links {bench.project / 'wheels'}\ntinypkg=={version}\n"
        (bench.project / "reqs" / "base.txt").write_text(text)
        assert run_as_pod(bench).returncode == 0, bench.output()
        assert bench.output("s")[-1] == version


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("-r reqs/base.txt\n", "requirements.txt, line 1 includes reqs/base.txt, which is not on the pod."),
        ("pytest\n-c limits.txt\n", "requirements.txt, line 2 includes limits.txt, which is not on the pod."),
        ("-r requirements.txt\n", "requirements.txt, line 1 includes requirements.txt, which includes it again."),
    ],
)
def test_an_included_file_that_is_not_there_is_named(bench: Bench, text: str, words: str) -> None:
    bench.write("requirements.txt", text)
    bench.spec(on_pod(shell("s", "true")), requirements="requirements.txt")
    assert run_as_pod(bench).returncode == 1
    reason = bench.events()[-1]["reason"]
    assert words in reason and "{" not in reason


def test_constraints_count_for_what_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("-c c.txt\npytest\n")
    (tmp_path / "c.txt").write_text("pytest<1\nnot-there==1\n")
    assert unsatisfied(Requirements(str(tmp_path), "a.txt")) == ["pytest<1"]


def test_variables_of_the_project_and_secrets_of_its_steps_stand_in_lines(bench: Bench) -> None:
    secret = "team-9-0123456789abcdef"
    wheel(bench.project / f"wheels-of-{secret}", "tinypkg", "1.5")
    bench.write("requirements.txt", "--no-index\n--find-links ./wheels-of-${TEAM_KEY}\ntinypkg==${TINY}\n${UNSET_X}\n")
    step = {**on_pod(shell("s", "python -c 'import tinypkg; print(tinypkg.VERSION)'")), "secrets": ["TEAM_KEY"]}
    secrets = json.dumps({"secrets": {"TEAM_KEY": secret}})
    bench.spec(step, requirements="requirements.txt", env={"TINY": "1.5"})
    done = bench.command("run", "--job-dir", str(bench.job), "--side", "pod", stdin=secrets)
    # The name that nobody has set is left as it is, as pip does.
    assert done.returncode == 1 and any("${UNSET_X}" in line for line in bench.output()), bench.output()
    bench.write("requirements.txt", "--no-index\n--find-links ./wheels-of-${TEAM_KEY}\ntinypkg==${TINY}\n")
    done = bench.command("run", "--job-dir", str(bench.job), "--side", "pod", stdin=secrets)
    assert bench.output("s")[-1:] == ["1.5"], (done.stderr, bench.output())
    assert secret not in bench.journal().decode()


@pytest.mark.parametrize("use_packaging", [True, False])
def test_is_satisfied(use_packaging: bool) -> None:
    module = _packaging() if use_packaging else None
    pytest_version = __import__("importlib.metadata").metadata.version("pytest")
    assert is_satisfied("pytest", module) and is_satisfied(f"pytest=={pytest_version}", module)
    assert not is_satisfied("pytest==0.1", module) and not is_satisfied("not-there-at-all", module)
    assert not is_satisfied("git+https://example.com/x.git", module) and not is_satisfied("./folder", module)


def test_hundreds_of_missing_requirements_are_one_answer(bench: Bench) -> None:
    lines = [f"package-with-a-name-of-some-length-{number}==1.2.3" for number in range(400)]
    bench.write("requirements.txt", "--no-index\n" + "\n".join(lines) + "\n")
    bench.spec(on_pod(shell("s", "echo never")), requirements="requirements.txt")
    assert run_as_pod(bench).returncode == 1
    assert "could not be installed" in bench.events()[-1]["reason"]
    told = next(line for line in bench.output() if line.startswith("Not in the image"))
    assert told.endswith("and 390 more") and lines[9] in told


def test_requirements_that_cannot_be_read_are_told_with_their_words(bench: Bench) -> None:
    (bench.project / "requirements.txt").write_bytes(b"\xff\xfe broken")
    bench.spec(on_pod(shell("s", "echo never")), requirements="requirements.txt")
    assert run_as_pod(bench).returncode == 1
    reason = bench.events()[-1]["reason"]
    assert "requirements.txt cannot be read" in reason and "decode" in reason
