"""Python for the steps: the image's own when it has the requirements, else an environment beside it."""

from __future__ import annotations

import dataclasses
import fcntl
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence

from ..base.errors import WorkerError
from ..base.fsutil import sha256_text
from ..base.limited import run_limited

_DESCRIBED = re.compile(r"^([^-]+)-([^-]+)(?:-[^-]+)*\.(?:dist-info|egg-info)$")
_ABOUT = """
import json, sys, sysconfig, site
paths = [p for p in sys.path if p.endswith(("site-packages", "dist-packages"))]
print(json.dumps({"version": "%d.%d.%d" % sys.version_info[:3], "executable": sys.executable, "sites": paths}))
"""


@dataclasses.dataclass(frozen=True)
class Interpreter:
    """The Python of the steps; `bin_dir` goes first on PATH when it is not None."""

    executable: str
    version: str
    sites: Sequence[str]
    bin_dir: Optional[str] = None
    requirements: Optional[str] = None

    def fingerprint(self) -> Dict[str, str]:
        """What a step's fingerprint keeps of it: its version, the packages that it finds, the requirements."""
        parts = {"Python": self.version, **self._packages()}
        return parts if self.requirements is None else {**parts, "requirements": sha256_text(self.requirements)}

    def _packages(self) -> Dict[str, str]:
        """Name and version of each package, by the names of the folders in which installers describe them."""
        found: Dict[str, str] = {}
        own = Path(self.executable).parent.parent.glob("lib/python*/site-packages") if self.bin_dir is not None else ()
        for site in (*map(str, own), *self.sites):
            try:
                names = sorted(os.listdir(site))
            except OSError:
                continue
            for name in names:
                match = _DESCRIBED.match(name)
                # What is found first is what is imported.
                if match is not None:
                    found.setdefault(f"package {match[1].lower()}", match[2])
        return found


def find_python(name: str, environment: Dict[str, str], project: Path) -> Interpreter:
    """Looks `name` up on the PATH of the steps; raises WorkerError when it is not there or does not run."""
    fix = "Set target.python in the project file to a Python of the image, as a name or an absolute path."
    path = environment.get("PATH", os.defpath)
    if "/" in name and not name.startswith("/"):
        name = str(project / name)
    found = shutil.which(name, path=path)
    if found is None:
        raise WorkerError(f"The Python {name!r} was not found.", f"PATH of the steps is {path}.", fix)
    try:
        answer = run_limited([found, "-c", _ABOUT], 60, environment)
        if answer.returncode != 0:
            raise WorkerError(f"{found} does not run as Python.", f"It said: {answer.stderr[-300:]}", fix)
        about: Dict[str, Any] = json.loads(answer.stdout)
    except (OSError, ValueError) as problem:
        raise WorkerError(f"{found} does not run as Python.", f"{problem}.", fix) from problem
    bin_dir = os.path.dirname(found) if name.startswith("/") else None
    return Interpreter(about["executable"] or found, about["version"], about["sites"], bin_dir)


def environment_folder(python: Interpreter, text: str, base: Path) -> Path:
    """Where the environment for these requirements and this Python lies."""
    return base / f"venv-{sha256_text(json.dumps([text, python.executable, python.version]))[:20]}"


Run = Callable[[List[str]], int]


def make_environment(python: Interpreter, file: Path, text: str, base: Path, run: Run) -> Interpreter:
    """An environment with the requirements that also sees the image's packages; made once, then found again.

    `run` executes a command with its output in the job's log and answers the exit code. Raises WorkerError.
    """
    folder = environment_folder(python, text, base)
    executable = folder / "bin" / "python"
    done = folder / "complete"
    result = Interpreter(str(executable), python.version, python.sites, str(folder / "bin"), text)
    with open(f"{folder}.lock", "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if done.exists():
            return result
        shutil.rmtree(folder, ignore_errors=True)
        command = [python.executable, "-m", "venv", "--system-site-packages", "--without-pip", str(folder)]
        if run(command) != 0:
            raise WorkerError(
                "No Python environment could be made.",
                f"{' '.join(command)} failed; the log has its words.",
                "Use an image whose Python has the venv module, or one that has the requirements already.",
            )
        # The image's Python may itself be an environment: its packages are reached by path, after our own.
        site = next(folder.glob("lib/python*/site-packages"))
        (site / "image.pth").write_text("".join(f"{path}\n" for path in python.sites), encoding="utf-8")
        command = [str(executable), "-m", "pip", "install", "--no-input", "--disable-pip-version-check", "-r", str(file)]
        if run(command) != 0:
            raise WorkerError(
                f"The requirements in {file.name} could not be installed.",
                "pip failed; its last lines are in the log.",
                "Correct the file, or use an image that has the packages.",
            )
        done.write_text("", encoding="utf-8")
    return result
