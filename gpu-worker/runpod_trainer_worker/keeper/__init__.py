"""Everything that makes the pod end: the watchdog, the guard, the keys with which they do it."""
