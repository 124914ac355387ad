"""The program that puts the worker on a pod: by its text, before anything of the worker is there."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict

INSTALL = Path(__file__).resolve().parent.parent / "bootstrap" / "install.py"
DATA = b"the worker"
SHA = hashlib.sha256(DATA).hexdigest()
NAME = f"runpod-trainer-{os.geteuid()}"


def call(tmp: Path, *given: str, fails: bool = False) -> Dict[str, Any]:
    argv = [sys.executable, "-c", INSTALL.read_text(encoding="utf-8"), *given]
    done = subprocess.run(argv, capture_output=True, text=True, env={**os.environ, "TMPDIR": str(tmp)}, check=not fails)
    assert (done.returncode != 0) == fails
    value: Dict[str, Any] = {} if fails else json.loads(done.stdout)
    return value


def test_the_volume_is_the_only_place_unless_the_pod_counts_too(tmp_path: Path) -> None:
    volume, pod = tmp_path / "volume", tmp_path / "pod"
    pod.mkdir()
    assert call(pod, "look", SHA, str(volume)) == {"found": None, "folders": [str(volume)]}
    assert list(pod.iterdir()) == []
    folders = call(pod, "look", SHA, str(volume), "own")["folders"]
    assert (folders[0], folders[-1]) == (str(pod / NAME), str(volume))
    assert (pod / NAME).stat().st_mode & 0o777 == 0o700
    assert str(volume) not in call(pod, "look", SHA, "", "own")["folders"]


def test_only_what_is_whole_is_found_that_of_the_volume_first(tmp_path: Path) -> None:
    volume, pod = tmp_path / "volume", tmp_path / "pod"
    for folder in (volume, pod / NAME):
        folder.mkdir(parents=True, mode=0o700)
        (folder / f"{SHA}.pyz").write_bytes(DATA)
    assert call(pod, "look", SHA, str(volume), "own")["found"] == str(volume / f"{SHA}.pyz")
    (volume / f"{SHA}.pyz").write_bytes(DATA + b"!")
    assert call(pod, "look", SHA, str(volume))["found"] is None
    assert call(pod, "look", SHA, str(volume), "own")["found"] == str(pod / NAME / f"{SHA}.pyz")


def test_a_folder_that_others_made_or_can_write_to_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open" / NAME).mkdir()
    (tmp_path / "open" / NAME).chmod(0o777)
    (tmp_path / "linked").mkdir()
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / "linked" / NAME).symlink_to(tmp_path / "elsewhere")
    (tmp_path / "file").mkdir()
    (tmp_path / "file" / NAME).write_text("")
    for name in ("open", "linked", "file", "gone"):
        assert not call(tmp_path / name, "look", SHA, "", "own")["folders"][0].startswith(str(tmp_path)), name


def test_a_volume_that_cannot_be_read_is_no_reason_to_look_nowhere(tmp_path: Path) -> None:
    (tmp_path / "volume").write_text("a file")
    call(tmp_path, "look", SHA, str(tmp_path / "volume"), fails=True)
    assert call(tmp_path, "look", SHA, str(tmp_path / "volume"), "own")["folders"]


def test_an_upload_is_renamed_when_it_is_whole_and_removed_when_not(tmp_path: Path) -> None:
    upload, target = tmp_path / "up", tmp_path / "worker.pyz"
    upload.write_bytes(DATA)
    assert call(tmp_path, "place", str(upload), str(target), SHA) == {"sha256": SHA}
    assert (target.read_bytes(), upload.exists()) == (DATA, False)
    upload.write_bytes(b"half")
    assert call(tmp_path, "place", str(upload), str(target), SHA)["sha256"] != SHA
    assert (target.read_bytes(), upload.exists()) == (DATA, False)


def test_an_older_python_still_tells_its_version() -> None:
    text = INSTALL.read_text(encoding="utf-8")
    done = subprocess.run([sys.executable, "-c", text, "version"], capture_output=True, text=True, check=True)
    assert done.stdout.strip().split(".") == [str(n) for n in sys.version_info[:3]]
    ast.parse(text, feature_version=(3, 6))
    assert "__future__" not in text, "3.6 has no annotations there"
