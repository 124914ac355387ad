"""R2.5: what was committed is on the disk before it has its name: no crash of a host leaves a name without content."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any, Dict, List, Set, Tuple

import pytest

from runpod_trainer_worker.base import fsutil
from runpod_trainer_worker.files.commit import commit


class Disk:
    """Notes what the disk was told to keep, and what got its name before that."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.synced: Set[int] = set()
        self.volumes: List[Set[int]] = []
        self.named: List[Tuple[str, bool]] = []
        self._made: Dict[str, int] = {}
        replace = os.replace

        def fsync(descriptor: int) -> None:
            self.synced.add(os.fstat(descriptor).st_ino)

        def sync_volume(descriptor: int) -> None:
            folder = f"/proc/self/fd/{descriptor}"
            self.synced |= {os.stat(os.path.join(folder, name)).st_ino for name in os.listdir(folder)}
            self.volumes.append(set(self.synced))

        def renamed(source: Any, target: Any, **more: Any) -> None:
            inode = os.stat(source, dir_fd=more.get("src_dir_fd")).st_ino
            self.named.append((Path(target).name, inode in self.synced))
            replace(source, target, **more)

        monkeypatch.setattr(os, "fsync", fsync)
        monkeypatch.setattr(fsutil, "sync_volume", sync_volume)
        monkeypatch.setattr(os, "replace", renamed)


def committed(root: Path, contents: Dict[str, bytes]) -> List[Dict[str, Any]]:
    """Uploads and commits; the answers."""
    incoming = root / ".runpod-trainer" / "incoming"
    incoming.mkdir(parents=True)
    lines = []
    for path, data in contents.items():
        digest = hashlib.sha256(data).hexdigest()
        (incoming / digest).write_bytes(data)
        lines.append(json.dumps({"path": path, "size": len(data), "sha256": digest, "mode": 0o640}).encode())
    answers: List[Dict[str, Any]] = []
    commit(root, lines, answers.append)
    return answers


@pytest.mark.parametrize("count", [1, 8, 9, 40])
def test_nothing_has_its_name_before_the_disk_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    disk = Disk(monkeypatch)
    contents = {f"f{number}": f"content {number}".encode() for number in range(count)}
    assert all(answer["ok"] for answer in committed(tmp_path, contents))
    names = dict(disk.named)
    # The cache of hashes may be lost with the host; the manifest may not.
    assert names.pop("worker-hashes.json") is False
    assert names == {**dict.fromkeys(contents, True), "files.json": True}


def test_copies_of_one_upload_are_on_the_disk_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk(monkeypatch)
    assert all(answer["ok"] for answer in committed(tmp_path, {"a": b"same", "b": b"same", "empty": b""}))
    assert {name: kept for name, kept in disk.named if name in ("a", "b", "empty")} == {"a": True, "b": True, "empty": True}


def test_many_files_are_brought_to_the_disk_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk(monkeypatch)
    committed(tmp_path, {f"f{number}": f"content {number}".encode() for number in range(30)})
    assert len(disk.volumes) == 1 and len(disk.volumes[0]) >= 30


def test_a_file_that_the_disk_does_not_take_is_told_and_gets_no_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_text("old")

    def fails(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", fails)
        assert committed(tmp_path, {"a": b"new"}) == [{"path": "a", "ok": False, "error": "Input/output error."}]
    assert (tmp_path / "a").read_text() == "old"


def test_nothing_is_left_where_uploads_lie(tmp_path: Path) -> None:
    incoming = tmp_path / ".runpod-trainer" / "incoming"
    incoming.mkdir(parents=True)
    data, lines = {"whole": b"one", "in pieces": b"another"}, []
    for path, content in data.items():
        digest = hashlib.sha256(content).hexdigest()
        lines.append(json.dumps({"path": path, "size": len(content), "sha256": digest}).encode())
        (incoming / (digest if path == "whole" else f"{digest}.part")).write_bytes(content)
        if path == "in pieces":
            (incoming / f"{digest}.ranges").write_text(f"0 {len(content)}\n")
    answers: List[Dict[str, Any]] = []
    commit(tmp_path, lines, answers.append)
    assert all(answer["ok"] for answer in answers) and list(incoming.iterdir()) == []
    assert {path: (tmp_path / path).read_bytes() for path in data} == data
