"""Terms on a volume: one at a time, also when many try at one moment. R4.3."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict

import pytest

from runpod_trainer_worker.base.succession import Succession, Taken, Term

SOURCES = Path(__file__).resolve().parent.parent.parent


def _mine(name: str) -> Dict[str, Any]:
    return {"name": name}


def test_a_term_is_held_until_it_is_given_back(tmp_path: Path) -> None:
    line = Succession(tmp_path / "claim")
    assert line.newest() is None
    first = line.take(_mine("a"), lambda term: False)
    with pytest.raises(Taken) as refused:
        line.take(_mine("b"), lambda term: False)
    assert refused.value.term.owner == {"name": "a"}
    first.release()
    second = line.take(_mine("b"), lambda term: False)
    assert (first.number, second.number) == (1, 2)
    assert line.is_newest(second) and not line.is_newest(first)


def test_who_was_followed_learns_it_and_changes_nothing(tmp_path: Path) -> None:
    line = Succession(tmp_path)
    first = line.take(_mine("a"), lambda term: False)
    second = line.take(_mine("b"), lambda term: True)
    first.beat()
    first.release()
    assert not line.is_newest(first)
    newest = line.newest()
    assert newest is not None and newest.owner == {"name": "b"} and not newest.released
    assert newest.number == second.number


def test_age_is_told_by_the_volume(tmp_path: Path) -> None:
    term = Succession(tmp_path).take(_mine("a"), lambda term: False)
    term.beat()
    assert term.age() < 5
    ago = (term.path / "beat").stat().st_mtime - 300
    os.utime(term.path / "beat", (ago, ago))
    assert 299 < term.age() < 310
    term.beat()
    assert term.age() < 5


def test_a_term_without_its_owner_ages_too(tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    os.utime(tmp_path / "1", (1_000_000, 1_000_000))
    newest = Succession(tmp_path).newest()
    assert newest is not None and newest.owner == {} and newest.age() > 1000


def test_old_terms_are_forgotten_and_numbers_never_come_again(tmp_path: Path) -> None:
    line = Succession(tmp_path)
    for number in range(1, 31):
        assert line.take(_mine(str(number)), lambda term: True).number == number
    assert sorted(int(name) for name in os.listdir(tmp_path)) == list(range(11, 31))


def test_who_is_overtaken_by_many_terms_has_none(tmp_path: Path) -> None:
    line, slow = Succession(tmp_path), Succession(tmp_path)
    line.take(_mine("first"), lambda term: True)

    def others(_: Term) -> bool:
        for number in range(30):
            line.take(_mine(str(number)), lambda term: True)
        return True

    with pytest.raises(Taken) as refused:
        slow.take(_mine("slow"), others)
    assert refused.value.term.owner == {"name": "29"}


def test_a_term_whose_owner_could_not_be_written_bars_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    line = Succession(tmp_path)
    with monkeypatch.context() as bad_disk:
        bad_disk.setattr(os, "fsync", fails)
        with pytest.raises(OSError):
            line.take(_mine("a"), lambda term: False)
    assert line.take(_mine("b"), lambda term: False).number == 2


def test_one_of_many_processes_at_one_moment_has_it(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        f"sys.path.insert(0, {str(SOURCES)!r})\n"
        "from runpod_trainer_worker.base.succession import Succession, Taken\n"
        "line = Succession(Path(sys.argv[1])); sys.stdout.write('r'); sys.stdout.flush(); sys.stdin.read(1)\n"
        "try:\n    line.take({'name': sys.argv[2]}, lambda term: False); print('mine')\n"
        "except Taken as taken:\n    print('taken')\n"
    )
    for turn in range(5):
        folder = tmp_path / str(turn)
        racers = [
            subprocess.Popen(
                [sys.executable, "-c", program, str(folder), str(n)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for n in range(6)
        ]
        for racer in racers:
            assert racer.stdout is not None and racer.stdout.read(1) == "r"
        for racer in racers:
            assert racer.stdin is not None
            racer.stdin.write("g")
            racer.stdin.flush()
        answers = [racer.communicate()[0].strip() for racer in racers]
        assert sorted(answers) == ["mine", *["taken"] * 5]
