"""R3.7: notebooks run as steps with parameters, and what was done is kept."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path
from typing import Any, Dict, List

import pytest
from conftest import PYTHON, Bench, wait_for


def step(path: str = "nb.ipynb", **more: Any) -> Dict[str, Any]:
    parameters = more.pop("parameters", {})
    return {"name": "nb", "where": "local", "run": {"kind": "notebook", "path": path, "parameters": parameters}, **more}


def copy_of(bench: Bench) -> List[Dict[str, Any]]:
    raw = json.loads((bench.job / "steps" / "01-nb" / "nb.ipynb").read_text())
    cells: List[Dict[str, Any]] = raw["cells"]
    return cells


def text_of(cell: Dict[str, Any]) -> str:
    return "".join("".join(output.get("text", "")) for output in cell["outputs"])


def end(bench: Bench) -> Dict[str, Any]:
    event: Dict[str, Any] = bench.events("step.finished")[-1]
    return event


def test_parameters_override_the_tagged_cell(bench: Bench) -> None:
    cells = ["import json", "epochs = 1\nname = 'x'", "print(json.dumps([epochs, name, on, none, deep]))\n1 + 1"]
    bench.notebook("nb.ipynb", cells, {1: "parameters"})
    parameters = {"epochs": 3, "name": "quo\"te\n's 🌈", "on": True, "none": None, "deep": {"a": [1.5, False]}}
    bench.spec(step(parameters=parameters))
    assert bench.run_here().returncode == 0, bench.output()
    assert json.loads(bench.output("nb")[0]) == [3, parameters["name"], True, None, {"a": [1.5, False]}]
    assert bench.output("nb")[1:] == ["2"]
    done = copy_of(bench)
    assert done[2]["metadata"]["tags"] == ["injected-parameters"] and len(done) == 4
    told = [(e["cell"], e["of"], e["status"]) for e in bench.events("cell")]
    assert told == [(n, 4, s) for n in (1, 2, 3, 4) for s in ("started", "passed")]
    assert json.loads((bench.project / "nb.ipynb").read_text())["cells"][1]["outputs"] == []


def test_runs_in_the_project_with_its_environment_and_own_python(bench: Bench) -> None:
    bench.write("app/__init__.py", "X = 5")
    bench.write("json.py", "raise SystemError('a project file must not shadow the driver')")
    cells = ["import app, os, sys", "print(app.X, os.getcwd(), sys.executable, os.environ['K'])"]
    bench.notebook("sub/nb.ipynb", cells, kernelspec={"name": "no-such-kernel", "display_name": "x", "language": "python"})
    (bench.project / "json.py").unlink()
    bench.write("nbformat.py", "raise SystemError('a project file must not shadow the driver')")
    bench.spec(step("sub/nb.ipynb"), env={"K": "v"})
    assert bench.run_here().returncode == 0, bench.output()
    assert bench.output() == [f"5 {bench.project} {PYTHON} v"]


def test_failing_cell_keeps_its_traceback_and_stops(bench: Bench) -> None:
    bench.notebook("nb.ipynb", ["print('one')", "print('two'); raise ValueError('no color Green')", "print('three')"])
    bench.spec(step())
    assert bench.run_here().returncode == 1
    assert end(bench)["reason"] == "Cell 2 of 3 failed: ValueError: no color Green"
    assert any("ValueError" in line for line in bench.output())
    one, two, three = copy_of(bench)
    assert text_of(one) == "one\n" and two["outputs"][-1]["ename"] == "ValueError" and three["outputs"] == []
    assert bench.events("cell")[-1]["status"] == "failed"


def test_cell_40_kills_the_kernel_and_39_cells_of_output_stay(bench: Bench) -> None:
    cells = [f"print('output of {n}')" for n in range(1, 40)]
    bench.notebook("nb.ipynb", [*cells, "import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "print('never')"])
    bench.spec(step())
    assert bench.run_here().returncode == 1
    assert [text_of(cell) for cell in copy_of(bench)[:39]] == [f"output of {n}\n" for n in range(1, 40)]
    reason = end(bench)["reason"]
    assert "cell 40 of 41" in reason and "SIGKILL" in reason and "memory" in reason
    assert end(bench)["seconds"] < 20


def test_copy_is_saved_while_the_notebook_runs(bench: Bench) -> None:
    bench.notebook("nb.ipynb", ["print('kept')", "print('in the log', flush=True)\nimport time; time.sleep(60)"])
    bench.spec(step())
    argv = [PYTHON, str(bench.pyz), "run", "--job-dir", str(bench.job)]
    with subprocess.Popen(argv, env=bench.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        wait_for(lambda: "in the log" in bench.output(), 20)
        assert text_of(copy_of(bench)[0]) == "kept\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 1
    assert bench.events("step.finished")[-1]["status"] == "cancelled"
    assert copy_of(bench)[1]["outputs"][-1]["ename"] == "KeyboardInterrupt"
    assert bench.processes("--HistoryManager.hist_file=:memory:") == []


def test_cell_that_ignores_the_interrupt_is_ended_and_its_copy_kept(bench: Bench) -> None:
    stubborn = (
        "import time\nwhile True:\n    try:\n        time.sleep(60)\n    except KeyboardInterrupt:\n        print('no')"
    )
    bench.notebook("nb.ipynb", ["print('kept')", stubborn])
    bench.spec(step(timeoutSeconds=3))
    assert bench.run_here().returncode == 1
    assert end(bench)["status"] == "timeout"
    assert text_of(copy_of(bench)[0]) == "kept\n"
    assert bench.processes("--HistoryManager.hist_file=:memory:") == []


def test_metrics_and_gates_of_a_notebook(bench: Bench) -> None:
    report = "import os, json\nopen(os.environ['RUNPOD_TRAINER_METRICS'], 'a').write(json.dumps({'accuracy': 0.9}) + '\\n')"
    bench.notebook("nb.ipynb", [report])
    bench.spec(step(gates=[{"type": "metric", "name": "accuracy", "min": 0.5}]))
    assert bench.run_here().returncode == 0
    assert bench.events("gate")[0]["gate"]["seen"] == "0.9"


def test_secret_is_not_in_the_copy(bench: Bench) -> None:
    bench.notebook("nb.ipynb", ["import os\nprint('value', os.environ['HF_TOKEN'])"])
    bench.spec(step(secrets=["HF_TOKEN"]))
    assert bench.run_here(HF_TOKEN="hf_abcdefgh1234").returncode == 0
    assert text_of(copy_of(bench)[0]) == "value [secret]\n" and bench.output() == ["value [secret]"]


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ('{"cells": [', "not valid JSON"),
        ("[]", "broken"),
        ('{"nbformat": 4, "nbformat_minor": 5, "metadata": {}}', "broken"),
        (
            '{"cells": [], "metadata": {"kernelspec": {"name": "ir", "language": "R"}}, "nbformat": 4, "nbformat_minor": 5}',
            "R",
        ),
    ],
)
def test_broken_notebook_is_explained(bench: Bench, content: str, word: str) -> None:
    bench.write("nb.ipynb", content)
    bench.spec(step())
    assert bench.run_here().returncode == 1
    assert word in end(bench)["reason"] and "nb.ipynb" in end(bench)["reason"]


def test_missing_notebook_and_bad_parameter_are_explained(bench: Bench) -> None:
    bench.spec(step("gone.ipynb"))
    assert bench.run_here().returncode == 1
    assert "gone.ipynb does not exist" in end(bench)["reason"]
    bench.notebook("nb.ipynb", ["1"])
    bench.spec(step(parameters={"not a name": 1}))
    assert bench.run_here().returncode == 1
    assert "'not a name'" in end(bench)["reason"]


def test_python_without_notebook_packages_is_explained(bench: Bench, tmp_path: Path) -> None:
    subprocess.run([PYTHON, "-m", "venv", "--without-pip", str(tmp_path / "bare")], check=True)
    bench.notebook("nb.ipynb", ["1"])
    bench.spec(step(), python=str(tmp_path / "bare" / "bin" / "python"))
    assert bench.run_here().returncode == 1
    assert "ipykernel" in end(bench)["reason"] and "target.requirements" in end(bench)["reason"]


def test_what_programs_and_libraries_print_is_told_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    # Under pytest ipykernel leaves alone what is printed past Python.
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    cells = [
        "import os, subprocess, sys\nsubprocess.run(['echo', 'program']);",
        "os.system('echo system; echo error >&2');",
        "os.write(1, b'library\\n');\nprint('python')",
        "subprocess.run(['echo', 'to the stream'], stdout=sys.stdout);",
        "!echo bang",
        "subprocess.run(['printf', 'no end']); subprocess.run(['sh', '-c', 'echo grandchild & wait']);",
    ]
    bench.notebook("nb.ipynb", cells)
    bench.spec(step())
    assert bench.run_here().returncode == 0, bench.output()
    assert bench.output() != []
    printed = " ".join(line.strip() for line in bench.output())
    for word in ("program", "system", "error", "library", "python", "to the stream", "bang", "no end", "grandchild"):
        assert printed.count(word) == 1, (word, bench.output())
    assert text_of(copy_of(bench)[0]) == "program\n"


def test_the_last_words_of_a_kernel_that_crashes_are_kept(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    bench.notebook("nb.ipynb", ["import ctypes\nctypes.string_at(0)"])
    bench.spec(step())
    assert bench.run_here().returncode == 1
    assert sum("Fatal Python error" in line for line in bench.output()) == 1, bench.output()
