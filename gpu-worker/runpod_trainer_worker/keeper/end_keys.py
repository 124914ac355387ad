"""The keys that may end this pod: its own, and a restricted one that the user keeps as a RunPod secret."""

from __future__ import annotations

import dataclasses
import re
import threading
from typing import Dict, List, Mapping, Optional, Tuple

from ..base.errors import WorkerError
from .pod_api import ApiAnswer, PodApi

OWN_VARIABLE = "RUNPOD_API_KEY"
#: Holds RunPod's placeholder for the secret where a pod is listed, and the key itself at the pod's PID 1.
GIVEN_VARIABLE = "RUNPOD_TRAINER_END_KEY"
#: Never given to a step, even when it lists one: they can end pods and spend money.
NEVER_FOR_STEPS = (OWN_VARIABLE, GIVEN_VARIABLE)

_PLACEHOLDER = re.compile(r"\{\{\s*RUNPOD_SECRET_(.+?)\s*\}\}")

POD_KEY, USER_KEY = "pod-key", "user-key"
_OTHERS = ", so this pod cannot end itself; only the other owners of the cap hold"
ARMED, REFUSED, MISSING, UNKNOWN = "armed", "refused", "missing", "unknown"


@dataclasses.dataclass
class EndKey:
    """One owner of the cap; `api` is None where there is no key to use."""

    owner: str
    api: Optional[PodApi]
    state: str
    #: Part of a sentence, for people.
    detail: str
    tested: bool = False
    #: The API has told of this key that it does not know the pod, so its 404 does not mean that the pod is gone.
    foreign: bool = False

    def judge(self, answer: ApiAnswer) -> None:
        """Takes over what `start` on the running pod was answered."""
        whose = "the pod's own key" if self.owner == POD_KEY else "the key of your secret"
        self.tested = not answer.temporary
        self.state = UNKNOWN
        if answer.temporary:
            self.detail = f"RunPod's API has not answered the keeper yet ({answer.detail}); it goes on asking"
        elif answer.status == 409 or (answer.status is not None and 200 <= answer.status < 300):
            self.state, self.detail = ARMED, f"{whose} may end this pod (tested with a call that changes nothing)"
        elif answer.status in (401, 403) and answer.problem:
            self.state, self.detail = REFUSED, f"RunPod refuses {whose} ({answer.detail})"
        elif answer.status == 403:
            self.detail = f"the call with {whose} did not get through to RunPod's API ({answer.detail})"
        elif answer.status == 404 and self.owner == USER_KEY:
            self.state, self.foreign = REFUSED, True
            self.detail = f"{whose} does not know this pod: it may belong to another account ({answer.detail})"
        else:
            self.detail = f"the test of {whose} had an unexpected answer ({answer.detail}): it may not work"

    def to_json(self) -> Dict[str, str]:
        """For the journal; `detail` as a sentence."""
        return {"owner": self.owner, "state": self.state, "detail": _sentence(self.detail)}


class EndKeys:
    """All keys of one pod; `own` comes first in everything. Safe to use from two threads."""

    def __init__(self, rest_url: Optional[str], pod_id: Optional[str], keys: Mapping[str, str], timeout: float) -> None:
        self._lock = threading.Lock()
        self.all: List[EndKey] = []
        try:
            for owner, name in ((POD_KEY, OWN_VARIABLE), (USER_KEY, GIVEN_VARIABLE)):
                if owner == POD_KEY or keys.get(name):
                    self.all.append(_make(owner, rest_url, pod_id, keys.get(name), timeout))
        except WorkerError as problem:
            # It is the address that is wrong, for all of them.
            self.all = [EndKey(POD_KEY, None, MISSING, f"{problem.what} {problem.why}".strip(" ."))]

    @property
    def armed(self) -> bool:
        """Whether one of them may end the pod."""
        return any(key.state == ARMED for key in self.all)

    def usable(self) -> List[Tuple[str, PodApi]]:
        """Owner and API of the keys with which ending is tried, the most promising first."""
        order = {ARMED: 0, UNKNOWN: 1, REFUSED: 2, MISSING: 3}
        with self._lock:
            keys = sorted(self.all, key=lambda key: order[key.state])
            return [(key.owner, key.api) for key in keys if key.api is not None and not key.foreign]

    def test(self) -> "List[str]":
        """Asks the API about every key that it has not judged yet; lines for the log.

        Nothing is harmed: starting a running pod is refused as a conflict to whoever may do it.
        """
        lines = []
        for key in self.all:
            if key.api is None or key.tested:
                continue
            answer = key.api.action("start")
            with self._lock:
                key.judge(answer)
            lines.append(f"probe with the {key.owner}: {answer.detail}")
        return lines

    def judgements(self) -> Dict[str, Dict[str, object]]:
        """What the API has said of each key, by its owner, for a keeper that comes after this one."""
        with self._lock:
            judged = [key for key in self.all if key.tested and key.api is not None]
            return {key.owner: {"state": key.state, "detail": key.detail, "foreign": key.foreign} for key in judged}

    def restore(self, judgements: Mapping[str, Mapping[str, object]]) -> None:
        """Takes over what was said to an earlier keeper: nothing is asked twice."""
        with self._lock:
            for key in self.all:
                told = judgements.get(key.owner)
                if told is not None and key.api is not None and told.get("state") in (ARMED, REFUSED, UNKNOWN):
                    key.state, key.detail = str(told["state"]), str(told.get("detail"))
                    key.foreign, key.tested = told.get("foreign") is True, True

    @property
    def settled(self) -> bool:
        """Whether nothing is left to ask."""
        return all(key.tested or key.api is None for key in self.all)

    def detail(self) -> str:
        """A sentence for people about what these keys can do."""
        texts = [key.detail for key in self.all]
        if self.armed:
            word = "and" if all(key.state == ARMED for key in self.all) else "but"
            return _sentence(f", {word} ".join(texts))
        ends = "" if any(key.state == UNKNOWN for key in self.all) else _OTHERS
        return _sentence(", and ".join(texts) + ends)


def keys_of(environment: Mapping[str, str]) -> Dict[str, str]:
    """The keys among a pod's variables; these alone are handed to the process that ends the pod."""
    return {name: environment[name] for name in NEVER_FOR_STEPS if environment.get(name)}


def unresolved(value: str) -> Optional[str]:
    """The name of the secret when RunPod has left its placeholder as it was, which it does where there is none."""
    found = _PLACEHOLDER.search(value)
    return found.group(1) if found else value if "{{" in value else None


def _make(owner: str, rest_url: Optional[str], pod_id: Optional[str], key: Optional[str], timeout: float) -> EndKey:
    if rest_url is None:
        raise WorkerError("The job names no API.", "", "Start it with a client that does.")
    if not pod_id or not key:
        return EndKey(owner, None, MISSING, f"the pod has no {OWN_VARIABLE if owner == POD_KEY else GIVEN_VARIABLE}")
    secret = unresolved(key)
    if secret is not None:
        return EndKey(owner, None, MISSING, f"the secret {secret} does not exist in this RunPod account")
    api = PodApi(rest_url, pod_id, key.strip(), timeout)
    return EndKey(owner, api, UNKNOWN, "the keeper has not tested its key yet")


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"
