"""Whether tests notice faults: changes a copy of the worker and demands that the tests named for it fail.

`python mutations/run.py` plays the known faults of `known.json`. `--draw 20 --seed 1` draws that many from the files that
are listed there: conditions negated, comparisons and numbers changed, statements dropped.
"""

from __future__ import annotations

import argparse
import ast
import dataclasses
import json
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Tuple

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
PACKAGE = "runpod_trainer_worker"
#: A fault may make a test wait for ever.
SECONDS = 150

_OTHER = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}


@dataclasses.dataclass(frozen=True)
class Fault:
    """A file of the worker with other content, and the tests that must fail because of it."""

    name: str
    file: str
    text: str
    tests: List[str]


def source_of(file: str) -> str:
    """A file of the worker's package."""
    return (ROOT / PACKAGE / file).read_text(encoding="utf-8")


def known() -> List[Fault]:
    """The faults that are written down; raises ValueError for one whose place is not there exactly once."""
    faults = []
    for entry in json.loads((HERE / "known.json").read_text(encoding="utf-8"))["known"]:
        source = source_of(entry["file"])
        if source.count(entry["find"]) != 1:
            raise ValueError(f"{entry['name']}: its place is in {entry['file']} {source.count(entry['find'])} times")
        text = source.replace(entry["find"], entry["replace"])
        faults.append(Fault(entry["name"], entry["file"], text, entry["tests"]))
    return faults


def drawn(count: int, seed: int) -> List[Fault]:
    """Faults drawn from all that can be made of the listed files."""
    listed: Dict[str, List[str]] = json.loads((HERE / "known.json").read_text(encoding="utf-8"))["drawn"]
    places = [
        (file, number, which)
        for file in sorted(listed)
        for number, node in enumerate(ast.walk(ast.parse(source_of(file))))
        for which in range(len(list(_changes(node))))
    ]
    chosen = random.Random(seed).sample(places, min(count, len(places)))
    return [_changed(file, number, which, listed[file]) for file, number, which in chosen]


def _changed(file: str, number: int, which: int, tests: List[str]) -> Fault:
    """The file with one of the changes that its node allows; both are numbers in the order in which they are found."""
    tree = ast.parse(source_of(file))
    node = list(ast.walk(tree))[number]
    what, change = list(_changes(node))[which]
    name = f"{file}, line {getattr(node, 'lineno', 0)}: {what} `{ast.unparse(node).splitlines()[0][:70]}`"
    change(node)
    return Fault(name, file, ast.unparse(ast.fix_missing_locations(tree)) + "\n", tests)


def _changes(node: ast.AST) -> Iterator[Tuple[str, Callable[[ast.AST], None]]]:
    if isinstance(node, (ast.If, ast.IfExp, ast.While)):
        yield "negates", _negate
    if isinstance(node, ast.Compare) and type(node.ops[0]) in _OTHER:
        yield "compares otherwise", _compare
    if isinstance(node, ast.BoolOp):
        yield "takes `or` for `and`, or the reverse", _join
    if isinstance(node, ast.Constant) and type(node.value) is int:
        yield "adds 1 to", _count
    # A docstring is no statement that could be missed, and what is assigned is missed at once.
    for field in ("body", "orelse", "finalbody"):
        statements = getattr(node, field, None)
        for place, one in enumerate(statements if isinstance(statements, list) else []):
            if isinstance(one, (ast.Expr, ast.AugAssign)) and not isinstance(getattr(one, "value", None), ast.Constant):
                yield f"drops `{ast.unparse(one)[:60]}` in", _Drop(field, place)


class _Negate:
    def __call__(self, node: ast.AST) -> None:
        assert isinstance(node, (ast.If, ast.IfExp, ast.While))
        node.test = ast.UnaryOp(ast.Not(), node.test)


class _Compare:
    def __call__(self, node: ast.AST) -> None:
        assert isinstance(node, ast.Compare)
        node.ops[0] = _OTHER[type(node.ops[0])]()


class _Join:
    def __call__(self, node: ast.AST) -> None:
        assert isinstance(node, ast.BoolOp)
        node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()


class _Count:
    def __call__(self, node: ast.AST) -> None:
        assert isinstance(node, ast.Constant) and isinstance(node.value, int)
        node.value += 1


class _Drop:
    def __init__(self, field: str, place: int) -> None:
        self._field, self._place = field, place

    def __call__(self, node: ast.AST) -> None:
        getattr(node, self._field)[self._place] = ast.Pass()


_negate, _compare, _join, _count = _Negate(), _Compare(), _Join(), _Count()


def is_noticed(fault: Fault, copied: Path) -> bool:
    """Plays the fault's tests in the copy, and leaves the copy as it was."""
    file = copied / ROOT.name / PACKAGE / fault.file
    whole = file.read_text(encoding="utf-8")
    file.write_text(fault.text, encoding="utf-8")
    options = ["-x", "-q", "-p", "no:cacheprovider", f"--basetemp={copied / 'p'}"]
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *options, *fault.tests],
            cwd=copied / ROOT.name,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=SECONDS,
            check=False,
        )
        # Anything but failed tests means that they were not played.
        if done.returncode not in (0, 1, 2):
            raise RuntimeError(f"{fault.name}: pytest ended with {done.returncode}")
        return done.returncode != 0
    except subprocess.TimeoutExpired:
        return True
    finally:
        file.write_text(whole, encoding="utf-8")


def main() -> int:
    """Answers 1 when a fault was not noticed."""
    parser = argparse.ArgumentParser(description="Plays faults of the worker against its tests.")
    parser.add_argument("--draw", type=int, default=0, metavar="N", help="draw N faults instead of playing the known ones")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    faults = drawn(options.draw, options.seed) if options.draw else known()
    missed = 0
    with tempfile.TemporaryDirectory(prefix="rpt-mutations-") as folder:
        copied = Path(folder)
        ignored = shutil.ignore_patterns("__pycache__", ".*_cache", "build", "*.egg-info")
        for source in (ROOT, ROOT.parent / "contract"):
            shutil.copytree(source, copied / source.name, ignore=ignored)
        for fault in faults:
            noticed = is_noticed(fault, copied)
            missed += not noticed
            print(f"{'noticed' if noticed else 'MISSED '}  {fault.name}", flush=True)
    print(f"\n{len(faults) - missed} of {len(faults)} noticed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
