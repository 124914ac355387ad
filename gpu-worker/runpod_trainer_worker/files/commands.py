"""The `files` commands and their options."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any, Callable, Dict

ACTIONS = ("plan", "receive", "commit", "list", "send", "state", "remove", "set-aside", "unpack", "room", "origin")

Answer = Callable[[Dict[str, Any]], None]


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The options of `files`."""
    command.add_argument("action", choices=ACTIONS)
    command.add_argument("--root", required=True, type=Path)
    command.add_argument("--compress", action="store_true", help="send: compress what gets smaller by it")
    command.add_argument("--archive", help="unpack: the archive, relative to the root")
    command.add_argument("--into", help="unpack: the new folder, relative to the root")
    command.add_argument("--max-entries", type=int, default=2_000_000, help="unpack: refuse more")
    command.add_argument("--max-bytes", type=int, help="unpack: refuse more; 100 times the archive and 1 GiB unless told")


def run(options: argparse.Namespace) -> None:
    """Runs one of them and writes its answers."""
    from .lines import AnswerWriter

    with AnswerWriter() as answers:
        _run(options, answers.add)


def _run(options: argparse.Namespace, answer: Answer) -> None:
    # Modules are loaded when they are needed, for a command's start costs as much as its work.
    from . import lines

    root: Path = options.root
    if options.action in ("plan", "list"):
        from . import plan

        if options.action == "plan":
            plan.plan(root, lines.stdin_lines(), answer)
        else:
            plan.list_files(root, sys.stdin.buffer.read(), answer)
    elif options.action == "commit":
        from .commit import commit

        commit(root, lines.stdin_lines(), answer)
    elif options.action in ("receive", "send"):
        from . import streams

        if options.action == "receive":
            streams.receive(root, sys.stdin.buffer)
        else:
            streams.send(root, lines.stdin_lines(), sys.stdout.buffer, options.compress)
    elif options.action == "room":
        from .incoming import room

        answer({"error": room(root)})
    elif options.action == "origin":
        from .origins import agree

        answer(agree(root, lines.stdin_lines()))
    elif options.action == "unpack":
        from .unpack import unpack

        unpack(options, answer)
    else:
        from . import manifest
        from .safe_root import open_root

        if not root.is_dir():
            return
        safe = open_root(root, make=False)
        try:
            if options.action == "state":
                manifest.state(safe, lines.stdin_lines(), answer)
            elif options.action == "set-aside":
                from .set_aside import set_aside

                set_aside(safe, lines.stdin_lines(), answer)
            else:
                manifest.remove(safe, lines.stdin_lines(), answer)
        finally:
            safe.close()
