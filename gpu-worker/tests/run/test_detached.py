"""R3.4, R4.3: detached runs, their watchdog, and the truth about their end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any, Dict, List

import pytest
from conftest import PYTHON, Api, Bench, is_running, on_pod, shell, wait_for

FOREVER = on_pod(shell("s", "echo up; sleep 60"))


@pytest.fixture
def pod(bench: Bench, api: Api) -> Bench:
    bench.rent(api)
    return bench


def all_gone(bench: Bench, but: str = "nothing") -> None:
    """No process is left, but the keeper of a pod that goes on; it removes what was kept on the pod's disk."""

    def left() -> List[str]:
        kept = bench.processes(but)
        return [f"process {pid}" for pid in bench.processes() if pid not in kept] + bench.left_on_disk()

    try:
        wait_for(lambda: left() == [], 30)
    except AssertionError:
        raise AssertionError(f"left: {left()}") from None


def test_start_lets_the_connection_go_at_once(pod: Bench, api: Api) -> None:
    """As sshd does: the command counts as ended only when nobody holds its streams any more."""
    pod.spec(FOREVER)
    argv = [PYTHON, str(pod.pyz), "start", "--job-dir", str(pod.job)]
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, env=pod.environment(), stdin=pipe, stdout=pipe, stderr=pipe) as process:
        out, err = process.communicate(b'{"secrets": {}}', timeout=15)
    answer = json.loads(out)
    assert err == b"" and answer["epoch"] == 1
    assert answer["watchdog"]["armed"] is True and answer["watchdog"]["deadline"] is None
    wait_for(lambda: pod.output() == ["up"])
    guard = pod.keeper()
    sessions = {os.getsid(answer["pid"]), os.getsid(guard), os.getsid(0)}
    assert len(sessions) == 3
    for pid in (answer["pid"], guard):
        assert all(os.readlink(f"/proc/{pid}/fd/{fd}").startswith(("/dev/null", "pipe:", "/")) for fd in (0, 1, 2))
    assert json.loads(pod.command("control", "--job-dir", str(pod.job), "cancel").stdout) == {"ok": True, "alive": True}
    followed = pod.follow()
    assert followed.returncode == 0 and followed.stdout == (pod.job / "events.jsonl").read_text()
    assert pod.events("job.finished")[-1]["status"] == "cancelled" and pod.state()["status"] == "cancelled"
    wait_for(lambda: api.ends() != [])
    all_gone(pod)


def test_what_follow_cannot_do_never_stands_in_the_journal_that_it_prints(pod: Bench) -> None:
    (pod.job / "events.jsonl").mkdir(parents=True)
    failed = pod.follow()
    assert failed.returncode == 2 and failed.stdout == ""
    assert "could not be used" in json.loads(failed.stderr.splitlines()[-1])["error"]["what"]


def test_a_whole_job_and_the_end_of_the_pod(pod: Bench, api: Api) -> None:
    pod.spec(on_pod(shell("a", "echo one")), on_pod(shell("b", "echo two")), capSeconds=600)
    answer = pod.start()
    assert answer["watchdog"]["deadline"].endswith("Z")
    followed = pod.follow()
    assert followed.returncode == 0
    events = [json.loads(line) for line in followed.stdout.splitlines()]
    assert [e["seq"] for e in events] == list(range(1, len(events) + 1)) and events[-1]["status"] == "succeeded"
    assert pod.output() == ["one", "two"]
    done = time.monotonic()
    wait_for(lambda: api.ends() != [])
    assert time.monotonic() - done < 5
    probe, end = api.calls[0], next(c for c in api.calls if c["action"] != "start")
    assert (probe["action"], end["action"], end["path"]) == ("start", "terminate", f"/v2/pods/{pod.pod_id}/action")
    assert end["headers"]["Authorization"] == "Bearer rpa_podkeypodkey"
    assert end["headers"]["User-Agent"].startswith("runpod-trainer-worker/")
    all_gone(pod)
    status = json.loads(pod.command("status", "--mount", str(pod.root / "vol")).stdout)["jobs"]
    assert [(j["job"], j["alive"], j["state"]["status"]) for j in status] == [("job-1", False, "succeeded")]
    assert status[0]["bytes"] == (pod.job / "events.jsonl").stat().st_size


