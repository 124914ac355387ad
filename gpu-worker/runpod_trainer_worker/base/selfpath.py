"""How a process of the step's Python runs this same worker."""

from __future__ import annotations

import os

#: The zipapp, or the folder with `__main__.py` in a checkout.
SELF = os.path.abspath(os.path.join(__file__, *[os.pardir] * 3))
