"""The first process of a sandbox pod: it plays the container runtime's init and an official image's start script.

Standard input carries one line of JSON (see ``Config``) and then stays open for as long as the pod may live: end of
file means that the sandbox is gone or wants the pod to end. Standard output and standard error are the container log.
Descriptor 3 carries one JSON object per line to the sandbox: ``{"event": "ready"|"exit"|"port-taken"|"note", ...}``.
The environment of this process is the pod's environment, and nothing else has it: SSH sessions start without it.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import Any

import kernel
import root as rootfs
import start
import start_script

EVENTS = 3
PR_SET_CHILD_SUBREAPER = 36
GRACE_SECONDS = 1.0


@dataclass(frozen=True)
class Config:
    """What the sandbox asks for. ``command`` empty means the image's own start script."""

    isolation: str
    pod_dir: str
    mounts: list[dict[str, str]]
    image: list[str]
    ssh_port: int
    sshd: str
    ssh_keygen: str
    session_path: str
    user: str
    command: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.isolation not in ("namespace", "plain"):
            raise ValueError(f"unknown isolation {self.isolation!r}")
        if not os.path.isabs(self.pod_dir):
            raise ValueError("pod_dir must be absolute")


def tell(event: str, **values: Any) -> None:
    """Sends one event to the sandbox; a closed pipe means that it is gone, which end of file will say as well."""
    try:
        os.write(EVENTS, (json.dumps({"event": event, **values}) + "\n").encode())
    except OSError:
        pass


def read_config() -> Config:
    """Reads the first line without buffering, so that end of file stays visible to the poll loop."""
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            sys.exit(1)
        line += byte
    return Config(**json.loads(line))


def descendants() -> list[int]:
    """Every process below this one, found through /proc (or ps where there is none)."""
    parents: dict[int, int] = {}
    if os.path.isdir("/proc/self"):
        for name in os.listdir("/proc"):
            if name.isdigit():
                try:
                    with open(f"/proc/{name}/stat", "rb") as file:
                        parents[int(name)] = int(
                            file.read().rpartition(b")")[2].split()[1]
                        )
                except (OSError, IndexError):
                    continue
    else:
        for row in subprocess.run(
            ["ps", "-axo", "pid=,ppid="], capture_output=True, check=False
        ).stdout.splitlines():
            pid, parent = row.split()
            parents[int(pid)] = int(parent)
    found: list[int] = []
    level = [os.getpid()]
    while level:
        level = [pid for pid, parent in parents.items() if parent in level]
        found += level
    return found


def reap() -> dict[int, int]:
    """Collects ended children: pid to exit code, negative for a signal."""
    ended: dict[int, int] = {}
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended
        if pid == 0:
            return ended
        ended[pid] = os.waitstatus_to_exitcode(status)


def kill_everything() -> None:
    """Kills all descendants, again and again until none is left: daemons that left their session are ours by subreaping."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        reap()
        alive = descendants()
        if not alive:
            return
        for pid in alive:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.02)


def end(child: subprocess.Popen[bytes] | None) -> None:
    """A container's end: SIGTERM to the command, a short grace, then SIGKILL to everything."""
    if child is not None:
        child.terminate()
        deadline = time.monotonic() + GRACE_SECONDS
        while time.monotonic() < deadline and child.pid not in reap():
            time.sleep(0.02)
    kill_everything()


def port_taken(port: int) -> bool:
    """Whether another program of this machine has taken the port since the sandbox chose it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def run_start_script(config: Config) -> bool:
    """The image's own start script; False when another program has the port of its sshd."""
    if os.environ.get("PUBLIC_KEY") and port_taken(config.ssh_port):
        tell("port-taken")
        return False
    start.run(config)
    return True


def serve(config: Config) -> int:
    """Runs the image's start script or the given command until it ends or standard input does; the exit code."""
    waker_read, waker_write = os.pipe()
    os.set_blocking(waker_write, False)
    os.set_blocking(waker_read, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(waker_write, warn_on_full_buffer=False)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # A handler and not SIG_IGN: ignoring would be inherited by everything that runs in the pod.
        signal.signal(number, lambda *_: None)

    child: subprocess.Popen[bytes] | None = None
    asked: int | None = None
    if config.command:
        asked, command = start_script.provide(config, config.command)
        program = shutil.which(command[0])
        if program is None:
            tell(
                "note",
                text=f'failed to create container: exec: "{command[0]}": executable file not found in $PATH',
            )
            return 127
        child = subprocess.Popen([program, *command[1:]], stdin=subprocess.DEVNULL)
    elif not run_start_script(config):
        return 1
    tell("ready")

    poller = select.poll()
    poller.register(0, select.POLLIN | select.POLLHUP)
    poller.register(waker_read, select.POLLIN)
    if asked is not None:
        poller.register(asked, select.POLLIN)
    while True:
        for descriptor, _ in poller.poll():
            if descriptor == asked:
                os.read(asked, 4096)
                if not run_start_script(config):
                    end(child)
                    return 1
            elif descriptor == 0:
                if not os.read(0, 4096):
                    end(child)
                    return 0
            else:
                os.read(waker_read, 4096)
        ended = reap()
        if child is not None and child.pid in ended:
            tell("exit", code=ended[child.pid])
            kill_everything()
            return max(ended[child.pid], 0)


def forget_own_locale() -> None:
    """Python puts LC_CTYPE into the environment of a process without a locale; the pod did not ask for it."""
    try:
        with open("/proc/self/environ", "rb") as file:
            given = file.read().split(b"\0")
    except OSError:
        return
    if not any(text.startswith(b"LC_CTYPE=") for text in given):
        os.environ.pop("LC_CTYPE", None)


def main() -> None:
    os.umask(0o022)
    forget_own_locale()
    os.set_inheritable(EVENTS, False)
    config = read_config()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    if config.isolation == "namespace":
        for note in rootfs.enter(config.pod_dir, config.image, config.mounts):
            tell("note", text=note)
        kernel.drop_capabilities()
    sys.exit(serve(config))


if __name__ == "__main__":
    main()
