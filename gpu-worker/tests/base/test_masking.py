"""R9.6: a secret in whatever is printed is hidden, however it is written and however it is cut on its way."""

from __future__ import annotations

import base64
import html
import json
import random
import re
import shlex
import textwrap
import time
import urllib.parse
from typing import Dict, List

import pytest

from runpod_trainer_worker.base.masking import MaskedStream, Masker
from runpod_trainer_worker.run.lines import Cleaner

#: Apart from its line, which the search for secrets would find here.
DIGITS = "0f1e2d3c4b5a69788796a5b4c3d2e1f0a1b2c3d4"
SECRETS: Dict[str, List[str]] = {
    "token": ["hf_abcdefgh12345678"],
    "with a carriage return": ["tok-Q7w8e9r0tYuIoP123\r"],
    "two lines": ["first-line-secret-11\nsecond-line-secret-22"],
    "odd characters": ["pä\"ss'w/or d+$\\1%&<x>ü😀zz"],
    "fields": [json.dumps({"user": "bobby-tables-9", "password": "pw-Ab12Cd34Ef", "n": {"k": ["deep-value-77x"]}})],
    "address": ["postgres://me:p4ss%40wordXY@db.example/x"],
    "variables": ["export A_KEY='Zk39fj2mLq8'\nB_TOKEN=w8Lq02mJf93kZ"],
    "netrc": [f"machine api.wandb.ai login user password {DIGITS}"],
    "six characters": ["Xk3$q!"],
}
PARTS = {
    "two lines": ["first-line-secret-11", "second-line-secret-22"],
    "fields": ["bobby-tables-9", "pw-Ab12Cd34Ef", "deep-value-77x"],
    "address": ["p4ss%40wordXY", "p4ss@wordXY"],
    "variables": ["Zk39fj2mLq8", "w8Lq02mJf93kZ"],
    "netrc": [DIGITS],
}


def forms(text: str) -> Dict[str, bytes]:
    """Ways to write a text that programs have."""
    raw = text.encode()
    quoted = urllib.parse.quote(text, safe="")
    found = {
        "as it is": raw,
        "JSON": json.dumps(text).encode(),
        "JSON with its letters": json.dumps(text, ensure_ascii=False).encode(),
        "JSON in JSON": json.dumps(json.dumps(text)).encode(),
        "JSON with escaped slashes": json.dumps(text).replace("/", "\\/").encode(),
        "Python": repr(text).encode(),
        "Python bytes": repr(raw).encode(),
        "Python in ASCII": ascii(text).encode(),
        "what an encoding does not have": text.encode("ascii", "backslashreplace"),
        "pairs of digits": raw.hex(":").encode(),
        "address": urllib.parse.quote(text).encode(),
        "part of an address": quoted.encode(),
        "address in small letters": re.sub("%..", lambda found: found[0].lower(), quoted).encode(),
        "form": urllib.parse.quote_plus(text).encode(),
        "address in an address": urllib.parse.quote(quoted, safe="").encode(),
        "shell": shlex.quote(text).encode(),
        "shell with backslashes": re.sub(r"([^\w\n-])", r"\\\1", text).encode(),
        "trace of a shell": ("'" + text.replace("'", "'\\''") + "'").encode(),
        "HTML": html.escape(text).encode(),
        "NULs": b"\0".join(bytes([byte]) for byte in raw),
        "colours": re.sub(rb"(\d+)", lambda found: b"\x1b[1;36m" + found[0] + b"\x1b[0m", raw),
        "a colour for each letter": b"".join(b"\x1b[38;5;%dm%c" % (n % 256, byte) for n, byte in enumerate(raw)),
        "hexadecimal": raw.hex().encode(),
        "each letter by number, JSON": "".join(f"\\u{ord(c):04x}" for c in text if ord(c) < 0x10000).encode(),
        "each letter by number, Python": "".join(f"\\U{ord(c):08x}" for c in text).encode(),
        "each letter by number, newer": "".join(f"\\u{{{ord(c):x}}}" for c in text).encode(),
        "each byte by number": "".join(f"\\x{byte:02X}" for byte in raw).encode(),
        "each byte by number, twice over": "".join(f"\\\\x{byte:02x}" for byte in raw).encode(),
        "each byte in octal": "".join(f"\\{byte:03o}" for byte in raw).encode(),
        "each byte of an address": "".join(f"%{byte:02X}" for byte in raw).encode(),
        "each byte of an address twice over": "".join(f"%25{byte:02x}" for byte in raw).encode(),
        "each letter of an address, of old": "".join(f"%u{ord(c):04X}" for c in text if ord(c) < 0x10000).encode(),
        "each letter in HTML": "".join(f"&#{ord(c)};" for c in text).encode(),
        "each letter in HTML, hexadecimal": "".join(f"&#x{ord(c):X};" for c in text).encode(),
        "every second letter by number": "".join(c if n % 2 else f"\\u{ord(c):04x}" for n, c in enumerate(text)).encode()
        if all(ord(c) < 0x10000 for c in text)
        else raw,
    }
    if any(ord(c) >= 0x10000 for c in text):
        del found["each letter by number, JSON"], found["each letter of an address, of old"]
    for number in range(3):
        around = b"xyz"[:number] + raw + b"tail"
        found[f"base64 after {number}"] = base64.b64encode(around)
        found[f"base64 for addresses after {number}"] = base64.urlsafe_b64encode(around)
        found[f"base64 in lines after {number}"] = base64.encodebytes(b"Q" * (40 + number) + raw + b"tail")
    return found


