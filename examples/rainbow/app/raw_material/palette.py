"""What a color sounds and reads like. Neighbors on the wheel share words and pitch range, as real catalogs do."""

from dataclasses import dataclass

from app.colors import COLORS


@dataclass(frozen=True)
class Shade:
    """One color's character: its words, root pitch in Hz, strengths of harmonics 1 to 4, noise level (16-bit)."""

    words: tuple[str, ...]
    root: float
    harmonics: tuple[int, int, int, int]
    noise: int


SHADES: dict[str, Shade] = {
    "Red": Shade(
        ("ember", "blood", "brick", "furnace", "fever", "rust", "poppy", "siren", "pulse", "clay", "cherry", "flare"),
        131.0,
        (40, 12, 30, 10),
        1700,
    ),
    "Orange": Shade(
        ("amber", "harvest", "lantern", "copper", "dusk", "maple", "tiger", "canyon", "spice", "peach", "dune", "fox"),
        147.0,
        (46, 26, 14, 6),
        1300,
    ),
    "Yellow": Shade(
        ("lemon", "noon", "straw", "honey", "canary", "daisy", "pollen", "wheat", "brass", "butter", "summer", "gold"),
        165.0,
        (34, 30, 22, 14),
        900,
    ),
    "Green": Shade(
        ("moss", "fern", "meadow", "ivy", "clover", "jade", "willow", "sprout", "canopy", "pine", "orchard", "spring"),
        175.0,
        (52, 10, 8, 18),
        700,
    ),
    "Blue": Shade(
        ("harbor", "tide", "rain", "river", "sailor", "cobalt", "ocean", "drift", "frost", "lagoon", "current", "bay"),
        196.0,
        (60, 18, 4, 2),
        500,
    ),
    "Indigo": Shade(
        ("midnight", "ink", "velvet", "comet", "denim", "raven", "orbit", "trance", "shadow", "nebula", "sleep", "hum"),
        220.0,
        (30, 8, 34, 16),
        600,
    ),
    "Violet": Shade(
        (
            "lilac",
            "plum",
            "orchid",
            "incense",
            "twilight",
            "grape",
            "amethyst",
            "iris",
            "silk",
            "thistle",
            "veil",
            "gem",
        ),
        247.0,
        (28, 36, 10, 12),
        1000,
    ),
    "White": Shade(
        ("snow", "chalk", "bone", "linen", "cloud", "paper", "salt", "milk", "ghost", "marble", "feather", "winter"),
        262.0,
        (24, 22, 22, 20),
        2100,
    ),
}

# fmt: off
COMMON_WORDS: tuple[str, ...] = (
    "the", "a", "and", "of", "to", "in", "we", "you", "I", "my", "your", "our",
    "walk", "run", "hold", "turn", "wait", "carry", "keep", "call", "find", "lose", "home", "road", "door",
    "window", "hand", "heart", "voice", "night", "morning", "again", "never", "always", "only", "over", "under",
    "through", "slow", "soft", "wide", "far", "still", "every", "other", "little", "broken", "open", "quiet",
)
# fmt: on


def neighbors(color: str) -> tuple[Shade, Shade]:
    """The shades on both sides of a color on the wheel."""
    at = COLORS.index(color)
    return SHADES[COLORS[at - 1]], SHADES[COLORS[(at + 1) % len(COLORS)]]
