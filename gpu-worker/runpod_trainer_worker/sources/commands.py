"""The commands that a client gives a Python of its own machine. Nothing of a project is run."""

from __future__ import annotations

import importlib.util
import json
import os
import site
import sys
from typing import TYPE_CHECKING, Any, Dict, Iterable, List

from ..base.selfpath import SELF

if TYPE_CHECKING:
    from .follow import Followed


def sources() -> None:
    """Standard input: `{root, entries, requirements, variables, privateUrl, home, pythonPath}`; answers what they say.

    It is started isolated (`-I`), so that nothing in the project's folder is imported by accident; the folders of the
    user's own packages are added last, for IPython and for the question what local steps could import.
    """
    from .follow import Followed, Project
    from .judge import Sources

    job: Dict[str, Any] = json.load(sys.stdin)
    _add_user_packages()
    read = Sources(job["root"], job["privateUrl"], job["home"])
    project = Project(job["root"])
    found = {entry["id"]: Followed(project, read, entry) for entry in job["entries"]}
    requirements = {file: _requirements(job["root"], file, job["variables"]) for file in job["requirements"]}
    importable = _importable(found.values(), job["pythonPath"])
    answer = {
        "version": list(sys.version_info[:2]),
        "errors": {name: problem._asdict() for name, problem in read.errors.items()},
        "unjudged": read.unjudged,
        "importable": importable,
        "packages": _packages(importable),
        "entries": {name: followed.to_json() for name, followed in found.items()},
        "requirements": requirements,
        "strings": [[name, *text] for name, reader in read.read.items() for text in reader.texts],
    }
    json.dump(answer, sys.stdout)


def _requirements(root: str, file: str, variables: Dict[str, str]) -> Any:
    """None for a file that cannot be opened."""
    from .requirements import Requirements

    try:
        return Requirements(root, file, variables, only_these=True).to_json()
    except OSError:
        return None


def _add_user_packages() -> None:
    _forget_self()
    if os.path.isdir(site.getusersitepackages()):
        site.addsitedir(site.getusersitepackages())


def _packages(importable: Dict[str, bool]) -> Dict[str, List[str]]:
    """Of the names that are here, the packages that brought them."""
    import importlib.metadata

    known = getattr(importlib.metadata, "packages_distributions", dict)
    try:
        found: Dict[str, List[str]] = known() if any(importable.values()) else {}
    except Exception:
        # Of one broken package in the folder.
        return {}
    return {name: found[name] for name, here in importable.items() if here and name in found}


def _importable(found: Iterable[Followed], python_path: List[str]) -> Dict[str, bool]:
    """Whether this Python has each name from outside; names of the standard library are dropped from `found`."""
    standard = {*getattr(sys, "stdlib_module_names", ()), *sys.builtin_module_names, "__future__", "__main__"}
    sys.path += python_path
    here: Dict[str, bool] = {}
    for followed in found:
        for name in list(followed.outside):
            if name in standard:
                del followed.outside[name]
            elif name not in here:
                here[name] = _has(name)
    return here


def missing_modules(names: Iterable[str]) -> List[str]:
    """Those that this Python could not import."""
    _forget_self()
    return [name for name in names if not _has(name)]


def _forget_self() -> None:
    """The worker's own file is no place for packages of the user."""
    sys.path[:] = [folder for folder in sys.path if os.path.abspath(folder) != SELF]


def _has(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError, AttributeError):
        return name in sys.modules
