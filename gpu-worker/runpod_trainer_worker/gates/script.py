"""The gate that is a script of the project: its exit code decides."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict

from .result import FAILED, PASSED, CannotTell, Finding

_KEPT_OUTPUT = 20


def script(project: Path, gate: Dict[str, Any], environment: Dict[str, str]) -> Finding:
    """Runs the script with the step's environment; a JSON object in its last line is evidence."""
    if not (project / gate["script"]).is_file():
        raise CannotTell("no file", f"The gate's script {gate['script']} does not exist.")
    argv = [sys.executable, gate["script"], *gate.get("args", [])]
    done = subprocess.run(argv, cwd=project, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    text = done.stdout.decode("utf-8", "replace")
    sys.stdout.write(text)
    sys.stdout.flush()
    lines = [line for line in text.splitlines() if line.strip()]
    evidence: Dict[str, Any] = {"exitCode": done.returncode}
    try:
        last = json.loads(lines[-1]) if lines else None
    except ValueError:
        last = None
    if isinstance(last, dict):
        evidence.update(last)
    if done.returncode == 0:
        return Finding(PASSED, "exit code 0", "exit code 0", None, evidence)
    evidence["output"] = lines[-_KEPT_OUTPUT:]
    ending = f" Its last line: {lines[-1]}" if lines else ""
    message = f"{gate['script']} ended with exit code {done.returncode}.{ending}"
    return Finding(FAILED, "exit code 0", f"exit code {done.returncode}", message, evidence)
