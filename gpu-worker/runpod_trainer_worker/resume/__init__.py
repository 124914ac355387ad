"""Whether a step must run again, and why."""
