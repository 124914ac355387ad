"""R2.5: what was put there and is not part of the project any more is set aside, and nothing else is touched."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any, Dict, List

from conftest import Bench
from test_commit import call, line, upload

from runpod_trainer_worker.base.contract import LIMITS
from runpod_trainer_worker.files.manifest import Manifest
from runpod_trainer_worker.files.safe_root import open_root

DAY = 24 * 3600


def put(bench: Bench, *paths: str) -> None:
    lines = [line(path, path.encode(), list="must") for path in paths]
    for path in paths:
        upload(bench, path.encode())
    assert all(answer["ok"] for answer in call(bench, "commit", lines))


def aside(bench: Bench, *paths: str) -> List[Dict[str, Any]]:
    return call(bench, "set-aside", [{"path": path} for path in paths])


def tree(root: Path) -> List[str]:
    found = [str(path.relative_to(root)) for path in root.rglob("*")]
    return sorted(path for path in found if not path.startswith(".runpod-trainer"))


def test_a_package_goes_with_what_python_made_of_it_and_can_be_had_back(bench: Bench) -> None:
    put(bench, "m/__init__.py", "m/sub/x.py", "keep.py")
    for name in ("m/__pycache__/__init__.cpython-311.pyc", "m/sub/__pycache__/x.cpython-311.opt-1.pyc"):
        bench.write(name, "compiled")
    answers = aside(bench, "m/__init__.py", "m/sub/x.py")
    assert [answer["ok"] for answer in answers] == [True, True]
    # A folder alone can be imported as a namespace package.
    assert tree(bench.project) == ["keep.py"]
    for answer, path in zip(answers, ("m/__init__.py", "m/sub/x.py")):
        assert answer["to"].startswith(".runpod-trainer/removed/") and answer["to"].endswith(f"/{path}")
        assert (bench.project / answer["to"]).read_bytes() == path.encode()
    assert [entry["path"] for entry in call(bench, "state", [])] == ["keep.py"]


def test_what_others_wrote_stays(bench: Bench) -> None:
    put(bench, "changed.txt", "same.txt", "a/in.txt", "linked.txt", "folder")
    bench.write("changed.txt", "by a step")
    bench.write("strange.txt", "never sent")
    bench.write("a/output.txt", "by a step")
    os.utime(bench.project / "same.txt", (1, 1))
    (bench.project / "linked.txt").unlink()
    (bench.project / "linked.txt").symlink_to("strange.txt")
    (bench.project / "folder").unlink()
    bench.write("folder/of-a-step", "x")
    answers = {
        answer["path"]: answer
        for answer in aside(
            bench,
            "changed.txt",
            "strange.txt",
            "same.txt",
            "a/in.txt",
            "linked.txt",
            "folder",
            "../out",
            ".runpod-trainer/files.json",
        )
    }
    assert sorted(path for path, answer in answers.items() if answer["ok"]) == ["a/in.txt", "same.txt"]
    assert "changed there" in answers["changed.txt"]["error"] and "no transfer" in answers["strange.txt"]["error"]
    assert tree(bench.project) == [
        "a",
        "a/output.txt",
        "changed.txt",
        "folder",
        "folder/of-a-step",
        "linked.txt",
        "strange.txt",
    ]


def test_one_that_was_cut_off_goes_on(bench: Bench) -> None:
    put(bench, "a.py", "b.py")
    # Moved, and then the pod ended before the manifest was written.
    (bench.project / "a.py").unlink()
    answers = aside(bench, "a.py", "b.py")
    assert [(answer["ok"], "to" in answer) for answer in answers] == [(True, False), (True, True)]
    assert call(bench, "state", []) == []


def test_it_is_kept_for_the_days_that_the_contract_says(bench: Bench) -> None:
    put(bench, "old.py", "new.py")
    ages = {"old.py": LIMITS.removed_days + 0.1, "new.py": LIMITS.removed_days - 0.1}
    folders = {}
    for path, days in ages.items():
        (answer,) = aside(bench, path)
        folder = bench.project / answer["to"].split("/" + path)[0]
        then = time.time() - days * DAY
        folders[path] = folder.with_name(path)
        folder.rename(folders[path])
        os.utime(folders[path], (then, then))
    call(bench, "plan", [])
    assert not folders["old.py"].exists() and (folders["new.py"] / "new.py").read_bytes() == b"new.py"
    assert [path.name for path in folders["new.py"].parent.iterdir()] == ["new.py"]


def test_nothing_outside_is_swept(bench: Bench, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "old").mkdir(parents=True)
    os.utime(outside / "old", (1, 1))
    removed = bench.project / ".runpod-trainer" / "removed"
    (removed / "x").mkdir(parents=True)
    (removed / "x" / "link").symlink_to(outside)
    os.utime(removed / "x", (1, 1))
    call(bench, "plan", [])
    assert not (removed / "x").exists() and (outside / "old").is_dir()
    removed.rmdir()
    removed.symlink_to(outside)
    call(bench, "plan", [])
    assert (outside / "old").is_dir()


def test_the_manifest_keeps_the_list_that_a_file_came_under(bench: Bench) -> None:
    put(bench, "a.py")
    bench.write("b.py", "b")
    bench.write("c.py", "other")
    asked = [
        {"path": "a.py", "size": 4},
        {"path": "b.py", "size": 1},
        {"path": "c.py", "size": 3},
        {"path": "d.py", "size": 0},
    ]
    known, *strangers = call(bench, "state", asked)
    assert (known["path"], known["list"], known["changed"]) == ("a.py", "must", False)
    assert [(s["path"], s["stranger"], s["now"]["size"]) for s in strangers] == [("b.py", True, 1), ("c.py", True, 5)]
    # What is not of the size that is asked about is not read.
    assert strangers[0]["now"]["sha256"] == line("b.py", b"b")["sha256"] and strangers[1]["now"]["sha256"] is None
    safe = open_root(bench.project)
    assert Manifest(safe).files()["a.py"]["list"] == "must"
    safe.close()
    assert "list" in json.loads((bench.project / ".runpod-trainer" / "files.json").read_text())["files"]["a.py"]
