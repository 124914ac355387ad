"""How a secret looks where it comes out: whole, in part, quoted, encoded."""

from __future__ import annotations

import base64
import dataclasses
import json
import re
from typing import Any, Dict, Iterable, Iterator, List, Match, Set
from urllib.parse import unquote

from .credentials import why_not_maskable

#: What a terminal does not show: colours, cursor moves, control characters, the return of a line.
_UNSEEN = re.compile(
    rb"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[ -/]*[0-Z\\^-~]?|\xc2\x9b[0-?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f]"
)
_CONTROLS = bytes(n for n in (*range(9), *range(11, 32), 127))
#: Characters as JSON, Python, a shell, an address and HTML write them, also twice over.
_ESCAPED = re.compile(
    rb"\\+u([dD][89abAB][0-9a-fA-F]{2})\\+u([dD][c-fC-F][0-9a-fA-F]{2})|\\+u([0-9a-fA-F]{4})|\\+u\{([0-9a-fA-F]{1,6})\}"
    rb"|\\+U([0-9a-fA-F]{8})|\\+x([0-9a-fA-F]{2})|\\+([0-3][0-7]{2})|\\+([abefnrtv])|%(?:25)*([0-9a-fA-F]{2})"
    rb"|%(?:25)*u([0-9a-fA-F]{4})"
    rb"|&(?:amp;)*(?:#([0-9]{1,7})|#[xX]([0-9a-fA-F]{1,6})|(amp|lt|gt|quot|apos));"
)
#: What `folded` changes.
_CHANGED = re.compile(rb"%s|[\"'\\\x00-\x08\x0b-\x1f\x7f]" % _ESCAPED.pattern)
_LETTERS = {"a": b"\a", "b": b"\b", "e": b"\x1b", "f": b"\f", "n": b"\n", "r": b"\r", "t": b"\t", "v": b"\v"}
_NAMED = {"amp": b"&", "lt": b"<", "gt": b">", "quot": b'"', "apos": b"'"}
#: Quotes go, since every shell sets them elsewhere; `+` is how forms write a space.
_AS_WRITTEN = bytes.maketrans(b"+", b" ")
_QUOTES = b"\"'\\" + _CONTROLS
#: Nothing changes these on the way.
_PLAIN = re.compile(rb"[A-Za-z0-9_.~-]*")

#: A part that is longer than this many characters is hidden too.
_LEAST, _MOST = 16, 32
#: Like a key: nothing in it that anybody else would write as well.
_KEY = re.compile(rb"[A-Za-z0-9._~+/=-]{16,}")
#: What is left out between the pieces of a key.
BETWEEN = bytes(n for n in range(256) if not chr(n).isascii() or not chr(n).isalnum())
#: Of very long forms no more places are looked for.
_PLACES = 64

#: Parts of structured secrets that are no secrets.
_PUBLIC = re.compile(
    r"-----(?:BEGIN|END)[ A-Z0-9]*-----|service_account|authorized_user|(?:https?://)?[a-z0-9.-]*google(?:apis)?\.com(?:/[^?@]*)?"
)
_ASSIGNED = re.compile(r"^\s*(?:export\s+)?[\"']?[\w.-]+[\"']?\s*[=:]\s*(.+?)\s*,?\s*$")
_NETRC = re.compile(r"\b(?:password|account|login)\s+(\S+)")
_IN_ADDRESS = re.compile(r"://[^\s/:@]*:([^\s/@]+)@|[?&#;][\w.-]+=([^\s&#;]+)")


@dataclasses.dataclass(frozen=True)
class Form:
    """One way in which a secret may be written; a run of `least` of its bytes gives it away."""

    text: bytes
    least: int

    @property
    def piece(self) -> int:
        """Bytes of a piece; every run of `least` bytes has one whole."""
        return len(self.text) if self.least == len(self.text) else (self.least + 1) // 2

    def starts(self) -> Iterator[int]:
        """Where the pieces begin."""
        last = len(self.text) - self.piece
        yield from range(0, last, self.piece)
        yield last


