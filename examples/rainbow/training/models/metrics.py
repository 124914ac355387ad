"""Reports numbers to whoever runs the step."""

import json
import math
import os
from pathlib import Path


def report(**values: float) -> None:
    """Appends one JSON line to the file that RUNPOD_TRAINER_METRICS names; only prints when it is not set.

    ValueError when a value is not finite: a loss of NaN should end the training, not be plotted.
    """
    for name, value in values.items():
        if not math.isfinite(value):
            raise ValueError(f"the metric {name} is {value}; lower the learning rate or look at the data")
    line = json.dumps({name: round(value, 6) for name, value in values.items()})
    print(line, flush=True)
    target = os.environ.get("RUNPOD_TRAINER_METRICS")
    if target:
        with Path(target).open("a", encoding="utf-8") as file:
            file.write(line + "\n")
