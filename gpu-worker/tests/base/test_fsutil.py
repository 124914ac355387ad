"""What must outlive a host that loses its power is on the disk before it gets its name."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path
from typing import Any, List

import pytest

from runpod_trainer_worker.base import fsutil


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> List[str]:
    """`fsync` and `replace` in the order in which they happen, with the content that was there."""
    seen: List[str] = []
    fsync, replace = os.fsync, os.replace

    def synced(descriptor: int) -> None:
        seen.append(f"fsync {os.pread(descriptor, 100, 0).decode()}" if os.fstat(descriptor).st_size else "fsync nothing")
        fsync(descriptor)

    def replaced(source: Any, target: Any, **more: Any) -> None:
        seen.append(f"replace {Path(target).name}")
        replace(source, target, **more)

    # Readable too, so that what is brought to the disk can be looked at.
    fdopen = os.fdopen
    monkeypatch.setattr(os, "fdopen", lambda handle, mode="r": fdopen(handle, "w+b" if mode == "wb" else mode))
    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", replaced)
    return seen


def test_a_durable_file_is_whole_on_the_disk_before_it_has_its_name(tmp_path: Path, calls: List[str]) -> None:
    fsutil.write_atomic(tmp_path / "a", b"content", durable=True)
    assert calls == ["fsync content", "replace a"]
    assert (tmp_path / "a").read_bytes() == b"content" and (tmp_path / "a").stat().st_mode & 0o777 == 0o644


def test_json_is_as_durable_as_it_is_asked_to_be(tmp_path: Path, calls: List[str]) -> None:
    fsutil.write_json(tmp_path / "quick", {"a": 1})
    assert calls == ["replace quick"]
    fsutil.write_json(tmp_path / "kept", {"a": 1}, durable=True)
    assert calls[1:] == ['fsync {"a":1}\n', "replace kept"]


def test_what_could_not_be_brought_to_the_disk_gets_no_name_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_text("old")

    def fails(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(OSError):
        fsutil.write_atomic(tmp_path / "a", b"new", durable=True)
    assert (tmp_path / "a").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


class Library:
    """The C library, with a `syncfs` that answers this."""

    def __init__(self, answer: int) -> None:
        self.answer, self.asked = answer, [-1]

    def syncfs(self, descriptor: int) -> int:
        self.asked.append(descriptor)
        return self.answer


def test_a_volume_is_synced_by_itself_and_with_everything_where_that_cannot_be(monkeypatch: pytest.MonkeyPatch) -> None:
    whole: List[str] = []
    monkeypatch.setattr(os, "sync", lambda: whole.append("sync"))
    works, fails = Library(0), Library(-1)
    monkeypatch.setattr(ctypes, "CDLL", lambda name: works)
    fsutil.sync_volume(7)
    assert works.asked[1:] == [7] and whole == []
    monkeypatch.setattr(ctypes, "CDLL", lambda name: fails)
    fsutil.sync_volume(8)
    assert fails.asked[1:] == [8] and whole == ["sync"]
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    fsutil.sync_volume(9)
    assert whole == ["sync", "sync"]
