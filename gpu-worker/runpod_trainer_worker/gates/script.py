"""The gate that is a script of the project: its exit code decides."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import deque
from pathlib import Path
from typing import Any, Deque, Dict

from .result import FAILED, PASSED, CannotTell, Finding

_KEPT_OUTPUT = 20


def script(project: Path, gate: Dict[str, Any], environment: Dict[str, str]) -> Finding:
    """Runs the script with the step's environment; a JSON object in its last line is evidence."""
    if not (project / gate["script"]).is_file():
        raise CannotTell("no file", f"The gate's script {gate['script']} does not exist.")
    argv = [sys.executable, gate["script"], *gate.get("args", [])]
    lines: Deque[str] = deque(maxlen=_KEPT_OUTPUT)
    with subprocess.Popen(
        argv, cwd=project, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        assert process.stdout is not None
        # Told while it comes, so that a script that hangs has said where.
        for raw in process.stdout:
            line = raw.decode("utf-8", "replace")
            sys.stdout.write(line)
            sys.stdout.flush()
            lines += [part for part in line.splitlines() if part.strip()]
    code = process.returncode
    evidence: Dict[str, Any] = {"exitCode": code}
    try:
        last = json.loads(lines[-1]) if lines else None
    except ValueError:
        last = None
    if isinstance(last, dict):
        evidence.update(last)
    if code == 0:
        return Finding(PASSED, "exit code 0", "exit code 0", None, evidence)
    evidence["output"] = list(lines)
    ending = f" Its last line: {lines[-1]}" if lines else ""
    message = f"{gate['script']} ended with exit code {code}.{ending}"
    return Finding(FAILED, "exit code 0", f"exit code {code}", message, evidence)
