"""The worker's commands."""

from __future__ import annotations

import argparse
import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any, Dict, List, NoReturn, Optional, TextIO

from . import __version__
from .base.contract import LIMITS
from .base.errors import WorkerError
from .base.timings import Timings
from .files import commands as files_commands
from .journal.directory import JobDir
from .volume import commands as volume_commands

_ERROR = 2


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise WorkerError("The command was not understood.", f"{message}.", "Run it with --help.")


def _answer(value: Dict[str, Any], stream: Optional[TextIO] = None) -> None:
    """One JSON object on a line; ASCII only, so that any file name survives any locale."""
    stream = sys.stdout if stream is None else stream
    stream.write(json.dumps(value) + "\n")
    stream.flush()


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="worker.pyz", description="Runs a job's steps on a pod and checks their gates.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, parser_class=_Parser)

    def add(name: str, text: str, job_dir: bool = True) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text)
        if job_dir:
            command.add_argument("--job-dir", required=True, type=Path)
        return command

    add("start", "Start the job detached; secrets come by standard input.")
    add("run", "Run the steps of one side in the foreground; secrets come by standard input.").add_argument(
        "--side", choices=["local", "pod"], default="local"
    )
    command = add("follow", "Write the journal from an offset on until the job has finished.")
    command.add_argument("--offset", type=int, default=0)
    command.add_argument("--once", action="store_true")
    command = add("status", "Say what is known about one job or all jobs of a volume.", job_dir=False)
    which = command.add_mutually_exclusive_group(required=True)
    which.add_argument("--job-dir", type=Path)
    which.add_argument("--mount", type=Path)
    add("control", "Ask the worker to cancel, or hold the pod for fetching.").add_argument(
        "request", choices=["cancel", "hold", "release"]
    )
    command = add("guard", "Let the pod end when no worker of the job starts in time; again: from now on.")
    command.add_argument("--rest-url", required=True)
    command.add_argument("--minutes", type=float, default=LIMITS.guard_minutes)
    files_commands.add_arguments(add("files", "Compare, move, remove or unpack files below a root.", job_dir=False))
    volume_commands.add_arguments(add("volume", "Bring everything of a volume to another one.", job_dir=False))
    return parser


def _internal(arguments: List[str]) -> int:
    """Commands for the worker's own child processes."""
    name, rest = arguments[0], arguments[1:]
    if name == "_work":
        from .run.start import work

        return work(JobDir(Path(rest[rest.index("--job-dir") + 1])), Timings.from_environment())
    if name == "_watchdog":
        from .keeper import watchdog

        return watchdog.main(rest)
    if name == "_guard":
        from .keeper import guard

        return guard.main(rest)
    if name == "_gate":
        from .gates import child

        return child.main()
    if name == "_notebook":
        from .run import notebook_child

        return notebook_child.main()
    from .run import requirements_child

    return requirements_child.main()


def _run(options: argparse.Namespace) -> int:
    timings = Timings.from_environment()
    if options.command in ("start", "run"):
        from .run import start

        job = JobDir(options.job_dir)
        secrets = start.read_secrets("" if sys.stdin is None or sys.stdin.isatty() else sys.stdin.read())
        if options.command == "run":
            return start.run_here(job, options.side, secrets, timings)
        _answer(start.start(job, secrets, timings))
    elif options.command == "follow":
        from .run.follow import follow

        return follow(JobDir(options.job_dir), options.offset, options.once, timings)
    elif options.command == "guard":
        from .keeper.guard import guard

        _answer(guard(JobDir(options.job_dir), options.rest_url, options.minutes, timings))
    elif options.command == "files":
        files_commands.run(options)
    elif options.command == "volume":
        volume_commands.run(options)
    else:
        from .run import control

        if options.command == "control":
            _answer(control.control(JobDir(options.job_dir), options.request, timings))
        else:
            _answer(control.status(options.job_dir, options.mount, timings))
    return 0


def main(arguments: List[str]) -> int:
    """Runs one command; answers its exit code."""
    # What `follow` prints is the journal, byte by byte, and nothing else.
    errors = sys.stderr if arguments[:1] == ["follow"] else sys.stdout
    try:
        if arguments and arguments[0] in ("_work", "_watchdog", "_guard", "_gate", "_notebook", "_requirements"):
            return _internal(arguments)
        return _run(_parser().parse_args(arguments))
    except WorkerError as problem:
        _answer(problem.to_json(), errors)
        return _ERROR
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as problem:
        what = f"{problem.filename or 'A file'} could not be used."
        why = f"{problem.strerror or problem}."
        _answer(WorkerError(what, why, "Check the path and that the volume answers.").to_json(), errors)
        return _ERROR
    except Exception as problem:
        traceback.print_exc()
        why = f"{type(problem).__name__}: {problem}."
        _answer(WorkerError("The worker has an error of its own.", why, "Report this.").to_json(), errors)
        return _ERROR
