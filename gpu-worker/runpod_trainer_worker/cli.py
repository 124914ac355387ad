"""The worker's commands.

A command's start costs as much as its work, so what only some need is imported where it is needed.
"""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional, TextIO

from .base.errors import WorkerError

if TYPE_CHECKING:
    import argparse

_ERROR = 2


def _answer(value: Any, stream: Optional[TextIO] = None) -> None:
    """JSON on a line; ASCII only, so that any file name survives any locale."""
    stream = sys.stdout if stream is None else stream
    stream.write(json.dumps(value) + "\n")
    stream.flush()


def _internal(arguments: List[str]) -> int:
    """Commands for the worker's own child processes."""
    name, rest = arguments[0], arguments[1:]
    if name == "_work":
        from pathlib import Path

        from .base.timings import Timings
        from .journal.directory import JobDir
        from .run.start import work

        return work(JobDir(Path(rest[rest.index("--job-dir") + 1])), Timings.from_environment())
    if name == "_keeper":
        from .keeper import process

        return process.main()
    if name == "_resume":
        from .base.timings import Timings
        from .keeper.access import resume

        return resume(rest[0], rest[1], Timings.from_environment())
    if name == "_words":
        from pathlib import Path

        from .journal.directory import JobDir
        from .keeper import last_words

        return last_words.main(JobDir(Path(rest[rest.index("--job-dir") + 1])))
    if name == "_gate":
        from .gates import child

        return child.main()
    if name == "_notebook":
        from .run import notebook_child

        return notebook_child.main()
    from .run import requirements_child

    return requirements_child.main()


def _asked() -> Dict[str, Callable[[], None]]:
    """Commands that get their question by standard input and have no options: they are quick to start."""

    def browse() -> None:
        from .volume import browse

        browse.run()

    def sources() -> None:
        from .sources.commands import sources

        sources()

    def foresee() -> None:
        from .resume import foresight

        foresight.foresee()

    return {"browse": browse, "foresee": foresee, "sources": sources}


def _run(options: argparse.Namespace) -> int:
    """Answers the exit code."""
    if options.command == "files":
        from .files import commands as files_commands

        files_commands.run(options)
    elif options.command == "volume":
        from .volume import commands as volume_commands

        volume_commands.run(options)
    elif options.command == "modules":
        from .sources.commands import missing_modules

        _answer(missing_modules(options.names))
    elif options.command == "probe":
        from .keeper.probe import probe

        _answer(probe(options))
    else:
        return _run_job(options)
    return 0


def _run_job(options: argparse.Namespace) -> int:
    """Commands about jobs; answers the exit code."""
    from .base.timings import Timings
    from .journal.directory import JobDir

    timings = Timings.from_environment()
    if options.command in ("start", "run"):
        from .run import start

        job = JobDir(options.job_dir)
        if options.command == "run" and options.attended:
            secrets = start.read_secrets(sys.stdin.readline())
            start.end_with_client(sys.stdin.fileno())
            return start.run_here(job, options.side, secrets, timings)
        secrets = start.read_secrets("" if sys.stdin is None or sys.stdin.isatty() else sys.stdin.read())
        if options.command == "run":
            return start.run_here(job, options.side, secrets, timings)
        _answer(start.start(job, secrets, timings))
    elif options.command in ("begin", "begun"):
        from .run import begin

        job = JobDir(options.job_dir)
        _answer(begin.begun(job, timings) if options.command == "begun" else begin.begin(job, sys.stdin.read(), timings))
    elif options.command == "follow":
        from .run.follow import follow

        return follow(JobDir(options.job_dir), options.offset, options.once, timings)
    elif options.command == "guard":
        from .keeper.access import guard

        _answer(guard(JobDir(options.job_dir), options.rest_url, options.minutes, timings))
    elif options.command == "claim":
        from .journal.claim import claim

        _answer(claim(options, timings))
    elif options.command == "control":
        from .run import control

        _answer(control.control(JobDir(options.job_dir), options.request, timings))
    else:
        from .run import control

        _answer(control.status(options.job_dir, options.mount, options.pod, timings))
    return 0


def main(arguments: List[str]) -> int:
    """Runs one command; answers its exit code."""
    # What `follow` prints is the journal, byte by byte, and nothing else.
    errors = sys.stderr if arguments[:1] == ["follow"] else sys.stdout
    try:
        if arguments and arguments[0] in ("_work", "_keeper", "_resume", "_words", "_gate", "_notebook", "_requirements"):
            return _internal(arguments)
        asked = _asked().get(arguments[0]) if len(arguments) == 1 else None
        if asked is not None:
            asked()
            return 0
        from .usage import parser

        return _run(parser().parse_args(arguments))
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
        import traceback

        traceback.print_exc()
        why = f"{type(problem).__name__}: {problem}."
        _answer(WorkerError("The worker has an error of its own.", why, "Report this.").to_json(), errors)
        return _ERROR