def printed(masker: Masker, data: bytes, seed: int) -> bytes:
    """What is kept of it when it comes in pieces."""
    pieces, cleaner, stream, out, at = random.Random(seed), Cleaner(), MaskedStream(masker), b"", 0
    while at < len(data):
        size = pieces.randint(1, pieces.choice([3, 9, 40, 200]))
        out += stream.feed(cleaner.feed(data[at : at + size]))
        at += size
    return out + stream.feed(cleaner.feed(b"", final=True), final=True)


@pytest.mark.parametrize("name", SECRETS)
def test_every_form_is_hidden_however_it_is_cut(name: str) -> None:
    masker = Masker(SECRETS[name])
    for text in [*PARTS.get(name, []), SECRETS[name][0].strip()]:
        for form, written in forms(text).items():
            for seed in range(8):
                out = printed(masker, b"before " + written + b" after\nnext " + written + b"\n", seed)
                assert out.count(b"[secret]") >= 2, (text, form, seed, out)
                assert written not in out and text.encode() not in out, (text, form, seed, out)
                assert out.startswith(b"before ") and out.endswith(b"\n") and b"after\nnext " in out, (text, form, seed, out)


def test_nothing_else_is_hidden() -> None:
    masker = Masker([value for values in SECRETS.values() for value in values])
    lines = [
        "epoch 3 step 100 loss 0.25 first line second line secret user password login machine",
        "hf_abcd is no token, tok-Q7w8 is none, postgres://db.example/x neither",
        "50% & 100%25 'quoted' \"text\" C:\\new\\table é \U0001f600",
        base64.b64encode(bytes(range(256))).decode(),
    ]
    data = "\n".join(lines).encode()
    for seed in range(20):
        assert printed(masker, data, seed) == data


def test_a_long_part_is_hidden_and_a_short_one_is_not() -> None:
    key = "rpa_" + "Q7w8e9r0tYuIoP123ZxMnBvCkLjHgF45d"
    masker = Masker([key])
    assert masker.text(f"key {key[:24]}...") == "key [secret]..."
    assert masker.text(f"key ...{key[-24:]} end") == "key ...[secret] end"
    assert masker.text(f"key {key[:8]}... ends with {key[-4:]}.") == f"key {key[:8]}... ends with {key[-4:]}."
    # Where a text was cut nobody knows what came next.
    assert masker.text(f"it said {key[:12]}…") == "it said [secret]…"
    assert masker.text(f"it said {key[:12]}") == "it said [secret]"


#: Keys without another sign than letters, digits and a few between them.
KEYS = [
    "hf_" + "QzVtRkWnYbLdGcXsJhMfPuAeTiOo481726",
    "wandb_v1_" + "a7Kq" * 3 + "Zx9Yw8Vu7Ts6Rq5Po4Nm3Lk2Ji1Hg0Fe9Dc8Ba7",
    DIGITS,
]


