"""R3.1, R3.3, R5.1: steps of every kind, their environment, their endings."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any, List

import pytest
from conftest import PYTHON, Bench, is_running, shell, wait_for

from runpod_trainer_worker.run.output_copy import OutputCopy


def finished(bench: Bench, step: str) -> Any:
    return next(e for e in bench.events("step.finished") if e["step"] == step)


def test_kinds_of_steps_and_order(bench: Bench) -> None:
    bench.write("pkg/__init__.py", "")
    bench.write("pkg/mod.py", "import sys; print('module', sys.argv[1:])")
    bench.write("tools/s.py", "import pkg.mod, os; print('script', os.getcwd())")
    bench.spec(
        {"name": "m", "where": "local", "run": {"kind": "module", "module": "pkg.mod", "args": ["a b", "ü"]}},
        {"name": "s", "where": "local", "run": {"kind": "script", "path": "tools/s.py", "args": []}},
        shell("sh", "false | true; echo unreachable"),
    )
    done = bench.run_here()
    assert done.returncode == 1
    assert bench.output("m") == ["module ['a b', 'ü']"]
    assert bench.output("s")[-1] == f"script {bench.project}"
    assert bench.output("sh") == []
    assert finished(bench, "sh")["exitCode"] == 1
    assert [json.loads(line) for line in done.stdout.splitlines()] == bench.events()
    events = bench.events()
    assert [e["seq"] for e in events] == list(range(1, len(events) + 1))
    assert events[0]["type"] == "job.started" and events[-1]["type"] == "job.finished"
    state = bench.state()
    assert [s["status"] for s in state["steps"]] == ["passed", "passed", "failed"]
    assert (state["status"], state["step"]) == ("failed", "sh")
    assert (bench.job / "steps" / "01-m" / "stdout.log").read_text() == "module ['a b', 'ü']\n"


def test_steps_of_the_other_side_are_left_alone(bench: Bench) -> None:
    bench.spec(
        {"name": "far", "run": {"kind": "shell", "command": "exit 1"}},
        shell("near", "echo here"),
        localResults=[{"step": "far", "status": "passed", "seconds": 1.5, "gates": []}],
    )
    assert bench.run_here().returncode == 0
    assert [e["step"] for e in bench.events("step.local")] == ["far"]
    assert [s["status"] for s in bench.state()["steps"]] == ["passed", "passed"]


def test_environment_has_no_credentials_but_the_listed_secret(bench: Bench) -> None:
    keys = {"HF_TOKEN": "hf_listedlisted", "WANDB_API_KEY": "wandbwandbwandb", "MY_PLAIN": "x"}
    command = 'env; echo "token is $HF_TOKEN"; test "$A" = step; test "$HF_TOKEN" = hf_listed""listed'
    bench.spec(shell("s", command, env={"A": "step"}, secrets=["HF_TOKEN"]), env={"A": "spec", "B": "b"})
    assert bench.run_here(**keys).returncode == 0
    lines = bench.output()
    seen = dict(line.split("=", 1) for line in lines if "=" in line)
    assert "WANDB_API_KEY" not in seen and "RUNPOD_API_KEY" not in seen and "RUNPOD_TRAINER_TIMINGS" not in seen
    assert (seen["B"], seen["MY_PLAIN"], seen["PYTHONUNBUFFERED"]) == ("b", "x", "1")
    assert seen["RUNPOD_POD_ID"] == bench.pod_id
    assert seen["PYTHONPATH"].split(":")[0] == str(bench.project)
    assert seen["RUNPOD_TRAINER_STEP_DIR"] == str(bench.job / "steps" / "01-s")
    assert "token is [secret]" in lines
    for file in bench.job.rglob("*"):
        if file.is_file():
            assert b"hf_listedlisted" not in file.read_bytes() and b"wandbwandb" not in file.read_bytes()


def test_secrets_come_by_standard_input(bench: Bench) -> None:
    bench.spec(shell("s", 'test "$TOKEN_A" = "by-""stdin"; test -z "${TOKEN_B-}"', secrets=["TOKEN_A"]))
    given = '{"secrets": {"TOKEN_A": "by-stdin", "TOKEN_B": "not listed"}}'
    done = bench.command("run", "--job-dir", str(bench.job), "--side", "local", stdin=given)
    assert done.returncode == 0, done.stdout
    assert "by-stdin" not in done.stdout


def test_missing_secret_is_named(bench: Bench) -> None:
    bench.spec(shell("s", "true", secrets=["NOT_GIVEN"]))
    assert bench.run_here().returncode == 1
    assert "NOT_GIVEN" in finished(bench, "s")["reason"]


def test_the_pod_key_is_never_given(bench: Bench) -> None:
    bench.spec(shell("s", "true", secrets=["RUNPOD_API_KEY"]))
    assert bench.run_here().returncode == 1
    assert "never given" in finished(bench, "s")["reason"]


def test_timeout_is_named_and_leaves_nothing(bench: Bench) -> None:
    bench.spec(shell("s", "trap '' INT TERM; echo $$; sleep 60 & sleep 60; sleep 60", timeoutSeconds=0.5))
    began = time.monotonic()
    assert bench.run_here().returncode == 1
    assert time.monotonic() - began < 10
    end = finished(bench, "s")
    assert end["status"] == "timeout" and "0.5 seconds" in end["reason"]
    assert bench.processes("sleep") == []


def test_leftovers_are_killed_even_in_a_session_of_their_own(bench: Bench) -> None:
    bench.spec(shell("s", "sleep 61 & setsid sleep 62 & setsid -f sleep 63; echo done"))
    assert bench.run_here().returncode == 0
    wait_for(lambda: not bench.processes("sleep"), 3)


def test_exit_by_signal_is_explained(bench: Bench) -> None:
    bench.spec(shell("s", "kill -9 $$"))
    bench.run_here()
    assert "memory" in finished(bench, "s")["reason"] and finished(bench, "s")["exitCode"] == -9
    bench.spec(shell("s", f"{PYTHON} -c 'import os; os.kill(os.getpid(), 9)'"))
    bench.run_here()
    assert "memory" in bench.events("step.finished")[-1]["reason"]
    bench.spec(shell("s", "kill -SEGV $$"))
    bench.run_here()
    assert "SIGSEGV" in bench.events("step.finished")[-1]["reason"]


def test_reason_has_the_last_line_of_the_errors(bench: Bench) -> None:
    bench.write("s.py", "raise ValueError('the number 7 is wrong')")
    bench.spec({"name": "s", "where": "local", "run": {"kind": "script", "path": "s.py", "args": []}})
    bench.run_here()
    assert finished(bench, "s")["reason"].endswith("ValueError: the number 7 is wrong")
    assert bench.events("job.finished")[-1]["step"] == "s"


def test_metrics_become_events_and_not_a_number_is_null(bench: Bench) -> None:
    reports = ['{"step": 1, "loss": 0.5}', "nonsense", '{"loss": NaN, "note": "text"}']
    command = "".join(f"echo '{line}' >> $RUNPOD_TRAINER_METRICS; " for line in reports)
    command += "printf '{\"loss\": 0.25}' >> $RUNPOD_TRAINER_METRICS"
    bench.spec(shell("s", command, gates=[{"type": "metric", "name": "loss", "max": 0.3}]))
    assert bench.run_here().returncode == 0
    assert [e["values"] for e in bench.events("metric")] == [{"step": 1, "loss": 0.5}, {"loss": None}, {"loss": 0.25}]
    assert "1 lines" in bench.events("note")[0]["text"]
    assert bench.events("gate")[0]["gate"]["evidence"]["finite"] is False


def test_much_output_is_complete_and_in_order(bench: Bench) -> None:
    bench.spec(shell("s", "seq 1 200000"))
    assert bench.run_here().returncode == 0
    assert bench.output("s") == [str(n) for n in range(1, 200001)]


def test_output_is_shown_while_the_step_runs(bench: Bench) -> None:
    bench.spec(shell("s", "echo first; while test ! -e go; do sleep 0.05; done; echo second"))
    argv = [PYTHON, str(bench.pyz), "run", "--job-dir", str(bench.job)]
    with subprocess.Popen(argv, env=bench.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        wait_for(lambda: bench.output("s") == ["first"], 10)
        bench.write("go", "")
        assert process.wait(20) == 0
    assert bench.output("s") == ["first", "second"]


def test_interrupt_cancels_cleanly_in_the_foreground(bench: Bench) -> None:
    bench.spec(shell("s", "echo up; sleep 60"), shell("never", "echo never"))
    argv = [PYTHON, str(bench.pyz), "run", "--job-dir", str(bench.job)]
    with subprocess.Popen(argv, env=bench.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        wait_for(lambda: bench.output("s"), 10)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 1
    assert bench.events("job.finished")[-1]["status"] == "cancelled"
    assert [s["status"] for s in bench.state()["steps"]] == ["cancelled", "waiting"]
    assert not is_running(process.pid) and bench.processes("sleep") == []


@pytest.mark.parametrize("how", ["hang-up", "client gone"])
def test_steps_in_the_foreground_end_with_their_client(bench: Bench, how: str) -> None:
    """Those of a daemon too (R3.4)."""
    bench.spec(
        shell("s", "nohup setsid sleep 61 & sleep 0.1; echo up; trap '' HUP INT; sleep 62"), shell("never", "echo never")
    )
    argv = [PYTHON, str(bench.pyz), "run", "--job-dir", str(bench.job), "--attended"]
    with subprocess.Popen(argv, env=bench.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(b'{"secrets": {}}\n')
        process.stdin.flush()
        wait_for(lambda: bench.output("s"), 10)
        assert len(bench.processes("sleep")) == 2
        if how == "hang-up":
            process.send_signal(signal.SIGHUP)
        else:
            process.stdout.close()
            process.stdin.close()
        assert process.wait(20) == 1
    last = bench.events("job.finished")[-1]
    assert (last["status"], last["reason"]) == ("cancelled", "The program that ran it was ended.")
    assert bench.processes("sleep") == []


def test_secrets_of_an_attended_run_are_its_first_line(bench: Bench) -> None:
    bench.spec(shell("s", 'test "$TOKEN" = by-"stdin" && echo it is', secrets=["TOKEN"]))
    argv = [PYTHON, str(bench.pyz), "run", "--job-dir", str(bench.job), "--attended"]
    with subprocess.Popen(argv, env=bench.environment(), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        assert process.stdin is not None
        process.stdin.write(b'{"secrets": {"TOKEN": "by-stdin"}}\n')
        process.stdin.flush()
        assert process.wait(20) == 0
    assert bench.output("s") == ["it is"]


def test_missing_python_and_missing_project_are_named(bench: Bench) -> None:
    bench.spec(shell("s", "true"), python="python-that-is-not-there")
    assert bench.run_here().returncode == 1
    assert "python-that-is-not-there" in bench.events("job.finished")[-1]["reason"]
    bench.spec(shell("s", "true"), paths={"project": str(bench.root / "nowhere"), "mount": "/x"})
    assert bench.run_here().returncode == 1
    assert "Upload the project first" in bench.events("job.finished")[-1]["reason"]


def test_bad_spec_names_the_field(bench: Bench) -> None:
    bench.spec({"name": "s", "run": {"kind": "dance"}})
    done = bench.run_here()
    assert done.returncode == 2
    assert "steps[0].run.kind" in json.loads(done.stdout)["error"]["why"]
    assert bench.events() == []


def test_unknown_step_in_from_is_refused(bench: Bench) -> None:
    bench.spec(shell("s", "true"), **{"from": "phase_9"})
    done = bench.run_here()
    assert done.returncode == 2 and "phase_9" in json.loads(done.stdout)["error"]["why"]


def test_unknown_command_is_an_error_in_json(bench: Bench) -> None:
    done = bench.command("dance")
    assert done.returncode == 2 and "dance" in json.loads(done.stdout)["error"]["why"]


def test_volume_that_takes_no_more_ends_the_job_with_that_reason(bench: Bench) -> None:
    """A limit on the size of files stands for the full volume: the journal cannot grow, and the job must not hang."""
    bench.timings.update(stuck=0.5, close_wait=0.5)
    bench.spec(shell("s", "while true; do seq 1 20000; sleep 0.2; done"))
    argv = ["bash", "-c", 'ulimit -f 300; exec "$@"', "x", PYTHON, str(bench.pyz), "run", "--job-dir", str(bench.job)]
    done = subprocess.run(
        argv, env=bench.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=40, check=False
    )
    assert done.returncode == 1
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [e["type"] for e in events[-2:]] == ["step.finished", "job.finished"]
    assert all(e["status"] == "failed" and "cannot be written" in e["reason"] for e in events[-2:])
    assert bench.state()["status"] == "failed" and bench.processes() == []


def test_copy_of_the_output_that_cannot_be_written_ends_nothing(bench: Bench) -> None:
    """The kernel refuses every byte of `/dev/full`. R3.4: the journal has the lines."""
    folder = bench.job / "steps" / "01-s"
    folder.mkdir(parents=True)
    (folder / "stdout.log").symlink_to("/dev/full")
    (folder / "gate.json").mkdir()
    bench.spec(
        shell(
            "s", "echo one; sleep 0.5; echo two", gates=[{"type": "file", "path": "spec", "minBytes": 1, "allowStale": True}]
        )
    )
    bench.write("spec", "x")
    assert bench.run_here().returncode == 0
    assert bench.output("s") == ["one", "two"] and bench.events()[-1]["status"] == "succeeded"
    copy, gates = (event["text"] for event in bench.events("note"))
    assert "stdout.log: No space left on device" in copy and "the journal has it" in copy
    assert "gate.json cannot be written" in gates


def test_copy_of_the_output_goes_on_after_a_failure_and_says_what_is_missing(tmp_path: Path) -> None:
    failures: List[OSError] = []
    told: List[str] = []

    def write(descriptor: int, data: bytes) -> int:
        if failures:
            raise failures.pop()
        return os.write(descriptor, data[:4])

    copy = OutputCopy(tmp_path / "stdout.log", told.append, write)
    copy.add(b"first line\n")
    failures.extend(OSError(errno.EIO, os.strerror(errno.EIO)) for _ in range(2))
    copy.add(b"lost")
    copy.add(b"lost too")
    copy.add(b"last line\n")
    copy.close()
    text = (tmp_path / "stdout.log").read_text()
    assert text == "first line\n\n[12 bytes that could not be written are missing here]\nlast line\n"
    assert told == [f"{tmp_path / 'stdout.log'}: Input/output error"]
