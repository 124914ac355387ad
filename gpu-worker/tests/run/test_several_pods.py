"""R3.4, R4.3: one job at a time when several pods have its volume, however late one of them wakes up."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from conftest import PYTHON, Api, Bench, on_pod, shell, wait_for

FOREVER = on_pod(shell("s", "echo up; sleep 60"))


@pytest.fixture
def pod(bench: Bench, api: Api) -> Bench:
    bench.rent(api)
    return bench


def test_start_on_another_pod_is_refused_while_the_worker_lives(pod: Bench, api: Api) -> None:
    pod.spec(on_pod(shell("s", "echo up; sleep 60")))
    first, mine = pod.start(), pod.pod_id
    pod.pod["RUNPOD_POD_ID"] = f"{mine}b"
    refused = pod.start()["error"]
    assert refused["what"] == "This job is running already."
    assert f"process id {first['pid']} on the pod {mine} (epoch 1)" in refused["why"]
    pod.command("control", "--job-dir", str(pod.job), "cancel")
    assert pod.follow().returncode == 0
    assert {e["epoch"] for e in pod.events()} == {1}


def test_two_pods_that_start_at_one_moment(pod: Bench, api: Api) -> None:
    """R4.7: exactly one has the job, and the other one is told who."""
    pod.spec(FOREVER)
    argv = [PYTHON, str(pod.pyz), "start", "--job-dir", str(pod.job)]
    pipe = subprocess.PIPE
    starts = [
        subprocess.Popen(argv, env=pod.environment(RUNPOD_POD_ID=name), stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL)
        for name in ("pod1", "pod2")
    ]
    answers = [json.loads(process.communicate(b"{}", timeout=40)[0]) for process in starts]
    errors = [answer["error"] for answer in answers if "error" in answer]
    assert len(errors) == 1 and errors[0]["what"] == "This job is running already.", answers
    assert sorted(answer.get("epoch", 0) for answer in answers) == [0, 1]
    pod.command("control", "--job-dir", str(pod.job), "cancel")
    assert pod.follow().returncode == 0
    assert pod.events()[-1]["status"] == "cancelled" and {e["epoch"] for e in pod.events()} == {1}


def test_worker_on_another_pod_takes_over_and_the_old_pod_ends(pod: Bench, api: Api) -> None:
    """A host that hung comes back: its worker is fenced, nothing that it still appends is read, and its pod is ended."""
    pod.timings.update(stale=2.0, heartbeat=0.3)
    pod.spec(on_pod(shell("s", "echo up; while true; do echo more; sleep 0.05; done")))
    first = pod.start()
    wait_for(lambda: len(pod.output()) > 5)
    mine = pod.pod_id
    stopped = [first["pid"], pod.keeper()]
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    pod.pod["RUNPOD_POD_ID"] = f"{mine}b"
    pod.spec(on_pod(shell("s", "echo other; while [ ! -e go ]; do sleep 0.1; done")))
    answer = wait_for(lambda: pod.start().get("epoch"))
    assert answer == 2
    wait_for(lambda: "other" in pod.output())
    before = pod.journal()
    for pid in stopped:
        os.kill(pid, signal.SIGCONT)
    wait_for(lambda: {c["path"] for c in api.calls if c["action"] == "terminate"} >= {f"/v2/pods/{mine}/action"})
    pod.write("go", "")
    followed = pod.follow()
    assert followed.returncode == 0 and followed.stdout.encode() == pod.journal()
    assert pod.journal().startswith(before) and pod.state()["epoch"] == 2
    # Both pods of this test have one disk, so what the first one kept there stays.
    wait_for(lambda: pod.processes() == [], 15)
    for epoch in (1, 2):
        seen = [e["seq"] for e in pod.events() if e["epoch"] == epoch]
        assert seen == list(range(1, len(seen) + 1))
    assert [e["epoch"] for e in pod.events()] == sorted(e["epoch"] for e in pod.events())


LATE = """
import os, signal, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from runpod_trainer_worker.base.timings import Timings
from runpod_trainer_worker.journal.directory import JobDir
from runpod_trainer_worker.journal.epochs import take_over
from runpod_trainer_worker.journal.writer import Journal
job = JobDir(Path(sys.argv[2]))
hold = job.path / "hold"

