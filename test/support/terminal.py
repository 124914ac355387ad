"""Runs a command in a terminal of its own, which is closed or typed into as the lines of standard input say.

    close           closes the terminal, as closing its window does
    type TEXT       types TEXT and Enter
    signal NUMBER   signals the command

What the command shows is written to standard output, its exit code at last to standard error as `exit N`.
"""

from __future__ import annotations

import os
import pty
import select
import sys


def main() -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp(sys.argv[1], sys.argv[1:])
    watched = [0, terminal]
    commands = b""
    ended = status = 0
    while ended == 0:
        for ready in select.select(watched, [], [], 0.05)[0]:
            try:
                data = os.read(ready, 1 << 16)
            except OSError:  # nobody has the other end open any more
                data = b""
            if not data:
                # It may have been closed by an order that came in the same moment.
                watched = [other for other in watched if other != ready]
            elif ready == terminal:
                os.write(1, data)
            else:
                *lines, commands = (commands + data).split(b"\n")
                for line in lines:
                    obey(line, pid, terminal)
                    if line == b"close":
                        watched = [0]
        ended, status = os.waitpid(pid, os.WNOHANG)
    print(f"exit {os.waitstatus_to_exitcode(status)}", file=sys.stderr)


def obey(line: bytes, pid: int, terminal: int) -> None:
    word, _, rest = line.partition(b" ")
    if word == b"close":
        os.close(terminal)
    elif word == b"type":
        os.write(terminal, rest + b"\r")
    else:
        os.kill(pid, int(rest))


main()
