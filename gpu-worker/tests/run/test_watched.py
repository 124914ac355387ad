"""R2.4: a pod on which a worker, a keeper or a follower is at work is not used for another job."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

from conftest import Bench


def watched(bench: Bench, pod: str) -> bool:
    done = bench.command("status", "--mount", str(bench.root / "vol"), "--pod", pod)
    answer = json.loads(done.stdout)
    assert [job["job"] for job in answer["jobs"]] == ["job-1"]
    return bool(answer["watched"])


def test_a_process_that_names_a_job_of_this_pod_watches(bench: Bench) -> None:
    argv = [sys.executable, "-c", "import sys; print(flush=True); sys.stdin.read()", "follow", "--job-dir", str(bench.job)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdin is not None
        process.stdout.readline()
        assert not watched(bench, "pod1"), "the job was never on a pod"
        (bench.job / "lock").write_text(json.dumps({"podId": "pod1", "pid": 1, "startTime": 1, "epoch": 1}))
        assert watched(bench, "pod1")
        assert not watched(bench, "pod2")
        (bench.job / "epochs" / "2").mkdir(parents=True)
        (bench.job / "epochs" / "2" / "owner.json").write_text(json.dumps({"podId": "pod2", "pid": 1, "startTime": 1}))
        assert watched(bench, "pod2") and not watched(bench, "pod1"), "another pod has it"
        shutil.rmtree(bench.job / "epochs")
        process.stdin.close()
    assert not watched(bench, "pod1")


def test_without_a_pod_nothing_is_said_of_it(bench: Bench, tmp_path: Path) -> None:
    assert json.loads(bench.command("status", "--mount", str(tmp_path)).stdout) == {"jobs": []}