def test_secrets_are_nowhere_but_in_the_step(pod: Bench, api: Api) -> None:
    pod.pod.update(HF_TOKEN="hf_frompodfrompod", OTHER_SECRET="canary-of-the-pod")
    check = 'test "$HF_TOKEN" = hf_"frompodfrompod"; test "$WANDB_API_KEY" = canary-"by-stdin"'
    check += '; test -z "${OTHER_SECRET-}${RUNPOD_API_KEY-}"; echo "$WANDB_API_KEY"; sleep 60'
    pod.spec(on_pod(shell("s", check, secrets=["HF_TOKEN", "WANDB_API_KEY"])))
    pod.start(WANDB_API_KEY="canary-by-stdin", UNUSED="canary-unused-one")
    wait_for(lambda: pod.output() == ["[secret]"])
    canaries = [b"hf_frompodfrompod", b"canary-of-the-pod", b"canary-by-stdin", b"canary-unused-one", b"rpa_podkeypodkey"]
    for pid in [*pod.processes("_work"), *pod.processes("_keeper")]:
        for name in ("cmdline", "environ"):
            content = Path(f"/proc/{pid}/{name}").read_bytes()
            assert not any(canary in content for canary in canaries)
    pod.command("control", "--job-dir", str(pod.job), "cancel")
    assert pod.follow().returncode == 0
    all_gone(pod)
    for file in pod.root.rglob("*"):
        if file.is_file():
            data = file.read_bytes()
            assert not any(canary in data for canary in canaries), file


def test_killed_worker_is_reported_lost_and_loses_nothing(pod: Bench, api: Api) -> None:
    pod.timings["sync"] = 60.0  # only the spool has the log when the worker dies
    pod.spec(on_pod(shell("s", "seq 1 500; touch said; sleep 60")))
    pid = pod.start()["pid"]
    wait_for((pod.project / "said").exists)
    time.sleep(0.6)
    assert pod.output() == []
    os.kill(pid, signal.SIGKILL)
    followed = pod.follow()
    assert followed.returncode == 0
    assert pod.output() == [str(n) for n in range(1, 501)]
    last = pod.events()[-1]
    assert (last["type"], last["status"], last["step"]) == ("job.finished", "lost", "s")
    assert [e["seq"] for e in pod.events()] == list(range(1, len(pod.events()) + 1))
    wait_for(lambda: pod.state()["status"] == "lost")
    assert pod.state()["steps"][0]["status"] == "failed"
    wait_for(lambda: api.ends() != [])
    all_gone(pod)
    assert "lost" in (pod.job / "watchdog.log").read_text()


def test_killed_together_follow_says_dead_and_a_new_start_finishes(pod: Bench, api: Api) -> None:
    pod.timings.update(follow_grace=0.5, end_after=3.0)
    pod.spec(on_pod(shell("s", "touch began; sleep 60")))
    first = pod.start()
    wait_for((pod.project / "began").exists)
    os.kill(pod.keeper(), signal.SIGKILL)
    os.kill(first["pid"], signal.SIGKILL)
    assert pod.follow().returncode == 3
    pod.close()
    offset = (pod.job / "events.jsonl").stat().st_size
    with open(pod.job / "events.jsonl", "ab") as file:
        file.write(b'{"epoch":1,"seq":99,"torn')
    pod.spec(on_pod(shell("s", "echo again")))
    assert pod.start()["epoch"] == 2
    followed = pod.follow(offset)
    assert followed.returncode == 0
    events = [json.loads(line) for line in followed.stdout.splitlines()]
    assert events[0]["status"] == "lost" and events[0]["epoch"] == 1, "the new keeper knows of the one before"
    assert {e["epoch"] for e in events[1:]} == {2} and events[1]["type"] == "job.started" and events[1]["seq"] == 1
    assert events[-1]["status"] == "succeeded"
    wait_for(lambda: api.ends() != [])
    all_gone(pod)


