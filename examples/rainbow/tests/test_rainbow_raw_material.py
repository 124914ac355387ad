"""The raw material: deterministic, complete or made again, and breakable on purpose."""

import hashlib
from pathlib import Path

import pytest
from conftest import Workspace

from app.colors import COLORS, SONGS_PER_COLOR, songs_per_color


def tree(folder: Path) -> dict[str, str]:
    """Hash of every file below a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_catalog_has_1327_songs_in_eight_colors() -> None:
    assert songs_per_color(1327) == SONGS_PER_COLOR
    assert len(COLORS) == 8


@pytest.mark.parametrize("total", [8, 9, 40, 333, 1326, 1328])
def test_songs_are_shared_without_rest_and_every_color_has_one(total: int) -> None:
    counts = songs_per_color(total)
    assert sum(counts.values()) == total
    assert min(counts.values()) >= 1


def test_same_seed_same_bytes_other_seed_others(workspace: Workspace) -> None:
    raw = workspace.path / "staged_raw_material"
    assert workspace.raw("--songs", "40").returncode == 0
    first = tree(raw)
    assert len(first) == 81
    raw.rename(workspace.path / "first")
    assert workspace.raw("--songs", "40").returncode == 0
    assert tree(raw) == first
    assert workspace.raw("--songs", "40", "--seed", "1").returncode == 0
    assert tree(raw) != first


def test_complete_material_is_left_alone_and_damaged_material_is_made_again(workspace: Workspace) -> None:
    raw = workspace.path / "staged_raw_material"
    workspace.raw("--songs", "16")
    whole = tree(raw)
    song = raw / "audio" / "Green" / "green-0001.wav"
    before = song.stat().st_mtime_ns
    again = workspace.raw("--songs", "16")
    assert "nothing to do" in again.stdout
    assert song.stat().st_mtime_ns == before
    song.unlink()
    assert workspace.raw("--songs", "16").returncode == 0
    assert tree(raw) == whole


def test_a_dropped_color_is_missing_and_the_others_do_not_change(workspace: Workspace) -> None:
    raw = workspace.path / "staged_raw_material"
    workspace.raw("--songs", "16")
    whole = tree(raw)
    dropped = workspace.raw("--songs", "16", RAINBOW_DROP_COLOR="Green")
    assert "no Green songs" in dropped.stdout
    left = tree(raw)
    left.pop("complete.json")
    assert left == {name: digest for name, digest in whole.items() if "Green" not in name and name != "complete.json"}
    assert workspace.raw("--songs", "16").returncode == 0
    assert tree(raw) == whole


def test_an_unknown_color_is_refused_with_the_known_ones(workspace: Workspace) -> None:
    refused = workspace.raw(RAINBOW_DROP_COLOR="Beige")
    assert refused.returncode == 2
    assert "'Beige'" in refused.stderr
    assert "Green" in refused.stderr
    assert not (workspace.path / "staged_raw_material").exists()


def test_the_script_gate_names_missing_and_short_audio(workspace: Workspace) -> None:
    workspace.raw("--songs", "16")
    assert workspace.module("app.checks.check_raw_material").returncode == 0
    audio = workspace.path / "staged_raw_material" / "audio"
    (audio / "Red" / "red-0001.wav").unlink()
    short = audio / "Blue" / "blue-0001.wav"
    short.write_bytes(short.read_bytes()[:20])
    check = workspace.module("app.checks.check_raw_material")
    assert check.returncode == 1
    assert "red-0001.wav" in check.stderr
    assert "blue-0001.wav" in check.stderr
    assert check.stdout.splitlines()[-1] == '{"songs": 16, "faults": 2}'
