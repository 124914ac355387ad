"""R3.4: a job begins at most once, however often a client over a broken link asks, and never without its secrets."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from typing import Any, Dict, List

import pytest
from conftest import PYTHON, Api, Bench, on_pod, shell, wait_for

STEP = on_pod(
    shell("s", 'echo began >> began; test "$WANDB_API_KEY" = key-of-the-user; sleep 60', secrets=["WANDB_API_KEY"])
)


@pytest.fixture
def pod(bench: Bench, api: Api) -> Bench:
    bench.rent(api)
    return bench


def asked(pod: Bench, *steps: Dict[str, Any]) -> str:
    """What a client sends; nothing of it lies on the volume before."""
    spec = pod.spec(*steps)
    (pod.job / "spec.json").unlink()
    pod.job.rmdir()
    return json.dumps({"spec": spec, "secrets": {"WANDB_API_KEY": "key-of-the-user"}})


def slow(status: int) -> int:
    time.sleep(1.5)
    return status


def begin(pod: Bench, text: str) -> Dict[str, Any]:
    answer: Dict[str, Any] = json.loads(pod.command("begin", "--job-dir", str(pod.job), stdin=text).stdout)
    return answer


def begun(pod: Bench) -> Any:
    return json.loads(pod.command("begun", "--job-dir", str(pod.job)).stdout)["begun"]


def times_begun(pod: Bench) -> int:
    wait_for(lambda: (pod.project / "began").exists())
    return len((pod.project / "began").read_text().splitlines())


def end(pod: Bench) -> None:
    pod.command("control", "--job-dir", str(pod.job), "cancel")
    assert pod.follow().returncode == 0


def test_a_job_that_nobody_brought_has_not_begun(pod: Bench) -> None:
    asked(pod, STEP)
    assert begun(pod) is None
    assert not pod.job.exists(), "asking writes nothing to the volume"


def test_asking_again_answers_what_the_start_answered(pod: Bench, api: Api) -> None:
    text = asked(pod, STEP)
    first = begin(pod, text)
    assert first["watchdog"]["armed"] is True
    assert begin(pod, text) == first and begun(pod) == first
    assert times_begun(pod) == 1
    end(pod)
    assert begin(pod, text) == first, "a job that has ended is not begun again either"
    assert [event["type"] for event in pod.events()].count("job.started") == 1


def test_many_that_ask_at_once_begin_it_once(pod: Bench, api: Api) -> None:
    text = asked(pod, STEP)
    argv = [PYTHON, str(pod.pyz), "begin", "--job-dir", str(pod.job)]
    pipe = subprocess.PIPE
    racers = [subprocess.Popen(argv, env=pod.environment(), stdin=pipe, stdout=pipe, text=True) for _ in range(6)]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write(text)
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.close()
    answers: List[Dict[str, Any]] = []
    for racer in racers:
        assert racer.stdout is not None
        answers.append(json.loads(racer.stdout.read()))
        racer.stdout.close()
        racer.wait()
    assert all(answer == answers[0] for answer in answers) and answers[0]["epoch"] == 1
    assert times_begun(pod) == 1
    end(pod)


@pytest.mark.parametrize("kept", [0.0, 0.3, 0.9, 0.999])
def test_input_that_the_link_cut_off_begins_nothing(pod: Bench, kept: float) -> None:
    text = asked(pod, STEP)
    assert "Send it again" in begin(pod, text[: int(len(text) * kept)])["error"]["next"]
    assert begun(pod) is None and pod.processes("_work") == []


def test_asked_while_it_is_just_starting_waits_for_the_watchdogs_word(pod: Bench, api: Api) -> None:
    text = asked(pod, STEP)
    # Before its probe is answered the keeper has nothing to say.
    api.reply = lambda action: slow(409) if action == "start" else 204
    argv = [PYTHON, str(pod.pyz), "begin", "--job-dir", str(pod.job)]
    first = subprocess.Popen(argv, env=pod.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert first.stdin is not None and first.stdout is not None
    first.stdin.write(text)
    first.stdin.close()
    wait_for(lambda: (pod.job / "epochs" / "1" / "owner.json").exists())
    # What a cut link does to it, before it could answer.
    first.send_signal(signal.SIGKILL)
    first.wait()
    first.stdout.close()
    answer = begun(pod)
    assert answer["watchdog"]["armed"] is True and answer["epoch"] == 1
    assert begin(pod, text) == answer
    assert times_begun(pod) == 1
    end(pod)


def test_a_start_that_took_effect_is_never_taken_back(pod: Bench, api: Api) -> None:
    """Its worker died before its first word: what is left is the keeper's and the journal's matter."""
    text = asked(pod, STEP)
    begin(pod, text)
    assert times_begun(pod) == 1
    for pid in pod.processes():
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not pod.processes())
    (pod.job / "events.jsonl").unlink()
    began = time.monotonic()
    assert begin(pod, text)["watchdog"]["armed"] is False
    assert time.monotonic() - began < 20
    assert times_begun(pod) == 1
