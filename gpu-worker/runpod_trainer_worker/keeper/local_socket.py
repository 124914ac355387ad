"""How processes of a pod reach its keeper: an abstract socket, which needs no disk and is gone with its process.

Binding it is what makes a keeper the only one. One connection is one question and one answer, each a line of JSON.
"""

from __future__ import annotations

import json
import os
import socket
import struct
from typing import Any, Dict, Optional, Tuple

#: Secrets and the pod's variables are in a question.
_MOST_BYTES = 16 << 20


class Silent(Exception):
    """A keeper is there and does not answer; `pid` is its process where that is known."""

    def __init__(self, pid: Optional[int]) -> None:
        super().__init__("the keeper does not answer")
        self.pid = pid


def address(pod_id: str) -> str:
    """The name of the socket; a keeper serves one user of one pod."""
    return f"\0runpod-trainer-keeper-{os.getuid()}-{pod_id}"


def bind(pod_id: str) -> Optional[socket.socket]:
    """The socket of this pod's keeper; None when another process has it."""
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        made.bind(address(pod_id))
    except OSError:
        made.close()
        return None
    made.listen(64)
    return made


def ask(pod_id: str, question: Dict[str, Any], timeout: float) -> Optional[Dict[str, Any]]:
    """The keeper's answer; None when there is no keeper. Raises Silent after so many seconds."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as connection:
        connection.settimeout(timeout)
        try:
            connection.connect(address(pod_id))
        except (ConnectionError, FileNotFoundError):
            return None
        except OSError:
            raise Silent(None) from None
        pid, user = _peer(connection)
        if user not in (os.getuid(), 0):
            return None
        try:
            send(connection, question)
            answer = receive(connection)
        except (OSError, ValueError):
            raise Silent(pid) from None
    if answer is None:
        # It ended while it was asked.
        return None
    return answer


def is_own(connection: socket.socket) -> bool:
    """Whether the process at the other end belongs to this user, or to root."""
    return _peer(connection)[1] in (os.getuid(), 0)


def send(connection: socket.socket, value: Dict[str, Any]) -> None:
    """One line."""
    connection.sendall(json.dumps(value).encode() + b"\n")


def receive(connection: socket.socket) -> Optional[Dict[str, Any]]:
    """One line; None when the other end has closed. Raises OSError, or ValueError for what is no object."""
    data = bytearray()
    while not data.endswith(b"\n"):
        more = connection.recv(1 << 16)
        if not more:
            return None
        data += more
        if len(data) > _MOST_BYTES:
            raise ValueError("it is too long")
    value = json.loads(data)
    if not isinstance(value, dict):
        raise ValueError("it is no object")
    return value


def _peer(connection: socket.socket) -> Tuple[int, int]:
    """Process and user at the other end; for the one that asks those who listen."""
    size = struct.calcsize("3i")
    pid, user, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    return pid, user
