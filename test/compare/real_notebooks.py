"""What the kernel and the worker make of notebooks. Input: the worker's file and a folder, then paths by lines.

For each path a line of JSON: whether the worker reads it, the cells that IPython does not compile (none is executed for
that), and how a run of the whole notebook by the worker ends.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Dict, List, Optional

from IPython.core.interactiveshell import InteractiveShell

_SECONDS = 40
worker, sources = sys.argv[1:]
sys.path.insert(0, sources)

from runpod_trainer_worker.run.notebook_child import Refused, read_notebook  # noqa: E402


class Compiler(InteractiveShell):
    """Compiles everything that it would run, and runs nothing."""

    async def run_code(self, code_obj: Any, result: Any = None, *, async_: bool = False) -> bool:
        return False


def wrong_cells(notebook: Any) -> List[str]:
    shell = Compiler.instance()
    wrong = []
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        if cell.cell_type != "code" or not cell.source.strip() or {"skip-execution", "raises-exception"} & set(tags):
            continue
        sources = [cell.source]
        if cell.source.split(None, 1)[0] in ("%%time", "%%timeit", "%%prun"):
            sources.append(cell.source.partition("\n")[2])
        for source in sources:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                result = shell.run_cell(source)
            if result.error_before_exec is not None:
                wrong.append(source)
    return wrong


def run(path: str) -> Optional[str]:
    """The worker's reason, None when it passed; `late` when it did not end."""
    with tempfile.TemporaryDirectory() as folder:
        reading, writing = os.pipe()
        request = {"path": path, "shown": path, "out": os.path.join(folder, "out.ipynb"), "parameters": {}, "cwd": folder}
        request.update({"pythonPath": folder, "secrets": [], "channel": writing})
        process = subprocess.Popen(
            [sys.executable, worker, "_notebook"],
            **{"stdin": subprocess.PIPE, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL},
            pass_fds=[writing],
            cwd=folder,
            start_new_session=True,
        )
        os.close(writing)
        late = False
        try:
            process.communicate(json.dumps(request).encode(), timeout=_SECONDS)
        except subprocess.TimeoutExpired:
            late = True
            os.killpg(process.pid, 15)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, 9)
                process.wait()
        with os.fdopen(reading, encoding="utf-8") as channel:
            answers: List[Dict[str, Any]] = [json.loads(line) for line in channel if line.strip()]
    reasons = [answer["reason"] for answer in answers if "reason" in answer]
    return "late" if late else reasons[-1] if reasons else None if process.returncode == 0 else "it did not say"


for line in sys.stdin:
    path = line.rstrip("\n")
    answer: Dict[str, Any] = {"path": path, "read": None, "wrong": [], "run": None}
    try:
        answer["wrong"] = wrong_cells(read_notebook(Path(path), path))
    except Refused as problem:
        answer["read"] = str(problem)
    answer["run"] = run(path)
    print(json.dumps(answer), flush=True)
