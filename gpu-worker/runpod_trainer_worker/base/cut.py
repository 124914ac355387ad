"""Texts and values that are cut to a number of bytes of their JSON, and say so."""

from __future__ import annotations

from json.encoder import encode_basestring
from typing import Any, Dict

from . import fsutil

#: Room for the ending of a text that was cut by characters.
_ENDING = 40


def text_bytes(text: str) -> int:
    """Bytes of the text in JSON, without its quotes."""
    return len(fsutil.encode(encode_basestring(text))) - 2


def json_bytes(value: Any) -> int:
    """Bytes of the value as JSON."""
    return len(fsutil.encode(fsutil.dumps(value)))


def cut_characters(text: str, most: int, beyond: int = 0) -> str:
    """At most `most` characters; one that is cut says how many are missing, with the `beyond` that were left out before."""
    if len(text) <= most and beyond == 0:
        return text
    return _shortened(text, min(len(text), max(0, most - _ENDING)), beyond)


def cut_text(text: str, most: int) -> str:
    """At most `most` bytes in JSON; a text that is cut says how many characters are missing."""
    # No character takes more than six bytes.
    if 6 * len(text) <= most or text_bytes(text) <= most:
        return text
    low, high = 0, min(len(text), most)
    while low < high:
        middle = (low + high + 1) // 2
        if text_bytes(_shortened(text, middle)) <= most:
            low = middle
        else:
            high = middle - 1
    return _shortened(text, low)


def cut_object(value: Dict[str, Any], most: int, items: int) -> Dict[str, Any]:
    """An object of at most `most` bytes as JSON: its texts, lists and objects lose their ends, the longer ones first."""
    share, shorter = 1, value
    while json_bytes(shorter) > most:
        if share > most:
            return {"…": cut_text(fsutil.dumps(value), most - 10)}
        shorter = _limited(value, max(_ENDING, most // share), max(1, items // share))
        share *= 2
    return shorter


def _limited(value: Any, texts: int, items: int) -> Any:
    """The value with texts of at most so many bytes and lists and objects of at most so many items."""
    if isinstance(value, str):
        return cut_text(value, texts)
    if isinstance(value, (list, tuple)):
        kept = [_limited(item, texts, items) for item in value[:items]]
        if len(value) > items and all(isinstance(item, str) for item in value):
            kept[-1] = f"… ({len(value) - items + 1} more)"
        return kept
    if isinstance(value, dict):
        kept_items = list(value.items())
        result = {cut_text(str(key), texts): _limited(item, texts, items) for key, item in kept_items[:items]}
        return result if len(value) <= items else {**result, "…": f"{len(value) - items} more"}
    return value


def _shortened(text: str, keep: int, beyond: int = 0) -> str:
    return f"{text[:keep]}… ({len(text) - keep + beyond} more characters)"
