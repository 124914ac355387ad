"""R2.5, design/security.md rules 5 and 6: transfers are verified, atomic, and stay below their root."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from pathlib import Path
from typing import Any, Dict, List

import pytest
from conftest import Bench

NAMES = ["a.txt", "with space/and\nnewline.txt", "grün/🌈.bin", "-dash", "deep/er/and/deeper/x"]


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def call(bench: Bench, action: str, lines: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
    text = "".join(json.dumps(line) + "\n" for line in lines)
    done = bench.command("files", action, "--root", str(bench.project), stdin=text)
    assert done.returncode == 0, done.stdout
    return [json.loads(line) for line in done.stdout.splitlines()]


def upload(bench: Bench, data: bytes) -> None:
    target = bench.project / ".runpod-trainer" / "incoming" / sha(data)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)


def line(path: str, data: bytes, **more: Any) -> Dict[str, Any]:
    return {"path": path, "size": len(data), "sha256": sha(data), **more}


def test_plan_commit_list_with_difficult_names(bench: Bench) -> None:
    wanted = [line(name, name.encode(), mode=0o640) for name in NAMES]
    assert call(bench, "plan", wanted) == [{"path": name} for name in NAMES]
    for name in NAMES:
        upload(bench, name.encode())
    assert call(bench, "commit", wanted) == [{"path": name, "ok": True} for name in NAMES]
    assert call(bench, "plan", wanted) == []
    listed = call(bench, "list", [{"patterns": ["**"]}])
    assert sorted(f["path"] for f in listed) == sorted(NAMES)
    assert all(f["sha256"] == sha(f["path"].encode()) and f["mtime"].endswith("Z") for f in listed)
    for name in NAMES:
        assert (bench.project / name).read_bytes() == name.encode()
        assert (bench.project / name).stat().st_mode & 0o777 == 0o640
    record = json.loads((bench.project / ".runpod-trainer" / "files.json").read_text())["files"]
    assert set(record) == set(NAMES) and set(record["a.txt"]) == {"size", "sha256", "mtime"}
    assert list((bench.project / ".runpod-trainer" / "incoming").iterdir()) == []


def test_plan_sees_changed_content_and_lost_files(bench: Bench) -> None:
    bench.write("a", "one")
    bench.write("b", "two")
    answers = call(bench, "plan", [line("a", b"one"), line("b", b"owt"), line("c", b"x")])
    assert [answer["path"] for answer in answers] == ["b", "c"]


def test_commit_refuses_a_damaged_upload_and_keeps_the_old_file(bench: Bench) -> None:
    bench.write("a", "old")
    upload(bench, b"new content")
    incoming = bench.project / ".runpod-trainer" / "incoming" / sha(b"new content")
    incoming.write_bytes(b"new c0ntent")
    (answer,) = call(bench, "commit", [line("a", b"new content")])
    assert answer["ok"] is False and "sha256" in answer["error"]
    incoming.write_bytes(b"new")
    (answer,) = call(bench, "commit", [line("a", b"new content")])
    assert answer["ok"] is False and "3 bytes, expected 11" in answer["error"]
    assert not incoming.exists()
    (answer,) = call(bench, "commit", [line("a", b"new content")])
    assert answer["ok"] is False and "not uploaded" in answer["error"]
    assert (bench.project / "a").read_text() == "old"


def test_commit_is_repeatable_and_one_upload_serves_many_names(bench: Bench) -> None:
    wanted = [line("x/1", b"same"), line("2", b"same", mode=0o755), line("3", b""), line("4", b"")]
    upload(bench, b"same")
    assert all(answer["ok"] for answer in call(bench, "commit", wanted))
    assert all(answer["ok"] for answer in call(bench, "commit", wanted))
    assert (bench.project / "x/1").read_bytes() == (bench.project / "2").read_bytes() == b"same"
    assert (bench.project / "2").stat().st_mode & 0o777 == 0o755
    assert (bench.project / "4").stat().st_size == 0
    assert (bench.project / "x/1").stat().st_ino != (bench.project / "2").stat().st_ino


BAD = [
    "../out",
    "/etc/out",
    "a/../../out",
    "a//b",
    "",
    "./a",
    "a/.",
    "dir/",
    ".runpod-trainer/worker",
    "x/.runpod-trainer/y",
    "a\0b",
]


@pytest.mark.parametrize("name", BAD)
def test_names_that_leave_the_root_are_refused(bench: Bench, name: str) -> None:
    upload(bench, b"evil")
    for action in ("plan", "commit"):
        (answer,) = call(bench, action, [line(name, b"evil")])
        assert answer["path"] == name and "Refused" in answer["error"]
    assert not (bench.project.parent / "out").exists()


def test_links_are_not_followed_out_of_the_root(bench: Bench) -> None:
    outside = bench.root / "outside"
    outside.mkdir()
    (outside / "secret.txt").write_text("secret")
    os.symlink(outside, bench.project / "link")
    os.symlink("../../outside", bench.project / "relative")
    os.symlink(outside / "secret.txt", bench.project / "file-link")
    os.symlink("loop", bench.project / "loop")
    (bench.project / "inside").mkdir()
    os.symlink("inside", bench.project / "good")
    upload(bench, b"evil")
    for name in ("link/x", "relative/deep/x", "loop/x"):
        (answer,) = call(bench, "commit", [line(name, b"evil")])
        assert answer["ok"] is False, name
    (planned,) = call(bench, "plan", [line("link/secret.txt", b"secret")])
    assert planned["path"] == "link/secret.txt" and "link out" in planned["error"]
    listed = call(bench, "list", [{"patterns": ["**", "link/*", "file-link"]}])
    assert {answer["path"]: answer.get("nothing") for answer in listed if "left" in answer} == {
        "file-link": None,
        "link": None,
        "loop": True,
        "relative": True,
    }
    assert len(listed) == 4
    assert call(bench, "commit", [line("good/x", b"evil")]) == [{"path": "good/x", "ok": True}]
    assert (bench.project / "inside" / "x").read_bytes() == b"evil"
    upload(bench, b"evil")
    assert call(bench, "commit", [line("file-link", b"evil")]) == [{"path": "file-link", "ok": True}]
    assert (outside / "secret.txt").read_text() == "secret" and not (bench.project / "file-link").is_symlink()
    assert sorted(p.name for p in outside.iterdir()) == ["secret.txt"]


def test_own_folders_as_links_are_refused(bench: Bench) -> None:
    outside = bench.root / "outside"
    outside.mkdir()
    (bench.project / ".runpod-trainer").mkdir()
    os.symlink(outside, bench.project / ".runpod-trainer" / "incoming")
    done = bench.command("files", "commit", "--root", str(bench.project), stdin=json.dumps(line("a", b"x")) + "\n")
    assert done.returncode == 2 and "error" in json.loads(done.stdout)


def test_what_is_no_regular_file_is_neither_opened_nor_listed(bench: Bench) -> None:
    os.mkfifo(bench.project / "pipe")
    (bench.project / "folder").mkdir()
    incoming = bench.project / ".runpod-trainer" / "incoming"
    incoming.mkdir(parents=True)
    os.mkfifo(incoming / sha(b"x"))
    answers = call(bench, "plan", [line("pipe", b""), line("folder", b"")])
    assert [answer["path"] for answer in answers] == ["pipe", "folder"]
    assert call(bench, "commit", [line("a", b"x")])[0]["ok"] is False
    assert call(bench, "list", [{"patterns": ["**"]}]) == []
    upload(bench, b"y")
    (answer,) = call(bench, "commit", [line("folder", b"y")])
    assert answer["ok"] is False


def test_patterns_and_folders_that_are_never_listed(bench: Bench) -> None:
    for name in ("a/x.pt", "a/b/y.pt", "a/b/z.txt", "a/__pycache__/c.pt", ".git/d.pt", "top.pt"):
        bench.write(name, name)

    def paths(*patterns: str) -> List[str]:
        return sorted(f["path"] for f in call(bench, "list", [{"patterns": list(patterns)}]))

    assert paths("**/*.pt") == ["a/b/y.pt", "a/x.pt", "top.pt"]
    assert paths("a/*.pt") == ["a/x.pt"]
    assert paths("a/") == paths("a") == paths("a/**") == ["a/b/y.pt", "a/b/z.txt", "a/x.pt"]
    assert paths("*.p?", "top.pt") == ["top.pt"]
    done = bench.command("files", "list", "--root", str(bench.project), stdin='{"patterns": ["../**"]}')
    assert done.returncode == 2


def test_wrong_lines_are_errors_in_json(bench: Bench) -> None:
    for text in ("nonsense\n", '{"path": "a"}\n', '{"path": 1, "size": 1, "sha256": "x"}\n'):
        done = bench.command("files", "plan", "--root", str(bench.project), stdin=text)
        assert done.returncode == 2 and "error" in json.loads(done.stdout)


def test_remembered_hashes_are_used_and_changes_noticed(bench: Bench) -> None:
    file = bench.write("big.bin", "content")
    old = 1_600_000_000
    os.utime(file, (old, old))
    assert call(bench, "plan", [line("big.bin", b"content")]) == []
    cache = bench.project / ".runpod-trainer" / "worker-hashes.json"
    known = json.loads(cache.read_text())
    known["files"]["big.bin"][5] = sha(b"trusted")
    cache.write_text(json.dumps(known))
    assert call(bench, "plan", [{"path": "big.bin", "size": 7, "sha256": sha(b"trusted")}]) == []
    file.write_text("CONTENT")
    assert call(bench, "plan", [line("big.bin", b"CONTENT")]) == []


def test_commits_at_the_same_time_lose_no_record(bench: Bench) -> None:
    groups = [[f"{g}/{n}" for n in range(40)] for g in range(3)]
    for name in (name for group in groups for name in group):
        upload(bench, name.encode())
    argv = ["python3", str(bench.pyz), "files", "commit", "--root", str(bench.project)]
    running = [
        subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=bench.environment()) for _ in groups
    ]
    # Each reads all of its lines before it begins, so that the ends of their input are what starts them.
    for process, group in zip(running, groups):
        assert process.stdin is not None
        process.stdin.write("".join(json.dumps(line(n, n.encode())) + "\n" for n in group).encode())
        process.stdin.flush()
    for process in running:
        assert process.stdin is not None
        process.stdin.close()
    assert [process.wait(timeout=30) for process in running] == [0, 0, 0]
    record = json.loads((bench.project / ".runpod-trainer" / "files.json").read_text())["files"]
    assert len(record) == 120 and not Path(bench.project / ".runpod-trainer" / "files.json.tmp").exists()


def test_room_is_tried_out_and_leaves_nothing(bench: Bench) -> None:
    assert call(bench, "room", []) == [{"error": "ENOENT"}], "there is no folder for uploads"
    upload(bench, b"x")
    assert call(bench, "room", []) == [{"error": None}]
    assert len(list((bench.project / ".runpod-trainer" / "incoming").iterdir())) == 1
