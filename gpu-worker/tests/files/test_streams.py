"""R2.5, R2.6: streams, resume from ranges, what changed there, and taking away what a transfer put there."""

from __future__ import annotations

import io
import json
import os
import struct
import subprocess
import time
import zlib
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest
from conftest import PYTHON, Bench
from test_commit import call, line, sha, upload

from runpod_trainer_worker.base.errors import WorkerError
from runpod_trainer_worker.files.frames import LIMIT, FrameReader, FrameWriter


def framed(*contents: bytes, end: bool = True, compress: bool = False) -> bytes:
    out = io.BytesIO()
    writer = FrameWriter(out, compress)
    for content in contents:
        writer.write(json.dumps({"sha256": sha(content), "size": len(content)}).encode() + b"\n")
        writer.write(content)
    if end:
        writer.end()
    else:
        writer.flush()
    return out.getvalue()


def stream(bench: Bench, action: str, data: bytes, *options: str) -> Tuple[int, bytes]:
    argv = [PYTHON, str(bench.pyz), "files", action, "--root", str(bench.project), *options]
    done = subprocess.run(argv, input=data, capture_output=True, timeout=50, env=bench.environment(), check=False)
    return done.returncode, done.stdout


def received(bench: Bench, data: bytes) -> Tuple[int, List[Dict[str, Any]]]:
    code, out = stream(bench, "receive", data)
    return code, [json.loads(text) for text in out.splitlines()]


def incoming(bench: Bench) -> List[str]:
    return sorted(p.name for p in (bench.project / ".runpod-trainer" / "incoming").iterdir())


@pytest.mark.parametrize("compress", [False, True])
def test_a_stream_arrives_and_is_committed(bench: Bench, compress: bool) -> None:
    contents = [b"one", b"x" * 3_000, os.urandom(LIMIT), b"two\n\n", b"y" * LIMIT]
    code, answers = received(bench, framed(*contents, compress=compress))
    assert code == 0 and answers == [{"sha256": sha(c), "ok": True} for c in contents]
    wanted = [line(f"d/{n}", content) for n, content in enumerate(contents)]
    planned = call(bench, "plan", wanted)
    assert [p["have"] for p in planned] == [[[0, len(c)]] for c in contents]
    assert all(answer["ok"] for answer in call(bench, "commit", wanted))
    assert all((bench.project / f"d/{n}").read_bytes() == content for n, content in enumerate(contents))
    assert incoming(bench) == []


def test_a_cut_stream_keeps_what_arrived_whole(bench: Bench) -> None:
    first, second = os.urandom(1000), os.urandom(1_000_000)
    data = framed(first)[:-5] + framed(second)
    whole = len(framed(first)) - 5
    for cut in (3, 40, whole, whole + 20, len(data) - 6, len(data) - 1):
        code, answers = received(bench, data[:cut])
        assert code == 2 and "error" in answers[-1]
        assert incoming(bench) in ([], [sha(first)], sorted([sha(first), sha(second)]))
        assert (sha(first) in incoming(bench)) == (cut >= whole)
    assert sha(second) in incoming(bench)


def test_damage_in_a_stream_is_noticed(bench: Bench) -> None:
    content = os.urandom(50_000)
    data = bytearray(framed(content, b"good"))
    data[5000] ^= 1
    code, answers = received(bench, bytes(data))
    assert code == 0 and [a["ok"] for a in answers] == [False, True] and "sha256" in answers[0]["error"]
    assert incoming(bench) == [sha(b"good")]
    for nonsense in (b"hello there", struct.pack(">cI", b"r", LIMIT + 1) + bytes(9), b"r\0\0\0\x05hello" + b"e\0\0\0\0"):
        code, answers = received(bench, nonsense)
        assert code == 2 and "error" in answers[-1]


def test_a_frame_that_unpacks_to_too_much_is_refused() -> None:
    bomb = zlib.compress(bytes(50 * LIMIT))
    frames = FrameReader(io.BytesIO(struct.pack(">cI", b"z", len(bomb)) + bomb))
    with pytest.raises(WorkerError, match="more than it may"):
        frames.line()


def test_many_files_come_back_as_a_stream(bench: Bench) -> None:
    contents = {f"out/{n} é\n.bin": os.urandom(n * 7) for n in range(60)}
    for name, content in contents.items():
        bench.write(name, "")
        (bench.project / name).write_bytes(content)
    request = [line(name, content) for name, content in contents.items()]
    extra = [line("gone", b"x"), line("../../etc/passwd", b"x"), {**line("out/1 é\n.bin", b"x"), "size": 3}]
    text = "".join(json.dumps(entry) + "\n" for entry in [*request, *extra]).encode()
    for options in ([], ["--compress"]):
        code, out = stream(bench, "send", text, *options)
        assert code == 0
        frames = FrameReader(io.BytesIO(out))
        for number, (_, content) in enumerate(contents.items()):
            assert json.loads(frames.line()) == {"n": number, "size": len(content)}
            assert b"".join(frames.pieces(len(content))) == content
        errors = [json.loads(frames.line())["error"] for _ in extra]
        assert "not there" in errors[0] and "Refused" in errors[1] and "changed" in errors[2]
        assert frames.line() == b""


def part(bench: Bench, data: bytes, journal: str, length: int = -1) -> None:
    folder = bench.project / ".runpod-trainer" / "incoming"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{sha(data)}.part").write_bytes(data if length < 0 else data[:length])
    (folder / f"{sha(data)}.ranges").write_text(journal)


