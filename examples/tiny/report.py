"""Says in a sentence which line was found."""

from __future__ import annotations

import json
from pathlib import Path


def main() -> None:
    """Writes `out/report.md`."""
    model = json.loads(Path("out/model.json").read_text(encoding="utf-8"))
    text = f"Found y = {model['slope']:.2f} x + ({model['offset']:.2f}); the points were made of y = 3 x - 1."
    Path("out/report.md").write_text(f"# Tiny\n\n{text}\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
