"""The check after a step, one kind a file; runs with the step's Python."""
