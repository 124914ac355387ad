"""From pod to pod: a key for one move, and the stream to the other pod over SSH.

The private half is made on this pod, in memory, and never leaves it. The other pod takes the public half for one command
only; its host key is the one that the client saw and pinned.
"""

from __future__ import annotations

import glob
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any, BinaryIO, Dict, List, NoReturn, Optional, cast

from ..base.errors import WorkerError
from ..files.lines import Answer
from .streams import send

_MEMORY = Path("/dev/shm")
_PREFIX = "runpod-trainer-move-"
_REACH_SECONDS = 8
#: ssh's own exit code when there is no connection.
_SSH_FAILED = 255
_CIPHERS = "aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,aes128-ctr"


def _refused(why: str, reached: bool = False) -> Dict[str, Any]:
    return {"reached": reached, "why": why}


def key(host: str, port: int, answer: Answer) -> None:
    """Looks whether an SSH server answers there, without logging in, and makes a key for it.

    Answers `{"reached": true, "hostKeys": ["<type> <base64>"], "folder", "publicKey"}` or `{"reached": false, "why"}`.
    """
    forget()
    if not _MEMORY.is_dir():
        answer(_refused("this pod has no /dev/shm, and a key is not written to a disk"))
        return
    try:
        found = subprocess.run(
            ["ssh-keyscan", "-T", str(_REACH_SECONDS), "-t", "ed25519,ecdsa,rsa", "-p", str(port), host],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=4 * _REACH_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        answer(_refused("its image has no SSH client"))
        return
    except subprocess.TimeoutExpired:
        answer(_refused(f"{host}:{port} did not answer in time"))
        return
    lines = [line.split(" ", 1) for line in found.stdout.decode("utf-8", "replace").splitlines()]
    host_keys = [line[1] for line in lines if len(line) == 2 and not line[0].startswith("#")]
    if not host_keys:
        answer(_refused(f"no SSH server answers it at {host}:{port}"))
        return
    folder = tempfile.mkdtemp(prefix=_PREFIX, dir=_MEMORY)
    try:
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "runpod-trainer-move", "-f", f"{folder}/key"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            check=True,
        )
        public = Path(folder, "key.pub").read_text("utf-8").strip()
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    answer({"reached": True, "hostKeys": host_keys, "folder": folder, "publicKey": public})


def forget() -> None:
    """Removes the keys of moves from this pod's memory."""
    for folder in glob.glob(f"{glob.escape(str(_MEMORY))}/{_PREFIX}*"):
        if os.lstat(folder).st_uid == os.getuid():
            shutil.rmtree(folder, ignore_errors=True)


def admit(line: bytes, answer: Answer) -> None:
    """Lets the key in `{"publicKey", "command"}` run that one command here and nothing else."""
    request = json.loads(line)
    public, command = str(request["publicKey"]), str(request["command"])
    if "\n" in public or "\n" in command or not public.startswith("ssh-ed25519 "):
        raise WorkerError("The key was refused.", "It is not one line of an ed25519 key.", "Start again.")
    keys = _authorized()
    keys.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    quoted = command.replace("\\", "\\\\").replace('"', '\\"')
    _write_keys([*_other_keys(keys, public), f'restrict,command="{quoted}" {public}'], keys)
    answer({"ok": True})


def dismiss(line: bytes, answer: Answer) -> None:
    """Takes the key in `{"publicKey"}` away again."""
    keys = _authorized()
    _write_keys(_other_keys(keys, str(json.loads(line)["publicKey"])), keys)
    answer({"ok": True})


def _authorized() -> Path:
    return Path.home() / ".ssh" / "authorized_keys"


def _other_keys(keys: Path, public: str) -> List[str]:
    material = public.split(" ")[1]
    try:
        return [line for line in keys.read_text("utf-8").splitlines() if material not in line]
    except FileNotFoundError:
        return []


def _write_keys(lines: List[str], keys: Path) -> None:
    temporary = keys.with_name(f"authorized_keys.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)
    os.replace(temporary, keys)


def push(root: Path, source: BinaryIO) -> None:
    """Sends what the lines after the first name to the other pod and passes its answers on.

    The first line is `{"folder", "host", "port", "user", "hostKey"}`. A last line `{"unreachable": why}` says that
    the other pod was not reached, `{"cut": why}` that the stream was; the key is gone afterwards in any case.
    """
    request = json.loads(source.readline())
    folder = Path(request["folder"])
    if folder.parent != _MEMORY or not folder.name.startswith(_PREFIX):
        raise WorkerError("The key was refused.", f"{folder} is not a place for one.", "Start again.")
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, _end)
    try:
        _Push(folder, request).run(root, source)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _end(number: int, _frame: object) -> NoReturn:
    sys.exit(128 + number)


class _Push:
    def __init__(self, folder: Path, request: Dict[str, Any]) -> None:
        host, port = str(request["host"]), int(request["port"])
        known = folder / "known_hosts"
        name = host if port == 22 else f"[{host}]:{port}"
        known.write_text(f"{name} {request['hostKey']}\n", "utf-8")
        options = {
            "IdentitiesOnly": "yes",
            "BatchMode": "yes",
            "StrictHostKeyChecking": "yes",
            "UserKnownHostsFile": str(known),
            "GlobalKnownHostsFile": "/dev/null",
            "UpdateHostKeys": "no",
            "ControlPath": "none",
            "ConnectTimeout": "15",
            "ServerAliveInterval": "5",
            "ServerAliveCountMax": "3",
            "Ciphers": _CIPHERS,
        }
        told = [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
        # The command that the other pod runs is the one that it was told by `admit`; this word only asks for it.
        place = ["-p", str(port), f"{request['user']}@{host}"]
        argv = ["ssh", "-F", "none", "-i", str(folder / "key"), *told, *place, "receive"]
        self._ssh = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self._ready = False
        self._words = b""

    def run(self, root: Path, source: BinaryIO) -> None:
        """Until everything is sent and answered."""
        threads = [threading.Thread(target=self._answers, daemon=True), threading.Thread(target=self._listen, daemon=True)]
        for thread in threads:
            thread.start()
        failure: Optional[BaseException] = None
        stdin = cast(BinaryIO, self._ssh.stdin)
        try:
            try:
                send(root, (line for line in source if line.strip()), stdin, compress=False)
                stdin.close()
            except BrokenPipeError as problem:
                failure = problem
            for thread in threads:
                thread.join()
            code = self._ssh.wait()
        finally:
            self._ssh.kill()
            self._ssh.wait()
        if code != 0 or failure is not None:
            words = self._words.decode("utf-8", "replace").strip().splitlines()
            end = "unreachable" if code == _SSH_FAILED and not self._ready else "cut"
            _say({end: words[-1] if words else f"exit code {code}"})

    def _answers(self) -> None:
        for line in cast(BinaryIO, self._ssh.stdout):
            self._ready = True
            try:
                sys.stdout.buffer.write(line)
                sys.stdout.buffer.flush()
            except OSError:
                # Nobody is there to be told: the move ends.
                self._ssh.kill()
                return

    def _listen(self) -> None:
        for line in cast(BinaryIO, self._ssh.stderr):
            self._words = (self._words + line)[-4096:]


def _say(value: Dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()
