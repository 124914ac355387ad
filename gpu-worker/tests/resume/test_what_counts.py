"""R3.5: what a step's result may depend on, in layouts in which imports alone do not tell it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Dict, List

import pytest
from conftest import Bench, shell

NEVER = "it never ran, or its last run did not pass"


def reasons(bench: Bench, *steps: Dict[str, Any], **spec: Any) -> Dict[str, List[str]]:
    """Runs a job of these steps; for each that ran why, and nothing for one that was skipped."""
    bench.spec(*steps, **spec)
    before = len(bench.events())
    assert bench.run_here().returncode == 0, bench.events()
    told: Dict[str, List[str]] = {}
    for event in bench.events()[before:]:
        if event["type"] in ("step.started", "step.skipped"):
            told[event["step"]] = list(event["why"]) if event["type"] == "step.started" else []
    return told


def step(name: str, script: str, **more: Any) -> Dict[str, Any]:
    run = {"kind": "script", "path": script, "args": more.pop("args", [])}
    return {"name": name, "where": "local", "run": run, "inputs": ["data/*.txt"], **more}


@pytest.fixture
def project(bench: Bench) -> Bench:
    bench.write("data/x.txt", "1")
    bench.write("first.py", "print('first')")
    bench.write("second.py", "print('second')")
    return bench


def code_of(bench: Bench) -> List[str]:
    """What the client's transfer would bring: all but the data."""
    files = (path.relative_to(bench.project) for path in bench.project.rglob("*") if path.is_file())
    return sorted(path.as_posix() for path in files if path.parts[0] not in ("data", ".runpod-trainer"))


@pytest.mark.parametrize(
    ("changed", "files"),
    [
        ("conf/train.yaml", {"conf/train.yaml": "lr: 1", "first.py": "open('conf/' + 'train' + '.yaml')"}),
        ("src/deep.py", {"src/deep.py": "", "first.py": "import sys; sys.path.insert(0, 'src'); import deep"}),
        ("sub/x.py", {"sub/x.py": "", "first.py": "import subprocess as s; s.run(['true', 'sub'])"}),
        ("plugins/a1.py", {"plugins/a1.py": "", "first.py": "import importlib as i; i.import_module('plugins.a' + str(1))"}),
        ("fast.pyx", {"fast.pyx": "", "first.py": ""}),
        ("prompt.md", {"prompt.md": "hi", "first.py": "open('prompt.md')"}),
        ("second.py", {"first.py": "import os; os.system('true second.py')"}),
        ("second.py", {"first.py": "import second"}),
    ],
)
def test_a_change_that_the_step_may_see_is_noticed(project: Bench, changed: str, files: Dict[str, str]) -> None:
    for path, text in files.items():
        project.write(path, text)
    steps = [step("first", "first.py"), step("second", "second.py")]
    assert reasons(project, *steps, code=code_of(project))["first"] == [NEVER]
    assert reasons(project, *steps, code=code_of(project)) == {"first": [], "second": []}
    project.write(changed, (project.project / changed).read_text() + "\n")
    assert reasons(project, *steps, code=code_of(project))["first"] == [f"code {changed} changed"]


def test_what_only_a_later_step_can_see_leaves_the_earlier_one_skipped(project: Bench) -> None:
    project.notebook("report.ipynb", ["1"])
    notebook = {"kind": "notebook", "path": "report.ipynb", "parameters": {}}
    steps = [
        step("first", "first.py"),
        step("second", "second.py"),
        {"name": "report", "where": "local", "run": notebook, "inputs": ["data/*.txt"]},
    ]
    reasons(project, *steps, code=code_of(project))
    project.notebook("report.ipynb", ["2"])
    told = reasons(project, *steps, code=code_of(project))
    assert told == {"first": [], "second": [], "report": ["notebook report.ipynb changed (code cell 1)"]}
    project.write("second.py", "print('again')")
    told = reasons(project, *steps, code=code_of(project))
    assert told == {"first": [], "second": ["code second.py changed"], "report": []}


def test_documents_drafts_and_what_steps_make_do_not_count(project: Bench) -> None:
    one = step("first", "first.py", outputs=["out/*"])
    project.write("first.py", "import os; os.makedirs('out', exist_ok=True); open(f'out/{1}.json', 'w').write('{}')")
    reasons(project, one, code=code_of(project))
    for path in ("README.md", "docs/api.txt", "plot.png", "draft.ipynb", "out/table.json"):
        project.write(path, "{}")
    assert reasons(project, one, code=[*code_of(project)]) == {"first": []}


def test_patterns_narrow_what_counts(project: Bench) -> None:
    one = step("first", "first.py", code=["lib/**"])
    project.write("lib/a.py", "")
    project.write("web/page.js", "")
    reasons(project, one, code=code_of(project))
    project.write("web/page.js", "x")
    assert reasons(project, one, code=code_of(project)) == {"first": []}
    project.write("lib/a.py", "x = 1")
    project.write("first.py", "print(2)")
    assert reasons(project, one, code=code_of(project)) == {"first": ["code first.py changed", "code lib/a.py changed"]}


def test_the_order_holds_when_an_earlier_job_was_cut_between_two_steps(project: Bench) -> None:
    first, later = step("first", "first.py"), shell("later", "true")
    reasons(project, first, later)
    project.write("data/x.txt", "2")
    # The job that ran the first step again never came to the second one.
    assert reasons(project, first) == {"first": ["input data/x.txt changed"]}
    assert reasons(project, first, later) == {"first": [], "later": ["it declares no inputs and first ran before it"]}
    assert reasons(project, first, later) == {"first": [], "later": []}


