"""The embedding pass at full size and its settings."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from conftest import Workspace

from app.paths import SEGMENTS_EMBEDDED
from training import embed_segments
from training.embed_segments import Settings


def test_r3_2_every_vocal_segment_has_an_embedding_and_no_other(embedded: Workspace) -> None:
    table = pq.read_table(embedded.path / SEGMENTS_EMBEDDED)
    column = table["text_embedding"]
    assert str(column.type) == "list<element: float>"
    has = [not null for null in column.is_null().to_pylist()]
    assert has == table["vocal"].to_pylist()
    vectors = np.array(column.drop_null().to_pylist())
    assert vectors.shape[1] == 64
    assert np.isfinite(vectors).all()
    assert np.unique(vectors.round(4), axis=0).shape[0] > 4000


def test_it_reports_what_it_did(embedded: Workspace) -> None:
    (line,) = (embedded.path / "embed.jsonl").read_text(encoding="utf-8").splitlines()
    metrics = json.loads(line)
    assert metrics["embedded_segments"] == metrics["vocal_segments"] > 5000
    assert metrics["distinct_texts"] < metrics["embedded_segments"]


def test_a_folder_serves_as_model_and_the_batch_size_does_not_matter(
    embedded: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "training/data"
    folder.mkdir(parents=True)
    whole = pq.read_table(embedded.path / "training/data/training_segments_metadata.parquet")
    pq.write_table(whole.slice(0, 300), folder / "training_segments_metadata.parquet")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EMBEDDING_MODEL", str(embedded.path / "training/output/models/tiny_deberta"))
    monkeypatch.setenv("EMBEDDING_BATCH", "17")
    monkeypatch.delenv("RUNPOD_TRAINER_METRICS", raising=False)
    assert embed_segments.main() == 0
    ours = pq.read_table(tmp_path / SEGMENTS_EMBEDDED)["text_embedding"].drop_null().to_pylist()
    theirs = pq.read_table(embedded.path / SEGMENTS_EMBEDDED).slice(0, 300)["text_embedding"].drop_null().to_pylist()
    np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_without_segments_it_says_what_to_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert embed_segments.main() == 1
    assert "run the step that makes it first: segments" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "value"), [("EMBEDDING_BATCH", "0"), ("EMBEDDING_BATCH", "many"), ("EMBEDDING_MODEL", "")]
)
def test_bad_settings_are_named(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=name):
        Settings.from_environment()
