"""How a process of the step's Python runs this same worker."""

from __future__ import annotations

from pathlib import Path

#: The zipapp, or the folder with `__main__.py` in a checkout.
SELF = str(Path(__file__).absolute().parent.parent.parent)
