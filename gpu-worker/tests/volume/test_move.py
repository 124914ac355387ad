"""`volume`: everything of one volume to another (R1.5)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List

import pytest

WORKER = [sys.executable, str(Path(__file__).resolve().parent.parent.parent)]


def volume(*arguments: str, lines: "List[Dict[str, Any]] | bytes" = b"") -> bytes:
    data = lines if isinstance(lines, bytes) else "".join(json.dumps(line) + "\n" for line in lines).encode()
    return subprocess.run([*WORKER, "volume", *arguments], input=data, capture_output=True, check=True).stdout


def answers(*arguments: str, lines: "List[Dict[str, Any]] | bytes" = b"") -> List[Dict[str, Any]]:
    return [json.loads(line) for line in volume(*arguments, lines=lines).splitlines()]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    root = tmp_path / "source"
    (root / "projects" / "p" / ".runpod-trainer" / "incoming").mkdir(parents=True)
    (root / "projects" / "p" / ".runpod-trainer" / "incoming" / "half").write_text("half")
    (root / "projects" / "p" / ".runpod-trainer" / "files.json").write_text("{}")
    (root / ".runpod-trainer" / "gateways" / "x").mkdir(parents=True)
    (root / "projects" / "p" / "large").write_bytes(os.urandom(40_000_000))
    (root / "projects" / "p" / "run.sh").write_text("#!/bin/sh\n")
    (root / "projects" / "p" / "run.sh").chmod(0o750)
    (root / "projects" / "p" / "again.sh").write_text("#!/bin/sh\n")
    (root / "projects" / "p" / "empty").touch()
    (root / "void").mkdir(mode=0o700)
    (root / "projects" / "link").symlink_to("../../outside")
    os.utime(root / "projects" / "p" / "run.sh", ns=(10**18, 10**18 + 123_456_789))
    return root


def files(entries: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
    return list({entry["sha256"]: entry for entry in entries if entry["kind"] == "file"}.values())


def test_everything_arrives_with_mode_time_and_links(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    entries = answers("list", "--root", str(source))
    paths = {entry["path"] for entry in entries}
    assert "projects/p/.runpod-trainer/files.json" in paths
    assert not any("incoming" in path or "gateways" in path or path.endswith("hashes.json") for path in paths)
    planned = answers("plan", "--root", str(target), "--source", "abc", lines=entries)
    assert {item["path"] for item in planned} == paths - {".runpod-trainer"}
    stream = volume("send", "--root", str(source), lines=files(entries))
    taken = answers("receive", "--root", str(target), lines=stream)
    assert taken[0] == {"ready": True}
    assert all(answer["ok"] for answer in taken[1:])
    assert sum(answer["bytes"] for answer in taken[1:]) == sum(entry["size"] for entry in files(entries))
    done = answers("commit", "--root", str(target), "--source", "abc", lines=entries)
    assert all(answer["ok"] for answer in done)
    assert answers("plan", "--root", str(target), "--source", "abc", lines=entries) == []
    moved = {entry["path"]: entry for entry in answers("list", "--root", str(target))}
    assert {path: moved[path] for path in paths if path != ".runpod-trainer"} == {
        entry["path"]: entry for entry in entries if entry["path"] != ".runpod-trainer"
    }


def test_a_cut_stream_keeps_what_arrived(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    entries = [entry for entry in answers("list", "--root", str(source)) if entry["path"] == "projects/p/large"]
    stream = volume("send", "--root", str(source), lines=entries)
    cut = subprocess.run(
        [*WORKER, "volume", "receive", "--root", str(target)], input=stream[:35_000_000], capture_output=True
    )
    assert cut.returncode != 0
    (planned,) = answers("plan", "--root", str(target), "--source", "abc", lines=entries)
    assert planned["have"] == [[0, 32 << 20]]
    rest = volume("send", "--root", str(source), lines=[{**entries[0], "have": planned["have"]}])
    assert len(rest) < 40_000_000 - (32 << 20) + 10_000
    volume("receive", "--root", str(target), lines=rest)
    assert answers("commit", "--root", str(target), "--source", "abc", lines=entries) == [
        {"path": "projects/p/large", "ok": True}
    ]


def test_a_strangers_file_is_a_conflict_and_an_own_one_is_not(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    (target / "projects" / "p").mkdir(parents=True)
    (target / "projects" / "p" / "run.sh").write_text("mine")
    entries = [entry for entry in answers("list", "--root", str(source)) if entry["path"] == "projects/p/run.sh"]
    (planned,) = answers("plan", "--root", str(target), "--source", "abc", lines=entries)
    assert planned["conflict"] == "file"
    volume("receive", "--root", str(target), lines=volume("send", "--root", str(source), lines=entries))
    answers("commit", "--root", str(target), "--source", "abc", lines=entries)
    (source / "projects" / "p" / "run.sh").write_text("newer")
    newer = [entry for entry in answers("list", "--root", str(source)) if entry["path"] == "projects/p/run.sh"]
    (planned,) = answers("plan", "--root", str(target), "--source", "abc", lines=newer)
    assert "conflict" not in planned


@pytest.mark.parametrize("path", ["../x", "/x", "a/../../x", "link/x"])
def test_names_that_leave_the_volume_are_refused(tmp_path: Path, path: str) -> None:
    target = tmp_path / "target"
    target.mkdir()
    (target / "link").symlink_to(tmp_path)
    entry = {"path": path, "kind": "file", "mode": 0o644, "mtime": "0", "size": 0, "sha256": "e3b0c442" + "0" * 56}
    (answer,) = answers("commit", "--root", str(target), "--source", "abc", lines=[entry])
    assert answer["ok"] is False
    assert list(tmp_path.iterdir()) == [target]


def test_what_arrived_damaged_is_not_put_in_place(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    entries = [entry for entry in answers("list", "--root", str(source)) if entry["path"] == "projects/p/large"]
    with (source / "projects" / "p" / "large").open("r+b") as file:
        file.write(b"changed")
    volume("receive", "--root", str(target), lines=volume("send", "--root", str(source), lines=entries))
    (answer,) = answers("commit", "--root", str(target), "--source", "abc", lines=entries)
    assert answer["ok"] is False
    assert "send it again" in answer["error"]
    assert not (target / "projects").exists()
