"""Writes one song: its structure, words and sound. The same seed gives the same song, whatever else is made."""

import json
import math

import numpy as np
import numpy.typing as npt

from app.colors import color_index
from app.manifest import Manifest, Section
from app.raw_material.palette import COMMON_WORDS, SHADES, neighbors

SAMPLE_RATE = 4000
NOTE_SAMPLES = 200
STRUCTURE = ("intro", "verse", "chorus", "verse", "chorus", "bridge", "chorus", "outro")
SCALE = (0, 2, 3, 5, 7, 10, 12)

# Oscillators look samples up with integer phases, so that the bytes do not depend on a machine's vector units.
_SINE = np.array([round(32767 * math.sin(2 * math.pi * i / 65536)) for i in range(65536)], dtype=np.int64)


def song_generator(seed: int, color: str, number: int) -> np.random.Generator:
    """The random source of one song."""
    return np.random.Generator(np.random.PCG64([seed, color_index(color), number]))


def write_lyric(rng: np.random.Generator, color: str) -> str:
    """A line of 6 to 10 words: common ones, some of the color, a few of its neighbors."""
    left, right = neighbors(color)
    words: list[str] = []
    for _ in range(int(rng.integers(6, 11))):
        draw = rng.random()
        if draw < 0.28:
            source = SHADES[color].words
        elif draw < 0.40:
            source = (left if rng.random() < 0.5 else right).words
        else:
            source = COMMON_WORDS
        words.append(source[int(rng.integers(len(source)))])
    return " ".join(words)


def write_sections(rng: np.random.Generator, color: str) -> tuple[Section, ...]:
    """Sections of 0.3 to 0.5 s. The chorus repeats its words; one song in twelve is instrumental."""
    names = list(STRUCTURE)
    if rng.random() < 0.5:
        names.insert(5, "break")
    instrumental = rng.random() < 1 / 12
    chorus = write_lyric(rng, color)
    sections: list[Section] = []
    at = 0
    for name in names:
        notes = int(rng.integers(6, 11))
        sings = name in ("verse", "chorus") or (name == "bridge" and rng.random() < 0.5)
        vocal = sings and not instrumental
        lyric = (chorus if name == "chorus" else write_lyric(rng, color)) if vocal else None
        end = at + notes * NOTE_SAMPLES
        sections.append(Section(name, at / SAMPLE_RATE, end / SAMPLE_RATE, vocal, lyric))
        at = end
    return tuple(sections)


def write_manifest(rng: np.random.Generator, color: str, number: int) -> Manifest:
    """A song of a color; `number` counts within the color, from 1."""
    song_id = f"{color.lower()}-{number:04d}"
    words = SHADES[color].words
    title = f"{words[int(rng.integers(len(words)))]} {COMMON_WORDS[int(rng.integers(20, len(COMMON_WORDS)))]}".title()
    return Manifest(
        song_id=song_id,
        title=title,
        color=color,
        bpm=int(rng.integers(70, 150)),
        sample_rate=SAMPLE_RATE,
        audio=f"audio/{color}/{song_id}.wav",
        sections=write_sections(rng, color),
    )


def play(rng: np.random.Generator, manifest: Manifest) -> npt.NDArray[np.int16]:
    """16-bit mono samples [seconds * sample_rate] of a song in its color's timbre, transposed and blurred a little."""
    shade = SHADES[manifest.color]
    samples = round(manifest.seconds * manifest.sample_rate)
    transposed = shade.root * 2 ** (int(rng.integers(-4, 5)) / 12)
    degrees = rng.integers(len(SCALE), size=samples // NOTE_SAMPLES)
    steps = [round(transposed * 2 ** (SCALE[d] / 12) * 65536 / manifest.sample_rate) for d in degrees]
    phase = np.cumsum(np.repeat(np.array(steps, dtype=np.int64), NOTE_SAMPLES))
    strengths = np.array(shade.harmonics) + rng.integers(-10, 11, size=4)
    sound = np.zeros(samples, dtype=np.int64)
    for harmonic, strength in enumerate(np.maximum(strengths, 0), start=1):
        sound += int(strength) * _SINE[(phase * harmonic) & 0xFFFF]
    loudness = int(rng.integers(40, 90))
    noise = rng.integers(-shade.noise, shade.noise + 1, size=samples) * int(rng.integers(4, 13)) // 8
    return (sound * loudness // 12800 + noise).clip(-32767, 32767).astype(np.int16)


def manifest_yaml(manifest: Manifest) -> str:
    """The manifest as YAML; strings are quoted as in JSON, which YAML reads the same."""
    lines = [
        f"song_id: {manifest.song_id}",
        f"title: {json.dumps(manifest.title)}",
        f"color: {manifest.color}",
        f"bpm: {manifest.bpm}",
        f"sample_rate: {manifest.sample_rate}",
        f"audio: {manifest.audio}",
        "structure:",
    ]
    for section in manifest.sections:
        lines += [
            f"  - section: {section.name}",
            f"    start: {section.start:.2f}",
            f"    end: {section.end:.2f}",
            f"    vocal: {'true' if section.vocal else 'false'}",
        ]
        if section.lyric:
            lines.append(f"    lyric: {json.dumps(section.lyric)}")
    return "\n".join(lines) + "\n"
