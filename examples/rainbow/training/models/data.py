"""The segments as tensors, split by song."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import torch
from torch import Tensor

from app.colors import color_index
from app.files import read_parquet
from app.paths import BASE_MANIFEST_DB, SEGMENTS_EMBEDDED, SEGMENTS_MEDIA
from training.models.audio_features import BANDS, audio_features


class Split(StrEnum):
    """What a song is used for. Calibration and test songs are seen by no classifier before phase 4 and phase 3."""

    TRAIN = "train"
    CALIBRATION = "calibration"
    VALIDATION = "validation"
    TEST = "test"


def split_of(song_id: str) -> Split:
    """60 % train, 10 % calibration, 15 % validation, 15 % test, by a hash of the song id.

    A song's segments stay together: a chorus comes back word for word, and would leak otherwise.
    """
    share = int.from_bytes(hashlib.sha256(song_id.encode()).digest()[:4], "big") % 100
    if share < 60:
        return Split.TRAIN
    if share < 70:
        return Split.CALIBRATION
    return Split.VALIDATION if share < 85 else Split.TEST


@dataclass(frozen=True)
class Segments:
    """N segments of S songs.

    text [N, D] float (zeros where there is no vocal), audio [N, BANDS] float (zeros when not loaded),
    vocal [N] bool, label [N] int (0 to 7), song [N] int (0 to S-1).
    """

    text: Tensor
    audio: Tensor
    vocal: Tensor
    label: Tensor
    song: Tensor

    def __len__(self) -> int:
        return len(self.label)

    def where(self, mask: Tensor) -> "Segments":
        """The segments that a mask [N] selects; songs keep their numbers."""
        return Segments(self.text[mask], self.audio[mask], self.vocal[mask], self.label[mask], self.song[mask])

    def to(self, device: torch.device) -> "Segments":
        """The same on a device."""
        return Segments(*(part.to(device) for part in (self.text, self.audio, self.vocal, self.label, self.song)))


def load_segments(device: torch.device, with_audio: bool = True) -> dict[Split, Segments]:
    """Reads embeddings and, when asked, audio features; FileNotFoundError names the step to run."""
    table = read_parquet(SEGMENTS_EMBEDDED, made_by="embed")
    vocal = np.array(table["vocal"].to_pylist(), dtype=bool)
    column = table["text_embedding"].combine_chunks()
    embeddings = column.flatten().to_numpy().reshape(len(column) - column.null_count, -1)
    if len(embeddings) != vocal.sum():
        raise ValueError(
            f"{SEGMENTS_EMBEDDED}: {len(embeddings)} embeddings for {vocal.sum()} vocal segments; run embed"
        )
    text = np.zeros((len(vocal), embeddings.shape[1]), dtype=np.float32)
    text[vocal] = embeddings

    audio = np.zeros((len(vocal), BANDS), dtype=np.float32)
    if with_audio:
        media = read_parquet(SEGMENTS_MEDIA, made_by="segments", columns=["segment_id", "audio"])
        if not media["segment_id"].equals(table["segment_id"]):
            raise ValueError(
                f"{SEGMENTS_MEDIA} and {SEGMENTS_EMBEDDED} are of different material; run segments and embed"
            )
        audio = audio_features(media["audio"].to_pylist())

    song_ids: list[str] = table["song_id"].to_pylist()
    songs = {song: number for number, song in enumerate(dict.fromkeys(song_ids))}
    everything = Segments(
        text=torch.from_numpy(text),
        audio=torch.from_numpy(audio),
        vocal=torch.from_numpy(vocal),
        label=torch.tensor([color_index(color) for color in table["color"].to_pylist()]),
        song=torch.tensor([songs[song] for song in song_ids]),
    ).to(device)
    splits = np.array([split_of(song) for song in song_ids])
    return {split: everything.where(torch.from_numpy(splits == split).to(device)) for split in Split}


def song_titles() -> list[tuple[str, str]]:
    """Title and color of every song, numbered as in `Segments.song`."""
    table = read_parquet(BASE_MANIFEST_DB, made_by="manifest", columns=["title", "color"])
    return list(zip(table["title"].to_pylist(), table["color"].to_pylist(), strict=True))
