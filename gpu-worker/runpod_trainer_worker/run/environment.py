"""The environment of a step's processes."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Dict, Iterable, List, Mapping, Optional

from ..base import procs
from ..base.credentials import why_not_maskable, without_credentials
from ..base.errors import WorkerError
from ..journal.spec import Spec, Step
from ..keeper.end_keys import NEVER_FOR_STEPS, keys_of
from .requirements import Interpreter


@dataclasses.dataclass(frozen=True)
class Sources:
    """Where variables come from: the start channel's secrets, and the pod (or this machine on the local side)."""

    secrets: Mapping[str, str]
    pod: Mapping[str, str]

    def base(self) -> Dict[str, str]:
        """Variables for every process, without credentials and without the worker's own."""
        merged = {**os.environ, **self.pod}
        return {k: v for k, v in without_credentials(merged).items() if not k.startswith("RUNPOD_TRAINER_")}

    def secret(self, name: str) -> Optional[str]:
        """The value of a listed secret."""
        if name in NEVER_FOR_STEPS:
            return None
        value = self.secrets.get(name) or self.pod.get(name)
        return None if not value or "{{" in value else value

    def hidden(self, names: Iterable[str]) -> List[str]:
        """What no step may print: all secrets, and the keys that end the pod, which no step is given but may find."""
        found = [self.secret(name) for name in names]
        keys = [key for key in keys_of(self.pod).values() if "{{" not in key]
        return [*(value for value in found if value is not None), *self.secrets.values(), *keys]


def secrets_of(step: Step, sources: Sources) -> Dict[str, str]:
    """The secrets that the step lists; raises WorkerError for one that is not there."""
    found = {}
    for name in step.secrets:
        value = sources.secret(name)
        if value is None:
            unresolved = "{{" in (sources.pod.get(name) or "")
            raise WorkerError(
                f"The secret {name} of step {step.name} is missing.",
                "RunPod did not resolve its placeholder." if unresolved else "It was not given when the job was started.",
                "Secrets are kept in memory only: give it again and run again."
                if name not in NEVER_FOR_STEPS
                else "The keys that end the pod are never given to a step.",
            )
        bare = why_not_maskable(value)
        if bare is not None:
            raise WorkerError(
                f"The secret {name} of step {step.name} cannot be kept out of what is printed.",
                bare,
                "Use a longer one, or give it as a variable when it is no secret.",
            )
        found[name] = value
    return found


def step_environment(
    spec: Spec,
    step: Step,
    base: Mapping[str, str],
    python: Interpreter,
    folder: Path,
    metrics: Path,
    secrets: Mapping[str, str],
) -> Dict[str, str]:
    """All variables of a step."""
    environment = {**base, **spec.env, **step.env, **secrets}
    paths: List[str] = [str(spec.project_path)]
    if environment.get("PYTHONPATH"):
        paths.append(environment["PYTHONPATH"])
    environment["PYTHONPATH"] = os.pathsep.join(paths)
    if python.bin_dir is not None:
        environment["PATH"] = os.pathsep.join([python.bin_dir, environment.get("PATH", os.defpath)])
    environment.update(
        {
            "RUNPOD_TRAINER_JOB": spec.job,
            "RUNPOD_TRAINER_STEP": step.name,
            procs.STEP_DIR: str(folder),
            "RUNPOD_TRAINER_METRICS": str(metrics),
            "PYTHONUNBUFFERED": "1",
        }
    )
    return environment
