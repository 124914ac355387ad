"""R3.4: every line of output once, safe to show, however it was cut on its way."""

from __future__ import annotations

import random
from typing import List

from runpod_trainer_worker.base.credentials import is_credential
from runpod_trainer_worker.run.lines import LONGEST, Cleaner, LineSplitter


def split(data: bytes, pieces: random.Random) -> List[str]:
    cleaner, splitter, lines, at = Cleaner(), LineSplitter(), [], 0
    while at < len(data):
        size = pieces.randint(1, 7)
        lines += splitter.feed(cleaner.feed(data[at : at + size]))
        at += size
    return lines + splitter.feed(cleaner.feed(b"", final=True), final=True)


def test_utf8_cut_anywhere_gives_the_same_lines() -> None:
    text = "grün 🌈 rot\nzweite Zeile\r\n  ende ohne Umbruch"
    for seed in range(50):
        assert split(text.encode(), random.Random(seed)) == ["grün 🌈 rot", "zweite Zeile", "  ende ohne Umbruch"]


def test_progress_bar_counts_as_its_last_state() -> None:
    for seed in range(20):
        assert split(b"10%\r50%\r100%\nnext\n33%\r66%\r", random.Random(seed)) == ["100%", "next", "66%"]


def test_empty_lines_stay() -> None:
    assert split(b"a\n\n\nb\n", random.Random(1)) == ["a", "", "", "b"]


def test_giant_line_is_cut_and_says_so() -> None:
    lines = split(b"x" * 100_000 + b"\nafter\n", random.Random(2))
    kept = lines[0].count("x")
    assert lines[0] == "x" * kept + f"… ({100_000 - kept} more characters)"
    assert LONGEST - 50 < len(lines[0]) <= LONGEST
    assert lines[1] == "after"


def test_colours_stay_and_commands_to_the_terminal_go() -> None:
    data = b"\x1b[31mred\x1b[0m \x1b]8;;http://x\x07link\x1b]8;;\x07 \x1b]52;c;YWJj\x1b\\end\x00\x08\n\x1b]0;never ended\n"
    for seed in range(50):
        assert split(data, random.Random(seed)) == ["\x1b[31mred\x1b[0m link end", ""]


def test_invalid_utf8_is_replaced() -> None:
    assert split(b"a\xff\xfeb\n", random.Random(4)) == ["a��b"]


def test_what_looks_like_a_credential() -> None:
    bad = {
        "RUNPOD_API_KEY": "x",
        "HF_TOKEN": "x",
        "WANDB_API_KEY": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "JUPYTER_PASSWORD": "x",
        "DB": "postgres://u:p@h/db",
        "ANYTHING": "ghp_0123456789abcdef",
        "SSH_AUTH_SOCK": "/x",
    }
    good = {
        "RUNPOD_POD_ID": "p",
        "RUNPOD_TCP_PORT_22": "1",
        "PATH": "/bin",
        "KEYBOARD": "de",
        "TOKENIZERS_PARALLELISM": "false",
        "CUDA_VERSION": "12.8",
        "URL": "https://x/y",
    }
    assert [name for name, value in bad.items() if not is_credential(name, value)] == []
    assert [name for name, value in good.items() if is_credential(name, value)] == []