def test_the_order_holds_over_both_sides(bench: Bench) -> None:
    def told(run: str) -> Dict[str, Any]:
        return {"step": "here", "status": "passed", "seconds": 1, "gates": [], "run": run}

    steps = [{**shell("here", "true"), "where": "local"}, {**shell("there", "true"), "where": "pod"}]
    bench.write("data/x.txt", "1")

    def reason(run: str) -> List[str]:
        bench.spec(*steps, localResults=[told(run)])
        before = len(bench.events())
        assert bench.command("run", "--job-dir", str(bench.job), "--side", "pod").returncode == 0
        (event,) = [e for e in bench.events()[before:] if e["type"] in ("step.started", "step.skipped")]
        return list(event["why"]) if event["type"] == "step.started" else []

    assert reason("job-1 a") == [NEVER]
    assert reason("job-1 a") == []
    assert reason("job-2 b") == ["it declares no inputs and here ran before it"]


def test_an_input_that_no_file_matches_is_an_error(project: Bench) -> None:
    project.spec(step("first", "first.py", inputs=["data/*.txt", "data/*.parquet"]))
    assert project.run_here().returncode == 1
    finished = project.events("step.finished")[-1]
    assert finished["reason"] == "It was not started: no file matches data/*.parquet, which it declares among its inputs."


def test_data_in_a_linked_folder_counts(project: Bench, tmp_path: Path) -> None:
    far = tmp_path / "far"
    far.mkdir()
    (far / "rows.txt").write_text("1")
    os.symlink(far, project.project / "data/linked")
    os.symlink(project.project, project.project / "data/back")
    one = step("first", "first.py", inputs=["data/**"])
    reasons(project, one)
    assert reasons(project, one) == {"first": []}
    (far / "rows.txt").write_text("22")
    assert reasons(project, one) == {"first": ["input data/linked/rows.txt changed"]}


def test_outputs_that_are_not_as_the_step_left_them(project: Bench) -> None:
    project.write("first.py", "open('a.bin', 'w').write('aa'); open('b.bin', 'w').write('b')")
    one = step("first", "first.py", outputs=["*.bin"])
    reasons(project, one)
    (project.project / "a.bin").write_text("")
    assert reasons(project, one) == {"first": ["output a.bin is empty"]}
    (project.project / "b.bin").write_text("longer")
    assert reasons(project, one) == {"first": ["output b.bin changed since"]}
    (project.project / "b.bin").unlink()
    assert reasons(project, one) == {"first": ["output b.bin is gone"]}
    assert reasons(project, step("first", "first.py", outputs=["a.bin"])) == {"first": ["other outputs are declared"]}


def test_the_image_and_the_packages_are_named(project: Bench, tmp_path: Path) -> None:
    site = tmp_path / "venv"
    one = step("first", "first.py")
    python = str(_environment(site))
    reasons(project, one, image="a:1", python=python)
    assert reasons(project, one, image="a:2", python=python) == {"first": ["image changed from a:1 to a:2"]}
    (packages,) = site.glob("lib/python*/site-packages")
    (packages / "torch-2.3.0.dist-info").mkdir()
    assert reasons(project, one, image="a:2", python=python) == {"first": ["package torch is new"]}
    (packages / "torch-2.3.0.dist-info").rename(packages / "torch-2.4.1.dist-info")
    told = reasons(project, one, image="a:2", python=python)
    assert told == {"first": ["package torch changed from 2.3.0 to 2.4.1"]}
    assert reasons(project, one, image="a:2", python=python) == {"first": []}


def test_another_gpu_is_told_and_counts_where_that_is_asked_for(project: Bench) -> None:
    def with_gpu(name: str) -> None:
        tool = project.write("bin/nvidia-smi", f"#!/bin/sh\necho '{name}'\n")
        tool.chmod(0o755)

    one = step("first", "first.py")
    path = f"{project.project}/bin:{os.environ['PATH']}"

    def run(same: bool) -> Any:
        project.spec(one, sameGpu=same)
        before = len(project.events())
        done = project.command("run", "--job-dir", str(project.job), "--side", "local", PATH=path)
        assert done.returncode == 0, done.stdout
        return next(e["why"] for e in project.events()[before:] if e["type"] in ("step.started", "step.skipped"))

    with_gpu("NVIDIA L4")
    run(False)
    with_gpu("NVIDIA A40")
    assert run(False) == "Nothing changed since it passed; it ran on NVIDIA L4, and this machine has NVIDIA A40."
    run(True)
    with_gpu("NVIDIA L4")
    assert run(True) == ["GPU changed from NVIDIA A40 to NVIDIA L4"]


def test_not_knowing_is_changed(project: Bench) -> None:
    """A record of a release that kept less is no reason to skip what it cannot vouch for."""
    one = step("first", "first.py")
    reasons(project, one)
    file = project.project / ".runpod-trainer/steps/first.json"
    kept = json.loads(file.read_text())
    for key in ("run", "after", "patterns"):
        del kept[key]
    file.write_text(json.dumps({**kept, "outputs": []}))
    told = reasons(project, one)
    assert told["first"] == ["an earlier release ran it, which kept less of what its result depends on"]
    assert reasons(project, one) == {"first": []}


def _environment(folder: Path) -> Path:
    import venv

    venv.EnvBuilder(symlinks=True, with_pip=False).create(folder)
    return folder / "bin" / "python"