def write(descriptor, data, offset):
    if hold.exists():
        os.kill(os.getpid(), signal.SIGSTOP)
    while hold.exists():
        time.sleep(0.01)  # this thread may run on for a moment after the signal
    return os.pwrite(descriptor, data, offset)

journal = Journal(job, take_over(job, "pod1", Timings()).epoch, None, Timings(), write=write)
for text in sys.stdin:
    journal.emit("note", level="info", text=text.strip())
    print("fenced" if journal.fenced else "told", flush=True)
"""


def test_worker_that_was_stopped_between_its_look_and_its_write_harms_nobody(pod: Bench, api: Api) -> None:
    """The worst moment: it has seen that the job is its own, and writes after another one took it. R3.4."""
    pod.timings.update(stale=1.5, heartbeat=0.2)
    pod.spec(on_pod(shell("s", "echo other; while [ ! -e go ]; do sleep 0.1; done")))
    pipe = subprocess.PIPE
    argv = [PYTHON, "-c", LATE, str(Path(__file__).resolve().parent.parent.parent), str(pod.job)]
    copy = pod.root / "copy"
    with subprocess.Popen(argv, stdin=pipe, stdout=pipe, text=True) as late:
        assert late.stdin is not None and late.stdout is not None

        def tell(text: str) -> None:
            assert late.stdin is not None
            late.stdin.write(f"{text}\n")
            late.stdin.flush()

        tell("one")
        assert late.stdout.readline() == "told\n"
        follow = [PYTHON, str(pod.pyz), "follow", "--job-dir", str(pod.job), "--offset", "0"]
        with open(copy, "wb") as out, subprocess.Popen(follow, env=pod.environment(), stdout=out) as follower:
            wait_for(lambda: b'"one"' in copy.read_bytes())
            (pod.job / "hold").touch()
            tell("late")
            wait_for(lambda: Path(f"/proc/{late.pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "T")
            pod.pod["RUNPOD_POD_ID"] = "pod2"
            assert wait_for(lambda: pod.start().get("epoch")) == 2
            (pod.job / "hold").unlink()
            os.kill(late.pid, signal.SIGCONT)
            assert late.stdout.readline() == "told\n", "it believes that it has written"
            tell("later")
            assert late.stdout.readline() == "fenced\n"
            assert b'"late"' in (pod.job / "events.jsonl").read_bytes()
            pod.write("go", "")
            assert follower.wait(20) == 0
        late.stdin.close()
    assert copy.read_bytes() == pod.journal()
    assert [(e["epoch"], e["seq"]) for e in pod.events()][:2] == [(1, 1), (2, 1)]
    assert not any(e.get("text") in ("late", "later") for e in pod.events())
    assert pod.events()[-1]["status"] == "succeeded"


def test_torn_line_of_another_epoch_does_not_stop_a_start(pod: Bench, api: Api) -> None:
    """A host that was lost left half a line with its end, and zeros."""
    pod.spec(on_pod(shell("s", "true")))
    pod.start()
    assert pod.follow().returncode == 0
    whole = (pod.job / "events.jsonl").stat().st_size
    with open(pod.job / "events.jsonl", "ab") as file:
        file.write(b'{"epoch":1,"se\n\0\0\0\n{"epoch":')
    wait_for(lambda: pod.processes() == [], 15)
    pod.pod["RUNPOD_POD_ID"] = f"{pod.pod_id}b"
    pod.spec(on_pod(shell("s", "echo again")))
    assert pod.start()["epoch"] == 2
    followed = pod.follow()
    assert followed.returncode == 0
    assert [json.loads(line) for line in followed.stdout.splitlines()[-2:]] == pod.events()[-2:]
    # The rest of the journal is what the contract describes.
    shutil.rmtree(pod.job / "epochs")
    os.truncate(pod.job / "events.jsonl", whole)
