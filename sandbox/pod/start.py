"""What an official image's /start.sh does at boot, with the lines that it prints: SSH, environment file, ready."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import time
from typing import Protocol


class Settings(Protocol):
    """The part of the pod's configuration that the start script needs."""

    @property
    def isolation(self) -> str: ...
    @property
    def pod_dir(self) -> str: ...
    @property
    def ssh_port(self) -> int: ...
    @property
    def sshd(self) -> str: ...
    @property
    def ssh_keygen(self) -> str: ...
    @property
    def session_path(self) -> str: ...
    @property
    def user(self) -> str: ...


def say(line: str) -> None:
    print(line, flush=True)


def places(settings: Settings) -> tuple[str, str]:
    """Folder of sshd's files and the authorized_keys file: the image's own places, or the pod's folder without a root of its own."""
    if settings.isolation == "namespace":
        return "/etc/ssh", "/root/.ssh/authorized_keys"
    folder = os.path.join(settings.pod_dir, "disk", "ssh")
    return folder, os.path.join(os.environ["HOME"], ".ssh", "authorized_keys")


def session_variables(settings: Settings) -> str:
    """Variables of SSH sessions, as sshd's configuration wants them: none of the pod's, only where its disk is.

    With a root of its own a pod needs PATH alone. Without one, HOME and TMPDIR lead to the pod's folder, so that the
    user's own start files, caches and /tmp stay out of it.
    """
    values = {"PATH": settings.session_path}
    if settings.isolation == "plain":
        values |= plain_folders()
    return " ".join(f'"{name}={value}"' for name, value in values.items())


def plain_folders() -> dict[str, str]:
    """Home and temporary folder of a pod without a root of its own, as PID 1's environment names them."""
    return {name: os.environ[name] for name in ("HOME", "TMPDIR")}


def setup_ssh(settings: Settings, public_key: str) -> None:
    """Writes the key, makes a host key where the container disk has none, prints their fingerprints, starts sshd and waits until it answers."""
    say("Setting up SSH...")
    folder, keys = places(settings)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    os.makedirs(os.path.dirname(keys), mode=0o700, exist_ok=True)
    with open(keys, "a", encoding="utf-8") as file:
        file.write(public_key + "\n")
    os.chmod(keys, 0o600)
    host_key = os.path.join(folder, "ssh_host_ed25519_key")
    if not os.path.exists(host_key):
        make = [
            settings.ssh_keygen,
            "-q",
            "-t",
            "ed25519",
            "-N",
            "",
            "-C",
            "root@pod",
            "-f",
            host_key,
        ]
        subprocess.run(make, check=True)
    config = os.path.join(folder, "sshd_config")
    with open(config, "w", encoding="utf-8") as file:
        file.write(
            "\n".join(
                [
                    f"Port {settings.ssh_port}",
                    "ListenAddress 127.0.0.1",
                    f'HostKey "{host_key}"',
                    'AuthorizedKeysFile "' + keys.replace("%", "%%") + '"',
                    f"AllowUsers {settings.user}",
                    "PermitRootLogin prohibit-password",
                    "PasswordAuthentication no",
                    "KbdInteractiveAuthentication no",
                    "UsePAM no",
                    "StrictModes no",
                    "PidFile none",
                    "PrintMotd no",
                    "AcceptEnv LANG LC_*",
                    f"SetEnv {session_variables(settings)}",
                    "Subsystem sftp internal-sftp",
                    "",
                ]
            )
        )
    log = os.open(
        os.path.join(folder, "sshd.log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600
    )
    daemon = subprocess.Popen(
        [settings.sshd, "-D", "-e", "-f", config],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        env={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
        start_new_session=True,
    )
    os.close(log)
    wait_for_answer(settings.ssh_port, daemon)
    say("SSH host keys:")
    shown = subprocess.run(
        [settings.ssh_keygen, "-lf", host_key + ".pub"],
        capture_output=True,
        text=True,
        check=True,
    )
    say(f"Key: {host_key}.pub")
    say(shown.stdout.strip())


def wait_for_answer(port: int, daemon: subprocess.Popen[bytes]) -> None:
    """Waits until sshd sends its banner, at most 10 s; a daemon that ended is left for the client to notice."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and daemon.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
                connection.settimeout(1)
                if connection.recv(4) == b"SSH-":
                    return
        except OSError:
            time.sleep(0.02)


def export_environment() -> None:
    """Writes /etc/rp_environment as official images do, naive quoting included, for interactive shells only."""
    say("Exporting environment variables...")
    with open("/etc/rp_environment", "w", encoding="utf-8") as file:
        for name, value in os.environ.items():
            if re.fullmatch(r"[A-Z_][A-Z0-9_]*", name) and name != "PUBLIC_KEY":
                file.write(f'export {name}="{value}"\n')
    fresh = not os.path.exists("/root/.bashrc")
    with open("/root/.bashrc", "a", encoding="utf-8") as file:
        # The distribution's own file begins so; without it bash would read the rest for every command over SSH.
        file.write('[ -z "$PS1" ] && return\n' if fresh else "")
        file.write("source /etc/rp_environment\n")


def run(settings: Settings) -> None:
    """The whole start script; the caller then plays its ``sleep infinity``."""
    say("Pod Started")
    public_key = os.environ.get("PUBLIC_KEY", "")
    if public_key:
        setup_ssh(settings, public_key)
    if settings.isolation == "namespace":
        export_environment()
    say("Start script(s) finished, Pod is ready to use.")
