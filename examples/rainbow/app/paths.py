"""Where things lie, relative to the project folder, which is every step's working directory."""

from pathlib import Path

RAW = Path("staged_raw_material")
MANIFESTS = RAW / "manifests"
AUDIO = RAW / "audio"
RAW_COMPLETE = RAW / "complete.json"

DATA = Path("training/data")
BASE_MANIFEST_DB = DATA / "base_manifest_db.parquet"
SEGMENTS_METADATA = DATA / "training_segments_metadata.parquet"
SEGMENTS_MEDIA = DATA / "training_segments_media.parquet"
SEGMENTS_EMBEDDED = DATA / "training_segments_embedded.parquet"

OUTPUT = Path("training/output")
TINY_MODEL = OUTPUT / "models" / "tiny_deberta"


def phase_folder(phase: int) -> Path:
    """Folder of a training phase's results."""
    return OUTPUT / f"phase_{phase}"
