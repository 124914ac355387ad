"""Takes secrets out of what is printed, in whichever form and however it is cut, before anything is kept."""

from __future__ import annotations

import bisect
import dataclasses
import re
from typing import Any, Iterable, Iterator, List, Sequence, Tuple

from .secret_forms import (
    BETWEEN,
    encoded_forms,
    escapes,
    folded,
    folded_forms,
    is_quoted,
    plain_forms,
    shown,
    spelled_forms,
    squeezed_forms,
    unseen,
)
from .secret_search import Finder, Span

MASK = b"[secret]"

#: So much may be kept back for what comes next.
_MOST_HELD = 1 << 16
_COLOUR = re.compile(rb"\x1b\[[0-9;:]*m")
#: What may be the beginning of a quoted character.
_UNFINISHED = re.compile(
    rb"(?:\\+[uUx]?\{?[0-9a-fA-F]{0,8}|\\+u[dD][0-9a-fA-F]{3}\\+u?[0-9a-fA-F]{0,4}"
    rb"|%[0-9a-fA-F]{0,5}|%(?:25)*u[0-9a-fA-F]{0,3}|&[#a-zA-Z0-9;]{0,12})\Z"
)
#: What stands between the pieces of a key.
_BETWEEN = re.compile(b"[^A-Za-z0-9]+")
#: So many letters after a part of a key may be those of the key.
_BY_CHANCE = 3
#: So much of what went before is known where a key may go on, in letters and digits.
_BEFORE = 64
#: Where texts are cut, and how much of a secret is too much there.
_CUT = re.compile("…".encode())
_CUT_SECRET = 6


class _Map:
    """From places in a view to places in what it was made of; `changes` are begin, end and length in the view."""

    def __init__(self, changes: Iterable[Tuple[int, int, int]]) -> None:
        self._changes = changes
        self._views: List[int] = []
        self._ends: List[Tuple[int, int, int]] = []

    def _read(self) -> None:
        """Only once, and only where a place is asked for: mostly there is nothing to hide."""
        changes, self._changes = self._changes, ()
        shorter = 0
        for begin, end, length in changes:
            self._views.append(begin - shorter)
            self._ends.append((begin, end, length))
            shorter += end - begin - length

    def begin(self, place: int) -> int:
        """Where the byte at this place of the view begins."""
        return self._place(place, first=True)

    def end(self, place: int) -> int:
        """Where the byte before this place of the view ends."""
        return self._place(place - 1, first=False)

    def _place(self, place: int, first: bool) -> int:
        self._read()
        index = bisect.bisect_right(self._views, place) - 1
        if index < 0:
            return place if first else place + 1
        begin, end, length = self._ends[index]
        within = place - self._views[index]
        if within < length:
            return begin if first else end
        at = end + within - length
        return at if first else at + 1


@dataclasses.dataclass(frozen=True)
class _View:
    """Something that data looks like, and where in the data it comes from."""

    text: bytes
    maps: Sequence[_Map]

    def span(self, begin: int, end: int) -> Span:
        """The same in the data."""
        for one in self.maps:
            begin, end = one.begin(begin), one.end(end)
        return begin, end

    def last(self, size: int, whole: int) -> int:
        """Where the last `size` bytes begin in the data, of which there are `whole`."""
        if size == 0:
            return whole
        begin = len(self.text) - size
        for one in self.maps:
            begin = one.begin(begin)
        return begin


