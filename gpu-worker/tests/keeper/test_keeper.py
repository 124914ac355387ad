"""R4.3, R3.4: the pod ends at its cap and after its job whatever fails on it: disk, volume, driver, worker, keeper, API."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import zipfile
from pathlib import Path
from typing import Any, Dict, Iterator, List

import pytest
from conftest import Api, Bench, is_running, on_pod, shell, wait_for

from runpod_trainer_worker.base.procs import parent_of
from runpod_trainer_worker.base.timings import Timings

FOREVER = on_pod(shell("s", "echo up; trap '' INT TERM; while true; do sleep 0.1; done"))


@pytest.fixture
def pod(bench: Bench, api: Api) -> Bench:
    bench.rent(api)
    # One call is enough, and killing a pod takes its time here.
    bench.timings.update(api_retry=5.0, api_retry_max=5.0)
    return bench


@pytest.fixture
def own_disk(pod: Bench) -> Iterator[Path]:
    """The pod's own disk, which a test can fill."""
    if os.getuid() != 0:
        pytest.skip("only root can mount")
    options = ["-t", "tmpfs", "-o", "size=1m,mode=755", "tmpfs", str(pod.temporary)]
    subprocess.run(["mount", *options], check=True)
    yield pod.temporary
    pod.close()
    subprocess.run(["umount", "-l", str(pod.temporary)], check=True)


