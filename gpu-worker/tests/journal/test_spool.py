"""R3.4: the folder on the pod's own disk is chosen once, whatever becomes of its disk."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import HERE

CODE = "from runpod_trainer_worker.journal.spool import scratch_folder; print(scratch_folder())"


def chosen(temporary: Path) -> str:
    """What a command chooses whose temporary folder this is."""
    done = subprocess.run(
        [sys.executable, "-c", CODE],
        env={"TMPDIR": str(temporary), "PYTHONPATH": str(HERE.parent), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.fixture
def disk(tmp_path: Path) -> "object":
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=755", "tmpfs", str(folder)], check=False).returncode:
        pytest.skip("only root can mount")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path) -> None:
    with open(folder / "full", "wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
        while True:
            file.write(b"x" * 4096)


def test_a_disk_that_fills_up_is_still_the_one(disk: Path) -> None:
    before = chosen(disk)
    assert before.startswith(str(disk))
    fill(disk)
    assert chosen(disk) == before


def test_a_disk_that_was_full_is_not_chosen_later(disk: Path) -> None:
    fill(disk)
    before = chosen(disk)
    assert not before.startswith(str(disk))
    (disk / "full").unlink()
    assert chosen(disk) == before
