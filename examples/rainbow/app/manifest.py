"""A song's manifest: what the YAML file says, checked."""

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, cast

from app.colors import color_index


class ManifestError(ValueError):
    """A manifest is not usable; the message says which and why."""


@dataclass(frozen=True)
class Section:
    """A part of a song. Times in seconds; `lyric` is set exactly when `vocal` is."""

    name: str
    start: float
    end: float
    vocal: bool
    lyric: str | None

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise ValueError(f"section {self.name!r} runs from {self.start} s to {self.end} s")
        if self.vocal != bool(self.lyric):
            raise ValueError(f"section {self.name!r} has vocal={self.vocal} but lyric={self.lyric!r}")


@dataclass(frozen=True)
class Manifest:
    """A song. `audio` is relative to the raw material's folder; `sample_rate` in Hz."""

    song_id: str
    title: str
    color: str
    bpm: int
    sample_rate: int
    audio: str
    sections: tuple[Section, ...]

    def __post_init__(self) -> None:
        color_index(self.color)
        if self.bpm <= 0 or self.sample_rate <= 0:
            raise ValueError(f"bpm {self.bpm} and sample_rate {self.sample_rate} must be positive")
        path = PurePosixPath(self.audio)
        if path.is_absolute() or ".." in path.parts:
            raise ValueError(f"audio {self.audio!r} leaves the raw material")
        if not self.sections:
            raise ValueError("it has no sections")

    @property
    def seconds(self) -> float:
        """Length of the song."""
        return self.sections[-1].end


def parse_manifest(document: object, source: str) -> Manifest:
    """Checks a loaded YAML document; ManifestError names `source` and the fault."""
    if not isinstance(document, dict):
        raise ManifestError(f"{source}: a mapping is expected, not {type(document).__name__}")
    song = cast("dict[str, Any]", document)
    try:
        sections = tuple(
            Section(
                name=str(part["section"]),
                start=float(part["start"]),
                end=float(part["end"]),
                vocal=bool(part["vocal"]),
                lyric=part.get("lyric"),
            )
            for part in song["structure"]
        )
        return Manifest(
            song_id=str(song["song_id"]),
            title=str(song["title"]),
            color=str(song["color"]),
            bpm=int(song["bpm"]),
            sample_rate=int(song["sample_rate"]),
            audio=str(song["audio"]),
            sections=sections,
        )
    except KeyError as error:
        raise ManifestError(f"{source}: the field {error} is missing") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise ManifestError(f"{source}: {error}") from error