def fill(folder: Path) -> None:
    with open(folder / "full", "wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
        while True:
            file.write(b"x" * 4096)


def keeper(pod: Bench) -> Dict[str, Any]:
    """What it says of itself; nothing while it does not answer, as in its first moments."""
    said: Any = json.loads(pod.command("status", "--mount", str(pod.root / "vol"), "--pod", pod.pod_id).stdout)["keeper"]
    return dict(said or {})


def steps(pod: Bench) -> List[int]:
    """Processes of steps, by their environment."""
    found = []
    for pid in pod.processes():
        try:
            if b"RUNPOD_TRAINER_STEP_DIR=" in Path(f"/proc/{pid}/environ").read_bytes():
                found.append(pid)
        except OSError:
            continue
    return found


def at_its_cap(pod: Bench, api: Api) -> None:
    """The pod is asked to end, once: the first call is honoured, and takes the keeper along."""
    wait_for(lambda: api.ends() != [], 25)
    wait_for(lambda: pod.processes() == [], 10)
    assert len(api.ends()) == 1


def test_a_full_disk_of_the_pod_holds_up_no_cap(pod: Bench, api: Api, own_disk: Path) -> None:
    pod.spec(FOREVER, capSeconds=7)
    pod.start()
    wait_for(lambda: pod.output() == ["up"])
    fill(own_disk)
    at_its_cap(pod, api)
    last = pod.events()[-1]
    assert (last["type"], last["status"]) == ("job.finished", "cancelled") and last["reason"].startswith("cap")
    assert len(pod.events("note")) == 0 and api.actions().count("start") == 1, "nothing died, and no key was probed twice"


def test_a_disk_that_is_full_from_the_start_holds_up_nothing(pod: Bench, api: Api, own_disk: Path) -> None:
    fill(own_disk)
    pod.spec(FOREVER, capSeconds=7)
    assert pod.start()["watchdog"]["armed"] is True
    wait_for(lambda: pod.output() == ["up"])
    at_its_cap(pod, api)


@pytest.mark.parametrize("seconds", [0.0, 1.0])
def test_a_worker_killed_after_its_start_leaves_no_pod_behind(pod: Bench, api: Api, seconds: float) -> None:
    """Between its lock and its first event nobody but the keeper knows of it."""
    pod.spec(FOREVER, capSeconds=600)
    argv = ["python3", str(pod.pyz), "start", "--job-dir", str(pod.job)]
    with subprocess.Popen(argv, env=pod.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as start:
        assert start.stdin is not None
        start.stdin.close()
        wait_for(lambda: pod.processes("_work"))
        if seconds == 0:
            wait_for((pod.job / "epochs" / "1" / "owner.json").exists)
        else:
            time.sleep(seconds)
        for pid in pod.processes("_work"):
            os.kill(pid, signal.SIGKILL)
        start.wait(30)
    wait_for(lambda: api.ends() != [], 15)
    wait_for(lambda: pod.processes() == [], 10)
    assert not (pod.job / "epochs").exists() or pod.events()[-1]["status"] == "lost"


def test_a_worker_that_cannot_read_the_volume_is_given_up(pod: Bench, api: Api) -> None:
    """It waits for ever in its first read, so it never begins; nor can its last words be written."""
    pod.timings.update(begin_wait=3.0, start_wait=2.0)
    pod.spec(FOREVER)
    spec = (pod.job / "spec.json").read_bytes()
    argv = ["python3", str(pod.pyz), "start", "--job-dir", str(pod.job)]
    os.mkfifo(pod.job / "lock")  # whoever reads it hangs
    with subprocess.Popen(argv, env=pod.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as start:
        time.sleep(2)
        assert pod.processes("_work") == [], "the command itself looks first"
        start.kill()
    (pod.job / "lock").unlink()
    (pod.job / "spec.json").unlink()
    os.mkfifo(pod.job / "spec.json")

    def feed() -> "subprocess.Popen[bytes]":
        """Gives the spec to the first one that reads it."""
        argv = ["sh", "-c", 'cat > "$1"', "sh", str(pod.job / "spec.json")]
        process = subprocess.Popen(argv, stdin=subprocess.PIPE)
        assert process.stdin is not None
        process.stdin.write(spec)
        process.stdin.close()
        return process

    with subprocess.Popen(argv, env=pod.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL):
        with feed():
            pass
        wait_for(lambda: pod.processes("_work"))
        wait_for(lambda: api.ends() != [], 20)
    wait_for(lambda: pod.processes() == [], 10)


def test_a_driver_that_never_answers_does_not_hold_up_the_start(pod: Bench, api: Api) -> None:
    """Nobody waits for the death of a process inside it."""
    folder = pod.root / "bin"
    folder.mkdir()
    tool = folder / "nvidia-smi"
    # Its child holds the pipes when it is killed itself, as a process in the driver does.
    tool.write_text("#!/bin/sh\ntrap '' INT TERM\nsetsid sleep 300\n")
    tool.chmod(0o755)
    pod.pod["PATH"] = f"{folder}{os.pathsep}{os.environ['PATH']}"
    pod.spec(on_pod(shell("s", "echo up")))
    began = time.monotonic()
    assert "epoch" in pod.start()
    assert time.monotonic() - began < 45
    wait_for(lambda: pod.output() == ["up"])
    wait_for(lambda: api.ends() != [])


def test_a_keeper_killed_for_memory_is_started_again_and_holds_the_cap(pod: Bench, api: Api) -> None:
    pod.spec(FOREVER, capSeconds=12)
    told = pod.start()["watchdog"]["deadline"]
    first = pod.keeper()
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: [pid for pid in pod.processes("_keeper") if pid != first])
    wait_for(lambda: keeper(pod).get("at") == "running")
    assert keeper(pod)["deadline"][:18] == told[:18], "the cap counts from the job's start"
    at_its_cap(pod, api)
    assert api.actions().count("start") == 1, "what the API said of a key is not asked again"
    assert pod.events()[-1]["reason"].startswith("cap")


def test_a_keeper_that_hangs_is_replaced(pod: Bench, api: Api) -> None:
    pod.timings.update(silent_wait=1.0, answer_wait=3.0)
    pod.spec(FOREVER, capSeconds=25)
    assert "epoch" in pod.start()
    first = pod.keeper()
    os.kill(first, signal.SIGSTOP)
    wait_for(lambda: not is_running(first))
    wait_for(lambda: len([pid for pid in pod.processes("_keeper") if pid != first]) == 1)
    at_its_cap(pod, api)


def test_what_cannot_be_read_ends_the_pod(pod: Bench, api: Api) -> None:
    """A keeper that does not know what it kept may keep nothing."""
    place = pod.root / "vol" / ".runpod-trainer" / "pods" / pod.pod_id
    place.mkdir(parents=True)
    (place / "keeper.json").write_text('{"schema": 1, "state": {"at": "running"')
    assert pod.command("_resume", str(pod.root / "vol"), api.url).returncode == 0
    wait_for(lambda: api.ends() != [])


def test_the_next_keeper_goes_on_from_either_place(pod: Bench, api: Api) -> None:
    pod.spec(FOREVER, capSeconds=600)
    pod.start()
    on_volume = pod.root / "vol" / ".runpod-trainer" / "pods" / pod.pod_id / "keeper.json"
    on_disk = pod.temporary / f"runpod-trainer-{os.getuid()}" / f"keeper-{pod.pod_id}.json"
    wait_for(on_disk.exists)
    wait_for(lambda: json.loads(on_volume.read_text())["state"].get("worker", {}).get("epoch") == 1)
    assert "rpa_" not in on_volume.read_text() + on_disk.read_text(), "no key is in it"
    os.kill(pod.processes("_work")[0], signal.SIGSTOP)  # so that it does not start a keeper itself
    for lost in (on_disk, on_volume):
        os.kill(pod.keeper(), signal.SIGKILL)
        wait_for(lambda: pod.processes("_keeper") == [])
        lost.unlink()
        assert pod.command("_resume", str(pod.root / "vol"), api.url).returncode == 0
        wait_for(lambda: pod.processes("_keeper"))
        assert wait_for(lambda: keeper(pod))["at"] == "running"
        wait_for(lost.exists)
    os.kill(pod.processes("_work")[0], signal.SIGKILL)
    wait_for(lambda: api.ends() != [])


def test_answers_without_effect_are_asked_for_again(pod: Bench, api: Api) -> None:
    api.ended = lambda pod_id: None  # the platform says yes, and does nothing
    pod.timings.update(api_retry=0.1, api_retry_max=0.2)
    pod.spec(on_pod(shell("s", "true")))
    pod.start()
    wait_for(lambda: len(api.ends()) >= 12)
    assert pod.processes("_keeper") != []
    api.ended = pod.lose_pod
    wait_for(lambda: pod.processes() == [])


def test_a_step_without_our_variables_ends_with_its_step(pod: Bench, api: Api) -> None:
    """`env -i` hides a process; it is found as a descendant, also when it has left its parents."""
    pod.spec(on_pod(shell("s", "setsid env -i sleep 4321 & env -i sh -c 'sleep 4322 & disown; exit' ; sleep 0.5; echo up")))
    pod.start()
    assert pod.follow().returncode == 0
    wait_for(lambda: api.ends() != [])
    for number in ("4321", "4322"):
        assert [p for p in Path("/proc").glob("[0-9]*/cmdline") if words(p)[:2] == ["sleep", number]] == []


def words(path: Path) -> List[str]:
    try:
        return path.read_bytes().decode().split("\0")
    except OSError:
        return []


def test_a_cancel_during_the_start_counts(pod: Bench, api: Api) -> None:
    pod.write("slow-python", '#!/bin/sh\nsleep 3\nexec python3 "$@"\n').chmod(0o755)
    pod.spec(on_pod(shell("s", "echo up; sleep 60")), python=str(pod.project / "slow-python"))
    (pod.job / "control").mkdir()
    (pod.job / "control" / "cancel").write_text('{"time":"2020-01-01T00:00:00.000Z","boot":1}')  # of an earlier epoch
    argv = ["python3", str(pod.pyz), "start", "--job-dir", str(pod.job)]
    with subprocess.Popen(argv, env=pod.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as start:
        wait_for(lambda: pod.processes("_keeper"))
        pod.command("control", "--job-dir", str(pod.job), "cancel")
        start.wait(40)
    assert pod.follow().returncode == 0
    assert pod.events("job.finished")[0]["status"] == "cancelled" and pod.output() == []


def test_a_cancel_before_the_start_does_not_count(pod: Bench, api: Api) -> None:
    pod.spec(on_pod(shell("s", "echo up")))
    pod.command("control", "--job-dir", str(pod.job), "cancel")
    pod.start()
    assert pod.follow().returncode == 0 and pod.output() == ["up"]


def test_a_kept_pod_runs_another_job_with_its_own_cap(pod: Bench, api: Api) -> None:
    pod.spec(on_pod(shell("s", "true")), onFinish="keep", capSeconds=600)
    pod.start()
    assert pod.follow().returncode == 0
    kept = wait_for(lambda: [said for said in [keeper(pod)] if said.get("keeps")])[0]
    assert kept["at"] == "ended" and kept["jobDir"] == str(pod.job) and kept["deadline"] is not None
    # As a client does that has the results; else the project is the first job's for a while.
    pod.command("control", "--job-dir", str(pod.job), "release")
    pod.job = pod.job.with_name("job-2")
    pod.job.mkdir()
    pod.spec(FOREVER, capSeconds=6)
    assert pod.start()["epoch"] == 1
    assert keeper(pod)["jobDir"] == str(pod.job) and keeper(pod)["at"] == "running"
    at_its_cap(pod, api)


def test_steps_end_when_their_worker_and_keeper_adopted_each_other(pod: Bench, api: Api) -> None:
    """A keeper that the worker has started is no parent of that worker, and ends its steps all the same."""
    pod.spec(FOREVER, capSeconds=600)
    pod.start()
    wait_for(lambda: pod.output() == ["up"])
    first = pod.keeper()
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: pod.processes("_keeper") not in ([], [first]))
    (worker,) = pod.processes("_work")
    wait_for(lambda: keeper(pod).get("at") == "running")
    assert parent_of(worker) != pod.keeper()
    api.ended = lambda pod_id: None
    os.kill(worker, signal.SIGKILL)
    wait_for(lambda: steps(pod) == [], 10)
    wait_for(lambda: api.ends() != [])


def stalling(pod: Bench) -> Path:
    """A worker whose volume takes no journal while the file that this answers exists."""
    patched = pod.root / "patched.pyz"
    main = """
import os, sys, time
real = os.pwrite
def write(descriptor, data, offset):
    name = os.readlink(f"/proc/self/fd/{descriptor}")
    while name.endswith("/events.jsonl") and os.path.exists(os.path.dirname(name) + "/stalls"):
        time.sleep(0.02)
    return real(descriptor, data, offset)
os.pwrite = write
from runpod_trainer_worker.cli import main
sys.exit(main(sys.argv[1:]))
"""
    with zipfile.ZipFile(pod.pyz) as source, zipfile.ZipFile(patched, "w") as target:
        for name in source.namelist():
            target.writestr(name, main if name == "__main__.py" else source.read(name))
    pod.pyz = patched
    return pod.job / "stalls"


def with_defaults(pod: Bench) -> None:
    defaults = Timings()
    for name in ("end_after", "lease", "cap_grace", "cap_end", "last_words", "watch_poll", "api_retry", "poll"):
        pod.timings[name] = getattr(defaults, name)


def test_the_last_words_come_before_the_end_with_the_default_timings(pod: Bench, api: Api) -> None:
    """The volume does not take the journal for 22 s after the last step: longer than the pod waits for a client."""
    with_defaults(pod)
    stalls = stalling(pod)
    pod.spec(on_pod(shell("s", f"echo said; sleep 1; touch {stalls}")))
    pod.start()
    wait_for(stalls.exists)
    end = time.monotonic() + 22
    while time.monotonic() < end:
        assert api.ends() == []
        time.sleep(0.2)
    stalls.unlink()
    wait_for(lambda: api.ends() != [], 50)
    assert pod.events()[-1]["status"] == "succeeded" and pod.output() == ["said"]


def test_a_volume_that_never_answers_again_holds_up_no_end(pod: Bench, api: Api) -> None:
    pod.timings.update(close_wait=1.0, sync_wait=0.5, last_words=2.0)
    stalls = stalling(pod)
    pod.spec(on_pod(shell("s", f"echo said; sleep 1; touch {stalls}")))
    pod.start()
    wait_for(stalls.exists)
    wait_for(lambda: api.ends() != [], 25)
    wait_for(lambda: pod.processes("_keeper") == [])
    assert "the journal is incomplete" in (pod.job / "watchdog.log").read_text()
