"""One job of a project at a time on a volume, also when pods, clients and links die. R3.4, R4.3."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any, Dict, List

from conftest import PYTHON, Bench, is_running, on_pod, shell, wait_for

from runpod_trainer_worker.base.contract import LIMITS
from runpod_trainer_worker.base.timings import Timings


def test_a_lost_beat_frees_nothing() -> None:
    timings = Timings()
    assert timings.claim_patience == LIMITS.claim_patience_seconds
    raw = json.loads((Path(__file__).resolve().parents[3] / "contract" / "limits.json").read_text())
    assert timings.claim_patience > 2 * raw["claimBeatSeconds"]
    assert timings.claim_patience > 2 * timings.heartbeat
    # What a worker may take from its claim to its first sign of life.
    assert timings.claim_patience > timings.start_wait + timings.probe_wait


def arguments(bench: Bench, request: str, job: str, *more: str) -> List[str]:
    folder = bench.root / "vol" / ".runpod-trainer" / "jobs" / job
    return ["claim", request, "--job-dir", str(folder), "--project-dir", str(bench.project), *more]


def ask(bench: Bench, request: str, job: str, *more: str) -> Dict[str, Any]:
    done = bench.command(*arguments(bench, request, job, *more))
    answer: Dict[str, Any] = json.loads(done.stdout)
    return answer


def take(bench: Bench, job: str, *more: str) -> Dict[str, Any]:
    return ask(bench, "take", job, "--machine", f"id-{job}", "--host", "laptop", "--pod", f"pod-{job}", *more)


def grow_old(bench: Bench, term: int, seconds: float) -> None:
    folder = bench.project / ".runpod-trainer" / "claim" / str(term)
    for path in (folder, folder / "beat"):
        if path.exists():
            then = path.stat().st_mtime - seconds
            os.utime(path, (then, then))


def test_is_held_by_the_first_and_told_to_the_second(bench: Bench) -> None:
    assert take(bench, "a") == {"ok": True, "term": 1}
    assert take(bench, "a") == {"ok": True, "term": 1}, "another link of the same client"
    answer = take(bench, "b")
    since = answer["owner"].pop("since")
    assert since.endswith("Z") and answer.pop("age") < 30
    owner = {"job": "a", "machine": "id-a", "host": "laptop", "podId": "pod-a"}
    assert answer == {"ok": False, "term": 1, "owner": owner, "running": False, "ending": False}
    assert ask(bench, "release", "b") == {"ok": True}
    assert not take(bench, "b")["ok"], "another one's claim is not given back"
    ask(bench, "release", "a")
    assert take(bench, "b") == {"ok": True, "term": 2}


def test_lapses_without_a_sign_of_life_and_the_late_owner_learns_it(bench: Bench) -> None:
    take(bench, "a")
    grow_old(bench, 1, Timings().claim_patience - 20)
    assert not take(bench, "b")["ok"]
    assert ask(bench, "keep", "a")["ok"]
    grow_old(bench, 1, Timings().claim_patience + 5)
    assert take(bench, "b") == {"ok": True, "term": 2}
    late = ask(bench, "keep", "a")
    assert (late["ok"], late["owner"]["job"]) == (False, "b")
    assert not take(bench, "a")["ok"]


def test_an_owner_that_is_known_to_be_gone_is_followed_at_once_and_no_other(bench: Bench) -> None:
    take(bench, "a")
    assert take(bench, "b", "--follow", "1") == {"ok": True, "term": 2}
    assert not take(bench, "c", "--follow", "1")["ok"], "the term that follows is another one's"


def test_of_many_that_follow_at_one_moment_one_has_it(bench: Bench) -> None:
    take(bench, "dead")
    for turn in range(1, 4):
        racers = [
            subprocess.Popen(
                [PYTHON, str(bench.pyz), *arguments(bench, "take", f"{turn}-{n}", "--follow", str(turn))],
                stdout=subprocess.PIPE,
                env=bench.environment(),
                text=True,
            )
            for n in range(4)
        ]
        answers = [json.loads(racer.communicate()[0]) for racer in racers]
        assert sorted(answer["ok"] for answer in answers) == [False, False, False, True]
        winner = {json.dumps(answer["owner"]["job"]) for answer in answers if not answer["ok"]}
        assert len(winner) == 1, "the others are told who"


def test_is_the_workers_from_its_start_and_free_when_the_results_are_home(bench: Bench) -> None:
    bench.timings.update(heartbeat=0.2, end_after=30.0, lease=60.0)
    bench.spec(on_pod(shell("work", "while [ ! -e go ]; do sleep 0.05; done")), onFinish="keep")
    take(bench, "job-1")
    bench.start()
    grow_old(bench, 1, 1000)
    beat = bench.project / ".runpod-trainer" / "claim" / "1" / "beat"
    wait_for(lambda: time.time() - beat.stat().st_mtime < 10)
    told = take(bench, "b")
    assert (told["ok"], told["running"], told["ending"]) == (False, True, False)
    # Fetching while it runs frees nothing.
    bench.command("control", "--job-dir", str(bench.job), "hold")
    bench.command("control", "--job-dir", str(bench.job), "release")
    assert not take(bench, "b")["ok"]
    bench.write("go", "")
    bench.follow()
    bench.command("control", "--job-dir", str(bench.job), "hold")
    told = take(bench, "b")
    assert (told["ok"], told["ending"]) == (False, True)
    bench.command("control", "--job-dir", str(bench.job), "release")
    assert take(bench, "b") == {"ok": True, "term": 2}


def test_is_free_some_time_after_the_end_when_nobody_fetches(bench: Bench) -> None:
    bench.timings.update(end_after=1.0)
    bench.spec(on_pod(shell("work", "true")), onFinish="keep")
    bench.start()
    bench.follow()
    wait_for(lambda: take(bench, "b")["ok"])


def test_is_free_on_the_pod_on_which_its_worker_and_its_keeper_were_killed(bench: Bench) -> None:
    bench.spec(on_pod(shell("work", "echo $$; exec sleep 600")))
    take(bench, "job-1", "--pod", bench.pod_id)
    bench.start()
    wait_for(bench.output)
    step = int(bench.output()[0])
    assert not take(bench, "b", "--pod", bench.pod_id)["ok"]
    for pid in (bench.keeper(), *bench.processes("_work")):
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: bench.processes("_work") == [])
    assert is_running(step)
    assert not take(bench, "b")["ok"], "another pod cannot see it"
    assert take(bench, "b", "--pod", bench.pod_id) == {"ok": True, "term": 2}
    assert not is_running(step), "it would write beside the job that follows"


def test_a_worker_starts_only_with_the_claim(bench: Bench) -> None:
    bench.spec(on_pod(shell("work", "echo ran")))
    take(bench, "b")
    answer = bench.start()
    assert "Another job has this project" in answer["error"]["what"]
    assert bench.output() == []


def test_a_worker_that_was_followed_ends_its_job(bench: Bench) -> None:
    bench.timings.update(heartbeat=0.2)
    bench.spec(on_pod(shell("work", "sleep 600")))
    worker = int(bench.start()["pid"])
    # Its machine stood still for so long that it lost the project.
    os.kill(worker, signal.SIGSTOP)
    grow_old(bench, 1, 1000)
    assert take(bench, "b")["ok"]
    os.kill(worker, signal.SIGCONT)
    wait_for(lambda: not is_running(worker))
    (finished,) = bench.events("job.finished")
    assert finished["status"] == "failed"
    assert "Another job has this project on the volume. It is b, on the pod pod-b." in finished["reason"]
