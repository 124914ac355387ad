"""Tells in a sentence why a process ended as it did."""

from __future__ import annotations

import signal
from typing import Optional, Tuple

from .process import BROKEN, CANCEL, FENCED, TIMEOUT, Outcome


def _memory(outcome: Outcome) -> str:
    if outcome.oom_kills:
        return "The kernel killed it: out of memory. Use less memory (a smaller batch, fewer workers) or a larger pod."
    return "It was killed by SIGKILL, probably out of memory. Use less memory (a smaller batch, fewer workers)."


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def status_and_reason(outcome: Outcome, timeout: Optional[float], told: Optional[str]) -> Tuple[str, Optional[str]]:
    """(`status`, `reason`) of `step.finished`; `told` is the reason that the process gave itself."""
    if outcome.stopped in (CANCEL, FENCED):
        return "cancelled", "It was cancelled."
    if outcome.stopped == TIMEOUT:
        return "timeout", f"It took longer than its limit of {timeout:g} seconds."
    if outcome.stopped == BROKEN:
        return "failed", None
    code = outcome.code
    if code == 0:
        return "passed", None
    if told is not None:
        return "failed", told
    number = -code if code < 0 else code - 128
    if number == signal.SIGKILL:
        return "failed", _memory(outcome)
    last = f" Last line of its errors: {outcome.last_error[:500]}" if outcome.last_error else ""
    killed = " The kernel killed one of its processes for lack of memory." if outcome.oom_kills else ""
    if code < 0 or (code > 128 and number in {s.value for s in signal.Signals}):
        how = "crashed with" if number in (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGILL) else "was ended by"
        return "failed", f"It {how} {_signal(number)}.{killed}{last}"
    return "failed", f"It ended with exit code {code}.{killed}{last}"
