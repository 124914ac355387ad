"""Which folders of people's machines a project's folder on the volume is filled from: `origins.json` beside the manifest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, Iterable, List

from ..base import fsutil
from ..base.clock import now_iso
from ..base.errors import WorkerError

_SCHEMA = 1
#: So many are told of those that were agreed to.
_TOLD = 10


def agree(root: Path, lines: Iterable[bytes]) -> Dict[str, Any]:
    """Whether the folder `{"id", "folder", "host", "adopt"}` may fill the project: `{"ok", "others"}`.

    The first one may, and whichever has been agreed to; another one is agreed to with `adopt`.
    """
    asked: Dict[str, Any] = {}
    try:
        asked = json.loads(b"".join(lines))
        mine = {key: str(asked[key]) for key in ("id", "folder", "host")}
    except (ValueError, KeyError, TypeError) as problem:
        fix = "Call it from a client of the same release."
        raise WorkerError("The folder was not understood.", f"{problem!r}.", fix) from problem
    path = root / ".runpod-trainer" / "origins.json"
    known = _read(path)
    if any(origin.get("id") == mine["id"] for origin in known):
        return {"ok": True, "others": []}
    if known and asked.get("adopt") is not True:
        return {"ok": False, "others": [{key: o.get(key) for key in ("folder", "host", "since")} for o in known[-_TOLD:]]}
    path.parent.mkdir(parents=True, exist_ok=True)
    fsutil.write_json(path, {"schema": _SCHEMA, "origins": [*known, {**mine, "since": now_iso()}]}, durable=True)
    return {"ok": True, "others": []}


def _read(path: Path) -> List[Dict[str, Any]]:
    value = fsutil.read_json(path) or {}
    origins = value.get("origins")
    return [origin for origin in origins if isinstance(origin, dict)] if isinstance(origins, list) else []
