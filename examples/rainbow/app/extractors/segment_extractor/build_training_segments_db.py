"""Cuts songs into segments: `training_segments_metadata.parquet` and `training_segments_media.parquet`.

The metadata (color, times, lyric) is small and read often; the media (audio bytes, 8-bit µ-law mono) is large and
read once, so they are two files joined by `segment_id`.
"""

import sys
import time
import wave
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from app import mulaw
from app.files import read_parquet, write_parquet
from app.paths import BASE_MANIFEST_DB, RAW, SEGMENTS_MEDIA, SEGMENTS_METADATA

MAX_AUDIO_BYTES = 8192

METADATA_SCHEMA = pa.schema(
    [
        ("segment_id", pa.string()),
        ("song_id", pa.string()),
        ("color", pa.string()),
        ("section", pa.string()),
        ("start", pa.float64()),
        ("end", pa.float64()),
        ("vocal", pa.bool_()),
        ("lyric", pa.string()),
    ]
)

MEDIA_SCHEMA = pa.schema(
    [("segment_id", pa.string()), ("encoding", pa.string()), ("sample_rate", pa.int32()), ("audio", pa.binary())]
)


class AudioError(ValueError):
    """A song's audio does not fit its manifest; the message says which and why."""


def read_wav(path: Path, sample_rate: int) -> npt.NDArray[np.int16]:
    """16-bit mono samples [n] of a WAV file; AudioError names the file and the fault."""
    try:
        with wave.open(str(path), "rb") as file:
            if (file.getnchannels(), file.getsampwidth(), file.getframerate()) != (1, 2, sample_rate):
                raise AudioError(f"{path}: expected 16-bit mono at {sample_rate} Hz")
            return np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").astype(np.int16)
    except (OSError, EOFError, wave.Error) as error:
        raise AudioError(f"{path}: {error}") from error


def cut(song: dict[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Metadata row and media row of each section of a song."""
    rate: int = song["sample_rate"]
    samples = read_wav(RAW / song["audio"], rate)
    for number, section in enumerate(song["sections"]):
        start, end = round(section["start"] * rate), round(section["end"] * rate)
        if end > len(samples):
            raise AudioError(
                f"{song['audio']}: section {section['name']!r} ends at {section['end']} s, "
                f"the file at {len(samples) / rate} s"
            )
        audio = mulaw.encode(samples[start:end])
        if len(audio) > MAX_AUDIO_BYTES:
            raise AudioError(f"{song['audio']}: section {section['name']!r} is longer than {MAX_AUDIO_BYTES} bytes")
        segment_id = f"{song['song_id']}-{number:02d}"
        yield (
            {
                "segment_id": segment_id,
                "song_id": song["song_id"],
                "color": song["color"],
                "section": section["name"],
                "start": section["start"],
                "end": section["end"],
                "vocal": section["vocal"],
                "lyric": section["lyric"],
            },
            {"segment_id": segment_id, "encoding": "mulaw", "sample_rate": rate, "audio": audio},
        )


def main() -> int:
    """Builds both files and prints what is in them."""
    started = time.monotonic()
    metadata: list[dict[str, Any]] = []
    media: list[dict[str, Any]] = []
    try:
        songs = read_parquet(BASE_MANIFEST_DB, made_by="manifest").to_pylist()
        for done, song in enumerate(songs, start=1):
            for metadata_row, media_row in cut(song):
                metadata.append(metadata_row)
                media.append(media_row)
            if done % 250 == 0 or done == len(songs):
                print(f"{done}/{len(songs)} songs, {len(metadata)} segments", flush=True)
    except (AudioError, FileNotFoundError) as error:
        print(f"The segments were not built. {error}.", file=sys.stderr)
        return 1
    write_parquet(pa.Table.from_pylist(media, schema=MEDIA_SCHEMA), SEGMENTS_MEDIA)
    write_parquet(pa.Table.from_pylist(metadata, schema=METADATA_SCHEMA), SEGMENTS_METADATA)
    colors = Counter(row["color"] for row in metadata)
    print(", ".join(f"{color} {count}" for color, count in colors.items()))
    vocal = sum(row["vocal"] for row in metadata)
    size = SEGMENTS_MEDIA.stat().st_size
    print(f"{len(metadata)} segments, {vocal} vocal, media {size / 1e6:.1f} MB, {time.monotonic() - started:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
