"""R4.3: a job that does nothing any more is cancelled and its pod ends; a quiet one that computes never is."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path
from typing import Any, Dict

import pytest
from conftest import PYTHON, Api, Bench, on_pod, shell, wait_for

BUSY = "import sys\nwhile True:\n    pass\n"
ASLEEP = "import threading\nthreading.Event().wait()\n"


@pytest.fixture
def pod(bench: Bench, api: Api) -> Bench:
    bench.rent(api)
    bench.timings.update(stall_sample=0.2, stall_lease=0.5)
    return bench


def python(bench: Bench, code: str) -> Dict[str, Any]:
    bench.write("step.py", code)
    return on_pod(shell("s", f"exec {PYTHON} step.py"))


def ended(bench: Bench) -> Dict[str, Any]:
    wait_for(lambda: bench.events("job.finished"))
    return bench.events("job.finished")[0]


def gpu(bench: Bench, answer: str) -> None:
    """A driver that answers so."""
    folder = bench.root / "bin"
    folder.mkdir()
    tool = folder / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\n{answer}\n")
    tool.chmod(tool.stat().st_mode | stat.S_IXUSR)
    bench.pod["PATH"] = f"{folder}{os.pathsep}{os.environ['PATH']}"


def quiet(seconds: float, bench: Bench, api: Api) -> None:
    """Nothing is ended for so long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert bench.events("job.finished") == [] and api.ends() == []
        time.sleep(0.1)


def cancel(bench: Bench, api: Api) -> None:
    bench.command("control", "--job-dir", str(bench.job), "cancel")
    wait_for(lambda: api.ends() != [])


def test_ends_the_pod_of_a_job_that_waits_for_ever_and_names_the_witnesses(pod: Bench, api: Api) -> None:
    pod.spec(python(pod, ASLEEP), stallSeconds=3)
    pod.start()
    last = ended(pod)
    assert last["status"] == "cancelled" and last["step"] == "s"
    for part in ("stalled: for 3 seconds", "journal had no new line", "processes computed", "no GPU is here"):
        assert part in last["reason"]
    wait_for(lambda: "terminate" in api.ends())
    assert "stalled" in (pod.job / "watchdog.log").read_text()


def test_a_step_that_ignores_being_asked_ends_too(pod: Bench, api: Api) -> None:
    pod.spec(on_pod(shell("s", "trap '' INT TERM; sleep 600")), stallSeconds=2)
    pod.start()
    assert ended(pod)["reason"].startswith("stalled")
    wait_for(lambda: "terminate" in api.ends())
    wait_for(lambda: pod.processes() == [])


def test_a_silent_busy_loop_is_left_alone(pod: Bench, api: Api) -> None:
    pod.spec(python(pod, BUSY), stallSeconds=2)
    pod.start()
    quiet(8, pod, api)
    cancel(pod, api)
    assert ended(pod)["reason"] == "It was cancelled."


def test_a_silent_child_that_computes_in_a_session_of_its_own_is_left_alone(pod: Bench, api: Api) -> None:
    pod.write("busy.py", BUSY)
    pod.spec(on_pod(shell("s", f"setsid {PYTHON} busy.py & exec sleep 600")), stallSeconds=2)
    pod.start()
    quiet(6, pod, api)
    cancel(pod, api)


def test_one_that_only_reads_files_is_left_alone(pod: Bench, api: Api) -> None:
    (pod.project / "data").write_bytes(b"x" * 60_000)
    pod.spec(python(pod, "import time\nwhile True:\n    open('data','rb').read()\n    time.sleep(0.5)\n"), stallSeconds=2)
    pod.start()
    quiet(6, pod, api)
    cancel(pod, api)


def test_one_that_only_prints_is_left_alone(pod: Bench, api: Api) -> None:
    pod.spec(python(pod, "import time\nwhile True:\n    print('.', flush=True)\n    time.sleep(0.7)\n"), stallSeconds=2)
    pod.start()
    quiet(6, pod, api)
    cancel(pod, api)


def test_one_whose_gpu_works_is_left_alone(pod: Bench, api: Api) -> None:
    gpu(pod, "echo 0; echo 37")
    pod.spec(python(pod, ASLEEP), stallSeconds=2)
    pod.start()
    quiet(6, pod, api)
    cancel(pod, api)


def test_a_gpu_that_rests_is_named(pod: Bench, api: Api) -> None:
    gpu(pod, "echo 0; echo 0")
    pod.spec(python(pod, ASLEEP), stallSeconds=2)
    pod.start()
    assert "no GPU was in use" in ended(pod)["reason"]


def test_a_driver_that_hangs_doubles_the_time_and_holds_nobody_up(pod: Bench, api: Api) -> None:
    gpu(pod, "exec sleep 600")
    pod.spec(python(pod, ASLEEP), stallSeconds=2)
    pod.start()
    wait_for(lambda: pod.events("step.started"))
    began = time.monotonic()
    reason = ended(pod)["reason"]
    assert time.monotonic() - began > 3.5
    assert "the GPU use is unknown" in reason
    wait_for(lambda: "terminate" in api.ends())


def test_without_a_limit_nothing_stalls(pod: Bench, api: Api) -> None:
    pod.spec(python(pod, ASLEEP))
    pod.start()
    quiet(4, pod, api)
    cancel(pod, api)


def test_a_kept_pod_is_kept(pod: Bench, api: Api) -> None:
    pod.spec(python(pod, ASLEEP), stallSeconds=2, onFinish="keep")
    pod.start()
    assert ended(pod)["reason"].startswith("stalled")
    log: Path = pod.job / "watchdog.log"
    wait_for(lambda: "the pod is kept" in log.read_text())
    assert api.ends() == []


def test_results_are_fetched_from_a_stalled_job_under_a_lease(pod: Bench, api: Api) -> None:
    pod.timings.update(lease=4.0, stall_lease=1.5)
    pod.spec(python(pod, ASLEEP), stallSeconds=2)
    pod.start()
    ended(pod)
    pod.command("control", "--job-dir", str(pod.job), "hold")
    time.sleep(2.5)
    assert api.ends() == []
    wait_for(lambda: "terminate" in api.ends())


def test_a_notebook_whose_cell_waits_for_ever_stalls_too(pod: Bench, api: Api) -> None:
    """An idle kernel and the process that drives it use a little CPU time all along."""
    pod.notebook("n.ipynb", ["print('up')", ASLEEP])
    step = {"name": "s", "where": "pod", "run": {"kind": "notebook", "path": "n.ipynb", "parameters": {}}}
    pod.spec(step, stallSeconds=6)
    pod.start()
    wait_for(lambda: pod.output() == ["up"], 40)
    wait_for(lambda: pod.events("job.finished"), 30)
    assert ended(pod)["reason"].startswith("stalled")
    wait_for(lambda: "terminate" in api.ends())
