"""The `volume` commands and their options: everything of one volume to another."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any, Callable, Dict

ACTIONS = ("list", "plan", "send", "receive", "commit", "key", "push", "admit", "dismiss", "forget")

Answer = Callable[[Dict[str, Any]], None]


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The options of `volume`."""
    command.add_argument("action", choices=ACTIONS)
    command.add_argument("--root", type=Path, default=Path("."), help="where the volume is mounted")
    command.add_argument("--source", default="", help="plan, commit: id of the volume that is moved")
    command.add_argument("--compress", action="store_true", help="send: compress what gets smaller by it")
    command.add_argument("--host", default="", help="key: address of the other pod")
    command.add_argument("--port", type=int, default=22, help="key: its SSH port")


def run(options: argparse.Namespace) -> None:
    """Runs one of them and writes its answers."""
    from ..files.lines import AnswerWriter

    with AnswerWriter() as answers:
        _run(options, answers.add)


def _run(options: argparse.Namespace, answer: Answer) -> None:
    from ..files import lines
    from . import streams

    root: Path = options.root
    if options.action == "list":
        from .entries import list_entries

        list_entries(root, answer)
    elif options.action == "plan":
        from .plan import plan

        plan(root, options.source, lines.stdin_lines(), answer)
    elif options.action == "commit":
        from .commit import commit

        commit(root, options.source, lines.stdin_lines(), answer)
    elif options.action == "send":
        streams.send(root, lines.stdin_lines(), sys.stdout.buffer, options.compress)
    elif options.action == "receive":
        streams.receive(root, sys.stdin.buffer)
    else:
        _direct(options, answer)


def _direct(options: argparse.Namespace, answer: Answer) -> None:
    from . import direct

    if options.action == "key":
        direct.key(options.host, options.port, answer)
    elif options.action == "push":
        direct.push(options.root, sys.stdin.buffer)
    elif options.action == "admit":
        direct.admit(sys.stdin.buffer.read(), answer)
    elif options.action == "dismiss":
        direct.dismiss(sys.stdin.buffer.read(), answer)
    else:
        direct.forget()
        answer({"ok": True})
