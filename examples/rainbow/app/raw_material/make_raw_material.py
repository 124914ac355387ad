"""Makes the raw material: a WAV file and a YAML manifest per song, under `staged_raw_material/`.

Does nothing when the material asked for is already complete. `RAINBOW_DROP_COLOR=Green` leaves a color out, to see
a gate stop the pipeline.
"""

import argparse
import json
import os
import shutil
import sys
import time
import wave
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from app.colors import CATALOG_SONGS, COLORS, color_index, songs_per_color
from app.files import replacing
from app.paths import AUDIO, MANIFESTS, RAW, RAW_COMPLETE
from app.raw_material.song import manifest_yaml, play, song_generator, write_manifest

# Raise when the songs' making changes, so that old material is not taken for complete.
RECIPE = 1


@dataclass(frozen=True)
class Order:
    """What material is asked for."""

    seed: int
    songs: int
    drop_color: str | None
    recipe: int = RECIPE

    def __post_init__(self) -> None:
        if self.drop_color is not None:
            color_index(self.drop_color)
        songs_per_color(self.songs)

    def counts(self) -> dict[str, int]:
        """Songs of each color that is made."""
        return {color: count for color, count in songs_per_color(self.songs).items() if color != self.drop_color}


def inventory() -> dict[str, int]:
    """Number and total bytes of the files that are there."""
    sizes = [path.stat().st_size for folder in (MANIFESTS, AUDIO) for path in folder.glob("*/*")]
    return {"files": len(sizes), "bytes": sum(sizes)}


def completed() -> dict[str, Any] | None:
    """What the mark of completeness says, None when there is none that can be read."""
    try:
        mark = json.loads(RAW_COMPLETE.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return mark if isinstance(mark, dict) else None


def write_wav(path: Path, samples: npt.NDArray[np.int16], sample_rate: int) -> None:
    """Writes 16-bit mono samples [n] as a WAV file."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes(samples.astype("<i2").tobytes())


def make(order: Order) -> None:
    """Makes the material from scratch; the mark of completeness comes last."""
    RAW_COMPLETE.unlink(missing_ok=True)
    for folder in (MANIFESTS, AUDIO):
        shutil.rmtree(folder, ignore_errors=True)
    for color, count in order.counts().items():
        (MANIFESTS / color).mkdir(parents=True)
        (AUDIO / color).mkdir(parents=True)
        for number in range(1, count + 1):
            rng = song_generator(order.seed, color, number)
            manifest = write_manifest(rng, color, number)
            write_wav(RAW / manifest.audio, play(rng, manifest), manifest.sample_rate)
            (MANIFESTS / color / f"{manifest.song_id}.yml").write_text(manifest_yaml(manifest), encoding="utf-8")
        print(f"{color:<7} {count:>4} songs", flush=True)
    with replacing(RAW_COMPLETE) as temporary:
        temporary.write_text(json.dumps({"order": asdict(order), **inventory()}, indent=2) + "\n", encoding="utf-8")


def main() -> int:
    """Command line: see `--help`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=20261122)
    parser.add_argument("--songs", type=int, default=CATALOG_SONGS, help="songs of all colors together")
    options = parser.parse_args()
    try:
        order = Order(options.seed, options.songs, os.environ.get("RAINBOW_DROP_COLOR") or None)
    except ValueError as error:
        print(f"The raw material cannot be made: {error}.", file=sys.stderr)
        return 2

    if order.drop_color is not None:
        print(f"RAINBOW_DROP_COLOR is set: no {order.drop_color} songs; the other {len(COLORS) - 1} colors are made.")
    if completed() == {"order": asdict(order), **inventory()}:
        print(f"The raw material with seed {order.seed} is complete; nothing to do.")
        return 0
    started = time.monotonic()
    make(order)
    there = inventory()
    print(f"{there['files']} files, {there['bytes'] / 1e6:.1f} MB in {time.monotonic() - started:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
