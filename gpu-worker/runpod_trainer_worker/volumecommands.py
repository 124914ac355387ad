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
    from .filelines import Answers

    with Answers() as answers:
        _run(options, answers.add)


def _run(options: argparse.Namespace, answer: Answer) -> None:
    from . import filelines, volumestreams

    root: Path = options.root
    if options.action == "list":
        from .volumeentries import list_entries

        list_entries(root, answer)
    elif options.action == "plan":
        from .volumeplan import plan

        plan(root, options.source, filelines.stdin_lines(), answer)
    elif options.action == "commit":
        from .volumecommit import commit

        commit(root, options.source, filelines.stdin_lines(), answer)
    elif options.action == "send":
        volumestreams.send(root, filelines.stdin_lines(), sys.stdout.buffer, options.compress)
    elif options.action == "receive":
        volumestreams.receive(root, sys.stdin.buffer)
    else:
        _direct(options, answer)


def _direct(options: argparse.Namespace, answer: Answer) -> None:
    from . import volumedirect

    if options.action == "key":
        volumedirect.key(options.host, options.port, answer)
    elif options.action == "push":
        volumedirect.push(options.root, sys.stdin.buffer)
    elif options.action == "admit":
        volumedirect.admit(sys.stdin.buffer.read(), answer)
    elif options.action == "dismiss":
        volumedirect.dismiss(sys.stdin.buffer.read(), answer)
    else:
        volumedirect.forget()
        answer({"ok": True})
