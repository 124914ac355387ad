"""Finds the forms of secrets in bytes, whole or in part."""

from __future__ import annotations

import re
from typing import Dict, Iterable, List, Tuple

from .secret_forms import Form, form_of

Span = Tuple[int, int]
#: What lines and blanks are made of.
BLANK = b" \t\n"
#: A piece of this many bytes is looked for first, at the least frequent byte that the form has.
_ANCHOR = 4
_FREQUENT = b" etaoinsr0123456789.,:=/-_\"'\n\thlducmpgwfybvk()[]{}<>|+*%#ETAOINSRHLDUCMPGWFYBVKxjzqXJZQ"
_RANK = {byte: len(_FREQUENT) - at for at, byte in enumerate(_FREQUENT)}
#: An end that is this long and lies anywhere in a form may go on.
TAIL = 8


class Finder:
    """Finds forms in bytes: every place where an anchor is, is grown as far as the form goes."""

    def __init__(self, texts: Iterable[bytes]) -> None:
        self.forms = [form_of(text) for text in sorted(set(texts)) if len(text) > _ANCHOR]
        self._at: Dict[bytes, List[Tuple[Form, int]]] = {}
        for form in self.forms:
            for start in form.starts():
                place = start + _rarest(form.text[start : start + form.piece])
                entries = self._at.setdefault(form.text[place : place + _ANCHOR], [])
                if (form, place) not in entries:
                    entries.append((form, place))
        self._anchors = _by_first_byte(self._at)
        self._all = b"\0\0".join(form.text for form in self.forms)
        self._heads = {form.text[:size] for form in self.forms for size in range(1, min(TAIL, len(form.text)))}
        self.longest = max((len(form.text) for form in self.forms), default=0)

    def spans(self, view: bytes) -> List[Span]:
        """Where something stands that gives a secret away; they may overlap."""
        found: List[Span] = []
        for first, anchors in self._anchors:
            match = anchors.search(view) if first in view else None
            while match is not None:
                at = match.start()
                for form, place in self._at[match.group()]:
                    begin, end = _grown(view, at, form.text, place)
                    if end - begin >= form.least:
                        # Lines and words stay apart.
                        whole = view[begin:end]
                        before = len(whole) - len(whole.lstrip(BLANK))
                        found.append((begin + before, begin + len(whole.rstrip(BLANK))))
                match = anchors.search(view, at + 1)
        return found

    def touches(self, view: bytes) -> bool:
        """Whether something of any form is there."""
        return any(first in view and anchors.search(view) is not None for first, anchors in self._anchors)

    def undecided(self, view: bytes) -> int:
        """How many bytes at the end may go on to be a secret."""
        tail = view[-TAIL:]
        if len(tail) == TAIL and tail in self._all:
            return max(self._reach(view, tail), self._short(tail))
        return self._short(tail)

    def inside(self, view: bytes) -> int:
        """How many bytes at the end lie in a form, when they are enough to say so."""
        tail = view[-TAIL:]
        return self._reach(view, tail) if len(tail) == TAIL and tail in self._all else 0

    def _short(self, tail: bytes) -> int:
        return next((size for size in range(min(len(tail), TAIL - 1), 0, -1) if tail[-size:] in self._heads), 0)

    def _reach(self, view: bytes, tail: bytes) -> int:
        best = 0
        for form in self.forms:
            place = form.text.find(tail)
            while place != -1:
                begin, _ = _grown(view, len(view) - len(tail), form.text, place)
                if place + len(tail) < len(form.text):
                    best = max(best, len(view) - begin)
                place = form.text.find(tail, place + 1)
        return best


def _rarest(piece: bytes) -> int:
    return min(range(len(piece) - _ANCHOR + 1), key=lambda at: _RANK.get(piece[at], 0))


def _by_first_byte(words: Iterable[bytes]) -> "List[Tuple[bytes, re.Pattern[bytes]]]":
    """What finds the words, for each byte that they begin with: most of those bytes are nowhere, which is quick to see."""
    rests: Dict[bytes, List[bytes]] = {}
    for word in sorted(words):
        rests.setdefault(word[:1], []).append(re.escape(word[1:]))
    return [
        (first, re.compile(re.escape(first) + b"(?:" + b"|".join(rest) + b")", re.DOTALL)) for first, rest in rests.items()
    ]


def _grown(view: bytes, at: int, text: bytes, place: int) -> Span:
    """As far as the bytes around `at` are those around `place`."""
    begin, left = at, place
    while begin > 0 and left > 0 and view[begin - 1] == text[left - 1]:
        begin, left = begin - 1, left - 1
    end, right = at, place
    while end < len(view) and right < len(text) and view[end] == text[right]:
        end, right = end + 1, right + 1
    return begin, end
