"""The keeper's state as it is kept: on the pod's own disk and on the volume, for the keeper that comes after this one.

No key is in it: they come from the pod's environment.
"""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

from ..base import fsutil
from ..base.clock import boot_id, boot_seconds, container_start
from ..base.selfpath import SELF
from .states import NAMES, Asked, Ended, Ending, Job, Running, State, Waiting, Worker

_NUMBER = (int, float)


@dataclasses.dataclass(frozen=True)
class Saved:
    """A state with what its keeper needs besides: the address of the API, the volume, what is known of the keys."""

    state: State
    rest_url: str
    mount: Optional[str]
    #: For each owner of a key that the API has judged: `{"state", "detail", "foreign"}`.
    keys: Dict[str, Dict[str, Any]] = dataclasses.field(default_factory=dict)


def volume_place(mount: str, pod_id: str) -> Path:
    """Where the state lies on a volume."""
    return Path(mount) / ".runpod-trainer" / "pods" / pod_id / "keeper.json"


def disk_place(scratch: Path, pod_id: str) -> Path:
    """Where the state lies on the pod's own disk."""
    return scratch / f"keeper-{pod_id}.json"


def to_json(saved: Saved) -> Dict[str, Any]:
    """As an object; times of the boot clock with both clocks of this moment, so that another machine can read them."""
    clocks = {"bootId": boot_id(), "boot": boot_seconds(), "wall": time.time(), "container": container_start()}
    state = {"at": NAMES[type(saved.state)], **dataclasses.asdict(saved.state)}
    return {
        "schema": 1,
        "worker": SELF,
        "clocks": clocks,
        "state": state,
        "restUrl": saved.rest_url,
        "mount": saved.mount,
        "keys": saved.keys,
    }


def from_json(raw: Dict[str, Any]) -> Saved:
    """What was kept, in times of this machine's boot clock; raises ValueError where it cannot be understood."""
    try:
        if raw["schema"] != 1:
            raise ValueError("it is of another release")
        state = _state(raw["state"], _moved(raw["clocks"]))
        mount = None if raw["mount"] is None else _text(raw["mount"])
        keys = {_text(owner): dict(value) for owner, value in raw["keys"].items()}
        return Saved(state, _text(raw["restUrl"]), mount, keys)
    except (KeyError, TypeError, AttributeError) as problem:
        raise ValueError(f"the keeper's state is damaged: {problem!r}") from problem


def read(places: List[Path]) -> Tuple[Optional[Dict[str, Any]], bool]:
    """The newest of the states that lie there and can be read, and whether any lies there at all."""
    found, there = [], False
    for place in places:
        try:
            there = there or place.exists()
            raw = fsutil.read_json(place)
            if raw is not None:
                from_json(raw)
                found.append((raw["clocks"]["wall"], raw))
        except (OSError, ValueError):
            there = True
    return max(found, key=lambda one: one[0], default=(0, None))[1], there


def is_of_earlier_start(raw: Dict[str, Any]) -> bool:
    """Whether the container was started again since this state was kept."""
    before = raw["clocks"].get("container")
    return before is not None and before != container_start()


def write(place: Path, value: Dict[str, Any]) -> None:
    """Replaces the state; raises OSError."""
    place.parent.mkdir(parents=True, exist_ok=True)
    fsutil.write_json(place, value, durable=True)


def _moved(clocks: Dict[str, Any]) -> float:
    """What to add to a time of the clock that wrote it."""
    boot, wall = _number(clocks["boot"]), _number(clocks["wall"])
    if clocks["bootId"] is not None and clocks["bootId"] == boot_id():
        return 0.0
    return boot_seconds() - max(0.0, time.time() - wall) - boot


def _state(raw: Dict[str, Any], moved: float) -> State:
    def when(name: str, source: Dict[str, Any] = raw) -> float:
        return _number(source[name]) + moved

    def maybe(name: str, source: Dict[str, Any] = raw) -> Optional[float]:
        return None if source[name] is None else when(name, source)

    def job() -> Job:
        one = raw["job"]
        finish = _text(one["on_finish"])
        if finish not in ("terminate", "stop", "keep"):
            raise ValueError(f"on_finish is {finish!r}")
        cap, stall = (None if one[key] is None else _number(one[key]) for key in ("cap_seconds", "stall_seconds"))
        return Job(_text(one["folder"]), finish, cap, maybe("deadline", one), stall, _number(one["hold_seconds"]))

    def worker() -> Optional[Worker]:
        one = raw["worker"]
        if one is None:
            return None
        epoch = None if one["epoch"] is None else int(one["epoch"])
        spool = None if one["spool"] is None else _text(one["spool"])
        return Worker(int(one["pid"]), int(one["start_time"]), epoch, spool)

    def asked() -> Optional[Asked]:
        return None if raw["asked"] is None else Asked(_text(raw["asked"]["reason"]), when("at", raw["asked"]))

    at = raw["at"]
    if at == "waiting":
        return Waiting(when("deadline"), _text(raw["folder"]), bool(raw.get("stop")))
    if at == "running":
        return Running(job(), when("since"), worker(), asked(), maybe("finished"))
    if at == "ended":
        return Ended(job(), when("since"), worker(), asked(), maybe("held"), bool(raw["written"]))
    if at == "ending":
        return Ending(_text(raw["why"]), bool(raw["stop"]), when("since"), _text(raw["folder"]), worker())
    raise ValueError(f"there is no state {at!r}")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no text")
    return value


def _number(value: Any) -> float:
    if not isinstance(value, _NUMBER) or isinstance(value, bool):
        raise ValueError(f"{value!r} is no number")
    return float(value)