def test_second_start_is_refused_while_the_first_lives(pod: Bench) -> None:
    pod.spec(FOREVER)
    first = pod.start()
    second = pod.start()
    assert str(first["pid"]) in second["error"]["why"]
    assert pod.state()["epoch"] == 1
    pod.command("control", "--job-dir", str(pod.job), "cancel")
    assert pod.follow().returncode == 0


def test_killed_keeper_is_started_again(pod: Bench, api: Api) -> None:
    pod.spec(FOREVER)
    pod.start()
    first = pod.keeper()
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: [p for p in pod.processes("_keeper") if p != first])
    wait_for(lambda: len(pod.events("watchdog")) == 2)
    assert "keeper had died" in pod.events("note")[0]["text"]
    pod.command("control", "--job-dir", str(pod.job), "cancel")
    wait_for(lambda: api.ends() != [])
    all_gone(pod)


@pytest.mark.parametrize(("status", "word"), [(401, "refuses"), (403, "refuses"), (404, "unexpected")])
def test_refused_key_is_told(pod: Bench, api: Api, status: int, word: str) -> None:
    api.reply = lambda action: status
    pod.spec(on_pod(shell("s", "true")))
    answer = pod.start()["watchdog"]
    assert answer["armed"] is False and word in answer["detail"]
    assert pod.follow().returncode == 0


def test_pod_without_a_key_says_that_nobody_ends_it(pod: Bench, api: Api) -> None:
    del pod.pod["RUNPOD_API_KEY"]
    pod.spec(on_pod(shell("s", "true")))
    answer = pod.start()["watchdog"]
    assert answer["armed"] is False and "no RUNPOD_API_KEY" in answer["detail"]
    assert pod.follow().returncode == 0
    all_gone(pod, but="_keeper")
    assert api.calls == []


def test_cap_cancels_the_job_and_ends_even_a_kept_pod_with_a_lease(pod: Bench, api: Api) -> None:
    pod.spec(
        on_pod(shell("s", "trap '' INT TERM; echo up; while true; do sleep 0.1; done")), capSeconds=1.5, onFinish="keep"
    )
    pod.start()
    pod.command("control", "--job-dir", str(pod.job), "hold")
    assert pod.follow().returncode == 0
    last = pod.events()[-1]
    assert last["status"] == "cancelled" and last["reason"].startswith("cap")
    wait_for(lambda: api.ends() != [])
    all_gone(pod)


def test_lease_holds_the_pod_and_its_end_lets_it_go(pod: Bench, api: Api) -> None:
    pod.timings.update(lease=30.0, end_after=5.0)
    pod.spec(on_pod(shell("s", "true")))
    pod.start()
    pod.command("control", "--job-dir", str(pod.job), "hold")
    assert pod.follow().returncode == 0
    time.sleep(6.0)
    assert api.ends() == []
    released = time.monotonic()
    pod.command("control", "--job-dir", str(pod.job), "release")
    wait_for(lambda: api.ends() != [])
    assert time.monotonic() - released < 6
    all_gone(pod)


def test_lease_ends_when_it_is_not_renewed_or_lasts_too_long(pod: Bench, api: Api) -> None:
    pod.timings.update(lease=30.0, end_after=0.3)
    pod.spec(on_pod(shell("s", "true")), holdSeconds=1)
    pod.start()
    pod.command("control", "--job-dir", str(pod.job), "hold")
    assert pod.follow().returncode == 0
    wait_for(lambda: api.ends() != [], 6)
    all_gone(pod)


def test_api_outages_are_survived(pod: Bench, api: Api) -> None:
    answers = iter([500, 429, 502])
    api.reply = lambda action: 503
    pod.spec(on_pod(shell("s", "sleep 1.5")))
    answer = pod.start()["watchdog"]
    assert answer["armed"] is False and "503" in answer["detail"]
    api.reply = lambda action: 409 if action == "start" else next(answers, 204)
    wait_for(lambda: pod.events("watchdog")[-1]["armed"] is True)
    assert pod.follow().returncode == 0
    wait_for(lambda: len(api.ends()) >= 4)
    assert api.ends()[:4] == ["terminate", "delete", "terminate", "delete"]
    all_gone(pod)


