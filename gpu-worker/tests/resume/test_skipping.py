"""R3.5, R3.6: what is unchanged is skipped, what changed is named."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Dict, List

import pytest
from conftest import Bench, shell

from runpod_trainer_worker.resume.imports import ImportScan


def why(bench: Bench, step: str = "s") -> List[str]:
    """Runs the job again; the reasons for which the step ran, or none when it was skipped."""
    before = len(bench.events())
    assert bench.run_here().returncode == 0, bench.output()
    for event in bench.events()[before:]:
        if event.get("step") == step and event["type"] == "step.started":
            return list(event["why"])
        if event.get("step") == step and event["type"] == "step.skipped":
            return []
    raise AssertionError("the step neither ran nor was skipped")


def script(**more: Any) -> Dict[str, Any]:
    run = {"kind": "script", "path": "tool.py", "args": more.pop("args", [])}
    return {"name": "s", "where": "local", "run": run, "inputs": ["data/*.txt"], "outputs": ["out.txt"], **more}


@pytest.fixture
def project(bench: Bench) -> Bench:
    bench.write("tool.py", "import app.foo; open('out.txt', 'w').write('x')")
    bench.write("app/__init__.py", "")
    bench.write("app/foo.py", "from . import bar")
    bench.write("app/bar.py", "X = 1")
    bench.write("app/other.py", "")
    bench.write("data/x.txt", "1")
    bench.spec(script())
    assert why(bench) == ["it never ran, or its last run did not pass"]
    assert why(bench) == []
    return bench


def test_changed_input_is_named(project: Bench) -> None:
    project.write("data/x.txt", "2")
    assert why(project) == ["input data/x.txt changed"]
    project.write("data/y.txt", "3")
    assert why(project) == ["input data/y.txt is new"]
    (project.project / "data/x.txt").unlink()
    assert why(project) == ["input data/x.txt is gone"]
    assert why(project) == []


def test_input_changed_in_place_with_its_old_time_is_noticed(project: Bench) -> None:
    file = project.project / "data/x.txt"
    os.utime(file, (1_600_000_000, 1_600_000_000))
    assert why(project) == []
    info = file.stat()
    file.write_text("7")
    os.utime(file, ns=(info.st_atime_ns, info.st_mtime_ns))
    assert why(project) == ["input data/x.txt changed"]


def test_touched_input_is_not_changed(project: Bench) -> None:
    os.utime(project.project / "data/x.txt")
    assert why(project) == []


def test_changed_code_is_named_and_other_files_do_not_count(project: Bench) -> None:
    project.write("app/bar.py", "X = 2")
    assert why(project) == ["code app/bar.py changed"]
    project.write("app/other.py", "Y = 1")
    project.write("README.md", "hello")
    assert why(project) == []
    project.write("app/__init__.py", "import app.other")
    assert why(project) == ["code app/__init__.py changed", "code app/other.py is new"]


def test_changed_command_variable_and_output_are_named(project: Bench) -> None:
    project.spec(script(args=["--fast"]))
    assert why(project) == ["arguments changed"]
    project.spec(script(args=["--fast"], env={"A": "1"}), env={"B": "2"})
    assert why(project) == ["variable A is new", "variable B is new"]
    (project.project / "out.txt").unlink()
    assert why(project) == ["output out.txt is gone"]


def test_from_runs_what_is_unchanged(project: Bench) -> None:
    later = shell("later", "true", inputs=["data/*.txt"])
    project.spec(script(), later)
    assert why(project, "later") == ["it never ran, or its last run did not pass"]
    project.spec(script(), later, **{"from": "s"})
    assert why(project) == ["asked for"]
    project.spec(script(), later, **{"from": "later"})
    assert why(project) == []


def test_step_without_inputs_depends_on_the_order(project: Bench) -> None:
    later = shell("later", "true")
    project.spec(script(), later)
    assert why(project, "later") == ["it never ran, or its last run did not pass"]
    assert why(project, "later") == []
    project.write("data/x.txt", "new")
    assert why(project, "later") == ["it declares no inputs and s ran before it"]


def test_skipped_step_must_still_hold_its_gates(project: Bench) -> None:
    gate = {"type": "file", "path": "big.txt"}
    project.write("tool.py", "open('out.txt', 'w'); open('big.txt', 'w').write('xx')")
    project.spec(script(gates=[gate]))
    assert why(project) != []
    assert why(project) == []
    (project.project / "big.txt").unlink()
    assert why(project)[0].startswith("nothing changed, but Gate 'file big.txt' does not hold")


def test_metric_gate_of_a_skipped_step_uses_the_metrics_of_its_run(project: Bench) -> None:
    project.write(
        "tool.py", "import os; open('out.txt', 'w'); open(os.environ['RUNPOD_TRAINER_METRICS'], 'a').write('{\"a\": 1}')"
    )
    project.spec(script(gates=[{"type": "metric", "name": "a", "min": 1}]))
    why(project)
    (project.job / "steps" / "01-s" / "metrics.jsonl").unlink()
    assert why(project) == []


def test_step_that_failed_runs_again(project: Bench) -> None:
    project.write("tool.py", "raise SystemExit(1)")
    assert project.run_here().returncode == 1
    project.write("tool.py", "import app.foo; open('out.txt', 'w').write('x')")
    assert why(project) == ["it never ran, or its last run did not pass"]


def test_notebook_parameters_and_cells_are_named(bench: Bench) -> None:
    def spec(**parameters: Any) -> None:
        run = {"kind": "notebook", "path": "nb.ipynb", "parameters": parameters}
        bench.spec({"name": "s", "where": "local", "run": run, "inputs": ["nothing"]})

    bench.write("lib.py", "")
    bench.notebook("nb.ipynb", ["%time import lib", "1"])
    spec(epochs=1, old=1)
    assert why(bench) == ["it never ran, or its last run did not pass"]
    spec(epochs=2, old=1)
    assert why(bench) == ["parameter epochs changed"]
    bench.notebook("nb.ipynb", ["import lib", "2"])
    assert why(bench) == ["notebook nb.ipynb changed (code cell 1, 2)"]
    bench.write("lib.py", "X = 1")
    assert why(bench) == ["code lib.py changed"]
    # What an editor writes when the notebook is run on the laptop is no change.
    text = (bench.project / "nb.ipynb").read_text()
    bench.write("nb.ipynb", text.replace('"execution_count": null', '"execution_count": 7'))
    assert why(bench) == []


def scan(tmp_path: Path, files: Dict[str, str]) -> ImportScan:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return ImportScan(tmp_path, [])


def test_import_scan_follows_packages_relative_imports_and_names(tmp_path: Path) -> None:
    found = scan(
        tmp_path,
        {
            "a/__init__.py": "from .deep import thing",
            "a/deep/__init__.py": "",
            "a/deep/thing.py": "from ... import nothing\nfrom .. import side\nfrom ..cycle import x",
            "a/side.py": "import os, json",
            "a/cycle.py": "import a.deep.thing",
            "a/run.py": "def f():\n    from b import c as d\n    import importlib\n    importlib.import_module('e.f')",
            "a/__main__.py": "",
            "b/__init__.py": "",
            "b/c.py": "import syntax",
            "syntax.py": "import g\nthis is not python",
            "e/f.py": "",
            "g.py": "",
            "unused.py": "",
            "json.py": "",
        },
    )
    found.module("a.run")
    expected = ["a/__init__.py", "a/cycle.py", "a/deep/__init__.py", "a/deep/thing.py", "a/run.py", "a/side.py"]
    expected += ["b/__init__.py", "b/c.py", "e/f.py", "g.py", "json.py", "syntax.py"]
    assert found.relative() == expected


def test_import_scan_of_a_script_looks_beside_it_first(tmp_path: Path) -> None:
    found = scan(tmp_path, {"tools/s.py": "import near, far", "tools/near.py": "", "far.py": "", "near.py": ""})
    found.script(tmp_path / "tools/s.py")
    assert found.relative() == ["far.py", "tools/near.py", "tools/s.py"]


def test_import_scan_of_a_shell_command(tmp_path: Path) -> None:
    found = scan(
        tmp_path,
        {
            "x.py": "import y",
            "y.py": "",
            "m/__init__.py": "",
            "m/__main__.py": "import z",
            "z.py": "",
            "r.sh": "#!/bin/sh\n# not unused.py\nset -e\npython3 deep.py --flag\nsh again.sh\npython3 -m n\n",
            "deep.py": "import deeper",
            "deeper.py": "",
            "again.sh": "sh r.sh; python3 last.py",
            "last.py": "",
            "n.py": "",
            "unused.py": "",
        },
    )
    found.shell("python3 x.py --flag; torchrun -m m && bash r.sh")
    modules = ["m/__init__.py", "m/__main__.py", "x.py", "y.py", "z.py"]
    assert found.relative() == sorted([*modules, "r.sh", "deep.py", "deeper.py", "again.sh", "last.py", "n.py"])


def test_a_step_runs_again_when_what_its_shell_script_runs_has_changed(bench: Bench) -> None:
    bench.write("run.sh", "set -e\npython3 tool.py\n")
    bench.write("tool.py", "import lib")
    bench.write("lib.py", "X = 1")
    bench.write("data/x.txt", "1")
    bench.spec(shell("s", "sh run.sh", inputs=["data/*.txt"]))
    assert why(bench) == ["it never ran, or its last run did not pass"]
    assert why(bench) == []
    bench.write("lib.py", "X = 2")
    assert why(bench) == ["code lib.py changed"]


def test_the_order_of_another_job_counts_too(bench: Bench) -> None:
    """A step that declares no inputs depends on what ran before it, in whichever job that was."""
    first, later = shell("first", "echo $RANDOM", inputs=["data/*.txt"]), shell("later", "true")
    bench.write("data/x.txt", "1")
    bench.spec(first, later)
    assert why(bench, "later") == ["it never ran, or its last run did not pass"]
    bench.job = bench.job.with_name("job-2")
    bench.job.mkdir()
    bench.spec(first, later, job="job-2")
    assert why(bench, "later") == []
    bench.write("data/x.txt", "2")
    assert why(bench, "later") == ["it declares no inputs and first ran before it"]


@pytest.mark.parametrize(
    ("code", "changed"),
    [
        (
            "import sys, pathlib as p\nsys.path.insert(0, str(p.Path(__file__).parent.parent / 'lib'))\nimport own",
            "lib/own.py",
        ),
        ("import sys\nsys.path.insert(0, 'lib')\nimport own", "lib/own.py"),
        ("import subprocess, sys\nsubprocess.run([sys.executable, 'lib/own.py'], check=True)", "lib/own.py"),
        ("import runpy\nrunpy.run_path('lib/own.py')", "lib/own.py"),
    ],
)
def test_a_step_runs_again_when_code_that_it_reaches_by_a_literal_path_has_changed(
    bench: Bench, code: str, changed: str
) -> None:
    bench.write("scripts/train.py", code)
    bench.write("lib/own.py", "LR = 0.1")
    bench.write("data/x.txt", "1")
    step = {"name": "s", "where": "local", "run": {"kind": "script", "path": "scripts/train.py"}, "inputs": ["data/x.txt"]}
    bench.spec(step)
    assert why(bench) == ["it never ran, or its last run did not pass"]
    assert why(bench) == []
    bench.write("lib/own.py", "LR = 0.5")
    assert why(bench) == [f"code {changed} changed"]