def in_pieces(key: str) -> Dict[str, str]:
    """Ways to write a key in pieces."""
    fours = [key[at : at + 4] for at in range(0, len(key), 4)]
    return {
        "folded": textwrap.fill(key, 20),
        "folded with an indent": textwrap.fill(key, 24, initial_indent="  ", subsequent_indent="    "),
        "by four with blanks": " ".join(fours),
        "by four with dashes": "-".join(fours),
        "by four with dots": "·".join(fours),
        "a line for each letter": "\n".join(key),
        "a list": repr(list(key)),
        "a column of a table": "\n".join(f"| {part} |" for part in fours),
        "hexadecimal by two": " ".join(f"{byte:02x}" for byte in key.encode()),
        "base64 by four": " ".join(textwrap.wrap(base64.b64encode(key.encode()).decode(), 4)),
    }


@pytest.mark.parametrize("key", KEYS)
def test_a_key_in_pieces_is_hidden(key: str) -> None:
    masker = Masker([key])
    for form, written in in_pieces(key).items():
        data = f"before\n{written}\nafter\n".encode()
        out = MaskedStream(masker).feed(data, final=True).decode()
        assert out.startswith("before\n") and out.endswith("after\n"), (form, out)
        left = re.sub(r"[^A-Za-z0-9]", "", out[7:-6].replace("[secret]", ""))
        assert len(left) <= 3, (form, out)


@pytest.mark.parametrize("key", KEYS)
def test_of_a_key_that_comes_in_pieces_no_more_is_seen_than_its_beginning(key: str) -> None:
    masker = Masker([key])
    for form, written in in_pieces(key).items():
        for flushed in (False, True):
            stream, out = MaskedStream(masker), b""
            for piece in f"!\n{written}\n?\n".splitlines(keepends=True):
                for at in range(0, len(piece), 5):
                    out += stream.feed(piece[at : at + 5].encode())
                    out += stream.whole_lines() if flushed else b""
            out += stream.feed(b"", final=True)
            left = re.sub(r"[^A-Za-z0-9]", "", out.decode().replace("[secret]", "").replace("before", ""))
            assert len(left) < 16, (form, flushed, out)


def test_words_that_follow_one_another_are_no_key() -> None:
    masker = Masker([*KEYS, "correct-battery-staple-of-a-horse", "Zk39fj2mLq8"])
    text = "hf\nQzVt RkWn, 0f1e:2d3c 4b5a wandb v1 a7Kq a7Kq\ncorrect battery\nstaple of wood Zk39 fj\n" * 50
    stream = MaskedStream(masker)
    out = b"".join(stream.feed(text[at : at + 7].encode()) for at in range(0, len(text), 7)) + stream.feed(b"", final=True)
    assert out.decode() == text


def test_values_texts_and_names_of_fields() -> None:
    masker = Masker(["hf_abcdefgh12345678"])
    value = {"hf_abcdefgh12345678": [1.5, {"a": "x hf_abcdefgh12345678"}], "lines": ["hf_abcde", "fgh12345678 end"]}
    assert masker.value(value) == {"[secret]": [1.5, {"a": "x [secret]"}], "lines": ["[secret]", " end"]}


def test_colours_after_a_secret_stay() -> None:
    masker = Masker(["hf_abcdefgh12345678"])
    assert masker.text("\x1b[31mhf_abcd\x1b[1mefgh12345678\x1b[0m end") == "\x1b[31m[secret]\x1b[1m\x1b[0m end"


def test_a_line_is_not_kept_back_when_it_ends_with_no_secret() -> None:
    stream = MaskedStream(Masker(["hf_abcdefgh12345678", "first-line-secret-11\nsecond-line-secret-22"]))
    assert stream.feed(b"waiting for data\n") == b"waiting for data\n"
    assert stream.feed(b"hf_abc") == b"" and stream.feed(b"xyz\n") == b"hf_abcxyz\n"


def test_long_output_costs_little() -> None:
    secrets = [
        f"{prefix}{base64.b64encode(random.Random(prefix).randbytes(30)).decode()}" for prefix in ("hf_", "sk-", "rpa_")
    ]
    chunk = b"".join(b"epoch %d step %d loss 0.123456 \x1b[32mok\x1b[0m 50%% of '/data/x'\n" % (n, n) for n in range(1000))
    stream, began = MaskedStream(Masker(secrets)), time.process_time()
    for _ in range(200):
        stream.feed(chunk)
    # 200,000 lines, of which a worker reads half as many in a second.
    assert time.process_time() - began < 10
