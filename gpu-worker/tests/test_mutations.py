"""The list of faults that tests must notice stays playable while the code changes."""

from __future__ import annotations

import ast
from pathlib import Path

from mutations.run import drawn, known, source_of

ROOT = Path(__file__).resolve().parent.parent


def test_every_known_fault_has_its_place_and_its_tests() -> None:
    for fault in known():
        assert fault.text != source_of(fault.file), fault.name
        ast.parse(fault.text)
        assert fault.tests and all((ROOT / test.split("::")[0]).is_file() for test in fault.tests), fault.name


def test_faults_are_drawn_by_their_seed() -> None:
    first = drawn(20, 7)
    assert first == drawn(20, 7) and first != drawn(20, 8)
    assert len({fault.name for fault in first}) == 20
    for fault in first:
        ast.parse(fault.text)
        assert ast.dump(ast.parse(fault.text)) != ast.dump(ast.parse(source_of(fault.file))), fault.name
