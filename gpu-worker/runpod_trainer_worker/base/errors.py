"""Errors that a person can act on."""

from __future__ import annotations

from typing import Dict


class WorkerError(Exception):
    """What happened, why, and what to do next; one sentence each."""

    def __init__(self, what: str, why: str, next_step: str) -> None:
        super().__init__(f"{what} {why} {next_step}".strip())
        self.what = what
        self.why = why
        self.next_step = next_step

    def to_json(self) -> Dict[str, Dict[str, str]]:
        """The shape that every command prints on failure."""
        return {"error": {"what": self.what, "why": self.why, "next": self.next_step}}


class MissingPackage(WorkerError):
    """A Python package that this check or step needs is not installed."""

    def __init__(self, package: str, python: str) -> None:
        super().__init__(
            f"The package {package} is missing.",
            f"{python} cannot import it.",
            f"Add {package} to the requirements file that target.requirements names, or use an image that has it.",
        )
