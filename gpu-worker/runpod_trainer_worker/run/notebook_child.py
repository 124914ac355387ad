"""The child process that runs one notebook with the step's Python, and keeps a copy after every cell."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import json
import keyword
import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Tuple

from ..base import fsutil, procs
from ..base.masking import Masker
from .notebook_file import is_python, language_of, notebook_text

if TYPE_CHECKING:
    from nbformat import NotebookNode

_NEEDS = ("nbformat", "nbclient", "jupyter_client", "ipykernel")


class Refused(Exception):
    """The notebook cannot run, or did not end well; the message is the step's reason."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


def _nbformat() -> Any:
    return importlib.import_module("nbformat")


def read_notebook(path: Path, shown: str) -> NotebookNode:
    """The notebook as version 4; raises Refused with the cause."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise Refused(f"The notebook {shown} does not exist. Check the path in the step and the upload.") from None
    except OSError as problem:
        raise Refused(f"The notebook {shown} cannot be read: {problem}.") from problem
    try:
        text = notebook_text(data)
    except json.JSONDecodeError as problem:
        raise Refused(f"The notebook {shown} is not valid JSON: {problem}. Open and save it in an editor.") from problem
    except (ValueError, RecursionError) as problem:
        raise Refused(f"The notebook {shown} is broken: {problem}. Open and save it in an editor.") from problem
    try:
        notebook: NotebookNode = _nbformat().reads(text, as_version=4)
        cells = notebook.cells
    except Exception as problem:
        raise Refused(f"The notebook {shown} is broken: {problem}. Open and save it in an editor.") from problem
    language = language_of(notebook.metadata)
    if not is_python(language):
        raise Refused(f"The notebook {shown} is written for {language}; steps run Python notebooks only.")
    for cell in cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook


def inject_parameters(notebook: NotebookNode, parameters: Dict[str, Any]) -> None:
    """Puts an assignment of every parameter after the cell tagged `parameters`, else at the top."""
    if not parameters:
        return
    for name in parameters:
        if not name.isidentifier() or keyword.iskeyword(name):
            raise Refused(f"The parameter {name!r} is not a Python name. Rename it in the project file.")

    def tagged(tag: str) -> List[int]:
        return [n for n, cell in enumerate(notebook.cells) if tag in cell.metadata.get("tags", [])]

    source = "# Parameters\n" + "\n".join(f"{name} = {value!r}" for name, value in parameters.items())
    cell = _nbformat().v4.new_code_cell(source, metadata={"tags": ["injected-parameters"]})
    if (notebook.nbformat, notebook.nbformat_minor) < (4, 5):
        cell.pop("id", None)
    for number in reversed(tagged("injected-parameters")):
        del notebook.cells[number]
    defaults = tagged("parameters")
    notebook.cells.insert(defaults[0] + 1 if defaults else 0, cell)


class NotebookRun:
    """One run. `channel` gets `{"cell", "of", "status", "seconds"}` and at the end perhaps `{"reason"}`."""

    def __init__(self, request: Dict[str, Any], channel: Any) -> None:
        self._request = request
        self._channel = channel
        self._out = Path(request["out"])
        self._masker = Masker(request["hidden"])
        #: The cells as they may be kept.
        self._cells: List[Any] = []
        self._interrupted = False
        self._manager: Any = None
        self._notebook: Optional[NotebookNode] = None

    def tell(self, **answer: Any) -> None:
        """Sends one answer to the worker."""
        self._channel.write(json.dumps(answer) + "\n")
        self._channel.flush()

    def save(self, changed: Optional[int] = None) -> None:
        """Replaces the executed copy in one step; only this cell has changed, unless all may have."""
        assert self._notebook is not None
        if changed is None:
            self._cells = [self._kept(cell) for cell in self._notebook.cells]
        else:
            self._cells[changed] = self._kept(self._notebook.cells[changed])
        head = self._masker.value(self._written({**self._notebook, "cells": []}))
        text = json.dumps({**head, "cells": self._cells}, ensure_ascii=False, indent=1, sort_keys=True)
        fsutil.write_atomic(self._out, fsutil.encode(text + "\n"))

    def _kept(self, cell: Any) -> Any:
        """A cell as a notebook's file has it, without secrets, also those that it printed in pieces."""
        assert self._notebook is not None
        raw = self._written({**self._notebook, "cells": [cell]})["cells"][0]
        for name in ("stdout", "stderr"):
            streams = [output for output in raw.get("outputs", []) if output.get("name") == name and "text" in output]
            texts = self._masker.texts(["".join(output["text"]) for output in streams])
            for output, text in zip(streams, texts):
                output["text"] = text.splitlines(keepends=True)
        return self._masker.value(raw)

    @staticmethod
    def _written(notebook: Dict[str, Any]) -> Dict[str, Any]:
        nbformat = _nbformat()
        written: Dict[str, Any] = json.loads(nbformat.writes(nbformat.from_dict(notebook)))
        return written

    def run(self) -> None:
        """Runs all code cells; raises Refused when that did not end well."""
        missing = [name for name in _NEEDS if importlib.util.find_spec(name) is None]
        if missing:
            raise Refused(
                f"{sys.executable} cannot run notebooks: {', '.join(missing)} missing. "
                "Add nbclient and ipykernel to the requirements file that target.requirements names."
            )
        self._notebook = read_notebook(Path(self._request["path"]), self._request["shown"])
        inject_parameters(self._notebook, self._request["parameters"])
        self.save()
        try:
            asyncio.run(self._execute())
        finally:
            # A later cell may have replaced what an earlier one showed.
            self.save()

    async def _execute(self) -> None:
        from .notebook_kernel import client_for

        assert self._notebook is not None
        client, self._manager = client_for(self._notebook, self._request["cwd"], os.environ["JUPYTER_RUNTIME_DIR"])
        cells: List[Tuple[int, Any]] = [
            (index, cell)
            for index, cell in enumerate(self._notebook.cells)
            if cell.cell_type == "code" and cell.source.strip()
        ]
        environment = dict(os.environ)
        environment["PYTHONPATH"] = self._request["pythonPath"]
        try:
            async with client.async_setup_kernel(env=environment):
                self._catch_signals()
                for number, (index, cell) in enumerate(cells, 1):
                    await self._cell(client, number, len(cells), index, cell)
        except Refused:
            raise
        except RuntimeError as problem:
            raise Refused(f"The notebook's kernel did not start: {problem}") from problem

    async def _cell(self, client: Any, number: int, of: int, index: int, cell: Any) -> None:
        from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

        if self._interrupted:
            raise Refused("The notebook was interrupted.", 130)
        self.tell(cell=number, of=of, status="started", seconds=None)
        began = time.monotonic()
        problem: Optional[Refused] = None
        try:
            await client.async_execute_cell(cell, index)
        except CellExecutionError as failure:
            said = self._masker.text(f"{failure.ename}: {failure.evalue}")
            problem = Refused(f"Cell {number} of {of} failed: {said}"[:1000])
        except (DeadKernelError, CellTimeoutError) as failure:
            problem = Refused(self._death(number, of) if isinstance(failure, DeadKernelError) else str(failure))
        if problem is not None and self._interrupted:
            problem = Refused(f"Cell {number} of {of} was interrupted.", 130)
        self.save(index)
        status = "passed" if problem is None else "failed"
        self.tell(cell=number, of=of, status=status, seconds=round(time.monotonic() - began, 3))
        if problem is not None:
            raise problem

    def _death(self, number: int, of: int) -> str:
        process = getattr(getattr(self._manager, "provisioner", None), "process", None)
        code = process.poll() if process is not None else None
        if code is not None and code < 0:
            name = signal.Signals(-code).name
            cause = f"it was ended by {name}" + (", probably out of memory" if -code == signal.SIGKILL else "")
        else:
            cause = f"its exit code is {code}" if code is not None else "its exit code is unknown"
        return f"The kernel died in cell {number} of {of}: {cause}. The cells before it are in the executed copy."

    def _catch_signals(self) -> None:
        loop = asyncio.get_running_loop()

        def interrupt() -> None:
            self._interrupted = True
            self._interrupting = asyncio.ensure_future(self._manager.interrupt_kernel())

        def terminate() -> None:
            self.save()
            procs.kill_members(os.environ.get(procs.STEP_DIR, ""))
            os._exit(128 + signal.SIGTERM)

        loop.add_signal_handler(signal.SIGINT, interrupt)
        loop.add_signal_handler(signal.SIGTERM, terminate)


def main() -> int:
    """Reads the request from standard input; exit code 0 when every cell passed."""
    request = json.load(sys.stdin)
    # The path of a socket has at most 107 bytes.
    base = tempfile.gettempdir() if len(tempfile.gettempdir()) < 60 else "/tmp"
    with os.fdopen(request["channel"], "w", encoding="utf-8") as channel, tempfile.TemporaryDirectory(dir=base) as runtime:
        os.set_inheritable(channel.fileno(), False)
        os.environ["JUPYTER_RUNTIME_DIR"] = runtime
        run = NotebookRun(request, channel)
        try:
            run.run()
        except Refused as problem:
            run.tell(reason=str(problem))
            print(str(problem), file=sys.stderr, flush=True)
            return problem.code
        except KeyboardInterrupt:
            run.tell(reason="The notebook was interrupted.")
            return 130
    return 0
