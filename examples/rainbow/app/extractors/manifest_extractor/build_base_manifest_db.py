"""Builds `training/data/base_manifest_db.parquet`: one row per song manifest, with its sections nested."""

import sys
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa
import yaml

from app.colors import COLORS
from app.files import write_parquet
from app.manifest import Manifest, ManifestError, parse_manifest
from app.paths import BASE_MANIFEST_DB, MANIFESTS

SCHEMA = pa.schema(
    [
        ("song_id", pa.string()),
        ("title", pa.string()),
        ("color", pa.string()),
        ("bpm", pa.int32()),
        ("sample_rate", pa.int32()),
        ("seconds", pa.float64()),
        ("audio", pa.string()),
        (
            "sections",
            pa.list_(
                pa.struct(
                    [
                        ("name", pa.string()),
                        ("start", pa.float64()),
                        ("end", pa.float64()),
                        ("vocal", pa.bool_()),
                        ("lyric", pa.string()),
                    ]
                )
            ),
        ),
    ]
)

# The loader on libyaml is ten times faster; PyYAML has it only where it was built with libyaml.
_Loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_manifest(path: Path) -> Manifest:
    """Reads and checks one manifest; ManifestError names the file."""
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - a safe loader either way
    except yaml.YAMLError as error:
        raise ManifestError(f"{path}: not valid YAML: {error}") from error
    return parse_manifest(document, str(path))


def read_manifests(folder: Path) -> list[Manifest]:
    """Reads every manifest below a folder, in the order of song ids; ManifestError when there is none or one twice."""
    manifests = sorted((read_manifest(path) for path in folder.glob("*/*.yml")), key=lambda m: m.song_id)
    if not manifests:
        raise ManifestError(f"{folder} has no manifests; make the raw material first: the step `raw`")
    twice = [song for song, count in Counter(m.song_id for m in manifests).items() if count > 1]
    if twice:
        raise ManifestError(f"{folder}: song ids used more than once: {', '.join(twice[:5])}")
    return manifests


def to_table(manifests: list[Manifest]) -> pa.Table:
    """One row per song."""
    return pa.Table.from_pylist([{**asdict(m), "seconds": m.seconds} for m in manifests], schema=SCHEMA)


def main() -> int:
    """Builds the table and prints what is in it."""
    started = time.monotonic()
    try:
        manifests = read_manifests(MANIFESTS)
    except ManifestError as error:
        print(f"The manifest table was not built. {error}.", file=sys.stderr)
        return 1
    write_parquet(to_table(manifests), BASE_MANIFEST_DB)
    songs = Counter(m.color for m in manifests)
    for color in COLORS:
        print(f"{color:<7} {songs[color]:>4} songs" + ("" if songs[color] else "  <- none"))
    print(f"{len(manifests)} songs in {BASE_MANIFEST_DB}, {time.monotonic() - started:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
