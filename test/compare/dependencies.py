"""What each package of this environment asks for: lines of JSON [name, requirements]."""

from __future__ import annotations

import importlib.metadata
import json

for package in importlib.metadata.distributions():
    if package.requires:
        print(json.dumps([package.metadata["Name"], package.requires]))
