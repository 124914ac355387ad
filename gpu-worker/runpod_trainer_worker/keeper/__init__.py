"""Everything that makes the pod end: its keeper, and the keys with which it does."""
