"""R9.1: files of a volume through a pod; names are hostile, and links are told and never followed."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from pathlib import Path
from typing import Any, Dict, Tuple

import pytest
from conftest import PYTHON


def ask(pyz: Path, mount: Path, op: str, path: str = "", **more: Any) -> Tuple[Dict[str, Any], bytes]:
    """The head of the answer, and what follows it."""
    question = json.dumps({"op": op, "mount": str(mount), "path": path, **more}).encode()
    done = subprocess.run([PYTHON, str(pyz), "browse"], input=question, capture_output=True, check=True)
    head, _, body = done.stdout.partition(b"\n")
    value: Dict[str, Any] = json.loads(head)
    return value, body


@pytest.fixture
def mount(tmp_path: Path) -> Path:
    volume = tmp_path / "volume"
    (volume / "data").mkdir(parents=True)
    (volume / "notes.txt").write_text("hello")
    (tmp_path / "outside.txt").write_text("secret")
    (volume / "way-out").symlink_to("/etc")
    (volume / "data" / "link").symlink_to(tmp_path / "outside.txt")
    return volume


def test_folders_first_then_names_and_links_are_told(pyz: Path, mount: Path) -> None:
    with open(os.fsencode(mount) + b"/latin-\xe9", "wb"):
        pass
    os.mkfifo(mount / "pipe")
    head, _ = ask(pyz, mount, "list", limit=4)
    assert [(e["name"], e["kind"], e["target"]) for e in head["entries"]] == [
        ("data", "folder", None),
        ("latin-\udce9", "file", None),
        ("notes.txt", "file", None),
        ("pipe", "other", None),
    ]
    assert head["more"] == 1
    assert ask(pyz, mount, "read", "latin-\udce9", cap=9)[0]["size"] == 0


def test_content_follows_up_to_the_cap(pyz: Path, mount: Path) -> None:
    head, body = ask(pyz, mount, "read", "notes.txt", cap=5)
    assert (head["size"], head["kind"], body) == (5, "file", b"hello")
    head, body = ask(pyz, mount, "read", "notes.txt", cap=4)
    assert (head["size"], body) == (5, b"")


WAYS_OUT = ["way-out", "way-out/passwd", "..", "../outside.txt", "data/link", "data/../../outside.txt", "/etc/passwd"]


@pytest.mark.parametrize("path", WAYS_OUT)
@pytest.mark.parametrize("op", ["list", "read", "stat", "measure", "remove", "place"])
def test_what_leaves_the_volume_is_refused(pyz: Path, mount: Path, op: str, path: str) -> None:
    head, body = ask(pyz, mount, op, path, limit=9, cap=99, name="x", sha256="0" * 64)
    assert head == {"error": "It is a link, or it lies outside of the volume."}
    assert body == b""
    assert (mount.parent / "outside.txt").read_text() == "secret"


def test_the_whole_volume_is_not_meant(pyz: Path, mount: Path) -> None:
    for op in ("measure", "remove", "no-such"):
        assert ask(pyz, mount, op)[0] == {"error": "The whole volume cannot be meant."}
    assert (mount / "notes.txt").exists()


def test_what_is_not_there_or_no_file(pyz: Path, mount: Path) -> None:
    os.mkfifo(mount / "pipe")
    assert ask(pyz, mount, "stat", "gone")[0] == {"error": "No such file or directory"}
    assert ask(pyz, mount, "read", "data", cap=9)[0] == {"error": "It is not a file."}
    assert ask(pyz, mount, "read", "pipe", cap=9)[0] == {"error": "It is not a file."}
    assert ask(pyz, mount, "stat", "pipe")[0] == {"error": "It is neither a file nor a folder."}
    assert ask(pyz, mount, "list", "notes.txt", limit=9)[0] == {"error": "Not a directory"}


def test_a_folder_goes_with_all_that_is_in_it_and_nothing_beside(pyz: Path, mount: Path) -> None:
    (mount / "data" / "deep").mkdir()
    (mount / "data" / "deep" / "a").write_text("12345")
    (mount / "data" / "etc").symlink_to("/etc")
    assert ask(pyz, mount, "measure", "data")[0]["bytes"] == 5
    assert ask(pyz, mount, "remove", "data")[0]["bytes"] == 5
    assert ask(pyz, mount, "remove", "notes.txt")[0] == {"files": 1, "bytes": 5}
    assert sorted(p.name for p in mount.iterdir()) == ["way-out"]
    assert (mount.parent / "outside.txt").read_text() == "secret"


def test_an_upload_gets_its_name_only_when_it_is_what_was_sent(pyz: Path, mount: Path) -> None:
    (mount / "data" / "up.part").write_text("fresh")
    right = hashlib.sha256(b"fresh").hexdigest()
    for name in ("../x", "a/b", "", ".", ".."):
        assert "error" in ask(pyz, mount, "place", "data/up.part", name=name, sha256=right)[0]
    assert ask(pyz, mount, "place", "data/up.part", name="ü", sha256=right)[0] == {"files": 1, "bytes": 5}
    (mount / "data" / "up.part").write_text("other")
    wrong = ask(pyz, mount, "place", "data/up.part", name="ü", sha256=right)[0]
    assert wrong == {"error": "What arrived is not what was sent."}
    assert sorted(p.name for p in (mount / "data").iterdir()) == ["link", "ü"]
    assert (mount / "data" / "ü").read_text() == "fresh"
