"""A job: its steps and their processes, and what a client asks of it."""
