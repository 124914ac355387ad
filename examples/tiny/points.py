"""Points near the line y = 3 x - 1, the same ones every time."""

from __future__ import annotations

import csv
import random
from pathlib import Path

COUNT = 400


def main() -> None:
    """Writes `points.csv` with the columns `x` (-1 to 1) and `y`."""
    chance = random.Random(7)
    with Path("points.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["x", "y"])
        for _ in range(COUNT):
            x = chance.uniform(-1, 1)
            rows.writerow([f"{x:.6f}", f"{3 * x - 1 + chance.gauss(0, 0.1):.6f}"])
    print(f"{COUNT} points in points.csv")


if __name__ == "__main__":
    main()
