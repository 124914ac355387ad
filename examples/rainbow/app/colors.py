"""The eight colors of the catalog and how many songs each has."""

COLORS: tuple[str, ...] = ("Red", "Orange", "Yellow", "Green", "Blue", "Indigo", "Violet", "White")

SONGS_PER_COLOR: dict[str, int] = dict(zip(COLORS, (178, 171, 169, 162, 174, 158, 161, 154), strict=True))

CATALOG_SONGS = sum(SONGS_PER_COLOR.values())
"""Songs of the full catalog: 1327."""


def color_index(color: str) -> int:
    """Class number of a color, 0 to 7; ValueError names the known colors."""
    try:
        return COLORS.index(color)
    except ValueError:
        raise ValueError(f"unknown color {color!r}; the catalog has {', '.join(COLORS)}") from None


def songs_per_color(total: int) -> dict[str, int]:
    """Shares `total` songs among the colors in the catalog's proportions (largest remainder)."""
    if total < len(COLORS):
        raise ValueError(f"{total} songs are too few: each of the {len(COLORS)} colors needs one")
    spare = total - len(COLORS)
    exact = {color: spare * songs / CATALOG_SONGS for color, songs in SONGS_PER_COLOR.items()}
    if total == CATALOG_SONGS:
        return dict(SONGS_PER_COLOR)
    counts = {color: 1 + int(share) for color, share in exact.items()}
    by_remainder = sorted(COLORS, key=lambda color: (int(exact[color]) - exact[color], color))
    for color in by_remainder[: total - sum(counts.values())]:
        counts[color] += 1
    return counts
