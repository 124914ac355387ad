"""The gate on a number that the step reported."""

from __future__ import annotations

from typing import Any, Dict

from .result import FAILED, PASSED, CannotTell, Finding, bounds, within
from .values import short_list


def metric(gate: Dict[str, Any], summary: Dict[str, Any]) -> Finding:
    """The last, best or worst value within its bounds."""
    name, which = gate["name"], gate.get("of", "last")
    entry, expected = summary.get(name), f"{which} {bounds(gate)}"
    if entry is None:
        there = f"It reported: {short_list(sorted(summary))}." if summary else "It reported no metric at all."
        how = 'Append {"' + name + '": value} as a line to the file that RUNPOD_TRAINER_METRICS names.'
        raise CannotTell("not reported", f"The step never reported the metric {name}. {there} {how}")
    # With a lower bound more is better; with only an upper one less is.
    high_is_good = gate.get("min") is not None
    value = entry["last"] if which == "last" else entry["max" if high_is_good == (which == "best") else "min"]
    evidence = {"value": value, **entry}
    if which == "worst" and not entry["finite"]:
        value = None
    if value is None:
        message = f"The {which} value of {name} is not finite. Lower the learning rate, or look at the data."
        return Finding(FAILED, expected, "not finite", message, evidence)
    if within(gate, value):
        return Finding(PASSED, expected, f"{value:g}", None, evidence)
    return Finding(FAILED, expected, f"{value:g}", f"The {which} {name} is {value:g}, expected {bounds(gate)}.", evidence)
