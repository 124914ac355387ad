"""Requests of clients, on the volume and, where that is full, on the pod's own disk (R3.6)."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest

from runpod_trainer_worker.base import fsutil
from runpod_trainer_worker.journal.directory import JobDir
from runpod_trainer_worker.journal.requests import Requests


@pytest.fixture
def job(tmp_path: Path) -> JobDir:
    folder = tmp_path / "volume" / "job"
    folder.mkdir(parents=True)
    return JobDir(folder)


def fill(monkeypatch: pytest.MonkeyPatch, job: JobDir, number: int) -> None:
    """Writing below the job's folder fails with this error from now on, as it does where the quota is used up."""
    write = fsutil.write_atomic

    def refuse(path: Path, data: bytes, **more: Any) -> None:
        if job.path in path.parents:
            raise OSError(number, "no", str(path))
        write(path, data, **more)

    monkeypatch.setattr(fsutil, "write_atomic", refuse)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_volume_takes_no_request_so_the_own_disk_does(
    job: JobDir, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    spool = tmp_path / "own" / "spool"
    spool.parent.mkdir()
    inbox = Requests(job, spool)
    inbox.put("hold")
    first = inbox.read("hold")
    assert (job.control / "hold").exists() and not spool.exists()
    fill(monkeypatch, job, number)
    inbox.put("hold")
    inbox.put("cancel")
    again = inbox.read("hold")
    assert again["boot"] > first["boot"], "the newest counts"
    assert inbox.has("cancel") and not (job.control / "cancel").exists()
    inbox.withdraw("hold")
    assert inbox.read("hold") == {} and inbox.has("cancel")


def test_without_an_own_disk_or_for_another_reason_the_request_fails(
    job: JobDir, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(monkeypatch, job, errno.ENOSPC)
    with pytest.raises(OSError, match="no"):
        Requests(job, None).put("cancel")
    fill(monkeypatch, job, errno.EIO)
    with pytest.raises(OSError, match="no"):
        Requests(job, tmp_path / "spool").put("cancel")
