"""`/start.sh` of a sandbox pod, for start commands that end in it: a file that asks init for what `start` does.

A pod without a root of its own has it in its folder, so the command names that one.
"""

from __future__ import annotations

import os
import shlex
from typing import Protocol

NAME = "/start.sh"


class Settings(Protocol):
    """The part of the pod's configuration that this needs."""

    @property
    def isolation(self) -> str: ...
    @property
    def pod_dir(self) -> str: ...


def provide(settings: Settings, command: list[str]) -> tuple[int, list[str]]:
    """Puts the file in place; a descriptor that can be read when it has run, and the command with its place."""
    if settings.isolation == "namespace":
        script, asked = NAME, "/run/start-asked"
    else:
        disk = os.path.join(settings.pod_dir, "disk")
        os.makedirs(disk, exist_ok=True)
        script, asked = (
            os.path.join(disk, "start.sh"),
            os.path.join(disk, "start-asked"),
        )
        quoted = shlex.quote(script)
        command = [
            script if word == NAME else word.replace(f"exec {NAME}", f"exec {quoted}")
            for word in command
        ]
    if os.path.lexists(asked):
        os.remove(asked)
    os.mkfifo(asked, 0o600)
    with open(script, "w", encoding="utf-8") as file:
        file.write(f"#!/bin/sh\necho > {shlex.quote(asked)}\nexec sleep infinity\n")
    os.chmod(script, 0o755)
    return os.open(asked, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC), command
