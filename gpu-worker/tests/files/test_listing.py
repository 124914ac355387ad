"""What `files list` answers of results: links, what stays on the volume and why (R3.2)."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Dict, List

from runpod_trainer_worker.base.globs import Glob
from runpod_trainer_worker.files.listing import find
from runpod_trainer_worker.files.plan import list_files

VECTORS = Path(__file__).resolve().parents[3] / "contract" / "vectors" / "globs.json"


def put(file: Path, text: str = "x") -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def listed(root: Path, *patterns: str) -> Dict[str, str]:
    """For each name the content's place, or why it stays."""
    return {found.path: found.left or found.target or found.path for found in find(root, patterns)}


def test_a_link_counts_as_the_file_that_it_leads_to(tmp_path: Path) -> None:
    put(tmp_path / "out" / "epoch=1.pt")
    (tmp_path / "out" / "last.pt").symlink_to("epoch=1.pt")
    assert listed(tmp_path, "out/last.pt") == {"out/last.pt": "out/epoch=1.pt"}
    assert listed(tmp_path, "out/*.pt") == {"out/last.pt": "out/epoch=1.pt", "out/epoch=1.pt": "out/epoch=1.pt"}


def test_a_linked_folder_counts_as_its_files(tmp_path: Path) -> None:
    put(tmp_path / "wandb" / "run-1" / "files" / "config.yaml")
    (tmp_path / "wandb" / "latest-run").symlink_to("run-1")
    assert listed(tmp_path, "wandb/latest-run/**") == {"wandb/latest-run/files/config.yaml": "wandb/run-1/files/config.yaml"}
    assert listed(tmp_path, "wandb/latest-run") == listed(tmp_path, "wandb/latest-run/**")
    assert len(listed(tmp_path, "wandb/**")) == 2


def test_a_cache_of_blobs_comes_under_its_names(tmp_path: Path) -> None:
    hub = tmp_path / "hf" / "models--m"
    put(hub / "blobs" / "abc", "weights")
    (hub / "snapshots" / "r1").mkdir(parents=True)
    (hub / "snapshots" / "r1" / "model.safetensors").symlink_to("../../blobs/abc")
    assert listed(tmp_path, "hf/models--m/snapshots/*/*") == {
        "hf/models--m/snapshots/r1/model.safetensors": "hf/models--m/blobs/abc"
    }


def test_what_leads_out_or_nowhere_is_named_with_its_reason(tmp_path: Path) -> None:
    project, outside = tmp_path / "p", tmp_path / "datasets"
    put(outside / "deep" / "a.bin")
    put(project / "out" / "a.txt")
    put(project / ".git" / "config")
    links = {"data": str(outside), "file": f"{outside}/deep/a.bin", "gone": "nothing", "git": "../.git"}
    for name, target in links.items():
        (project / "out" / name).symlink_to(target)
    assert listed(project, "out/**") == {
        "out/a.txt": "out/a.txt",
        "out/data": f"it is a link out of the project, to {outside}",
        "out/file": f"it is a link out of the project, to {outside}/deep/a.bin",
        "out/gone": "it is a link to nothing",
        "out/git": "it is a link to .git, which is never brought home",
    }
    assert listed(project, "out/a.*") == {"out/a.txt": "out/a.txt"}, "what was not asked for is not told"
    (project / "linked").symlink_to(outside)
    assert list(listed(project, "linked/deep/*.bin")) == ["linked"]


def test_links_that_lead_round_end(tmp_path: Path) -> None:
    put(tmp_path / "out" / "a" / "f.txt")
    (tmp_path / "out" / "a" / "up").symlink_to("..")
    (tmp_path / "out" / "root").symlink_to("..")
    (tmp_path / "out" / "itself").symlink_to("itself")
    found = listed(tmp_path, "out/**")
    assert found == {"out/a/f.txt": "out/a/f.txt", "out/itself": "it is a link to nothing"}


def test_pipes_are_no_results(tmp_path: Path) -> None:
    put(tmp_path / "out" / "a.txt")
    os.mkfifo(tmp_path / "out" / "pipe")
    assert listed(tmp_path, "out/**") == {"out/a.txt": "out/a.txt"}


def test_a_folder_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    put(tmp_path / "out" / "a.txt")
    folder = os.open(tmp_path / "out", os.O_RDONLY)
    for _ in range(25):  # longer than a path may be
        os.mkdir("d" * 200, dir_fd=folder)
        deeper = os.open("d" * 200, os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = deeper
    os.close(folder)
    found = listed(tmp_path, "out/**")
    assert found.pop("out/a.txt") == "out/a.txt"
    assert list(found.values()) == ["the folder cannot be read: File name too long"]


def test_folders_that_are_no_files_of_a_project_come_only_where_they_are_named(tmp_path: Path) -> None:
    put(tmp_path / "out" / ".venv" / "a.txt")
    assert listed(tmp_path, "out/**") == {}
    assert listed(tmp_path, "out/.venv/a.txt") == {"out/.venv/a.txt": "out/.venv/a.txt"}


def test_list_tells_both_kinds_of_lines(tmp_path: Path) -> None:
    put(tmp_path / "out" / "a.txt", "content")
    (tmp_path / "out" / "b.txt").symlink_to("a.txt")
    (tmp_path / "out" / "c.txt").symlink_to("/etc/hostname")
    (tmp_path / "out" / "d.txt").symlink_to("nowhere")
    lines: List[Dict[str, Any]] = []
    list_files(tmp_path, json.dumps({"patterns": ["out/**"]}).encode(), lines.append)
    a, b, c, d = lines
    assert (a["path"], a["size"]) == ("out/a.txt", 7)
    assert (b["path"], b["sha256"], b["mtime"]) == ("out/b.txt", a["sha256"], a["mtime"])
    assert set(c) == {"path", "left"}
    assert d == {"path": "out/d.txt", "left": "it is a link to nothing", "nothing": True}


def test_a_folder_is_entered_whenever_a_file_in_it_could_match() -> None:
    for case in json.loads(VECTORS.read_text())["vectors"]:
        glob = Glob(case["pattern"])
        for path in case["matches"]:
            parts = path.split("/")
            for length in range(1, len(parts)):
                folder = "/".join(parts[:length])
                assert glob.may_match_below(folder), (case["pattern"], folder)
    assert not Glob("out/*.pt").may_match_below("out/deep")
    assert not Glob("out/**").may_match_below("data")
    assert Glob("**/x.pt").may_match_below("any/where")