def test_stop_is_tried_and_then_terminate(pod: Bench, api: Api) -> None:
    api.reply = lambda action: {"start": 409, "stop": 400}.get(action, 204)
    pod.spec(on_pod(shell("s", "true")), onFinish="stop")
    pod.start()
    wait_for(lambda: len(api.ends()) >= 4)
    assert api.ends()[:3] == ["stop"] * 3 and api.ends()[3] in ("terminate", "delete")
    all_gone(pod)


def test_kept_pod_is_left_alone(pod: Bench, api: Api) -> None:
    pod.spec(on_pod(shell("s", "true")), onFinish="keep")
    pod.start()
    assert pod.follow().returncode == 0
    all_gone(pod, but="_keeper")
    assert api.ends() == []


def test_key_does_not_go_to_an_address_without_tls(pod: Bench) -> None:
    pod.spec(on_pod(shell("s", "true")), api={"restUrl": "http://api.example.com/v2"})
    answer = pod.start()["watchdog"]
    assert answer["armed"] is False and "not https" in answer["detail"]
    assert pod.follow().returncode == 0
    all_gone(pod, but="_keeper")


def test_follow_ends_when_its_reader_is_gone(pod: Bench) -> None:
    pod.spec(FOREVER)
    pod.start()
    argv = [PYTHON, str(pod.pyz), "follow", "--job-dir", str(pod.job), "--offset", "0"]
    with subprocess.Popen(argv, env=pod.environment(), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(10) == 0
    pod.command("control", "--job-dir", str(pod.job), "cancel")
    assert pod.follow().returncode == 0


def test_follow_once_and_from_a_wrong_offset(pod: Bench) -> None:
    pod.spec(FOREVER)
    pod.start()
    once = pod.command("follow", "--job-dir", str(pod.job), "--offset", "0", "--once")
    assert once.returncode == 0 and once.stdout.endswith("\n")
    wrong = pod.command("follow", "--job-dir", str(pod.job), "--offset", "999999")
    assert (wrong.returncode, wrong.stdout) == (4, ""), "it is another journal"
    pod.command("control", "--job-dir", str(pod.job), "cancel")
    assert pod.follow().returncode == 0


def test_damaged_secrets_and_missing_job_are_errors_in_json(pod: Bench) -> None:
    def error(*arguments: str, stdin: str = "") -> Dict[str, Any]:
        done = pod.command(*arguments, stdin=stdin)
        assert done.returncode == 2 and done.stderr == ""
        value: Dict[str, Any] = json.loads(done.stdout)["error"]
        assert set(value) == {"what", "why", "next"}
        return value

    assert "no job" in error("start", "--job-dir", str(pod.root / "nope"))["what"]
    pod.spec(FOREVER)
    assert "secrets" in error("start", "--job-dir", str(pod.job), stdin="nonsense")["what"]
    (pod.job / "spec.json").write_text("{")
    assert "damaged" in error("start", "--job-dir", str(pod.job))["what"]
    assert pod.processes() == [] and not is_running(0)


def test_cap_holds_when_the_volume_hangs(pod: Bench, api: Api) -> None:
    """Reading a pipe that nobody writes waits for ever, as reading from a volume that is gone does."""
    pod.timings.update(cap_grace=0.5, cap_end=1.5)
    pod.spec(on_pod(shell("s", "echo up; sleep 60")), capSeconds=6)
    pod.start()
    wait_for(lambda: pod.output() == ["up"])
    for name in ("epochs/1/owner.json", "watchdog.log", "control/hold", "control/cancel"):
        (pod.job / name).unlink(missing_ok=True)
        os.mkfifo(pod.job / name)
    wait_for(lambda: api.ends() != [], 10)
    (pod.job / "epochs/1/owner.json").unlink()
