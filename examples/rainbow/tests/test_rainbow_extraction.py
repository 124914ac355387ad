"""The two extractors, and that the project file's gates fit what they make (R3.1, R3.2)."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from conftest import Workspace

from app import mulaw
from app.extractors.manifest_extractor.build_base_manifest_db import read_manifest
from app.manifest import ManifestError


def gates(project: dict[str, Any], step: str, kind: str) -> list[dict[str, Any]]:
    """A step's gates of a type."""
    (found,) = (s for s in project["steps"] if s["name"] == step)
    return [gate for gate in found["gates"] if gate["type"] == kind]


def test_r3_2_manifest_gates_fit(catalog: Workspace, project: dict[str, Any]) -> None:
    table = pq.read_table(catalog.path / "training/data/base_manifest_db.parquet")
    (rows,) = gates(project, "manifest", "rows")
    assert table.num_rows == rows["equals"] == 1327
    (distinct,) = gates(project, "manifest", "distinct")
    assert set(table["color"].to_pylist()) == set(distinct["includes"])
    assert distinct["count"] == 8


def test_r3_2_segment_gates_fit(catalog: Workspace, project: dict[str, Any]) -> None:
    metadata = pq.read_table(catalog.path / "training/data/training_segments_metadata.parquet")
    (rows, _) = gates(project, "segments", "rows")
    assert metadata.num_rows >= rows["min"] == 10001
    assert "Green" in metadata["color"].to_pylist()
    vocal = metadata["vocal"].to_pylist()
    lyrics = metadata["lyric"].to_pylist()
    assert all(bool(lyric) == sings for lyric, sings in zip(lyrics, vocal, strict=True))
    assert 0.3 < sum(vocal) / len(vocal) < 0.8


def test_media_belongs_to_the_metadata_and_is_small(catalog: Workspace) -> None:
    metadata = pq.read_table(catalog.path / "training/data/training_segments_metadata.parquet")
    media = pq.read_table(catalog.path / "training/data/training_segments_media.parquet")
    assert media["segment_id"].equals(metadata["segment_id"])
    assert len(set(media["segment_id"].to_pylist())) == media.num_rows
    sizes = [len(audio) for audio in media["audio"].to_pylist()]
    assert min(sizes) >= 1000
    assert max(sizes) <= 8192
    length = metadata["end"][0].as_py() - metadata["start"][0].as_py()
    assert sizes[0] == round(length * media["sample_rate"][0].as_py())


def test_raw_material_fits_on_a_laptop(catalog: Workspace) -> None:
    files = [path for path in (catalog.path / "staged_raw_material").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 60e6


def test_extraction_is_deterministic(workspace: Workspace) -> None:
    data = workspace.path / "training/data"
    workspace.raw("--songs", "24")
    results = []
    for _ in range(2):
        assert workspace.manifest().returncode == 0
        assert workspace.segments().returncode == 0
        results.append({path.name: path.read_bytes() for path in data.iterdir()})
    assert results[0] == results[1]
    assert len(results[0]) == 3


def test_a_removed_color_shows_in_the_table_for_the_gate_to_name(workspace: Workspace) -> None:
    workspace.raw("--songs", "24", RAINBOW_DROP_COLOR="Green")
    built = workspace.manifest()
    assert built.returncode == 0
    assert "Green      0 songs  <- none" in built.stdout
    colors = pq.read_table(workspace.path / "training/data/base_manifest_db.parquet")["color"].to_pylist()
    assert "Green" not in colors
    assert len(set(colors)) == 7


def test_without_raw_material_the_manifest_step_says_what_to_run(workspace: Workspace) -> None:
    built = workspace.manifest()
    assert built.returncode == 1
    assert "`raw`" in built.stderr


def test_without_the_manifest_table_the_segment_step_says_what_to_run(workspace: Workspace) -> None:
    built = workspace.segments()
    assert built.returncode == 1
    assert "manifest" in built.stderr


def test_missing_and_foreign_audio_are_named(workspace: Workspace) -> None:
    workspace.raw("--songs", "8")
    workspace.manifest()
    wav = workspace.path / "staged_raw_material/audio/White/white-0001.wav"
    sound = wav.read_bytes()
    wav.write_bytes(sound[: len(sound) // 2])
    assert "white-0001.wav" in workspace.segments().stderr
    wav.unlink()
    missing = workspace.segments()
    assert missing.returncode == 1
    assert "white-0001.wav" in missing.stderr
    assert not (workspace.path / "training/data/training_segments_metadata.parquet").exists()


SONG = """song_id: x-1
title: X
color: Green
bpm: 100
sample_rate: 4000
audio: audio/Green/x-1.wav
structure:
  - {section: verse, start: 0.0, end: 0.5, vocal: true, lyric: moss}
"""


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("title: X\n", "", "'title' is missing"),
        ("Green\nbpm", "Beige\nbpm", "unknown color 'Beige'"),
        ("bpm: 100", "bpm: fast", "fast"),
        ("audio/Green/x-1.wav", "../../etc/passwd", "leaves the raw material"),
        ("lyric: moss", "lyric: ''", "vocal=True"),
        ("end: 0.5", "end: 0.0", "0.0 s"),
        ("title: X", "title: [", "not valid YAML"),
        (SONG, "just text", "a mapping is expected"),
    ],
)
def test_a_bad_manifest_is_named_with_its_fault(tmp_path: Path, old: str, new: str, says: str) -> None:
    path = tmp_path / "x-1.yml"
    path.write_text(SONG, encoding="utf-8")
    assert read_manifest(path).song_id == "x-1"
    assert old in SONG
    path.write_text(SONG.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ManifestError, match=r"x-1\.yml") as caught:
        read_manifest(path)
    assert says in str(caught.value)


def test_mulaw_keeps_samples_within_its_steps() -> None:
    samples = np.arange(-32768, 32768, 7).astype(np.int16)
    back = mulaw.decode(mulaw.encode(samples)).astype(np.int64)
    error = np.abs(back - samples.astype(np.int64))
    assert np.all(error <= np.maximum(np.abs(samples.astype(np.int64)) / 16, 8) + 140 * (np.abs(back) > 32000))
    assert np.all(np.diff(back) >= 0)


def test_mulaw_codes_survive_decoding_and_encoding() -> None:
    codes = bytes(code for code in range(256) if code != 0x7F)  # 0x7F is the negative zero
    assert mulaw.encode(mulaw.decode(codes)) == codes
