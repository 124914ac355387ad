"""R4.3: a pod on which no job begins ends itself; a client that is at work asks it to wait."""

from __future__ import annotations

import json
import os
import signal
import time
from typing import Any, Dict

import pytest
from conftest import Api, Bench, on_pod, shell, wait_for


@pytest.fixture
def pod(bench: Bench, api: Api) -> Bench:
    bench.rent(api)
    bench.timings["guard_minute"] = 1.0
    return bench


def guard(pod: Bench, minutes: float, job: str = "job-1", **more: str) -> Dict[str, Any]:
    folder = pod.job.parent / job
    arguments = ["guard", "--job-dir", str(folder), "--rest-url", pod.api_url, "--minutes", str(minutes)]
    answer: Dict[str, Any] = json.loads(pod.command(*arguments, **more).stdout)
    return answer


def guards(pod: Bench) -> int:
    return len(pod.processes("_keeper"))


def keeper(pod: Bench) -> Dict[str, Any]:
    answer = json.loads(pod.command("status", "--mount", str(pod.root / "vol"), "--pod", pod.pod_id).stdout)
    said: Dict[str, Any] = answer["keeper"]
    return said


def test_ends_the_pod_when_no_worker_starts_in_time(pod: Bench, api: Api) -> None:
    assert guard(pod, 0.5) == {"armed": True, "detail": "Without a worker the pod ends in 0.5 minutes."}
    assert guards(pod) == 1 and api.actions() == []
    wait_for(lambda: "terminate" in api.ends())
    assert api.calls[0]["headers"]["Authorization"] == f"Bearer {pod.pod['RUNPOD_API_KEY']}"
    assert "no worker has started" in (pod.job / "watchdog.log").read_text()
    wait_for(lambda: guards(pod) == 0)


def test_goes_on_asking_while_the_api_is_down(pod: Bench, api: Api) -> None:
    api.reply = lambda action: 503
    guard(pod, 0.2)
    wait_for(lambda: len(api.ends()) >= 3)
    assert guards(pod) == 1
    api.reply = lambda action: 204
    wait_for(lambda: guards(pod) == 0)


def test_a_client_at_work_renews_it_and_there_is_one_guard_only(pod: Bench, api: Api) -> None:
    guard(pod, 5)
    end = time.monotonic() + 6
    while time.monotonic() < end:
        guard(pod, 5)
        assert guards(pod) == 1
        time.sleep(0.2)
    assert api.ends() == []
    wait_for(lambda: api.ends() != [])


def test_goes_on_with_the_job_that_has_started(pod: Bench, api: Api) -> None:
    guard(pod, 10)
    waiting = time.monotonic()
    assert keeper(pod) == {"at": "waiting", "jobDir": str(pod.job), "deadline": None, "keeps": False}
    pod.spec(on_pod(shell("s", "sleep 40")))
    assert pod.start()["epoch"] == 1
    assert keeper(pod)["at"] == "running" and guards(pod) == 1
    guard(pod, 0.1)  # a client that had not heard of its start
    time.sleep(max(0.0, waiting + 10.5 - time.monotonic()))
    assert api.ends() == [] and keeper(pod)["at"] == "running"
    pod.command("control", "--job-dir", str(pod.job), "cancel")
    wait_for(lambda: api.ends() != [])


def test_waits_for_the_job_that_was_named_last(pod: Bench, api: Api) -> None:
    """A pod that one client left is used by the next: the worker of the first job would not come any more."""
    guard(pod, 4, job="job-0")
    guard(pod, 30)
    time.sleep(4)
    assert guards(pod) == 1
    pod.spec(on_pod(shell("s", "sleep 40")))
    pod.start()
    assert keeper(pod)["jobDir"] == str(pod.job) and api.ends() == []


def test_another_one_takes_over_when_it_was_killed(pod: Bench, api: Api) -> None:
    guard(pod, 30)
    (pid,) = pod.processes("_keeper")
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: guards(pod) == 0)
    guard(pod, 0.3)
    wait_for(lambda: api.ends() != [])


def test_a_pod_without_a_key_says_that_it_cannot_end_itself(pod: Bench) -> None:
    answer = guard(pod, 1, RUNPOD_API_KEY="")
    assert answer["armed"] is False and "no key" in answer["detail"]
    assert guards(pod) == 0


def test_the_key_goes_to_no_unsafe_address(pod: Bench) -> None:
    pod.api_url = "http://example.com/v2"
    assert "not safe" in guard(pod, 1)["error"]["what"]
    assert guards(pod) == 0
