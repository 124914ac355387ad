"""What pods leave of themselves on the volume goes a week after their end, and nothing of a pod that is there (R4.3)."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from conftest import Api, Bench, on_pod, shell, wait_for

from runpod_trainer_worker.keeper.ended_pods import FRESH_SECONDS, prune

DAY = 24 * 3600.0


def leave(mount: Path, name: str, days: float, **files: str) -> Path:
    """A pod's folder in which nothing was written for so many days."""
    folder = mount / ".runpod-trainer" / name
    folder.mkdir(parents=True)
    for file, text in {"keeper.json": "{}", **files}.items():
        (folder / file).write_text(text)
    for path in [*folder.iterdir(), folder]:
        os.utime(path, (time.time() - days * DAY,) * 2)
    return folder


def test_only_folders_of_pods_that_ended_a_week_ago_go(tmp_path: Path) -> None:
    old = [leave(tmp_path, name, 8) for name in ("pods/old", "gateways/old")]
    young = [leave(tmp_path, name, 6.9) for name in ("pods/young", "gateways/young")]
    own = leave(tmp_path, "pods/own", 30)
    written = leave(tmp_path, "gateways/written", 30)
    (written / "watchdog.log").write_text("a line")
    job = leave(tmp_path, "jobs/finished", 30)
    outside = leave(tmp_path / "outside", "x", 30)
    (tmp_path / ".runpod-trainer" / "pods" / "link").symlink_to(outside)
    assert prune(str(tmp_path), "own") == 2
    assert [folder.exists() for folder in old] == [False, False]
    assert all(folder.exists() for folder in (*young, own, written, job, outside))
    assert prune(str(tmp_path), "own") == 0


@pytest.mark.parametrize("pod, stays", [("runs", True), ("another", False)])
def test_a_pod_whose_job_gives_signs_is_there(tmp_path: Path, pod: str, stays: bool) -> None:
    job = tmp_path / ".runpod-trainer" / "jobs" / "j"
    job.mkdir(parents=True)
    (job / "state.json").write_text(json.dumps({"podId": pod}))
    folder = leave(tmp_path, "pods/runs", 30, **{"keeper.json": json.dumps({"state": {"job": {"folder": str(job)}}})})
    prune(str(tmp_path), "own")
    assert folder.exists() is stays


def test_a_volume_without_pods_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / ".runpod-trainer").mkdir()
    assert prune(str(tmp_path), "own") == 0


def test_a_keeper_writes_its_state_far_more_often_than_that() -> None:
    assert FRESH_SECONDS * 5 < 7 * DAY


def test_the_keeper_of_a_new_pod_does_it(bench: Bench, api: Api) -> None:
    bench.rent(api)
    mount = bench.root / "vol"
    old = leave(mount, "pods/old", 8)
    bench.spec(on_pod(shell("s", "sleep 30")))
    bench.start()
    wait_for(lambda: not old.exists())
    assert (mount / ".runpod-trainer" / "pods" / bench.pod_id / "keeper.json").exists()
    wait_for(lambda: "removed what 1 pods" in (bench.job / "watchdog.log").read_text())
