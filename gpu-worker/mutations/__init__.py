"""Whether tests notice faults."""
