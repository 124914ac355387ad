"""Seeded synthetic raw material: songs that nobody had to record."""