class Masker:
    """Knows the secrets of a job. Without any it changes nothing."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self.secrets = values = [value for value in secrets if value]
        self._plain = Finder([*plain_forms(values), *encoded_forms(values)])
        self._folded = Finder(folded_forms(values))
        self._spelled = Finder(spelled_forms(values))
        self._squeezed = Finder(squeezed_forms(values))
        self.most_held = _MOST_HELD + 4 * self._plain.longest
        self.idle = not self._plain.forms

    def text(self, text: str) -> str:
        """The text without secrets."""
        if self.idle:
            return text
        data = text.encode("utf-8", "surrogatepass")
        spans = self._all_of(data)
        return _replaced(data, spans).decode("utf-8", "replace") if spans else text

    def texts(self, texts: Sequence[str]) -> List[str]:
        """Texts that follow one another without secrets, also without one that goes from one to the next."""
        pieces = [text.encode("utf-8", "surrogatepass") for text in texts]
        spans = [] if self.idle else self._all_of(b"".join(pieces))
        if not spans:
            return list(texts)
        result, at = [], 0
        for piece in pieces:
            kept, done = b"", 0
            for begin, end in spans:
                first, last = max(begin - at, 0), min(end - at, len(piece))
                if first < last:
                    # One mask, in the text where the secret begins.
                    kept += piece[done:first] + (MASK if begin >= at else b"")
                    done = last
            result.append((kept + piece[done:]).decode("utf-8", "replace"))
            at += len(piece)
        return result

    def value(self, value: Any) -> Any:
        """A value of JSON with every text in it, names of fields too, without secrets."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.value(key): self.value(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            whole = bool(value) and all(isinstance(item, str) for item in value)
            return self.texts(value) if whole else [self.value(item) for item in value]
        return value

    def _all_of(self, data: bytes) -> List[Span]:
        """Where secrets are in all there is of a text, also one that lost its end where the text was cut."""
        spans, _ = self.look(data)
        for cut in (*(found.start() for found in _CUT.finditer(data)), len(data)):
            left = self._plain.undecided(data[max(0, cut - self._plain.longest) : cut])
            if left >= _CUT_SECRET:
                spans.append((cut - left, cut))
        return _united(spans)

    def look(self, data: bytes, final: bool = True, before: bytes = b"") -> Tuple[List[Span], int]:
        """Where secrets are, apart and in order, and from where on nothing can be said before more has come.

        `before` are the last letters and digits of what went before.
        """
        seen = shown(data)
        first = [] if seen is data else [_Map((found.start(), found.end(), 0) for found in unseen(data))]
        plain = _View(seen, first)
        spans = [plain.span(*span) for span in self._plain.spans(seen)]
        held = len(data) if final else plain.last(self._plain.undecided(seen), len(data))
        for view, finder, whole in self._quoted(plain, len(data), final):
            spans += [view.span(*span) for span in finder.spans(view.text)]
            if not final:
                held = min(held, view.last(finder.undecided(view.text), whole))
        spans = _united(spans)
        pieces, kept = self._in_pieces(plain, (data, final, before), spans)
        spans, held = _united([*spans, *pieces]), min(held, kept)
        if held < len(data) - self.most_held:
            held = len(data)
        for begin, end in reversed(spans):
            if end > held > begin:
                held = begin
        return spans, held

    def _quoted(self, plain: _View, size: int, final: bool) -> Iterator[Tuple[_View, Finder, int]]:
        """What the data means where it is quoted, what is looked for there, and how much of the data that is of."""
        seen = plain.text
        cut = None if final else _UNFINISHED.search(seen, max(0, len(seen) - 24))
        part = seen if cut is None else seen[: cut.start()]
        finder = self._spelled if cut is not None or is_quoted(part) else self._folded
        if finder.forms:
            text = folded(part)
            if cut is not None or finder.touches(text) or (not final and finder.undecided(text)):
                changes = ((begin, end, len(there)) for begin, end, there in escapes(part))
                whole = size if cut is None else plain.last(len(seen) - cut.start(), size)
                yield _View(text, [_Map(changes), *plain.maps]), finder, whole

    def _in_pieces(self, plain: _View, given: Tuple[bytes, bool, bytes], hidden: Sequence[Span]) -> Tuple[List[Span], int]:
        """Where keys are with something between their letters, and from where on one may go on."""
        data, final, before = given
        squeezed = before + squeeze(plain.text)
        changes = ((found.start(), found.end(), 0) for found in _BETWEEN.finditer(plain.text))
        view = _View(squeezed[len(before) :], [_Map(changes), *plain.maps])
        spans = []
        for begin, end in self._squeezed.spans(squeezed):
            if end > len(before) and not _may_be_words(squeezed[begin:end]):
                piece = view.span(max(0, begin - len(before)), end - len(before))
                # What began before may have been seen, so that it counts however short it is here.
                if begin < len(before) or _is_news(data, piece, hidden):
                    spans.append(piece)
        inside = 0 if final else min(self._squeezed.inside(squeezed), len(view.text))
        return spans, view.last(inside, len(data))


def squeeze(data: bytes) -> bytes:
    """Its letters and digits."""
    return data.translate(None, BETWEEN)


def _may_be_words(run: bytes) -> bool:
    return run.isalpha() and sum(byte < 97 for byte in run) <= 3


def _is_news(data: bytes, piece: Span, spans: Sequence[Span]) -> bool:
    """Whether a key in pieces is more than what is hidden already and the few letters that go on like it by chance."""
    begin, end = piece
    hidden = sum(
        len(squeeze(data[max(begin, first) : min(end, last)])) for first, last in spans if first < end and last > begin
    )
    return len(squeeze(data[begin:end])) - hidden > _BY_CHANCE


class MaskedStream:
    """Takes secrets out of a stream, also where one is cut between two pieces."""

    def __init__(self, masker: Masker) -> None:
        self._masker = masker
        self._held = b""
        self._before = b""

    def feed(self, data: bytes, final: bool = False) -> bytes:
        """The next piece without secrets; an end that may begin a secret is kept for later unless this is `final`."""
        if self._masker.idle:
            return data
        data = self._held + data
        spans, held = self._masker.look(data, final, self._before)
        self._held = data[held:]
        return self._said(data[:held], [span for span in spans if span[1] <= held])

    def whole_lines(self) -> bytes:
        """Of what is kept for later the whole lines, without secrets: for when nothing more comes for a while."""
        end = self._held.rfind(b"\n") + 1
        data, self._held = self._held[:end], self._held[end:]
        spans, _ = self._masker.look(data, True, self._before)
        return self._said(data, spans)

    def _said(self, data: bytes, spans: List[Span]) -> bytes:
        self._before = (self._before + squeeze(shown(data[-_MOST_HELD:])))[-_BEFORE:]
        return _replaced(data, spans)


def _united(spans: List[Span]) -> List[Span]:
    result: List[Span] = []
    for begin, end in sorted(spans):
        if result and begin < result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((begin, end))
    return result


def _replaced(data: bytes, spans: List[Span]) -> bytes:
    if not spans:
        return data
    pieces: List[bytes] = []
    done = 0
    for begin, end in spans:
        # What is coloured after it stays so.
        pieces += [data[done:begin], MASK, *_COLOUR.findall(data[begin:end])]
        done = end
    return b"".join([*pieces, data[done:]])