def test_plan_tells_which_ranges_are_there(bench: Bench) -> None:
    data = os.urandom(1000)

    def have() -> Any:
        return call(bench, "plan", [line("big", data)])[0].get("have")

    assert have() is None
    part(bench, data, "100 200\n0 50\n200 300\n900 950")
    assert have() == [[0, 50], [100, 300]]
    part(bench, data, "0 50\n4030 60\nnonsense\n-1 5\n900 5000\n", length=960)
    assert have() == [[0, 50], [900, 960]]
    part(bench, data + b"too long", "0 50\n")
    (bench.project / ".runpod-trainer/incoming" / f"{sha(data + b'too long')}.part").rename(
        bench.project / ".runpod-trainer/incoming" / f"{sha(data)}.part"
    )
    assert have() is None and not any(name.startswith(sha(data)) for name in incoming(bench))


def test_a_part_is_committed_when_it_is_whole_and_thrown_away_when_it_is_damaged(bench: Bench) -> None:
    data = os.urandom(1000)
    part(bench, data, "0 1000\n")
    assert call(bench, "commit", [line("a", data), line("b", data)]) == [{"path": p, "ok": True} for p in "ab"]
    assert (bench.project / "a").read_bytes() == (bench.project / "b").read_bytes() == data and incoming(bench) == []
    other = os.urandom(1000)
    part(bench, other, "0 1000\n")
    (bench.project / ".runpod-trainer/incoming" / f"{sha(other)}.part").write_bytes(bytes(1000))
    (answer,) = call(bench, "commit", [line("c", other)])
    assert answer["ok"] is False and "sha256" in answer["error"] and incoming(bench) == []


def test_uploads_that_nobody_came_back_for_go_after_a_week_by_the_clock_of_the_volume(bench: Bench) -> None:
    upload(bench, b"old")
    upload(bench, b"new")
    folder = bench.project / ".runpod-trainer" / "incoming"
    ago = time.time() - 8 * 24 * 3600
    os.utime(folder / sha(b"old"), (ago, ago))
    ahead = time.time() + 400 * 24 * 3600
    os.utime(folder / sha(b"new"), (ahead, ahead))
    call(bench, "plan", [line("x", b"x")])
    assert incoming(bench) == [sha(b"new")]


def put(bench: Bench, **files: bytes) -> None:
    for content in files.values():
        upload(bench, content)
    answers = call(bench, "commit", [line(name.replace("__", "/"), content) for name, content in files.items()])
    assert all(answer["ok"] for answer in answers)


def test_state_tells_what_changed_and_what_is_missing_whatever_the_clock_says(bench: Bench) -> None:
    put(bench, same=b"same", edited=b"edited", touched=b"touched", gone=b"gone", replaced=b"replaced")
    (bench.project / "edited").write_bytes(b"EDITED")
    ahead = time.time() + 400 * 24 * 3600
    os.utime(bench.project / "touched", (ahead, ahead))
    (bench.project / "gone").unlink()
    (bench.project / "replaced").unlink()
    (bench.project / "replaced").mkdir()
    bench.write("own", "not of a transfer")
    answers = {answer["path"]: answer for answer in call(bench, "state", [])}
    assert set(answers) == {"same", "edited", "touched", "gone", "replaced"}
    assert {p for p, a in answers.items() if a["changed"]} == {"edited"}
    assert {p for p, a in answers.items() if a["missing"]} == {"gone", "replaced"}
    assert answers["edited"]["sha256"] == sha(b"edited") and answers["edited"]["now"]["sha256"] == sha(b"EDITED")
    assert set(answers["same"]) == {"path", "size", "sha256", "mtime", "changed", "missing"}
    assert call(Bench(bench.root / "other", bench.pyz), "state", []) == []


def test_plan_names_conflicts(bench: Bench) -> None:
    put(bench, both=b"both", there=b"there", here=b"here", gone=b"gone")
    (bench.project / "both").write_bytes(b"changed there")
    (bench.project / "there").write_bytes(b"changed there")
    (bench.project / "gone").unlink()
    bench.write("stranger", "written by a step")
    wanted = [line("both", b"1"), line("there", b"there"), line("here", b"2"), line("gone", b"3"), line("stranger", b"4")]
    answers = {answer["path"]: answer.get("conflict") for answer in call(bench, "plan", wanted)}
    assert answers == {"both": "changed", "there": "changed", "here": None, "gone": None, "stranger": "unknown"}


def test_remove_takes_only_what_a_transfer_put_there_and_nobody_changed(bench: Bench) -> None:
    bench.write("kept/own", "mine")
    put(bench, a__b__c=b"1", a__b__d=b"2", kept__e=b"3", f=b"4", g=b"5")
    (bench.project / "f").write_bytes(b"changed")
    (bench.project / "g").unlink()
    (bench.project / "g").symlink_to("/etc/passwd")
    names = ["a/b/c", "a/b/d", "kept/e", "f", "g", "kept/own", "../x", ".runpod-trainer/files.json", "never"]
    answers = call(bench, "remove", [{"path": name} for name in names])
    assert [answer["ok"] for answer in answers] == [True, True, True, *[False] * 6]
    assert "changed there" in answers[3]["error"] and "no transfer" in answers[5]["error"]
    assert sorted(p.name for p in bench.project.iterdir()) == [".runpod-trainer", "f", "g", "kept"]
    assert [p.name for p in (bench.project / "kept").iterdir()] == ["own"]
    record = json.loads((bench.project / ".runpod-trainer" / "files.json").read_text())["files"]
    assert set(record) == {"f", "g"} and Path("/etc/passwd").exists()


def test_remove_leaves_empty_folders_that_it_did_not_make(bench: Bench) -> None:
    (bench.project / "theirs").mkdir()
    put(bench, theirs__ours__x=b"1")
    assert call(bench, "remove", [{"path": "theirs/ours/x"}]) == [{"path": "theirs/ours/x", "ok": True}]
    assert (bench.project / "theirs").is_dir() and not (bench.project / "theirs/ours").exists()
