"""What the tests share: a built worker, a project with a job, and a small API that ends pods."""

from __future__ import annotations

import functools
import http.server
import importlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from secrets import token_hex
from typing import Any, Callable, Dict, Iterator, List, Optional

import pytest
from referencing import Registry, Resource

from runpod_trainer_worker.base.contract import LIMITS
from runpod_trainer_worker.base.procs import parent_of
from runpod_trainer_worker.journal.directory import JobDir
from runpod_trainer_worker.journal.whole import JournalReader, events_of

HERE = Path(__file__).resolve().parent
CONTRACT = HERE.parent.parent / "contract"
PYTHON = sys.executable
FAST = {
    "terminate_after": 1.0,
    "kill_after": 2.0,
    "watch_poll": 0.1,
    "end_after": 0.3,
    "lease": 1.0,
    "api_retry": 0.1,
    "api_retry_max": 0.15,
    "poll": 0.1,
    "follow_grace": 3.0,
    "cap_grace": 4.0,
    "cap_end": 6.0,
    "last_words": 5.0,
}


def vectors(name: str) -> List[Any]:
    """The cases of `contract/vectors/<name>.json`, each under its own name; the client's tests read them too."""
    cases = json.loads((CONTRACT / "vectors" / f"{name}.json").read_text(encoding="utf-8"))["vectors"]
    return [pytest.param(case, id=case["name"]) for case in cases]


@functools.cache
def schema(name: str) -> Any:
    """A JSON Schema of the contract, such as `events`."""
    registry: Any = Registry()
    for path in CONTRACT.glob("*.schema.json"):
        text = json.loads(path.read_text(encoding="utf-8"))
        registry = registry.with_resource(path.name, Resource.from_contents(text))
    jsonschema: Any = importlib.import_module("jsonschema")
    return jsonschema.Draft202012Validator({"$ref": f"{name}.schema.json"}, registry=registry)


def wait_for(condition: Callable[[], Any], seconds: float = 20.0) -> Any:
    """The condition's value as soon as it is true; fails after `seconds`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.03)
    raise AssertionError("the condition did not come true")


def is_running(pid: int) -> bool:
    """Whether the process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


