"""Who has a thing that one may have at a time, on a volume that several machines write: a line of numbered terms.

A term is a folder with the next number. Making it is the claim: `mkdir` succeeds for one of those who try at one moment
(POSIX; on network file systems too), and no other act decides. Nobody removes or rewrites another one's term; whoever
follows makes the next number, so an owner that comes back late finds that it has been followed and has harmed nobody.
"""

from __future__ import annotations

import dataclasses
import os
import secrets
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional

from . import fsutil

_OWNER, _BEAT, _RELEASED = "owner.json", "beat", "released"
#: As many terms stay behind the newest one, for whoever wants to know what was.
_KEPT = 20


@dataclasses.dataclass(frozen=True)
class Term:
    """One term; `owner` is what its owner wrote of itself, empty while that is not written or cannot be read."""

    path: Path
    number: int
    owner: Dict[str, Any]

    @property
    def released(self) -> bool:
        """Whether its owner gave it back."""
        return (self.path / _RELEASED).exists()

    def age(self) -> float:
        """Seconds since the owner's last sign of life, by the clock of the volume alone; raises OSError."""
        return max(0.0, volume_time(self.path.parent) - self.last_sign())

    def read_again(self) -> "Term":
        """The same term, whose owner may have written meanwhile what it is."""
        return dataclasses.replace(self, owner=fsutil.read_json(self.path / _OWNER) or {})

    def beat(self) -> None:
        """A sign of life: a new file, so that the volume's own clock dates it; raises OSError."""
        fresh = self.path / f".{_BEAT}-{secrets.token_hex(6)}"
        fresh.touch(exist_ok=False)
        os.replace(fresh, self.path / _BEAT)

    def release(self) -> None:
        """Gives the term back; raises OSError."""
        (self.path / _RELEASED).touch()

    def tell(self, owner: Dict[str, Any]) -> None:
        """What its owner says of itself from here on; raises OSError."""
        fsutil.write_json(self.path / _OWNER, owner, durable=True)

    def last_sign(self) -> float:
        """When its owner was last heard of, by the clock of the volume; 0 when the term is gone. Raises OSError."""
        for place in (self.path / _BEAT, self.path):
            try:
                return place.stat().st_mtime
            except FileNotFoundError:
                continue
        return 0.0


class Taken(Exception):
    """Another one has the newest term."""

    def __init__(self, term: Term) -> None:
        super().__init__(f"term {term.number} is taken")
        self.term = term


class Succession:
    """The terms in one folder, which is made by the first one to take a term."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def newest(self) -> Optional[Term]:
        """The term that counts; None when there was never one. Raises OSError when the volume cannot tell."""
        numbers = self.numbers()
        return self.term(numbers[-1]) if numbers else None

    def is_newest(self, term: Term) -> bool:
        """Whether nobody has followed; raises OSError when the volume cannot tell."""
        numbers = self.numbers()
        return bool(numbers) and numbers[-1] == term.number

    def take(self, owner: Dict[str, Any], may_follow: Callable[[Term], bool]) -> Term:
        """Makes the next term; raises Taken when the newest may not be followed, or another one was faster.

        A term that was given back is followed without asking.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        newest = self.newest()
        if newest is not None and not newest.released and not may_follow(newest):
            raise Taken(newest)
        number = 1 if newest is None else newest.number + 1
        path = self.folder / str(number)
        try:
            path.mkdir()
        except FileExistsError:
            raise Taken(self.term(number)) from None
        term = Term(path, number, owner)
        now = self.newest()
        if now is not None and now.number != number:
            # So many terms passed while this one was made that its number had been forgotten already.
            raise Taken(now)
        try:
            term.tell(owner)
        except OSError:
            # Nobody has it then; where that cannot be written either it ages.
            term.release()
            raise
        self._forget(number - _KEPT)
        return term

    def term(self, number: int) -> Term:
        """One of them; its owner is empty when there is no such term."""
        path = self.folder / str(number)
        return Term(path, number, fsutil.read_json(path / _OWNER) or {})

    def numbers(self) -> List[int]:
        """Those that are there, ascending, of which old ones are forgotten; raises OSError."""
        try:
            names = os.listdir(self.folder)
        except FileNotFoundError:
            return []
        return sorted(int(name) for name in names if name.isascii() and name.isdigit())

    def _forget(self, before: int) -> None:
        """Removes old terms; the newest ones stay, so the number that is next never comes again."""
        for number in self.numbers():
            if number > before:
                return
            path = self.folder / str(number)
            try:
                for name in os.listdir(path):
                    (path / name).unlink()
                path.rmdir()
            except OSError:
                return


def age_of(file: Path, folder: Path) -> float:
    """Seconds since a file changed, by the clock of the volume that has it and `folder`; raises OSError."""
    return max(0.0, volume_time(folder) - file.stat().st_mtime)


def volume_time(folder: Path) -> float:
    """What the clock of the volume says, which dates its files; raises OSError where nothing can be written."""
    probe = folder / f".now-{secrets.token_hex(6)}"
    probe.touch(exist_ok=False)
    try:
        return probe.stat().st_mtime
    finally:
        probe.unlink()