def form_of(text: bytes) -> Form:
    """The form of these bytes: short ones are hidden as a whole only."""
    size = len(text)
    most = _LEAST if _KEY.fullmatch(text) else _MOST
    least = max(_LEAST, min(most, (size + 1) // 2), 2 * size // _PLACES)
    return Form(text, min(size, least))


def shown(data: bytes) -> bytes:
    """What a terminal shows of it."""
    if len(data.translate(None, _CONTROLS)) == len(data) and b"\xc2\x9b" not in data:
        return data
    return _UNSEEN.sub(b"", data)


def unseen(data: bytes) -> Iterator[Match[bytes]]:
    """What `shown` leaves out."""
    return _UNSEEN.finditer(data)


def is_quoted(data: bytes) -> bool:
    """Whether some character is written by its number or its name."""
    return (b"\\" in data or b"%" in data or b"&" in data) and _ESCAPED.search(data) is not None


def folded(data: bytes) -> bytes:
    """The same text for every way in which it is quoted."""
    if b"\\" in data or b"%" in data or b"&" in data:
        data = _ESCAPED.sub(_character, data)
    return data.translate(_AS_WRITTEN, _QUOTES)


def _character(found: Match[bytes]) -> bytes:
    high, low, short, braced, long, byte, octal, letter, percent, wide, number, hexadecimal, name = (
        None if group is None else group.decode("ascii") for group in found.groups()
    )
    if byte or percent:
        return bytes([int(byte or percent or "", 16)])
    if octal:
        return bytes([int(octal, 8)])
    if letter:
        return _LETTERS[letter]
    if name:
        return _NAMED[name]
    if high and low:
        point = 0x10000 + ((int(high, 16) - 0xD800) << 10) + int(low, 16) - 0xDC00
    else:
        point = int(number) if number else int(short or braced or long or wide or hexadecimal or "", 16)
    return chr(point).encode("utf-8", "surrogatepass") if point < 0x110000 else b""


def escapes(data: bytes) -> Iterator["tuple[int, int, bytes]"]:
    """What `folded` writes otherwise: begin, end and what stands there then."""
    for found in _CHANGED.finditer(data):
        whole = found.group()
        text = b"" if len(whole) == 1 else _character(found).translate(_AS_WRITTEN, _QUOTES)
        yield found.start(), found.end(), text


def parts_of(value: str) -> Set[str]:
    """The secret, without the space around it, and what in it is a secret by itself: lines, fields, passwords."""
    parts = {value, value.strip()}
    for piece in _inside(value.strip(), 0):
        piece = piece.strip().strip("\"'")
        if len(piece) >= 8 and why_not_maskable(piece) is None and _PUBLIC.fullmatch(piece) is None:
            parts.add(piece)
    return {part for part in parts if why_not_maskable(part) is None}


def _inside(text: str, depth: int) -> Iterator[str]:
    if depth > 4:
        return
    if text[:1] in ("{", "[", '"'):
        try:
            for field in _fields(json.loads(text)):
                yield field
                yield from _inside(field.strip(), depth + 1)
            return
        except (ValueError, RecursionError):
            pass
    lines = text.splitlines()
    if len(lines) > 1:
        yield from lines
    for line in lines:
        found = [match.group(1) for match in (_ASSIGNED.match(line),) if match is not None]
        found += _NETRC.findall(line)
        found += [piece for pair in _IN_ADDRESS.findall(line) for piece in pair if piece]
        if ";" in line:
            found += [match.group(1) for match in map(_ASSIGNED.match, line.split(";")) if match is not None]
        for piece in found:
            yield piece
            yield unquote(piece)


def _fields(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _fields(item)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield str(value)


def plain_forms(values: Iterable[str]) -> List[bytes]:
    """What the parts of the secrets look like to somebody who reads them."""
    parts = {part for value in values for part in parts_of(value)}
    return sorted({shown(part.encode("utf-8", "surrogateescape")) for part in parts})


def folded_forms(values: Iterable[str]) -> List[bytes]:
    """The same, folded, for those that are written otherwise when they are quoted, in whatever encoding."""
    values = list(values)
    texts = [form for form in (*plain_forms(values), *encoded_forms(values)) if not _PLAIN.fullmatch(form)]
    parts = {part for value in values for part in parts_of(value) if not part.isascii()}
    texts += [shown(_by_number(part)) for part in parts]
    return sorted({folded(text) for text in texts})


def spelled_forms(values: Iterable[str]) -> List[bytes]:
    """All forms, folded, for where any letter of them may be written by its number."""
    values = list(values)
    written = [*plain_forms(values), *encoded_forms(values)]
    # What looks like a number of a letter may be part of the secret.
    as_it_is = {text.translate(_AS_WRITTEN, _QUOTES) for text in written}
    return sorted({*folded_forms(values), *map(folded, written), *as_it_is})


def squeezed_forms(values: Iterable[str]) -> List[bytes]:
    """The letters and digits of those that are like keys, for where something stands between them."""
    values = list(values)
    texts = [form for form in (*plain_forms(values), *encoded_forms(values)) if _KEY.fullmatch(form)]
    return sorted({text for text in (form.translate(None, BETWEEN) for form in texts) if len(text) >= _LEAST})


def _by_number(text: str) -> bytes:
    """As Python's `ascii` means it: `\\xe9` is the letter of this number, not a byte of UTF-8."""
    return b"".join(bytes([ord(c)]) if ord(c) < 256 else c.encode("utf-8", "surrogateescape") for c in text)


def encoded_forms(values: Iterable[str]) -> List[bytes]:
    """Their base64, wherever in the encoded text they lie, and their hexadecimal digits, also in pairs."""
    forms: Dict[bytes, None] = {}
    for part in {part for value in values for part in parts_of(value)}:
        raw = part.encode("utf-8", "surrogateescape")
        for before in range(3):
            text = base64.b64encode(b"\0" * before + raw)
            # The characters at both ends say something of what stands beside it too.
            core = text[(0, 2, 3)[before] : len(text) - (0, 3, 2)[(before + len(raw)) % 3]]
            forms[core] = None
            forms[core.translate(bytes.maketrans(b"+/", b"-_"))] = None
        for digits in (raw.hex(), raw.hex(":")):
            forms[digits.encode()] = None
            forms[digits.upper().encode()] = None
    return list(forms)