@pytest.fixture(scope="session")
def pyz(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The worker as it is shipped, with its modules compiled."""
    spec = importlib.util.spec_from_file_location("worker_build", HERE.parent / "build.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    target = tmp_path_factory.mktemp("worker") / "worker.pyz"
    module.build(target, compiled=True)
    return target


class Api:
    """RunPod's API for one pod; `replies` decides the answer to each call, the default is a friendly one."""

    def __init__(self) -> None:
        self.calls: List[Dict[str, Any]] = []
        self.reply: Callable[[str], int] = lambda action: 409 if action == "start" else 204
        #: Answers that differ by the key with which the call was made.
        self.reply_to: Dict[str, Callable[[str], int]] = {}
        #: Called with a pod's id after an answer that ends it.
        self.ended: Callable[[str], None] = lambda pod_id: None
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                action = json.loads(body)["action"] if body else self.command.lower()
                call = {"action": action, "path": self.path, "time": time.monotonic(), "headers": dict(self.headers)}
                outer.calls.append(call)
                key = str(self.headers.get("Authorization", "")).replace("Bearer ", "", 1)
                status = outer.reply_to.get(key, outer.reply)(action)
                self.send_response(status)
                text = b"" if status == 204 else json.dumps({"title": "t", "status": status, "detail": "said no"}).encode()
                self.send_header("Content-Type", "application/problem+json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                try:
                    self.wfile.write(text)
                except BrokenPipeError:
                    return  # the pod that asked is gone
                if 200 <= status < 300 and action != "start":
                    outer.ended(self.path.split("/pods/")[1].split("/")[0])

            do_POST = do_DELETE = _serve

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v2"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def actions(self) -> List[str]:
        """The calls so far."""
        return [call["action"] for call in self.calls]

    def ends(self) -> List[str]:
        """The calls that end the pod."""
        return [action for action in self.actions() if action != "start"]

    def close(self) -> None:
        """Stops the server."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def api() -> Iterator[Api]:
    """A fresh API."""
    server = Api()
    yield server
    server.close()


class Bench:
    """A project and a job on a volume of their own."""

    def __init__(self, root: Path, pyz: Path) -> None:
        self.root = root
        self.pyz = pyz
        self.project = root / "vol" / "projects" / "p"
        self.job = root / "vol" / ".runpod-trainer" / "jobs" / "job-1"
        self.temporary = root / "t"
        for folder in (self.project, self.job, self.temporary):
            folder.mkdir(parents=True)
        self.api_url = "http://127.0.0.1:9/v2"
        self.timings = dict(FAST)
        # Its keeper is found by this name on the whole machine.
        self.pod: Dict[str, str] = {"RUNPOD_POD_ID": f"pod{token_hex(4)}", "RUNPOD_API_KEY": "rpa_podkeypodkey"}

    @property
    def pod_id(self) -> str:
        """The pod on which commands run."""
        return self.pod["RUNPOD_POD_ID"]

    def rent(self, api: Api) -> None:
        """From here on there is a platform that ends pods when it is asked to."""
        self.api_url = api.url
        api.ended = self.lose_pod

    def lose_pod(self, pod_id: str) -> None:
        """Kills what runs on a pod: its keeper with all below it, and a worker that outlived its keeper."""
        keepers = self.processes("_keeper")
        below = {pid for pid in keepers if pod_id.encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")}
        below |= {pid for pid in self.processes("_work") if parent_of(pid) not in keepers}
        for pid in keepers:
            if parent_of(pid) in below:
                below.add(pid)
        level = below
        while level:
            level = {pid for pid in self.processes() if parent_of(pid) in level} - below
            below |= level
        for pid in below:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def keeper(self) -> int:
        """The keeper's process. A worker on a busy machine may start a second one, which leaves where there is one."""
        (pid,) = wait_for(lambda: [found for found in [self.processes("_keeper")] if len(found) == 1])[0]
        return int(pid)

    def left_on_disk(self) -> List[str]:
        """What is on the pod's own disk besides the keeper's state, of which the pod's end may cut a write short."""
        names = (path.name for path in (self.temporary / f"runpod-trainer-{os.getuid()}").glob("*"))
        return sorted(name for name in names if not name.startswith(("chosen-", "keeper-", ".keeper-")))

    def write(self, path: str, text: str) -> Path:
        """A file of the project."""
        target = self.project / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        return target

    def notebook(self, path: str, cells: List[str], tags: Optional[Dict[int, str]] = None, **metadata: Any) -> Path:
        """A notebook with these code cells."""
        made: List[Dict[str, Any]] = [
            {
                "cell_type": "code",
                "id": f"c{number}",
                "metadata": {"tags": [(tags or {})[number]]} if number in (tags or {}) else {},
                "source": source,
                "outputs": [],
                "execution_count": None,
            }
            for number, source in enumerate(cells)
        ]
        raw = {"cells": made, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
        return self.write(path, json.dumps(raw))

    def spec(self, *steps: Dict[str, Any], **changes: Any) -> Dict[str, Any]:
        """Writes spec.json."""
        value: Dict[str, Any] = {
            "schema": 1,
            "job": "job-1",
            "project": "p",
            "created": "2026-11-22T00:00:00.000Z",
            "api": {"restUrl": self.api_url},
            "paths": {"project": str(self.project), "mount": str(self.root / "vol")},
            "python": PYTHON,
            "requirements": None,
            "env": {},
            "capSeconds": None,
            "onFinish": "terminate",
            "holdSeconds": 30,
            "from": None,
            "steps": [
                {"where": "pod", "env": {}, "secrets": [], "inputs": [], "outputs": [], "gates": [], **s} for s in steps
            ],
            "localResults": [],
            **changes,
        }
        (self.job / "spec.json").write_text(json.dumps(value), encoding="utf-8")
        return value

    def environment(self, **more: str) -> Dict[str, str]:
        """What an SSH session on the pod has."""
        base = {k: v for k, v in os.environ.items() if not k.startswith("RUNPOD_")}
        timings = {"RUNPOD_TRAINER_TIMINGS": json.dumps(self.timings), "TMPDIR": str(self.temporary)}
        return {**base, **timings, **self.pod, **more}

    def command(self, *arguments: str, stdin: str = "", **more: str) -> "subprocess.CompletedProcess[str]":
        """One command of the worker."""
        argv = [PYTHON, str(self.pyz), *arguments]
        return subprocess.run(
            argv, input=stdin, capture_output=True, text=True, timeout=50, env=self.environment(**more), check=False
        )

    def start(self, **secrets: str) -> Dict[str, Any]:
        """Starts the job; its answer."""
        done = self.command("start", "--job-dir", str(self.job), stdin=json.dumps({"secrets": secrets}))
        answer: Dict[str, Any] = json.loads(done.stdout)
        return answer

    def run_here(self, **more: str) -> "subprocess.CompletedProcess[str]":
        """`run --side pod` in the foreground: everything but watchdog and detaching."""
        return self.command("run", "--job-dir", str(self.job), "--side", "local", **more)

    def follow(self, offset: int = 0) -> "subprocess.CompletedProcess[str]":
        """Follows to the end."""
        return self.command("follow", "--job-dir", str(self.job), "--offset", str(offset))

    def journal(self) -> bytes:
        """The whole journal, whole lines only."""
        job, data = JobDir(self.job), bytearray()
        if job.first_journal.is_dir():
            return b""
        JournalReader(job, 0).copy(data.extend)
        return bytes(data)

    def events(self, kind: Optional[str] = None) -> List[Dict[str, Any]]:
        """The journal."""
        events = events_of(self.journal())
        return [event for event in events if kind is None or event["type"] == kind]

    def output(self, step: Optional[str] = None) -> List[str]:
        """All log lines."""
        return [line for e in self.events("log") if step is None or e["step"] == step for line in e["lines"]]

    def state(self) -> Dict[str, Any]:
        """state.json."""
        value: Dict[str, Any] = json.loads((self.job / "state.json").read_text())
        return value

    def processes(self, word: str = "") -> List[int]:
        """Processes that belong to this bench, by their command line or environment."""
        mark, found = str(self.root).encode(), []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            try:
                line = (entry / "cmdline").read_bytes()
                environment = (entry / "environ").read_bytes()
            except OSError:
                continue
            if (
                (mark in line or mark in environment)
                and (not word or word.encode() in line.split(b"\0"))
                and is_running(int(entry.name))
            ):
                found.append(int(entry.name))
        return found

    def check_contract(self) -> None:
        """Whatever the test did: the worker wrote what the contract's schemas describe."""
        for line in self.written_lines():
            assert len(line) <= LIMITS.event_line_bytes
            schema("events").validate(json.loads(line))
        if (self.job / "state.json").exists():
            schema("state").validate(self.state())

    def written_lines(self) -> List[bytes]:
        """The whole lines of the journal."""
        return self.journal().splitlines()

    def close(self) -> None:
        """Ends what a failed test left."""
        for _ in range(20):
            pids = self.processes()
            if not pids:
                return
            for pid in pids:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            time.sleep(0.05)


@pytest.fixture
def bench(tmp_path: Path, pyz: Path) -> Iterator[Bench]:
    """A fresh project, job and volume."""
    made = Bench(tmp_path, pyz)
    yield made
    made.close()
    made.check_contract()


def shell(name: str, command: str, **more: Any) -> Dict[str, Any]:
    """A shell step on the local side unless told otherwise."""
    return {"name": name, "where": "local", "run": {"kind": "shell", "command": command}, **more}


def on_pod(step: Dict[str, Any]) -> Dict[str, Any]:
    """The same step on the pod."""
    return {**step, "where": "pod"}
