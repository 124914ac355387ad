"""Takes secrets out of what is printed, in whichever form and however it is cut, before anything is kept."""

from __future__ import annotations

import bisect
import dataclasses
import re
from typing import Any, Iterable, Iterator, List, Sequence, Tuple

from .secret_forms import encoded_forms, escapes, folded, folded_forms, plain_forms, shown, unseen
from .secret_search import BLANK, TAIL, Finder, Span

MASK = b"[secret]"

#: So much may be kept back for what comes next.
_MOST_HELD = 1 << 16
_COLOUR = re.compile(rb"\x1b\[[0-9;:]*m")
#: What may be the beginning of a quoted character.
_UNFINISHED = re.compile(
    rb"(?:\\+[uUx]?\{?[0-9a-fA-F]{0,8}|\\+u[dD][0-9a-fA-F]{3}\\+u?[0-9a-fA-F]{0,4}"
    rb"|%[0-9a-fA-F]{0,5}|&[#a-zA-Z0-9;]{0,12})\Z"
)
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
        encoded = encoded_forms(values)
        self._plain = Finder([*plain_forms(values), *encoded])
        self._folded = Finder(folded_forms(values))
        self._encoded = Finder(encoded)
        self._wrapped = TAIL * 4
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

    def look(self, data: bytes, final: bool = True) -> Tuple[List[Span], int]:
        """Where secrets are, apart and in order, and from where on nothing can be said before more has come."""
        seen = shown(data)
        first = [] if seen is data else [_Map((found.start(), found.end(), 0) for found in unseen(data))]
        plain = _View(seen, first)
        touched = self._plain.touches(seen)
        spans = [plain.span(*span) for span in self._plain.spans(seen)] if touched else []
        held = len(data) if final else plain.last(self._plain.undecided(seen), len(data))
        for view, finder, whole in self._others(plain, touched, len(data), final):
            spans += [view.span(*span) for span in finder.spans(view.text)]
            if not final:
                held = min(held, view.last(finder.undecided(view.text), whole))
        if held < len(data) - self.most_held:
            held = len(data)
        spans = _united(spans)
        for begin, end in reversed(spans):
            if end > held > begin:
                held = begin
        return spans, held

    def _others(self, plain: _View, touched: bool, size: int, final: bool) -> Iterator[Tuple[_View, Finder, int]]:
        """Views in which other forms are looked for, and how much of the data each is of."""
        seen = plain.text
        if self._folded.forms:
            cut = None if final else _UNFINISHED.search(seen, max(0, len(seen) - 24))
            part = seen if cut is None else seen[: cut.start()]
            text = folded(part)
            if cut is not None or self._folded.touches(text) or (not final and self._folded.undecided(text)):
                changes = ((begin, end, len(there)) for begin, end, there in escapes(part))
                whole = size if cut is None else plain.last(len(seen) - cut.start(), size)
                yield _View(text, [_Map(changes), *plain.maps]), self._folded, whole
        # Encoders break their lines.
        end = seen[-self._wrapped :].translate(None, BLANK)
        if touched or (not final and self._encoded.ends_inside(end)):
            changes = ((found.start(), found.end(), 0) for found in re.finditer(rb"[ \t\n]+", seen))
            yield _View(seen.translate(None, BLANK), [_Map(changes), *plain.maps]), self._encoded, size


class MaskedStream:
    """Takes secrets out of a stream, also where one is cut between two pieces."""

    def __init__(self, masker: Masker) -> None:
        self._masker = masker
        self._held = b""

    def feed(self, data: bytes, final: bool = False) -> bytes:
        """The next piece without secrets; an end that may begin a secret is kept for later unless this is `final`."""
        if self._masker.idle:
            return data
        data = self._held + data
        spans, held = self._masker.look(data, final)
        self._held = data[held:]
        return _replaced(data[:held], [span for span in spans if span[1] <= held])

    def whole_lines(self) -> bytes:
        """Of what is kept for later the whole lines, without secrets: for when nothing more comes for a while."""
        end = self._held.rfind(b"\n") + 1
        data, self._held = self._held[:end], self._held[end:]
        spans, _ = self._masker.look(data)
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
