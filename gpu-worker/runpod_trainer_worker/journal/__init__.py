"""What a job has on disk: its order, journal, state and requests, and the spool on the pod's own disk."""
