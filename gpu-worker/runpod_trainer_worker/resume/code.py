"""Which files count as a step's code: whatever it may read that the transfer brought and that is small."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Dict, Iterable, List, Set

from ..base.globs import Glob
from ..journal.spec import Spec, Step
from .imports import ImportScan

#: Names and folders of files that people read and programs seldom do; other notebooks are drafts.
_DOCUMENTS = re.compile(
    r"(^|/)(docs?|notes|images|figures)/|(^|/)(README|LICEN[CS]E|CHANGELOG|CONTRIBUTING|AUTHORS|NOTICE)[^/]*$"
    r"|\.(md|rst|adoc|ipynb|png|jpe?g|gif|svg|pdf)$",
    re.IGNORECASE,
)


def code_of(spec: Spec, step: Step, scan: ImportScan) -> List[str]:
    """Relative paths of the files that count, sorted.

    They are the small files of the transfer (`spec.code`), or those of them that the step's own `code` patterns name,
    and what the scan of its source reached. Outputs and inputs of steps, documents, and the entry files of other steps
    count only where something that the step can reach names them.
    """
    narrowed, inputs = _globs(step.code), _globs(step.inputs)
    moved = _globs(pattern for one in spec.steps for pattern in (*one.outputs, *one.inputs))
    entries = {_entry(spec.project_path, one) for one in spec.steps if one is not step} - {_entry(spec.project_path, step)}
    reached = set(scan.relative())
    counted, doubtful = set(reached), []
    for path in spec.code:
        if narrowed and not _any(narrowed, path):
            continue
        if path in entries or _DOCUMENTS.search(path) or _any(moved, path):
            doubtful.append(path)
        else:
            counted.add(path)
    counted |= _named(spec.project_path, step, scan, doubtful)
    # An input stands among the inputs, and the cells of the step's own notebook by themselves.
    own = step.run.target if step.run.kind == "notebook" else ""
    return sorted(path for path in counted if path != own and not _any(inputs, path))


def _globs(patterns: Iterable[str]) -> List[Glob]:
    return [Glob(pattern) for pattern in dict.fromkeys(patterns)]


def _any(globs: List[Glob], path: str) -> bool:
    return any(glob.matches(path) for glob in globs)


def _entry(project: Path, step: Step) -> str:
    """The file of the project that a step starts; empty where that is a command."""
    run = step.run
    if run.kind in ("script", "notebook"):
        return run.target
    if run.kind == "module":
        base = run.target.replace(".", "/")
        for path in (f"{base}.py", f"{base}/__main__.py", f"src/{base}.py", f"src/{base}/__main__.py"):
            if (project / path).is_file():
                return path
    return ""


def _named(project: Path, step: Step, scan: ImportScan, doubtful: List[str]) -> Set[str]:
    """Those whose name stands in the step's command or in a file that it reaches, or that one of them names in turn."""
    by_name: Dict[str, Set[str]] = {}
    for path in doubtful:
        name = path.rsplit("/", 1)[-1]
        stem = name[:-3] if name.endswith(".py") else ""
        for word in filter(None, (name, stem)):
            by_name.setdefault(word, set()).add(path)
    if not by_name:
        return set()
    words = re.compile(
        "|".join(rf"(?<![\w.-]){re.escape(word)}(?![\w-])" for word in sorted(by_name, key=len, reverse=True))
    )
    texts = [json.dumps([step.run.target, step.run.args, step.run.parameters, step.env], ensure_ascii=False)]
    texts += [
        _text(project / path) for path in [*scan.relative(), *([step.run.target] if step.run.kind == "notebook" else [])]
    ]
    named: Set[str] = set()
    while texts:
        new = {path for word in words.findall(texts.pop()) for path in by_name[word]} - named
        named |= new
        texts += [_text(project / path) for path in new]
    return named


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
