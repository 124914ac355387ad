"""Song manifests to one table."""
