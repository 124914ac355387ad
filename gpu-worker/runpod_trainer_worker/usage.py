"""How the worker's commands are called."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NoReturn

from . import __version__
from .base.contract import LIMITS
from .base.errors import WorkerError
from .files import commands as files_commands
from .volume import commands as volume_commands


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise WorkerError("The command was not understood.", f"{message}.", "Run it with --help.")


def parser() -> argparse.ArgumentParser:
    """Reads a command and its options; raises WorkerError."""
    parser = _Parser(prog="worker.pyz", description="Runs a job's steps on a pod and checks their gates.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, parser_class=_Parser)

    def add(name: str, text: str, job_dir: bool = True) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text)
        if job_dir:
            command.add_argument("--job-dir", required=True, type=Path)
        return command

    add("start", "Start the job detached; secrets come by standard input.")
    add("begin", "Start the job unless it has begun; what it is and its secrets come by standard input.")
    add("begun", "Say whether the job has begun, and what its start has answered.")
    command = add("run", "Run the steps of one side in the foreground; secrets come by standard input.")
    command.add_argument("--side", choices=["local", "pod"], default="local")
    command.add_argument("--attended", action="store_true", help="secrets are the first line of the input, its end cancels")
    command = add("follow", "Write the journal from an offset on until the job has finished.")
    command.add_argument("--offset", type=int, default=0)
    command.add_argument("--once", action="store_true")
    command = add("status", "Say what is known about one job or all jobs of a volume.", job_dir=False)
    which = command.add_mutually_exclusive_group(required=True)
    which.add_argument("--job-dir", type=Path)
    which.add_argument("--mount", type=Path)
    command.add_argument("--pod", help="also say whether a process of one of the jobs of this pod is at work here")
    add("control", "Ask the worker to cancel, or hold the pod for fetching.").add_argument(
        "request", choices=["cancel", "hold", "release"]
    )
    command = add("guard", "Let the pod end when no worker of the job starts in time; again: from now on.")
    command.add_argument("--rest-url", required=True)
    command.add_argument("--minutes", type=float, default=LIMITS.guard_minutes)
    command = add("claim", "Take a project of a volume for a job, or show that it is still at work on it.")
    command.add_argument("request", choices=["take", "keep", "release"])
    command.add_argument("--project-dir", required=True, type=Path)
    command.add_argument("--machine", help="id of the client's machine")
    command.add_argument("--host", help="what people call that machine")
    command.add_argument("--pod", help="id of this pod")
    command.add_argument("--follow", type=int, help="number of the term whose owner is known to be gone")
    files_commands.add_arguments(add("files", "Compare, move, remove or unpack files below a root.", job_dir=False))
    volume_commands.add_arguments(add("volume", "Bring everything of a volume to another one.", job_dir=False))
    add("browse", "Show, delete or rename files of a volume; the question comes by standard input.", job_dir=False)
    command = add("probe", "Say what a pod looks like from inside, and what its own key may do.", job_dir=False)
    command.add_argument("mode", choices=["look", "end"], help="end: the pod terminates itself")
    command.add_argument("--rest-url", required=True)
    command.add_argument("--pod", required=True, help="id of this pod")
    command.add_argument("--name", required=True, help="what the pod is called, and is called again")
    command.add_argument("--mount", help="where a volume is mounted")
    add("sources", "Say what the code of a project imports; the question comes by standard input.", job_dir=False)
    add("modules", "Say which modules this Python could not import.", job_dir=False).add_argument("names", nargs="+")
    return parser
